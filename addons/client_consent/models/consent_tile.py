from odoo import api, fields, models
from odoo.tools import SQL

from ..tools import merkle


class ConsentTile(models.Model):
    """The hash of a full run of 256 leaves, or of 256 such runs: with it a proof reads hundreds of rows, not all.

    It can be computed anew from the leaves, and the verifier does.
    """

    _name = "consent.tile"
    _description = "Kept Hash of the Ledger"
    _inherit = "consent.ledger.row"
    _rec_name = "number"

    level = fields.Integer(required=True, readonly=True)
    number = fields.Integer(required=True, readonly=True)
    hash = fields.Char(required=True, readonly=True)

    _place_once = models.Constraint("unique(level, number)", "A part of the ledger has one hash.")

    @api.model
    def _tree(self, size):
        """The tree of the first ``size`` leaves, ready to grow."""
        borders = [
            self._hashes(level, *range_) if level else self.env["consent.leaf"]._hashes(*range_)
            for level, range_ in enumerate(merkle.border_sizes(size))
        ]
        return merkle.Tree(borders)

    @api.model
    def _hashes(self, level, begin, end):
        """The hashes of a range of one level."""
        rows = self.env.execute_query(
            SQL(
                "SELECT hash FROM consent_tile WHERE level = %s AND number >= %s AND number < %s ORDER BY number",
                level,
                begin,
                end,
            )
        )
        return [bytes.fromhex(hash_) for (hash_,) in rows]

    @api.model
    def _keep(self, tiles):
        """Keep tiles that became full, as :meth:`merkle.Tree.extend` returns them."""
        self._insert(("level", "number", "hash"), [(level, number, hash_.hex()) for level, number, hash_ in tiles])
