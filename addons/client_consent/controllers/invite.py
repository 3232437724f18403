from odoo import http
from odoo.http import request
from odoo.tools import email_normalize

from .answer import private
from .limit import SMALL, allowed

#: What no name holds; it keeps links out of the mail that goes to the address somebody typed.
NOT_IN_NAMES = "/:@<>\\"
MAX_NAME = 80


class Invite(http.Controller):
    """An invitation that a customer passed on. Reading it stores nothing; only the friend's own submit does."""

    @http.route("/privacy/invite/<string:token>", type="http", auth="public", methods=["GET"], sitemap=False)
    def show(self, token):
        return self._page(token)

    @http.route("/privacy/invite/<string:token>", type="http", auth="public", methods=["POST"], sitemap=False, **SMALL)
    def submit(self, token, name="", email="", **ticks):
        if not allowed(request, "invite"):
            words = request.env._("Too many tries. Wait a minute and press Back.")
            return private(request.make_response(words, status=429))
        found, purposes = self._invitation(token)
        if not found:
            return self._page(token)
        # a hostile form may send files for texts
        name, email = str(name).strip(), str(email)
        chosen = purposes.filtered(lambda purpose: ticks.get(f"purpose_{purpose.code}"))
        wrong = None
        if not name or len(name) > MAX_NAME or any(sign in NOT_IN_NAMES for sign in name):
            wrong = request.env._("Please fill in your name.")
        elif not email_normalize(email):
            wrong = request.env._("Please fill in a complete e-mail address.")
        elif not chosen:
            wrong = request.env._("Please tick what you would like to receive, or close this page: nothing is stored.")
        if wrong:
            return self._page(token, wrong=wrong, name=name, email=email, chosen=chosen)
        request.env["consent.source"]._accept_invitation(found, name, email, chosen)
        return private(request.render("client_consent.invite_page", {"done": True, "company": purposes.env.company}))

    def _invitation(self, token):
        """The token and the purposes it offers, in the company that invites; nothing for a dead one."""
        # whoever holds the link may see what it offers
        found = request.env["consent.token"].sudo()._find(token, "invite")
        company = request.env["res.company"].sudo().browse((found.values or {}).get("company", []))
        if not found or not company.exists():
            return None, None
        purposes = request.env["consent.purpose"].sudo().with_company(company)
        return found, purposes.search([("code", "in", found.values["purposes"]), ("state", "=", "active")])

    def _page(self, token, **values):
        found, purposes = self._invitation(token)
        if not found or not purposes:
            return private(request.render("client_consent.invite_page", {"ended": True}, status=404))
        source = request.env["consent.source"]
        page = request.render(
            "client_consent.invite_page",
            {
                "token": token,
                "company": purposes.env.company,
                "offers": [(purpose, source._notice_shown(purpose)) for purpose in purposes],
                "chosen": purposes.browse(),
                "name": "",
                "email": "",
                **values,
            },
        )
        return private(page)
