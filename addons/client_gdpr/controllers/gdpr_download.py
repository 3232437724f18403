import os

from odoo import http
from odoo.http import request

from ..models.gdpr_request import ANSWER_GROUPS


class GdprDownload(http.Controller):
    """Files of a request, for the staff who may read the request. File names hold its number, never a name."""

    @http.route("/gdpr/certificate/<int:certificate_id>.json", type="http", auth="user", readonly=True)
    def certificate(self, certificate_id):
        record = request.env["gdpr.certificate"].browse(certificate_id).exists()
        if not record or not record.has_access("read"):
            raise request.not_found()
        return self._json(record.document, record.request_id.name, "certificate")

    @http.route("/gdpr/package/<int:package_id>", type="http", auth="user", methods=["GET"])
    def package(self, package_id):
        """An archive, for privacy staff."""
        record = request.env["gdpr.package"].browse(package_id).exists()
        if not record or not record.has_access("read") or not request.env.user.has_groups(ANSWER_GROUPS):
            raise request.not_found()
        return self._archive(record)

    def _archive(self, record):
        """The archive, streamed from disk."""
        path = record._hand_out()
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
