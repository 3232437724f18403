from odoo import fields, http
from odoo.http import request
from odoo.tools import format_datetime

from ..tools import receipt
from .limit import SMALL, allowed

#: Nothing on these pages is for search engines or shared caches.
PRIVATE = [("Cache-Control", "no-store"), ("X-Robots-Tag", "noindex")]


class ConsentReceiptPage(http.Controller):
    """The page on which anybody checks a receipt he holds, and the files for those who may read the event."""

    @http.route("/privacy/receipt", type="http", auth="public", methods=["GET"], sitemap=False)
    def page(self, **_others):
        return self._page()

    @http.route("/privacy/receipt", type="http", auth="public", methods=["POST"], sitemap=False, **SMALL)
    def check(self, number="", text="", file=None, **_others):
        """The answer to a number, a text or a file; only one of them is looked at, the file first."""
        if not allowed(request, "receipt", per_minute=10):
            return self._page({"answer": "too_often"}, status=429)
        receipts = request.env["consent.receipt"]
        # a hostile form may send a text for a file, or a file for a text
        held = file.read(receipt.LONGEST + 1) if file and not isinstance(file, str) else b""
        held = held or (text.strip() if isinstance(text, str) else "")
        return self._page(receipts._check_text(held) if held else receipts._check_number(number))

    @http.route("/privacy/receipt/proof", type="http", auth="public", methods=["POST"], sitemap=False, **SMALL)
    def proof(self, number="", **_others):
        """The inclusion proof as a file, to check it with any tool for RFC 6962."""
        if not allowed(request, "receipt", per_minute=10):
            return self._page({"answer": "too_often"}, status=429)
        content = request.env["consent.receipt"]._inclusion_file(number)
        if not content:
            return self._page({"answer": "unknown"})
        return self._json(content, "inclusion-proof.json")

    @http.route("/consent/receipt/<int:event_id>.json", type="http", auth="user")
    def receipt_file(self, event_id):
        event = self._event(event_id)
        receipts = request.env["consent.receipt"]
        return self._json(receipt.as_bytes(receipts._record(event)), receipts._file_name(event))

    @http.route("/consent/receipt/<int:event_id>", type="http", auth="user")
    def receipt_page(self, event_id):
        """The receipt alone on a page, to be printed."""
        event = self._event(event_id)
        values = {"document": request.env["consent.receipt"]._readable(event)}
        return request.render("client_consent.receipt_print_page", values, headers=PRIVATE)

    def _event(self, event_id):
        event = request.env["consent.event"].browse(event_id).exists()
        if not event or not event.has_access("read"):
            raise request.not_found()
        return event

    def _page(self, result=None, status=200):
        result = result or {}
        moment = result.get("signed_at")
        moment = moment and format_datetime(request.env, fields.Datetime.to_datetime(moment), tz="UTC")
        response = request.render(
            "client_consent.receipt_check_page", {"result": result, "signed_at": moment}, headers=PRIVATE
        )
        response.status_code = status
        return response

    def _json(self, content, name):
        headers = [
            ("Content-Type", "application/json; charset=utf-8"),
            ("Content-Disposition", http.content_disposition(name)),
            ("X-Content-Type-Options", "nosniff"),
            *PRIVATE,
        ]
        return request.make_response(content, headers)
