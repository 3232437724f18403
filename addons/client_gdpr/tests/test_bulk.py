import json
from collections import Counter
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import tagged
from psycopg2.errors import SerializationFailure

from ..models import gdpr_data_text
from ..models.gdpr_data_text import GdprDataText
from ..models.gdpr_tombstone import GdprTombstone, TombstoneRefused
from ..pipeline import gdpr_run
from ..pipeline.gdpr_executor import GdprExecutor
from ..pipeline.gdpr_run import GdprRun
from ..tools.mentions import Haystack
from .common import GdprCase


@tagged("post_install", "-at_install")
class TestBulk(GdprCase):
    """Many people are erased by the same steps as one."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.people = cls.env["res.partner"].create(
            [cls.person_values(f"Hromadná Osoba{n}", f"hromadna{n}", f"+420 601 900 {n:03}") for n in range(9)]
        )
        for person in cls.people:
            person.message_post(body="hello")

    def certified(self, request):
        content = json.loads(request.certificate_ids.document)["content"]
        return sorted((item["model"], item["action"], item["reason"], item["count"]) for item in content["items"])

    def test_many_are_planned_and_erased_as_one_is(self):
        alone, *others = self.people[:6]
        single = self.erase(alone)
        requests = self.approve_many(others)
        digests = {tuple(sorted(request.plan_id._counts().items())) for request in requests}
        self.assertEqual(len(digests), 1, "the same data make the same plan")
        requests.action_execute()
        self.assertEqual(set(requests.mapped("state")), {"executed"}, requests.mapped("failure"))
        self.assertFalse(self.people[:6].exists())
        self.assertEqual({tuple(self.certified(r)) for r in requests}, {tuple(self.certified(single))})
        self.assertFalse(any(requests.sudo().mapped("identity_payload")))

    def test_one_who_cannot_be_erased_stands_alone_with_the_error(self):
        requests = self.approve_many(self.people)
        guilty, execute = self.people[4], GdprExecutor._execute

        def refuse(executor, cases):
            if any(guilty.id in case.located.partner_ids for case in cases):
                raise UserError("not this one")  # pylint: disable=translation-required
            return execute(executor, cases)

        with patch.object(GdprExecutor, "_execute", refuse):
            requests.action_execute()
        failed = requests.filtered(lambda request: request.state == "failed")
        self.assertEqual(failed.partner_ids, guilty)
        self.assertEqual(failed.failure, "not this one")
        self.assertEqual(set((requests - failed).mapped("state")), {"executed"})
        self.assertEqual(self.people.exists(), guilty)
        self.assertEqual(guilty.name, "Hromadná Osoba4")

    def test_words_about_two_people_lose_both_and_nobody_else(self):
        board = self.env["res.partner"].create({"name": "Nástěnka"})
        one, two, stays = self.people[:3]
        note = board.message_post(body=f"{one.email}, {two.email} and {stays.email} came")
        requests = self.approve_many(one | two)
        requests.action_execute()
        self.assertEqual(set(requests.mapped("state")), {"executed"}, requests.mapped("failure"))
        note.invalidate_recordset()
        self.assertNotIn("hromadna0", note.body)
        self.assertNotIn("hromadna1", note.body)
        self.assertIn("hromadna2@post.example", note.body)

    def test_texts_are_searched_alike_for_few_and_for_many(self):
        board = self.env["res.partner"].create({"name": "Nástěnka", "comment": "<p>HROMADNÁ&nbsp;OSOBA0 rang</p>"})
        board.message_post(body="hromadna1@post.example; +420\u00a0601 900 002", email_from="Hromadná <a@post.example>")
        group = self.env["res.country.group"].create({"name": "to Hromadna2@post.example\nand others"})
        people = [[person.id] for person in self.people]
        found = {}
        for few in (0, 10_000):
            with patch.object(gdpr_data_text, "FEW", few):
                nothing = [None] * len(people)
                readings = self.env["gdpr.finder"]._read_texts(people, nothing, nothing)
                located, known = zip(
                    *self.env["gdpr.finder"]._locate_all(people, nothing, nothing, readings), strict=True
                )
                haystack = Haystack(known)
                rows = self.env["gdpr.data.text"]._look({"res.country.group": ["name"]}, haystack)
                found[few] = located, [(id_, [needle.value for needle in needles]) for _m, id_, _t, needles in rows]
        self.assertEqual(found[0], found[10_000])
        located, groups = found[0]
        mentions = [sorted((h.model, h.field, h.sure) for h in one.hits if h.bond == "text") for one in located]
        self.assertEqual(
            mentions[:3],
            [[("res.partner", "comment", False)], [("mail.message", "body", True)], [("mail.message", "body", True)]],
        )
        self.assertEqual(groups, [(group.id, ["hromadna2@post.example"])])

    def test_data_that_came_after_approval_send_back_only_whom_they_concern(self):
        requests = self.approve_many(self.people[:3])
        self.env["res.partner.bank"].create({"acc_number": "CZ6508000000192000145399", "partner_id": self.people[1].id})
        requests.action_execute()
        self.assertEqual(requests.mapped("state"), ["executed", "planned", "executed"])
        self.assertEqual(self.people[:3].exists(), self.people[1])

    def test_certificate_after_a_leftover_tells_of_both_runs(self):
        hidden = self.env["res.country.group"].create({"name": "hromadna0@post.example"})
        request = self.erase(self.people[0])
        self.assertEqual(request.state, "failed")
        hidden.name = "Nothing"
        request.action_retry()
        self.assertEqual(request.state, "executed", request.failure)
        self.assertEqual(self.certified(request), self.certified(self.erase(self.people[1])))

    def test_archived_contact_is_erased_too(self):
        person = self.people[0]
        person.active = False
        request = self.erase(person)
        self.assertEqual(request.state, "executed", request.failure)
        self.assertFalse(person.exists())

    def test_mention_that_came_after_the_plan_sends_it_back(self):
        board = self.env["res.partner"].create({"name": "Nástěnka"})
        requests = self.approve_many(self.people[:2])
        note = board.message_post(body="ask hromadna1@post.example")
        requests.action_execute()
        self.assertEqual(requests.mapped("state"), ["executed", "planned"])
        line = requests[1].plan_line_ids.filtered(lambda line: line.reason_code == "mention")
        self.assertEqual((line.model, line.field_name, line.record_count), ("mail.message", "body", 1))
        self.assertEqual(requests[1].plan_id.reading["hits"][0]["ids"], note.ids)

    def test_person_reached_by_another_address_since_the_plan_is_looked_for_everywhere(self):
        board = self.env["res.partner"].create({"name": "Nástěnka"})
        note = board.message_post(body="ask osoba@elsewhere.example")
        requests = self.approve_many(self.people[:2])
        self.people[1].email = "osoba@elsewhere.example"
        requests.action_execute()
        self.assertEqual(requests.mapped("state"), ["executed", "planned"])
        self.assertEqual(requests[1].plan_id.reading["hits"][0]["ids"], note.ids)

    def test_only_what_was_written_since_is_read_again(self):
        requests = self.approve_many(self.people[:2])
        looked, look = [], GdprDataText._look

        def note(text, columns, haystack, since=None, also=None):
            looked.append((since, len(columns)))
            return look(text, columns, haystack, since, also)

        with patch.object(GdprDataText, "_look", note):
            requests.action_execute()
        self.assertEqual(set(requests.mapped("state")), {"executed"}, requests.mapped("failure"))
        self.assertEqual([since for since, _count in looked if since], [requests[0].plan_id.reading["moment"]])
        self.assertEqual(
            looked[-1], (None, self.env["gdpr.verifier"]._looked_at()["tables"]), "the verifier trusts nobody"
        )

    def test_moments_of_another_life_of_the_database_are_no_moments(self):
        text = self.env["gdpr.data.text"]
        now = text._moment()
        self.assertTrue(text._is_comparable(now, now))
        self.assertFalse(text._is_comparable(now | {"incarnation": "before the restore"}, now))
        later = now | {"transaction": str(int(now["transaction"]) + 1)}
        self.assertFalse(text._is_comparable(later, now), "put back as a whole to an earlier state")
        much_later = now | {"transaction": str(int(now["transaction"]) + 2 * 10**9)}
        self.assertFalse(text._is_comparable(now, much_later))


@tagged("post_install", "-at_install")
class TestQueue(GdprCase):
    """More people than a button carries out are worked off by the scheduled job, chunk by chunk."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.people = cls.env["res.partner"].create(
            [cls.person_values(f"Hromadná Osoba{n}", f"hromadna{n}", f"+420 601 900 {n:03}") for n in range(9)]
        )
        cls.startClassPatcher(patch.object(gdpr_run, "FEW", 2))
        cls.startClassPatcher(patch.object(gdpr_run, "CHUNK", 4))
        cls.startClassPatcher(patch.object(gdpr_run, "BATCH", 6))
        cls.job = cls.env.ref("client_gdpr.ir_cron_run")

    def work(self, **patches):
        """Let the job work as the scheduler does, in the test's own transaction; the number of commits."""
        commits = []

        def checkpoint(run, done):
            run.env.flush_all()
            commits.append(done)
            return 1.0

        with patch.multiple(GdprRun, _checkpoint=checkpoint, **patches):
            self.left = self.env["gdpr.run"]._work()
        return commits

    def test_many_wait_for_the_job_that_plans_and_erases_them(self):
        requests = self.env["gdpr.request"].browse(
            self.open_request(partner=person, received=fields.Datetime.now()).id for person in self.people
        )
        requests.with_user(self.handler).action_confirm_identity()
        triggers = self.env["ir.cron.trigger"].search_count([("cron_id", "=", self.job.id)])
        requests.with_user(self.handler).action_plan()
        self.assertEqual(self.env["ir.cron.trigger"].search_count([("cron_id", "=", self.job.id)]), triggers + 1)
        self.assertEqual((set(requests.mapped("state")), set(requests.mapped("queue"))), ({"identified"}, {"plan"}))
        self.work()
        self.assertEqual((set(requests.mapped("state")), set(requests.mapped("queue"))), ({"planned"}, {False}))
        requests.with_user(self.handler).action_submit()
        requests.with_user(self.approver).action_approve_and_execute()
        self.assertEqual((set(requests.mapped("state")), set(requests.mapped("queue"))), ({"executing"}, {"erase"}))
        self.assertTrue(all(self.people.mapped("name")))
        commits = self.work()
        self.assertEqual(set(requests.mapped("state")), {"executed"}, requests.mapped("failure"))
        self.assertFalse(any(requests.mapped("queue")) or self.people.exists() or self.left)
        self.assertEqual(commits, [4, 2, 4, 2, 3, 3], "six erased and verified in fours, then three")
        self.assertEqual(len(requests.certificate_ids), len(requests))

    def queue(self, people=None):
        requests = self.approve_many(people or self.people)
        requests.action_execute()
        return requests

    def approve_many(self, partners):
        with patch.object(gdpr_run, "FEW", 20):
            return super().approve_many(partners)

    def test_job_that_runs_out_of_time_goes_on_where_it_stopped(self):
        requests = self.queue()
        with patch.object(GdprRun, "_checkpoint", lambda run, done: run.env.flush_all() or 0.0):
            left = self.env["gdpr.run"]._work()
        self.assertEqual(left, 9)
        self.assertEqual(Counter(requests.mapped("queue")), {"verify": 4, "erase": 5})
        self.assertEqual(self.people.exists(), self.people[4:])
        self.work()
        self.assertEqual(set(requests.mapped("state")), {"executed"}, requests.mapped("failure"))

    def test_chunk_that_met_another_writer_begins_anew(self):
        requests, erase, met = self.queue(), GdprRun._erase, []

        def meet(run, some, readings=None):
            if not met:
                met.append(some)
                raise SerializationFailure
            return erase(run, some, readings)

        with patch("time.sleep"):
            self.work(_erase=meet, _begin_anew=lambda run: run.env.invalidate_all())
        self.assertTrue(met)
        self.assertEqual(set(requests.mapped("state")), {"executed"}, requests.mapped("failure"))

    def test_full_disk_stops_the_job_and_says_why_and_the_next_run_finishes(self):
        requests = self.queue()

        def refuse(tombstones, people):
            raise TombstoneRefused("no room")  # pylint: disable=translation-required

        with patch.object(GdprTombstone, "_intend", refuse), self.assertLogs("odoo.addons.client_gdpr", "ERROR"):
            self.work(_begin_anew=lambda run: run.env.invalidate_all())
        self.assertEqual((self.left, requests[0].failure), (9, "no room"))
        self.assertEqual((set(requests.mapped("state")), set(requests.mapped("queue"))), ({"executing"}, {"erase"}))
        self.assertEqual(self.people.exists(), self.people)
        self.work()
        self.assertEqual(set(requests.mapped("state")), {"executed"}, requests.mapped("failure"))
        self.assertFalse(any(requests.mapped("failure")))

    def test_fault_of_the_program_is_told_without_what_it_quotes(self):
        requests, prepare = self.queue(), GdprExecutor._prepare_erasure

        def stumble(executor, cases):
            if any(self.people[1].id in case.located.partner_ids for case in cases):
                raise ValueError(f"cannot read {self.people[1].name}")
            return prepare(executor, cases)

        with (
            patch.object(GdprExecutor, "_prepare_erasure", stumble),
            self.assertLogs("odoo.addons.client_gdpr", "ERROR") as logs,
        ):
            self.work()
        failed = requests.filtered(lambda request: request.state == "failed")
        self.assertEqual(failed.partner_ids, self.people[1])
        self.assertEqual(set((requests - failed).mapped("state")), {"executed"})
        self.assertIn("ValueError", failed.failure)
        for text in (failed.failure, *logs.output):
            self.assertNotIn("Hromad", text)
