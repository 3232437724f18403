from odoo import fields
from odoo.tests import TransactionCase, tagged


@tagged("post_install", "-at_install")
class TestStory(TransactionCase):
    def setUp(self):
        super().setUp()
        self.firm = self.env["res.company"].search([("name", "=", "Kolo a káva s.r.o.")])

    def test_company_has_its_staff_and_a_dozen_contacts(self):
        staff = self.env["res.users"].search([("company_id", "=", self.firm.id), ("share", "=", False)])
        self.assertEqual(set(staff.mapped("login")), {"handler", "approver", "dpo", "accountant", "sales1", "sales2"})
        self.assertGreaterEqual(self.env["res.partner"].search_count([("company_id", "=", self.firm.id)]), 12)

    def test_invoices_are_hashed_sent_with_their_pdf_and_follow_today(self):
        invoices = self.env["account.move"].search([("company_id", "=", self.firm.id), ("state", "=", "posted")])
        self.assertTrue(all(invoices.mapped("inalterable_hash")))
        self.assertTrue(invoices.journal_id.restrict_mode_hash_table)
        sent = invoices.filtered("is_move_sent")
        self.assertGreaterEqual(len(sent), 3)
        self.assertTrue(all(move.invoice_pdf_report_id.raw.startswith(b"%PDF") for move in sent))
        self.assertLess(min(invoices.mapped("invoice_date")), fields.Date.subtract(fields.Date.today(), years=12))
        self.assertGreater(max(invoices.mapped("invoice_date")), fields.Date.subtract(fields.Date.today(), months=13))

    def test_consents_are_of_several_kinds(self):
        self.env = self.env(context={**self.env.context, "allowed_company_ids": self.firm.ids})
        states = set(self.env["consent.basis"].search([("company_id", "=", self.firm.id)]).mapped("state"))
        self.assertGreaterEqual(states, {"active", "withdrawn", "objected"})

    def test_no_mail_waits_to_leave_the_demo(self):
        self.assertFalse(self.env["mail.mail"].search([("state", "=", "outgoing")]))
