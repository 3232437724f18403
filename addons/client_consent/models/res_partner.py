from dateutil.relativedelta import relativedelta
from markupsafe import Markup
from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain
from odoo.tools import SQL

from ..tools import fold
from .consent_event import CHANNEL_NAMES, SOURCES
from .consent_purpose import BY_EVENT

KIND_OF_BASIS = {"consent": "given", "legitimate_interest": "informed"}


class ResPartner(models.Model):
    _inherit = "res.partner"

    consent_basis_ids = fields.Many2many(
        "consent.basis",
        string="Consents",
        compute="_compute_consents",
        search="_search_consent_basis_ids",
        groups="client_consent.group_consent_user",
    )
    consent_count = fields.Integer(
        "Number of consents", compute="_compute_consents", groups="client_consent.group_consent_user"
    )
    consent_banner = fields.Html(
        compute="_compute_consents", sanitize=False, groups="client_consent.group_consent_user"
    )
    consent_state = fields.Selection(
        [
            ("yes", "Agreed to something"),
            ("waiting", "Asked, no answer yet"),
            ("no", "Said no"),
            ("ended", "Consent ended"),
            ("none", "Never asked"),
        ],
        "Consent",
        compute="_compute_consent_state",
        groups="client_consent.group_consent_user",
    )
    consent_no_ground = fields.Boolean(
        "Nothing allows keeping",
        compute="_compute_consent_no_ground",
        search="_search_consent_no_ground",
        groups="client_consent.group_consent_user",
        help="A person whose data is held without a consent, a contract or another ground.",
    )

    @api.depends("email_normalized", "phone_sanitized", "street", "street2", "zip", "city")
    @api.depends_context("lang", "allowed_company_ids")
    def _compute_consents(self):
        of_people = self.env["consent.basis"]._of_people(self.ids)
        for partner in self:
            lines = of_people[partner.id]
            ids = tuple(line.id for line in lines if line.id)
            # into the cache at once: assigning would look for what to link and unlink
            self._fields["consent_basis_ids"]._update_cache(partner, ids)
            partner.consent_count = len(ids)
            partner.consent_banner = self._consent_banner_html(partner._consent_banner_parts(lines))

    @api.depends("email_normalized", "phone_sanitized", "street", "street2", "zip", "city")
    @api.depends_context("allowed_company_ids")
    def _compute_consent_state(self):
        states = self.env["consent.basis"]._state_of_people(self.ids)
        for partner in self:
            partner.consent_state = states.get(partner.id, "none")

    def _compute_consent_no_ground(self):
        without = self.search([("id", "in", self.ids), ("consent_no_ground", "=", True)])
        for partner in self:
            partner.consent_no_ground = partner in without

    def _search_consent_basis_ids(self, operator, value):
        """Contacts by their consents: whoever may search them may combine purpose, channel, state and dates."""
        if operator not in ("any", "in"):
            return NotImplemented
        bases = self.env["consent.basis"]
        if operator == "in" and False in value:
            everybody = bases._search(Domain.TRUE)
            return ~self._consent_domain_of(everybody) | self._search_consent_basis_ids("in", set(value) - {False})
        return self._consent_domain_of(bases._search(value if operator == "any" else [("id", "in", list(value))]))

    @staticmethod
    def _consent_domain_of(query):
        """The domain of contacts who gave the answers of a query."""
        subject_ids = query.subselect(SQL.identifier(query.table, "subject_id"))

        def to_sql(model, alias, _query):
            return SQL(
                "EXISTS (SELECT FROM consent_subject s WHERE s.partner_id = %s.id AND s.id IN %s)",
                SQL.identifier(alias),
                subject_ids,
                to_flush=model.env["consent.subject"]._fields["partner_id"],
            )

        return Domain.custom(to_sql=to_sql)

    def _search_consent_no_ground(self, operator, value):
        if operator != "in":
            return NotImplemented
        # a field that is searched by a method of its own is not checked by Odoo
        self.env["consent.basis"].check_access("read")
        person = Domain("is_company", "=", False) & Domain("partner_share", "=", True)
        without = person & self.env["consent.gate"]._no_ground_domain()
        domains = {True: without, False: ~without}
        return Domain.OR(domains[bool(item)] for item in value)

    @staticmethod
    def _consent_banner_html(parts):
        icons = {"allow": ("success", "fa-check"), "deny": ("danger", "fa-ban"), "note": ("info", "fa-info-circle")}
        line = Markup(
            '<div class="o_consent_{kind} text-{colour}">'
            '<i class="fa fa-fw {icon}" aria-hidden="true"></i> {text}</div>'
        )
        shown = []
        for part in parts:
            colour, icon = icons[part["kind"]]
            shown.append(line.format(kind=part["kind"], colour=colour, icon=icon, text=part["text"]))
        return Markup().join(shown)

    def _consent_banner_parts(self, lines):
        """What the banner says, as ``[{"kind": "allow"|"deny"|"note", "text": str}]``; add-ons add theirs.

        :param lines: the person's answers and contracts, see ``consent.basis._of_people``
        """
        self.ensure_one()
        bases = self.env["consent.basis"]
        allowed = [line for line in lines if line.allows]
        waiting = [line for line in lines if line.answer in ("pending", "requested")]
        denied = self._consent_without_repeats([line for line in lines if not line.allows and line not in waiting])
        parts = []
        if "consent_quarantined" in self._fields and self.consent_quarantined:
            text = self.env._("Not to be used: from a list or a public source. Wait for the person's own answer.")
            parts.append({"kind": "deny", "text": text})
            denied, allowed = denied + [line for line in allowed if line.id], [li for li in allowed if not li.id]
        if self._consent_is_minor():
            text = self.env._("Under age: nothing counts before a parent or guardian has confirmed it.")
            parts.append({"kind": "deny", "text": text})
        if allowed:
            parts.append({"kind": "allow", "text": self.env._("You may: %s", bases._sentences(allowed))})
        if denied:
            text = self.env._("You may not: %s", bases._sentences(denied))
            parts.append({"kind": "deny", "text": text + self._consent_veto_names(denied)})
        if waiting:
            parts.append({"kind": "note", "text": bases._sentences(waiting)})
        if not lines:
            text = self.env._(
                "Nothing recorded: no advertising. Answering and doing what was ordered is always possible."
            )
            parts.append({"kind": "note", "text": text})
        return parts

    def _consent_without_repeats(self, lines):
        """The lines without the objections that one to all advertising says already."""
        everything = self.env["ir.model.data"]._xmlid_to_res_id("client_consent.purpose_all_advertising")
        said = {(line.channel, line.since) for line in lines if line.purpose_id == everything}
        if not said:
            return lines
        said_at = {since for _channel, since in said}
        return [
            line
            for line in lines
            if line.purpose_id == everything or line.answer != "objected" or line.since not in said_at
        ]

    def _consent_veto_names(self, lines):
        """Which contacts stand in the way, as far as the user may see them."""
        ids = {line.veto_subject_id for line in lines if line.hindrance == "veto"}
        # sudo: subjects are read by managers only; of the contacts behind them the user's rules decide
        others = self.env["consent.subject"].sudo().browse(ids).partner_id.with_env(self.env) - self
        names = [other.display_name for other in others._filtered_access("read")]
        return Markup(" ({})").format(", ".join(names)) if names else ""

    def _consent_is_minor(self):
        """Whether the person is too young, in their country, to decide alone today."""
        if "consent_birthdate" not in self._fields or not self.consent_birthdate:
            return False
        today = fields.Date.today()
        limit = self.env["consent.country"]._age_limit(self.country_id, today)
        return bool(limit) and self.consent_birthdate + relativedelta(years=limit) > today

    # -- screens -------------------------------------------------------------------------------------

    def action_consent_record(self):
        """Open the dialog that records a consent."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("client_consent.action_consent_record_wizard")
        action["context"] = {"default_partner_id": self.id}
        return action

    def action_consent_withdraw(self):
        """Open the dialog that withdraws consents."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("client_consent.action_consent_withdraw_wizard")
        action["context"] = {"default_partner_id": self.id}
        return action

    def action_consent_timeline(self):
        """Open everything that happened to this person's consents, newest first."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("client_consent.action_consent_timeline")
        action["domain"] = [("partner_id", "=", self.id)]
        return action

    # -- promised methods ----------------------------------------------------------------------------

    def consent_give(self, purpose, channels, source, notice=None, evidence=None, given_at=None, note=None):
        """Record that these people allowed a purpose (or were informed of one, for a legitimate interest).

        :param purpose: code of an active purpose
        :param channels: list of email, sms, phone, post, messenger
        :param source: how it was obtained, see ``consent.event.source``
        :param notice: code of a published notice in the person's or any language
        :param given_at: moment, UTC; now by default, never in the future
        :return: one receipt per contact and channel: ``{receipt, partner_id, purpose, lawful_basis, channel, address,
            state, at, until, notice, commitment, company}``
        :raises UserError: when something is missing, saying what; nothing is recorded then
        """
        self._consent_check_caller()
        purpose = self._consent_purpose(purpose)
        if purpose.lawful_basis not in KIND_OF_BASIS:
            raise UserError(self.env._("“%s” needs no consent: its lawful basis is another one.", purpose.name))
        if purpose.state != "active":
            raise UserError(self.env._("“%s” is not in use: activate the purpose first.", purpose.name))
        if evidence:
            raise UserError(self.env._("Evidence files cannot be kept yet: note where the original lies instead."))
        channels = self._consent_channels(channels, purpose)
        self._consent_check_source(source)
        at = self._consent_moment(given_at)
        kind = "pending" if source in fold.QUARANTINED_SOURCES else KIND_OF_BASIS[purpose.lawful_basis]
        until = at.date() + relativedelta(months=purpose.validity_months)
        addresses = {channel: self._consent_addresses(channel) for channel in channels}
        for channel in channels:
            if missing := [id_ for id_ in self.ids if not addresses[channel].get(id_)]:
                raise UserError(
                    self.env._(
                        "%(count)s contact(s) have no address for the channel %(channel)s: "
                        "fill it in on the contact first.",
                        count=len(missing),
                        channel=dict(CHANNEL_NAMES)[channel],
                    )
                )
        return self._consent_record(
            [
                {"partner": partner, "purpose": purpose, "channel": channel, "address": addresses[channel][partner.id]}
                for partner in self
                for channel in channels
            ],
            {
                "kind": kind,
                "source": source,
                "at": at,
                "until": until,
                "note": note,
                "notice": self._consent_notice(notice),
            },
        )

    def consent_withdraw(self, purpose=None, channels=None, source="in_person", reason=None, at=None):
        """Record that these people take back what they allowed. It always succeeds, Art. 7(3).

        :param purpose: code, or nothing for all
        :param channels: list of channels, or nothing for all
        :return: receipts, see :meth:`consent_give`
        """
        return self._consent_say_no("withdrawn", purpose, channels, source, reason, at)

    def consent_object(self, purpose=None, channels=None, source="in_person", at=None):
        """Record that these people object, Art. 21; to everything when no purpose is named.

        :return: receipts, see :meth:`consent_give`
        """
        return self._consent_say_no("objected", purpose, channels, source, None, at)

    def consent_status(self):
        """Say what these people allowed.

        :return: ``[{purpose, lawful_basis, channel, address, state, since, until, source, notice, company}]``,
            dates as ISO text; ``state`` is the one of today
        """
        self._consent_check_reader()
        bases = self.env["consent.basis"].search([("partner_id", "in", self.ids)])
        notices = {
            event.id: event.notice_id.code for event in self.env["consent.event"].browse(bases.mapped("event_ref"))
        }
        return [
            {
                "purpose": basis.purpose_id.code,
                "lawful_basis": basis.lawful_basis,
                "channel": basis.channel,
                "address": basis.address,
                "state": basis.answer,
                "since": fields.Datetime.to_string(basis.since),
                "until": fields.Date.to_string(basis.until) if basis.until else None,
                "source": basis.source,
                "notice": notices.get(basis.event_ref) or None,
                "company": basis.company_id.id,
            }
            for basis in bases
        ]

    def consent_allows(self, purpose, channel, at=None):
        """Say whether something may be sent to this person for a purpose through a channel.

        What nothing allows is not allowed: an unknown purpose or a missing address is a no.

        :param at: a moment in the past, UTC: what was the answer then
        """
        self.ensure_one()
        if at is not None:
            self._consent_check_reader()
            return self.env["consent.gate"]._allowed_at(self, purpose, channel, self._consent_moment(at))
        may_ask = self.env.su or self.env.user.has_group("client_consent.group_consent_user")
        domain = Domain("id", "=", self.id) & self._may_process_domain(purpose, channel)
        # as the caller: the rules that decide whom he may read are part of the one query
        found = may_ask and self.with_context(active_test=False).search(domain, order="id")
        if not found:
            self._consent_check_reader()
        return bool(found)

    # -- the gate ------------------------------------------------------------------------------------

    def _may_process(self, purpose, channel):
        """Those of the contacts for whom the purpose and channel are allowed now, in the current company."""
        if not self.ids:
            return self
        domain = self._may_process_domain(purpose, channel)
        return (
            self.sudo().with_context(active_test=False).search(Domain("id", "in", self.ids) & domain).with_env(self.env)
        )

    @api.model
    def _may_process_domain(self, purpose, channel):
        """The domain of contacts for whom purpose and channel are allowed now; nobody by default.

        Add-ons that restrict people narrow it; the gate itself is ``consent.gate``.
        """
        return self.env["consent.gate"]._domain(purpose, channel)

    @api.model
    def _get_consent_writing_refusals(self, partners):
        """Contacts to whom not even a mail by hand may go: id → reason. Add-ons that restrict people add theirs."""
        return {}

    def _consent_check_writing(self):
        """Refuse a mail typed by hand to contacts whose data must not be used.

        :raises UserError: with the reason
        """
        for reason in self._get_consent_writing_refusals(self).values():
            raise UserError(reason)

    def _consent_objected_to_everything(self):
        """Those of the contacts who objected to all advertising: they are written to about their own affairs only."""
        purpose = self.env.ref("client_consent.purpose_all_advertising")
        # sudo: whoever writes a mail must be told, also without the right to read consents
        bases = self.env["consent.basis"].sudo()
        said = bases._search(
            [("purpose_id", "=", purpose.id), ("state", "=", "objected"), ("company_id", "=", self.env.company.id)]
        )
        return self.search(Domain("id", "in", self.ids) & self._consent_domain_of(said))

    def _consent_addresses(self, channel):
        """The normalised addresses: contact id → text or nothing."""
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL(
                "SELECT p.id, %s FROM res_partner p WHERE p.id = ANY(%s)",
                self.env["consent.gate"]._address_sql("p", channel),
                self.ids,
            )
        )
        return dict(rows)

    # -- helpers -------------------------------------------------------------------------------------

    def _consent_say_no(self, kind, purpose, channels, source, reason, at):
        self._consent_check_caller()
        self._consent_check_source(source)
        moment = self._consent_moment(at)
        purposes = self._consent_purpose(purpose) if purpose else self._consent_deniable_purposes()
        if purpose and purposes.lawful_basis not in BY_EVENT:
            raise UserError(
                self.env._("“%s” cannot be withdrawn: it does not rest on the person's consent.", purposes.name)
            )
        pairs = {(p, channel) for p in purposes for channel in (channels or p._channels())}
        if channels and purpose:
            self._consent_channels(channels, purposes)
        entries, seen = [], set()
        for basis in (
            self.env["consent.basis"]
            .sudo()
            .search(
                [
                    ("partner_id", "in", self.ids),
                    ("purpose_id", "in", purposes.ids),
                    ("company_id", "=", self.env.company.id),
                ]
            )
        ):
            if (basis.purpose_id.sudo(False), basis.channel) in pairs and basis.state not in ("withdrawn", "objected"):
                entries.append(
                    {
                        "partner": basis.partner_id,
                        "purpose": basis.purpose_id,
                        "channel": basis.channel,
                        "address": basis.address,
                    }
                )
            seen.add((basis.partner_id.id, basis.purpose_id.id, basis.channel, basis.address))
        if purpose or kind == "objected":
            for channel in {channel for _p, channel in pairs}:
                for id_, address in self._consent_addresses(channel).items():
                    entries += [
                        {"partner": self.browse(id_), "purpose": p, "channel": channel, "address": address}
                        for p, other in pairs
                        if other == channel and address and (id_, p.id, channel, address) not in seen
                    ]
        return self._consent_record(entries, {"kind": kind, "source": source, "at": moment, "note": reason})

    def _consent_deniable_purposes(self):
        return self.env["consent.purpose"].search([("lawful_basis", "in", BY_EVENT), ("state", "!=", "draft")])

    def _consent_record(self, entries, common):
        """Append one event per entry and return the receipts."""
        subjects = self.env["consent.subject"]._of_partners(self, create=True)
        company = self.env.company
        events = (
            self.env["consent.event"]
            .sudo()
            ._append(
                [
                    {
                        **common,
                        "subject": subjects[entry["partner"].id],
                        "purpose": entry["purpose"],
                        "channel": entry["channel"],
                        "address": entry["address"],
                        "company": company,
                    }
                    for entry in entries
                ]
            )
        )
        return [self._consent_receipt(entry["partner"], event) for entry, event in zip(entries, events, strict=True)]

    def _consent_receipt(self, partner, event):
        return {
            "receipt": event.uuid,
            "partner_id": partner.id,
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

    def _consent_check_caller(self):
        if not self.env.user.has_group("client_consent.group_consent_user"):
            raise AccessError(
                self.env._("Only users who may record consents do this. Ask an administrator for Privacy / Consents.")
            )
        self.check_access("read")

    def _consent_check_reader(self):
        if not self.env.su:
            self._consent_check_caller()

    def _consent_check_source(self, source):
        if source not in fold.SOURCES:
            raise UserError(
                self.env._(
                    "“%(given)s” is no way to obtain a consent; silence, scrolling or using a site never is. "
                    "Use one of: %(all)s.",
                    given=source,
                    all=", ".join(code for code, _label in SOURCES),
                )
            )

    def _consent_purpose(self, code):
        purpose = self.env["consent.purpose"].search([("code", "=", code)], limit=1)
        if not purpose:
            raise UserError(self.env._("There is no purpose with the code “%s”.", code))
        return purpose

    def _consent_channels(self, channels, purpose):
        """The channels as a list, all of them allowed by the purpose."""
        if isinstance(channels, str) or not channels:
            raise UserError(self.env._("Name the channels as a list, for example email and sms."))
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

    def _consent_notice(self, code):
        notices = self.env["consent.notice"]
        if not code:
            return notices
        found = notices.search([("code", "=", code), ("state", "=", "published")])
        if not found:
            raise UserError(self.env._("There is no published notice with the code “%s”: publish it first.", code))
        return found.filtered(lambda notice: notice.lang == self[:1].lang)[:1] or found[:1]

    def _consent_moment(self, value):
        """A moment that has passed, as Odoo stores it: UTC without zone."""
        now = fields.Datetime.now()
        moment = fields.Datetime.to_datetime(value) if value else now
        if moment > now:
            raise UserError(self.env._("The moment lies in the future: record a consent when it was given."))
        return moment.replace(microsecond=0)

    def _consent_subject(self, create=False):
        """The subject of this contact, made when asked for; nothing when there is none."""
        self.ensure_one()
        found = self.env["consent.subject"]._of_partners(self, create)
        return found.get(self.id, self.env["consent.subject"])
