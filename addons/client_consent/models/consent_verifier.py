import json

from odoo import api, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ..tools import ledger_file, merkle, verifier

CHUNK = 10_000
#: What kind of row it is: whole, cleared by an erasure, or neither, which nothing regular produces.
STATE = SQL(
    """CASE WHEN e.id IS NULL THEN 'missing'
            WHEN num_nulls(e.payload, e.salt, e.subject_id, e.address) = 4 THEN 'cleared'
            WHEN num_nulls(e.payload, e.salt, e.subject_id, e.address) > 0 THEN 'torn'
            WHEN e.algorithm <> 'c1' THEN 'unknown'
            WHEN octet_length(e.salt) <> 32 THEN 'salt'
            ELSE 'whole' END"""
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
        last = 0
        while rows := self.env.execute_query(self._columns_sql(last)):
            last = rows[-1][0]
            for event, place, payload, at, until, recorded_at, subject, purpose, notice, values in rows:
                try:
                    said = json.loads(bytes(payload))
                    seen = self._said(said)
                except (ValueError, TypeError, KeyError, AttributeError):
                    ledger.problem("columns", event, place, fields=["payload"])
                    continue
                columns = {
                    **values,
                    "at": f"{at.isoformat()}Z",
                    "until": until and until.isoformat(),
                    "recorded_at": f"{recorded_at.isoformat()}Z",
                    "subject": subject,
                    "purpose": purpose,
                    "notice": notice,
                }
                if seen != columns:
                    wrong = sorted(name for name in columns if columns[name] != seen[name])
                    ledger.problem("columns", event, place, fields=wrong)
                signed = ledger.signed_before(place) if place is not None else None
                if signed and verifier.utc(recorded_at) < signed - verifier.PATIENCE:
                    ledger.problem("backdated", event, place)

    @staticmethod
    def _said(said):
        """What the canonical bytes say about the values that have a column."""
        names = ("kind", "source", "channel", "address", "company", "recorded_by", "at", "until", "recorded_at")
        return {
            **{name: said[name] for name in (*names, "subject", "purpose")},
            "receipt": said["receipt"],
            "version": said["version"],
            "notice": said["notice"] and said["notice"]["sha256"],
        }

    @staticmethod
    def _columns_sql(last):
        return SQL(
            """SELECT e.id, l.index, e.payload, e.at, e.until, e.recorded_at, s.uuid, p.code, n.sha256,
                      jsonb_build_object('receipt', e.uuid, 'kind', e.kind, 'source', e.source, 'channel', e.channel,
                                         'address', e.address, 'company', e.company_id, 'recorded_by', e.recorded_by,
                                         'version', e.algorithm)
                 FROM consent_event e
            LEFT JOIN consent_leaf l ON l.event_ref = e.id
            LEFT JOIN consent_subject s ON s.id = e.subject_id
            LEFT JOIN consent_purpose p ON p.id = e.purpose_id
            LEFT JOIN consent_notice n ON n.id = e.notice_id
                WHERE e.id > %s AND e.payload IS NOT NULL
             ORDER BY e.id LIMIT %s""",
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
        """Runs of entries in the order of their places."""
        last = -(2**31)
        while True:
            self.env.cr.execute(
                SQL(
                    """SELECT l.index, l.event_ref, l.commitment, e.commitment, %s, e.salt || e.payload
                         FROM (SELECT * FROM consent_leaf WHERE index > %s ORDER BY index LIMIT %s) l
                    LEFT JOIN consent_event e ON e.id = l.event_ref
                     ORDER BY l.index""",
                    STATE,
                    last,
                    CHUNK,
                )
            )
            rows = self.env.cr.fetchall()
            if not rows:
                return
            last = rows[-1][0]
            yield rows

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
