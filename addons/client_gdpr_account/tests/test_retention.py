from datetime import date
from unittest.mock import patch

from odoo import fields
from odoo.addons.account.tests.common import AccountTestInvoicingCommon
from odoo.addons.client_gdpr_account.models import gdpr_retention_rule
from odoo.tests import tagged


@tagged("post_install", "-at_install")
class TestRetention(AccountTestInvoicingCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        company = cls.company_data["company"]
        company.country_id = company.account_fiscal_country_id = cls.env.ref("base.cz")
        company.vat = company.account_sale_tax_id = False
        cls.product_a.taxes_id = False

    def invoice(self, day, post=True):
        move = self.init_invoice("out_invoice", partner=self.partner_a, invoice_date=day, products=self.product_a)
        move.taxable_supply_date = day
        if post:
            move.action_post()
        return move

    def test_invoice_is_kept_as_long_as_the_longest_law_says(self):
        company = self.company_data["company"]
        move = self.invoice("2024-06-15")
        self.assertEqual((move.gdpr_keep_until, move.gdpr_keep_law), (date(2029, 12, 31), "Act 563/1991 s.31"))
        company.vat = "CZ12345679"
        self.assertEqual((move.gdpr_keep_until, move.gdpr_keep_law), (date(2034, 12, 31), "Act 235/2004 s.35"))
        company.gdpr_tax_period = "quarter"
        self.assertEqual(move.gdpr_keep_until, date(2034, 6, 30))

    def test_accounting_year_that_ends_in_spring_counts(self):
        self.company_data["company"].write({"fiscalyear_last_month": "3", "fiscalyear_last_day": 31})
        self.assertEqual(self.invoice("2024-06-15").gdpr_keep_until, date(2030, 3, 31))

    def test_draft_and_cancelled_documents_protect_nobody(self):
        draft = self.invoice("2024-06-15", post=False)
        self.assertFalse(draft.gdpr_keep_until)
        posted = self.invoice("2024-06-16")
        posted.button_draft()
        posted.button_cancel()
        self.assertFalse(posted.gdpr_keep_until)
        self.assertFalse(self.env["gdpr.ground"]._grounds(self.partner_a.ids))

    def test_changed_law_changes_the_end(self):
        move = self.invoice("2024-06-15")
        self.env.ref("client_gdpr_account.retention_cz_2").sudo().years = 7
        self.assertEqual(move.gdpr_keep_until, date(2031, 12, 31))

    def test_changed_law_changes_the_end_of_very_many_documents_before_the_commit(self):
        moves = self.invoice("2024-06-15") | self.invoice("2024-06-16") | self.invoice("2024-06-17")
        with patch.object(gdpr_retention_rule, "FEW", 2):
            self.env.ref("client_gdpr_account.retention_cz_2").sudo().years = 7
            self.env.ref("client_gdpr_account.retention_cz_2").sudo().years = 8
            self.env.flush_all()
            self.env.cr.precommit.run()
        self.assertEqual(set(moves.mapped("gdpr_keep_until")), {date(2032, 12, 31)})

    def test_country_without_a_rule_keeps_without_end(self):
        company = self.company_data["company"]
        company.country_id = company.account_fiscal_country_id = self.env.ref("base.jp")
        move = self.invoice("2004-06-15")
        self.assertFalse(move.gdpr_keep_until)
        [ground] = self.env["gdpr.ground"]._grounds(self.partner_a.ids)
        self.assertEqual((ground.kind, ground.until), ("obliging", None))

    def test_ground_is_obliging_and_names_only_what_the_document_shows(self):
        move = self.invoice(fields.Date.today())
        [line] = self.partner_a.with_user(self.env.ref("base.user_admin")).gdpr_why()
        self.assertEqual((line["kind"], line["source"]), ("obliging", f"account.move,{move.id}"))
        self.assertIn("street", line["scope"])
        self.assertNotIn("email", line["scope"])
        self.assertEqual(self.partner_a.sudo().gdpr_keep_until, move.gdpr_keep_until)

    def test_shipped_rules_that_need_a_lawyer_are_switched_off(self):
        rules = (
            self.env["gdpr.retention.rule"]
            .sudo()
            .with_context(active_test=False)
            .search([("confidence", "=", "check")])
        )
        self.assertTrue(rules)
        self.assertFalse(any(rules.mapped("active")))
