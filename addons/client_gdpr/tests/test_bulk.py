import json
from unittest.mock import patch

from odoo.exceptions import UserError
from odoo.tests import tagged

from ..models import gdpr_data_text
from ..pipeline.gdpr_executor import GdprExecutor
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
                located = [located for located, _identity in self.env["gdpr.finder"]._locate_all(people)]
                haystack = Haystack([identity for _located, identity in self.env["gdpr.finder"]._locate_all(people)])
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
