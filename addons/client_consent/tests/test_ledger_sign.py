import subprocess
import sys
import tempfile
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

import psycopg2
from odoo import fields
from odoo.addons.client_consent import tools
from odoo.addons.client_consent.models.consent_checkpoint import ConsentCheckpoint
from odoo.addons.client_consent.models.consent_key import ConsentKey
from odoo.addons.client_consent.tools import merkle, signed_note
from odoo.addons.client_consent.tools.keys import KeyRing
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged
from odoo.tools import SQL, mute_logger

from .common import ConsentCase, use_key


@tagged("post_install", "-at_install")
class TestLedgerSign(ConsentCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.events = cls.env["consent.event"]
        cls.people = cls.env["res.partner"].create([cls.person_values(f"P{i}", f"p{i}") for i in range(30)])
        cls.people.consent_give("newsletter", ["email"], "web_form")

    def latest(self):
        return self.env["consent.checkpoint"]._latest()

    def test_signed_ledger_verifies_and_the_note_says_what_it_holds(self):
        note = self.events.ledger_sign()
        key = self.env["consent.signer"]._of_ring(self.env["consent.key"]._ring())
        text, _key = signed_note.verify(note, [key])
        stated = signed_note.Checkpoint.parse(text)
        result = self.events.ledger_verify()
        self.assertEqual(result, {"ok": True, "size": stated.size, "root": stated.root.hex(), "problems": []})
        self.assertEqual(stated.size, self.events.search_count([]))
        self.assertNotIn("example", stated.origin, "no host in it")

    def test_size_is_never_signed_twice(self):
        note = self.events.ledger_sign()
        count = self.env["consent.checkpoint"].search_count([])
        self.assertEqual(self.events.ledger_sign(), note)
        with use_key(KeyRing.load(KeyRing.generate())):
            self.assertEqual(self.events.ledger_sign(), note)
        self.assertEqual(self.env["consent.checkpoint"].search_count([]), count)
        latest = self.latest()
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaises(psycopg2.errors.UniqueViolation),
            self.env.cr.savepoint(),
        ):
            row = (latest.size, "00" * 32, "x", latest.signed_at, "x")
            latest._insert(("size", "root", "note", "signed_at", "key_fingerprint"), [row])

    def test_every_checkpoint_names_the_one_before(self):
        first = self.events.ledger_sign()
        self.people.consent_withdraw("newsletter", source="phone")
        second = self.events.ledger_sign()
        stated = signed_note.Checkpoint.parse(second.partition("\n\n")[0] + "\n")
        self.assertEqual(stated.previous, signed_note.note_digest(first))
        self.assertTrue(self.events.ledger_verify()["ok"])

    def test_event_is_proved_under_the_checkpoint_and_a_later_one_is_consistent(self):
        events = self.events.search([])
        self.assertEqual(self.env["consent.leaf"]._proofs(events.ids), {}, "nothing is signed yet")
        self.events.ledger_sign()
        first = self.latest()
        # more than a tile, so that kept hashes are used
        self.people.consent_give("offers", ["email", "phone"], "paper")
        for _round in range(10):
            self.people.consent_give("newsletter", ["email"], "web_form")
        self.events.ledger_sign()
        latest = self.latest()
        self.assertGreater(self.env["consent.tile"].search_count([]), 0)
        proofs = self.env["consent.leaf"]._proofs(self.events.search([]).ids)
        self.assertEqual(len(proofs), latest.size)
        root = bytes.fromhex(latest.root)
        for event in self.events.search([]):
            proof = proofs[event.id]
            self.assertEqual(proof["leaf"], merkle.leaf_hash(bytes.fromhex(event.commitment)).hex())
            path = [bytes.fromhex(step) for step in proof["path"]]
            merkle.verify_inclusion(bytes.fromhex(proof["leaf"]), proof["index"], latest.size, path, root)
        path = [bytes.fromhex(step) for step in self.env["consent.checkpoint"]._consistency(first.size)]
        merkle.verify_consistency(first.size, latest.size, bytes.fromhex(first.root), root, path)
        self.people[0].consent_withdraw("newsletter", source="phone")
        waiting = self.events.search([], order="id desc", limit=1)
        self.assertEqual(self.env["consent.leaf"]._proofs(waiting.ids), {})

    def test_event_with_a_lower_number_that_came_later_gets_its_place(self):
        events = self.events.search([], order="id")
        late = events[3]
        # as if its transaction had ended only after the first signing
        self.env.cr.execute("ALTER TABLE consent_event DISABLE TRIGGER USER")
        self.env.cr.execute(
            "CREATE TEMPORARY TABLE late ON COMMIT DROP AS SELECT * FROM consent_event WHERE id = %s", [late.id]
        )
        self.env.cr.execute("DELETE FROM consent_basis WHERE event_ref = %s", [late.id])
        self.env.cr.execute("DELETE FROM consent_event WHERE id = %s", [late.id])
        self.events.ledger_sign()
        self.env.cr.execute("INSERT INTO consent_event SELECT * FROM late")
        self.events.ledger_sign()
        self.assertIn(late.id, self.env["consent.leaf"]._proofs([late.id]))
        self.assertTrue(self.events.ledger_verify()["ok"])

    def test_changed_ledger_is_not_signed_again(self):
        self.events.ledger_sign()
        self.people[0].consent_withdraw("newsletter", source="phone")
        self.env.cr.execute("ALTER TABLE consent_leaf DISABLE TRIGGER USER")
        self.env.cr.execute("UPDATE consent_leaf SET commitment = repeat('0', 64) WHERE index = 1")
        with self.assertRaisesRegex(UserError, "not as it was signed"), self.env.cr.savepoint():
            self.events.ledger_sign()

    def test_database_and_orm_refuse_to_change_leaf_tile_checkpoint_and_signer(self):
        self.events.ledger_sign()
        for model in ("consent.leaf", "consent.tile", "consent.checkpoint", "consent.signer"):
            records = self.env[model].search([], limit=1)
            for statement in ("UPDATE %s SET id = id", "DELETE FROM %s", "TRUNCATE %s"):
                with (
                    self.subTest(model=model, statement=statement),
                    mute_logger("odoo.sql_db"),
                    self.assertRaises(psycopg2.errors.RestrictViolation),
                    self.env.cr.savepoint(),
                ):
                    self.env.cr.execute(statement % records._table)
            for act in (lambda r=records: r.create({}), lambda r=records: r.write({"id": 1})):
                with self.subTest(model=model), self.assertRaises(UserError):
                    act()
        for model in ("consent.leaf", "consent.checkpoint", "consent.signer"):
            with self.subTest(model=model), self.assertRaises(UserError):
                self.env[model].search([], limit=1).unlink()

    def test_only_managers_sign_and_verify(self):
        events = self.events.with_user(self.recorder)
        for act in (events.ledger_sign, events.ledger_verify, events.action_verify):
            with self.subTest(act=act.__name__), self.assertRaises(AccessError):
                act()
        manager = new_test_user(self.env, "ledger_manager", "client_consent.group_consent_manager")
        events = self.events.with_user(manager)
        events.ledger_sign()
        self.assertEqual(events.action_verify()["params"]["type"], "success")
        self.assertEqual(self.env["consent.checkpoint"].with_user(manager).action_sign()["params"]["type"], "success")

    def test_checkpoint_is_mailed_once_to_the_people_named(self):
        reader = self.env["res.partner"].create({"name": "Accountant", "email": "books@post.example"})
        patched = self.patch_readers(reader)
        before = self.env["mail.mail"].search([])
        with patched:
            note = self.events.ledger_sign()
            self.events.ledger_sign()
            self.env["consent.checkpoint"]._publish()
        [mail] = self.env["mail.mail"].search([]) - before
        self.assertEqual(mail.recipient_ids, reader)
        self.assertEqual(mail.attachment_ids.raw.decode(), note)
        self.assertNotIn("post.example", mail.body_html + mail.attachment_ids.name)

    def patch_readers(self, reader):
        return patch.object(ConsentCheckpoint, "_get_readers", lambda checkpoints: [(self.env.company, reader)])

    def test_hourly_signing_without_a_key_says_so_and_goes_on(self):
        def missing(_keys):
            raise UserError("no key")

        with (
            patch.object(ConsentKey, "_ring", missing),
            self.assertLogs("odoo.addons.client_consent.models.consent_checkpoint", "WARNING"),
        ):
            self.env["consent.checkpoint"]._cron_sign()
        self.env["consent.checkpoint"]._cron_sign()
        self.assertEqual(self.latest().size, self.events.search_count([]))

    def test_erased_person_is_nowhere_in_the_ledger_and_it_verifies(self):
        person = self.people[5]
        person.consent_withdraw("newsletter", source="phone", reason="moved to Nowhere Street")
        self.events.ledger_sign()
        subject = person._consent_subject()
        words = [subject.uuid, "p5@post.example", "Nowhere Street", person.name + '"']
        self.events._clear(subject)
        subject.unlink()
        self.people[6].consent_withdraw("newsletter", source="phone")
        self.events.ledger_sign()
        result = self.events.ledger_verify()
        self.assertEqual(result["problems"], [])
        for model in ("event", "basis", "leaf", "tile", "checkpoint", "signer", "subject"):
            self.env.cr.execute(SQL("SELECT row_to_json(t)::text, t FROM %s t", SQL.identifier(f"consent_{model}")))
            for as_json, row in self.env.cr.fetchall():
                for word in words:
                    self.assertNotIn(word, as_json)
                    self.assertNotIn(word.encode().hex(), row)
        self.assertEqual(self.events.basis_rebuild()["differing"], 0)

    # -- export --------------------------------------------------------------------------------------

    def run_script(self, folder, *arguments):
        """The script as an auditor runs it: the tools folder alone, no Odoo, no database."""
        source = Path(tools.__file__).parent
        target = folder / "tools"
        target.mkdir(exist_ok=True)
        for name in ("__init__", "errors", "merkle", "signed_note", "verifier", "ledger_file", "verify_ledger"):
            (target / f"{name}.py").write_bytes((source / f"{name}.py").read_bytes())
        return subprocess.run(
            [sys.executable, target / "verify_ledger.py", *arguments],
            cwd=folder,
            env={"PYTHONPATH": "", "PATH": ""},
            capture_output=True,
            text=True,
            check=False,
        )

    def test_exported_ledger_is_verified_without_odoo(self):
        note = self.events.ledger_sign()
        self.people[0].consent_withdraw("newsletter", source="phone")
        self.events._clear(self.people[1]._consent_subject())
        key = self.env["consent.signer"]._of_ring(self.env["consent.key"]._ring())
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            whole, public = folder / "whole.jsonl", folder / "public.jsonl"
            for path in (whole, public):
                with open(path, "w", encoding="utf-8") as file:
                    self.env["consent.verifier"]._export(file, public=path is public)
            (folder / "mailed.txt").write_text(note.replace("\n", "\r\n"), encoding="utf-8")
            for path in (whole, public):
                done = self.run_script(folder, path, "--key", key, "--checkpoint", folder / "mailed.txt")
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                self.assertIn("The ledger verifies.", done.stdout)
                self.assertIn(self.latest().root, done.stdout)
            self.assertIn("p0@post.example", whole.read_text(encoding="utf-8"))
            self.assertNotIn("post.example", public.read_text(encoding="utf-8"))
            changed = folder / "changed.jsonl"
            text = whole.read_text(encoding="utf-8")
            for wrong, code in [
                (text.replace("p7@post.example", "x7@post.example"), 1),
                (text.rstrip("\n").rpartition("\n")[0] + "\n", 2),
                ("{}\n", 2),
                ("no ledger", 2),
            ]:
                changed.write_text(wrong, encoding="utf-8")
                done = self.run_script(folder, changed)
                self.assertEqual(done.returncode, code, done.stdout + done.stderr)
                self.assertNotIn("Traceback", done.stderr)
            changed.write_text(text.replace("p7@post.example", "x7@post.example"), encoding="utf-8")
            event = self.events.search([("address", "=", "p7@post.example")])
            self.assertIn(f"PROBLEM event {event.id}, ", self.run_script(folder, changed).stdout)
            other = signed_note.verifier_key("client-consent/other", bytes(32))
            self.assertEqual(self.run_script(folder, whole, "--key", other).returncode, 1)
            foreign = signed_note.Checkpoint("client-consent/other", 3, bytes(32)).text()
            (folder / "foreign.txt").write_text(signed_note.sign(foreign, "client-consent/other", bytes(32)))
            self.assertEqual(self.run_script(folder, whole, "--checkpoint", folder / "foreign.txt").returncode, 1)

    def test_backdated_event_is_found_although_it_was_signed(self):
        self.events.ledger_sign()
        self.people[0].consent_withdraw("newsletter", source="phone")
        event = self.events.search([], order="id desc", limit=1)
        with self.patch_now(-timedelta(days=3)):
            self.people[1].consent_withdraw("newsletter", source="phone")
        forged = self.events.search([], order="id desc", limit=1)
        self.events.ledger_sign()
        problems = self.events.ledger_verify()["problems"]
        self.assertEqual([problem["event"] for problem in problems], [forged.id])
        self.assertNotEqual(event, forged)

    def patch_now(self, shift):
        now = fields.Datetime.now() + shift
        return patch.object(fields.Datetime, "now", lambda: now)
