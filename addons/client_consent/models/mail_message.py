from odoo import fields, models


class MailMessage(models.Model):
    _inherit = "mail.message"

    # restrict: a message that loses its purpose would be taken for one that needs none
    consent_purpose_id = fields.Many2one(
        "consent.purpose",
        "Purpose",
        index="btree_not_null",
        prefetch="consent",
        ondelete="restrict",
        help="Each recipient is asked for again when the message leaves. Empty: a message that needs no consent, "
        "such as an invoice or an answer.",
    )
