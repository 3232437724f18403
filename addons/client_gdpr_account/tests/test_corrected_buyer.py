from odoo import fields
from odoo.addons.account.tests.common import AccountTestInvoicingCommon
from odoo.addons.client_consent.tests.common import use_key
from odoo.addons.client_consent.tools.keys import KeyRing
from odoo.tests import new_test_user, tagged


@tagged("post_install", "-at_install")
class TestCorrectedBuyer(AccountTestInvoicingCommon):
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
        cls.handler = new_test_user(
            cls.env, "c_handler", "client_gdpr.group_gdpr_handler,base.group_partner_manager", company_id=company.id
        )
        cls.seller = new_test_user(cls.env, "c_seller", "account.group_account_invoice", company_id=company.id)

    def invoice(self, post=True):
        return self.init_invoice(
            "out_invoice", partner=self.buyer, invoice_date=fields.Date.today(), products=self.product_a, post=post
        )

    def correct(self, values):
        requests = self.env["gdpr.request"].with_user(self.handler)
        request = requests.browse(
            requests.request_open("rectification", self.buyer.ids, fields.Datetime.now(), "paper", values=values)
        )
        request.action_confirm_identity()
        request.action_execute()

    def test_posted_document_keeps_its_buyer_and_a_draft_follows(self):
        posted, draft = self.invoice(), self.invoice(post=False)
        self.correct({"name": "Eliška Nová", "street": "Dlouhá 2"})
        self.env.invalidate_all()
        self.assertEqual(posted.invoice_partner_display_name, "Eliška Testovaná")
        self.assertEqual(
            (posted.sudo().printed_buyer["name"], posted.sudo().printed_buyer["street"]),
            ("Eliška Testovaná", "Krátká 1"),
        )
        self.assertEqual(draft.invoice_partner_display_name, "Eliška Nová")
        self.assertFalse(draft.sudo().printed_buyer)

    def test_hashed_document_still_proves_itself(self):
        self.company_data["default_journal_sale"].restrict_mode_hash_table = True
        posted = self.invoice()
        posted._generate_and_send()
        digest = posted.inalterable_hash
        self.assertTrue(digest)
        self.correct({"name": "Eliška Nová"})
        self.env.invalidate_all()
        self.assertEqual((posted.inalterable_hash, posted.invoice_partner_display_name), (digest, "Eliška Testovaná"))
        report = posted.company_id._check_hash_integrity()
        self.assertTrue(all(line["status"] in ("verified", "no_data") for line in report["results"]), report["results"])

    def test_second_correction_keeps_what_was_printed_first(self):
        first = self.invoice()
        self.correct({"name": "Eliška Nová"})
        second = self.invoice()
        self.correct({"name": "Eliška Novotná"})
        self.assertEqual(first.sudo().printed_buyer["name"], "Eliška Testovaná")
        self.assertEqual(second.sudo().printed_buyer["name"], "Eliška Nová")

    def test_salesperson_still_opens_the_files_of_a_corrected_buyer(self):
        posted = self.invoice()
        pdf = self.env["ir.attachment"].create(
            {"name": "invoice.pdf", "res_model": "account.move", "res_id": posted.id, "raw": b"%PDF-1.4 as printed"}
        )
        self.correct({"name": "Eliška Nová"})
        self.assertEqual(pdf.with_user(self.seller).raw, b"%PDF-1.4 as printed")

    def test_a_new_address_alone_freezes_nothing(self):
        posted = self.invoice()
        self.correct({"email": "eliska.nova@post.example"})
        self.assertFalse(posted.sudo().printed_buyer)
