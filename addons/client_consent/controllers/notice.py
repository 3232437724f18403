from odoo import http
from odoo.http import request

from . import limit
from .answer import PER_MINUTE, too_often


class ConsentNoticePage(http.Controller):
    """What people agreed to, at an address that stays: anybody may read it, nobody's answer stands in it."""

    @http.route("/privacy/notice/<string:digest>", type="http", auth="public", readonly=True, sitemap=False)
    def notice(self, digest):
        return self._page(digest, "client_consent.notice_page")

    @http.route("/privacy/notice/<string:digest>/changes", type="http", auth="public", sitemap=False)
    def changes(self, digest):
        # two texts are compared anew each time
        if not limit.allowed(request, "privacy", PER_MINUTE):
            return too_often()
        return self._page(digest, "client_consent.notice_changes_page")

    def _page(self, digest, template):
        # sudo: published texts are for everybody, and only those are found
        notice = request.env["consent.notice"].sudo()._by_digest(digest)
        if not notice:
            raise request.not_found()
        # the frame speaks the language of the text, whoever reads it
        notice = notice._spoken()
        request.update_context(lang=notice.env.lang)
        return request.render(template, {"notice": notice})
