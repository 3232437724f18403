from dateutil.relativedelta import relativedelta
from markupsafe import Markup
from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Domain
from odoo.tools import SQL

from ..tools import fold
from .consent_recording import MAJORITY

#: Writing one of these may leave answers behind at an earlier address.
CONSENT_ADDRESS_FIELDS = frozenset({"email", "phone", "country_id", "street", "street2", "zip", "city", "parent_id"})


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
    consent_birthdate = fields.Date(
        "Birth date",
        copy=False,
        prefetch="consent",
        groups="client_consent.group_consent_user",
        help="Only where the age matters: below the age of the country an answer waits for the guardian's own.",
    )
    consent_guardian_id = fields.Many2one(
        "res.partner",
        "Guardian",
        copy=False,
        prefetch="consent",
        index="btree_not_null",
        groups="client_consent.group_consent_user",
        help="Gets a link by e-mail for every answer of the child; it needs an address of the guardian's own.",
    )

    @api.constrains("consent_birthdate", "consent_guardian_id")
    def _check_consent_guardian(self):
        for partner in self:
            if partner.consent_birthdate and partner.consent_birthdate > fields.Date.today():
                raise ValidationError(self.env._("The birth date lies in the future: correct it."))
            if partner.consent_guardian_id == partner:
                raise ValidationError(self.env._("Nobody is their own guardian: choose another contact."))

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

    consent_minor = fields.Boolean(
        "Decides not alone yet",
        compute="_compute_consent_minor",
        search="_search_consent_minor",
        groups="client_consent.group_consent_user",
        help="A person below the age at which, in their country, a consent needs no guardian.",
    )
    consent_source_ids = fields.One2many(
        "consent.source", "partner_id", "Sources", groups="client_consent.group_consent_user"
    )
    consent_sources = fields.Char(
        "Data come from", compute="_compute_consents", groups="client_consent.group_consent_user"
    )
    consent_quarantined = fields.Boolean(
        "Quarantined",
        compute="_compute_consents",
        search="_search_consent_quarantined",
        groups="client_consent.group_consent_user",
        help="All we have is bought, public, recommended or enriched data: no advertising before the person answers.",
    )
    consent_address_changed = fields.Boolean(
        "New address without consent",
        compute="_compute_consents",
        search="_search_consent_address_changed",
        groups="client_consent.group_consent_user",
        help="The person agreed for an earlier address; somebody decides what becomes of it.",
    )

    @api.depends("email_normalized", "phone_sanitized", "street", "street2", "zip", "city")
    @api.depends_context("lang", "allowed_company_ids")
    def _compute_consents(self):
        """Everything on the card by one query: every contact that is opened asks it."""
        card = self.env["consent.card"]._ask(self.ids)
        of_people = self.env["consent.basis"]._lines(self.ids, card["answers"])
        intakes = self._consent_intakes(card["intake"])
        for partner in self:
            lines = of_people[partner.id]
            ids = tuple(line.id for line in lines if line.id)
            # into the cache at once: assigning would look for what to link and unlink
            self._fields["consent_basis_ids"]._update_cache(partner, ids)
            partner.consent_count = len(ids)
            quarantined, changed, sources = intakes.get(partner.id, (False, False, False))
            partner.consent_quarantined = quarantined
            partner.consent_address_changed = changed
            partner.consent_sources = sources
            partner.consent_banner = self._consent_banner_html(partner._consent_banner_parts(lines, card))

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

    @api.depends("consent_birthdate", "country_id")
    def _compute_consent_minor(self):
        for partner in self:
            partner.consent_minor = partner._consent_is_minor()

    def _search_consent_minor(self, operator, value):
        if operator != "in":
            return NotImplemented
        today = fields.Date.today()
        domain = Domain.FALSE
        young = [("consent_birthdate", ">", today - relativedelta(years=MAJORITY))]
        # sudo: limits of the countries in which young people live; which people are found the caller's rules decide
        of_country = self.sudo().with_context(active_test=False)._read_group(young, ["country_id"])
        for (country,) in of_country:
            limit = self.env["consent.recording"]._age_of_consent(country, today)
            born_after = Domain("consent_birthdate", ">", today - relativedelta(years=limit))
            domain |= Domain("country_id", "=", country.id) & born_after
        return domain if True in value else ~domain

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
        # a field that is searched by a method of its own is not checked by Odoo
        self.env["consent.basis"].check_access("read")
        if operator != "in":
            return NotImplemented
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

    def _consent_banner_parts(self, lines, card):
        """What the banner says, as ``[{"kind": "allow"|"deny"|"note", "text": str}]``; add-ons add theirs.

        :param lines: the person's answers and contracts, see ``consent.basis._of_people``
        :param card: what ``consent.card`` was told about this and other contacts
        """
        self.ensure_one()
        bases = self.env["consent.basis"]
        allowed = [line for line in lines if line.allows]
        waiting = [line for line in lines if line.answer in ("pending", "requested")]
        denied = self._consent_without_repeats([line for line in lines if not line.allows and line not in waiting])
        parts = []
        if self.consent_quarantined:
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
            parts.append({"kind": "note", "text": self.env._("Not yet: %s", bases._sentences(waiting))})
        if not lines and not self.consent_quarantined:
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
        limit = self.env["consent.recording"]._age_of_consent(self.country_id, today)
        return self.consent_birthdate + relativedelta(years=limit) > today

    # -- write, unlink -------------------------------------------------------------------------------

    @api.ondelete(at_uninstall=False)
    def _unlink_except_consent_history(self):
        """Nobody goes from under the ledger: it would still hold their address, and nobody could find it again."""
        if held := self._get_consent_held():
            raise UserError(
                self.env._(
                    "%s contact(s) have a history of consents, which proves what they allowed and turned down, and "
                    "keeps them from being written to. Archive them; at the person's wish erase them by a privacy "
                    "request, which takes them out of the history too.",
                    len(held),
                )
            )

    def _get_consent_held(self):
        """Those of the contacts whom the ledger names; an add-on that erases people lets its own go."""
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL(
                """SELECT DISTINCT s.partner_id FROM consent_subject s
                    WHERE s.partner_id = ANY(%s) AND EXISTS (SELECT FROM consent_event e WHERE e.subject_id = s.id)""",
                self.ids,
            )
        )
        return self.browse(id_ for (id_,) in rows)

    def write(self, vals):
        result = super().write(vals)
        if CONSENT_ADDRESS_FIELDS & vals.keys():
            self.env["consent.address.change"]._open_for(self)
        return result

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

    def action_consent_request(self):
        """Open the dialog that asks these people for their consent by mail."""
        action = self.env["ir.actions.act_window"]._for_xml_id("client_consent.action_consent_request_wizard")
        action["context"] = {"default_partner_ids": self.ids}
        return action

    def action_consent_renew(self):
        """Ask by mail, once, whether what ends soon may go on."""
        self.ensure_one()
        self._consent_check_caller()
        if not self.email_normalized:
            raise UserError(self.env._("There is no e-mail address: ask in person and record the answer."))
        if not self.env["consent.recording"]._renew(self):
            raise UserError(
                self.env._("Nothing ends soon, or the person was asked already: record the answer when it comes.")
            )
        message = self.env._("The letter is on its way. What the person answers is recorded by itself.")
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {"type": "success", "message": message, "next": {"type": "ir.actions.act_window_close"}},
        }

    def action_consent_erase(self):
        """Open what ends the keeping of this person's data."""
        self.ensure_one()
        self._consent_check_caller()
        return self._get_consent_erase_action()

    def _get_consent_erase_action(self):
        """Without an add-on that erases, all that can be done is to stop using the data."""
        return self.action_consent_withdraw()

    def action_consent_proof(self):
        """Open the dialog that packs what proves this person's answers."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("client_consent.action_consent_proof_wizard")
        action["context"] = {"default_partner_id": self.id}
        return action

    def action_consent_timeline(self):
        """Open everything that happened to this person's consents, newest first."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("client_consent.action_consent_timeline")
        action["domain"] = [("partner_id", "=", self.id)]
        return action

    def action_consent_sources(self):
        """Open where this person's data came from."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("client_consent.action_consent_source")
        action["domain"] = [("partner_id", "=", self.id)]
        action["context"] = {"default_partner_id": self.id}
        return action

    def action_consent_address_changes(self):
        """Open what is to be decided after a change of address."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("client_consent.action_consent_address_change")
        action["domain"] = [("partner_id", "=", self.id), ("state", "=", "open")]
        return action

    def action_consent_invite(self):
        """Open the dialog with a link that this person may pass on to a friend."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("client_consent.action_consent_invite_wizard")
        action["context"] = {"default_referrer_id": self.id}
        return action

    # -- promised methods ----------------------------------------------------------------------------

    def consent_give(self, purpose, channels, source, notice=None, evidence=None, given_at=None, note=None):
        """Record that these people allowed a purpose (or were informed of one, for a legitimate interest).

        :param purpose: code of an active purpose
        :param channels: list of email, sms, phone, post, messenger
        :param source: how it was obtained, see ``consent.event.source``
        :param notice: code of a published notice in the person's or the company's language
        :param evidence: ``[{"name": "form.pdf", "content": base64}]``; a purpose may demand it, see ``state`` below
        :param given_at: moment, UTC; now by default, never in the future
        :return: one receipt per contact and channel: ``{receipt, partner_id, purpose, lawful_basis, channel, address,
            state, at, until, notice, commitment, company}``; ``state`` is pending where a confirmation, the guardian's
            answer or evidence is missing
        :raises UserError: when something is missing, saying what; nothing is recorded then
        """
        self._consent_check_caller()
        return self.env["consent.recording"]._give(self, purpose, channels, source, notice, evidence, given_at, note)

    def consent_withdraw(self, purpose=None, channels=None, source="in_person", reason=None, at=None):
        """Record that these people take back what they allowed. It always succeeds, Art. 7(3).

        :param purpose: code, or nothing for all
        :param channels: list of channels, or nothing for all
        :return: receipts, see :meth:`consent_give`
        """
        self._consent_check_caller()
        return self.env["consent.recording"]._deny("withdrawn", self, purpose, channels, source, reason, at)

    def consent_object(self, purpose=None, channels=None, source="in_person", at=None):
        """Record that these people object, Art. 21; to everything when no purpose is named.

        :return: receipts, see :meth:`consent_give`
        """
        self._consent_check_caller()
        return self.env["consent.recording"]._deny("objected", self, purpose, channels, source, None, at)

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

    def consent_proof(self, at=None):
        """Give everything that proves what this person was asked and answered, for an authority or a court.

        :param at: a moment in the past, UTC: what happened later is left out; now by default
        :return: ``{as_of, made_at, partner_id, answers, events, notices, inclusion_proofs, checkpoint}`` in plain
            values: each event with its canonical payload, salt and commitment, ``notices`` as they were shown,
            ``inclusion_proofs`` by receipt number against ``checkpoint`` (None while none was signed)
        """
        self.ensure_one()
        self._consent_check_caller()
        return self.env["consent.proof"]._collect(self, self._consent_moment(at))

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

    def _consent_check_caller(self):
        if not self.env.user.has_group("client_consent.group_consent_user"):
            raise AccessError(
                self.env._("Only users who may record consents do this. Ask an administrator for Privacy / Consents.")
            )
        self.check_access("read")

    def _consent_check_reader(self):
        if not self.env.su:
            self._consent_check_caller()

    def _consent_moment(self, value):
        """A moment that has passed, as Odoo stores it: UTC without zone."""
        now = fields.Datetime.now()
        try:
            moment = fields.Datetime.to_datetime(value) if value else now
        except ValueError as error:
            raise UserError(self.env._("Write the moment as year-month-day hours:minutes:seconds, in UTC.")) from error
        if moment > now:
            raise UserError(self.env._("The moment lies in the future: record a consent when it was given."))
        return moment.replace(microsecond=0)

    def _consent_subject(self, create=False):
        """The subject of this contact, made when asked for; nothing when there is none."""
        self.ensure_one()
        found = self.env["consent.subject"]._of_partners(self, create)
        return found.get(self.id, self.env["consent.subject"])

    # -- where the data came from, and changed addresses ---------------------------------------------

    def _consent_intake_sql(self, partner_ids):
        """Contacts about whom it is noted where their data came from, or that they had another address before."""
        looks = [
            SQL("SELECT partner_id FROM %s WHERE partner_id = ANY(%s)", SQL.identifier(table), partner_ids)
            for table in ("consent_source", "consent_address_change")
        ]
        return SQL(" UNION ALL ").join(looks)

    def _consent_intakes(self, rows):
        """Where data came from and what became of it: contact id → (quarantined, address changed, sources in words).

        :param rows: of :meth:`_consent_intake_sql`; nearly always none, and then nothing else is asked
        """
        known = {row["partner_id"] for row in rows}
        ids = self.ids if self.env["consent.gate"]._knows_quarantine() else [id_ for id_ in self.ids if id_ in known]
        if not ids:
            return {}
        rows = self.env.execute_query(
            SQL(
                """SELECT p.id, p.id IN %s, p.id IN %s,
                          (SELECT array_agg(s.id ORDER BY s.obtained_on, s.id) FROM consent_source s
                            WHERE s.partner_id = p.id AND s.company_id = %s)
                     FROM res_partner p WHERE p.id = ANY(%s)""",
                self._consent_quarantined_sql(ids),
                self._consent_address_changed_sql(ids),
                self.env.company.id,
                ids,
            )
        )
        # the field asks for the group that reads sources
        sources = self.env["consent.source"].sudo()
        return {
            id_: (quarantined, changed, " · ".join(s._sentence() for s in sources.browse(source_ids or ())) or False)
            for id_, quarantined, changed, source_ids in rows
        }

    def _search_consent_quarantined(self, operator, value):
        return self._search_by_sql(operator, value, self._consent_quarantined_sql())

    def _search_consent_address_changed(self, operator, value):
        return self._search_by_sql(operator, value, self._consent_address_changed_sql())

    def _search_by_sql(self, operator, value, sql):
        # a field that is searched by a method of its own is not checked by Odoo
        self.env["consent.basis"].check_access("read")
        if operator != "in":
            return NotImplemented
        return self._consent_domain_by_sql(sql, True in value)

    def _consent_domain_by_sql(self, sql, among):
        """The domain of contacts that are, or are not, among those of a query."""
        self.env.flush_all()
        return Domain("id", "in" if among else "not in", sql)

    def _consent_quarantined_sql(self, ids=None):
        """Contacts whose data came from elsewhere only, and who did not answer themselves; per company."""
        which = SQL("= ANY(%s)", ids) if ids is not None else SQL("IS NOT NULL")
        return SQL("(%s)", SQL(" UNION ").join(self.env["consent.gate"]._quarantine_sqls(which)))

    def _consent_address_changed_sql(self, ids=None):
        """Contacts with a yes for an earlier address about which nobody decided; per company."""
        return SQL(
            """(SELECT p.id
                  FROM consent_address_change c
                  JOIN consent_event b ON b.id = c.event_id
                  JOIN res_partner p ON p.id = c.partner_id
                 WHERE c.state = 'open' AND c.company_id = %s AND b.address <> %s %s)""",
            self.env.company.id,
            self.env["consent.address.change"]._address_sql(),
            SQL("AND p.id = ANY(%s)", ids) if ids is not None else SQL(),
        )

    def _consent_standing_denials(self):
        """What these people turned down and did not allow again since: one event per purpose, channel and company.

        Of several the strictest counts. A later own yes for the present address of the same contact ends a no.

        :return: [(contact id, id of the event)]
        """
        self.env.flush_all()
        return self.env.execute_query(
            SQL(
                """SELECT DISTINCT ON (p.id, b.purpose_id, b.channel, b.company_id) p.id, b.event_ref
                     FROM consent_basis b
                     JOIN consent_subject s ON s.id = b.subject_id
                     JOIN res_partner p ON p.id = s.partner_id
                    WHERE p.id = ANY(%(ids)s) AND b.state IN ('refused', 'withdrawn', 'objected')
                      AND NOT EXISTS (
                          SELECT FROM consent_basis y JOIN consent_subject ys ON ys.id = y.subject_id
                           WHERE ys.partner_id = p.id AND y.purpose_id = b.purpose_id AND y.channel = b.channel
                             AND y.company_id = b.company_id AND y.state = 'active' AND y.voice = 2
                             AND y.since > b.since AND y.address = %(address)s)
                 ORDER BY p.id, b.purpose_id, b.channel, b.company_id,
                          array_position(ARRAY['objected', 'withdrawn', 'refused'], b.state::text), b.since DESC""",
                ids=self.ids,
                address=self.env["consent.address.change"]._address_sql(),
            )
        )

    def _consent_carry_denials(self, event_ids, as_said=False):
        """Let what was turned down for another address of this person count for the present one too.

        :param as_said: from the moment it was said, so that a later own yes stands; else from now on
        """
        self.ensure_one()
        # an event is read and repeated on the contact that stayed; the merge decided who may do that
        events = self.env["consent.event"].sudo().browse(event_ids)
        strictness = ["objected", "withdrawn", "refused"]
        denied = {}
        for event in events.sorted(lambda event: strictness.index(event.kind)):
            denied.setdefault((event.purpose_id, event.channel, event.company_id), event)
        standing = {
            (basis.purpose_id, basis.channel, basis.company_id, basis.address)
            for basis in self.env["consent.basis"]
            .sudo()
            .search([("partner_id", "=", self.id), ("state", "in", fold.NEGATIVE_STATES)])
        }
        addresses = {channel: self._consent_addresses(channel).get(self.id) for _p, channel, _c in denied}
        subject = self._consent_subject(create=True)
        self.env["consent.event"].sudo()._append(
            [
                {
                    "subject": subject,
                    "purpose": purpose,
                    "company": company,
                    "kind": event.kind,
                    "source": event.source,
                    "channel": channel,
                    "address": addresses[channel],
                    "at": event.at if as_said else fields.Datetime.now(),
                    "detail": {"carried_from": self.env["consent.address.change"]._digest(event.address)},
                }
                for (purpose, channel, company), event in denied.items()
                if addresses[channel] and (purpose, channel, company, addresses[channel]) not in standing
            ]
        )
