from odoo import fields, http
from odoo.http import request

from ..models.consent_event import CHANNEL_NAMES
from . import limit

PAGES = {"type": "http", "auth": "public", "website": True, "multilang": False, "sitemap": False, **limit.SMALL}
PER_MINUTE = 30


def private(response):
    """Keep the link out of caches, search engines and the logs of other sites."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


def too_often():
    """The page for whoever asks more often than people do."""
    response = request.render("client_consent.page_too_often", status=429)
    response.headers["Retry-After"] = "60"
    return private(response)


class ConsentAnswer(http.Controller):
    """What a person does through a link of their own, without logging in. GET shows, POST changes.

    A link that was forged, used or is over, and one whose question is settled by now, get the same page.
    """

    @http.route("/privacy/confirm/<string:token>", methods=["GET", "POST"], **PAGES)
    def confirm(self, token, **post):
        """The person confirms, or denies, what was recorded for their address."""
        return self._decide(token, "confirm", post)

    @http.route("/privacy/guardian/<string:token>", methods=["GET", "POST"], **PAGES)
    def guardian(self, token, **post):
        """The guardian says yes or no to what a child said yes to."""
        return self._decide(token, "guardian", post)

    @http.route("/privacy/request/<string:token>", methods=["GET", "POST"], **PAGES)
    def answer_request(self, token, **post):
        """The person says yes or no to each of the things asked."""
        return self._answer(token, "request", post)

    @http.route("/privacy/renewal/<string:token>", methods=["GET", "POST"], **PAGES)
    def answer_renewal(self, token, **post):
        """The person says whether what ends soon may go on."""
        return self._answer(token, "renewal", post)

    # -- one answer to all ---------------------------------------------------------------------------

    def _decide(self, token, kind, post):
        if not limit.allowed(request, "privacy", PER_MINUTE):
            return too_often()
        link, events = self._find(token, kind)
        recording = self._recording(events)
        events = recording._open(self._still_guarded(link, events) if kind == "guardian" else events)
        if not events:
            return self._over()
        answer = post.get("answer") if request.httprequest.method == "POST" else None
        if answer not in ("yes", "no"):
            return self._page("client_consent.page_decide", events, kind=kind)
        detail = {"guardian": link.values["guardian"]} if kind == "guardian" else {}
        link._use()
        if answer == "no":
            recording._turn_down(events, detail)
        else:
            for source, of_source in events.grouped(self._source).items():
                recording._confirm(of_source, source, detail)
        return self._page("client_consent.page_done", events, answer=answer)

    def _source(self, event):
        """How a confirmed answer was obtained: as the answer was, but never by a machine."""
        return "web_form" if event.source in ("import", "api") else event.source

    # -- an answer to each ---------------------------------------------------------------------------

    def _answer(self, token, kind, post):
        if not limit.allowed(request, "privacy", PER_MINUTE):
            return too_often()
        link, events = self._find(token, kind)
        today = fields.Date.today()
        events = events.filtered(
            lambda event: event.subject_id and event.purpose_id.state == "active" and event.until >= today
        )
        if not events:
            return self._over()
        answers = {}
        if request.httprequest.method == "POST":
            answers = {
                event.id: post[f"event_{event.id}"] == "yes"
                for event in events
                if post.get(f"event_{event.id}") in ("yes", "no")
            }
        if not answers:
            missing = request.httprequest.method == "POST"
            return self._page("client_consent.page_answer", events, kind=kind, missing=missing)
        link._use()
        self._recording(events)._answer(events, answers)
        return self._page("client_consent.page_done", events, answer="mixed")

    # -- helpers -------------------------------------------------------------------------------------

    def _find(self, token, kind):
        """The link and the events it is about; nothing when it is not good."""
        # whoever holds the link is the person it was sent to
        link = request.env["consent.token"].sudo()._find(token, kind)
        events = request.env["consent.event"].sudo().browse(link.values["events"] if link else []).exists()
        if events:
            person = events.subject_id.partner_id[:1]
            if kind == "guardian":
                person = person.consent_guardian_id
            request.update_context(lang=person.lang or events.company_id[:1].partner_id.lang or request.env.lang)
            events = events.with_context(lang=request.env.lang)
        return link, events

    def _still_guarded(self, link, events):
        """Those of children whose guardian is still the one to whom the link went."""
        # whose number the link names; nothing of it is shown
        guardian = request.env["consent.subject"].sudo().search([("uuid", "=", (link.values or {}).get("guardian"))])
        return events.filtered(
            lambda event: guardian and event.subject_id.partner_id.consent_guardian_id == guardian.partner_id
        )

    def _recording(self, events):
        company = events.company_id[:1] or request.env.company
        # the holder of the link decides about these events, and these only
        return request.env["consent.recording"].sudo().with_company(company)

    def _page(self, template, events, **values):
        channels = dict(CHANNEL_NAMES)
        if events:
            channels = dict(events._fields["channel"]._description_selection(request.env))
        response = request.render(
            template,
            {"events": events, "company": events.company_id[:1], "channel_names": channels, **values},
        )
        return private(response)

    def _over(self):
        return private(request.render("client_consent.page_over"))
