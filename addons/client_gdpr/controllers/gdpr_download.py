import os
from pathlib import Path

from odoo import http
from odoo.addons.client_consent.controllers import limit
from odoo.addons.client_consent.controllers.answer import PAGES, PER_MINUTE, private, too_often
from odoo.http import request

from ..models.gdpr_request import ANSWER_GROUPS
from ..tools import verify_certificate


class GdprDownload(http.Controller):
    """Files of a request, for the staff who may read the request. File names hold its number, never a name."""

    @http.route("/gdpr/certificate/<int:certificate_id>.json", type="http", auth="user", readonly=True)
    def certificate(self, certificate_id):
        record = request.env["gdpr.certificate"].browse(certificate_id).exists()
        if not record or not record.has_access("read"):
            raise request.not_found()
        return self._json(record.document, record.request_id.name, "certificate")

    @http.route("/gdpr/certificate/<int:certificate_id>.pdf", type="http", auth="user", methods=["GET"])
    def certificate_pdf(self, certificate_id):
        """The certificate on paper; the first who opens it has it drawn."""
        record = request.env["gdpr.certificate"].browse(certificate_id).exists()
        if not record or not record.has_access("read"):
            raise request.not_found()
        name = f"{record.request_id.name.replace('/', '-')}-certificate.pdf"
        headers = [
            ("Content-Type", "application/pdf"),
            ("Content-Disposition", http.content_disposition(name, disposition_type="inline")),
            ("Cache-Control", "no-store"),
        ]
        return request.make_response(record._pdf(), headers)

    @http.route("/gdpr/verify_certificate.py", type="http", auth="user", methods=["GET"], readonly=True)
    def verifier(self):
        """The program that checks certificates offline."""
        headers = [
            ("Content-Type", "text/x-python; charset=utf-8"),
            ("Content-Disposition", http.content_disposition("verify_certificate.py")),
        ]
        return request.make_response(Path(verify_certificate.__file__).read_bytes(), headers)

    @http.route("/gdpr/package/<int:package_id>", type="http", auth="user", methods=["GET"])
    def package(self, package_id):
        """An archive, for privacy staff."""
        record = request.env["gdpr.package"].browse(package_id).exists()
        if not record or not record.has_access("read") or not request.env.user.has_groups(ANSWER_GROUPS):
            raise request.not_found()
        return self._archive(record)

    @http.route("/privacy/package/<string:token>", methods=["GET", "POST"], **PAGES)
    def package_by_link(self, token, **_post):
        """The person's own door, without login. GET shows what there is, POST hands it out."""
        if not limit.allowed(request, "gdpr_package", PER_MINUTE):
            return too_often()
        record = request.env["gdpr.package"]._by_link(token)
        if not record:
            return private(request.render("client_gdpr.page_package_over", status=404))
        company = record.request_id.company_id
        request.update_context(lang=record.request_id.partner_ids[:1].lang or company.partner_id.lang)
        if request.httprequest.method == "POST":
            return private(self._archive(record, "link"))
        values = {"package": record.with_context(lang=request.env.lang), "company": company}
        return private(request.render("client_gdpr.page_package", values))

    def _archive(self, record, way="staff"):
        """The archive, streamed from disk."""
        path = record._hand_out(way)
        stream = http.Stream(
            type="path",
            path=path,
            mimetype="application/zip",
            download_name=record._download_name(),
            as_attachment=True,
            size=os.path.getsize(path),
            etag=False,
            conditional=False,
            max_age=0,
        )
        response = stream.get_response()
        response.headers["Cache-Control"] = "no-store"
        return response

    def _json(self, text, number, what):
        name = f"{number.replace('/', '-')}-{what}.json"
        headers = [
            ("Content-Type", "application/json; charset=utf-8"),
            ("Content-Disposition", http.content_disposition(name)),
            ("Cache-Control", "no-store"),
        ]
        return request.make_response(text.encode(), headers)
