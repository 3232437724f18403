from collections import defaultdict
from datetime import date, datetime
from typing import NamedTuple

from babel.dates import get_month_names
from markupsafe import Markup
from odoo import api, fields, models, tools
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL, babel_locale_parse, get_lang

from ..tools import fold
from .consent_event import CHANNEL_NAMES, SOURCES

STATES = [
    ("requested", "Asked, no answer"),
    ("pending", "Waits for confirmation"),
    ("active", "Yes"),
    ("expired", "Expired"),
    ("refused", "Refused"),
    ("withdrawn", "Withdrawn"),
    ("objected", "Objected"),
]
#: Why an answer that says yes is none.
HINDRANCES = [
    ("veto", "Another contact with this address said no"),
    ("everything", "Objected to all advertising"),
    ("address", "Given for another address"),
    ("customer", "Not a customer yet"),
    ("unused", "Purpose no longer used"),
]
KEY = ("subject_id", "purpose_id", "channel", "address", "company_id")
#: What the card shows first: what may be done, what may not, what waits, what is over.
RANK = {"contract": 0, "active": 1, "objected": 3, "withdrawn": 3, "refused": 3, "pending": 4, "requested": 4}


class Line(NamedTuple):
    """One answer as the contact's card tells it; a contract (answer ``contract``) has no id and a label.

    :ivar veto_subject_id: whose no stands against it, when it is another one's
    """

    id: int | None
    purpose_id: int
    channel: str | None
    address: str | None
    answer: str
    since: datetime | None
    until: date | None
    source: str | None
    hindrance: str | None
    veto_subject_id: int | None
    label: str | None = None

    @property
    def allows(self):
        return self.answer in ("active", "contract") and not self.hindrance

    @property
    def rank(self):
        return 2 if self.hindrance else RANK.get(self.answer, 5)


class ConsentBasis(models.Model):
    """The present answer to "may we, for this purpose, through this channel, to this address?".

    Rows are folded from the ledger by SQL and never written otherwise. Expiry is a date compared when
    asked: ``state`` says what the ledger says, ``answer`` what it means today.
    """

    _name = "consent.basis"
    _description = "Consent"
    _order = "purpose_id, channel, id"
    _log_access = False

    subject_id = fields.Many2one("consent.subject", required=True, readonly=True, index=True, ondelete="restrict")
    partner_id = fields.Many2one(related="subject_id.partner_id", string="Contact")
    purpose_id = fields.Many2one("consent.purpose", required=True, readonly=True, ondelete="restrict")
    company_id = fields.Many2one("res.company", required=True, readonly=True, ondelete="restrict")
    channel = fields.Selection(CHANNEL_NAMES, required=True, readonly=True)
    address = fields.Char(required=True, readonly=True)
    state = fields.Selection(STATES, "Recorded state", required=True, readonly=True)
    since = fields.Datetime(required=True, readonly=True)
    until = fields.Date(readonly=True, help="Last day on which it holds.")
    source = fields.Selection(SOURCES, "How obtained", readonly=True)
    voice = fields.Integer(required=True, readonly=True)
    event_ref = fields.Integer("Event", required=True, readonly=True)
    answer = fields.Selection(STATES, compute="_compute_answer")
    verdict = fields.Char(
        "May we?", compute="_compute_verdict", help="The answer of today, with what stands against it."
    )
    hindrance = fields.Selection(HINDRANCES, "But", compute="_compute_hindrance")
    notice_id = fields.Many2one("consent.notice", "Text seen", compute="_compute_notice_id", search="_search_notice_id")
    ask_again = fields.Boolean(
        "To be asked again",
        compute="_compute_ask_again",
        search="_search_ask_again",
        help="It holds, but was given under an older text, and the purpose says that people are asked again then.",
    )
    lawful_basis = fields.Selection(related="purpose_id.lawful_basis")

    _one_per_key = models.Constraint(
        "unique(subject_id, purpose_id, channel, address, company_id)", "There is one answer per purpose and address."
    )
    _gate = models.Index(
        "(purpose_id, channel, company_id, address, subject_id) INCLUDE (until, since, voice) WHERE state = 'active'"
    )
    _vetoes = models.Index(
        "(purpose_id, channel, company_id, address) INCLUDE (since, subject_id)"
        " WHERE state IN ('refused', 'withdrawn', 'objected')"
    )

    _foreign = models.Index("(company_id, subject_id) WHERE source IN ('referral', 'enrichment', 'public', 'bought')")

    @api.depends("state", "until")
    def _compute_answer(self):
        today = fields.Date.today()
        for basis in self:
            basis.answer = self._answer_on(today, basis.state, basis.until)

    @staticmethod
    def _answer_on(day, state, until):
        """The state on a day: what was allowed ends, and what waits for a confirmation lapses."""
        return "expired" if state in fold.ENDING_STATES and until and until < day else state

    @api.depends("answer", "hindrance")
    @api.depends_context("lang")
    def _compute_verdict(self):
        answers, hindrances = (
            dict(self._fields[name]._description_selection(self.env)) for name in ("answer", "hindrance")
        )
        for basis in self:
            if basis.hindrance and basis.answer == "active":
                basis.verdict = self.env._("No. %s", hindrances[basis.hindrance])
            else:
                basis.verdict = answers[basis.answer]

    @api.depends_context("allowed_company_ids")
    def _compute_hindrance(self):
        # sudo: the contact's number is all that is taken; the rules decided who reads the answers
        of_people = self._of_people(self.sudo().subject_id.partner_id.ids)
        # the answers of people who are no contact are not on any card
        found = {line.id: line.hindrance for lines in of_people.values() for line in lines}
        for basis in self:
            basis.hindrance = found.get(basis.id)

    def _compute_notice_id(self):
        rows = self.env.execute_query(
            SQL("SELECT id, notice_id FROM consent_event WHERE id = ANY(%s)", self.mapped("event_ref"))
        )
        seen = dict(rows)
        notices = self.env["consent.notice"]
        for basis in self:
            basis.notice_id = seen.get(basis.event_ref)
        for notice in notices.browse({id_ for id_ in seen.values() if id_}):
            for name, value in self._notice_title(notice.id).items():
                notice._fields[name]._insert_cache(notice, [value])

    def _search_notice_id(self, operator, value):
        if operator != "in":
            return NotImplemented
        return Domain(
            "id",
            "in",
            SQL(
                """(SELECT b.id FROM consent_basis b JOIN consent_event e ON e.id = b.event_ref
                     WHERE e.notice_id = ANY(%s))""",
                [id_ for id_ in value if id_],
            ),
        )

    def _compute_ask_again(self):
        outdated = set(self.search([("id", "in", self.ids), ("ask_again", "=", True)]).ids)
        for basis in self:
            basis.ask_again = basis.id in outdated

    def _search_ask_again(self, operator, value):
        if operator != "in":
            return NotImplemented
        outdated = Domain("id", "in", self._ask_again_sql(fields.Date.today()))
        wanted = Domain.FALSE
        if True in value:
            wanted |= outdated
        if False in value:
            wanted |= ~outdated
        return wanted

    @api.model
    def _ask_again_sql(self, today):
        """Ids of consents in force whose text has a later published version that asks again."""
        for name in ("consent.notice", "consent.purpose"):
            self.env[name].flush_model()
        return SQL(
            """(SELECT b.id
                  FROM consent_basis b
                  JOIN consent_purpose p ON p.id = b.purpose_id AND p.ask_again
                  JOIN consent_event e ON e.id = b.event_ref
                  JOIN consent_notice seen ON seen.id = e.notice_id
                 WHERE b.state = 'active' AND (b.until IS NULL OR b.until >= %(today)s)
                   AND EXISTS (
                       SELECT FROM consent_notice later
                        WHERE later.code = seen.code AND later.lang = seen.lang
                          AND later.company_id = seen.company_id AND later.version > seen.version
                          AND later.state <> 'draft' AND later.asks_again))""",
            today=today,
        )

    @api.model_create_multi
    def create(self, vals_list):  # pylint: disable=method-required-super
        raise UserError(self.env._("A consent changes only by recording an event."))

    def write(self, vals):  # pylint: disable=method-required-super
        raise UserError(self.env._("A consent changes only by recording an event."))

    @api.ondelete(at_uninstall=False)
    def _refuse_unlink(self):
        raise UserError(self.env._("A consent changes only by recording an event."))

    # -- fold ----------------------------------------------------------------------------------------

    @api.model
    def _fold(self, events):
        """Fold events into the rows, set-based: ``tools.fold`` is the specification.

        :param events: events just appended, or nothing for the whole ledger
        """
        only = SQL("AND id = ANY(%s)", events.ids) if events is not None else SQL()
        self.env.cr.execute(
            SQL(
                """WITH spoken AS (
                       SELECT *, CASE WHEN kind IN ('requested', 'pending') THEN 0
                                      WHEN kind = 'informed' OR (kind = 'given' AND NOT source = ANY(%(own)s)) THEN 1
                                      ELSE 2 END AS voice
                         FROM consent_event WHERE subject_id IS NOT NULL %(only)s
                   ), winner AS (
                       SELECT DISTINCT ON (subject_id, purpose_id, channel, address, company_id)
                              subject_id, purpose_id, channel, address, company_id, kind, at, until, source, voice, id,
                              CASE kind WHEN 'given' THEN 'active' WHEN 'informed' THEN 'active' ELSE kind END AS state
                         FROM spoken
                     ORDER BY subject_id, purpose_id, channel, address, company_id, voice DESC, at DESC, id DESC
                   )
                   INSERT INTO consent_basis
                          (subject_id, purpose_id, channel, address, company_id,
                            state, since, until, source, voice, event_ref)
                   SELECT subject_id, purpose_id, channel, address, company_id, state, at,
                          CASE WHEN state = ANY(%(ending)s) THEN until END, source, voice, id
                     FROM winner
                   ON CONFLICT (subject_id, purpose_id, channel, address, company_id) DO UPDATE
                      SET state = EXCLUDED.state, since = EXCLUDED.since, until = EXCLUDED.until,
                          source = EXCLUDED.source, voice = EXCLUDED.voice, event_ref = EXCLUDED.event_ref
                    WHERE (EXCLUDED.voice, EXCLUDED.since, EXCLUDED.event_ref)
                          > (consent_basis.voice, consent_basis.since, consent_basis.event_ref)""",
                own=list(fold.OWN_SOURCES),
                ending=list(fold.ENDING_STATES),
                only=only,
            )
        )
        self.env["consent.basis"].invalidate_model()
        self.env["res.partner"].invalidate_model(
            [
                "consent_basis_ids",
                "consent_banner",
                "consent_count",
                "consent_state",
                "consent_no_ground",
                "consent_quarantined",
                "consent_address_changed",
            ]
        )

    def _stored_rows(self):
        """Every row as a tuple without its id, to compare two folds."""
        return self.env.execute_query(
            SQL(
                """SELECT subject_id, purpose_id, channel, address, company_id,
                          state, since, until, source, voice, event_ref
                     FROM consent_basis"""
            )
        )

    # -- screens -------------------------------------------------------------------------------------

    def action_add_evidence(self):
        """Open the dialog that hands in the evidence this answer waits for."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("client_consent.action_consent_evidence_wizard")
        action["context"] = {"default_basis_id": self.id}
        return action

    def action_open_event(self):
        """Open the event that decided: receipt, text seen, how and by whom."""
        self.ensure_one()
        view = self.env.ref("client_consent.view_consent_event_form")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Receipt"),
            "res_model": "consent.event",
            "res_id": self.event_ref,
            "views": [(view.id, "form")],
            "target": "new",
        }

    # -- reading -------------------------------------------------------------------------------------

    @api.model
    def _of_people(self, partner_ids):
        """What contacts allowed in the allowed companies, as the card tells it, the most important first.

        :return: contact id → [:class:`Line`]
        """
        return self._lines(partner_ids, self.env["consent.card"]._ask(partner_ids, "answers")["answers"])

    @api.model
    def _lines(self, partner_ids, rows):
        """The same from the answers that were asked for: rows of :meth:`_of_people_sql`."""
        found = defaultdict(list)
        gate = self.env["consent.gate"]
        rules = {rule.id: rule for rule in gate._rules().values()}
        contracts = gate._contract_lines(partner_ids)
        present = self._present_addresses(
            {(row["partner"], row["channel"]) for row in rows if row["state"] == "active"}
        )
        today = fields.Date.today()
        for row in rows:
            partner_id, purpose_id, channel = row["partner"], row["purpose_id"], row["channel"]
            until = row["until"] and date.fromisoformat(row["until"])
            answer = self._answer_on(today, row["state"], until)
            hindrance = veto_subject_id = None
            if answer == "active":
                # a no to the very purpose explains more than one to all advertising
                vetoes = row["vetoes"]
                veto = next((v for v in vetoes if v[1] == purpose_id), vetoes[0] if vetoes else (None, None))
                veto_subject_id, veto_purpose_id = veto
                customer = purpose_id in {told[0] for told in contracts[partner_id]}
                moved = row["address"] != present.get((partner_id, channel))
                hindrance = self._hindrance(rules.get(purpose_id), channel, moved, veto_purpose_id, customer)
            found[partner_id].append(
                Line(
                    id=row["id"],
                    purpose_id=purpose_id,
                    channel=channel,
                    address=row["address"],
                    answer=answer,
                    since=datetime.fromisoformat(row["since"]),
                    until=until,
                    source=row["source"],
                    hindrance=hindrance,
                    veto_subject_id=veto_subject_id,
                )
            )
        for partner_id, told in contracts.items():
            found[partner_id] += [
                Line(None, purpose_id, None, None, "contract", None, until, None, None, None, label)
                for purpose_id, label, until in told
                if rules[purpose_id].lawful_basis == "contract"
            ]
        place = {id_: number for number, id_ in enumerate(self.env["consent.purpose"]._names(self.env.lang))}
        for lines in found.values():
            if len(lines) > 1:
                lines.sort(
                    key=lambda line: (line.rank, place.get(line.purpose_id, 0), line.channel or "", line.id or 0)
                )
        return found

    def _present_addresses(self, asked):
        """The addresses of today: (contact id, channel) → address, for those asked about."""
        # sudo: compared only; whose answers are read the caller's rules decided
        partners = self.env["res.partner"].sudo().browse({partner_id for partner_id, _channel in asked})
        by_post = partners.browse({partner_id for partner_id, channel in asked if channel == "post"})
        of_post = by_post._consent_addresses("post") if by_post else {}
        columns = {
            partner.id: {"email": partner.email_normalized, "post": of_post.get(partner.id)} for partner in partners
        }
        return {
            (partner.id, channel): columns[partner.id].get(channel, partner.phone_sanitized)
            for partner in partners
            for partner_id, channel in asked
            if partner_id == partner.id
        }

    def _hindrance(self, rule, channel, moved, veto_purpose_id, customer):
        """Why an answer that says yes is none, or nothing.

        :param moved: whether the contact has another address today
        :param veto_purpose_id: the purpose in which somebody with the same address said no
        :param customer: whether a contract or sale for the purpose is known
        """
        if not rule or rule.state != "active" or channel not in rule.channels:
            return "unused"
        if veto_purpose_id:
            everything = self.env["ir.model.data"]._xmlid_to_res_id("client_consent.purpose_all_advertising")
            return "everything" if veto_purpose_id == everything else "veto"
        if moved:
            return "address"
        return "customer" if rule.own_customers and not customer else None

    @tools.ormcache("notice_id")
    def _notice_title(self, notice_id):
        """What a notice is called by; an event names published ones only, and those never change."""
        # sudo: the number of the text that was seen is no secret to who sees the answer
        notice = self.env["consent.notice"].sudo().browse(notice_id)
        return {name: notice[name] for name in ("name", "version")}

    def _of_people_sql(self, partner_ids):
        """The answers of contacts and what stands against each, without joins: those take longest to plan."""
        if len(partner_ids) == 1:
            whose = SQL("%s", partner_ids[0])
        else:
            whose = SQL("(SELECT s.partner_id FROM consent_subject s WHERE s.id = b.subject_id)")
        return SQL(
            """SELECT %(whose)s AS partner,
                      ARRAY(SELECT ARRAY[v.subject_id, v.purpose_id] FROM consent_basis v WHERE %(veto)s) AS vetoes,
                      b.id, b.purpose_id, b.channel, b.address, b.state, b.since, b.until, b.source
                 FROM consent_basis b
                WHERE b.subject_id = ANY(ARRAY(SELECT id FROM consent_subject WHERE partner_id = ANY(%(partner_ids)s)))
                  AND b.company_id = ANY(%(company_ids)s)""",
            whose=whose,
            veto=self._same_address_veto_sql(),
            partner_ids=partner_ids,
            company_ids=self.env.companies.ids,
        )

    def _same_address_veto_sql(self):
        """Whether answer ``v`` stands in the way of ``b``; an index answers for all purposes at once."""
        gate = self.env["consent.gate"]
        return SQL(
            """v.purpose_id = ANY(%s) AND v.channel = b.channel AND v.company_id = b.company_id
               AND v.address = b.address AND %s""",
            gate._vetoing_sql(),
            gate._veto_sql(),
        )

    @api.model
    def _state_of_people(self, partner_ids):
        """One word per contact for badges: yes, waiting, no, ended; contacts without an answer are left out."""
        gate = self.env["consent.gate"]
        rows = self.env.execute_query(
            SQL(
                """SELECT s.partner_id,
                          min(CASE WHEN b.state IN ('refused', 'withdrawn', 'objected') THEN 3
                                   WHEN b.until < %(today)s THEN 4
                                   WHEN b.state IN ('requested', 'pending') THEN 2
                                   WHEN b.purpose_id <> ALL(%(in_use)s) OR b.address IS DISTINCT FROM %(present)s THEN 4
                                   WHEN EXISTS (SELECT FROM consent_basis v WHERE %(veto)s) THEN 3
                                   ELSE 1 END)
                     FROM consent_subject s
                     JOIN consent_basis b ON b.subject_id = s.id
                     JOIN res_partner p ON p.id = s.partner_id
                    WHERE s.partner_id = ANY(%(partner_ids)s) AND b.company_id = ANY(%(company_ids)s)
                 GROUP BY s.partner_id""",
                today=fields.Date.today(),
                in_use=[rule.id for rule in gate._rules().values() if rule.state == "active"],
                present=gate._present_address_sql("p"),
                veto=self._same_address_veto_sql(),
                partner_ids=list(partner_ids),
                company_ids=self.env.companies.ids,
                to_flush=self.env["consent.subject"]._fields["partner_id"],
            )
        )
        return {partner_id: ("yes", "waiting", "no", "ended")[place - 1] for partner_id, place in rows}

    # -- words ---------------------------------------------------------------------------------------

    @api.model
    def _sentences(self, lines, limit=5):
        """The lines in words, one sentence per purpose and outcome; hovering explains. The rest is a number.

        :return: markup, or nothing
        """
        together = defaultdict(list)
        for line in lines:
            day = line.until if line.answer in ("active", "contract", "expired") else line.since
            together[line.purpose_id, line.answer, line.hindrance, day and fields.Date.to_date(day), line.label].append(
                line
            )
        shown = [self._sentence(key, of_key) for key, of_key in list(together.items())[:limit]]
        if len(together) > limit:
            shown.append(self.env._("and %s more in the tab Privacy", len(together) - limit))
        return Markup(" · ").join(shown)

    def _sentence(self, key, lines):
        """What may be done, or not, and why: the purpose, its channels and the date that counts."""
        purpose_id, answer, hindrance, day, label = key
        what = self.env["consent.purpose"]._names(self.env.lang).get(purpose_id, "")
        if answer == "contract":
            text = self.env._("%(what)s: %(who)s", what=what, who=label)
            return self.env._("%(text)s until %(until)s", text=text, until=self._day(day)) if day else text
        channels = dict(self._fields["channel"]._description_selection(self.env))
        names = ", ".join(dict.fromkeys(channels[line.channel] for line in lines))
        what = self.env._("%(purpose)s (%(channel)s)", purpose=what, channel=names)
        text = self._outcome(what, answer, hindrance, day)
        return Markup('<span title="{}">{}</span>').format(self._explanation(lines[0]), text)

    def _outcome(self, what, answer, hindrance, day):
        if hindrance:
            why = {
                "veto": self.env._("another contact with the same address said no"),
                "everything": self.env._("objected to all advertising"),
                "address": self.env._("given for another address, ask again"),
                "customer": self.env._("only for people who bought something"),
                "unused": self.env._("no longer used"),
            }
            return self.env._("%(what)s: %(why)s", what=what, why=why[hindrance])
        date_ = self._day(day) if day else ""
        match answer:
            case "active":
                return self.env._("%(what)s until %(until)s", what=what, until=date_) if day else what
            case "withdrawn":
                return self.env._("%(what)s: withdrawn %(since)s", what=what, since=date_)
            case "objected":
                return self.env._("%(what)s: objected %(since)s", what=what, since=date_)
            case "refused":
                return self.env._("%(what)s: refused %(since)s", what=what, since=date_)
            case "expired":
                return self.env._("%(what)s: ended %(until)s", what=what, until=date_)
            case "pending":
                return self.env._("%(what)s: waits for confirmation since %(since)s", what=what, since=date_)
            case _:
                return self.env._("%(what)s: asked %(since)s, no answer yet", what=what, since=date_)

    def _explanation(self, line):
        """How and when the answer came about, for whoever hovers over it."""
        sources = dict(self._fields["source"]._description_selection(self.env))
        return self.env._(
            "%(how)s, %(since)s, %(address)s",
            how=sources.get(line.source, ""),
            since=self._day(line.since),
            address=line.address,
        )

    def _day(self, value):
        """A date as the cards write it, ``3 Feb 2026``: so many stand there that the general way would be felt."""
        day = fields.Date.to_date(value)
        return f"{day.day} {self._months(get_lang(self.env).code)[day.month]} {day.year}"

    @tools.ormcache("lang_code")
    def _months(self, lang_code):
        """The short names of the months in a language: number → name."""
        return dict(get_month_names("abbreviated", locale=babel_locale_parse(lang_code)))
