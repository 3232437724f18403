from odoo import api, fields, models
from odoo.tools import format_date

from ..models.gdpr_request import SOURCES


class GdprErasureWizard(models.TransientModel):
    """The *Delete me* dialog: it shows what would happen. Nothing is stored until the handler submits."""

    _name = "gdpr.erasure.wizard"
    _description = "Delete a Person's Data"

    partner_id = fields.Many2one("res.partner", "Contact", required=True, readonly=True, ondelete="cascade")
    received_at = fields.Datetime("Asked on", required=True, default=fields.Datetime.now)
    source = fields.Selection(SOURCES, "How", required=True, default="in_person")
    note = fields.Text(help="What the person asked for, in a few words. Do not repeat their data here.")
    preview = fields.Html("What happens", compute="_compute_preview", sanitize=False)
    to_decide = fields.Integer(compute="_compute_preview")
    due = fields.Char("Answer due", compute="_compute_due")

    @api.depends("partner_id")
    def _compute_preview(self):
        for wizard in self:
            wizard.partner_id.check_access("read")
            self.env["gdpr.request"]._check_group("handler")
            located, _identity = self.env["gdpr.finder"].sudo()._locate(wizard.partner_id.ids)
            rulings = self.env["gdpr.planner"].sudo()._plan(located)
            lines = self.env["gdpr.reporter"]._plan_lines(rulings)
            wizard.to_decide = sum(1 for ruling in rulings if ruling.action == "review")
            wizard.preview = self.env["ir.qweb"]._render("client_gdpr.plan_preview", {"lines": lines})

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
        request.action_confirm_identity()
        request.action_plan()
        if not request.undecided_count:
            request.action_submit()
        return request._get_form_action()
