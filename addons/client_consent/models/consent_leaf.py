from collections import defaultdict

from odoo import api, fields, models
from odoo.tools import SQL

from ..tools import merkle


class ConsentLeaf(models.Model):
    """The place of an event in the ledger's tree, given once by the sequencer."""

    _name = "consent.leaf"
    _description = "Place in the Ledger"
    _inherit = "consent.ledger.row"
    _order = "index"
    _rec_name = "index"

    index = fields.Integer("Place", required=True, readonly=True)
    # a number, no foreign key: checking one would lock, and so rewrite, every event
    event_ref = fields.Integer("Event", required=True, readonly=True)
    commitment = fields.Char(required=True, readonly=True)

    _index_once = models.Constraint("unique(index)", "A place in the ledger is given once.")
    _event_once = models.Constraint("unique(event_ref)", "An event has one place in the ledger.")

    @api.model
    def _sequence(self):
        """Give places to all committed events that have none, in the order of their numbers; return the size before.

        A number may be lower than one that has a place: its transaction ended later. So it is asked which events have
        none, not which came after the last one.
        """
        [(size,)] = self.env.execute_query(SQL("SELECT coalesce(max(index), -1) + 1 FROM consent_leaf"))
        self.env.cr.execute(
            SQL(
                """INSERT INTO consent_leaf (index, event_ref, commitment)
                   SELECT %s + row_number() OVER (ORDER BY e.id), e.id, e.commitment
                     FROM consent_event e
                    WHERE NOT EXISTS (SELECT FROM consent_leaf l WHERE l.event_ref = e.id)
                 ORDER BY e.id""",
                size - 1,
            )
        )
        return size

    @api.model
    def _hashes(self, begin, end):
        """The hashes of the leaves of a range."""
        rows = self.env.execute_query(
            SQL("SELECT commitment FROM consent_leaf WHERE index >= %s AND index < %s ORDER BY index", begin, end)
        )
        return [merkle.leaf_hash(bytes.fromhex(commitment)) for (commitment,) in rows]

    # -- proofs --------------------------------------------------------------------------------------

    @api.model
    def _proofs(self, event_ids):
        """Proofs that events are under the latest checkpoint; those that are not yet are absent.

        :return: event id → ``{"index": int, "leaf": hex, "path": [hex, …]}``; the leaf is the RFC 6962 hash of the
            commitment, the path leads from it to the checkpoint's root
        """
        size = self.env["consent.checkpoint"]._latest().size
        rows = self.env.execute_query(
            SQL(
                "SELECT event_ref, index, commitment FROM consent_leaf WHERE event_ref = ANY(%s) AND index < %s",
                list(event_ids),
                size,
            )
        )
        paths = {index: merkle.inclusion_ranges(index, size) for _event, index, _commitment in rows}
        roots = self._roots({range_ for path in paths.values() for range_ in path})
        return {
            event: {
                "index": index,
                "leaf": merkle.leaf_hash(bytes.fromhex(commitment)).hex(),
                "path": [roots[range_].hex() for range_ in paths[index]],
            }
            for event, index, commitment in rows
        }

    @api.model
    def _roots(self, ranges):
        """The roots over ranges of leaves that stand in paths: some hundred rows are read for each, whatever the size.

        :return: range → hash
        """
        parts = {range_: merkle.subtrees(*range_) for range_ in ranges}
        places = {part: merkle.tile_range(*part) for subtrees in parts.values() for part in subtrees}
        needed = defaultdict(set)
        for level, begin, _end in places.values():
            needed[level].add(begin // merkle.TILE)
        hashes = {level: self._tiles(level, numbers) for level, numbers in needed.items()}
        roots = {
            part: merkle.root([hashes[level][number] for number in range(begin, end)])
            for part, (level, begin, end) in places.items()
        }
        return {range_: merkle.join([roots[part] for part in subtrees]) for range_, subtrees in parts.items()}

    def _tiles(self, level, numbers):
        """The hashes under some tiles: number of the leaf, or of the tile below → hash."""
        starts = [number * merkle.TILE for number in numbers]
        if level:
            rows = self.env.execute_query(
                SQL(
                    """SELECT t.number, t.hash
                         FROM unnest(%s) AS s(start)
                         JOIN consent_tile t ON t.level = %s AND t.number >= s.start AND t.number < s.start + %s""",
                    starts,
                    level,
                    merkle.TILE,
                )
            )
            return {number: bytes.fromhex(hash_) for number, hash_ in rows}
        rows = self.env.execute_query(
            SQL(
                """SELECT l.index, l.commitment
                     FROM unnest(%s) AS s(start)
                     JOIN consent_leaf l ON l.index >= s.start AND l.index < s.start + %s""",
                starts,
                merkle.TILE,
            )
        )
        return {index: merkle.leaf_hash(bytes.fromhex(commitment)) for index, commitment in rows}
