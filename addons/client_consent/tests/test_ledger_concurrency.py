import io
import stat
import tempfile
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from unittest.mock import patch

from odoo import SUPERUSER_ID, api, fields
from odoo.addons.client_consent.tools import ledger_file
from odoo.addons.client_consent.tools.keys import KeyRing
from odoo.cli.command import find_command
from odoo.modules.registry import DummyRLock, Registry
from odoo.tests import BaseCase, get_db_name, tagged
from odoo.tools import SQL, config

from .common import use_key

WRITERS, EVENTS = 8, 200


@tagged("post_install", "-at_install")
class TestLedgerConcurrency(BaseCase):
    """Real transactions, committed; what they leave is taken away again as only the database's owner can."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.registry = Registry(get_db_name())
        # the thread that runs the tests may hold the lock of all registries, as it does while it updates add-ons
        cls.startClassPatcher(patch.object(Registry, "_lock", DummyRLock()))
        cls.startClassPatcher(use_key(KeyRing.load(KeyRing.generate())))
        cls.tables = ("event", "leaf", "tile", "checkpoint", "signer", "basis", "subject")
        cls.kept = {}
        with cls.registry.cursor() as cr:
            for table in cls.tables:
                cr.execute(SQL("SELECT coalesce(max(id), 0) FROM %s", SQL.identifier(f"consent_{table}")))
                [cls.kept[table]] = cr.fetchone()
            cr.execute("SELECT value FROM ir_config_parameter WHERE key = 'client_consent.published_checkpoint'")
            cls.published = cr.fetchone()
        cls.addClassCleanup(cls.take_away)

    @classmethod
    def take_away(cls):
        with cls.registry.cursor() as cr:
            cr.execute("SET LOCAL lock_timeout = '10s'")
            for table in ("basis", "leaf", "tile", "checkpoint", "signer", "event", "subject"):
                name = SQL.identifier(f"consent_{table}")
                cr.execute(SQL("ALTER TABLE %s DISABLE TRIGGER USER", name))
                cr.execute(SQL("DELETE FROM %s WHERE id > %s", name, cls.kept[table]))
                cr.execute(SQL("ALTER TABLE %s ENABLE TRIGGER USER", name))
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
        everyone_appended = threading.Barrier(WRITERS, timeout=20)
        waits = []

        def write(number):
            with self.registry.cursor() as cr:
                cr.execute("SET LOCAL lock_timeout = '10s'")
                env = self.environment(cr)
                events = env["consent.event"]._append(self.entries(env, EVENTS))
                ids = events.ids
                # a writer that had to wait for another's commit would never come here: nobody has committed yet
                everyone_appended.wait()
                cr.execute(
                    "SELECT count(*) FROM pg_locks WHERE NOT granted AND database = "
                    "(SELECT oid FROM pg_database WHERE datname = current_database())"
                )
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

    # -- the command ---------------------------------------------------------------------------------

    def command(self, *arguments):
        """Run ``odoo consent_verify`` as the command line does: exit code, what it printed."""
        printed = io.StringIO()
        command = find_command("consent_verify")()
        with (
            patch.object(config, "parse_config"),  # the server that runs the tests is configured already
            redirect_stdout(printed),
            redirect_stderr(printed),
            self.assertRaises(SystemExit) as ended,
        ):
            command.run(["-d", get_db_name(), *arguments])
        return ended.exception.code, printed.getvalue()

    def test_command_verifies_exports_and_names_what_was_changed(self):
        with self.registry.cursor() as cr:
            env = self.environment(cr)
            event = env["consent.event"]._append(self.entries(env, 30))[7]
            address = event.address
        self.sign_and_verify()
        with tempfile.TemporaryDirectory() as folder:
            whole, public = Path(folder) / "whole.jsonl", Path(folder) / "public.jsonl"
            code, printed = self.command("--export", str(whole))
            self.assertEqual((code, "The ledger verifies." in printed), (0, True), printed)
            self.assertEqual(stat.S_IMODE(whole.stat().st_mode), 0o600)
            self.assertEqual(self.command("--export", str(public), "--public")[0], 0)
            self.assertIn(address, whole.read_text(encoding="utf-8"))
            self.assertNotIn(address, public.read_text(encoding="utf-8"))
            self.assertEqual(ledger_file.check(whole.read_text(encoding="utf-8").splitlines()).problems(), [])
            self.assertEqual(self.command("--export", str(whole))[0], 2, "no file is replaced")
        self.change(event, "withdrawn")
        code, printed = self.command()
        self.change(event, "given")
        self.assertEqual(code, 1)
        self.assertIn(f"PROBLEM event {event.id}, ", printed)
        self.assertNotIn(address, printed)

    def change(self, event, kind):
        with self.registry.cursor() as cr:
            cr.execute("ALTER TABLE consent_event DISABLE TRIGGER USER")
            cr.execute("UPDATE consent_event SET kind = %s WHERE id = %s", [kind, event.id])
            cr.execute("ALTER TABLE consent_event ENABLE TRIGGER USER")
