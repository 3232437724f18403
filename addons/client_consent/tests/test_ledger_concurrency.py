import threading
import uuid
from concurrent.futures import ThreadPoolExecutor

from odoo import SUPERUSER_ID, api, fields
from odoo.addons.client_consent.tools.keys import KeyRing
from odoo.tests import BaseCase, get_db_name, tagged
from odoo.modules.registry import Registry

from .common import use_key

WRITERS, EVENTS = 8, 200


@tagged("post_install", "-at_install")
class TestLedgerConcurrency(BaseCase):
    """Real transactions, committed; what they leave is taken away again as only the database's owner can."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.registry = Registry(get_db_name())
        cls.startClassPatcher(use_key(KeyRing.load(KeyRing.generate())))
        cls.tables = ("event", "leaf", "tile", "checkpoint", "signer", "basis", "subject")
        cls.kept = {}
        with cls.registry.cursor() as cr:
            for table in cls.tables:
                cr.execute(f"SELECT coalesce(max(id), 0) FROM consent_{table}")
                [cls.kept[table]] = cr.fetchone()
            cr.execute("SELECT value FROM ir_config_parameter WHERE key = 'client_consent.published_checkpoint'")
            cls.published = cr.fetchone()
        cls.addClassCleanup(cls.take_away)

    @classmethod
    def take_away(cls):
        with cls.registry.cursor() as cr:
            for table in ("basis", "leaf", "tile", "checkpoint", "signer", "event", "subject"):
                cr.execute(f"ALTER TABLE consent_{table} DISABLE TRIGGER USER")
                cr.execute(f"DELETE FROM consent_{table} WHERE id > %s", [cls.kept[table]])
                cr.execute(f"ALTER TABLE consent_{table} ENABLE TRIGGER USER")
            if not cls.published:
                cr.execute("DELETE FROM ir_config_parameter WHERE key = 'client_consent.published_checkpoint'")
        cls.registry.clear_cache()

    def environment(self, cr):
        return api.Environment(cr, SUPERUSER_ID, {})

    def entries(self, env, count):
        subjects = env["consent.subject"].create([{"uuid": str(uuid.uuid4())} for _number in range(count)])
        return [
            {
                "subject": subject,
                "purpose": env.ref("client_consent.purpose_newsletter"),
                "company": env.company,
                "kind": "given",
                "source": "paper",
                "channel": "email",
                "address": f"{subject.uuid}@post.example",
                "at": fields.Datetime.now(),
            }
            for subject in subjects
        ]

    def test_eight_writers_never_wait_for_each_other_and_no_event_is_lost(self):
        everyone_appended = threading.Barrier(WRITERS, timeout=60)
        waits = []

        def write(number):
            with self.registry.cursor() as cr:
                env = self.environment(cr)
                events = env["consent.event"]._append(self.entries(env, EVENTS))
                ids = events.ids
                # a writer that had to wait for another's commit would never come here: nobody has committed yet
                everyone_appended.wait()
                cr.execute("SELECT count(*) FROM pg_locks WHERE NOT granted AND database = "
                           "(SELECT oid FROM pg_database WHERE datname = current_database())")
                waits.append(cr.fetchone()[0])
                if number == 0:
                    self.sign_and_verify()  # while eight transactions are open, none of whose events is committed
                everyone_appended.wait()
            return ids

        with ThreadPoolExecutor(WRITERS) as pool:
            ids = [id_ for made in pool.map(write, range(WRITERS)) for id_ in made]
        self.assertEqual(len(set(ids)), WRITERS * EVENTS)
        self.assertEqual(waits, [0] * WRITERS)
        self.sign_and_verify()
        with self.registry.cursor() as cr:
            proofs = self.environment(cr)["consent.leaf"]._proofs(ids)
        self.assertEqual(proofs.keys(), set(ids))

    def sign_and_verify(self):
        with self.registry.cursor() as cr:
            self.environment(cr)["consent.event"].ledger_sign()
        with self.registry.cursor() as cr:
            self.assertEqual(self.environment(cr)["consent.event"].ledger_verify()["problems"], [])

    def test_signers_at_once_sign_one_after_the_other(self):
        def append_and_sign(_number):
            with self.registry.cursor() as cr:
                env = self.environment(cr)
                env["consent.event"]._append(self.entries(env, 20))
            with self.registry.cursor() as cr:
                return self.environment(cr)["consent.event"].ledger_sign()

        with ThreadPoolExecutor(4) as pool:
            notes = list(pool.map(append_and_sign, range(4)))
        sizes = {}
        for note in notes:
            size = note.split("\n")[1]
            self.assertEqual(sizes.setdefault(size, note), note, "one note for one size")
        self.sign_and_verify()

    def test_what_is_not_committed_is_not_signed(self):
        with self.registry.cursor() as cr:
            env = self.environment(cr)
            events = env["consent.event"]._append(self.entries(env, 1))
            env["consent.event"].ledger_sign()
            with self.registry.cursor() as other:
                self.assertEqual(self.environment(other)["consent.leaf"]._proofs(events.ids), {})
            cr.rollback()
