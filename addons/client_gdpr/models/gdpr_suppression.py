import base64
import hashlib
import hmac
import json

from odoo import api, fields, models
from odoo.addons.client_consent.tools import keys
from odoo.tools import SQL

from ..tools.identity import digits, fold

#: Digest keys of before an exchange of the key, each wrapped under the present key: short name → wrapped key.
EARLIER_KEYS = "client_gdpr.tombstone_keys"
_NAME = 12


class GdprSuppression(models.Model):
    """An address of an erased person, as a keyed digest: nobody reads it, who has the address recognises it.

    It outlives the person's data. An erased person's address that comes back by import, another system or a mail
    makes a contact that nothing is sent to, until the person's own answer.
    """

    _name = "gdpr.suppression"
    _description = "Suppressed Address"
    _rec_name = "kind"
    _log_access = False

    tombstone_id = fields.Many2one("gdpr.tombstone", required=True, readonly=True, index=True, ondelete="cascade")
    kind = fields.Selection([("email", "E-mail"), ("phone", "Phone")], required=True, readonly=True)
    digest = fields.Char(required=True, readonly=True, index=True, groups=fields.NO_ACCESS)
    key_name = fields.Char(required=True, readonly=True, groups=fields.NO_ACCESS)

    # -- digests -------------------------------------------------------------------------------------

    @api.model
    def _keys(self):
        """The digest keys by short name, the present one first; an exchange of the key keeps the earlier ones."""
        return self._keys_of(self.env["consent.key"]._ring())

    @api.model
    def _wrapped_keys(self):
        # sudo: wrapped, so worth nothing without the key file
        return json.loads(self.env["ir.config_parameter"].sudo().get_param(EARLIER_KEYS, "{}"))

    @api.model
    def _keep_key(self, present, following):
        """Let the digests made so far stay readable after an exchange of the key, in the file too."""
        wrapped = {}
        for name, key in self._keys_of(present).items():
            sealed = keys.encrypt(following.derive("tombstone-wrap"), key, name.encode())
            wrapped[name] = base64.b64encode(sealed).decode()
        # sudo: only managers exchange the key; the parameters are the administrators'
        self.env["ir.config_parameter"].sudo().set_param(EARLIER_KEYS, json.dumps(wrapped, sort_keys=True))
        self.env["gdpr.tombstone"]._tell_keys(following.fingerprint[:_NAME], wrapped)

    def _keys_of(self, ring):
        found = self._own_key(ring)
        for name, wrapped in self._wrapped_keys().items():
            found[name] = keys.decrypt(ring.derive("tombstone-wrap"), base64.b64decode(wrapped), name.encode())
        return found

    @staticmethod
    def _own_key(ring):
        """The digest key of a ring by its short name."""
        return {ring.fingerprint[:_NAME]: ring.derive("tombstone")}

    @staticmethod
    def _digest(key, kind, value):
        """HMAC-SHA256 of a normalised value; of different kinds never the same."""
        return hmac.new(key, f"{kind}:{value}".encode(), hashlib.sha256).hexdigest()

    @staticmethod
    def _normal(kind, value):
        """The one spelling of an identifier that digests are made of."""
        match kind:
            case "email":
                return fold(value)
            case "phone":
                return ("+" if value.strip().startswith("+") else "") + digits(value)
            case "code":
                return "".join(filter(str.isalnum, value)).upper()
        return value

    # -- answers -------------------------------------------------------------------------------------

    @api.model
    def _erased(self, addresses):
        """Which of the addresses belonged to people who were erased: address → moment of the last erasure.

        :param addresses: normalised e-mail addresses and phone numbers
        """
        addresses = {address for address in addresses if address}
        # sudo: that an address is suppressed is told to whoever knows the address
        suppressions = self.sudo()
        if not addresses or not suppressions.search_count([], limit=1):
            return {}
        of_digest = {}
        for key in self._keys().values():
            for address in addresses:
                kind = "email" if "@" in address else "phone"
                of_digest[self._digest(key, kind, self._normal(kind, address))] = address
        found = {}
        for row in suppressions.search_fetch([("digest", "in", list(of_digest))], ["digest", "tombstone_id"]):
            address, moment = of_digest[row.digest], row.tombstone_id.erased_at
            found[address] = max(moment, found.get(address, moment))
        return found

    @api.model
    def _suppressed(self, addresses):
        """Those of the addresses whose person was erased and has not answered since."""
        erased = self._erased(addresses)
        if not erased:
            return set()
        rows = self.env.execute_query(
            SQL(
                """SELECT address, max(since) FROM consent_basis
                    WHERE address = ANY(%s) AND state = 'active' AND voice = 2
                      AND (until IS NULL OR until >= %s) GROUP BY address""",
                list(erased),
                fields.Date.today(),
            )
        )
        return set(erased) - {address for address, since in rows if since >= erased[address]}

    @api.model
    def _not_ours(self, addresses):
        """Those of the addresses whose person was erased and that no contact in use holds: a file brings them back."""
        erased = self._erased(addresses)
        if not erased:
            return set()
        self.env["res.partner"].flush_model(["active", "gdpr_state", "email_normalized", "phone_sanitized"])
        rows = self.env.execute_query(
            SQL(
                """SELECT email_normalized, phone_sanitized FROM res_partner
                    WHERE active AND gdpr_state = 'active'
                      AND (email_normalized = ANY(%(addresses)s) OR phone_sanitized = ANY(%(addresses)s))""",
                addresses=list(erased),
            )
        )
        return set(erased) - {address for row in rows for address in row}
