from odoo import http
from odoo.http import request


class ConsentOffice(http.Controller):
    """Links that lead staff to the right dialog: from the code on a signed form, and from a task."""

    @http.route("/privacy/scan/<string:token>", type="http", auth="user", methods=["GET"])
    def scan(self, token):
        """Open the dialog that records a signed form; nothing is recorded yet."""
        self._check_group()
        link = request.env["consent.token"]._find(token, "scan")
        if not link:
            raise request.not_found()
        wizard = request.env["consent.record.wizard"]._from_scan(link)
        return request.redirect(f"/odoo/action-client_consent.action_consent_scan/{wizard.id}")

    @http.route("/privacy/task/<int:partner_id>/<any(renew,erase):act>", type="http", auth="user", methods=["GET"])
    def task(self, partner_id, act):
        """Open what a task asks for; nothing happens before a button is pressed there."""
        self._check_group()
        partner = request.env["res.partner"].browse(partner_id).exists()
        if not partner or not partner.has_access("read"):
            raise request.not_found()
        wizard = request.env["consent.renewal.wizard"].create({"partner_id": partner.id, "act": act})
        return request.redirect(f"/odoo/action-client_consent.action_consent_renewal/{wizard.id}")

    def _check_group(self):
        if not request.env.user.has_group("client_consent.group_consent_user"):
            raise request.not_found()
