"""The data map of an installation with every app that it declares: nothing is left unsaid, and no row is idle."""

import time
from pathlib import Path
from unittest.mock import patch

from odoo.addons import client_gdpr
from odoo.addons.client_gdpr.models.gdpr_data_map import AUTHORSHIP, GdprDataMap
from odoo.addons.client_gdpr.tests.common import GdprCase
from odoo.addons.client_gdpr.tools import catalogue
from odoo.tests import tagged
from odoo.tools import SQL


@tagged("post_install", "-at_install")
class TestDataMap(GdprCase):
    def setUp(self):
        super().setUp()
        self.data_map = self.env["gdpr.data.map"]
        self.texts = list(self.data_map._catalogue_texts())

    def unclassified(self, texts):
        """What nobody declares with these catalogues alone."""
        self.env.registry.clear_cache()
        self.addCleanup(self.env.registry.clear_cache)
        with patch.object(GdprDataMap, "_catalogue_texts", lambda self: texts):
            return self.data_map.with_user(self.dpo).coverage()["unclassified"]

    def test_every_field_that_may_hold_something_about_a_person_is_declared(self):
        coverage = self.data_map.with_user(self.dpo).coverage()
        self.assertEqual(coverage["unclassified"], [])
        self.assertGreater(coverage["declared"], 500)

    def test_every_catalogue_of_the_product_is_looked_at_here(self):
        """So every row of it matches a field: one that does not is an error already when it is read."""
        here = {source for source, _text in self.texts}
        self.assertEqual(self.shipped() - here, set(), "install these apps in the template, or remove the files")
        self.data_map._check_catalogues()

    def shipped(self):
        folder = Path(client_gdpr.__path__[0], "catalogue")
        return {f"catalogue/{file.name}" for file in folder.glob("*.csv")}

    def test_row_that_is_taken_away_shows_up(self):
        for model, name in (
            ("res.partner", "comment"),  # words of the contact itself
            ("event.registration", "partner_id"),  # a link
            ("mailing.contact", "mobile"),  # a telling name
            ("survey.user_input.line", "value_text_box"),  # words two steps away
            ("website.track", "url"),
            ("auditlog.log", "res_id"),  # a number without a relation
            ("sale.order", "pickup_location_data"),  # JSON
            ("event.registration", "registration_properties"),  # properties
            ("res.partner", "image_1920"),  # a file
        ):
            line = f"\n{model},{name},"
            without = [
                (source, "\n".join(row for row in text.split("\n") if not f"\n{row}".startswith(line)))
                for source, text in self.texts
            ]
            self.assertNotEqual(without, self.texts, line)
            self.assertIn(f"{model}.{name}", self.unclassified(without))

    def test_no_catalogue_could_be_left_out(self):
        """Each that leads somewhere is missed; others hold what neither a link nor a name tells."""
        for number, (source, text) in enumerate(self.texts):
            rows = catalogue.parse(text, source)
            if any(row.leads_to_records and row.field not in AUTHORSHIP for row in rows):
                left = self.unclassified(self.texts[:number] + self.texts[number + 1 :])
                self.assertTrue(left, f"nothing misses {source}")

    def test_what_is_emptied_may_be_empty_in_the_database_too(self):
        rows = self.env.execute_query(
            SQL(
                "SELECT table_name, column_name FROM information_schema.columns"
                " WHERE table_schema = current_schema AND is_nullable = 'NO'"
            )
        )
        filled = set(rows)
        wrong = [
            row.key
            for row in self.data_map._declarations().values()
            if row.action in ("clear", "cut") and self.env[row.model]._fields[row.field].type != "boolean"
            if (self.env[row.model]._table, row.field) in filled
        ]
        self.assertEqual(wrong, [])

    def test_staff_is_shown_and_never_erased(self):
        staff = {key: row for key, row in self.data_map._declarations().items() if key[0].startswith("hr.")}
        self.assertGreater(len(staff), 30)
        self.assertEqual({row.action for row in staff.values()}, {"none"})
        self.assertEqual({row.category for row in staff.values()} - {"staff", "relations"}, set())

    def test_walk_takes_a_blink(self):
        self.data_map._discover()
        self.env.registry.clear_cache()
        started = time.process_time()
        self.data_map._discover()
        self.data_map._declarations()
        self.assertLess(time.process_time() - started, 1)
