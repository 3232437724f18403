from datetime import timedelta

from freezegun import freeze_time
from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from .common import ConsentCase, note_seller
from .recording_common import details, letters

CSRF = 'name="csrf_token" value="'


@tagged("post_install", "-at_install")
class TestDoubleOptIn(ConsentCase, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env.ref("client_consent.purpose_newsletter").double_opt_in = True

    def sign_up(self, source="web_form", purpose="newsletter"):
        with letters(self.env) as sent:
            [receipt] = self.person.consent_give(purpose, ["email"], source)
        return receipt, sent

    def events(self, kind):
        return self.env["consent.event"].search([("partner_id", "=", self.person.id), ("kind", "=", kind)])

    def press(self, path, page, **fields_of_form):
        """Press a button of a page that was opened, as a browser does."""
        token = page.text.split(CSRF)[1].split('"')[0]
        return self.url_open(path, data={"csrf_token": token, **fields_of_form})

    # -- from the form to the yes --------------------------------------------------------------------

    def test_answer_from_a_form_counts_after_the_person_pressed_the_button(self):
        receipt, sent = self.sign_up()
        self.assertEqual(receipt["state"], "pending")
        self.assertFalse(self.person.consent_allows("newsletter", "email"))
        [mail], [path] = sent.to("eliska@post.example"), sent.paths
        self.assertTrue(mail["auto_delete"])
        self.assertFalse(mail["model"], "the link must not stand in the contact's history")

        page = self.url_open(path)
        self.assertEqual(page.status_code, 200)
        self.assertIn("Newsletter", page.text)
        self.assertIn("no-store", page.headers["Cache-Control"])
        self.assertFalse(self.events("given"), "a scanner that follows links confirms nothing")

        done = self.press(path, page, answer="yes")
        self.assertIn("Your yes is recorded", done.text)
        self.assertTrue(self.person.consent_allows("newsletter", "email"))
        given = self.events("given")
        self.assertEqual((given.source, details(given)[0]["confirms"]), ("web_form", receipt["receipt"]))

        again = self.press(path, page, answer="yes")
        self.assertIn("This link is over", again.text)
        self.assertEqual(self.events("given"), given, "pressing twice changes nothing")

    def test_no_on_the_page_is_a_no_for_the_address(self):
        _receipt, sent = self.sign_up()
        [path] = sent.paths
        done = self.press(path, self.url_open(path), answer="no")
        self.assertIn("Your no is recorded", done.text)
        self.assertEqual([line["state"] for line in self.person.consent_status()], ["refused"])

    def test_post_without_the_page_is_refused(self):
        _receipt, sent = self.sign_up()
        [path] = sent.paths
        with mute_logger("odoo.http"):
            answer = self.url_open(path, data={"answer": "yes"})
        self.assertEqual(answer.status_code, 400)
        self.assertFalse(self.person.consent_allows("newsletter", "email"))

    def test_post_without_a_choice_shows_the_page_again(self):
        _receipt, sent = self.sign_up()
        [path] = sent.paths
        page = self.press(path, self.url_open(path), answer="perhaps")
        self.assertIn("Was this you?", page.text)
        self.assertFalse(self.events("given"))

    # -- links that are not good ---------------------------------------------------------------------

    def test_forged_used_lapsed_and_overtaken_links_get_the_same_page(self):
        _receipt, sent = self.sign_up()
        [path] = sent.paths
        forged = path[:-4] + ("AAAA" if not path.endswith("AAAA") else "BBBB")
        pages = {"forged": self.url_open(forged), "other kind": self.url_open(path.replace("confirm", "guardian"))}
        self.person.consent_withdraw("newsletter", source="phone")
        pages["overtaken"] = self.url_open(path)
        token = self.env["consent.token"]._find(path.rsplit("/", 1)[1], "confirm")
        token.ends_at = fields.Datetime.now() - timedelta(minutes=1)
        pages["stale"] = self.url_open(path)
        bodies = {self.body(page) for page in pages.values()}
        self.assertEqual(len(bodies), 1, list(pages))
        self.assertIn("This link is over", bodies.pop())
        self.assertEqual({page.status_code for page in pages.values()}, {200})
        self.assertFalse(self.events("given"))

    def body(self, page):
        return page.text.split("o_privacy_page")[1].split("</main>")[0]

    def test_what_was_withdrawn_is_not_raised_by_an_old_mail(self):
        _receipt, sent = self.sign_up()
        [path] = sent.paths
        page = self.url_open(path)
        self.person.consent_withdraw("newsletter", source="phone")
        self.assertIn("This link is over", self.press(path, page, answer="yes").text)
        self.assertFalse(self.person.consent_allows("newsletter", "email"))

    def test_unconfirmed_answer_lapses_by_its_date_without_any_cron(self):
        self.sign_up()
        [status] = self.person.consent_status()
        days = self.env.ref("client_consent.purpose_newsletter").pending_days
        self.assertEqual(status["until"], str(fields.Date.today() + timedelta(days=days)))
        with freeze_time(fields.Datetime.now() + timedelta(days=days + 1)):
            self.env.invalidate_all()
            [status] = self.person.consent_status()
            self.assertEqual(status["state"], "expired")
            with self.assertRaises(UserError):
                self.env["consent.recording"]._confirm(self.events("pending").sudo(), "web_form")

    def test_page_opens_only_so_often_in_a_minute(self):
        path = "/privacy/confirm/forged"
        codes = [self.url_open(path).status_code for _call in range(32)]
        self.assertEqual(codes[:30], [200] * 30)
        self.assertEqual(codes[30:], [429] * 2)

    # -- who gets a mail -----------------------------------------------------------------------------

    def test_second_mail_is_not_sent_within_a_day(self):
        _receipt, first = self.sign_up()
        _receipt, second = self.sign_up("popup")
        self.assertEqual((len(first.mails), len(second.mails)), (1, 0))
        tokens = self.env["consent.token"].search([("kind", "=", "confirm")])
        tokens.issued_at = fields.Datetime.now() - timedelta(hours=25)
        _receipt, third = self.sign_up()
        self.assertEqual(len(third.mails), 1)

    def test_who_was_seen_or_answers_logged_in_needs_no_mail(self):
        for source in ("in_person", "event", "portal"):
            with self.subTest(source=source):
                receipt, sent = self.sign_up(source)
                self.assertEqual((receipt["state"], sent.mails), ("active", []))

    def test_bought_public_and_referred_people_are_never_written_to(self):
        note_seller(self.person)
        for source in ("bought", "public", "referral", "enrichment"):
            receipt, sent = self.sign_up(source)
            self.assertEqual((receipt["state"], sent.mails), ("pending", []))

    def test_machine_does_not_write_to_who_said_no_but_the_person_may_come_back(self):
        self.person.consent_withdraw("newsletter", source="phone")
        _receipt, sent = self.sign_up("import")
        self.assertFalse(sent.mails)
        _receipt, sent = self.sign_up("web_form")
        self.assertEqual(len(sent.mails), 1)
        [path] = sent.paths
        self.press(path, self.url_open(path), answer="yes")
        self.assertTrue(self.person.consent_allows("newsletter", "email"))

    def test_mail_and_page_speak_the_language_of_the_person(self):
        self.env["res.lang"]._activate_lang("cs_CZ")
        self.person.lang = "cs_CZ"
        purpose = self.env.ref("client_consent.purpose_newsletter")
        purpose.with_context(lang="cs_CZ").name = "Zpravodaj"
        _receipt, sent = self.sign_up()
        self.assertIn("Zpravodaj", sent.mails[0]["body"])
        self.assertIn("Zpravodaj", self.url_open(sent.paths[0]).text)

    def test_several_answers_at_once_make_one_mail_and_one_button_confirms_all(self):
        self.env.ref("client_consent.purpose_offers").double_opt_in = True
        purposes = self.env["consent.purpose"].search([("code", "in", ("newsletter", "offers"))])
        with letters(self.env) as sent:
            answers = [(purpose, ["email"], None) for purpose in purposes]
            self.env["consent.recording"]._give_all(self.person, answers, "web_form")
        [path] = sent.paths
        self.press(path, self.url_open(path), answer="yes")
        for purpose in purposes:
            self.assertTrue(self.person.consent_allows(purpose.code, "email"))
