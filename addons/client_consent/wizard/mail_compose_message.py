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

    def _get_blacklist_record_ids(self, mail_values_dict, recipients_info=None):
        """To addresses that are unwanted nothing goes that heeds the exclusion list."""
        found = super()._get_blacklist_record_ids(mail_values_dict, recipients_info)
        if not self.use_exclusion_list or self.composition_mode != "mass_mail":
            return found
        info = recipients_info or self._get_recipients_data(mail_values_dict)
        addresses_of = {id_: set(filter(None, of_record["mail_to_normalized"])) for id_, of_record in info.items()}
        unwanted = self.env["consent.gate"]._get_unwanted({a for addresses in addresses_of.values() for a in addresses})
        return {*found, *(id_ for id_, addresses in addresses_of.items() if addresses & unwanted)}
