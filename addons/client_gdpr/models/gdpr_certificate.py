import json

from markupsafe import Markup
from odoo import api, fields, models

from ..tools import certificate
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
    verdict = fields.Selection(
        [("valid", "Signature valid"), ("invalid", "Changed after signing")], compute="_compute_readable"
    )
    readable = fields.Html(compute="_compute_readable", sanitize=False)

    @api.model
    def _store(self, request, signed):
        return self.sudo().create(
            {
                "request_id": request.id,
                "document": json.dumps(signed, indent=1, ensure_ascii=False, sort_keys=True),
                "sha256": signed["sha256"],
            }
        )

    @api.depends("document")
    @api.depends_context("lang")
    def _compute_readable(self):
        public_key = self._public_key()
        for record in self:
            signed = json.loads(record.document)
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

    def _public_key(self):
        """Base64 of the key that must have signed; certificates name it too, but a forger would name his."""
        seed = self.env["consent.key"]._ring().derive("signature-ed25519")
        return certificate.sign({}, seed)["public_key"]

    def action_download(self):
        """Hand out the signed JSON."""
        self.ensure_one()
        return {"type": "ir.actions.act_url", "url": f"/gdpr/certificate/{self.id}.json", "target": "download"}
