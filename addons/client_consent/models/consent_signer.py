from odoo import api, fields, models

from ..tools import signed_note
from ..tools.errors import NoteInvalid

VOUCHER = "client-consent voucher\n"


class ConsentSigner(models.Model):
    """A public key that signed checkpoints of this database, kept for ever so that old ones still verify.

    A key that follows another vouches for those before it by a signed note; so a row that somebody else put here
    is not believed as long as the present key is known.
    """

    _name = "consent.signer"
    _description = "Key that Signs the Ledger"
    _inherit = "consent.ledger.row"
    _order = "id desc"
    _rec_name = "key"

    key = fields.Char("Public key", required=True, readonly=True, help="name+number+key, as signed notes write it.")
    fingerprint = fields.Char(required=True, readonly=True, help="Of the key file from which it is derived.")
    since = fields.Datetime(required=True, readonly=True)
    voucher = fields.Text(readonly=True)

    _key_once = models.Constraint("unique(key)", "This key is known already.")

    @api.model
    def _ledger_name(self):
        """How checkpoints call this ledger: the number of the database, and no host."""
        # the number is no secret: every checkpoint that is mailed carries it
        return "client-consent/" + self.env["ir.config_parameter"].sudo().get_param("database.uuid")

    @api.model
    def _of_ring(self, ring):
        """The verifier key of a key ring for this database."""
        return signed_note.verifier_key(self._ledger_name(), self._seed(ring))

    @api.model
    def _sign(self, text, ring):
        """The signed note of this ledger that says ``text``."""
        return signed_note.sign(text, self._ledger_name(), self._seed(ring))

    @staticmethod
    def _seed(ring):
        return ring.derive("signature-ed25519")

    @api.model
    def _introduce(self, ring, successor=None):
        """Make the key of a ring known, vouching for those it already vouches for.

        :param successor: at a rotation: the ring that takes over and vouches for all that ``ring`` vouches for
        """
        self._know(ring, self._vouched(ring))
        if successor:
            self._know(successor, self._vouched(ring))

    def _know(self, ring, vouched):
        key = self._of_ring(ring)
        if not self.search_count([("key", "=", key)]):
            text = VOUCHER + "".join(f"{other}\n" for other in vouched if other != key)
            columns = ("key", "fingerprint", "since", "voucher")
            self._insert(columns, [(key, ring.fingerprint, fields.Datetime.now(), self._sign(text, ring))])

    @api.model
    def _vouched(self, ring):
        """Verifier keys a ring vouches for: its own, under every number the database had, and those in its vouchers."""
        own = self._of_ring(ring)
        public = signed_note.public_key(own)
        rows = self.search([])  # pylint: disable=no-search-all
        known = filter(signed_note.is_key, rows.mapped("key"))
        same = [own, *(key for key in known if signed_note.public_key(key) == public)]
        vouched = dict.fromkeys(same)
        for row in rows:
            try:
                text, _key = signed_note.verify(row.voucher or "", same)
            except NoteInvalid:
                continue
            if text.startswith(VOUCHER):
                vouched |= dict.fromkeys(text.removeprefix(VOUCHER).split())
        return list(vouched)
