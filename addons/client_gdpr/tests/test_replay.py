import json
from unittest.mock import patch

from odoo import fields
from odoo.addons.base.models.ir_cron import IrCron
from odoo.addons.client_consent.tests.common import use_key
from odoo.addons.client_consent.tools.keys import KeyRing
from odoo.exceptions import AccessError
from odoo.tests import tagged

from ..tools import certificate
from ..tools.tombstone_file import TombstoneFile
from .common import GdprCase


@tagged("post_install", "-at_install")
class TestReplay(GdprCase):
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

    def restore(self, erase):
        """Do something, and put the database back to what it was before; the files stay."""
        self.env.flush_all()
        savepoint = self.env.cr.savepoint(flush=False)
        erase()
        self.env.flush_all()
        self.commit()
        savepoint.rollback()
        savepoint.close(rollback=False)
        self.env.invalidate_all()
        self.env.registry.clear_all_caches()

    def people(self, count):
        return self.env["res.partner"].create(
            [
                self.person_values(f"Osoba Zkušební{n:02}", f"osoba{n:02}", f"+420 605 {n:03} 123") | {"vat": False}
                for n in range(count)
            ]
        )

    def test_everybody_erased_is_erased_again_after_a_restore_of_a_dump_taken_before(self):
        people = self.people(20)
        bare = self.env["res.partner"].create({"name": "Bez Adresy"})
        everybody = people | bare
        bystander = self.env["res.partner"].create(self.person_values("Osoba Zkušební05", "jina", "+420 777 111 222"))

        def erase():
            for person in everybody:
                request = self.erase(person)
                self.assertEqual(request.state, "executed", request.failure)

        self.restore(erase)
        self.assertEqual(everybody.exists(), everybody)
        self.assertFalse(self.model.search_count([]))
        result = self.model.replay()
        self.assertEqual(result, {"found": 21, "erased_again": 21, "open_intents": []})
        self.assertFalse(everybody.exists())
        self.assertTrue(bystander.exists().name)
        self.commit()
        self.assertEqual(self.model.replay(), {"found": 0, "erased_again": 0, "open_intents": []})
        self.assertTrue(self.env["gdpr.suppression"]._erased(["osoba07@post.example"]))

    def test_certificate_says_which_erasure_it_repeats(self):
        self.restore(self.erase)
        self.model.replay()
        request = self.env["gdpr.request"].search([("replay_id", "!=", False)])
        signed = json.loads(request.certificate_ids.document)
        content = certificate.verify(signed, request.certificate_ids._public_keys()[0])
        [record] = self.model._read().done()
        self.assertEqual(content["repeats"], record.reference)

    def test_request_of_before_the_restore_ends_with_the_repetition(self):
        request = self.open_request(received=fields.Datetime.now())
        request.action_submit()

        def erase():
            request.with_user(self.approver).action_approve_and_execute()

        self.restore(erase)
        self.assertEqual(request.state, "submitted")
        self.model.replay()
        self.assertEqual(request.state, "cancelled")
        self.assertFalse(self.person.exists())

    def test_who_was_not_in_the_copy_stays_suppressed(self):
        self.restore(self.erase)
        self.person.unlink()
        self.assertEqual(self.model.replay()["found"], 0)
        self.assertTrue(self.env["gdpr.suppression"]._erased(["eliska@post.example"]))

    def test_who_came_back_after_the_erasure_is_left_alone(self):
        self.restore(self.erase)
        self.person.unlink()
        back = self.env["res.partner"].create(self.person_values("Eliška Testovaná", "eliska"))
        self.env.cr.execute(
            "UPDATE res_partner SET create_date = now() at time zone 'utc' + interval '1 hour' WHERE id = %s", [back.id]
        )
        back.invalidate_recordset()
        self.assertEqual(self.model.replay()["found"], 0)
        self.assertTrue(back.exists())

    def test_same_person_typed_in_twice_goes_and_a_stranger_with_the_address_is_for_a_person(self):
        self.restore(self.erase)
        duplicate, stranger = self.env["res.partner"].create(
            [self.person_values("eliška  TESTOVANÁ", "eliska"), self.person_values("Karel Testovaný", "eliska")]
        )
        self.env.cr.execute(
            "UPDATE res_partner SET create_date = '2020-01-01' WHERE id = ANY(%s)", [(duplicate | stranger).ids]
        )
        self.env.invalidate_all()
        result = self.model.replay()
        self.assertEqual((result["found"], result["erased_again"]), (1, 1))
        self.assertFalse((self.person | duplicate).exists())
        replay = self.env["gdpr.replay"].search([])
        self.assertEqual(replay.suspect_ids, stranger)
        self.assertIn(self.dpo, replay.activity_ids.user_id)

    def test_file_of_another_database_finds_nobody_by_address(self):
        self.restore(self.erase)
        self.env["ir.config_parameter"].set_param("database.uuid", "another")
        self.assertEqual(self.model.replay()["found"], 0)
        self.person.name = "Eliška Testovaná"
        self.env.cr.execute("UPDATE res_partner SET create_date = '2020-01-01' WHERE id = %s", [self.person.id])
        self.assertEqual(self.model.replay(str(self.tombstones))["found"], 0)
        self.assertTrue(self.person.exists())

    def test_files_of_several_hosts_are_read_together(self):
        first, second = self.people(2)
        self.restore(lambda: self.erase(first))
        [file] = self.tombstones.iterdir()
        file.rename(self.tombstones / "other.host.tombstones")
        self.restore(lambda: self.erase(second))
        self.assertEqual(len(list(self.tombstones.iterdir())), 2)
        self.assertEqual(self.model.replay(str(self.tombstones))["erased_again"], 2)

    def test_failure_of_one_leaves_the_others_and_can_be_tried_again(self):
        first, second = self.people(2)
        self.restore(lambda: (self.erase(first), self.erase(second)))
        hidden = self.env["res.country.group"].create({"name": "osoba00@post.example"})
        result = self.model.replay()
        self.assertEqual((result["found"], result["erased_again"]), (2, 1))
        replay = self.env["gdpr.replay"].search([])
        self.assertEqual((replay.failed_count, replay.activity_ids.user_id & self.dpo), (1, self.dpo))
        hidden.name = "Nothing"
        failed = replay.request_ids.filtered(lambda request: request.state == "failed")
        failed.with_user(self.handler).action_retry()
        self.assertEqual(failed.state, "executed", failed.failure)

    def test_tombstones_of_an_exchanged_key_are_found(self):
        self.restore(self.erase)
        present, following = self.env["consent.key"]._ring(), KeyRing.load(KeyRing.generate())
        self.restore(lambda: self.env["consent.key"]._rewrap(present, following))
        with use_key(following):
            self.assertEqual(self.model.replay()["erased_again"], 1)

    def test_tombstones_of_a_lost_key_are_counted_for_a_person(self):
        self.restore(self.erase)
        with use_key(KeyRing.load(KeyRing.generate())):
            self.assertEqual(self.model.replay()["found"], 0)
        self.assertEqual(self.env["gdpr.replay"].search([]).keyless_count, 1)
        self.assertTrue(self.person.exists())

    def test_open_intent_is_listed_for_the_officer_whose_word_counts(self):
        self.restore(self.erase)
        [record] = self.model._read().done()
        [file] = self.tombstones.iterdir()
        file.unlink()
        # the same announcement, from before a restore, without an end
        line = {k: v for k, v in record.intent.items() if k not in ("prev", "v")} | {"incarnation": "0" * 16}
        TombstoneFile(file).append([line])
        result = self.model.replay()
        self.assertEqual([intent["request"] for intent in result["open_intents"]], [record.intent["request"]])
        self.assertTrue(self.person.exists())
        intent = self.env["gdpr.tombstone.intent"].search([])
        self.assertIn(self.dpo, intent.activity_ids.user_id)
        with self.assertRaises(AccessError):
            intent.with_user(self.auditor).action_was_carried_out()
        with self.assertRaises(AccessError):
            intent.with_user(self.handler).action_was_not()
        intent.with_user(self.dpo).action_was_carried_out()
        self.assertFalse(intent.activity_ids)
        self.assertEqual(self.model.replay()["erased_again"], 1)
        self.assertFalse(self.person.exists())

    def test_intent_that_was_not_carried_out_erases_nobody(self):
        self.restore(self.erase)
        [record] = self.model._read().done()
        [file] = self.tombstones.iterdir()
        file.unlink()
        TombstoneFile(file).append(
            [{k: v for k, v in record.intent.items() if k not in ("prev", "v")} | {"incarnation": "0" * 16}]
        )
        self.model._cron_settle()
        self.env["gdpr.tombstone.intent"].search([]).with_user(self.dpo).action_was_not()
        self.assertEqual(self.model.replay(), {"found": 0, "erased_again": 0, "open_intents": []})
        self.assertTrue(self.person.exists())

    def test_scheduled_job_erases_again_under_this_name_only(self):
        self.restore(self.erase)
        [record] = self.model._read().done()
        self.assertEqual(record.intent["database"], self.env.cr.dbname)
        with patch.object(IrCron, "_commit_progress", lambda self, *args, **kw: 60.0):
            self.model._cron_settle()
        self.assertFalse(self.person.exists())

    def test_who_may_start_it(self):
        for user in (self.handler, self.approver, self.auditor, self.outsider):
            with self.assertRaises(AccessError):
                self.model.with_user(user).replay()
        self.assertEqual(self.model.with_user(self.dpo).replay()["found"], 0)
        with self.assertRaises(AccessError):
            self.model.with_user(self.dpo).replay(str(self.tombstones))
