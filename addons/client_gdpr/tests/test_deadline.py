from datetime import date

from odoo.exceptions import UserError
from odoo.tests import freeze_time, tagged

from .common import GdprCase


@tagged("post_install", "-at_install")
class TestDeadline(GdprCase):
    def test_deadline_is_one_month_and_moves_off_holidays(self):
        for received, due in [
            ("2026-09-23 09:00:00", date(2026, 10, 23)),
            ("2026-01-31 09:00:00", date(2026, 3, 2)),  # 28 February 2026 is a Saturday
            ("2025-11-24 09:00:00", date(2025, 12, 29)),  # Christmas in Czechia, then a weekend
        ]:
            with self.subTest(received=received):
                request = self.open_request("access", received=received)
                self.assertEqual(request.deadline, due)
                self.assertIn("Art. 12(3)", request.deadline_explained)

    def test_deadline_stays_as_frozen_when_the_clock_changes(self):
        request = self.open_request("access", received="2026-09-23 09:00:00")
        self.env.ref("client_gdpr.clock_gdpr").answer_number = 2
        self.assertEqual(request.deadline, date(2026, 10, 23))

    def test_other_countries_count_their_own_way(self):
        self.env.company.country_id = self.env.ref("base.ch")
        self.assertEqual(self.open_request("access", received="2026-09-01 09:00:00").deadline, date(2026, 10, 1))
        self.env.company.country_id = self.env.ref("base.uk")
        self.assertEqual(self.open_request("access", received="2026-01-31 09:00:00").deadline, date(2026, 2, 28))

    def test_extension_counts_from_receipt_and_only_inside_the_first_month(self):
        request = self.open_request("erasure", received="2026-09-23 09:00:00")
        with freeze_time("2026-10-01 12:00:00"):
            with self.assertRaises(UserError):
                request.action_extend()
            request.action_extend("many records in old systems")
        self.assertEqual(request.extended_deadline, date(2026, 12, 23))
        late = self.open_request("erasure", received="2026-09-23 09:00:00")
        with freeze_time("2026-11-01 12:00:00"), self.assertRaises(UserError):
            late.action_extend("too late")
