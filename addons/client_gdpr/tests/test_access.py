import json

from odoo.exceptions import AccessError
from odoo.tests import Form, tagged

from .common import GdprCase


@tagged("post_install", "-at_install")
class TestAccess(GdprCase):
    def test_show_me_answers_at_once_with_what_is_held_and_why(self):
        self.person.consent_give("newsletter", ["email"], "web_form")
        self.person.message_post(body="Asked about opening hours.")
        action = self.person.with_user(self.handler).action_gdpr_show_me()
        request = self.env["gdpr.request"].with_user(self.handler).browse(action["res_id"])
        self.assertEqual((request.kind, request.state), ("access", "executed"))
        for text in ("Eliška Testovaná", "eliska@post.example", "Asked about opening hours.", "Newsletter", "Web form"):
            self.assertIn(text, request.answer_html)
        answer = json.loads(json.dumps(request._answer_values()))
        self.assertEqual(answer["topics"][0]["code"], "contact")
        self.assertEqual(answer["consents"][0]["purpose"], "newsletter")
        self.assertEqual(answer["grounds"][0]["reason"], "consent")
        request.action_answer()
        self.assertEqual(request.state, "answered")

    def test_looking_twice_makes_one_request(self):
        first = self.person.with_user(self.handler).action_gdpr_show_me()
        second = self.person.with_user(self.handler).action_gdpr_show_me()
        self.assertEqual(first["res_id"], second["res_id"])

    def test_request_keeps_no_copy_of_the_answer(self):
        self.person.with_user(self.handler).action_gdpr_show_me()
        self.env.flush_all()
        self.env.cr.execute("SELECT gdpr_request::text FROM gdpr_request")
        for (row,) in self.env.cr.fetchall():
            self.assertNotIn("Testovan", row)
            self.assertNotIn("eliska@", row)

    def test_answer_never_shows_another_person(self):
        other = self.env["res.partner"].create(self.person_values("Someone Else", "else", "+420 602 999 888"))
        other.message_post(body="Private words of somebody else.")
        request = self.open_request("access")
        request.action_confirm_identity()
        request.action_execute()
        self.assertNotIn("Private words", request.answer_html)
        self.assertNotIn("else@post.example", request.answer_html)

    def test_approver_does_not_read_the_answer(self):
        request = self.open_request("access")
        request.action_confirm_identity()
        request.action_execute()
        with self.assertRaises(AccessError):
            request.with_user(self.approver)._answer_values()

    def test_every_privacy_role_opens_the_request_and_only_handler_and_dpo_see_the_answer(self):
        action = self.person.with_user(self.handler).action_gdpr_show_me()
        for user, sees in ((self.handler, True), (self.dpo, True), (self.approver, False), (self.auditor, False)):
            request = self.env["gdpr.request"].with_user(user).browse(action["res_id"])
            with self.subTest(user.login):
                form = Form(request)
                self.assertEqual(form.state, "executed")
                self.assertEqual("answer_html" in form._view["fields"], sees)

    def test_page_shows_the_first_records_and_the_file_all_of_them(self):
        for number in range(60):
            self.person.message_post(body=f"Note number {number:03}")
        request = self.open_request("access")
        request.action_confirm_identity()
        request.action_execute()
        self.assertIn("The first", request.answer_html)
        whole = json.dumps(request._answer_values())
        self.assertEqual([n for n in range(60) if f"Note number {n:03}" not in whole], [])
