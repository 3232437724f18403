from odoo import fields, models


class SmsTemplate(models.Model):
    _inherit = "sms.template"

    consent_purpose_id = fields.Many2one(
        "consent.purpose",
        "Purpose",
        domain=[("state", "=", "active")],
        ondelete="restrict",
        help="Messages made from this template leave only for people who allow this purpose. "
        "Empty: a message that needs no consent, such as a reminder of an appointment.",
    )
