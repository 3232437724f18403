import json
from functools import lru_cache
from operator import itemgetter

from odoo import api, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ..tools import ledger_file, merkle, verifier

CHUNK = 10_000
#: What kind of row it is: whole, cleared by an erasure, or neither, which nothing regular produces.
STATE = SQL(
    """CASE WHEN e.algorithm = 'c1' AND octet_length(e.salt) = 32
                 AND num_nulls(e.payload, e.subject_id, e.address) = 0 THEN 'whole'
            WHEN num_nulls(e.payload, e.salt, e.subject_id, e.address) = 4 THEN 'cleared'
            WHEN num_nulls(e.payload, e.salt, e.subject_id, e.address) > 0 THEN 'torn'
            WHEN e.algorithm <> 'c1' THEN 'unknown'
            ELSE 'salt' END"""
)
MISSING = (None, None, "missing", None)
#: Values of the payload that have a column, in the order in which they are read.
SAID = (
    "subject",
    "purpose",
    "receipt",
    "kind",
    "source",
    "channel",
    "address",
    "company",
    "recorded_by",
    "version",
    "at",
    "until",
    "recorded_at",
)


class ConsentVerifier(models.AbstractModel):
    """Reads the ledger from the database for ``tools.verifier``, a chunk at a time: memory does not grow with it."""

    _name = "consent.verifier"
    _description = "Verifier of the Ledger"

    @api.model
    def _verify(self):
        """Check hashes, tree, signatures and columns.

        :return: the :class:`~..tools.verifier.Ledger` that was read
        """
        self.env.flush_all()
        ledger = self._check_tree()
        self._check_columns(ledger)
        return ledger

    @api.model
    def _check_tree(self):
        """First pass: every commitment, the tree, every checkpoint, the kept hashes."""
        keys = self._keys()
        ledger = verifier.Ledger(self._checkpoints(), keys, self._vouched())
        for rows in self._entries():
            ledger.entries(rows)
            self._check_tiles(ledger)
        for rows in self._waiting():
            ledger.waiting(rows)
        return ledger

    def _check_tiles(self, ledger):
        kept = self._tiles_of({(level, number) for level, number, _hash in ledger.tiles})
        for level, number, hash_ in ledger.tiles:
            if kept.get((level, number)) != hash_.hex():
                ledger.problem("tile", entry=number << merkle.TILE_HEIGHT * level)

    def _tiles_of(self, places):
        if not places:
            return {}
        levels, numbers = zip(*places, strict=True)
        rows = self.env.execute_query(
            SQL(
                """SELECT t.level, t.number, t.hash FROM unnest(%s, %s) AS p(level, number)
                     JOIN consent_tile t ON t.level = p.level AND t.number = p.number""",
                list(levels),
                list(numbers),
            )
        )
        return {(level, number): hash_ for level, number, hash_ in rows}

    @api.model
    def _check_columns(self, ledger):
        """Second pass: the columns of every event that still says something are what its canonical bytes say."""
        purposes = dict(self.env.execute_query(SQL("SELECT id, code FROM consent_purpose")))
        notices = dict(self.env.execute_query(SQL("SELECT id, sha256 FROM consent_notice")))
        values_of, last = itemgetter(*SAID), 0
        while rows := self.env.execute_query(self._columns_sql(last)):
            first, last = rows[0][0], rows[-1][0]
            places = self._places(first, last)
            numbers = self._subject_numbers({subject for _id, _payload, subject, *_rest in rows})
            for event, payload, subject, purpose, notice, *values in rows:
                place = places.get(event)
                try:
                    said = json.loads(str(payload, "utf-8"))
                    seen = (*values_of(said), said["notice"] and said["notice"]["sha256"])
                except (ValueError, TypeError, KeyError):
                    ledger.problem("columns", event, place, fields=["payload"])
                    continue
                columns = (numbers.get(subject), purposes.get(purpose), *values, notice and notices.get(notice))
                if seen != columns:
                    wrong = zip((*SAID, "notice"), seen, columns, strict=True)
                    ledger.problem("columns", event, place, fields=[name for name, a, b in wrong if a != b])
                if place is not None and values[-1] < self._earliest(ledger.signed_before(place)):
                    ledger.problem("backdated", event, place)

    @staticmethod
    @lru_cache(maxsize=16)
    def _earliest(signed):
        """What an event may state at the earliest as the moment it was recorded, after a checkpoint of that moment."""
        return (signed - verifier.PATIENCE).strftime("%Y-%m-%dT%H:%M:%SZ") if signed else ""

    def _places(self, first, last):
        rows = self.env.execute_query(
            SQL("SELECT event_ref, index FROM consent_leaf WHERE event_ref BETWEEN %s AND %s", first, last)
        )
        return dict(rows)

    def _subject_numbers(self, ids):
        return dict(self.env.execute_query(SQL("SELECT id, uuid FROM consent_subject WHERE id = ANY(%s)", list(ids))))

    @staticmethod
    def _columns_sql(last):
        """The columns that have a copy in the payload, in the order of ``SAID``, moments written as there."""
        return SQL(
            """SELECT id, payload, subject_id, purpose_id, notice_id, uuid, kind, source, channel, address, company_id,
                      recorded_by, algorithm, replace(at::text, ' ', 'T') || 'Z', until::text,
                      replace(recorded_at::text, ' ', 'T') || 'Z'
                 FROM consent_event
                WHERE id > %s AND payload IS NOT NULL
             ORDER BY id LIMIT %s""",
            last,
            CHUNK,
        )

    # -- rows ----------------------------------------------------------------------------------------

    def _keys(self):
        """Every public key that signed: verifier key → fingerprint of its key file."""
        return dict(self.env.execute_query(SQL("SELECT key, fingerprint FROM consent_signer ORDER BY id")))

    def _vouched(self):
        """The keys the present one vouches for; nothing when it cannot be used: then all in the database are believed.

        Reading and checking go on without the key.
        """
        try:
            ring = self.env["consent.key"]._ring()
        except UserError:
            return None
        return self.env["consent.signer"].sudo()._vouched(ring)

    def _checkpoints(self):
        rows = self.env.execute_query(
            SQL("SELECT size, root, note, signed_at, key_fingerprint FROM consent_checkpoint ORDER BY size, id")
        )
        return [
            verifier.Signed(size, root, note, verifier.utc(signed_at), fingerprint)
            for size, root, note, signed_at, fingerprint in rows
        ]

    def _entries(self):
        """Runs of entries in the order of their places.

        The events come by their numbers, as they lie in the table: a join would be sorted, and spilled to disk.
        """
        last = -(2**31)
        while leaves := self.env.execute_query(
            SQL(
                "SELECT index, event_ref, commitment FROM consent_leaf WHERE index > %s ORDER BY index LIMIT %s",
                last,
                CHUNK,
            )
        ):
            last = leaves[-1][0]
            events = self._events_of([event for _place, event, _commitment in leaves])
            yield [
                (place, event, leaf, committed, state, salted)
                for (place, event, leaf), (_id, committed, state, salted) in zip(leaves, events, strict=True)
            ]

    def _events_of(self, numbers):
        """Number, commitment, state and salted payload of some events, nearly all of which are neighbours."""
        middle = sorted(numbers)[len(numbers) // 2]
        near = [number for number in numbers if abs(number - middle) <= CHUNK]
        rows = self._read_events(SQL("e.id BETWEEN %s AND %s", min(near), max(near)))
        if [row[0] for row in rows] == numbers:
            return rows
        found = {row[0]: row for row in rows}
        if far := [number for number in numbers if number not in found]:
            found |= {row[0]: row for row in self._read_events(SQL("e.id = ANY(%s)", far))}
        return [found.get(number, MISSING) for number in numbers]

    def _read_events(self, where):
        return self.env.execute_query(
            SQL(
                "SELECT e.id, e.commitment, %s, e.salt || e.payload FROM consent_event e WHERE %s ORDER BY e.id",
                STATE,
                where,
            )
        )

    def _waiting(self):
        """Runs of events that have no place yet."""
        last = 0
        while rows := self.env.execute_query(
            SQL(
                """SELECT e.id, e.commitment, %s, e.salt || e.payload, e.recorded_at
                     FROM consent_event e
                    WHERE e.id > %s AND NOT EXISTS (SELECT FROM consent_leaf l WHERE l.event_ref = e.id)
                 ORDER BY e.id LIMIT %s""",
                STATE,
                last,
                CHUNK,
            )
        ):
            last = rows[-1][0]
            yield [(*row[:-1], verifier.utc(row[-1])) for row in rows]

    # -- export --------------------------------------------------------------------------------------

    @api.model
    def _export(self, file, public=False):
        """Write the ledger to an open text file; the form is described in ``tools.ledger_file``.

        :param public: leave out what the events say
        """
        self.env.flush_all()
        ledger_file.write(
            file,
            origin=self.env["consent.signer"]._ledger_name(),
            keys=self._keys(),
            public=public,
            checkpoints=self._checkpoints(),
            entries=self._entries(),
            waiting=self._waiting(),
        )
