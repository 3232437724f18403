import base64
import io
import json

import pypdf
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from ..tools import verify_certificate
from .common import GdprCase


@tagged("post_install", "-at_install")
class TestCertificate(GdprCase):
    def test_pdf_is_made_when_it_is_opened_and_is_the_same_ever_after(self):
        certificate = self.erase().certificate_ids.with_user(self.auditor)
        self.assertFalse(certificate.pdf)
        first = certificate._pdf()
        self.assertEqual(certificate.with_user(self.handler)._pdf(), first)
        key = certificate._public_keys()[0]
        self.assertEqual(verify_certificate.check_pdf(first, key), json.loads(certificate.document)["content"])

    def test_pdf_says_what_went_what_stays_who_when_how_and_names_nobody(self):
        self.person.message_post(body="hello")
        request = self.erase()
        text = "\n".join(
            page.extract_text() for page in pypdf.PdfReader(io.BytesIO(request.certificate_ids._pdf())).pages
        )
        for words in (
            request.name,
            "What was erased",
            "messages (",
            "What is kept",
            "ISO/IEC 27018",
            f"user no. {self.handler.id}",
            f"user no. {self.approver.id}",
            "Backups that still hold the data lapse by",
            request.certificate_ids.sha256,
        ):
            self.assertIn(words, text)
        for word in ("Testovan", "eliska", "601"):
            self.assertNotIn(word, text.replace(request.certificate_ids.sha256, ""))

    def test_program_and_add_on_agree_on_the_json(self):
        certificate = self.erase().certificate_ids
        content = verify_certificate.check_json(json.loads(certificate.document), certificate._public_keys()[0])
        self.assertEqual(content["controller"], self.env.company.name)
        self.assertEqual(content["destruction"]["record_of"], "ISO/IEC 27018")
        verifier_key = self.env["consent.signer"]._of_ring(self.env["consent.key"]._ring())
        self.assertTrue(verify_certificate.check_json(json.loads(certificate.document), verifier_key))

    def test_changed_certificate_gives_no_pdf(self):
        certificate = self.erase().certificate_ids
        certificate.sudo().document = certificate.document.replace('"kind": "erasure"', '"kind": "nothing"')
        with self.assertRaises(UserError):
            certificate._pdf()

    def test_who_may_not_read_the_certificate_gets_no_pdf(self):
        certificate = self.erase().certificate_ids
        with self.assertRaises(AccessError):
            certificate.with_user(self.outsider)._pdf()
        with self.assertRaises(AccessError):
            certificate.with_user(self.handler).write({"pdf": base64.b64encode(b"other")})
