from odoo import api, fields, models

from ..models.consent_purpose import BY_EVENT, CHANNELS


class ConsentRecordWizardLine(models.TransientModel):
    """One purpose as it was put to the person, with a tick for each channel; none is ticked before the answer."""

    _name = "consent.record.wizard.line"
    _description = "Record a Consent: Purpose"

    wizard_id = fields.Many2one("consent.record.wizard", required=True, ondelete="cascade")
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
    notice_id = fields.Many2one(
        "consent.notice",
        "Text the person saw",
        compute="_compute_notice_id",
        store=True,
        readonly=False,
        domain=[("state", "=", "published")],
    )

    @api.depends("purpose_id", "wizard_id.partner_id")
    def _compute_offered(self):
        """Only what the purpose uses and the person can be reached by."""
        reached_by = {}
        for line in self:
            partner = line.wizard_id.partner_id._origin
            if partner not in reached_by:
                reached_by[partner] = {c for c in CHANNELS if partner._consent_addresses(c).get(partner.id)}
            reached = reached_by[partner]
            line.offered = ",".join(c for c in line.purpose_id._channels() if c in reached) if line.purpose_id else ""

    @api.depends("purpose_id", "wizard_id.partner_id")
    def _compute_notice_id(self):
        for line in self:
            wizard = line.wizard_id
            recording = self.env["consent.recording"].with_company(wizard.company_id)
            purpose = line.purpose_id._origin
            line.notice_id = recording._present_notice(purpose, wizard.partner_id.lang) if purpose else False

    def _ticked(self):
        """The channels the person said yes to."""
        return [channel for channel in CHANNELS if self[f"channel_{channel}"]]
