from odoo import api, fields, models

from ..models.consent_event import SOURCES
from ..models.consent_purpose import BY_EVENT, CHANNELS


class ConsentRecordWizard(models.TransientModel):
    """Records what a person said, as they said it: purpose, channels, how and when."""

    _name = "consent.record.wizard"
    _description = "Record a Consent"

    partner_id = fields.Many2one("res.partner", "Contact", required=True, readonly=True, ondelete="cascade")
    purpose_id = fields.Many2one(
        "consent.purpose", required=True, domain=[("state", "=", "active"), ("lawful_basis", "in", BY_EVENT)]
    )
    description = fields.Text(related="purpose_id.description")
    offered = fields.Char(compute="_compute_offered")
    channel_email = fields.Boolean("E-mail")
    channel_sms = fields.Boolean("SMS")
    channel_phone = fields.Boolean("Phone")
    channel_post = fields.Boolean("Post")
    channel_messenger = fields.Boolean("Messenger")
    source = fields.Selection(SOURCES, "How", required=True, default="in_person")
    given_at = fields.Datetime("When", required=True, default=fields.Datetime.now)
    notice_id = fields.Many2one("consent.notice", "Text the person saw", domain=[("state", "=", "published")])
    note = fields.Char(help="Where the original lies, or what was said. It is kept with the event.")

    @api.depends("purpose_id")
    def _compute_offered(self):
        for wizard in self:
            wizard.offered = ",".join(wizard.purpose_id._channels()) if wizard.purpose_id else ""

    @api.onchange("purpose_id")
    def _onchange_purpose_id(self):
        """Nothing is ticked before the person answered, but the only channel there is."""
        offered = self.purpose_id._channels() if self.purpose_id else []
        for channel in CHANNELS:
            self[f"channel_{channel}"] = offered == [channel]

    def action_record(self):
        """Record the consent and close."""
        self.ensure_one()
        self.partner_id.consent_give(
            self.purpose_id.code,
            [channel for channel in CHANNELS if self[f"channel_{channel}"]],
            self.source,
            notice=self.notice_id.code or None,
            given_at=self.given_at,
            note=self.note or None,
        )
        return {"type": "ir.actions.act_window_close"}
