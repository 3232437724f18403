from odoo import api, models
from odoo.tools import email_normalize


class MailThread(models.AbstractModel):
    _inherit = "mail.thread"

    @api.model
    def message_route(self, message, message_dict, model=None, thread_id=None, custom_values=None):
        """A mail of a sealed person that would open a new document goes to their request: no document, no loss."""
        routes = super().message_route(message, message_dict, model, thread_id, custom_values)
        address = email_normalize(message_dict.get("email_from"))
        partner = address and self.env["res.partner"]._gdpr_sealed_at([address]).get(address)
        request = partner and partner._gdpr_sealing_request()
        if not request:
            return routes
        instead = ("gdpr.request", request.id, {}, self.env.ref("base.user_root").id, None)
        kept = [route for route in routes if route[1]]
        return kept if len(kept) == len(routes) else [*kept, instead]
