import re
from datetime import timedelta
from unittest.mock import patch

from dateutil.relativedelta import relativedelta
from freezegun import freeze_time
from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import HttpCase, new_test_user, tagged

from ..models.consent_source import ConsentSource
from ..tools.fold import QUARANTINED_SOURCES
from ..tools.keys import KeyRing
from .common import ConsentCase, use_key
from .recording_common import details

FACTS = {
    "bought": {"seller": "Seller Ltd", "contract": "K-7", "proof": "form 12"},
    "public": {"url": "https://chamber.example/members"},
    "enrichment": {"seller": "Enricher Ltd"},
    "referral": {},
}


@tagged("post_install", "-at_install")
class TestSource(ConsentCase):
    def source(self, kind="bought", partner=None, **values):
        return self.env["consent.source"].create(
            {"partner_id": (partner or self.person).id, "kind": kind, **FACTS.get(kind, {}), **values}
        )

    # -- quarantine ----------------------------------------------------------------------------------

    def test_data_from_others_are_quarantined_until_the_persons_own_answer(self):
        for number, kind in enumerate(QUARANTINED_SOURCES):
            person = self.env["res.partner"].create(self.person_values(kind, f"q{number}"))
            self.source(kind, person)
            with self.subTest(kind=kind):
                self.assertTrue(person.consent_quarantined)
                self.assertIn(person, self.env["res.partner"].search([("consent_quarantined", "=", True)]))
                person.consent_give("newsletter", ["email"], kind)
                self.assertEqual(len(person.consent_source_ids), 1, "known already")
                self.assertFalse(person.consent_allows("newsletter", "email"))
                self.assertTrue(person.consent_quarantined)
                person.consent_give("newsletter", ["email"], "in_person")
                self.assertTrue(person.consent_allows("newsletter", "email"))
                self.assertFalse(person.consent_quarantined)
                self.assertNotIn(person, self.env["res.partner"].search([("consent_quarantined", "=", True)]))
                self.assertIn(person, self.env["res.partner"].search([("consent_quarantined", "=", False)]))

    def test_answer_from_elsewhere_leaves_its_source_and_starts_the_month(self):
        for kind in ("public", "referral", "enrichment"):
            person = self.env["res.partner"].create(self.person_values(kind, kind))
            for _twice in range(2):
                person.with_user(self.recorder).consent_give("newsletter", ["email"], kind, note="Chamber")
            with self.subTest(kind=kind):
                [source] = person.consent_source_ids
                self.assertEqual((source.kind, source.obtained_on), (kind, fields.Date.today()))
                self.assertEqual(source.url or source.seller, {"referral": False}.get(kind, "Chamber"))
                self.assertTrue(source.must_inform)
                self.assertTrue(person.consent_quarantined)

    def test_answer_from_a_bought_list_needs_seller_contract_and_proof(self):
        twin = self.env["res.partner"].create(self.person_values("Twin", "twin"))
        self.source(partner=twin)
        self.source("public", self.person)
        before = self.env["consent.event"].search_count([])
        with self.assertRaises(UserError) as refused:
            (self.person | twin).consent_give("newsletter", ["email"], "bought")
        for words in ("1 contact", "Seller", "Contract", "Proof"):
            self.assertIn(words, str(refused.exception))
        self.assertEqual(self.env["consent.event"].search_count([]), before)
        [receipt] = twin.consent_give("newsletter", ["email"], "bought")
        self.assertEqual(receipt["state"], "pending")
        self.assertEqual(len(twin.consent_source_ids), 1)

    def test_own_answer_to_one_company_ends_no_quarantine_of_another(self):
        other = self.env["res.company"].create({"name": "Another"})
        self.env.user.company_ids += other
        self.source("public")
        self.source("public", company_id=other.id)
        self.person.consent_give("newsletter", ["email"], "in_person")
        self.assertFalse(self.person.consent_quarantined)
        self.assertTrue(self.person.with_company(other).consent_quarantined)

    def test_known_people_are_not_quarantined(self):
        self.assertFalse(self.person.consent_quarantined)
        self.source("in_person")
        self.assertFalse(self.person.consent_quarantined)

    def test_source_is_shown_on_the_contact(self):
        self.source()
        self.assertIn("Seller Ltd", self.person.consent_sources)

    # -- facts ---------------------------------------------------------------------------------------

    def test_bought_list_needs_seller_contract_and_proof(self):
        for name, label in (("seller", "Seller"), ("contract", "Contract"), ("proof", "Proof")):
            with self.subTest(lacking=name), self.assertRaises(ValidationError) as refused:
                self.source(**{name: False})
            self.assertIn(label, str(refused.exception))
        with self.assertRaises(ValidationError):
            self.source("public", url=False)
        with self.assertRaises(ValidationError):
            self.source(obtained_on=fields.Date.today() + timedelta(days=2))

    def test_same_fact_is_noted_once(self):
        rows = [{"partner_id": self.person.id, "kind": "bought", **FACTS["bought"]}] * 2
        first = self.env["consent.source"]._record(rows)
        self.assertEqual(first[0], first[1])
        self.assertEqual(self.env["consent.source"]._record(rows)[0], first[0])
        self.assertEqual(len(self.person.consent_source_ids), 1)

    def test_facts_are_corrected_by_managers_only(self):
        source = self.source().with_user(self.recorder)
        source.first_contact_on = fields.Date.today()
        with self.assertRaises(AccessError):
            source.seller = "Other"
        outsider = new_test_user(self.env, "outsider", "base.group_user")
        with self.assertRaises(AccessError):
            source.with_user(outsider).read(["seller"])

    # -- Art. 14 -------------------------------------------------------------------------------------

    def test_deadline_is_the_earliest_of_month_first_message_and_passing_on(self):
        source = self.source(obtained_on="2026-01-31")
        self.assertEqual(source.inform_by, fields.Date.to_date("2026-02-28"))
        source.first_disclosure_on = "2026-02-20"
        self.assertEqual(source.inform_by, fields.Date.to_date("2026-02-20"))
        source.first_contact_on = "2026-02-03"
        self.assertEqual(source.inform_by, fields.Date.to_date("2026-02-03"))
        self.assertFalse(self.source("in_person").inform_by)

    def test_informing_sends_the_letter_and_stops_the_clock(self):
        source = self.source()
        self.assertIn(source, self.env["consent.source"].search([("must_inform", "=", True)]))
        source.with_user(self.recorder).action_inform()
        mail = self.env["mail.mail"].search([("recipient_ids", "in", self.person.ids)], limit=1)
        for words in ("Seller Ltd", "Art. 14", self.env.company.name):
            self.assertIn(words, mail.body_html)
        self.assertTrue(source.informed_at)
        self.assertFalse(source.must_inform)
        self.assertNotIn(source, self.env["consent.source"].search([("must_inform", "=", True)]))
        with self.assertRaises(UserError):
            source.action_inform()

    def test_nobody_is_informed_by_half(self):
        reached = self.source()
        without = self.source(partner=self.env["res.partner"].create({"name": "Without Address"}))
        with self.assertRaises(UserError):
            (reached | without).action_inform()
        self.assertFalse(reached.informed_at)
        without.action_informed_otherwise()
        self.assertEqual(without.informed_how, "post")

    def test_exception_needs_its_reason(self):
        source = self.source()
        with self.assertRaises(ValidationError):
            source.exception = "impossible"
        source.write({"exception": "impossible", "exception_reason": "The address is wrong, letters came back."})
        self.assertFalse(source.must_inform)

    def test_one_activity_before_the_deadline_for_the_salesperson(self):
        self.person.user_id = self.recorder
        obtained = fields.Date.today() - timedelta(days=26)
        self.source(obtained_on=obtained)
        self.source("public", obtained_on=obtained)
        far = self.source(partner=self.env["res.partner"].create(self.person_values("Far", "far")))
        with patch.object(ConsentSource, "_checkpoint", lambda self, done: 60):
            for _day in range(3):
                self.env["consent.source"]._cron_watch()
        self.assertEqual(len(self.person.activity_ids), 1)
        self.assertEqual(self.person.activity_ids.user_id, self.recorder)
        self.assertEqual(
            self.person.activity_ids.date_deadline, fields.Date.add(obtained, months=1), "before the last day"
        )
        self.assertFalse(far.partner_id.activity_ids)
        self.person.consent_source_ids[0].action_informed_otherwise()
        self.assertTrue(self.person.activity_ids, "one source is still open")
        self.person.consent_source_ids.action_informed_otherwise()
        self.assertFalse(self.person.activity_ids)

    def test_first_message_ends_the_month_early(self):
        source = self.source(obtained_on=fields.Date.today() - timedelta(days=3))
        self.person.message_post(
            body="Hello", partner_ids=self.person.ids, message_type="comment", subtype_xmlid="mail.mt_comment"
        )
        self.env["consent.source"]._note_first_contact()
        self.assertEqual(source.inform_by, fields.Date.today())

    def test_responsible_is_never_the_machine(self):
        user = self.source()._responsible()
        self.assertTrue(user.active and user._is_internal())
        self.assertNotEqual(user, self.env.ref("base.user_root"))


@tagged("post_install", "-at_install")
class TestInvite(HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.startClassPatcher(use_key(KeyRing.load(KeyRing.generate())))
        cls.referrer = cls.env["res.partner"].create({"name": "Customer", "email": "customer@post.example"})
        cls.newsletter = cls.env.ref("client_consent.purpose_newsletter")

    def setUp(self):
        super().setUp()
        wizard = self.env["consent.invite.wizard"].create(
            {"referrer_id": self.referrer.id, "purpose_ids": self.newsletter.ids}
        )
        text = wizard.action_make()["context"]["default_text"]
        self.path = re.search(r"/privacy/invite/\S+", text)[0]

    def friends(self):
        return self.env["res.partner"].search([("email_normalized", "=", "friend@post.example")])

    def everything(self):
        return (
            self.env["res.partner"].with_context(active_test=False).search_count([]),
            self.env["consent.source"].search_count([]),
            self.env["consent.event"].search_count([]),
        )

    def submit(self, **values):
        page = self.url_open(self.path)
        csrf = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
        full = {
            "csrf_token": csrf[1] if csrf else "",
            "name": "Friend",
            "email": "Friend@post.example",
            "purpose_newsletter": "1",
            **values,
        }
        answer = self.url_open(self.path, data={k: v for k, v in full.items() if v is not None})
        self.env.invalidate_all()
        return answer

    def test_reading_stores_nothing_and_nothing_is_ticked(self):
        before = self.everything()
        page = self.url_open(self.path)
        self.assertEqual(page.status_code, 200)
        self.assertIn('name="purpose_newsletter"', page.text)
        self.assertNotIn("checked", re.search(r'<input[^>]*name="purpose_newsletter"[^>]*>', page.text)[0])
        self.assertEqual(self.everything(), before)
        self.assertTrue(self.env["consent.token"]._find(self.path.rsplit("/", 1)[1], "invite"))

    def test_friends_own_submit_waits_for_confirmation(self):
        self.assertEqual(self.submit().status_code, 200)
        friend = self.friends()
        self.assertEqual([line["state"] for line in friend.consent_status()], ["pending"])
        self.assertTrue(friend.consent_quarantined)
        self.assertFalse(friend.consent_allows("newsletter", "email"))
        [source] = friend.consent_source_ids
        self.assertEqual((source.kind, source.referrer_partner_id), ("referral", self.referrer))
        self.assertFalse(source.must_inform, "the page told everything, and the friend gave the data")
        self.assertEqual(self.url_open(self.path).status_code, 404, "good for one friend")

    def test_unconfirmed_friend_goes_without_a_trace(self):
        before = self.everything()
        self.submit()
        subject = self.friends()._consent_subject()
        with freeze_time(fields.Datetime.now() + timedelta(days=29)):
            self.env["consent.source"]._drop_unconfirmed()
        self.assertTrue(self.friends())
        with freeze_time(fields.Datetime.now() + timedelta(days=40)):
            self.env["consent.source"]._drop_unconfirmed()
        self.assertFalse(self.friends() or subject.exists())
        self.assertEqual(self.everything()[:2], before[:2])
        left = self.env["consent.event"].search([("address", "=", "friend@post.example")])
        self.assertFalse(left, "the ledger verifies, and names nobody")

    def test_friend_who_answered_stays(self):
        self.submit()
        self.friends().consent_give("newsletter", ["email"], "web_form")
        with freeze_time(fields.Datetime.now() + timedelta(days=40)):
            self.env["consent.source"]._drop_unconfirmed()
        self.assertTrue(self.friends())
        self.assertFalse(self.friends().consent_quarantined)

    def test_known_address_answers_alike_and_changes_no_contact(self):
        known = self.env["res.partner"].create({"name": "Known Before", "email": "friend@post.example"})
        known.consent_withdraw("newsletter", source="email")
        answer = self.submit(name="Somebody Else")
        self.assertIn("look into your mailbox", answer.text)
        self.assertEqual(self.friends(), known)
        self.assertEqual(known.name, "Known Before")
        self.assertFalse(known.consent_source_ids)
        self.assertFalse(known.consent_allows("newsletter", "email"))

    def test_known_child_waits_for_the_guardian_here_too(self):
        child = self.env["res.partner"].create(
            {
                "name": "Child",
                "email": "friend@post.example",
                "consent_birthdate": fields.Date.today() - relativedelta(years=10),
            }
        )
        self.submit()
        pending = self.env["consent.event"].search([("partner_id", "=", child.id)])
        self.assertEqual([said["waits_for"] for said in details(pending)], ["guardian"])

    def test_bad_input_says_what_is_missing_and_stores_nothing(self):
        before = self.everything()
        for values in (
            {"name": ""},
            {"name": "See https://evil.example"},
            {"name": "x" * 200},
            {"email": "nobody"},
            {"purpose_newsletter": None},
            {"purpose_newsletter": None, "purpose_offers": "1"},
        ):
            with self.subTest(values=values):
                self.assertIn("Please", self.submit(**values).text)
                self.assertEqual(self.everything(), before)

    def test_forged_ended_and_used_invitations_look_alike(self):
        forged = self.url_open("/privacy/invite/forged")
        token = self.env["consent.token"]._find(self.path.rsplit("/", 1)[1], "invite")
        token.ends_at = fields.Datetime.now() - relativedelta(days=1)
        self.env.flush_all()
        ended = self.url_open(self.path)
        self.assertEqual((forged.status_code, ended.status_code), (404, 404))
        for page in (forged, ended):
            self.assertIn("This invitation has ended", page.text)

    def test_post_without_csrf_token_is_refused(self):
        before = self.everything()
        answer = self.submit(csrf_token="")
        self.assertGreaterEqual(answer.status_code, 400)
        self.assertEqual(self.everything(), before)

    def test_only_usable_purposes_are_offered_by_users_with_the_right(self):
        wizard = self.env["consent.invite.wizard"].create({"referrer_id": self.referrer.id})
        with self.assertRaises(UserError):
            wizard.action_make()
        wizard.purpose_ids = self.env.ref("client_consent.purpose_invoice")
        with self.assertRaises(UserError):
            wizard.action_make()
