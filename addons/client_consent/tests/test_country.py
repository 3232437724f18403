from datetime import date

from odoo.exceptions import AccessError
from odoo.tests import Form, freeze_time, new_test_user, tagged
from odoo.tools import mute_logger
from psycopg2 import IntegrityError

from .common import ConsentCase


@tagged("post_install", "-at_install")
class TestCountry(ConsentCase):
    def test_age_limit_is_the_one_of_the_day(self):
        cases = [
            ("cz", "2026-11-25", 15),
            ("at", "2026-11-25", 14),
            ("de", "2026-11-25", 16),
            ("dk", "2023-12-31", 13),  # Danish Act L79: 15 from 1 January 2024
            ("dk", "2024-01-01", 15),
            ("si", "2023-01-26", 15),  # ZVOP-2 art. 8
            ("si", "2023-01-25", None),  # the earlier figure is doubtful, so it is shipped inactive
            ("ch", "2026-11-25", None),  # no figure in the statute
            ("li", "2026-11-25", None),  # doubtful
            ("br", "2026-11-25", None),  # not in the list
        ]
        for code, day, limit in cases:
            with self.subTest(country=code, day=day):
                country = self.env.ref(f"base.{code}")
                laws = self.env["consent.country"].with_context(active_test=False)
                self.assertEqual(laws._age_limit(country, date.fromisoformat(day)), limit)
        self.assertIsNone(self.env["consent.country"]._age_limit(self.env["res.country"], date(2026, 1, 1)))

    def test_thirty_six_countries_with_source_date_and_confidence(self):
        laws = self.env["consent.country"].search([])
        self.assertGreaterEqual(len(laws), 36)
        for law in laws:
            self.assertTrue(law.authority and law.authority_url, law.country_id.code)
            for row in law.age_ids:
                self.assertTrue(row.verified_on and row.confidence)
                self.assertFalse(row.active and row.confidence == "check", law.country_id.code)

    def test_impossible_age_limits_are_refused(self):
        law = self.env.ref("client_consent.country_cz")
        for values in ({"age": -1}, {"age": 99}, {"age": 14}):  # the last: a second one "since always"
            with (
                self.subTest(values=values),
                mute_logger("odoo.sql_db"),
                self.assertRaises(IntegrityError),
                self.env.cr.savepoint(),
            ):
                self.env["consent.country.age"].create({"law_id": law.id, **values})

    def test_new_limit_counts_from_its_day(self):
        with Form(self.env.ref("client_consent.country_cz")) as form, form.age_ids.new() as row:
            row.age, row.from_date = 16, "2030-01-01"
        laws, country = self.env["consent.country"], self.env.ref("base.cz")
        self.assertEqual(laws._age_limit(country, date(2029, 12, 31)), 15)
        self.assertEqual(laws._age_limit(country, date(2030, 1, 1)), 16)

    def test_once_a_year_a_manager_is_asked_to_look_again(self):
        self.env.company.country_id = self.env.ref("base.cz")
        law = self.env.ref("client_consent.country_cz")
        new_test_user(self.env, "manager", "client_consent.group_consent_manager")
        with freeze_time("2027-11-23"):
            self.env["consent.country"]._cron_review()
            self.assertFalse(law.activity_ids, "a year is not over")
        with freeze_time("2027-11-24"):
            self.env["consent.country"]._cron_review()
            self.env["consent.country"]._cron_review()
            self.assertEqual(len(law.activity_ids), 1)
            self.assertTrue(law.activity_ids.user_id.has_group("client_consent.group_consent_manager"))
            self.assertFalse(self.env.ref("client_consent.country_br", raise_if_not_found=False))
            self.assertFalse(self.env.ref("client_consent.country_fr").activity_ids, "no company is there")

    def test_recorder_reads_but_does_not_change_the_law(self):
        law = self.env.ref("client_consent.country_cz").with_user(self.recorder)
        self.assertEqual(law.age_today, 15)
        for act in (lambda: law.write({"authority": "Nobody"}), lambda: law.age_ids.write({"age": 3})):
            with self.assertRaises(AccessError):
                act()
