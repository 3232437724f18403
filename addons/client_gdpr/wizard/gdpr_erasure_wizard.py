from odoo import api, fields, models
from odoo.fields import Command
from odoo.tools import format_date

from ..models.gdpr_data_map import PERSON
from ..models.gdpr_request import PROOFS, SOURCES
from ..tools.identity import Choice


class GdprErasureWizard(models.TransientModel):
    """The *Delete me* dialog: it shows what would happen. Nothing is stored until the handler submits."""

    _name = "gdpr.erasure.wizard"
    _description = "Delete a Person's Data"

    partner_id = fields.Many2one("res.partner", "Contact", required=True, readonly=True, ondelete="cascade")
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

    def _check_may_look(self):
        self.partner_id.check_access("read")
        self.env["gdpr.request"]._check_group("handler")

    def _gathered(self, asked=False):
        """Values of lines for the records that may be about the same person."""
        found = self.env["gdpr.finder"].sudo()._candidates([self.partner_id.ids])
        [theirs] = self.identity_ids._of_company(found, self.env.company)
        return self.identity_ids._prepare_lines(theirs, asked)

    def _chosen(self):
        """The contacts of the person as ticked, and the choice among other records, as the finder takes them.

        The dialog comes back from the browser: only what the finder itself gathers counts.
        """
        places = {(line["model"], line["res_id"]) for line in self._gathered()}
        ticked = {place for place in places if self._said().get(place)}
        contacts = sorted(id_ for model, id_ in ticked if model == PERSON)
        others = {place for place in places if place[0] != PERSON}
        return [*self.partner_id.ids, *contacts], Choice(frozenset(others & ticked), frozenset(others - ticked))

    def _said(self):
        """What the ticks say: (model, id) → whether it is the same person."""
        return {(line.model, line.res_id): line.included for line in self.identity_ids}

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
