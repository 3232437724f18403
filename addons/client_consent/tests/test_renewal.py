from datetime import timedelta

from dateutil.relativedelta import relativedelta
from freezegun import freeze_time
from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import HttpCase, new_test_user, tagged
from odoo.tools import mute_logger

from .common import ConsentCase
from .recording_common import letters


@tagged("post_install", "-at_install")
class TestRenewal(ConsentCase, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.newsletter = cls.env.ref("client_consent.purpose_newsletter")
        cls.newsletter.renewal_days = 30
        cls.seller = new_test_user(cls.env, "salesone", "client_consent.group_consent_user,base.group_partner_manager")
        cls.person.user_id = cls.seller
        cls.reminders = cls.env["consent.reminder"]

    def give(self, partner=None, ends_in=20, purpose="newsletter"):
        """A consent whose last day is so many days ahead."""
        months = self.newsletter.validity_months
        given_at = fields.Datetime.now() + timedelta(days=ends_in) - relativedelta(months=months)
        return (partner or self.person).consent_give(purpose, ["email"], "in_person", given_at=given_at)

    def tasks(self, partner=None):
        return self.env["mail.activity"].search(
            [
                ("activity_type_id", "=", self.env.ref("client_consent.activity_renewal").id),
                ("res_model", "=", "res.partner"),
                ("res_id", "in", (partner or self.person).ids),
            ]
        )

    def test_one_task_for_the_salesperson_however_often_it_runs(self):
        self.give()
        self.give(purpose="offers")
        for _run in range(3):
            self.reminders._cron_renewal()
        [task] = self.tasks()
        self.assertEqual(task.user_id, self.seller)
        for word in ("Newsletter", "Offers", "/renew", "/erase"):
            self.assertIn(word, task.note)
        self.assertNotIn(self.person.name, task.note)
        task.action_done()
        self.reminders._cron_renewal()
        self.assertFalse(self.tasks(), "who let it end is not told again")

    def test_only_what_ends_within_the_time_of_its_purpose(self):
        for days, expected in ((31, 0), (30, 1), (0, 1), (-1, 0)):
            with self.subTest(days=days):
                someone = self.env["res.partner"].create(self.person_values("S", f"s{days}"))
                self.give(someone, ends_in=days)
                self.reminders._cron_renewal()
                self.assertEqual(len(self.tasks(someone)), expected)

    def test_no_task_about_what_cannot_be_used_any_more(self):
        gone, moved, vetoed, archived, twin = self.env["res.partner"].create(
            [self.person_values(f"P{n}", f"p{n}") for n in range(5)]
        )
        for partner in (gone, moved, vetoed, archived):
            self.give(partner)
        gone.consent_withdraw("newsletter", source="phone")
        moved.email = "elsewhere@post.example"
        twin.email = vetoed.email
        twin.consent_withdraw("newsletter", source="phone")
        archived.active = False
        self.reminders._cron_renewal()
        self.assertFalse(self.tasks(gone | moved | vetoed | archived | twin))

    def test_who_left_is_passed_over_for_the_team_leader_and_then_for_privacy(self):
        self.seller.active = False
        new_test_user(self.env, "privacymanager", "client_consent.group_consent_manager")
        self.give()
        if "crm.team" in self.env:
            self.env["crm.team"].search([]).active = False
        self.reminders._cron_renewal()
        [task] = self.tasks()
        self.assertTrue(task.user_id.has_group("client_consent.group_consent_manager"))
        self.assertNotEqual(task.user_id, self.seller)
        if "crm.team" not in self.env:
            return
        leader = new_test_user(self.env, "teamleader", "base.group_user")
        self.env["crm.team"].create({"name": "Team", "user_id": leader.id, "sequence": -1})
        someone = self.env["res.partner"].create({**self.person_values("S", "s"), "user_id": self.seller.id})
        self.give(someone)
        self.reminders._cron_renewal()
        self.assertEqual(self.tasks(someone).user_id, leader)

    def test_many_people_cost_no_more_queries_than_few(self):
        def count(number):
            people = self.env["res.partner"].create(
                [{**self.person_values("Q", f"q{number}-{n}"), "user_id": self.seller.id} for n in range(number)]
            )
            self.give(people)
            self.env.flush_all()
            before = self.env.cr.sql_log_count
            events = self.reminders._take("renewal")
            self.assertEqual(len(events), number)
            self.reminders._get_responsible(events.grouped(lambda event: event.subject_id.partner_id))
            return self.env.cr.sql_log_count - before

        count(1)
        self.assertLessEqual(count(60), count(5) + 1)

    def test_answer_takes_the_task_away(self):
        self.give()
        self.give(purpose="offers")
        self.reminders._cron_renewal()
        self.person.consent_give("newsletter", ["email"], "in_person")
        self.assertTrue(self.tasks(), "offers still end")
        self.person.consent_withdraw("offers", source="phone")
        self.assertFalse(self.tasks())

    # -- the letter ----------------------------------------------------------------------------------

    def renew(self):
        with letters(self.env) as sent:
            self.person.with_user(self.seller).action_consent_renew()
        return sent

    def press(self, path, answer):
        event = self.env["consent.event"].search([("partner_id", "=", self.person.id)], order="id", limit=1)
        page = self.url_open(path)
        token = page.text.split('name="csrf_token" value="')[1].split('"')[0]
        return self.url_open(path, data={"csrf_token": token, f"event_{event.id}": answer})

    def test_yes_in_the_letter_renews_and_no_ends_at_once(self):
        self.give()
        self.reminders._cron_renewal()
        sent = self.renew()
        [path] = sent.paths
        self.assertEqual([mail["to"] for mail in sent.mails], ["eliska@post.example"])
        self.assertIn("Your answer is recorded", self.press(path, "yes").text)
        [status] = self.person.consent_status()
        self.assertEqual(status["until"], str(fields.Date.today() + relativedelta(months=24)))
        self.assertFalse(self.tasks())
        self.assertIn("This link is over", self.url_open(path).text)

    def test_no_in_the_letter_ends_at_once(self):
        self.give()
        self.press(self.renew().paths[0], "no")
        self.assertEqual([line["state"] for line in self.person.consent_status()], ["withdrawn"])

    def test_each_company_writes_about_its_own(self):
        other = self.env["res.company"].create({"name": "Another", "email": "another@company.example"})
        self.give()
        self.give(self.person.with_company(other))
        with letters(self.env) as sent:
            self.person.with_context(allowed_company_ids=[self.env.company.id]).action_consent_renew()
            self.assertEqual(len(sent.mails), 1)
            self.person.with_context(allowed_company_ids=[other.id, self.env.company.id]).action_consent_renew()
        self.assertEqual(len(sent.mails), 2)
        self.assertIn("Another", sent.mails[1]["subject"])

    def test_letter_goes_once(self):
        self.give()
        self.renew()
        with self.assertRaises(UserError):
            self.renew()

    def test_nothing_is_sent_and_no_link_works_after_the_end(self):
        self.give(ends_in=5)
        sent = self.renew()
        with freeze_time(fields.Datetime.now() + timedelta(days=6, hours=1)):
            self.assertFalse(self.env["consent.token"]._find(sent.paths[0].rsplit("/", 1)[1], "renewal"))
        late = self.env["res.partner"].create(self.person_values("Late", "late"))
        self.give(late, ends_in=-1)
        with letters(self.env) as sent, self.assertRaises(UserError):
            late.action_consent_renew()
        self.assertFalse(sent.mails)

    # -- the buttons of the task ---------------------------------------------------------------------

    def test_buttons_lead_to_a_page_of_their_own_and_change_nothing(self):
        self.give()
        self.authenticate("salesone", "salesone")
        before = self.env["consent.event"].search_count([])
        for act in ("renew", "erase"):
            answer = self.url_open(f"/privacy/task/{self.person.id}/{act}", allow_redirects=False)
            self.assertEqual(answer.status_code, 303)
            wizard = self.env["consent.renewal.wizard"].search([], order="id desc", limit=1)
            self.assertTrue(answer.headers["Location"].endswith(f"/{wizard.id}"))
            self.assertEqual((wizard.partner_id, wizard.act), (self.person, act))
        self.assertEqual(self.env["consent.event"].search_count([]), before)
        self.assertEqual(wizard.with_user(self.seller).basis_ids.purpose_id, self.newsletter)

    def test_erase_opens_what_ends_the_keeping_and_does_nothing_yet(self):
        self.give()
        action = self.person.with_user(self.seller).action_consent_erase()
        self.assertTrue(action.get("res_model"))
        self.assertTrue(self.person.consent_allows("newsletter", "email"))

    def test_buttons_are_for_staff_with_the_group_only(self):
        new_test_user(self.env, "outsider", "base.group_user,base.group_partner_manager")
        path = f"/privacy/task/{self.person.id}/renew"
        self.assertIn("/web/login", self.url_open(path, allow_redirects=False).headers["Location"])
        self.authenticate("outsider", "outsider")
        with mute_logger("odoo.http"):
            self.assertEqual(self.url_open(path).status_code, 404)
