from odoo import http
from odoo.http import request


class RecoverySheet(http.Controller):
    @http.route("/client_consent/recovery_sheet", type="http", auth="user", website=True, methods=["GET"])
    def offer(self):
        """Show the button: looking at the page must not use up the one sheet."""
        return request.render("client_consent.recovery_sheet_page")

    @http.route("/client_consent/recovery_sheet", type="http", auth="user", website=True, methods=["POST"])
    def hand_out(self):
        """Hand out the recovery sheet of the key, once: it is made in memory and kept nowhere."""
        content = request.env["consent.key"]._recovery_sheet()
        headers = [
            ("Content-Type", "application/pdf"),
            ("Content-Disposition", 'attachment; filename="recovery-sheet.pdf"'),
            ("Cache-Control", "no-store"),
        ]
        return request.make_response(content, headers)
