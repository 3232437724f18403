from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta

from dateutil.relativedelta import relativedelta
from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL, format_date

from ..tools import canonical, fold
from .consent_event import CHANNEL_NAMES, SOURCES
from .consent_purpose import BY_EVENT, CHANNELS

KIND_OF_BASIS = {"consent": "given", "legitimate_interest": "informed"}
#: Whoever typed the address was not seen: it may be anybody's.
UNSEEN_SOURCES = ("web_form", "popup", "email", "import", "api")
#: Art. 8(1) GDPR where a country named no age of its own.
AGE_OF_CONSENT = 16
MAJORITY = 18
SECOND_MAIL_AFTER = timedelta(hours=24)


@dataclass(frozen=True)
class Outlook:
    """What recording an answer means: the event's kind, its last day, and what it still waits for."""

    kind: str
    until: date
    waits_for: str | None = None


class ConsentRecording(models.AbstractModel):
    """The only place where it is decided what an answer is worth.

    An answer counts at once, or it waits: for the guardian of a minor, for a confirmation of its own by the person
    (double opt-in, and everything from bought, public and referred lists), or for the evidence that the purpose
    demands. What waits is unusable and lapses by its date. Nothing here checks the caller: who calls must have.
    """

    _name = "consent.recording"
    _description = "Recording of Consents"

    # -- yes -----------------------------------------------------------------------------------------

    @api.model
    def _give(
        self,
        partners,
        purpose_code,
        channels,
        source,
        notice=None,
        evidence=None,
        given_at=None,
        note=None,
        detail=None,
    ):
        """Record that these people allowed a purpose (or were informed of one, for a legitimate interest).

        :param notice: code of a published notice, or the notice itself
        :param evidence: files as ``[{"name": str, "content": base64}]``, kept for each of the people
        :param detail: what else belongs to the event, as plain JSON values
        :return: receipts, one per person and channel
        :raises UserError: when something is wrong, saying what; nothing is recorded then
        """
        purpose = self._purpose(purpose_code)
        return self._give_all(partners, [(purpose, channels, notice)], source, evidence, given_at, note, detail)

    @api.model
    def _give_all(self, partners, answers, source, evidence=None, given_at=None, note=None, detail=None):
        """Record several answers that were given together: one mail asks for the confirmation of all.

        :param answers: ``[(purpose, channels, notice)]``
        """
        self._check_source(source)
        partners._consent_check_writing()
        at = partners._consent_moment(given_at)
        files = self._check_files(evidence)
        checked = [
            (self._check_usable(purpose), self._check_channels(channels, purpose), self._published(notice))
            for purpose, channels, notice in answers
        ]
        addresses = self._check_addresses(partners, {channel for _p, channels, _n in checked for channel in channels})
        notices = {
            (purpose.id, partner.id): self._notice(published, purpose, partner)
            for purpose, _channels, published in checked
            for partner in partners
        }
        if source in fold.QUARANTINED_SOURCES:
            self.env["consent.source"]._record_of_answer(partners, source, at.date(), detail, note)
        self._carry_denials(partners, [purpose for purpose, _channels, _notice in checked], source)
        subjects = self.env["consent.subject"]._of_partners(partners, create=True)
        kept = {
            partner.id: self._store_evidence(subjects[partner.id], self.env.company, files)
            for partner in partners
            if files
        }
        entries = []
        for purpose, channels, _notice in checked:
            for partner in partners:
                outlook = self._outlook(partner, purpose, source, at, bool(files))
                entries += [
                    {
                        "subject": subjects[partner.id],
                        "purpose": purpose,
                        "company": self.env.company,
                        "notice": notices[purpose.id, partner.id],
                        "kind": outlook.kind,
                        "source": source,
                        "channel": channel,
                        "address": addresses[channel][partner.id],
                        "note": note,
                        "at": at,
                        "until": outlook.until,
                        "detail": self._with_wait(detail, outlook),
                        "evidence": kept.get(partner.id),
                    }
                    for channel in channels
                ]
        events = self._append(entries)
        self._ask_for_what_is_missing(events)
        self.env["consent.reminder"]._settle(partners)
        return [self._receipt(event) for event in events]

    @api.model
    def _outlook(self, partner, purpose, source, at, has_evidence):
        """What an answer given like this would mean: the wizard says it before, the ledger keeps it after.

        The guardian comes first, for a minor's own click confirms nothing. A confirmation by the person is
        evidence enough. The waiting counts from the day of the answer: without proof it is worth less every day.
        """
        holds = at.date() + relativedelta(months=purpose.validity_months)
        waits_for = None
        if purpose.lawful_basis == "consent" and self._is_minor(partner, purpose, at.date()):
            waits_for = "guardian"
        elif source in fold.QUARANTINED_SOURCES or (
            purpose.double_opt_in and purpose.lawful_basis == "consent" and source in UNSEEN_SOURCES
        ):
            waits_for = "confirmation"
        elif not has_evidence and purpose._evidence_needed(source):
            waits_for = "evidence"
        if waits_for:
            return Outlook("pending", min(holds, at.date() + timedelta(days=purpose.pending_days)), waits_for)
        return Outlook(KIND_OF_BASIS[purpose.lawful_basis], holds)

    def _carry_denials(self, partners, purposes, source):
        """Before we or a machine say yes for people: let what they turned down for an earlier address count for this.

        A no to what a purpose replaces is one to the purpose. The person's own yes needs no such care: it decides.
        """
        own = source not in fold.CARRIED_SOURCES
        rules = self.env["consent.gate"]._rules()
        cared_for = [purpose for purpose in purposes if purpose.lawful_basis != "consent" or not own]
        vetoing = {id_ for purpose in cared_for for id_ in rules[purpose.code].vetoing}
        if not vetoing:
            return
        # what was turned down decides, also where the user cannot see it
        said = self.env["consent.event"].sudo()
        of_partner = defaultdict(list)
        for partner_id, event_id in partners._consent_standing_denials():
            event = said.browse(event_id)
            if event.purpose_id.id in vetoing and event.company_id == self.env.company:
                of_partner[partner_id].append(event_id)
        for partner in partners.filtered(lambda partner: partner.id in of_partner):
            partner._consent_carry_denials(of_partner[partner.id], as_said=True)

    def _is_minor(self, partner, purpose, day):
        """Whether the person was too young on a day to decide alone. Without a birth date nobody is."""
        # the age decides what an answer is worth, also for callers who may not see the birth date
        born = partner.sudo().consent_birthdate
        limit = self._age_limit(partner, purpose, day) if born else 0
        return bool(limit and born + relativedelta(years=limit) > day)

    def _age_limit(self, partner, purpose, day):
        if purpose.minimum_age == "18":
            return MAJORITY
        return self._age_of_consent(partner.country_id, day) if purpose.minimum_age == "country" else 0

    @api.model
    def _age_of_consent(self, country, day):
        """From which age on somebody of a country decides alone; of the company's country where none is known."""
        # a public table of the law
        limits = self.env["consent.country"].sudo()
        return limits._age_limit(country or self.env.company.country_id, day) or AGE_OF_CONSENT

    # -- what was missing comes ------------------------------------------------------------------------

    @api.model
    def _confirm(self, events, source, detail=None, evidence=None):
        """Append what makes waiting events count, and return it.

        Evidence proves the answer of then, so the moment stays; a person or a guardian who confirms decides now.
        The last day counts from the first answer either way.

        :param source: how the confirmation came; never a bought, public or referred list
        :param evidence: files, as in :meth:`_give`
        :raises UserError: when an event waits no longer, or for something else
        """
        if source in fold.QUARANTINED_SOURCES:
            raise UserError(self.env._("Only the person's own answer makes a quarantined address usable."))
        # the subject of an event is no user's to read; what is appended is about the caller's own events
        events = events.sudo()
        files = self._check_files(evidence)
        if len(self._open(events)) != len(events):
            raise UserError(
                self.env._(
                    "This answer waits no longer: it lapsed, was confirmed already, or the person decided anew. "
                    "Record the present answer instead."
                )
            )
        said = self._details(events)
        entries = []
        for event in events:
            waits_for = said[event.id].get("waits_for")
            if waits_for == "evidence" and not files:
                raise UserError(self.env._("This answer waits for its evidence: attach the file."))
            if waits_for == "guardian" and not (detail or {}).get("guardian"):
                raise UserError(
                    self.env._("This answer waits for the guardian: only the guardian's own answer counts.")
                )
            proves_then = waits_for == "evidence"
            entries.append(
                {
                    **self._entry_like(event),
                    "kind": KIND_OF_BASIS[event.purpose_id.lawful_basis],
                    "source": source,
                    "at": event.at if proves_then else fields.Datetime.now(),
                    "until": event.at.date() + relativedelta(months=event.purpose_id.validity_months),
                    "detail": {
                        **{name: value for name, value in said[event.id].items() if name != "waits_for"},
                        **(detail or {}),
                        "confirms": event.uuid,
                    },
                    "evidence": self._store_evidence(event.subject_id, event.company_id, files) if files else None,
                }
            )
        given = self._append(entries)
        if (detail or {}).get("guardian"):
            self.env["consent.reminder"]._of_age_later(given)
        self.env["consent.reminder"]._settle(given.subject_id.partner_id)
        self._after_confirmation(given)
        return given

    @api.model
    def _after_confirmation(self, events):
        """Called with the events that made an answer count: the person gets the receipts, if the company sends them."""
        self.env["consent.receipt"]._send(events)

    @api.model
    def _open(self, events):
        """Those of the events that may still be confirmed.

        Not: lapsed, erased, archived purpose; nor of people whose data must not be used; nor where the person
        decided later, for an old link must not raise what was turned down since.
        """
        today = fields.Date.today()
        waiting = events.filtered(
            lambda event: (
                event.kind == "pending"
                and event.subject_id
                and event.purpose_id.state == "active"
                and (not event.until or event.until >= today)
            )
        )
        refused = self.env["res.partner"]._get_consent_writing_refusals(waiting.subject_id.partner_id)
        waiting = waiting.filtered(lambda event: event.subject_id.partner_id.id not in refused)
        if not waiting:
            return waiting
        rows = self.env.execute_query(
            SQL(
                """SELECT e.id
                     FROM consent_event e
                     JOIN consent_basis b USING (subject_id, purpose_id, channel, address, company_id)
                    WHERE e.id = ANY(%s) AND b.voice > 0 AND (b.since, b.event_ref) > (e.at, e.id)
                      AND (b.voice > 1 OR b.state = 'active')""",
                waiting.ids,
            )
        )
        return waiting - self.env["consent.event"].browse(id_ for (id_,) in rows)

    # -- no ------------------------------------------------------------------------------------------

    @api.model
    def _deny(self, kind, partners, purpose_code, channels, source, reason=None, at=None, detail=None):
        """Record that these people refuse, take back what they allowed, or object. It always succeeds, Art. 7(3).

        :param kind: refused, withdrawn or objected
        :param purpose_code: nothing for all purposes
        :param channels: nothing for all channels
        :return: receipts, one per event that was needed to say so
        """
        self._check_source(source)
        moment = partners._consent_moment(at)
        purposes = self._purpose(purpose_code) if purpose_code else self._deniable_purposes()
        if purpose_code and purposes.lawful_basis not in BY_EVENT:
            raise UserError(
                self.env._("“%s” cannot be withdrawn: it does not rest on the person's consent.", purposes.name)
            )
        if channels and purpose_code:
            self._check_channels(channels, purposes)
        elif channels:
            self._check_known_channels(channels)
        pairs = {(p, channel) for p in purposes for channel in p._channels() if not channels or channel in channels}
        subjects = self.env["consent.subject"]._of_partners(partners, create=True)
        common = {
            "company": self.env.company,
            "kind": kind,
            "source": source,
            "at": moment,
            "note": reason,
            "detail": detail,
        }
        entries, seen = [], set()
        # a no is recorded for every answer there is, also those the caller may not list
        bases = self.env["consent.basis"].sudo()
        for basis in bases.search(
            [
                ("partner_id", "in", partners.ids),
                ("purpose_id", "in", purposes.ids),
                ("company_id", "=", self.env.company.id),
            ]
        ):
            if (basis.purpose_id.sudo(False), basis.channel) in pairs and basis.state not in ("withdrawn", "objected"):
                entries.append(
                    {
                        **common,
                        "subject": basis.subject_id,
                        "purpose": basis.purpose_id,
                        "channel": basis.channel,
                        "address": basis.address,
                    }
                )
            seen.add((basis.partner_id.id, basis.purpose_id.id, basis.channel, basis.address))
        if purpose_code or kind == "objected":
            for channel in {channel for _p, channel in pairs}:
                for id_, address in partners._consent_addresses(channel).items():
                    entries += [
                        {**common, "subject": subjects[id_], "purpose": p, "channel": channel, "address": address}
                        for p, other in pairs
                        if other == channel and address and (id_, p.id, channel, address) not in seen
                    ]
        events = self._append(entries)
        self.env["consent.reminder"]._settle(partners)
        return [self._receipt(event) for event in events]

    @api.model
    def _answer(self, events, answers, detail=None):
        """Record what a person answered, through a link of their own, to what they were asked.

        The answer belongs to the address that was asked, not to the one the contact has by now.

        :param events: the events that asked, or those whose renewal was asked
        :param answers: event id → whether the person says yes; what is missing was not answered
        """
        now = fields.Datetime.now()
        # whose data must not be used can still say no
        refused = self.env["res.partner"]._get_consent_writing_refusals(events.subject_id.partner_id)
        entries = []
        for event in events.filtered(lambda event: event.id in answers and event.subject_id):
            if answers[event.id] and event.subject_id.partner_id.id in refused:
                continue
            said = dict(detail or {})
            if event.kind != "requested":
                said["renews"] = event.uuid
            entry = {**self._entry_like(event), "source": "web_form", "at": now, "detail": said}
            if answers[event.id]:
                person, purpose = event.subject_id.partner_id, self._check_usable(event.purpose_id)
                # "portal" stands for a person who is known: the link came to their own address
                outlook = self._outlook(person, purpose, "portal", now, has_evidence=True)
                entry |= {
                    "kind": outlook.kind,
                    "until": outlook.until,
                    "detail": self._with_wait(said, outlook),
                }
            else:
                entry["kind"] = "refused" if event.kind == "requested" else "withdrawn"
            entries.append(entry)
        recorded = self._append(entries)
        self._ask_for_what_is_missing(recorded)
        self.env["consent.reminder"]._settle(recorded.subject_id.partner_id)
        self._after_confirmation(recorded.filtered(lambda event: event.kind != "pending"))
        return recorded

    @api.model
    def _turn_down(self, events, detail=None):
        """Record that a person, or a guardian, says no to what waits for confirmation."""
        entries = [
            {
                **self._entry_like(event),
                "kind": "refused",
                "source": "web_form",
                "at": fields.Datetime.now(),
                "detail": {**(detail or {}), "confirms": event.uuid},
            }
            for event in events.filtered("subject_id")
        ]
        return self._append(entries)

    def _deniable_purposes(self):
        return self.env["consent.purpose"].search([("lawful_basis", "in", BY_EVENT), ("state", "!=", "draft")])

    # -- mails that ask for what is missing ------------------------------------------------------------

    def _ask_for_what_is_missing(self, events):
        """Write to those whose own or whose guardian's confirmation is awaited.

        Nobody from a bought, public or referred list is written to: asking them is advertising already.
        """
        waiting = events.filtered(
            lambda event: event.kind == "pending" and event.source not in fold.QUARANTINED_SOURCES
        )
        if not waiting:
            return
        said = self._details(waiting)
        for waits_for, kind, ask in (
            ("confirmation", "confirm", self._mail_confirmation),
            ("guardian", "guardian", self._mail_guardian),
        ):
            asked = waiting.filtered(lambda event, w=waits_for: said[event.id].get("waits_for") == w)
            if asked := self._open(asked) - self._asked_lately(asked, kind):
                ask(asked)

    def _asked_lately(self, events, kind):
        """Those of the events about whose purpose the person got such a mail within a day: one is enough."""
        tokens = (
            self.env["consent.token"]
            .sudo()  # which links were sent says nothing about what is in them
            .search(
                [
                    ("kind", "=", kind),
                    ("subject_id", "in", events.subject_id.ids),
                    ("issued_at", ">", fields.Datetime.now() - SECOND_MAIL_AFTER),
                ]
            )
        )
        lately = {
            (token.subject_id.id, event.purpose_id.id)
            for token in tokens
            for event in self.env["consent.event"].browse(token.values["events"]).sudo()
        }
        return events.filtered(lambda event: (event.subject_id.id, event.purpose_id.id) in lately)

    def _mail_confirmation(self, events):
        """One mail per person with the link that confirms. A machine's word does not overrule an earlier no."""
        events -= events.filtered(lambda event: event.source in fold.CARRIED_SOURCES) & self._turned_down(events)
        for subject, of_person in events.grouped("subject_id").items():
            partner = subject.partner_id
            address = of_person.filtered(lambda e: e.channel == "email")[:1].address or partner.email_normalized
            if partner and address:
                self._mail(partner, address, "confirm", of_person)

    def _mail_guardian(self, events):
        for subject, of_person in events.grouped("subject_id").items():
            child = subject.partner_id
            if address := self._guardian_address(child):
                self._mail(child.consent_guardian_id, address, "guardian", of_person, child=child)

    def _mail(self, partner, address, kind, events, child=None):
        """Send one letter with a link about some events to an address; none where data must not be used.

        :param kind: of the link, and of the letter
        """
        if self.env["res.partner"]._get_consent_writing_refusals(partner | (child or partner)):
            return
        guardian = self.env["consent.subject"]._of_partners(partner, create=True)[partner.id] if child else None
        until = max(event.until for event in events)
        token = self.env["consent.token"]._issue(
            kind,
            (until - fields.Date.today()).days + 1,
            subject=events.subject_id[:1],
            events=events.ids,
            **({"guardian": guardian.uuid} if guardian else {}),
        )
        letter = self.env["consent.letter"].with_company(events.company_id[:1])
        letter._send(
            f"client_consent.mail_template_{kind}",
            events[:1],
            partner,
            address,
            f"/privacy/{kind}/{token}",
            events=events,
            until=until,
        )

    @api.model
    def _guardian_address(self, child):
        """The address to which a guardian's link may go: an adult's own, never the child's."""
        guardian = child.sudo().consent_guardian_id
        born = guardian.consent_birthdate
        grown = not born or born + relativedelta(years=MAJORITY) <= fields.Date.today()
        own = guardian.email_normalized and guardian.email_normalized != child.email_normalized
        return guardian.email_normalized if grown and own else False

    def _turned_down(self, events):
        """Those of the events about which the same address said no, on whatever record."""
        rows = self.env.execute_query(
            SQL(
                """SELECT e.id FROM consent_event e
                    WHERE e.id = ANY(%s)
                      AND EXISTS (SELECT FROM consent_basis v
                                   WHERE v.purpose_id = e.purpose_id AND v.channel = e.channel
                                     AND v.company_id = e.company_id AND v.address = e.address
                                     AND v.state IN ('refused', 'withdrawn', 'objected'))""",
                events.ids,
            )
        )
        return self.env["consent.event"].browse(id_ for (id_,) in rows)

    # -- asking for a consent, and for going on --------------------------------------------------------

    @api.model
    def _request(self, partners, answers):
        """Ask people by mail, once, for what they have not answered yet.

        Not asked, each with its reason: whose data must not be used; who has no e-mail address; who answered, with
        yes or no, on this or another record; who was asked before; and whose address came from a bought,
        public, referred or enriched source and was never given by themselves. To ask for a consent to advertising by
        e-mail is advertising by e-mail: Art. 13 of Directive 2002/58/EC allows it only to an address that the person
        gave.

        :param answers: ``[(purpose, notice)]``; every channel of the purpose with an address is asked; without a
            notice its present text in the person's language is shown, and who cannot read any is not asked
        :return: ``{"asked": partners, "left_out": {reason code: partners}}``
        """
        answers = [(self._check_usable(purpose), self._published(notice)) for purpose, notice in answers]
        subjects = self.env["consent.subject"]._of_partners(partners, create=True)
        addresses = {channel: partners._consent_addresses(channel) for channel in CHANNELS}
        known = self._known(partners, addresses)
        left_out = defaultdict(lambda: self.env["res.partner"])
        entries, asked = [], self.env["res.partner"]
        refused = self.env["res.partner"]._get_consent_writing_refusals(partners)
        # who said no to what a purpose replaces, or to all advertising, is not asked about it either
        rules = self.env["consent.gate"]._rules()
        for partner in partners:
            email = addresses["email"].get(partner.id)
            if partner.id in refused:
                left_out["sealed"] |= partner
                continue
            if not email:
                left_out["no_address"] |= partner
                continue
            if email in known["quarantined"] and email not in known["own"]:
                left_out["quarantined"] |= partner
                continue
            open_ones = [
                (purpose, published, channel, addresses[channel][partner.id])
                for purpose, published in answers
                if not {(id_, who) for id_ in rules[purpose.code].vetoing for who in (partner.id, email)} & known["no"]
                for channel in purpose._channels()
                if addresses[channel].get(partner.id)
                and (purpose.id, channel, addresses[channel][partner.id]) not in known["settled"]
            ]
            texts = {
                purpose: self._notice(published, purpose, partner) or self._present_notice(purpose, partner.lang)
                for purpose, published, _channel, _address in open_ones
            }
            mine = [
                self._question(subjects[partner.id], purpose, texts[purpose], channel, address)
                for purpose, _published, channel, address in open_ones
                if texts[purpose]
            ]
            if not mine:
                left_out["no_text" if open_ones else "answered"] |= partner
                continue
            # another record with the same address in the same selection is not asked again
            known["settled"] |= {(entry["purpose"].id, entry["channel"], entry["address"]) for entry in mine}
            entries += mine
            asked |= partner
        events = self._append(entries)
        for subject, of_person in events.grouped("subject_id").items():
            person = subject.partner_id
            self._mail(person, addresses["email"][person.id], "request", of_person)
        return {"asked": asked, "left_out": dict(left_out)}

    def _question(self, subject, purpose, notice, channel, address):
        return {
            "subject": subject,
            "purpose": purpose,
            "company": self.env.company,
            "notice": notice,
            "kind": "requested",
            "source": "email",
            "channel": channel,
            "address": address,
            "at": fields.Datetime.now(),
            "until": fields.Date.today() + timedelta(days=purpose.pending_days),
        }

    def _present_notice(self, purpose, lang):
        """The text about a purpose in a language, or else in the company's."""
        company = self.env.company
        # the language of the company's own card is public to its users
        theirs, ours = lang or company.sudo().partner_id.lang, company.sudo().partner_id.lang
        return purpose._usable_notice(theirs, company) or purpose._usable_notice(ours, company)

    def _known(self, partners, addresses):
        """What is known about these people and their addresses, on whatever record of the company.

        :return: sets ``settled`` (purpose id, channel, address) that are answered or were asked before;
            ``no`` (purpose id, contact id or e-mail address) of those who turned the purpose down in any channel;
            ``own`` and ``quarantined``, the addresses that came so
        """
        known = {name: set() for name in ("settled", "no", "own", "quarantined")}
        asked_of = list({address for of_channel in addresses.values() for address in of_channel.values() if address})
        # only whether something is known leaves this method
        for purpose_id, channel, address, kind, quarantined in self.env.execute_query(
            SQL(
                """SELECT DISTINCT purpose_id, channel, address, kind, source = ANY(%s)
                     FROM consent_event WHERE company_id = %s AND address = ANY(%s)""",
                list(fold.QUARANTINED_SOURCES),
                self.env.company.id,
                asked_of,
            )
        ):
            if kind == "requested":
                known["settled"].add((purpose_id, channel, address))
            else:
                known["quarantined" if quarantined else "own"].add(address)
        for purpose_id, channel, address, partner_id, negative in self.env.execute_query(
            SQL(
                """SELECT b.purpose_id, b.channel, b.address, s.partner_id, b.state = ANY(%(negative)s)
                     FROM consent_basis b
                     JOIN consent_subject s ON s.id = b.subject_id
                    WHERE b.company_id = %(company)s
                      AND (b.address = ANY(%(addresses)s) OR s.partner_id = ANY(%(partners)s))
                      AND (b.state = ANY(%(negative)s)
                           OR b.until >= %(today)s AND (b.state = 'active'
                              OR b.state = 'pending' AND NOT b.source = ANY(%(quarantined)s)))""",
                negative=list(fold.NEGATIVE_STATES),
                quarantined=list(fold.QUARANTINED_SOURCES),
                company=self.env.company.id,
                addresses=asked_of,
                partners=partners.ids,
                today=fields.Date.today(),
            )
        ):
            known["settled"].add((purpose_id, channel, address))
            if negative:
                known["no"] |= {(purpose_id, partner_id)} | ({(purpose_id, address)} if channel == "email" else set())
        return known

    @api.model
    def _renew(self, partner):
        """Ask a person by mail, once, whether what ends soon may go on. After its end nothing is sent.

        The contact has an e-mail address. Each company writes about its own.

        :return: the events whose renewal was asked
        """
        partner._consent_check_writing()
        ending = self.env["consent.reminder"]._take("renewal_mail", partner, self.env.companies)
        for of_company in ending.grouped("company_id").values():
            self._mail(partner, partner.email_normalized, "renewal", of_company)
        return ending

    # -- helpers -------------------------------------------------------------------------------------

    def _append(self, entries):
        """Append checked entries, and what follows from them; return the events of the entries."""
        full = [
            {name: value for name, value in entry.items() if value is not None}
            for entry in [*entries, *self._get_further_entries(entries)]
        ]
        # the ledger takes no entry from users: it takes them from here, where they were checked
        return self.env["consent.event"].sudo()._append(full)[: len(entries)]

    def _get_further_entries(self, entries):
        """Entries that follow from others: a later own yes ends the no of the same person's merged records, too."""
        own = [entry for entry in entries if entry["kind"] == "given" and entry["source"] in fold.OWN_SOURCES]
        return self.env["consent.subject"]._also_answering(own)

    def _entry_like(self, event):
        """The entry of an event about the same thing as another."""
        return {
            "subject": event.subject_id,
            "purpose": event.purpose_id,
            "company": event.company_id,
            "notice": event.notice_id,
            "channel": event.channel,
            "address": event.address,
        }

    def _with_wait(self, detail, outlook):
        full = dict(detail or {})
        if outlook.waits_for:
            full["waits_for"] = outlook.waits_for
        return full or None

    def _details(self, events):
        """The detail of each event as its canonical bytes hold it: event id → dict."""
        rows = self.env.execute_query(
            SQL("SELECT id, payload FROM consent_event WHERE id = ANY(%s) AND payload IS NOT NULL", events.ids)
        )
        said = {id_: {} for id_ in events.ids}
        return said | {id_: canonical.parse(bytes(payload)).get("detail") or {} for id_, payload in rows}

    def _store_evidence(self, subject, company, files):
        # the keeper of evidence checks types and sizes; who records a consent may hand it in
        return self.env["consent.evidence"].sudo().with_company(company)._store(subject, files)

    def _receipt(self, event):
        return {
            "receipt": event.uuid,
            "partner_id": event.subject_id.partner_id.id,
            "purpose": event.purpose_id.code,
            "lawful_basis": event.purpose_id.lawful_basis,
            "channel": event.channel,
            "address": event.address,
            "state": fold.STATE_OF_KIND[event.kind],
            "at": fields.Datetime.to_string(event.at),
            "until": fields.Date.to_string(event.until) if event.until else None,
            "notice": event.notice_id.code or None,
            "commitment": event.commitment,
            "company": event.company_id.id,
        }

    # -- checks --------------------------------------------------------------------------------------

    def _purpose(self, code):
        purpose = self.env["consent.purpose"].search([("code", "=", code)], limit=1)
        if not purpose:
            raise UserError(self.env._("There is no purpose with the code “%s”.", code))
        return purpose

    def _check_usable(self, purpose):
        """The purpose, if somebody can say yes to it here and now."""
        if purpose.lawful_basis not in KIND_OF_BASIS:
            raise UserError(self.env._("“%s” needs no consent: its lawful basis is another one.", purpose.name))
        if purpose.state != "active":
            raise UserError(self.env._("“%s” is not in use: activate the purpose first.", purpose.name))
        if purpose.company_id and purpose.company_id != self.env.company:
            raise UserError(self.env._("“%s” belongs to another company: switch to it first.", purpose.name))
        return purpose

    def _check_source(self, source):
        if source not in fold.SOURCES:
            raise UserError(
                self.env._(
                    "“%(given)s” is no way to obtain a consent; silence, scrolling or using a site never is. "
                    "Use one of: %(all)s.",
                    given=source,
                    all=", ".join(code for code, _label in SOURCES),
                )
            )

    def _check_channels(self, channels, purpose):
        """The channels as a list, all of them used by the purpose."""
        self._check_known_channels(channels)
        if wrong := [channel for channel in channels if channel not in purpose._channels()]:
            raise UserError(
                self.env._(
                    "“%(purpose)s” does not use the channel(s) %(wrong)s; it uses %(right)s.",
                    purpose=purpose.name,
                    wrong=", ".join(map(str, wrong)),
                    right=", ".join(purpose._channels()),
                )
            )
        return list(dict.fromkeys(channels))

    def _check_known_channels(self, channels):
        if isinstance(channels, str) or not channels:
            raise UserError(self.env._("Name the channels as a list, for example email and sms."))
        if wrong := [str(channel) for channel in channels if channel not in CHANNELS]:
            raise UserError(
                self.env._(
                    "There is no channel %(wrong)s; there are %(right)s.",
                    wrong=", ".join(wrong),
                    right=", ".join(CHANNELS),
                )
            )

    def _check_addresses(self, partners, channels):
        """The addresses of all people in all channels: channel → contact id → text."""
        found = {channel: partners._consent_addresses(channel) for channel in channels}
        for channel in channels:
            if missing := [id_ for id_ in partners.ids if not found[channel].get(id_)]:
                raise UserError(
                    self.env._(
                        "%(count)s contact(s) have no address for the channel %(channel)s: "
                        "fill it in on the contact first.",
                        count=len(missing),
                        channel=dict(CHANNEL_NAMES)[channel],
                    )
                )
        return found

    def _check_files(self, evidence):
        """Evidence files as they were handed in: named and not empty. What they hold, their keeper checks."""
        for number, file in enumerate(evidence or [], 1):
            if not isinstance(file, dict) or not file.get("name") or not file.get("content"):
                raise UserError(
                    self.env._("Evidence file no. %s is empty: hand it in as a name and its content in base64.", number)
                )
        return list(evidence or [])

    def _published(self, notice):
        """The published versions of a notice, in every language, that this company may use."""
        notices = self.env["consent.notice"]
        if not notice:
            return notices
        code = notice if isinstance(notice, str) else ", ".join(set(notice.mapped("code")))
        if isinstance(notice, str):
            found = notices.search([("code", "=", notice), ("state", "=", "published")])
        else:
            found = notice.filtered(lambda n: n.state == "published")
        if not found:
            raise UserError(self.env._("There is no published notice with the code “%s”: publish it first.", code))
        found = found.filtered(lambda n: not n.company_id or n.company_id == self.env.company)
        if not found:
            raise UserError(self.env._("The notice “%s” belongs to another company: choose one of this company.", code))
        return found

    def _notice(self, published, purpose, partner):
        """Of the published texts the one this person saw: in the person's language, or else the company's."""
        if not published:
            return published
        found = published.filtered(lambda n: not n.purpose_ids or purpose in n.purpose_ids)
        if not found:
            raise UserError(
                self.env._(
                    "The notice does not speak about “%s”: choose the text that the person saw about it.", purpose.name
                )
            )
        # the language of the company's own card is public to its users
        langs = [lang for lang in (partner.lang, self.env.company.sudo().partner_id.lang) if lang]
        for lang in langs:
            if of_lang := found.filtered(lambda n, code=lang: n.lang == code)[:1]:
                return of_lang
        if langs:
            raise UserError(
                self.env._(
                    "The notice is published neither in the person's language nor in the company's (%s): "
                    "publish that version first, or set on the contact the language the person reads.",
                    ", ".join(dict.fromkeys(langs)),
                )
            )
        return found[:1]

    # -- words ---------------------------------------------------------------------------------------

    def _consequence(self, outlook, partner, mails_to=None):
        """One sentence that says, before it is recorded, what an answer will mean."""
        until = format_date(self.env, outlook.until, date_format="d MMM y")
        if outlook.until < fields.Date.today():
            if outlook.waits_for:
                return self.env._(
                    "Does not count: what it waits for had to come until %s. Ask the person again.", until
                )
            return self.env._("Does not count any more: it ended %s. It is recorded as history.", until)
        match outlook.waits_for:
            case "guardian" if self._guardian_address(partner):
                return self.env._("Waits for the guardian, who gets a link by e-mail, until %s.", until)
            case "guardian":
                return self.env._(
                    "Waits for the guardian until %s: name on the contact a guardian with an e-mail address of "
                    "their own, then record it again.",
                    until,
                )
            case "confirmation" if mails_to:
                return self.env._("Waits until %s for the confirmation by e-mail; the link is sent now.", until)
            case "confirmation":
                return self.env._("Unusable: waits until %s for the person's own answer. No mail is sent.", until)
            case "evidence":
                return self.env._("Unusable: waits for its evidence until %s, then it lapses. Attach it here.", until)
        return self.env._("Counts from now until %s.", until)
