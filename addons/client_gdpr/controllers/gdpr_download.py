import json

from odoo import http
from odoo.http import request


class GdprDownload(http.Controller):
    """Files of a request, for the staff who may read the request. File names hold its number, never a name."""

    @http.route("/gdpr/certificate/<int:certificate_id>.json", type="http", auth="user", readonly=True)
    def certificate(self, certificate_id):
        record = request.env["gdpr.certificate"].browse(certificate_id).exists()
        if not record or not record.has_access("read"):
            raise request.not_found()
        return self._json(record.document, record.request_id.name, "certificate")

    @http.route("/gdpr/request/<int:request_id>/answer.json", type="http", auth="user")
    def answer(self, request_id):
        record = request.env["gdpr.request"].browse(request_id).exists()
        if not record or not record.has_access("read"):
            raise request.not_found()
        return self._json(json.dumps(record._answer_values(), indent=1, ensure_ascii=False), record.name, "answer")

    def _json(self, text, number, what):
        name = f"{number.replace('/', '-')}-{what}.json"
        headers = [
            ("Content-Type", "application/json; charset=utf-8"),
            ("Content-Disposition", http.content_disposition(name)),
            ("Cache-Control", "no-store"),
        ]
        return request.make_response(text.encode(), headers)
