from lxml import etree
from odoo.exceptions import AccessError
from odoo.tests import tagged

from .common import GdprCase


@tagged("post_install", "-at_install")
class TestDataMapScreens(GdprCase):
    def setUp(self):
        # registered first, so done last: custom fields leave the registry when their rows are rolled back
        self.addCleanup(self._forget_custom_fields)
        super().setUp()
        self.data_map = self.env["gdpr.data.map"].with_user(self.dpo)

    def _forget_custom_fields(self):
        self.env.registry.reset_changes()
        self.env.registry.clear_cache()

    def custom_field(self, name, ttype, **values):
        """A field of the administrator's own on contacts."""
        return self.env["ir.model.fields"].create(
            {
                "name": name,
                "model_id": self.env["ir.model"]._get_id("res.partner"),
                "ttype": ttype,
                "field_description": name,
                **values,
            }
        )

    def test_every_field_of_the_map_is_a_row_to_read(self):
        self.data_map.action_open_map()
        entries = {(entry["model"], entry["field"]): entry for entry in self.data_map.entries()}
        rows = {(row.model_name, row.field_name): row for row in self.data_map.search([])}
        self.assertEqual(rows.keys(), entries.keys())
        email = rows["res.partner", "email"]
        self.assertEqual((email.state, email.topic, email.category), ("declared", "contact", "contact"))

    def test_a_second_look_changes_nothing(self):
        self.data_map.action_open_map()
        before = {row.id: row.write_date for row in self.data_map.search([])}
        deltas = self.env["gdpr.data.delta"].search_count([])
        self.data_map.action_open_map()
        self.assertEqual({row.id: row.write_date for row in self.data_map.search([])}, before)
        self.assertEqual(self.env["gdpr.data.delta"].search_count([]), deltas)

    def test_what_came_is_noted_and_the_officer_gets_a_task(self):
        self.data_map.action_open_map()
        self.custom_field("x_hobby", "char")
        self.data_map.action_open_map()
        delta = self.env["gdpr.data.delta"].with_user(self.dpo).search([], limit=1)
        self.assertEqual((delta.added_count, delta.undecided_count, delta.gone_count), (1, 1, 0))
        self.assertEqual(delta.field_ids.field_name, "x_hobby")
        tasks = self.env["mail.activity"].search([("res_model", "=", "gdpr.data.delta"), ("res_id", "=", delta.id)])
        self.assertIn(self.dpo, tasks.user_id)

    def test_what_went_is_noted_and_a_decision_stays(self):
        hobby = self.custom_field("x_hobby", "char")
        self.custom_field("x_pet", "char")
        self.data_map.action_open_map()
        self.data_map.search([("field_name", "=", "x_pet")]).action_accept_proposal()
        # as an administrator removes them: their views and rows go first
        (hobby | self.env["ir.model.fields"].search([("name", "=", "x_pet")])).with_context(_force_unlink=True).unlink()
        self.data_map.action_open_map()
        delta = self.env["gdpr.data.delta"].search([], limit=1)
        self.assertEqual((delta.gone_count, delta.gone), (1, "res.partner.x_hobby"))
        self.assertTrue(self.data_map.search([("field_name", "=", "x_pet"), ("state", "=", "decided")]))

    def test_one_click_decides_as_proposed(self):
        self.custom_field("x_hobby", "char")
        self.data_map.action_open_undecided()
        row = self.data_map.search([("field_name", "=", "x_hobby")])
        self.assertEqual((row.state, row.proposed_action), ("undecided", "clear"))
        with self.assertRaises(AccessError):
            row.with_user(self.handler).action_accept_proposal()
        row.action_accept_proposal()
        self.assertEqual((row.state, row.action, row.decided_by_id), ("decided", "clear", self.dpo))
        self.assertNotIn("res.partner.x_hobby", self.data_map.coverage()["unclassified"])

    def test_declared_rows_cannot_be_changed_into_something_else(self):
        self.data_map.action_open_map()
        row = self.data_map.search([("state", "=", "declared")], limit=1)
        with self.assertRaises(AccessError):
            row.write({"action": "none", "reason": "because"})
        with self.assertRaises(AccessError):
            row.action_decide()

    def test_picture_shows_every_model_once_and_the_coverage(self):
        picture = self.data_map.picture()
        drawing = etree.fromstring(picture["svg"])
        models = drawing.xpath("//*[@data-model]/@data-model")
        self.assertEqual(len(models), len(set(models)))
        self.assertEqual(len(models), picture["models"])
        self.assertLessEqual({"res.partner", "mail.message", "res.users"}, set(models))
        self.assertEqual((picture["coverage"], picture["undecided"]), (100, 0))
        self.custom_field("x_hobby", "char")
        picture = self.data_map.picture()
        self.assertEqual((picture["coverage"], picture["undecided"]), (99, 1))
        self.assertIn("1 undecided", picture["svg"])
        with self.assertRaises(AccessError):
            self.data_map.with_user(self.outsider).picture()

    def test_filled_fields_are_counted(self):
        everybody = self.env["res.partner"].with_context(active_test=False).search([])
        everybody.with_context(tracking_disable=True).function = False
        self.person.function = "Gardener"
        self.env.flush_all()
        self.data_map.action_open_filled()
        row = self.data_map.search([("model_name", "=", "res.partner"), ("field_name", "=", "function")])
        self.assertEqual(row.filled, 1)
        self.assertAlmostEqual(
            row.share, 1 / self.env["res.partner"].with_context(active_test=False).search_count([]), 6
        )
        row.action_unneeded()
        self.assertEqual(row.need, "unneeded")
        with self.assertRaises(AccessError):
            row.with_user(self.handler).action_needed()
        self.data_map.action_open_map()
        self.assertEqual(row.need, "unneeded", "a later look keeps what the officer said")

    def test_labels_that_tell_a_special_category_are_found(self):
        labels = self.env["res.partner.category"].create([{"name": "Diabetici"}, {"name": "Gardeners"}])
        self.person.category_id = labels
        findings = self.env["gdpr.tag.finding"].with_user(self.dpo)
        findings.action_screen()
        found = findings.search([("model_name", "=", "res.partner.category"), ("record_id", "in", labels.ids)])
        self.assertEqual(found.mapped("label"), ["Diabetici"])
        self.assertEqual((found.special, found.people), ("health", 1))
        with self.assertRaises(AccessError):
            findings.with_user(self.outsider).action_screen()
