from odoo import api, fields, models


class SmsComposer(models.TransientModel):
    _inherit = "sms.composer"

    consent_purpose_id = fields.Many2one(
        "consent.purpose",
        "Purpose",
        compute="_compute_consent_purpose_id",
        store=True,
        readonly=False,
        domain=[("state", "=", "active")],
        ondelete="cascade",
        help="Only people who allow this purpose get the message. Empty: a message that needs no consent.",
    )

    @api.depends("template_id")
    def _compute_consent_purpose_id(self):
        for composer in self:
            # sudo: who writes from a template need not read purposes
            composer.consent_purpose_id = composer.template_id.sudo().consent_purpose_id or composer.consent_purpose_id

    def _prepare_mass_sms_values(self, records):
        result = super()._prepare_mass_sms_values(records)
        for values in result.values():
            values["consent_purpose_id"] = self.consent_purpose_id.id
        return result

    def _action_send_sms_comment(self, records=None):
        records = records if records is not None else self._get_records()
        return super()._action_send_sms_comment(records.with_context(consent_sms_purpose_id=self.consent_purpose_id.id))
