from odoo import api, fields, models
from odoo.fields import Command
from odoo.tools import format_date

from ..models.gdpr_request import PROOFS, SOURCES


class GdprErasureWizard(models.TransientModel):
    """The *Delete me* dialog: it shows what would happen. Nothing is stored until the handler submits."""

    _name = "gdpr.erasure.wizard"
    _inherit = ["gdpr.identity.dialog"]
    _description = "Delete a Person's Data"

    received_at = fields.Datetime("Asked on", required=True, default=fields.Datetime.now)
    source = fields.Selection(SOURCES, "How", required=True, default="in_person")
    note = fields.Text(help="What the person asked for, in a few words. Do not repeat their data here.")
    identity_ids = fields.One2many(
        "gdpr.erasure.wizard.identity",
        "wizard_id",
        "Who is it?",
        compute="_compute_identity_ids",
        store=True,
        readonly=False,
    )
    identity_proof = fields.Selection(PROOFS, "Identity", compute="_compute_identity_proof", store=True, readonly=False)
    preview = fields.Html("What happens", compute="_compute_preview", sanitize=False)
    to_decide = fields.Integer(compute="_compute_preview")
    index_note = fields.Char(compute="_compute_index_note")
    due = fields.Char("Answer due", compute="_compute_due")

    @api.depends("partner_id")
    def _compute_identity_ids(self):
        for wizard in self:
            wizard._check_may_look()
            wizard.identity_ids = [Command.clear(), *map(Command.create, wizard._gathered(asked=True))]
            for line in wizard.identity_ids:
                line.included = line.included and not line._get_obstacle()

    @api.depends("source", "partner_id")
    def _compute_identity_proof(self):
        for wizard in self:
            # sudo: whether the contact has a login is what the portal's own buttons on it say
            user = wizard.partner_id.sudo().with_context(active_test=False).user_ids
            if wizard.source == "portal" and user:
                wizard.identity_proof = "login"

    @api.depends("partner_id", "identity_ids.included")
    def _compute_preview(self):
        for wizard in self:
            wizard._check_may_look()
            contacts, choice = wizard._chosen()
            located, _identity = self.env["gdpr.finder"].sudo()._locate(contacts, choice=choice)
            rulings = self.env["gdpr.planner"].sudo()._plan(located)
            lines = self.env["gdpr.reporter"]._plan_lines(rulings)
            wizard.to_decide = sum(1 for ruling in rulings if ruling.action == "review")
            wizard.preview = self.env["ir.qweb"]._render("client_gdpr.plan_preview", {"lines": lines})

    @api.depends("partner_id")
    @api.depends_context("lang")
    def _compute_index_note(self):
        self.index_note = self.env["gdpr.data.path"]._indexes_note()

    @api.depends("received_at")
    def _compute_due(self):
        for wizard in self:
            if not wizard.received_at:
                wizard.due = False
                continue
            received = fields.Datetime.context_timestamp(wizard, wizard.received_at).date()
            deadline = self.env["consent.country"]._due(self.env.company, received)
            wizard.due = format_date(self.env, deadline.day, date_format="EEEE d MMMM y")

    def action_submit(self):
        """Register the request, plan it and hand it to the approvers; stop at the plan when lines need a decision."""
        self.ensure_one()
        requests = self.env["gdpr.request"]
        request = requests.browse(
            requests.request_open("erasure", self.partner_id.ids, self.received_at, self.source, self.note)
        )
        request._choose(self._said())
        request.action_confirm_identity(self.identity_proof)
        request.action_plan()
        if not request.undecided_count:
            request.action_submit()
        return request._get_form_action()
