from unittest.mock import patch

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged

from ..models.gdpr_data_map import GdprDataMap
from .common import GdprCase


@tagged("post_install", "-at_install")
class TestDataMap(GdprCase):
    def test_everything_that_is_installed_is_declared(self):
        coverage = self.env["gdpr.data.map"].with_user(self.dpo).coverage()
        self.assertEqual(coverage["unclassified"], [], "declare these fields in a catalogue")
        self.assertGreater(coverage["declared"], 30)

    def custom_link(self):
        """A custom link to a contact on a model of the installation, as an administrator makes it."""
        self.env["ir.model.fields"].create(
            {
                "name": "x_friend_id",
                "model_id": self.env["ir.model"]._get_id("res.country.group"),
                "ttype": "many2one",
                "relation": "res.partner",
                "field_description": "Friend",
            }
        )
        group = self.env["res.country.group"].create({"name": "Friends", "x_friend_id": self.person.id})
        self.env.registry.clear_cache()
        return group

    def test_undecided_field_blocks_submission_until_it_is_decided(self):
        group = self.custom_link()
        self.assertIn(
            "res.country.group.x_friend_id", self.env["gdpr.data.map"].with_user(self.dpo).coverage()["unclassified"]
        )
        request = self.open_request()
        with self.assertRaises(UserError) as refused:
            request.action_submit()
        self.assertIn("res.country.group.x_friend_id", str(refused.exception))
        request.action_confirm_identity()
        request.action_plan()
        with self.assertRaises(UserError):
            request.action_submit()
        line = self.env["gdpr.data.map"].search([("field_name", "=", "x_friend_id")])
        self.assertEqual(line.state, "undecided")
        line.with_user(self.dpo).write({"action": "cut", "reason": "a friendship is no business of ours"})
        with self.assertRaises(AccessError):
            line.with_user(self.handler).action_decide()
        line.with_user(self.dpo).action_decide()
        request.action_plan()
        request.action_submit()
        request.with_user(self.approver).action_approve_and_execute()
        self.assertEqual(request.state, "executed", request.failure)
        self.assertFalse(group.x_friend_id)
        self.assertTrue(group.exists())
        self.assertIn("res.country.group.x_friend_id", request.certificate_ids.document)

    def test_undecided_field_without_records_is_named_on_the_certificate(self):
        group = self.custom_link()
        group.x_friend_id = False
        request = self.erase()
        self.assertEqual(request.state, "executed", request.failure)
        self.assertIn("res.country.group.x_friend_id", request.certificate_ids.document)

    def test_keeping_needs_a_reason(self):
        self.custom_link()
        self.env["gdpr.data.map"]._record_undecided()
        line = self.env["gdpr.data.map"].search([("field_name", "=", "x_friend_id")])
        line.action = "keep"
        with self.assertRaises(ValidationError):
            line.with_user(self.dpo).action_decide()

    def test_row_that_matches_no_field_is_an_error_that_names_it(self):
        text = "model,field,role,action,bond,on_seal,topic,export,reason\nres.partner,no_such,value,clear,,,,,\n"
        self.env.registry.clear_cache()
        self.addCleanup(self.env.registry.clear_cache)
        with (
            patch.object(GdprDataMap, "_catalogue_texts", lambda self: [("trial.csv", text)]),
            self.assertRaises(UserError) as refused,
        ):
            self.env["gdpr.data.map"]._declarations()
        self.assertIn("res.partner.no_such", str(refused.exception))
