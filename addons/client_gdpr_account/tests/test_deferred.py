import tempfile
from pathlib import Path
from unittest.mock import patch

from dateutil.relativedelta import relativedelta
from odoo import fields
from odoo.addons.account.tests.common import AccountTestInvoicingCommon
from odoo.addons.client_consent.tests.common import use_key, within
from odoo.addons.client_consent.tools.keys import KeyRing
from odoo.addons.client_gdpr.models.gdpr_tombstone import GdprTombstone
from odoo.addons.client_gdpr.pipeline.gdpr_executor import GdprExecutor
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged


@tagged("post_install", "-at_install")
class TestDeferred(AccountTestInvoicingCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = tempfile.TemporaryDirectory(prefix="tombstones-")
        cls.addClassCleanup(folder.cleanup)
        cls.startClassPatcher(use_key(KeyRing.load(KeyRing.generate())))
        cls.startClassPatcher(patch.object(GdprTombstone, "_folder", lambda self: Path(folder.name)))
        cls.startClassPatcher(patch.object(GdprTombstone, "_own_transaction", within))
        cls.firm = cls.company_data["company"]
        cls.firm.country_id = cls.firm.account_fiscal_country_id = cls.env.ref("base.cz")
        cls.firm.account_sale_tax_id = False
        cls.product_a.taxes_id = False
        cls.buyer = cls.env["res.partner"].create(
            {
                "name": "Eliška Testovaná",
                "street": "Krátká 1",
                "city": "Brno",
                "email": "eliska@post.example",
                "phone": "+420 601 234 567",
            }
        )
        cls.invoice = cls.init_invoice(
            "out_invoice", partner=cls.buyer, invoice_date=fields.Date.today(), products=cls.product_a, post=True
        )
        cls.handler = new_test_user(
            cls.env, "d_handler", "client_gdpr.group_gdpr_handler,base.group_partner_manager", company_id=cls.firm.id
        )
        cls.approver = new_test_user(cls.env, "d_approver", "client_gdpr.group_gdpr_approver", company_id=cls.firm.id)
        cls.dpo = new_test_user(cls.env, "d_dpo", "client_gdpr.group_gdpr_dpo", company_id=cls.firm.id)
        cls.deferred = cls.env["gdpr.deferred"].sudo()

    def erase(self):
        requests = self.env["gdpr.request"].with_user(self.handler)
        request = requests.browse(requests.request_open("erasure", self.buyer.ids, fields.Datetime.now(), "paper"))
        request.action_submit()
        request.with_user(self.approver).action_approve_and_execute()
        self.assertEqual(request.state, "executed", request.failure)
        return self.deferred.search([("request_id", "=", request.id)])

    def end_term(self):
        """Let the statutory term of the invoice be over."""
        self.env.flush_all()
        self.env.cr.execute("UPDATE account_move SET gdpr_keep_until = '2020-12-31' WHERE id = %s", [self.invoice.id])
        self.env.invalidate_all()

    def test_what_the_law_kept_goes_by_itself_when_the_term_is_over(self):
        rest = self.erase()
        self.assertEqual((rest.state, rest.until), ("open", self.invoice.gdpr_keep_until))
        vault = self.env["gdpr.vault"].sudo().search([("res_id", "=", self.buyer.id)])
        subject = vault.subject_id
        report = self.deferred._finish()
        self.assertEqual((report.done_count, report.kept_count, report.failed_count), (0, 1, 0))
        self.assertTrue(vault.exists() and self.invoice.sudo().printed_buyer)
        self.end_term()
        report = self.deferred._finish()
        self.assertEqual((report.done_count, report.kept_count, report.failed_count), (1, 0, 0))
        self.assertEqual((rest.state, self.buyer.gdpr_state), ("done", "erased"))
        self.assertFalse(vault.exists() or subject.exists(), "without the key nobody opens a copy either")
        self.assertFalse(self.invoice.sudo().printed_buyer)
        self.assertTrue(self.invoice.exists())
        request = rest.follow_up_ids
        self.assertEqual(request.state, "executed", request.failure)
        self.assertIn(f'"completes": "{rest.request_id.name}"', request.certificate_ids.document)
        self.assertEqual(self.deferred._finish().kept_count, 0, "nobody looks at it again")

    def test_longer_term_is_followed_in_the_vault_too(self):
        rest = self.erase()
        later = self.invoice.gdpr_keep_until + relativedelta(years=2)
        self.env.cr.execute("UPDATE account_move SET gdpr_keep_until = %s WHERE id = %s", [later, self.invoice.id])
        self.env.invalidate_all()
        self.deferred._finish()
        vault = self.env["gdpr.vault"].sudo().search([("res_id", "=", self.buyer.id)])
        self.assertEqual((rest.until, vault.until, rest.state), (later, later, "open"))

    def test_contact_with_a_tax_number_is_sealed_once_the_tax_period_is_locked(self):
        self.buyer.vat = "CZ29148260"
        rest = self.erase()
        self.assertTrue(rest.waits_for_tax)
        self.assertEqual((self.buyer.name, self.buyer.email), ("Eliška Testovaná", False))
        self.assertEqual(self.deferred._finish().kept_count, 1)
        self.assertEqual(self.buyer.name, "Eliška Testovaná")
        self.firm.tax_lock_date = fields.Date.today()
        self.deferred._finish()
        self.assertEqual(self.buyer.gdpr_state, "blocked", rest.follow_up_ids.failure)
        self.assertEqual(self.buyer.name, f"Contact {self.buyer.id}")
        self.assertEqual((rest.state, rest.waits_for_tax), ("open", False))
        self.assertEqual(self.invoice.sudo().printed_buyer["vat"], "CZ29148260")
        note = self.env["res.partner"].sudo().create({"name": "Jiný"}).message_post(body="See CZ29148260 too")
        self.end_term()
        self.deferred._finish()
        self.assertEqual((rest.state, self.buyer.gdpr_state), ("done", "erased"))
        self.assertNotIn("CZ29148260", note.body, "found by what was sealed")

    def test_failure_is_reported_to_the_officer_and_tried_again(self):
        rest = self.erase()
        self.end_term()
        with patch.object(GdprExecutor, "_erase_consents", side_effect=UserError("no way today")):
            report = self.deferred._finish()
        self.assertEqual((report.failed_count, rest.state), (1, "failed"))
        self.assertIn(self.dpo, report.activity_ids.user_id)
        self.assertTrue(self.invoice.sudo().printed_buyer, "whole or not at all")
        self.assertEqual(self.deferred._finish().done_count, 1)
        self.assertEqual(rest.state, "done")

    def test_release_of_a_reason_starts_the_run(self):
        self.erase()
        cron = self.env.ref("client_gdpr.ir_cron_deferred")
        before = self.env["ir.cron.trigger"].sudo().search_count([("cron_id", "=", cron.id)])
        self.deferred._release(self.buyer.ids)
        self.assertEqual(self.env["ir.cron.trigger"].sudo().search_count([("cron_id", "=", cron.id)]), before + 1)
        self.deferred._release([self.env.user.partner_id.id])
        self.assertEqual(self.env["ir.cron.trigger"].sudo().search_count([("cron_id", "=", cron.id)]), before + 1)

    def test_person_whom_nothing_holds_leaves_no_rest(self):
        self.buyer = self.env["res.partner"].create({"name": "Nikdo Nedrží", "email": "nikdo@post.example"})
        self.assertFalse(self.erase())

    def test_who_sees_what_is_left(self):
        rest = self.erase()
        self.assertTrue(rest.with_user(self.dpo).read(["until"]))
        with self.assertRaises(AccessError):
            rest.with_user(self.approver).read(["until"])
        with self.assertRaises(AccessError):
            rest.with_user(self.dpo).write({"state": "done"})
