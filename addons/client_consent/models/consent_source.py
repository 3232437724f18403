from collections import defaultdict
from datetime import timedelta

from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Domain
from odoo.tools import SQL, email_normalize, format_date
from psycopg2 import IntegrityError

from ..tools import fold, informing
from .consent_event import SOURCES

EXCEPTIONS = [
    ("has_it", "The person has the information already, Art. 14(5)(a)"),
    ("impossible", "Impossible, or out of all proportion, Art. 14(5)(b)"),
    ("law", "A law tells us to obtain the data, Art. 14(5)(c)"),
    ("secrecy", "Professional secrecy, Art. 14(5)(d)"),
]
WAYS = [("email", "E-mail"), ("post", "Letter"), ("phone", "Phone"), ("in_person", "In person"), ("page", "Web page")]
FACTS = frozenset({"partner_id", "company_id", "kind", "obtained_on", "seller", "contract", "proof", "url"})
#: What follows from what happened: a contact is deleted on ``lapses_on``, and who was told is told no more.
HAPPENED = frozenset({"referrer_id", "lapses_on", "informed_at", "informed_how", "reminded_at"})
REMIND_DAYS = 7
NOT_INFORMED = Domain("inform_by", "!=", False) & Domain("informed_at", "=", False) & Domain("exception", "=", False)


class ConsentSource(models.Model):
    """Where a person's data came from: one row per contact and source; a merge keeps the rows of both.

    Bought, public, recommended and enriched data did not come from the person. They feed no advertising before
    the person's own answer, and the person is told about them in time (Art. 14).
    """

    _name = "consent.source"
    _description = "Source of a Contact"
    _order = "inform_by, obtained_on desc, id desc"
    _rec_name = "kind"

    partner_id = fields.Many2one("res.partner", "Contact", required=True, index=True, ondelete="cascade")
    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company, ondelete="restrict"
    )
    kind = fields.Selection(SOURCES, "How obtained", required=True)
    obtained_on = fields.Date("Obtained", required=True, default=fields.Date.context_today)
    seller = fields.Char(help="Who sold or supplied the data.")
    contract = fields.Char(help="Number of the contract with the seller.")
    proof = fields.Char(help="What the seller showed: that, when and how this person agreed to the sale.")
    url = fields.Char("Where", help="The page or place where the data were found.")
    note = fields.Char()
    referrer_id = fields.Many2one(
        "consent.subject", "Recommended by (number)", readonly=True, index="btree_not_null", ondelete="set null"
    )
    referrer_partner_id = fields.Many2one(related="referrer_id.partner_id", string="Recommended by")
    lapses_on = fields.Date(
        readonly=True, help="A contact that an invitation made goes on this day, unless the person confirmed."
    )
    first_contact_on = fields.Date("First message", help="When the person was first written to or called.")
    first_disclosure_on = fields.Date("First passed on", help="When the data were first given to somebody else.")
    inform_by = fields.Date(
        "Inform until",
        compute="_compute_inform_by",
        store=True,
        help="Art. 14(3): one month from obtaining, but no later than the first message or passing on.",
    )
    informed_at = fields.Datetime("Informed", readonly=True)
    informed_how = fields.Selection(WAYS, readonly=True)
    exception = fields.Selection(EXCEPTIONS, "Need not be informed")
    exception_reason = fields.Text("Why", help="What makes the exception true for this person.")
    must_inform = fields.Boolean(compute="_compute_must_inform", search="_search_must_inform")
    reminded_at = fields.Datetime(readonly=True)

    _to_inform = models.Index("(inform_by) WHERE inform_by IS NOT NULL AND informed_at IS NULL AND exception IS NULL")
    _to_lapse = models.Index("(lapses_on) WHERE lapses_on IS NOT NULL")

    # -- fields --------------------------------------------------------------------------------------

    @api.depends("kind", "obtained_on", "first_contact_on", "first_disclosure_on")
    def _compute_inform_by(self):
        for source in self:
            foreign = source.kind in fold.QUARANTINED_SOURCES and source.obtained_on
            source.inform_by = foreign and informing.inform_by(
                source.obtained_on, source.first_contact_on or None, source.first_disclosure_on or None
            )

    @api.depends("inform_by", "informed_at", "exception")
    def _compute_must_inform(self):
        for source in self:
            source.must_inform = bool(source.inform_by and not source.informed_at and not source.exception)

    def _search_must_inform(self, operator, value):
        if operator != "in":
            return NotImplemented
        return NOT_INFORMED if True in value else ~NOT_INFORMED

    @api.depends("kind", "seller")
    @api.depends_context("lang")
    def _compute_display_name(self):
        names = dict(self._fields["kind"]._description_selection(self.env))
        for source in self:
            parts = [names.get(source.kind), source.seller]
            source.display_name = ": ".join(part for part in parts if part)

    @api.constrains("kind", "obtained_on", "seller", "contract", "proof", "url")
    def _check_facts(self):
        for source in self:
            if source.obtained_on > fields.Date.context_today(source):
                raise ValidationError(self.env._("Obtained: the day lies in the future."))
            if lacking := informing.missing(source.kind, source):
                names = [self._fields[name]._description_string(self.env) for name in lacking]
                raise ValidationError(
                    self.env._(
                        "%(kind)s: fill in %(fields)s. Without it nobody can show that these data may be kept.",
                        kind=dict(self._fields["kind"]._description_selection(self.env))[source.kind],
                        fields=", ".join(names),
                    )
                )

    @api.constrains("exception", "exception_reason")
    def _check_exception(self):
        if any(source.exception and not source.exception_reason for source in self):
            raise ValidationError(
                self.env._("Write why this person need not be informed: an exception holds for a reason only.")
            )

    @api.model_create_multi
    def create(self, vals_list):
        self._refuse_happened(name for vals in vals_list for name in vals if vals[name])
        # said outright, so that no default of a caller's context says something else
        sources = super().create([{**dict.fromkeys(HAPPENED, False), **vals} for vals in vals_list])
        self.env["consent.gate"]._learn_sources(sources.mapped("kind"))
        return sources

    def write(self, vals):
        self._refuse_happened(vals)
        if FACTS & vals.keys() and not self.env.su:
            self._check_group("client_consent.group_consent_manager")
        result = super().write(vals)
        if "kind" in vals:
            self.env["consent.gate"]._learn_sources([vals["kind"]])
        return result

    def _refuse_happened(self, names):
        if not self.env.su and not HAPPENED.isdisjoint(names):
            raise UserError(
                self.env._(
                    "Who recommended a contact, and when somebody was told, is noted by itself: use the buttons."
                )
            )

    # -- recording -----------------------------------------------------------------------------------

    @api.model
    def _record(self, rows):
        """Note where data came from, each fact once: a second import of the same list adds nothing.

        :param rows: values of this model
        :return: the sources, in the order of the rows, also those known before
        """
        # the caller decided what is recorded; whoever records consents sees the sources of his companies anyway
        model = self.sudo()
        key = ("partner_id", "company_id", "kind", "obtained_on", "seller", "contract", "proof", "url")

        def key_of(read):
            return tuple(fields.Date.to_date(read(name)) if name == "obtained_on" else read(name) or "" for name in key)

        known = {}
        for source in model.search([("partner_id", "in", [row["partner_id"] for row in rows])]):
            known[key_of(lambda name, s=source: s[name].id if name.endswith("_id") else s[name])] = source.id
        new, keys = {}, []
        for row in rows:
            full = {"company_id": self.env.company.id, "obtained_on": fields.Date.context_today(self), **row}
            keys.append(key_of(full.get))
            if keys[-1] not in known:
                new.setdefault(keys[-1], full)
        for place, source in zip(new, model.create(list(new.values())), strict=True):
            known[place] = source.id
        return self.browse(known[place] for place in keys)

    @api.model
    def _record_of_answer(self, partners, kind, day, detail=None, note=None):
        """Note where people come from whose answer was had from elsewhere; what is noted already is enough.

        :param detail: of the answer; may hold seller, contract and proof, url, and the number of the referrer
        :param note: of the answer; stands for the place or the supplier where the detail names none
        :raises UserError: for a bought list whose seller, contract or proof nobody noted
        """
        detail = detail or {}
        values = {name: detail[name] for name in ("seller", "contract", "proof", "url") if detail.get(name)}
        # sudo: sources of the caller's own contacts, and only whether there are some
        known = self.sudo().search(
            [("partner_id", "in", partners.ids), ("company_id", "=", self.env.company.id), ("kind", "=", kind)]
        )
        new = partners if values else partners - known.partner_id.with_env(self.env)
        if not new:
            return
        if kind == "bought" and (lacking := informing.missing(kind, defaultdict(str, values))):
            raise UserError(
                self.env._(
                    "%(count)s contact(s) come from a bought list of which nobody noted %(fields)s. Add the source "
                    "on the contact first (seller, contract and proof), or import the list: each row needs them.",
                    count=len(new),
                    fields=", ".join(self._fields[name]._description_string(self.env) for name in lacking),
                )
            )
        for name in informing.missing(kind, defaultdict(str, values)):
            # the month of Art. 14 runs all the same; the line on the contact says what is to be completed
            values[name] = note or self.env._("not noted")
        if detail.get("referrer"):
            # sudo: the number of a person; whoever records the answer named the referrer
            values["referrer_id"] = self.env["consent.subject"].sudo().search([("uuid", "=", detail["referrer"])]).id
        obtained = min(day, fields.Date.context_today(self))
        self._record([{"partner_id": id_, "kind": kind, "obtained_on": obtained, **values} for id_ in new.ids])

    @api.model
    def _accept_invitation(self, token, name, email, purposes):
        """Keep what a friend filled in on the invitation page; it counts once confirmed by the mail that follows.

        A contact that exists keeps its name and sources: whoever typed the address was not seen.

        :param token: a good invitation, which is used up
        """
        address = email_normalize(email)
        company = purposes.env.company
        Partner = purposes.env["res.partner"].with_context(active_test=False)
        contact = Partner.search(
            [("email_normalized", "=", address), ("company_id", "in", (False, company.id))],
            order="active desc, id",
            limit=1,
        )
        recording = self.env["consent.recording"].sudo().with_company(company)
        now = fields.Datetime.now()
        ends = {purpose: now.date() + timedelta(days=purpose.pending_days) for purpose in purposes}
        if not contact:
            contact = Partner.create({"name": name, "email": address, "lang": self.env.lang})
            self.sudo().create(
                {
                    "partner_id": contact.id,
                    "company_id": company.id,
                    "kind": "referral",
                    "obtained_on": now.date(),
                    "referrer_id": token.subject_id.id,
                    "informed_at": now,
                    "informed_how": "page",
                    "lapses_on": max(ends.values()),
                }
            )
        events = purposes.env["consent.event"]._append(
            [
                {
                    "subject": contact._consent_subject(create=True),
                    "purpose": purpose,
                    "company": company,
                    "notice": self._notice_shown(purpose),
                    "kind": "pending",
                    "source": "web_form",
                    "channel": "email",
                    "address": address,
                    "at": now,
                    "until": ends[purpose],
                    "detail": {
                        # a child who is known confirms nothing alone, by whatever door it comes
                        "waits_for": "guardian"
                        if recording._is_minor(contact, purpose, now.date())
                        else "confirmation",
                        "referrer": token.subject_id.uuid,
                    },
                }
                for purpose in purposes
            ]
        )
        token._use()
        recording._ask_for_what_is_missing(events)

    @api.model
    def _notice_shown(self, purpose):
        """The published text that the invitation page shows for a purpose, in the visitor's language."""
        return purpose._usable_notice(self.env.lang, purpose.env.company)

    # -- telling the person --------------------------------------------------------------------------

    def action_inform(self):
        """Send the person what Art. 14 asks for, and note that it was sent."""
        self._check_group("client_consent.group_consent_user")
        self.check_access("write")
        open_ = self.filtered("must_inform")
        if not open_:
            raise UserError(self.env._("Nobody here is still to be informed."))
        if without := len(open_.partner_id.filtered(lambda partner: not partner.email_normalized)):
            raise UserError(
                self.env._(
                    "%s contact(s) have no e-mail address: inform them by letter or phone, "
                    "then press Informed otherwise.",
                    without,
                )
            )
        template = self.env.ref("client_consent.mail_template_art14")
        for (partner, company), sources in open_.grouped(lambda s: (s.partner_id, s.company_id)).items():
            speaking = sources.with_context(lang=partner.lang or self.env.lang)
            # the template may be read by those who inform; the sources are the caller's own
            template.sudo().with_company(company).with_context(
                consent_sources=[source._sentence() for source in speaking], consent_company=company.sudo()
            ).send_mail(partner.id)
        open_._stamp("email")

    def action_informed_otherwise(self):
        """Note that the person was told by letter, by phone or face to face."""
        self._check_group("client_consent.group_consent_user")
        self.check_access("write")
        self.filtered("must_inform")._stamp(self.env.context.get("consent_informed_how", "post"))

    def _stamp(self, how):
        # both buttons checked the caller
        self.sudo().write({"informed_at": fields.Datetime.now(), "informed_how": how})
        still_open = self.search(NOT_INFORMED & Domain("partner_id", "in", self.partner_id.ids)).partner_id
        (self.partner_id - still_open).activity_unlink(["client_consent.mail_activity_inform"])

    def _sentence(self):
        """One line for the contact and for the person: how, when, from whom, where."""
        self.ensure_one()
        kind = dict(self._fields["kind"]._description_selection(self.env))[self.kind]
        parts = [kind, format_date(self.env, self.obtained_on, date_format="d MMM y"), self.seller, self.url]
        return ", ".join(part for part in parts if part)

    def _responsible(self):
        """Who sees to it: the salesperson, else whoever brought the data in, else a consent manager."""
        self.ensure_one()
        candidates = self.partner_id.user_id | self.partner_id.commercial_partner_id.user_id | self.create_uid
        managers = self.env.ref("client_consent.group_consent_manager").all_user_ids
        for user in candidates | managers.sorted("id"):
            if user.active and user.id != SUPERUSER_ID and user._is_internal() and self.company_id in user.company_ids:
                return user
        return self.env["res.users"]

    # -- jobs ----------------------------------------------------------------------------------------

    @api.model
    def _cron_watch(self):
        """Remind of people to be informed, note first messages, drop what invitations left unanswered."""
        self._note_first_contact()
        self.env["consent.address.change"]._open_for()
        for step in (self._remind, self._drop_unconfirmed):
            while done := step():
                if not self._checkpoint(done):
                    return

    @api.model
    def _checkpoint(self, done):
        """Commit what the job did so far; nothing when its time is over."""
        return self.env["ir.cron"]._commit_progress(done)

    @api.model
    def _note_first_contact(self):
        """A message that left for the person ends the month early, Art. 14(3)(b)."""
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL(
                """SELECT s.id, min(m.date)::date
                     FROM consent_source s
                     JOIN mail_notification n ON n.res_partner_id = s.partner_id AND n.notification_type = 'email'
                     JOIN mail_message m ON m.id = n.mail_message_id AND m.date::date >= s.obtained_on
                    WHERE s.inform_by IS NOT NULL AND s.informed_at IS NULL AND s.exception IS NULL
                      AND s.first_contact_on IS NULL
                 GROUP BY s.id"""
            )
        )
        for id_, day in rows:
            self.browse(id_).first_contact_on = day

    @api.model
    def _remind(self, limit=500):
        """One activity per person, in time before the last day, to the responsible user; how many were looked at."""
        soon = fields.Date.add(fields.Date.today(), days=REMIND_DAYS)
        due = self.search(
            NOT_INFORMED & Domain("inform_by", "<=", soon) & Domain("reminded_at", "=", False),
            limit=limit,
            order="inform_by",
        )
        busy = self.env["mail.activity"].search(
            [
                ("res_model", "=", "res.partner"),
                ("res_id", "in", due.partner_id.ids),
                ("activity_type_id", "=", self.env.ref("client_consent.mail_activity_inform").id),
            ]
        )
        done = set(busy.mapped("res_id"))
        for source in due:
            if source.partner_id.id not in done:
                done.add(source.partner_id.id)
                user = source._responsible()
                source.partner_id.activity_schedule(
                    "client_consent.mail_activity_inform",
                    date_deadline=source.inform_by,
                    user_id=user.id or self.env.uid,
                    summary=self.env._("Tell this person where we have their data from"),
                )
        due.reminded_at = fields.Datetime.now()
        return len(due)

    @api.model
    def _drop_unconfirmed(self, limit=100):
        """Remove contacts that an invitation made and nobody confirmed: the friend never answered; how many ended."""
        ended = self.search([("lapses_on", "<", fields.Date.today())], limit=limit)
        answered = ended.filtered(lambda source: not source.with_company(source.company_id)._made_only_this())
        answered.lapses_on = False
        for source in ended - answered:
            partner = source.partner_id
            subjects = self.env["consent.subject"].search([("partner_id", "=", partner.id)])
            try:
                with self.env.cr.savepoint():
                    self.env["consent.event"]._clear(subjects)
                    subjects.unlink()
                    partner.unlink()
            except (UserError, AccessError, IntegrityError):
                # something else holds the contact by now: it stays, without any ground for advertising
                self.browse(source.id).lapses_on = False
        return len(ended)

    def _made_only_this(self):
        """Whether the contact still is what the invitation made: no other source, no answer of the person."""
        self.ensure_one()
        others = self.search_count([("partner_id", "=", self.partner_id.id), ("id", "!=", self.id)], limit=1)
        answers = self.env["consent.basis"].search_count(
            [("partner_id", "=", self.partner_id.id), ("voice", "=", 2)], limit=1
        )
        return not others and not answers and not self.partner_id.user_ids

    def _check_group(self, group):
        if not self.env.su and not self.env.user.has_group(group):
            raise AccessError(
                self.env._("Only users of Privacy / Consents do this; an administrator can give you the right.")
            )
