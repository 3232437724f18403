import io
import json
import logging
import os
import shutil
import subprocess

import pypdf
import pyzipper
from odoo.addons.client_gdpr.tests import json_schema
from odoo.tests import TransactionCase, tagged

_logger = logging.getLogger(__name__)


@tagged("post_install", "-at_install")
class TestPackageOfTheCzechCustomer(TransactionCase):
    """What Jana Nováková gets when she asks what the bicycle shop holds about her."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.firm = cls.env["res.company"].search([("name", "=", "Kolo a káva s.r.o.")])
        cls.handler = cls.env["res.users"].search([("login", "=", "handler")])
        cls.env = cls.env(user=cls.handler, context={"allowed_company_ids": cls.firm.ids})
        cls.jana = cls.env["res.partner"].search([("name", "=", "Jana Nováková"), ("company_id", "=", cls.firm.id)])
        action = cls.jana.action_gdpr_show_me()
        cls.request = cls.env["gdpr.request"].browse(action["res_id"])
        cls.request.action_prepare_package()
        cls.path = cls.request.package_id.sudo()._path()
        cls.addClassCleanup(os.remove, cls.path)
        cls.secret = cls.request.action_show_passphrase()["context"]["default_passphrase"]
        archive = cls.enterClassContext(pyzipper.AESZipFile(cls.path))
        archive.setpassword(cls.secret.encode())
        cls.archive, cls.data = archive, json.loads(archive.read("data.json"))

    def records(self, model):
        return [
            record["values"] for table in self.data["tables"] if table["model"] == model for record in table["records"]
        ]

    def test_data_fits_the_schema_in_the_package(self):
        schema = json.loads(self.archive.read("schema.json"))
        self.assertEqual(list(json_schema.problems(schema, self.data)), [])
        self.assertIsNone(self.archive.testzip())

    def test_package_opens_in_7_zip_where_that_is_installed(self):
        """Elsewhere the same entries are read by another implementation of the format."""
        program = shutil.which("7zz") or shutil.which("7z") or shutil.which("7za")
        if not program:
            _logger.info("7-Zip is not installed: the package was opened by pyzipper alone")
            self.assertTrue(all(self.archive.read(name) is not None for name in self.archive.namelist()))
            return
        tested = subprocess.run([program, "t", f"-p{self.secret}", self.path], capture_output=True, text=True)
        self.assertEqual(tested.returncode, 0, tested.stderr)
        self.assertIn("Everything is Ok", tested.stdout)
        self.assertIn(f"Files: {len(self.archive.namelist())}", tested.stdout)
        wrong = subprocess.run([program, "t", "-pwrong", self.path], capture_output=True, text=True)
        self.assertNotEqual(wrong.returncode, 0)

    def test_what_the_shop_holds_is_there(self):
        [contact] = self.records("res.partner")
        self.assertEqual((contact["name"], contact["phone"]), ("Jana Nováková", "+420 602 111 223"))
        self.assertIn("modrém kole", contact["comment"])
        bodies = " ".join(row.get("body", "") for row in self.records("mail.message"))
        self.assertIn("servis kola", bodies)
        for model in ("crm.lead", "sale.order", "account.move", "res.partner.bank"):
            self.assertTrue(self.records(model), model)
        files = {file["name"]: file for file in self.data["files"]}
        self.assertIn("modré kolo", self.archive.read(files["servisni-list.txt"]["path"]).decode())
        invoices = [file for file in files.values() if file["kind"] == "application/pdf"]
        self.assertTrue(invoices)
        for file in invoices:
            self.assertTrue(self.archive.read(file["path"]).startswith(b"%PDF"))

    def test_nobody_else_is_in_it(self):
        people = self.env["res.partner"].search([("company_id", "=", self.firm.id), ("id", "!=", self.jana.id)])
        whole = json.dumps(self.data, ensure_ascii=False)
        for person in people.filtered(lambda partner: not partner.is_company):
            for value in (person.email, person.phone):
                if value:
                    self.assertNotIn(value, whole, person.id)
        staff = self.env["res.users"].sudo().search([("company_id", "=", self.firm.id), ("share", "=", False)])
        for user in staff:
            self.assertNotIn(user.name, whole, user.id)

    def test_document_is_readable_and_answers_every_letter_of_the_law(self):
        pages = pypdf.PdfReader(io.BytesIO(self.archive.read("answer.pdf"))).pages
        text = " ".join(" ".join(page.extract_text() for page in pages).split())
        for words in ("Jana Nováková", "Kolo a káva s.r.o.", "uoou.gov.cz", "Lipová 5"):
            self.assertIn(words, text)
        for part in self.data["information"]:
            self.assertIn(part["title"], text)
