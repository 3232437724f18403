import os
import random

from odoo.addons.client_consent.tools import commitment, signed_note
from odoo.tests import tagged
from odoo.tools import SQL

from .common import ConsentCase

TABLES = ("event", "leaf", "tile", "checkpoint", "signer")


@tagged("post_install", "-at_install")
class TestLedgerTampering(ConsentCase):
    """Somebody who owns the database switches the triggers off and changes one row: it is found, and where."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.events = cls.env["consent.event"]
        people = cls.env["res.partner"].create([cls.person_values(f"P{i}", f"p{i}") for i in range(40)])
        people[:20].consent_give("newsletter", ["email"], "web_form", note="ticked")
        cls.events.ledger_sign()
        people.consent_give("offers", ["email", "phone"], "paper")
        people[:5].consent_withdraw("newsletter", source="phone")
        cls.events.ledger_sign()
        for _round in range(4):
            people.consent_give("newsletter", ["email"], "web_form")
        cls.events._clear(people[7]._consent_subject())
        cls.events.ledger_sign()
        people[:10].consent_give("offers", ["email"], "portal")
        cls.env.flush_all()

    def setUp(self):
        super().setUp()
        for table in TABLES:
            self.env.cr.execute(SQL("ALTER TABLE %s DISABLE TRIGGER USER", SQL.identifier(f"consent_{table}")))
        self.random = random.Random(19)

    def run_sql(self, statement, *values):
        self.env.cr.execute(statement, values)
        self.assertEqual(self.env.cr.rowcount, 1, "one row is changed")

    def row(self, where="TRUE"):
        """A random event that still says something, with its place."""
        self.env.cr.execute(
            f"""SELECT e.id, l.index, e.payload, e.salt, e.commitment FROM consent_event e
                  JOIN consent_leaf l ON l.event_ref = e.id
                 WHERE e.payload IS NOT NULL AND {where} ORDER BY e.id"""
        )
        event, place, payload, salt, committed = self.random.choice(self.env.cr.fetchall())
        return event, place, bytes(payload), bytes(salt), committed

    def found(self):
        self.env.invalidate_all()
        return self.events.ledger_verify()["problems"]

    def check(self, name, tamper):
        """Tamper some times with random rows; each time it is found at the event, place or checkpoint returned."""
        for number in range(4):
            with self.subTest(tampering=name, round=number), self.env.cr.savepoint() as savepoint:
                where, value = tamper()
                problems = self.found()
                self.assertIn(value, [problem[where] for problem in problems], problems)
                savepoint.rollback()
        self.assertEqual(self.found(), [], "nothing is found where nothing was changed")

    # -- one row of the events -----------------------------------------------------------------------

    def test_untouched_ledger_verifies(self):
        self.assertEqual(self.found(), [])

    def test_any_changed_column_of_an_event(self):
        values = {
            "uuid": "'another'",
            "kind": "CASE kind WHEN 'given' THEN 'refused' ELSE 'given' END",
            "source": "'contract'",
            "channel": "'post'",
            "address": "'x@post.example'",
            "at": "at - interval '1 day'",
            "until": "coalesce(until, current_date) + 400",
            "recorded_at": "recorded_at - interval '1 minute'",
            "recorded_by": "recorded_by + 1",
            "purpose_id": "(SELECT min(p.id) FROM consent_purpose p WHERE p.id <> consent_event.purpose_id)",
            "subject_id": "(SELECT min(s.id) FROM consent_subject s WHERE s.id <> consent_event.subject_id)",
            "company_id": None,
            "notice_id": None,
            "payload": "payload || ' '",
            "salt": "sha256(salt)",
            "commitment": "repeat('ab', 32)",
            "algorithm": "'c9'",
        }
        other = self.env["res.company"].create({"name": "Another"})
        notice = self.env["consent.notice"].create({"code": "trial", "name": "May we?", "body": "<p>One</p>"})
        notice.action_publish()
        self.env.flush_all()
        values |= {"company_id": str(other.id), "notice_id": str(notice.id)}
        stored = {field.name for field in self.events._fields.values() if field.store and field.column_type}
        self.assertEqual(stored - {"id"}, set(values), "every column is tried")
        for column, value in values.items():

            def tamper(column=column, value=value):
                event, *_rest = self.row()
                self.run_sql(f"UPDATE consent_event SET {column} = {value} WHERE id = %s", event)
                return "event", event

            self.check(column, tamper)

    def test_rewritten_event_whose_commitment_fits(self):
        def tamper():
            event, place, payload, _salt, _committed = self.row("e.kind = 'given'")
            payload, salt = payload.replace(b'"given"', b'"informed"'), os.urandom(32)
            self.run_sql(
                "UPDATE consent_event SET kind = 'informed', payload = %s, salt = %s, commitment = %s WHERE id = %s",
                payload,
                salt,
                commitment.commit(salt, payload),
                event,
            )
            return "entry", place

        self.check("rewritten", tamper)

    def test_event_and_entry_rewritten_alike_are_found_by_the_signature(self):
        def tamper():
            event, place, payload, _salt, _committed = self.row("e.kind = 'given' AND l.index < 20")
            payload, salt = payload.replace(b'"given"', b'"informed"'), os.urandom(32)
            new = commitment.commit(salt, payload)
            self.run_sql(
                "UPDATE consent_event SET kind = 'informed', payload = %s, salt = %s, commitment = %s WHERE id = %s",
                payload,
                salt,
                new,
                event,
            )
            self.run_sql("UPDATE consent_leaf SET commitment = %s WHERE index = %s", new, place)
            return "checkpoint", self.first_checkpoint()

        self.check("rewritten alike", tamper)

    def first_checkpoint(self):
        self.env.cr.execute("SELECT min(size) FROM consent_checkpoint WHERE size > 0")
        return self.env.cr.fetchone()[0]

    def test_event_cleared_in_part(self):
        parts = ["payload", "salt", "subject_id", "address", "payload = NULL, salt"]

        def tamper():
            event, *_rest = self.row()
            self.run_sql(f"UPDATE consent_event SET {self.random.choice(parts)} = NULL WHERE id = %s", event)
            return "event", event

        self.check("cleared in part", tamper)

    def test_deleted_event(self):
        def tamper():
            event, *_rest = self.row()
            self.run_sql("DELETE FROM consent_event WHERE id = %s", event)
            return "event", event

        self.check("deleted", tamper)

    def test_inserted_event_with_a_place_of_its_own(self):
        def tamper():
            event = self.copy_event()
            self.run_sql(
                """INSERT INTO consent_leaf (index, event_ref, commitment)
                   SELECT (SELECT max(index) + 1 FROM consent_leaf), id, commitment
                     FROM consent_event WHERE id = %s""",
                event,
            )
            return "event", event

        self.check("inserted", tamper)

    def test_inserted_event_in_the_place_of_another(self):
        def tamper():
            event, (_old, place, *_rest) = self.copy_event(), self.row()
            self.run_sql(
                """UPDATE consent_leaf l SET event_ref = e.id, commitment = e.commitment
                     FROM consent_event e WHERE e.id = %s AND l.index = %s""",
                event,
                place,
            )
            return "checkpoint", self.covering(place)

        self.check("inserted over another", tamper)

    def covering(self, place):
        self.env.cr.execute("SELECT min(size) FROM consent_checkpoint WHERE size > %s", [place])
        return self.env.cr.fetchone()[0]

    def copy_event(self):
        self.env.cr.execute(
            """INSERT INTO consent_event (uuid, subject_id, purpose_id, company_id, kind, source, channel, address, at,
                                          until, recorded_at, recorded_by, payload, salt, commitment, algorithm)
               SELECT uuid || '+', subject_id, purpose_id, company_id, kind, source, channel, address, at,
                      until, recorded_at, recorded_by, payload, salt, commitment, algorithm
                 FROM consent_event WHERE id = %s RETURNING id""",
            [self.row()[0]],
        )
        return self.env.cr.fetchone()[0]

    # -- one row of the tree -------------------------------------------------------------------------

    def test_changed_entry(self):
        for value in ("repeat('cd', 32)", "'no hash'", "upper(commitment) || ' '"):

            def tamper(value=value):
                event, *_rest = self.row()
                self.run_sql(f"UPDATE consent_leaf SET commitment = {value} WHERE event_ref = %s", event)
                return "event", event

            self.check("commitment of the entry", tamper)

    def test_entry_of_another_event(self):
        def tamper():
            _event, place, *_rest = self.row()
            self.run_sql("UPDATE consent_leaf SET event_ref = 2000000000 WHERE index = %s", place)
            return "entry", place

        self.check("event of the entry", tamper)

    def test_deleted_entry(self):
        def tamper():
            event, place, *_rest = self.row()
            self.run_sql("DELETE FROM consent_leaf WHERE index = %s", place)
            problems = self.found()
            self.assertIn(event, [problem["event"] for problem in problems], "the event without a place is named too")
            return ("entry", place) if place + 1 < self.signed_size() else ("checkpoint", self.signed_size())

        self.check("deleted entry", tamper)

    def signed_size(self):
        self.env.cr.execute("SELECT max(size) FROM consent_checkpoint")
        return self.env.cr.fetchone()[0]

    def test_last_entry_deleted(self):
        with self.env.cr.savepoint() as savepoint:
            self.run_sql("DELETE FROM consent_leaf WHERE index = %s", self.signed_size() - 1)
            self.assertIn(self.signed_size(), [problem["checkpoint"] for problem in self.found()])
            savepoint.rollback()

    def test_entry_moved_to_another_place(self):
        for value in ("1000000", "-5"):

            def tamper(value=value):
                _event, place, *_rest = self.row("l.index < (SELECT max(index) FROM consent_leaf)")
                self.run_sql(f"UPDATE consent_leaf SET index = {value} WHERE index = %s", place)
                return "entry", place

            self.check("moved", tamper)

    def test_two_entries_swapped(self):
        def tamper():
            # both in one batch: every commitment fits, and only order and root tell
            first, place, *_rest = self.row("l.index BETWEEN 20 AND 60")
            _second, other, *_rest = self.row(f"l.index BETWEEN 20 AND 60 AND e.id <> {first}")
            self.swap(place, other)
            self.assertIn(self.covering(min(place, other)), [problem["checkpoint"] for problem in self.found()])
            return "entry", max(place, other)

        self.check("swapped", tamper)

    def swap(self, first, second):
        self.env.cr.execute(
            "ALTER TABLE consent_leaf DROP CONSTRAINT IF EXISTS consent_leaf_event_once;"
            "UPDATE consent_leaf l SET event_ref = o.event_ref, commitment = o.commitment FROM consent_leaf o"
            " WHERE (l.index, o.index) IN ((%(first)s, %(second)s), (%(second)s, %(first)s))",
            {"first": first, "second": second},
        )

    def test_changed_or_deleted_kept_hash(self):
        for statement in (
            "UPDATE consent_tile SET hash = repeat('ef', 32) WHERE id = %s",
            "DELETE FROM consent_tile WHERE id = %s",
        ):

            def tamper(statement=statement):
                self.env.cr.execute("SELECT id, number * 256 FROM consent_tile WHERE level = 1")
                tile, place = self.random.choice(self.env.cr.fetchall())
                self.run_sql(statement, tile)
                return "entry", place

            self.check("kept hash", tamper)

    # -- one row of the checkpoints ------------------------------------------------------------------

    def checkpoint(self):
        self.env.cr.execute("SELECT size FROM consent_checkpoint WHERE size > 0 ORDER BY size")
        return self.random.choice(self.env.cr.fetchall())[0]

    def test_any_changed_column_of_a_checkpoint(self):
        values = {
            "root": "repeat('ab', 32)",
            "note": "replace(note, 'time 20', 'time 19')",
            "signed_at": "signed_at - interval '1 day'",
            "key_fingerprint": "'another'",
        }
        for column, value in values.items():

            def tamper(column=column, value=value):
                size = self.checkpoint()
                self.run_sql(f"UPDATE consent_checkpoint SET {column} = {value} WHERE size = %s", size)
                return "checkpoint", size

            self.check(column, tamper)

        def resize():
            size = self.checkpoint()
            self.run_sql("UPDATE consent_checkpoint SET size = size - 1 WHERE size = %s", size)
            return "checkpoint", size - 1

        self.check("size", resize)

    def test_deleted_checkpoint(self):
        def tamper():
            size = self.checkpoint()
            self.env.cr.execute("SELECT min(size) FROM consent_checkpoint WHERE size > %s", [size])
            [later] = self.env.cr.fetchone()
            self.run_sql("DELETE FROM consent_checkpoint WHERE size = %s", size)
            if later:
                return "checkpoint", later  # it names the one that is gone
            return "entry", size - 1  # entries that nothing signs

        self.check("deleted checkpoint", tamper)

    def test_checkpoint_signed_with_a_key_put_into_the_database(self):
        seed, origin = os.urandom(32), self.env["consent.signer"]._ledger_name()
        key = signed_note.verifier_key(origin, seed)

        def tamper():
            self.env.cr.execute("SELECT size, note, key_fingerprint FROM consent_checkpoint ORDER BY size DESC LIMIT 1")
            size, note, fingerprint = self.env.cr.fetchone()
            forged = signed_note.sign(note.partition("\n\n")[0] + "\n", origin, seed)
            self.run_sql(
                "INSERT INTO consent_signer (key, fingerprint, since, voucher) VALUES (%s, %s, now(), %s)",
                key,
                fingerprint,
                signed_note.sign(f"client-consent voucher\n{key}\n", origin, seed),
            )
            self.run_sql("UPDATE consent_checkpoint SET note = %s WHERE size = %s", forged, size)
            return "checkpoint", size

        self.check("foreign key", tamper)

    def test_deleted_public_key(self):
        with self.env.cr.savepoint() as savepoint:
            self.env.cr.execute("DELETE FROM consent_signer")
            self.assertIn(self.checkpoint(), [problem["checkpoint"] for problem in self.found()])
            savepoint.rollback()
