from markupsafe import Markup
from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Domain
from odoo.tools import SQL

from ..tools import fold
from .consent_purpose import WITHOUT_EVENT

#: Writing one of these may leave answers behind at an earlier address.
CONSENT_ADDRESS_FIELDS = frozenset({"email", "phone", "country_id", "street", "street2", "zip", "city", "parent_id"})


class ResPartner(models.Model):
    _inherit = "res.partner"

    consent_basis_ids = fields.Many2many(
        "consent.basis",
        string="Consents",
        compute="_compute_consents",
        groups="client_consent.group_consent_user",
    )
    consent_banner = fields.Html(
        compute="_compute_consents", sanitize=False, groups="client_consent.group_consent_user"
    )
    consent_birthdate = fields.Date(
        "Birth date",
        copy=False,
        groups="client_consent.group_consent_user",
        help="Only where the age matters: below the age of the country an answer waits for the guardian's own.",
    )
    consent_guardian_id = fields.Many2one(
        "res.partner",
        "Guardian",
        copy=False,
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

    @api.depends_context("lang", "allowed_company_ids")
    def _compute_consents(self):
        nothing = self.env["consent.basis"]
        of_people = nothing._of_people(self.ids)
        for partner in self:
            rows = of_people.get(partner.id, [])
            # into the cache at once: assigning would look for what to link and unlink
            self._fields["consent_basis_ids"]._update_cache(partner, tuple(basis.id for basis, _vetoed in rows))
            parts = partner._consent_banner_parts(nothing.concat(*(basis for basis, vetoed in rows if vetoed)))
            partner.consent_banner = self._consent_banner_html(parts)

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

    def _consent_banner_parts(self, vetoed):
        """What the banner says, as ``[{"kind": "allow"|"deny"|"note", "text": str}]``; add-ons add theirs.

        :param vetoed: those of the person's consents whose address said no on another contact
        """
        self.ensure_one()
        bases = self.consent_basis_ids
        allowed = bases.filtered(lambda basis: basis.answer == "active") - vetoed
        denied = bases.filtered(lambda basis: basis.answer in (*fold.NEGATIVE_STATES, "expired"))
        waiting = bases - allowed - denied - vetoed
        parts = []
        if allowed:
            text = self.env._("You may: %s", " · ".join(basis._sentence() for basis in allowed))
            parts.append({"kind": "allow", "text": text})
        if denied:
            text = self.env._("You may not: %s", " · ".join(basis._sentence() for basis in denied))
            parts.append({"kind": "deny", "text": text})
        if vetoed:
            names = " · ".join(basis.purpose_id.display_name for basis in vetoed)
            text = self.env._("You may not: %s: another contact with the same address said no", names)
            parts.append({"kind": "deny", "text": text})
        if waiting:
            parts.append({"kind": "note", "text": " · ".join(basis._sentence() for basis in waiting)})
        if not bases:
            text = self.env._(
                "Nothing recorded: no advertising. Answering and doing what was ordered is always possible."
            )
            parts.append({"kind": "note", "text": text})
        return parts

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
        self._consent_check_reader()
        if at is None:
            return bool(self._may_process(purpose, channel))
        return self._consent_allowed_at(purpose, channel, self._consent_moment(at))

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
        """Those of the contacts for whom the purpose and channel are allowed now; nobody who is archived."""
        if not self.ids:
            return self
        domain = self._may_process_domain(purpose, channel) & Domain("active", "=", True)
        return (
            self.sudo().with_context(active_test=False).search(Domain("id", "in", self.ids) & domain).with_env(self.env)
        )

    @api.model
    def _may_process_domain(self, purpose, channel):
        """The domain of contacts for whom purpose and channel are allowed now; nobody by default."""
        record = self.env["consent.purpose"].sudo().search([("code", "=", purpose), ("state", "=", "active")], limit=1)
        if not record or channel not in record._channels():
            return Domain.FALSE
        self.env.flush_all()
        if record.lawful_basis in WITHOUT_EVENT:
            return Domain.TRUE
        if record.lawful_basis == "contract":
            return Domain("id", "in", self._consent_contract_partner_ids(record))
        return Domain("id", "in", self._consent_gate_sql(record, channel))

    @api.model
    def _consent_contract_partner_ids(self, purpose):
        """Ids (or a query of ids) of contacts with a running contract for the purpose; glue add-ons know them."""
        return []

    def _consent_gate_sql(self, purpose, channel):
        """Contacts with an active answer for their present address and no veto on that address."""
        return SQL(
            """(SELECT p.id
                  FROM consent_basis b
                  JOIN consent_subject s ON s.id = b.subject_id
                  JOIN res_partner p ON p.id = s.partner_id
                 WHERE b.purpose_id = %(purpose)s AND b.channel = %(channel)s AND b.company_id = %(company)s
                   AND b.state = 'active' AND (b.until IS NULL OR b.until >= %(today)s)
                   AND b.address = %(address)s
                   AND NOT EXISTS (
                       SELECT FROM consent_basis v
                        WHERE v.purpose_id = b.purpose_id AND v.channel = b.channel AND v.company_id = b.company_id
                          AND v.address = b.address AND v.state IN ('refused', 'withdrawn', 'objected')))""",
            purpose=purpose.id,
            channel=channel,
            company=self.env.company.id,
            today=fields.Date.today(),
            address=self._consent_address_sql(channel),
        )

    @staticmethod
    def _consent_address_sql(channel):
        """The normalised address of contact ``p`` for a channel. Post: its lines in lower case, in one text."""
        match channel:
            case "email":
                return SQL("p.email_normalized")
            case "post":
                return SQL("NULLIF(lower(concat_ws(', ', p.street, p.street2, p.zip, p.city)), '')")
        return SQL("p.phone_sanitized")

    def _consent_addresses(self, channel):
        """The normalised addresses: contact id → text or nothing."""
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL("SELECT p.id, %s FROM res_partner p WHERE p.id = ANY(%s)", self._consent_address_sql(channel), self.ids)
        )
        return dict(rows)

    def _consent_allowed_at(self, purpose, channel, at):
        """The answer at a moment in the past, folded from the events known up to then."""
        record = self.env["consent.purpose"].sudo().search([("code", "=", purpose)], limit=1)
        address = self._consent_addresses(channel).get(self.id)
        if not record or not address:
            return False
        if record.lawful_basis in WITHOUT_EVENT:
            return True
        events = (
            self.env["consent.event"]
            .sudo()
            .search(
                [
                    ("purpose_id", "=", record.id),
                    ("channel", "=", channel),
                    ("address", "=", address),
                    ("company_id", "=", self.env.company.id),
                    ("at", "<=", at),
                ]
            )
        )
        by_subject = {}
        for event in events:
            line = fold.Event(event.kind, event.source, event.at, event.id, event.until or None)
            by_subject.setdefault(event.subject_id, []).append(line)
        answers = {subject: fold.fold(lines).state_on(at.date()) for subject, lines in by_subject.items()}
        if any(answer in fold.NEGATIVE_STATES for answer in answers.values()):
            return False
        return any(answer == "active" for subject, answer in answers.items() if subject.partner_id == self)

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

    consent_source_ids = fields.One2many(
        "consent.source", "partner_id", "Sources", groups="client_consent.group_consent_user"
    )
    consent_sources = fields.Char(
        "Data come from", compute="_compute_consent_intake", groups="client_consent.group_consent_user"
    )
    consent_quarantined = fields.Boolean(
        "Quarantined",
        compute="_compute_consent_intake",
        search="_search_consent_quarantined",
        groups="client_consent.group_consent_user",
        help="All we have is bought, public, recommended or enriched data: no advertising before the person answers.",
    )
    consent_address_changed = fields.Boolean(
        "New address without consent",
        compute="_compute_consent_intake",
        search="_search_consent_address_changed",
        groups="client_consent.group_consent_user",
        help="The person agreed for an earlier address; somebody decides what becomes of it.",
    )

    @api.depends_context("lang", "company")
    def _compute_consent_intake(self):
        """All three by one query: every contact that is opened asks them."""
        rows = {}
        if self.ids:
            for name in ("consent.source", "consent.address.change", "consent.subject"):
                self.env[name].flush_model()
            self.flush_recordset()
            rows = {
                id_: values
                for id_, *values in self.env.execute_query(
                    SQL(
                        """SELECT p.id, p.id IN %s, p.id IN %s,
                                  (SELECT array_agg(s.id ORDER BY s.obtained_on, s.id) FROM consent_source s
                                    WHERE s.partner_id = p.id AND s.company_id = %s)
                             FROM res_partner p WHERE p.id = ANY(%s)""",
                        self._consent_quarantined_sql(self.ids),
                        self._consent_address_changed_sql(self.ids),
                        self.env.company.id,
                        self.ids,
                    )
                )
            }
        for partner in self:
            quarantined, changed, sources = rows.get(partner.id, (False, False, None))
            partner.consent_quarantined = quarantined
            partner.consent_address_changed = changed
            # the field asks for the group that reads sources
            sources = self.env["consent.source"].sudo().browse(sources or ())
            partner.consent_sources = " · ".join(source._sentence() for source in sources) or False

    def _search_consent_quarantined(self, operator, value):
        return self._search_by_sql(operator, value, self._consent_quarantined_sql())

    def _search_consent_address_changed(self, operator, value):
        return self._search_by_sql(operator, value, self._consent_address_changed_sql())

    def _search_by_sql(self, operator, value, sql):
        if operator != "in":
            return NotImplemented
        self.env.flush_all()
        return Domain("id", "in" if True in value else "not in", sql)

    def _consent_quarantined_sql(self, ids=None):
        """Contacts whose data came from elsewhere only, and who did not answer themselves; per company."""
        only = SQL("AND partner_id = ANY(%s)", ids) if ids is not None else SQL()
        return SQL(
            """(SELECT s.partner_id
                  FROM (SELECT partner_id FROM consent_source
                         WHERE company_id = %(company)s AND kind = ANY(%(foreign)s) %(only)s
                         UNION
                        SELECT u.partner_id FROM consent_basis b JOIN consent_subject u ON u.id = b.subject_id
                         WHERE b.company_id = %(company)s AND b.source = ANY(%(foreign)s) %(only)s) AS s
                 WHERE s.partner_id IS NOT NULL
                   AND NOT EXISTS (SELECT FROM consent_source o WHERE o.partner_id = s.partner_id
                                      AND o.company_id = %(company)s AND o.kind = ANY(%(own)s))
                   AND NOT EXISTS (SELECT FROM consent_basis b JOIN consent_subject u ON u.id = b.subject_id
                                    WHERE u.partner_id = s.partner_id AND b.company_id = %(company)s
                                      AND b.voice = 2))""",
            company=self.env.company.id,
            only=only,
            foreign=list(fold.QUARANTINED_SOURCES),
            own=list(fold.OWN_SOURCES),
        )

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

    def write(self, vals):
        result = super().write(vals)
        if CONSENT_ADDRESS_FIELDS & vals.keys():
            self.env["consent.address.change"]._open_for(self)
        return result

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

    def _consent_carry_denials(self, event_ids):
        """Let what was turned down for another address of this person count for the present one too."""
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
                    "at": fields.Datetime.now(),
                    "detail": {"carried_from": self.env["consent.address.change"]._digest(event.address)},
                }
                for (purpose, channel, company), event in denied.items()
                if addresses[channel] and (purpose, channel, company, addresses[channel]) not in standing
            ]
        )
