from dateutil.relativedelta import relativedelta
from freezegun import freeze_time
from odoo import fields
from odoo.exceptions import UserError, ValidationError
from odoo.tests import HttpCase, tagged

from .common import ConsentCase
from .recording_common import details, letters


@tagged("post_install", "-at_install")
class TestGuardian(ConsentCase, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.guardian = cls.env["res.partner"].create({"name": "Marta Testovaná", "email": "marta@post.example"})
        today = fields.Date.today()
        cls.person.write(
            {
                "country_id": cls.env.ref("base.cz").id,
                "consent_birthdate": today - relativedelta(years=14, days=1),
                "consent_guardian_id": cls.guardian.id,
            }
        )
        # the day on which Czech law lets the child decide alone
        cls.of_age = cls.person.consent_birthdate + relativedelta(years=15)

    def give(self, source="in_person"):
        with letters(self.env) as sent:
            [receipt] = self.person.consent_give("newsletter", ["email"], source)
        return receipt, sent

    def answer(self, path, answer="yes"):
        page = self.url_open(path)
        token = page.text.split('name="csrf_token" value="')[1].split('"')[0]
        return page, self.url_open(path, data={"csrf_token": token, "answer": answer})

    def tasks(self):
        return self.env["mail.activity"].search(
            [
                ("activity_type_id", "=", self.env.ref("client_consent.activity_of_age").id),
                ("res_model", "=", "res.partner"),
                ("res_id", "=", self.person.id),
            ]
        )

    def test_childs_yes_waits_for_the_guardians_own(self):
        receipt, sent = self.give()
        self.assertEqual(receipt["state"], "pending")
        self.assertFalse(self.person.consent_allows("newsletter", "email"))
        self.assertFalse(sent.to("eliska@post.example"), "a child confirms nothing for itself")
        [_mail], [path] = sent.to("marta@post.example"), sent.paths
        page, done = self.answer(path)
        self.assertIn("Eliška Testovaná", page.text)
        self.assertIn("Your yes is recorded", done.text)
        self.assertTrue(self.person.consent_allows("newsletter", "email"))
        given = self.env["consent.event"].search([("partner_id", "=", self.person.id), ("kind", "=", "given")])
        [said] = details(given)
        self.assertEqual(said["confirms"], receipt["receipt"])
        self.assertEqual(said["guardian"], self.guardian._consent_subject().sudo().uuid)
        self.assertFalse(self.guardian.consent_allows("newsletter", "email"), "the guardian agreed for the child only")

    def test_guardians_no_is_a_no(self):
        _receipt, sent = self.give()
        self.answer(sent.paths[0], "no")
        self.assertEqual([line["state"] for line in self.person.consent_status()], ["refused"])

    def test_nobody_but_the_guardian_makes_it_count(self):
        self.give()
        pending = self.env["consent.event"].sudo().search([("partner_id", "=", self.person.id)])
        with self.assertRaises(UserError):
            self.env["consent.recording"]._confirm(pending, "in_person")

    def test_link_goes_to_an_adults_own_address_only(self):
        today = fields.Date.today()
        cases = {
            "the child's address": {"email": "Eliska@post.example"},
            "no address": {"email": False},
            "a minor": {"email": "m@post.example", "consent_birthdate": today - relativedelta(years=17)},
        }
        for what, values in cases.items():
            with self.subTest(what=what):
                self.guardian.write(values)
                receipt, sent = self.give()
                self.assertEqual((receipt["state"], sent.mails), ("pending", []))

    def test_age_is_that_of_the_country_on_the_day_of_the_answer(self):
        cases = [
            (14, "base.cz", "pending"),
            (15, "base.cz", "active"),
            (15, "base.de", "pending"),
            (16, "base.de", "active"),
        ]
        for years, country, state in cases:
            with self.subTest(years=years, country=country):
                self.person.write(
                    {
                        "consent_birthdate": fields.Date.today() - relativedelta(years=years),
                        "country_id": self.env.ref(country).id,
                    }
                )
                self.assertEqual(self.give()[0]["state"], state)

    def test_purpose_for_adults_waits_until_eighteen(self):
        self.person.consent_birthdate = fields.Date.today() - relativedelta(years=17)
        self.assertEqual(self.give()[0]["state"], "active")
        self.env.ref("client_consent.purpose_newsletter").minimum_age = "18"
        self.assertEqual(self.give()[0]["state"], "pending")

    def test_one_task_on_the_day_the_child_decides_alone(self):
        colleague = self.recorder
        self.person.user_id = colleague
        _receipt, sent = self.give()
        self.answer(sent.paths[0])
        reminders = self.env["consent.reminder"]
        reminders._cron_of_age()
        self.assertFalse(self.tasks())
        with freeze_time(self.of_age - relativedelta(days=1)):
            reminders._cron_of_age()
            self.assertFalse(self.tasks())
        with freeze_time(self.of_age):
            reminders._cron_of_age()
            reminders._cron_of_age()
            [task] = self.tasks()
            self.assertEqual(task.user_id, colleague)
            self.assertTrue(self.person.consent_allows("newsletter", "email"), "what the guardian allowed stays")
            task.action_done()
            reminders._cron_of_age()
            self.assertFalse(self.tasks())
            # and the child is asked, and decides alone
            with letters(self.env) as sent:
                self.person.action_consent_renew()
            self.assertEqual([mail["to"] for mail in sent.mails], ["eliska@post.example"])
            self.person.consent_give("newsletter", ["email"], "in_person")
        given = self.env["consent.event"].search(
            [("partner_id", "=", self.person.id), ("kind", "=", "given")], order="id desc", limit=1
        )
        self.assertNotIn("guardian", details(given)[0])

    def test_no_task_when_the_consent_is_over_by_then(self):
        _receipt, sent = self.give()
        self.answer(sent.paths[0])
        self.person.consent_withdraw("newsletter", source="phone")
        with freeze_time(self.of_age):
            self.env["consent.reminder"]._cron_of_age()
        self.assertFalse(self.tasks())

    def test_birth_date_and_guardian_must_make_sense(self):
        for values in (
            {"consent_birthdate": fields.Date.today() + relativedelta(days=1)},
            {"consent_guardian_id": self.person.id},
        ):
            with self.assertRaises(ValidationError):
                self.person.write(values)

    def test_copy_takes_neither_birth_date_nor_guardian(self):
        copy = self.person.copy()
        self.assertFalse(copy.consent_birthdate or copy.consent_guardian_id)
