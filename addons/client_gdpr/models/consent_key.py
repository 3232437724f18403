import base64

from odoo import models
from odoo.addons.client_consent.tools import keys

from .gdpr_data_map import PERSON


class ConsentKey(models.AbstractModel):
    _inherit = "consent.key"

    def _rewrap(self, present, following):
        """Also wrap anew what requests keep until they are done, and the digests of sealed addresses.

        Those of erased addresses cannot be made anew, nobody has the addresses: their key is kept.
        """
        # read while the keys of the people still are wrapped under the present key
        sealed = [(row, row._open()) for row in self.env["gdpr.vault"].sudo().search([("model_name", "=", PERSON)])]
        count = super()._rewrap(present, following)
        for row, values in sealed:
            row.write(row._digests(following, values.get("email_normalized"), values.get("phone_sanitized")))
        old, new = present.derive("request"), following.derive("request")
        # of every company: the key is one for the database
        requests = self.env["gdpr.request"].sudo().with_context(active_test=False)
        for name, what in (("identity_payload", ""), ("asked_payload", "asked")):
            for request in requests.search([(name, "!=", False)]):
                place = request._associated(what)
                plain = keys.decrypt(old, base64.b64decode(request[name]), place)
                request[name] = base64.b64encode(keys.encrypt(new, plain, place))
                count += 1
        self.env["gdpr.suppression"]._keep_key(present, following)
        return count
