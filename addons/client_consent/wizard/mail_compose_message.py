from odoo import api, fields, models


class MailComposeMessage(models.TransientModel):
    _name = "mail.compose.message"
    _inherit = ["mail.compose.message", "consent.composer"]

    consent_warning = fields.Char(compute="_compute_consent_warning")

    @api.depends("partner_ids", "composition_mode")
    def _compute_consent_warning(self):
        """Say who objected to all advertising: to them one writes about their own affairs only."""
        for composer in self:
            objected = composer.partner_ids._origin._consent_objected_to_everything()
            composer.consent_warning = objected and self.env._(
                "%s objected to all advertising: write only what concerns their own affairs.",
                ", ".join(objected.mapped("display_name")),
            )

    def _prepare_mail_values_static(self):
        values = super()._prepare_mail_values_static()
        if self.consent_purpose_id:
            values["consent_purpose_id"] = self.consent_purpose_id.id
        return values

    def _action_send_mail_comment(self, res_ids):
        self.partner_ids._consent_check_writing()
        return super()._action_send_mail_comment(res_ids)
