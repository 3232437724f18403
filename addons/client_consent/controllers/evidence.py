from odoo import http
from odoo.http import request

from ..tools import file_kind


class ConsentEvidenceFile(http.Controller):
    """One evidence file, decrypted, for those who may read its record."""

    @http.route("/consent/evidence/<int:evidence_id>", type="http", auth="user", readonly=True)
    def evidence(self, evidence_id, download=None):
        """The file; shown where a browser shows it by itself, otherwise offered for saving.

        A file that is not there, not allowed or shredded looks the same: nobody learns what exists.
        """
        evidence = request.env["consent.evidence"].browse(evidence_id).exists()
        if not evidence or not evidence.has_access("read") or evidence.shredded_on:
            raise request.not_found()
        shown = evidence.mimetype in file_kind.SHOWN_IN_BROWSERS and not download
        headers = [
            ("Content-Type", evidence.mimetype),
            (
                "Content-Disposition",
                http.content_disposition(evidence._download_name(), "inline" if shown else "attachment"),
            ),
            ("X-Content-Type-Options", "nosniff"),
            ("Content-Security-Policy", "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self'"),
            ("Cache-Control", "private, no-store"),
        ]
        return request.make_response(evidence._open(), headers)
