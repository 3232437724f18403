from collections import defaultdict

from dateutil.relativedelta import relativedelta
from markupsafe import Markup
from odoo import api, fields, models
from odoo.tools import SQL, format_date

KINDS = [
    ("renewal", "Task: it ends soon"),
    ("renewal_mail", "Mail: it ends soon"),
    ("of_age", "Task: the child decides alone"),
]


class ConsentReminder(models.Model):
    """That somebody was reminded about a consent, so that nobody is reminded twice.

    Each row belongs to the event that gave the consent: a renewed consent has a new event and is reminded of
    anew. The unique key makes a job that runs twice, or on two hosts at once, harmless.
    """

    _name = "consent.reminder"
    _description = "Reminder about a Consent"
    _log_access = False

    kind = fields.Selection(KINDS, required=True, readonly=True)
    subject_id = fields.Many2one("consent.subject", required=True, readonly=True, index=True, ondelete="cascade")
    event_ref = fields.Integer("Event", required=True, readonly=True)
    done_at = fields.Datetime(readonly=True)

    _once = models.Constraint("unique(kind, event_ref)", "Nobody is reminded of one consent twice.")
    _to_do = models.Index("(kind, event_ref) WHERE done_at IS NULL")

    # -- what ends soon ------------------------------------------------------------------------------

    def _ending_sql(self, partners=None, of_age=False, companies=None):
        """Consents that end within their purpose's time for renewal and can still be used.

        What would not reach the person any more is left to end: another address by now, or a no to this
        address on any record. A sealed contact has no address, so it is not here either.

        :param companies: only what was given to these
        :param of_age: also those that a guardian gave for somebody who decides alone by now
        """
        return SQL(
            """SELECT b.subject_id, b.event_ref, s.partner_id
                 FROM consent_basis b
                 JOIN consent_purpose c ON c.id = b.purpose_id
                 JOIN consent_subject s ON s.id = b.subject_id
                 JOIN res_partner p ON p.id = s.partner_id
                WHERE b.state = 'active' AND c.state = 'active' AND c.lawful_basis = 'consent' AND p.active
                  AND b.until >= %(today)s
                  AND (c.renewal_days > 0 AND b.until <= %(today)s + c.renewal_days OR %(of_age)s)
                  AND b.address = %(address)s
                  AND NOT EXISTS (
                      SELECT FROM consent_basis v
                       WHERE v.purpose_id = b.purpose_id AND v.channel = b.channel AND v.company_id = b.company_id
                         AND v.address = b.address AND v.state IN ('refused', 'withdrawn', 'objected'))
                  %(only)s""",
            today=SQL("%s::date", fields.Date.today()),
            address=self.env["consent.gate"]._present_address_sql("p"),
            of_age=SQL(
                """EXISTS (SELECT FROM consent_reminder r
                            WHERE r.kind = 'of_age' AND r.event_ref = b.event_ref AND r.done_at IS NOT NULL)"""
            )
            if of_age
            else SQL("FALSE"),
            only=SQL(
                "%s %s",
                SQL("AND p.id = ANY(%s)", partners.ids) if partners is not None else SQL(),
                SQL("AND b.company_id = ANY(%s)", companies.ids) if companies is not None else SQL(),
            ),
        )

    def _take(self, kind, partners=None, companies=None):
        """Mark as reminded what ends soon and was not yet; with one statement, safe to repeat.

        :return: the events that gave it
        """
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL(
                """INSERT INTO consent_reminder (kind, subject_id, event_ref, done_at)
                   SELECT %s, subject_id, event_ref, %s FROM (%s) ending
                   ON CONFLICT (kind, event_ref) DO NOTHING
                   RETURNING event_ref""",
                kind,
                fields.Datetime.now(),
                self._ending_sql(partners, kind == "renewal_mail", companies),
            )
        )
        # who may ask a person reads what is asked
        return self.env["consent.event"].sudo().browse(id_ for (id_,) in rows)

    @api.model
    def _cron_renewal(self):
        """Give every person whose consent ends soon to one colleague, once."""
        events = self._take("renewal")
        self._make_tasks("client_consent.activity_renewal", events)

    def _renewal_note(self, partner, events):
        lang = self.env.lang
        lines = [
            Markup("<li>{}</li>").format(
                self.env._(
                    "%(purpose)s until %(until)s",
                    purpose=purpose.with_context(lang=lang).display_name,
                    until=format_date(self.env, min(event.until for event in of_purpose), date_format="d MMM y"),
                )
            )
            for purpose, of_purpose in events.grouped("purpose_id").items()
        ]
        return Markup(
            "<p>{text}</p><ul>{lines}</ul>"
            '<p><a class="btn btn-primary" href="/privacy/task/{id}/renew">{renew}</a> '
            '<a class="btn btn-secondary" href="/privacy/task/{id}/erase">{erase}</a></p>'
        ).format(
            text=self.env._("The consent ends. Ask whether it may go on, or erase what is no longer needed:"),
            lines=Markup().join(lines),
            id=partner.id,
            renew=self.env._("Renew"),
            erase=self.env._("Erase"),
        )

    # -- the child decides alone ---------------------------------------------------------------------

    @api.model
    def _of_age_later(self, events):
        """Remember that a guardian answered for these: on the day the child decides alone somebody is told."""
        # the guardian who answered has no login
        self.sudo().create(
            [{"kind": "of_age", "subject_id": event.subject_id.id, "event_ref": event.id} for event in events]
        )

    @api.model
    def _cron_of_age(self):
        """Tell one colleague on the day a child decides alone. The guardian's consent stays valid until then and after.

        It was lawfully given and the child may change it at any time (EDPB guidelines 05/2020, no. 149); but from
        this day on only the child can, so the child is asked.
        """
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL(
                """SELECT r.id, r.event_ref, p.consent_birthdate, p.country_id, b.purpose_id
                     FROM consent_reminder r
                     JOIN consent_basis b ON b.event_ref = r.event_ref AND b.subject_id = r.subject_id
                     JOIN consent_subject s ON s.id = r.subject_id
                     JOIN res_partner p ON p.id = s.partner_id
                    WHERE r.kind = 'of_age' AND r.done_at IS NULL AND b.state = 'active' AND b.until >= %(today)s
                      AND p.active AND p.consent_birthdate <= %(today)s - interval '1 year'""",
                today=SQL("%s::date", fields.Date.today()),
            )
        )
        today, limits = fields.Date.today(), {}
        recording, due = self.env["consent.recording"], []
        for id_, event_id, born, country_id, purpose_id in rows:
            if (country_id, purpose_id) not in limits:
                purpose = self.env["consent.purpose"].browse(purpose_id)
                someone = self.env["res.partner"].new({"country_id": country_id})
                limits[country_id, purpose_id] = recording._age_limit(someone, purpose, today)
            if born + relativedelta(years=limits[country_id, purpose_id]) <= today:
                due.append((id_, event_id))
        self.browse(id_ for id_, _event_id in due).write({"done_at": fields.Datetime.now()})
        events = self.env["consent.event"].browse(event_id for _id, event_id in due)
        self._make_tasks("client_consent.activity_of_age", events)

    def _of_age_note(self, partner):
        return Markup(
            '<p>{text}</p><p><a class="btn btn-primary" href="/privacy/task/{id}/renew">{ask}</a></p>'
        ).format(
            text=self.env._(
                "From today this person decides alone. The guardian's consent stays valid until they decide: ask them."
            ),
            id=partner.id,
            ask=self.env._("Ask"),
        )

    # -- tasks ---------------------------------------------------------------------------------------

    def _make_tasks(self, type_xmlid, events):
        """One activity per contact for its responsible colleague, in that colleague's language."""
        today = fields.Date.today()
        by_partner = events.grouped(lambda event: event.subject_id.partner_id)
        if not by_partner:
            return
        partners = self.env["res.partner"].concat(*by_partner)
        activity_type = self.env.ref(type_xmlid)
        responsible = self._get_responsible(by_partner)
        open_ones = (
            self.env["mail.activity"]
            .search([("activity_type_id", "=", activity_type.id), ("res_id", "in", partners.ids)])
            .grouped("res_id")
        )
        ends = type_xmlid == "client_consent.activity_renewal"
        values = []
        for partner, of_partner in by_partner.items():
            if partner.id in open_ones:
                continue
            user = responsible[partner]
            reads = self.with_context(lang=user.lang)
            values.append(
                {
                    "activity_type_id": activity_type.id,
                    "res_model_id": self.env["ir.model"]._get_id("res.partner"),
                    "res_id": partner.id,
                    "user_id": user.id,
                    "date_deadline": min(event.until for event in of_partner) if ends else today,
                    "summary": activity_type.with_context(lang=user.lang).summary,
                    "note": reads._renewal_note(partner, of_partner) if ends else reads._of_age_note(partner),
                    "automated": True,
                }
            )
        self.env["mail.activity"].with_context(mail_activity_quick_update=True).create(values)

    def _get_responsible(self, by_partner):
        """Who is told about each contact: the salesperson, else the team leader, else who answers for privacy.

        Whoever left the company, or does not work for the one the consent was given to, is passed over.

        :param by_partner: contact → events
        """
        leader, fallback = {}, {}
        found = {}
        for partner, events in by_partner.items():
            company = events.company_id[:1]
            user = partner.user_id
            if not self._may_be_told(user, company):
                if (user, company) not in leader:
                    leader[user, company] = self._get_team_leader(user, company)
                user = leader[user, company]
            if not self._may_be_told(user, company):
                if company not in fallback:
                    fallback[company] = self._get_privacy_user(company)
                user = fallback[company]
            found[partner] = user
        return found

    def _may_be_told(self, user, company):
        return bool(user and user.active and not user.share and company in user.company_ids)

    def _get_team_leader(self, user, company):
        """The leader of the salesperson's team, else of the company's first team; nobody without sales teams."""
        if "crm.team" not in self.env:
            return self.env["res.users"]
        if user.sale_team_id.user_id and user.sale_team_id.user_id != user:
            return user.sale_team_id.user_id
        teams = self.env["crm.team"].search([("company_id", "in", (False, company.id)), ("user_id", "!=", False)])
        return teams.filtered(lambda team: self._may_be_told(team.user_id, company))[:1].user_id

    def _get_privacy_user(self, company):
        """The first consent manager of the company, else the administrator."""
        managers = self.env.ref("client_consent.group_consent_manager").all_user_ids.filtered(
            lambda user: self._may_be_told(user, company)
        )
        people = managers - self.env.ref("base.user_admin") or managers
        return people.sorted("id")[:1] or self.env.ref("base.user_admin")

    @api.model
    def _settle(self, partners):
        """Take away the tasks of people about whom nothing ends soon any more: they answered."""
        if not partners.ids:
            return
        types = [self.env.ref(f"client_consent.activity_{name}").id for name in ("renewal", "of_age")]
        # a colleague's task disappears whoever recorded the answer
        tasks = (
            self.env["mail.activity"]
            .sudo()
            .search(
                [
                    ("activity_type_id", "in", types),
                    ("res_model", "=", "res.partner"),
                    ("res_id", "in", partners.ids),
                ]
            )
        )
        if not tasks:
            return
        self.env.flush_all()
        still = defaultdict(bool)
        for _subject, _event, partner_id in self.env.execute_query(self._ending_sql(partners, of_age=True)):
            still[partner_id] = True
        tasks.filtered(lambda task: not still[task.res_id]).unlink()
