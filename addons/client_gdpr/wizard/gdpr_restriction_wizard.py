from odoo import api, fields, models
from odoo.tools import format_date

from ..models.gdpr_request import RESTRICTION_REASONS, SOURCES


class GdprRestrictionWizard(models.TransientModel):
    """The *Stop using me* dialog: why, until when, and what it means. It takes effect at once."""

    _name = "gdpr.restriction.wizard"
    _description = "Stop Using a Person's Data"

    partner_id = fields.Many2one("res.partner", "Contact", required=True, readonly=True, ondelete="cascade")
    reason = fields.Selection(RESTRICTION_REASONS, "Why", required=True)
    until = fields.Date("Look at it again on", help="Nothing is lifted by itself: you are reminded on this day.")
    received_at = fields.Datetime("Asked on", required=True, default=fields.Datetime.now)
    source = fields.Selection(SOURCES, "How", required=True, default="in_person")
    note = fields.Text(help="What the person asked for, in a few words. Do not repeat their data here.")
    recipient_ids = fields.Many2many(
        "res.partner",
        "gdpr_restriction_wizard_recipient_rel",
        string="Tell these recipients",
        help="Those who got this person's data from you. They are written to at once (Art. 19).",
    )
    recipients_hint = fields.Char(compute="_compute_recipients_hint")
    due = fields.Char("Answer due", compute="_compute_due")

    @api.depends("received_at")
    def _compute_due(self):
        for wizard in self:
            if not wizard.received_at:
                wizard.due = False
                continue
            received = fields.Datetime.context_timestamp(wizard, wizard.received_at).date()
            deadline = self.env["consent.country"]._due(self.env.company, received)
            wizard.due = format_date(self.env, deadline.day, date_format="EEEE d MMMM y")

    @api.depends("partner_id")
    def _compute_recipients_hint(self):
        for wizard in self:
            wizard.partner_id.check_access("read")
            wizard.recipients_hint = self.env["gdpr.reporter"]._recipients_hint(wizard.partner_id)

    def action_restrict(self):
        """Register the request and seal the person at once."""
        self.ensure_one()
        requests = self.env["gdpr.request"]
        request = requests.browse(
            requests.request_open(
                "restriction",
                self.partner_id.ids,
                self.received_at,
                self.source,
                self.note,
                until=self.until,
                reason=self.reason,
            )
        )
        if self.recipient_ids:
            request._keep_asked({"tell": self.recipient_ids.ids})
        request.action_confirm_identity()
        request.action_execute()
        return request._get_form_action()
