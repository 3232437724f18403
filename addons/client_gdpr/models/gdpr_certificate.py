import base64
import json

from markupsafe import Markup
from odoo import api, fields, models
from odoo.addons.client_consent.tools import signed_note
from odoo.exceptions import UserError

from ..tools import certificate, certificate_pdf
from ..tools.errors import CertificateInvalid


class GdprCertificate(models.Model):
    """The signed statement of an erasure: what went, what stays, why and until when. It names nobody."""

    _name = "gdpr.certificate"
    _description = "Certificate of Erasure"
    _rec_name = "request_id"
    _order = "id desc"

    request_id = fields.Many2one("gdpr.request", required=True, readonly=True, index=True, ondelete="restrict")
    company_id = fields.Many2one(related="request_id.company_id", store=True)
    document = fields.Text(required=True, readonly=True, help="The signed JSON, as it is handed out.")
    sha256 = fields.Char(readonly=True)
    pdf = fields.Binary(
        "PDF", readonly=True, help="Made when it is opened for the first time, and the same bytes ever after."
    )
    verdict = fields.Selection(
        [("valid", "Signature valid"), ("invalid", "Changed after signing")], compute="_compute_readable"
    )
    readable = fields.Html(compute="_compute_readable", sanitize=False)

    @api.model
    def _store_all(self, signed):
        """Store signed certificates: pairs (request, certificate)."""
        return self.sudo().create(
            [
                {
                    "request_id": request.id,
                    "document": json.dumps(content, ensure_ascii=False, sort_keys=True),
                    "sha256": content["sha256"],
                }
                for request, content in signed
            ]
        )

    @api.depends("document")
    @api.depends_context("lang")
    def _compute_readable(self):
        known = self._public_keys()
        for record in self:
            signed = json.loads(record.document)
            # a certificate names its key, but a forger would name his: one of ours must have signed
            public_key = signed.get("public_key") if signed.get("public_key") in known else known[0]
            try:
                content = certificate.verify(signed, public_key)
            except CertificateInvalid:
                record.verdict, record.readable = "invalid", Markup()
                continue
            record.verdict = "valid"
            record.readable = self.env["ir.qweb"]._render(
                "client_gdpr.certificate_document",
                {
                    "content": content,
                    "sentence": self.env["gdpr.reporter"]._sentence,
                    "moment": self.env["gdpr.reporter"]._moment,
                    "signed": signed,
                },
            )

    @api.model
    def _public_keys(self):
        """Base64 of the keys of which one must have signed: the present one, then those it vouches for."""
        ring = self.env["consent.key"]._ring()
        # sudo: public keys, and only those that the present key answers for
        vouched = self.env["consent.signer"].sudo()._vouched(ring)
        return list(dict.fromkeys(base64.b64encode(signed_note.public_key(key)).decode() for key in vouched))

    def action_download(self):
        """Hand out the signed JSON."""
        self.ensure_one()
        return {"type": "ir.actions.act_url", "url": f"/gdpr/certificate/{self.id}.json", "target": "download"}

    def action_open_pdf(self):
        """Open the certificate as a PDF, to be read, printed and handed out."""
        self.ensure_one()
        return {"type": "ir.actions.act_url", "url": f"/gdpr/certificate/{self.id}.pdf", "target": "new"}

    def _pdf(self):
        """The PDF, drawn now if nobody opened it before.

        :raises UserError: when the certificate was changed after signing
        """
        self.ensure_one()
        self.check_access("read")
        if not self.pdf:
            if self.verdict != "valid":
                raise UserError(self.env._("This certificate was changed after it was signed: there is no PDF of it."))
            page = self.env["gdpr.reporter"].with_company(self.company_id)._certificate_page(json.loads(self.document))
            seed = self.env["consent.key"]._ring().derive("signature-ed25519")
            pdf = certificate_pdf.render(page, json.loads(self.document), seed)
            # sudo: whoever may read a certificate may have it drawn; nobody writes one
            self.sudo().pdf = base64.b64encode(pdf)
        return base64.b64decode(self.pdf)
