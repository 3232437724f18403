import re

from markupsafe import Markup
from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, HttpCase, new_test_user, tagged
from odoo.tools import mute_logger

from .common import ConsentCase

TEXT = "<p>{company} sends you its newsletter for two years. You can withdraw at any time: {address}.</p>"


class NoticeCase(ConsentCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env.company.consent_dpo_email = "privacy@vlk.example"
        cls.newsletter = cls.env.ref("client_consent.purpose_newsletter")
        cls.newsletter.recipients = "Mailing service Pošta s.r.o."

    def draft(self, extra="", **values):
        company = self.env.company
        body = TEXT.format(company=company.name, address="privacy@vlk.example") + extra
        return self.env["consent.notice"].create(
            {
                "code": "trial",
                "name": "May we?",
                "body": body,
                "lang": "en_US",
                "purpose_ids": [Command.set(self.newsletter.ids)],
                **values,
            }
        )

    def published(self, extra="", **values):
        notice = self.draft(extra, **values)
        notice.action_publish()
        return notice

    def next_version(self, notice, extra):
        draft = notice.browse(notice.action_new_version()["res_id"])
        draft.body = notice.body + Markup(extra)
        draft.action_publish()
        return draft


@tagged("post_install", "-at_install")
class TestNotice(NoticeCase):
    def test_published_notice_is_never_edited_only_superseded(self):
        notice = self.published()
        for change in (
            {"body": "<p>Two</p>"},
            {"name": "Other"},
            {"code": "other"},
            {"lang": "en_US"},
            {"version": 7},
            {"purpose_ids": [Command.clear()]},
            {"company_id": self.env.company.id},
            {"asks_again": False},
            {"state": "draft"},
            {"sha256": "0" * 64},
            {"facts": []},
            {"published_at": False},
        ):
            with self.subTest(change=change), self.assertRaises(UserError):
                notice.write(change)
        with self.assertRaises(UserError):
            notice.unlink()
        with self.assertRaises(UserError):
            notice.action_publish()
        second = self.next_version(notice, "<p>We changed our mailing service.</p>")
        self.assertEqual((second.version, notice.state, second.state), (2, "superseded", "published"))
        self.assertEqual((second.previous_id, notice.next_id), (notice, second))
        self.assertEqual(notice.superseded_at, second.published_at)
        self.assertNotEqual(notice.sha256, second.sha256)
        self.assertIn("<ins>We changed our mailing service.</ins>", second.changes_html)

    def test_nothing_is_made_published_by_hand(self):
        for values in ({"state": "published"}, {"sha256": "0" * 64}, {"published_at": "2026-01-01"}):
            with self.subTest(values=values), self.assertRaises(UserError):
                self.draft(**values)
        draft = self.draft()
        with self.assertRaises(UserError):
            draft.state = "published"

    def test_later_version_is_not_superseded_by_an_earlier_draft(self):
        first = self.published()
        early, late = (first.browse(first.action_new_version()["res_id"]) for _number in range(2))
        self.assertEqual((early.version, late.version), (2, 3))
        late.action_publish()
        with self.assertRaises(UserError):
            early.action_publish()
        self.assertEqual((late.state, early.state), ("published", "draft"))

    def test_purpose_of_a_published_text_stays(self):
        purpose = self.env["consent.purpose"].create(
            {"code": "quiet", "name": "Newsletter two", "lawful_basis": "consent", "validity_months": 6}
        )
        self.published(purpose_ids=[Command.set(purpose.ids)])
        for act in (purpose.unlink, lambda: purpose.write({"code": "loud"})):
            with self.assertRaises(UserError):
                act()

    def test_fingerprint_covers_all_that_was_published(self):
        notice = self.published()
        self.assertRegex(notice.sha256, r"^[0-9a-f]{64}$")
        self.assertEqual(notice.algorithm, "n1")
        notice.invalidate_recordset()
        self.assertEqual(notice._digest(), notice.sha256, "what the database gives back has the same fingerprint")
        self.newsletter.recipients = "Somebody else"
        self.newsletter.name = "Renamed"
        self.assertEqual(notice._digest(), notice.sha256)
        self.assertIn("Mailing service Pošta", notice.facts_html)
        self.assertNotIn("Somebody else", notice.facts_html)
        values = notice._digest_values()
        for name in values:
            changed = {**values, name: "other"}
            self.patch(type(notice), "_digest_values", lambda self, changed=changed: changed)
            self.assertNotEqual(notice._digest(), notice.sha256, name)

    def test_text_that_makes_consents_worthless_is_not_published(self):
        for extra in (
            "<p>By using this site you agree to it.</p>",
            "<p>The box is already ticked.</p>",
            "<p>Your data are never given to third parties.</p>",
            "<p>It is valid indefinitely.</p>",
        ):
            draft = self.draft(extra)
            with self.subTest(extra=extra), self.assertRaises(UserError) as refused:
                draft.action_publish()
            self.assertIn(re.sub("<.*?>", "", extra), str(refused.exception), "the sentence is quoted")
            self.assertTrue(draft.blocked)
            self.assertIn("Must be mended", draft.findings_html)
            self.assertEqual((draft.state, draft.sha256), ("draft", False))
        offers = self.env.ref("client_consent.purpose_offers")
        for values in (
            {"purpose_ids": [Command.set((self.newsletter | offers).ids)]},
            {"body": f"<p>{self.env.company.name} sends you its newsletter. privacy@vlk.example</p>"},
            {"body": TEXT.format(company=self.env.company.name, address="somebody@else.example")},
        ):
            with self.subTest(values=values), self.assertRaises(UserError):
                self.draft(**values).action_publish()

    def test_form_says_what_must_be_mended_while_one_writes(self):
        with Form(self.env["consent.notice"]) as form:
            form.name, form.code = "May we?", "trial"
            form.body = "<p>By using this site you agree.</p>"
            self.assertTrue(form.blocked)
            self.assertIn("Silence, or using a site, is no consent", form.findings_html)
        notice = form.record
        notice.body = "<p>We ask.</p>"
        self.assertFalse(notice.blocked)
        self.assertEqual(notice.version, 1)

    def test_doubtful_text_is_pointed_out_but_published(self):
        draft = self.draft("<p>Complaints: posta@authority.example</p>")
        self.assertFalse(draft.blocked)
        self.assertIn("posta@authority.example", draft.findings_html)
        draft.action_publish()
        self.assertFalse(draft.findings_html)

    def test_event_keeps_which_text_was_seen(self):
        self.published()
        [receipt] = self.person.consent_give("newsletter", ["email"], "web_form", notice="trial")
        self.assertEqual(receipt["notice"], "trial")
        self.assertEqual(self.person.consent_status()[0]["notice"], "trial")

    def test_usable_notice_is_of_the_language_and_company(self):
        company = self.env.company
        other = self.env["res.company"].create({"name": "Other Ltd"})
        self.assertFalse(self.newsletter._usable_notice("en_US", other))
        notice = self.published()
        self.assertEqual(self.newsletter._usable_notice("en_US", company), notice)
        self.assertEqual(self.newsletter._usable_notice("en_GB", company), notice, "the same language")
        self.assertFalse(self.newsletter._usable_notice("cs_CZ", company))
        self.assertFalse(self.newsletter._usable_notice("en_US", other))
        self.assertFalse(self.env.ref("client_consent.purpose_invoice")._usable_notice("en_US", company))
        second = self.next_version(notice, "<p>Two</p>")
        self.assertEqual(self.newsletter._usable_notice("en_US", company), second)

    def test_purpose_of_another_company_has_no_place_in_a_notice(self):
        other = self.env["res.company"].create({"name": "Other Ltd"})
        foreign = self.env["consent.purpose"].create({"code": "foreign", "name": "Foreign", "company_id": other.id})
        with self.assertRaises(UserError):
            self.draft(purpose_ids=[Command.set(foreign.ids)])

    def test_new_text_lists_whom_to_ask_again(self):
        first = self.published()
        people = self.env["res.partner"].create([self.person_values(f"P{i}", f"again{i}") for i in range(4)])
        people[:3].consent_give("newsletter", ["email"], "web_form", notice="trial")
        people[3].consent_give("newsletter", ["email"], "web_form")
        people[0].consent_withdraw("newsletter", source="email")
        self.assertEqual(self.newsletter.ask_again_count, 0)
        second = self.next_version(first, "<p>We changed our mailing service.</p>")
        bases = self.env["consent.basis"].search([("ask_again", "=", True), ("partner_id", "in", people.ids)])
        self.assertEqual(bases.partner_id, people[1:3], "those who agreed to the older text, and still do")
        self.newsletter.invalidate_recordset(["ask_again_count"])
        self.assertEqual((self.newsletter.ask_again_count, second.ask_again_count), (2, 2))
        for record in (self.newsletter, second):
            domain = record.action_open_ask_again()["domain"]
            self.assertEqual(self.env["consent.basis"].search(domain), bases)
        self.assertEqual(bases.mapped("ask_again"), [True, True])
        self.assertEqual(bases.notice_id, first)
        others = self.env["consent.basis"].search([("ask_again", "=", False), ("partner_id", "in", people.ids)])
        self.assertEqual(others.partner_id, people[0] | people[3])
        self.assertTrue(people[1].consent_allows("newsletter", "email"), "until the answer the consent holds")
        people[1].consent_give("newsletter", ["email"], "web_form", notice="trial")
        self.env.invalidate_all()
        self.assertEqual(second.ask_again_count, 1)
        self.newsletter.ask_again = False
        self.env.invalidate_all()
        self.assertEqual((second.ask_again_count, self.newsletter.ask_again_count), (0, 0))

    def test_correction_of_the_wording_asks_nobody_again(self):
        first = self.published()
        self.person.consent_give("newsletter", ["email"], "web_form", notice="trial")
        draft = first.browse(first.action_new_version()["res_id"])
        draft.asks_again = False
        draft.action_publish()
        self.assertEqual(draft.ask_again_count, 0)
        self.next_version(draft, "<p>Now it matters.</p>")
        self.assertEqual(self.newsletter.ask_again_count, 1)

    def test_who_may_not_publish(self):
        draft = self.draft()
        other = self.env["res.company"].create({"name": "Other Ltd"})
        foreign = new_test_user(
            self.env,
            "foreign",
            "client_consent.group_consent_manager",
            company_id=other.id,
            company_ids=[Command.set(other.ids)],
        )
        outsider = new_test_user(self.env, "outsider", "base.group_user")
        for user in (self.recorder, foreign, outsider):
            with self.subTest(user=user.login), self.assertRaises(AccessError):
                draft.with_user(user).action_publish()
        with self.assertRaises(AccessError):
            draft.with_user(foreign).read(["body"])
        with self.assertRaises(AccessError):
            draft.with_user(self.recorder).body = "<p>Other</p>"
        own = draft.with_user(foreign).create({"code": "trial", "name": "Ours", "body": "<p>Ours</p>"})
        self.assertEqual((own.company_id, own.version), (other, 1))
        manager = new_test_user(self.env, "manager", "client_consent.group_consent_manager")
        draft.with_user(manager).action_publish()
        self.assertEqual(draft.state, "published")


@tagged("post_install", "-at_install")
class TestNoticePage(HttpCase, NoticeCase):
    def test_everybody_reads_what_was_published_at_an_address_that_stays(self):
        first = self.published()
        address = first._url()
        self.assertEqual(address, f"/privacy/notice/{first.sha256}")
        page = self.url_open(address)
        self.assertEqual(page.status_code, 200)
        for part in ("sends you its newsletter for two years", "Mailing service Pošta", first.sha256, "Version"):
            self.assertIn(part, page.text)
        self.assertNotIn("no longer used", page.text)
        second = self.next_version(first, "<p>We changed our mailing service.</p>")
        page = self.url_open(address)
        self.assertEqual(page.status_code, 200, "the old text stays readable")
        self.assertIn("no longer used", page.text)
        self.assertIn(second._url(), page.text)
        self.assertNotIn("We changed our mailing service", page.text)
        changes = self.url_open(f"{second._url()}/changes")
        self.assertIn("<ins>We changed our mailing service.</ins>", changes.text)
        self.assertIn("This is the first version", self.url_open(f"{address}/changes").text)

    def test_page_stays_when_its_language_is_switched_off(self):
        czech = self.env["res.lang"]._activate_lang("cs_CZ")
        self.newsletter.with_context(lang="cs_CZ").name = "Novinky"
        body = f"<p>{self.env.company.name} posílá dva roky novinky, odvolat lze kdykoli: privacy@vlk.example</p>"
        notice = self.published(lang="cs_CZ", body=body)
        for _page in range(2):
            page = self.url_open(notice._url())
            self.assertEqual(page.status_code, 200)
            self.assertIn("odvolat lze kdykoli", page.text)
            self.assertIn("<dt>Novinky</dt>", page.text, "what the purposes say stands in the language of the text")
            self.assertIn('lang="cs"', page.text)
            czech.active = False

    @mute_logger("odoo.http")
    def test_what_was_not_published_is_not_found(self):
        self.draft()
        for digest in ("0" * 64, "False", "1", "..%2f..", "a" * 10_000):
            for tail in ("", "/changes"):
                page = self.url_open(f"/privacy/notice/{digest}{tail}")
                self.assertEqual(page.status_code, 404, digest[:10])
