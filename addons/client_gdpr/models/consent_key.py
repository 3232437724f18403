import base64

from odoo import models
from odoo.addons.client_consent.tools import keys


class ConsentKey(models.AbstractModel):
    _inherit = "consent.key"

    def _rewrap(self, present, following):
        """Also wrap anew the identifiers that requests keep between an execution and its verdict."""
        count = super()._rewrap(present, following)
        old, new = present.derive("request"), following.derive("request")
        # of every company: the key is one for the database
        requests = self.env["gdpr.request"].sudo().with_context(active_test=False)
        for request in requests.search([("identity_payload", "!=", False)]):
            place = f"gdpr.request/{request.id}".encode()
            plain = keys.decrypt(old, base64.b64decode(request.identity_payload), place)
            request.identity_payload = base64.b64encode(keys.encrypt(new, plain, place))
            count += 1
        return count
