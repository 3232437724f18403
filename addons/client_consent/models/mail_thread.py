from odoo import models


class MailThread(models.AbstractModel):
    _inherit = "mail.thread"

    def message_post(self, *, message_type="notification", partner_ids=None, **kwargs):
        """Posting as always, but not what somebody typed to contacts whose data must not be used."""
        if message_type == "comment" and partner_ids and self.env.user._is_internal():
            self.env["res.partner"].browse(partner_ids)._consent_check_writing()
        return super().message_post(message_type=message_type, partner_ids=partner_ids, **kwargs)

    def _get_message_create_valid_field_names(self):
        return super()._get_message_create_valid_field_names() | {"consent_purpose_id"}
