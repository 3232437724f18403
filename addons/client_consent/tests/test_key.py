import base64
import io
import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from odoo import tools
from odoo.addons.client_consent.models import consent_key
from odoo.addons.client_consent.models.consent_checkpoint import ConsentCheckpoint
from odoo.addons.client_consent.models.consent_key import ConsentKey
from odoo.addons.client_consent.tools import recovery_sheet, signed_note
from odoo.addons.client_consent.tools.keys import KeyRing
from odoo.exceptions import AccessError, UserError
from odoo.tests import HttpCase, TransactionCase, new_test_user, tagged
from odoo.tools import mute_logger
from odoo.tools.pdf import PdfFileReader

from .common import ConsentCase, within


class KeyFiles:
    """Two key files, the first of which this database was set up with."""

    def set_up_keys(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.paths = {"key_file": Path(folder.name) / "old.key", "key_file_new": Path(folder.name) / "new.key"}
        for path in self.paths.values():
            path.write_text(KeyRing.generate(), encoding="ascii")
            path.chmod(0o600)
        self.rings = [KeyRing.load_file(str(path)) for path in self.paths.values()]
        self.options = {name: str(path) for name, path in self.paths.items()}
        option = patch.object(ConsentKey, "_option", lambda _keys, name: self.options.get(name))
        option.start()
        self.addCleanup(option.stop)
        # keys of people that the machine's own key wraps are not this test's
        self.env.cr.execute("UPDATE consent_subject SET wrapped_key = NULL")
        self.env.invalidate_all()
        self.env["ir.config_parameter"].set_param(consent_key.FINGERPRINT, self.rings[0].fingerprint)


@tagged("post_install", "-at_install")
class TestKey(KeyFiles, TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.startClassPatcher(patch.object(ConsentCheckpoint, "_own_transaction", within))
        cls.manager = new_test_user(cls.env, "key_manager", "client_consent.group_consent_manager")
        cls.recorder = new_test_user(
            cls.env, "key_recorder", "client_consent.group_consent_user,base.group_partner_manager"
        )

    def setUp(self):
        super().setUp()
        self.set_up_keys()
        self.keys = self.env["consent.key"]
        self.people = self.env["res.partner"].create([ConsentCase.person_values(f"P{i}", f"p{i}") for i in range(5)])

    def wizard(self, user):
        return self.env["consent.key.wizard"].with_user(user).create({})

    def test_rotation_keeps_evidence_readable_and_refuses_the_old_key(self):
        subjects = [person._consent_subject(create=True) for person in self.people]
        sealed = [subject._encrypt(f"secret {n}".encode(), b"here") for n, subject in enumerate(subjects)]
        self.people.consent_give("newsletter", ["email"], "paper")
        self.env["consent.event"].ledger_sign()
        before = self.env["consent.checkpoint"]._latest()
        result = self.wizard(self.manager).action_rotate()
        self.assertIn(str(len(subjects)), result["params"]["message"])
        self.env.invalidate_all()
        self.assertEqual(self.keys._ring().fingerprint, self.rings[1].fingerprint, "the new file counts at once")
        for number, subject in enumerate(subjects):
            self.assertEqual(subject._decrypt(sealed[number], b"here"), f"secret {number}".encode())
        self.people.consent_withdraw("newsletter", source="phone")
        self.env["consent.event"].ledger_sign()
        after = self.env["consent.checkpoint"]._latest()
        self.assertNotEqual(before.key_fingerprint, after.key_fingerprint)
        self.assertEqual(self.env["consent.event"].ledger_verify()["problems"], [], "old checkpoints still verify")
        del self.options["key_file_new"]
        with self.assertRaisesRegex(UserError, "another key"):
            self.keys._ring()
        with self.assertRaises(UserError):
            subjects[0]._decrypt(sealed[0], b"here")

    def test_rotation_that_cannot_succeed_changes_nothing(self):
        subject = self.people[0]._consent_subject(create=True)
        sealed = subject._encrypt(b"secret", b"here")
        stored = subject.wrapped_key
        new = self.paths["key_file_new"]
        damaged = self.people[1]._consent_subject(create=True)
        damaged._data_key()
        self.env.flush_all()
        text = new.read_text(encoding="ascii")

        def no_file():
            del self.options["key_file_new"]

        def lost():
            new.unlink()

        def readable():
            new.chmod(0o644)

        def malformed():
            new.write_text("no key", encoding="ascii")

        def same():
            new.write_text(self.paths["key_file"].read_text(encoding="ascii"), encoding="ascii")

        def other_old():
            self.paths["key_file"].write_text(KeyRing.generate(), encoding="ascii")

        def damaged_row():
            wrapped = base64.b64encode(b"\x01" + os.urandom(60))
            self.env.cr.execute("UPDATE consent_subject SET wrapped_key = %s WHERE id = %s", [wrapped, damaged.id])

        old = self.paths["key_file"].read_text(encoding="ascii")
        for spoil in (no_file, lost, readable, malformed, same, other_old, damaged_row):
            self.options = {name: str(path) for name, path in self.paths.items()}
            with self.subTest(spoil=spoil.__name__), self.env.cr.savepoint() as savepoint:
                spoil()
                with self.assertRaises(UserError), self.env.cr.savepoint():
                    self.wizard(self.manager).action_rotate()
                savepoint.rollback()
            new.write_text(text, encoding="ascii")
            new.chmod(0o600)
            self.paths["key_file"].write_text(old, encoding="ascii")
            self.options = {name: str(path) for name, path in self.paths.items()}
            self.env.invalidate_all()
            self.assertEqual(subject.wrapped_key, stored)
        self.assertEqual(self.keys._ring().fingerprint, self.rings[0].fingerprint)
        self.assertEqual(subject._decrypt(sealed, b"here"), b"secret")

    def test_only_managers_exchange_the_key_or_print_the_sheet(self):
        with self.assertRaises(AccessError):
            self.wizard(self.recorder)
        wizard = self.wizard(self.manager)
        for act in (wizard.with_user(self.recorder).action_rotate, wizard.with_user(self.recorder).action_print):
            with self.assertRaises(AccessError):
                act()
        with self.assertRaises(AccessError):
            self.keys.with_user(self.recorder)._recovery_sheet()

    def test_sheet_holds_the_key_and_is_handed_out_once(self):
        key = self.paths["key_file"].read_text(encoding="ascii").strip()
        wizard = self.wizard(self.manager)
        self.assertTrue(wizard.sheet_due)
        with self.assertNoLogs("odoo.addons.client_consent", "INFO"):
            sheet = self.keys.with_user(self.manager)._recovery_sheet()
        page = " ".join(PdfFileReader(io.BytesIO(sheet)).pages[0].extract_text().split())
        for line in recovery_sheet.groups(key):
            self.assertIn(line, page)
        self.assertEqual("".join("".join(recovery_sheet.groups(key)).split()), key)
        self.assertIn(self.rings[0].fingerprint, page)
        wizard.invalidate_recordset()
        self.assertFalse(wizard.sheet_due)
        with self.assertRaisesRegex(UserError, "printed already"):
            self.keys.with_user(self.manager)._recovery_sheet()
        self.env.cr.execute("SELECT count(*) FROM ir_attachment WHERE index_content LIKE %s", [f"%{key[-20:]}%"])
        self.assertEqual(self.env.cr.fetchone(), (0,))
        wizard.action_rotate()
        wizard.invalidate_recordset()
        self.assertTrue(wizard.sheet_due, "the new key has a sheet of its own")

    def test_start_up_names_what_is_wrong_with_the_key(self):
        key = self.paths["key_file"].read_text(encoding="ascii").strip()
        cases = {
            "missing": lambda: self.options.clear(),
            "read by others": lambda: self.paths["key_file"].chmod(0o640),
            "another key": lambda: self.paths["key_file"].write_text(KeyRing.generate(), encoding="ascii"),
            "does not hold a key": lambda: self.paths["key_file"].write_text("x", encoding="ascii"),
        }
        with self.started(), self.assertNoLogs("odoo.addons.client_consent.models.consent_key"):
            self.keys._register_hook()
        for words, spoil in cases.items():
            spoil()
            with (
                self.subTest(words=words),
                self.started(),
                self.assertLogs("odoo.addons.client_consent.models.consent_key", "WARNING") as logs,
            ):
                self.keys._register_hook()
                self.keys._register_hook()
            self.assertEqual(len(logs.output), 1, "once a process")
            self.assertIn(words, logs.output[0])
            self.assertNotIn(key[-43:], logs.output[0])
            self.assertNotIn(str(self.paths["key_file"]), logs.output[0])
            self.options = {name: str(path) for name, path in self.paths.items()}
            self.paths["key_file"].write_text(key, encoding="ascii")
            self.paths["key_file"].chmod(0o600)

    @contextmanager
    def started(self):
        """As in a process that just began and runs no tests."""
        with (
            patch.object(consent_key, "_looked_at", set()),
            patch.dict(tools.config.options, {"test_enable": False}),
        ):
            yield

    def test_key_that_nobody_vouches_for_is_not_believed(self):
        signers = self.env["consent.signer"]
        signers._introduce(self.rings[0], self.rings[1])
        self.assertIn(signers._of_ring(self.rings[0]), signers._vouched(self.rings[1]))
        stranger = KeyRing.load(KeyRing.generate())
        signers._introduce(stranger)
        self.assertNotIn(signers._of_ring(stranger), signers._vouched(self.rings[1]))
        self.assertEqual(signed_note.key_name(signers._of_ring(stranger)), signers._ledger_name())


@tagged("post_install", "-at_install")
class TestRecoverySheetPage(KeyFiles, HttpCase):
    def test_page_offers_and_only_the_button_hands_out(self):
        self.set_up_keys()
        new_test_user(self.env, "sheet_manager", "client_consent.group_consent_manager")
        new_test_user(self.env, "sheet_recorder", "client_consent.group_consent_user")
        self.authenticate("sheet_manager", "sheet_manager")
        for _again in range(2):
            page = self.url_open("/client_consent/recovery_sheet")
            self.assertIn("Hand out the sheet", page.text)
        with mute_logger("odoo.http"):
            self.assertEqual(self.url_open("/client_consent/recovery_sheet", data={"x": "y"}).status_code, 400)
        self.authenticate("sheet_manager", "sheet_manager")
        token = self.url_open("/client_consent/recovery_sheet").text.partition('name="csrf_token" value="')[2]
        answer = self.url_open("/client_consent/recovery_sheet", data={"csrf_token": token.partition('"')[0]})
        self.assertEqual(answer.headers["Content-Type"], "application/pdf")
        self.assertIn("no-store", answer.headers["Cache-Control"])
        self.assertEqual(answer.content[:4], b"%PDF")
        with mute_logger("odoo.http"):
            again = self.url_open("/client_consent/recovery_sheet", data={"csrf_token": token.partition('"')[0]})
        self.assertNotIn(b"%PDF", again.content[:4])
