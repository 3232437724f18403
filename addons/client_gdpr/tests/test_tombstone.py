import errno
import os
from unittest.mock import patch

from odoo.addons.client_consent.tests.common import use_key
from odoo.addons.client_consent.tools.errors import CannotDecrypt
from odoo.addons.client_consent.tools.keys import KeyRing
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from ..models.gdpr_tombstone import TombstoneRefused
from ..pipeline.gdpr_executor import GdprExecutor
from .common import GdprCase


@tagged("post_install", "-at_install")
class TestTombstone(GdprCase):
    def setUp(self):
        super().setUp()
        for file in self.tombstones.iterdir():
            file.unlink()
        self.model = self.env["gdpr.tombstone"]

    def commit(self):
        """What happens after a commit, in the test's own transaction."""
        references = self.env.cr.postcommit.data.pop("gdpr.tombstone", [])
        self.model._conclude(list(references))
        self.env.cr.postcommit.clear()

    def open_line(self, reference="f" * 32, **more):
        place = self.model._place()
        earlier = str(int(place["transaction"]) - 1)
        self.model._append(
            [{**place, "transaction": earlier, "kind": "intent", "ref": reference, "at": "2026-01-01 00:00:00"} | more]
        )
        return reference

    def test_erasure_is_announced_before_it_begins_and_done_after_the_commit(self):
        def look(executor, *args):
            self.assertEqual(len(self.model._read().open()), 1)

        with patch.object(GdprExecutor, "_prepare_erasure", look):
            request = self.erase()
        self.assertEqual(request.state, "executed", request.failure)
        self.assertEqual(len(self.model._read().open()), 1)
        self.commit()
        [record] = self.model._read().done()
        tombstone = self.model.search([("request_id", "=", request.id)])
        self.assertEqual(record.reference, tombstone.reference)
        self.assertEqual(record.intent["request"], request.name)
        self.assertTrue(record.intent["contact"] and record.intent["email"] and record.intent["pair"])

    def test_file_and_rows_name_nobody(self):
        self.erase()
        [file] = self.tombstones.iterdir()
        text = file.read_text().lower()
        for word in ("eliška", "eliska", "testovan", "post.example", "601 234", "601234567", "@"):
            self.assertNotIn(word, text)

    def test_full_disk_erases_nobody_and_says_what_to_do(self):
        request = self.open_request()
        request.action_submit()
        request.with_user(self.approver).action_approve()
        full = OSError(errno.ENOSPC, "No space left on device")
        with patch.object(os, "write", side_effect=full), self.assertRaises(TombstoneRefused) as refused:
            request.with_user(self.approver).action_execute()
        self.assertIn("Nothing was erased", str(refused.exception))
        self.assertIn("full", str(refused.exception))
        self.env.invalidate_all()
        self.assertEqual((self.person.name, request.state), ("Eliška Testovaná", "approved"))
        self.assertFalse(self.model.search_count([("request_id", "=", request.id)]))

    def test_failed_erasure_leaves_no_tombstone_and_a_void_line(self):
        request = self.open_request()
        request.action_submit()
        request.with_user(self.approver).action_approve()
        with patch.object(GdprExecutor, "_erase_consents", side_effect=UserError("no way today")):
            request.with_user(self.approver).action_execute()
        self.assertEqual(request.state, "failed")
        self.commit()
        [record] = self.model._read().records.values()
        self.assertEqual(record.outcome, "void")
        self.assertFalse(self.env["gdpr.suppression"]._erased(["eliska@post.example"]))
        request.action_retry()
        self.commit()
        self.assertEqual(len(self.model._read().done()), 1)

    def test_start_settles_what_a_crash_left_open(self):
        self.erase()
        # the row is there, the line done is not: a crash after the commit
        lost = self.open_line()
        content, unclear = self.model._settle()
        self.assertEqual([record.outcome for record in content.records.values()], ["done", "void"])
        self.assertFalse(unclear)
        self.assertEqual(self.model._read().records[lost].outcome, "void")

    def test_running_transaction_is_left_alone(self):
        place = self.model._place()
        self.model._append([{**place, "kind": "intent", "ref": "a" * 32, "at": ""}])
        content, unclear = self.model._settle()
        self.assertEqual([record.outcome for record in content.records.values()], [""])
        self.assertFalse(unclear)

    def test_open_line_of_before_a_restore_is_for_a_person(self):
        self.open_line(incarnation="0" * 16)
        self.open_line("e" * 32, transaction=str(10**15))
        content, unclear = self.model._settle()
        self.assertEqual([record.outcome for record in content.records.values()], ["", ""])
        self.assertEqual(len(unclear), 2)

    def test_changed_file_is_named_to_whoever_reads_it(self):
        self.erase()
        self.open_line()
        [file] = self.tombstones.iterdir()
        file.write_text(file.read_text().replace('"request":"', '"request":"X', 1))
        with self.assertRaises(UserError) as refused:
            self.model._settle()
        self.assertIn(file.name, str(refused.exception))

    def test_key_exchange_keeps_addresses_recognised(self):
        self.erase()
        present, following = self.env["consent.key"]._ring(), KeyRing.load(KeyRing.generate())
        self.env["consent.key"]._rewrap(present, following)
        with use_key(following):
            self.assertIn("eliska@post.example", self.env["gdpr.suppression"]._erased(["eliska@post.example"]))
            third = KeyRing.load(KeyRing.generate())
            self.env["consent.key"]._rewrap(following, third)
        with use_key(third):
            self.assertIn("eliska@post.example", self.env["gdpr.suppression"]._erased(["eliska@post.example"]))
        with use_key(KeyRing.load(KeyRing.generate())), self.assertRaises(CannotDecrypt):
            self.env["gdpr.suppression"]._erased(["eliska@post.example"])
        self.assertEqual(len(self.model._read().keys), 3)

    def test_address_shared_with_a_living_contact_is_not_suppressed(self):
        self.env["res.partner"].create(self.person_values("Partner Testovaný", "eliska", "+420 777 000 111"))
        self.erase()
        found = self.env["gdpr.suppression"]._erased(["eliska@post.example", "+420601234567"])
        self.assertEqual(list(found), ["+420601234567"])

    def test_tombstones_are_read_by_dpo_and_auditor_only_and_deleted_by_nobody(self):
        self.erase()
        tombstone = self.model.search([])
        for user in (self.dpo, self.auditor):
            self.assertTrue(tombstone.with_user(user).read(["erased_at"]))
            with self.assertRaises(AccessError):
                tombstone.suppression_ids.with_user(user).read(["digest"])
            with self.assertRaises(AccessError):
                tombstone.with_user(user).unlink()
        for user in (self.handler, self.approver, self.outsider):
            with self.assertRaises(AccessError):
                tombstone.with_user(user).read(["erased_at"])
        with self.assertRaises(UserError):
            tombstone.unlink()
