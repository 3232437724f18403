from odoo import fields, models


class MailNotification(models.Model):
    _inherit = "mail.notification"

    # a code that messages and traces of SMS marketing know already
    failure_type = fields.Selection(selection_add=[("sms_optout", "Opted Out")])
