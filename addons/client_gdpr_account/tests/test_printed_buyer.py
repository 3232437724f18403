from odoo import fields
from odoo.addons.account.tests.common import AccountTestInvoicingCommon
from odoo.addons.client_consent.tests.common import use_key
from odoo.addons.client_consent.tools.keys import KeyRing
from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged


@tagged("post_install", "-at_install")
class TestPrintedBuyer(AccountTestInvoicingCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.startClassPatcher(use_key(KeyRing.load(KeyRing.generate())))
        company = cls.company_data["company"]
        company.country_id = company.account_fiscal_country_id = cls.env.ref("base.cz")
        company.account_sale_tax_id = False
        cls.product_a.taxes_id = False
        cls.buyer = cls.env["res.partner"].create(
            {"name": "Eliška Testovaná", "street": "Krátká 1", "city": "Brno", "email": "eliska@post.example"}
        )
        cls.invoice = cls.init_invoice(
            "out_invoice", partner=cls.buyer, invoice_date=fields.Date.today(), products=cls.product_a, post=True
        )
        groups = "client_gdpr.group_gdpr_handler,base.group_partner_manager"
        cls.handler = new_test_user(cls.env, "a_handler", groups, company_id=company.id)
        cls.approver = new_test_user(cls.env, "a_approver", "client_gdpr.group_gdpr_approver", company_id=company.id)
        cls.accountant = new_test_user(
            cls.env,
            "a_accountant",
            "account.group_account_user,client_gdpr.group_gdpr_accounting",
            company_id=company.id,
        )
        cls.seller = new_test_user(cls.env, "a_seller", "account.group_account_invoice", company_id=company.id)

    def erase(self):
        requests = self.env["gdpr.request"].with_user(self.handler)
        request = requests.browse(requests.request_open("erasure", self.buyer.ids, fields.Datetime.now(), "paper"))
        request.action_submit()
        request.with_user(self.approver).action_approve_and_execute()
        self.assertEqual(request.state, "executed", request.failure)
        return request

    def test_buyer_is_frozen_before_the_contact_is_sealed(self):
        self.erase()
        self.assertEqual(self.buyer.name, f"Contact {self.buyer.id}")
        self.assertEqual(self.invoice.invoice_partner_display_name, f"Contact {self.buyer.id}")
        as_accountant = self.invoice.with_user(self.accountant)
        self.assertEqual(as_accountant.printed_buyer["name"], "Eliška Testovaná")
        self.assertIn("Krátká 1", as_accountant.printed_buyer_text)
        with self.assertRaises(AccessError):
            self.invoice.with_user(self.seller).read(["printed_buyer_text"])

    def test_nobody_changes_the_printed_buyer(self):
        self.erase()
        with self.assertRaises(AccessError):
            self.invoice.sudo().write({"printed_buyer": {"name": "Other"}})

    def test_contact_with_a_draft_only_goes_with_its_draft(self):
        other = self.env["res.partner"].create({"name": "Only Drafted", "email": "draft@post.example"})
        draft = self.init_invoice(
            "out_invoice", partner=other, invoice_date=fields.Date.today(), products=self.product_a
        )
        self.buyer = other
        self.erase()
        self.assertFalse(other.exists() or draft.exists())

    def test_what_the_restrictive_audit_trail_protects_is_kept_and_declared(self):
        self.company_data["company"].restrictive_audit_trail = True
        message = self.env["mail.message"].create(
            {"model": "res.partner", "res_id": self.buyer.id, "message_type": "notification", "body": "name changed"}
        )
        request = self.erase()
        self.assertTrue(message.exists())
        kept = request.plan_line_ids.filtered(lambda line: line.reason_code == "audit_trail")
        self.assertIn("mail.message", kept.mapped("model"))
