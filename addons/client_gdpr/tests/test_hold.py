import json

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from .common import GdprCase


@tagged("post_install", "-at_install")
class TestHold(GdprCase):
    def hold(self, **values):
        return (
            self.env["gdpr.hold"]
            .with_user(self.handler)
            .create({"name": "12 C 34/2026", "partner_ids": [fields.Command.set(self.person.ids)]} | values)
        )

    def test_person_on_hold_is_kept_whole_with_the_reason_and_goes_when_it_is_released(self):
        message = self.person.message_post(body="You owe me a bicycle")
        hold = self.hold()
        request = self.erase()
        self.assertEqual(request.state, "executed", request.failure)
        self.assertEqual((self.person.name, self.person.email), ("Eliška Testovaná", "eliska@post.example"))
        self.assertTrue(message.exists())
        items = json.loads(request.certificate_ids.document)["content"]["items"]
        self.assertEqual({item["action"] for item in items}, {"keep"})
        self.assertIn("GDPR Art. 17(3)(e)", {item["law"] for item in items})
        self.assertNotIn("was erased", str(self.person.consent_banner))
        rest = self.env["gdpr.deferred"].search([("request_id", "=", request.id)])
        self.assertEqual((rest.state, rest.until), ("open", False))
        self.assertEqual(self.env["gdpr.deferred"]._finish().kept_count, 1)
        cron = self.env.ref("client_gdpr.ir_cron_deferred")
        before = self.env["ir.cron.trigger"].search_count([("cron_id", "=", cron.id)])
        hold.with_user(self.dpo).action_release()
        self.assertEqual(hold.released_by_id, self.dpo)
        self.assertEqual(self.env["ir.cron.trigger"].search_count([("cron_id", "=", cron.id)]), before + 1)
        self.assertEqual(self.env["gdpr.deferred"]._finish().done_count, 1)
        self.assertFalse(self.person.exists() or message.exists())
        self.assertEqual(rest.state, "done")
        self.assertTrue(self.env["gdpr.suppression"]._erased(["eliska@post.example"]))

    def test_hold_that_has_run_out_holds_nobody(self):
        hold = self.hold(until=fields.Date.subtract(fields.Date.today(), days=1))
        self.assertFalse(hold.running)
        self.assertNotIn(hold, self.env["gdpr.hold"].search([("running", "=", True)]))
        self.erase()
        self.assertFalse(self.person.exists())

    def test_last_day_counts(self):
        hold = self.hold(until=fields.Date.today())
        self.assertIn(hold, self.env["gdpr.hold"].search([("running", "=", True)]))
        self.erase()
        self.assertTrue(self.person.exists())

    def test_card_says_that_there_is_a_hold(self):
        self.hold()
        [why] = [line for line in self.person.with_user(self.dpo).gdpr_why() if line["reason"] == "hold"]
        self.assertEqual((why["kind"], why["law"], why["until"]), ("obliging", "GDPR Art. 17(3)(e)", None))

    def test_contact_on_hold_is_neither_deleted_nor_merged_away(self):
        self.hold()
        with self.assertRaises(UserError) as refused:
            self.person.unlink()
        self.assertNotIn("Eliška", str(refused.exception))
        other = self.env["res.partner"].create({"name": "Jiný"})
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        with self.assertRaises(UserError):
            wizard._merge((self.person | other).ids, other, extra_checks=False)
        wizard._merge((self.person | other).ids, self.person, extra_checks=False)
        self.assertTrue(self.person.exists())

    def test_who_may_hold_and_release(self):
        hold = self.hold()
        for user in (self.approver, self.auditor):
            self.assertTrue(hold.with_user(user).read(["name"]))
            with self.assertRaises(AccessError):
                hold.with_user(user).action_release()
        with self.assertRaises(AccessError):
            hold.with_user(self.outsider).read(["name"])
        with self.assertRaises(AccessError):
            hold.write({"released_at": fields.Datetime.now()})
        hold.action_release()
        with self.assertRaises(UserError):
            hold.write({"until": "2030-01-01"})
        with self.assertRaises(UserError):
            hold.sudo().unlink()
