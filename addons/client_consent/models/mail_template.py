from odoo import fields, models


class MailTemplate(models.Model):
    _inherit = "mail.template"

    consent_purpose_id = fields.Many2one(
        "consent.purpose",
        "Purpose",
        domain=[("state", "=", "active")],
        ondelete="restrict",
        help="Mails made from this template leave only for people who allow this purpose. "
        "Empty: a message that needs no consent, such as an invoice or an answer.",
    )

    def send_mail_batch(self, res_ids, *args, email_values=None, **kwargs):
        """Sending as always; the mails carry the purpose of the template."""
        if self.consent_purpose_id:
            email_values = {"consent_purpose_id": self.consent_purpose_id.id, **(email_values or {})}
        return super().send_mail_batch(res_ids, *args, email_values=email_values, **kwargs)
