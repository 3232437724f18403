"""The hardest story of the product, on the demo company: delete a customer whose hashed invoices must stay."""

import json

from odoo import fields
from odoo.addons.client_gdpr.tools import certificate
from odoo.exceptions import AccessError, UserError
from odoo.tests import TransactionCase, tagged

IDENTIFIERS = ("Jana Nováková", "jana.novakova@post.example", "+420 602 111 222", "+420 602 111 223", "Lipová 5")


@tagged("post_install", "-at_install")
class TestErasureOfAnInvoicedPerson(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.firm = cls.env["res.company"].search([("name", "=", "Kolo a káva s.r.o.")])
        cls.env = cls.env(context={**cls.env.context, "allowed_company_ids": cls.firm.ids})
        cls.jana = cls.person("Jana Nováková")
        users = cls.env["res.users"]
        cls.staff = {
            login: users.search([("login", "=", login)])
            for login in ("handler", "approver", "dpo", "accountant", "sales1", "sales2")
        }
        cls.invoices = cls.env["account.move"].search(
            [("partner_id", "=", cls.jana.id), ("state", "=", "posted")], order="id"
        )

    @classmethod
    def person(cls, name):
        return cls.env["res.partner"].search([("name", "=", name), ("company_id", "=", cls.firm.id)], limit=1)

    def open_request(self, partner, kind="erasure"):
        requests = self.env["gdpr.request"].with_user(self.staff["handler"])
        return requests.browse(requests.request_open(kind, partner.ids, fields.Datetime.now(), "email"))

    def erase(self, partner):
        request = self.open_request(partner)
        request.action_submit()
        self.assertEqual(request.state, "submitted")
        as_approver = request.with_user(self.staff["approver"])
        as_approver.action_approve()
        as_approver.action_execute()
        self.assertEqual(request.state, "executed", request.failure)
        return request

    def stands(self, identifiers, skip=()):
        """Every (model, field, id) in which one of the texts stands, over every text column of the database."""
        columns = self.env["gdpr.verifier"]._text_columns()
        found = []
        self.env.flush_all()
        for model, names in columns.items():
            for name in names:
                table = self.env[model]._table
                patterns = [f"%{text}%" for text in identifiers]
                self.env.cr.execute(f'SELECT id FROM "{table}" WHERE "{name}"::text ILIKE ANY(%s)', [patterns])
                found += [(model, name, id_) for (id_,) in self.env.cr.fetchall() if (model, id_) not in skip]
        return found

    def test_invoices_stay_to_the_byte_and_the_person_goes(self):
        self.assertEqual(len(self.invoices), 2)
        self.assertTrue(all(self.invoices.mapped("inalterable_hash")), "the demo journal must hash")
        pdfs = {move.id: move.invoice_pdf_report_id.raw for move in self.invoices}
        self.assertTrue(all(pdf.startswith(b"%PDF") for pdf in pdfs.values()), "the demo invoices must have a real PDF")
        hashes = {move.id: move.inalterable_hash for move in self.invoices}
        bystander = self.person("Petr Svoboda")
        before = bystander.read()[0]

        request = self.erase(self.jana)

        self.invoices.invalidate_recordset()
        self.assertEqual({move.id: move.inalterable_hash for move in self.invoices}, hashes)
        self.assertEqual({move.id: move.invoice_pdf_report_id.raw for move in self.invoices}, pdfs)
        report = self.firm.with_user(self.staff["accountant"])._check_hash_integrity()
        chains = [line for line in report["results"] if line["status"] != "no_data"]
        self.assertTrue(chains, "something must have been checked")
        self.assertEqual({line["status"] for line in chains}, {"verified"})

        placeholder = f"Contact {self.jana.id}"
        self.jana.invalidate_recordset()
        self.assertEqual(self.jana.name, placeholder)
        self.assertEqual(self.jana.gdpr_state, "blocked")
        self.assertFalse(self.jana.email or self.jana.phone or self.jana.street or self.jana.comment)
        self.assertEqual(self.jana.country_id.code, "CZ", "the country stays in the row")
        self.assertEqual(set(self.invoices.mapped("invoice_partner_display_name")), {placeholder})

        files = (
            self.env["ir.attachment"]
            .sudo()
            .search([("res_model", "=", "account.move"), ("res_id", "in", self.invoices.ids), ("res_field", "!=", "x")])
            | self.invoices.invoice_pdf_report_id
        )
        held = {("account.move", id_) for id_ in self.invoices.ids}
        held |= {("account.move.line", id_) for id_ in self.invoices.line_ids.ids}
        held |= {("ir.attachment", id_) for id_ in files.ids}
        self.assertEqual(self.stands(IDENTIFIERS, held), [])
        after = bystander.read()[0]
        self.assertEqual({k for k in before if before[k] != after[k]} - {"message_ids"}, set())
        self.assertEqual(request.certificate_ids.verdict, "valid")

    def test_accountant_reads_the_printed_buyer_and_the_salesperson_the_placeholder(self):
        self.erase(self.jana)
        invoice = self.invoices[-1]
        buyer = invoice.with_user(self.staff["accountant"]).printed_buyer
        self.assertEqual(buyer["name"], "Jana Nováková")
        self.assertEqual(buyer["street"], "Lipová 5")
        self.assertIn(
            invoice,
            self.env["account.move"]
            .with_user(self.staff["accountant"])
            .search([("printed_buyer_text", "ilike", "Nováková")]),
        )
        seller = invoice.with_user(self.staff["sales1"])
        self.assertEqual(seller.partner_id.display_name, f"Contact {self.jana.id}")
        self.assertEqual(seller.invoice_partner_display_name, f"Contact {self.jana.id}")
        with self.assertRaises(AccessError):
            seller.read(["printed_buyer"])
        pdf = self.env["ir.attachment"].browse(invoice.invoice_pdf_report_id.id)
        with self.assertRaises(AccessError):
            pdf.with_user(self.staff["sales1"]).read(["datas"])
        self.assertTrue(pdf.with_user(self.staff["accountant"]).read(["datas"])[0]["datas"])

    def test_certificate_says_what_went_what_stays_why_and_until_when(self):
        request = self.erase(self.jana)
        signed = json.loads(request.certificate_ids.document)
        content = certificate.verify(signed)
        text = json.dumps(content, ensure_ascii=False)
        for identifier in (*IDENTIFIERS, "Nováková"):
            self.assertNotIn(identifier, text)
        items = {(item["model"], item["action"]): item for item in content["items"]}
        kept = items["account.move", "keep"]
        self.assertIn("235/2004", kept["law"])
        latest = max(item["until"] for item in content["items"] if item["model"] == "account.move")
        self.assertEqual(latest, f"{fields.Date.today().year - (fields.Date.today().month == 1) + 10}-12-31")
        self.assertEqual(items["res.partner", "seal"]["until"], latest)
        for model in (
            "crm.lead",
            "mail.message",
            "sale.order",
            "res.partner.bank",
            "mailing.contact",
            "calendar.attendee",
        ):
            self.assertIn((model, "delete"), items)
        signed["content"]["items"][0]["count"] += 1
        with self.assertRaises(certificate.CertificateInvalid):
            certificate.verify(signed)

    def test_sealed_contact_refuses_write_merge_copy_and_unlink(self):
        self.erase(self.jana)
        jana = self.jana.sudo()
        other = self.person("Petr Svoboda")
        with self.assertRaises(UserError):
            jana.write({"name": "Jana Nováková"})
        with self.assertRaises(UserError):
            jana.copy()
        with self.assertRaises(UserError):
            jana.unlink()
        merge = self.env["base.partner.merge.automatic.wizard"].create({})
        with self.assertRaises(UserError):
            merge._merge((jana | other).ids, other)
        with self.assertRaises(UserError):
            jana.with_context(gdpr_sweep=True).write({"name": "Jana Nováková"})
        self.assertEqual(jana.name, f"Contact {jana.id}")

    def test_vault_holds_what_was_sealed_and_nobody_reads_it_over_rpc(self):
        self.erase(self.jana)
        vault = self.env["gdpr.vault"].search([("model_name", "=", "res.partner"), ("res_id", "=", self.jana.id)])
        self.assertEqual(vault._open()["name"], "Jana Nováková")
        self.assertEqual(vault._open()["street"], "Lipová 5")
        self.assertNotIn(b"Lipov", vault.sudo().payload)
        with self.assertRaises(AccessError):
            vault.with_user(self.staff["dpo"]).read(["payload"])
        with self.assertRaises(AccessError):
            vault.with_user(self.staff["sales1"]).read(["until"])

    def test_person_with_tax_number_waits_for_the_locked_tax_period(self):
        karel = self.person("Karel Dvořák")
        request = self.erase(karel)
        karel.invalidate_recordset()
        self.assertEqual(karel.name, "Karel Dvořák", "nothing of him is sealed yet")
        self.assertEqual(karel.vat, "CZ7103192745")
        self.assertEqual(karel.gdpr_state, "active")
        self.assertFalse(karel.email or karel.phone, "the statute does not name these")
        items = json.loads(request.certificate_ids.document)["content"]["items"]
        self.assertIn(
            ("res.partner", "keep", "tax_period_open"), [(i["model"], i["action"], i["reason"]) for i in items]
        )

    def test_locked_tax_period_lets_the_person_with_tax_number_be_sealed(self):
        karel = self.person("Karel Dvořák")
        self.firm.sudo().tax_lock_date = fields.Date.today()
        self.erase(karel)
        karel.invalidate_recordset()
        self.assertEqual(karel.gdpr_state, "blocked")
        self.assertFalse(karel.vat)

    def test_person_without_ground_goes_whole(self):
        lucie = self.person("Lucie Kučerová")
        self.erase(lucie)
        self.assertFalse(lucie.exists())
        self.assertEqual(self.stands(["Lucie Kučerová", "lucie.kucerova@post.example", "607 666 777"]), [])

    def test_invoice_past_its_term_protects_nobody(self):
        eva = self.person("Eva Veselá")
        invoice = self.env["account.move"].search([("partner_id", "=", eva.id), ("state", "=", "posted")])
        self.assertLess(invoice.gdpr_keep_until, fields.Date.today())
        inalterable = invoice.inalterable_hash
        self.erase(eva)
        eva.invalidate_recordset()
        self.assertEqual((eva.gdpr_state, eva.active), ("erased", False))
        self.assertFalse(self.env["gdpr.vault"].search([("res_id", "=", eva.id)]))
        self.assertEqual(self.stands(["Eva Veselá", "eva.vesela@post.example"]), [])
        self.assertEqual(invoice.inalterable_hash, inalterable)

    def test_portal_customer_loses_the_login(self):
        martin = self.person("Martin Horák")
        user = martin.with_context(active_test=False).user_ids
        self.assertTrue(user)
        self.erase(martin)
        user.invalidate_recordset()
        self.assertFalse(user.active)
        self.assertNotIn("martin", user.login)

    def test_homonym_is_left_alone(self):
        brno, zlin = self.env["res.partner"].search([("name", "=", "Jan Novák")], order="id")
        self.erase(brno)
        self.assertEqual(zlin.name, "Jan Novák")
        self.assertEqual(zlin.email, "jan.novak@zlin.example")

    def test_mention_by_name_in_others_words_waits_for_a_decision(self):
        other = self.person("Petr Svoboda")
        message = other.message_post(body="Doporučil Jana Nováková, psala z jana.novakova@post.example.")
        request = self.open_request(self.jana)
        request.action_confirm_identity()
        request.action_plan()
        sure = request.plan_line_ids.filtered(lambda line: line.reason_code == "mention")
        self.assertEqual(sum(sure.mapped("record_count")), 1)
        message2 = other.message_post(body="Zdraví ji Jana Nováková.")
        request.action_plan()
        line = request.plan_line_ids.filtered(lambda line: line.reason_code == "mention_by_name")
        self.assertEqual(line.record_ids, message2.ids)
        with self.assertRaises(UserError):
            request.action_submit()
        line.action_redact()
        request.action_submit()
        as_approver = request.with_user(self.staff["approver"])
        as_approver.action_approve_and_execute()
        self.assertEqual(request.state, "executed", request.failure)
        for note in (message, message2):
            note.invalidate_recordset()
            self.assertNotIn("Nováková", note.body)
        self.assertNotIn("jana.novakova", message.body)

    def test_employee_is_refused_when_the_request_is_opened(self):
        employee = self.env["hr.employee"].create({"name": "Radek Servis", "work_email": "radek@kolo.example"})
        self.assertTrue(employee.work_contact_id)
        before = self.env["gdpr.request"].search_count([])
        with self.assertRaisesRegex(UserError, "employee"):
            self.open_request(employee.work_contact_id)
        with self.assertRaisesRegex(UserError, "employee"):
            employee.work_contact_id.with_user(self.staff["handler"]).action_gdpr_delete_me()
        self.assertEqual(self.env["gdpr.request"].search_count([]), before)
