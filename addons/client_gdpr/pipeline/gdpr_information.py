from odoo import api, models
from odoo.fields import Domain
from odoo.tools import SQL, format_date

from ..tools import catalogue, countries

#: Who else got the data of one person, where the records say it: model → way to the name, and what for.
RECIPIENT_WAYS = {
    "payment.transaction": "provider_id",
    "account.payment": "journal_id.bank_account_id.bank_id",
    "account.bank.statement.line": "journal_id.bank_account_id.bank_id",
    "sale.order": "carrier_id",
    "stock.picking": "carrier_id",
}


#: Of a kind of data so many are named; the data itself has them all.
MOST_LABELS = 15


class GdprReporter(models.AbstractModel):
    """What a person must be told beside their data, Art. 15(1)(a) to (h) and (2)."""

    _inherit = "gdpr.reporter"  # pylint: disable=consider-merging-classes-inherited

    def _information(self, request, reading, tables):
        """The parts in the order of the law: ``[{code, law, title, text, items}]``; items are sentences."""
        parts = [
            self._about_purposes(request, reading),
            self._about_categories(tables),
            self._about_recipients(request, reading),
            self._about_transfers(request, reading),
            self._about_periods(request, reading),
            self._about_sources(reading),
            self._about_decisions(reading),
            self._about_rights(request),
            self._about_complaint(request),
        ]
        return [part for part in parts if part]

    def _about_purposes(self, request, reading):
        bases = self._basis_names()
        items = []
        for purpose in self._purposes(request.company_id, reading.located.partner_ids):
            law = ", ".join(filter(None, [bases.get(purpose.lawful_basis), purpose.statute]))
            said = ": ".join(filter(None, [purpose.display_name, purpose.description]))
            items.append(f"{said} ({law})")
        return self._part("purposes", "Art. 15(1)(a)", self.env._("What we use your data for"), "", items)

    def _about_categories(self, tables):
        declared, labels = self.env["gdpr.data.map"]._declarations(), {}
        for table in tables:
            for name, label in table.fields.items():
                if row := declared.get((table.model, name)):
                    labels.setdefault(row.category, {}).setdefault(label)
        items = [
            f"{self._category_name(code)}: {', '.join(list(labels[code])[:MOST_LABELS])}"
            for code in catalogue.CATEGORIES
            if code in labels
        ]
        return self._part("categories", "Art. 15(1)(b)", self.env._("What kinds of data we hold"), "", items)

    def _category_name(self, code):
        return {
            "identity": self.env._("Who you are"),
            "contact": self.env._("How we reach you"),
            "preferences": self.env._("What you chose"),
            "transactions": self.env._("What you asked for and bought"),
            "financial": self.env._("Payments"),
            "content": self.env._("What was written and sent"),
            "behaviour": self.env._("What you did"),
            "staff": self.env._("Work for us"),
            "technical": self.env._("Technical traces"),
            "relations": self.env._("Who is connected with you"),
            "location": self.env._("Where you are"),
        }.get(code, code)

    def _about_recipients(self, request, reading):
        items = [recipient._sentence() for recipient in self._general_recipients(request.company_id)]
        items += self._recipients_of_purposes(self._purposes(request.company_id, reading.located.partner_ids))
        items += self._recorded_recipients(reading)
        text = (
            self.env._("Beside our own staff these got data about you:")
            if items
            else self.env._("Beside our own staff nobody is recorded who got data about you.")
        )
        return self._part("recipients", "Art. 15(1)(c)", self.env._("Who got your data"), text, items)

    def _about_transfers(self, request, reading):
        items = [
            recipient._safeguard_sentence()
            for recipient in self._general_recipients(request.company_id)
            if recipient.is_third
        ]
        for purpose in self._purposes(request.company_id, reading.located.partner_ids):
            names = [c.name for c in purpose.recipient_country_ids if countries.is_third(c.code)]
            if names:
                items.append(f"{purpose.display_name}: {', '.join(names)}")
        text = (
            self.env._("Data about you goes, or may go, outside the European Economic Area:")
            if items
            else self.env._("No transfer of your data outside the European Economic Area is recorded.")
        )
        return self._part("transfers", "Art. 15(1)(c), (2)", self.env._("Where it goes"), text, items)

    def _about_periods(self, request, reading):
        items = [
            self.env._(
                "%(purpose)s: an answer of yours counts for %(months)s months at most",
                purpose=purpose.display_name,
                months=purpose.validity_months,
            )
            for purpose in self._purposes(request.company_id, reading.located.partner_ids)
            if purpose.validity_months
        ]
        text = self.env._(
            "While one of the reasons that we give above for holding it lasts, and for what that reason needs; each "
            "says until when. Then it is deleted or made anonymous. Without such a reason you may have it deleted at "
            "any time."
        )
        return self._part("periods", "Art. 15(1)(d)", self.env._("How long we keep it"), text, items)

    def _about_sources(self, reading):
        # sudo: the sources of the person's data are for the person
        sources = self.env["consent.source"].sudo().search([("partner_id", "in", list(reading.located.partner_ids))])
        items = [source._sentence() for source in sources] + self._sources_of_enquiries(reading)
        text = self.env._("You gave us the data yourself, or it came about between you and us.")
        if items:
            text = self.env._("Beside what you gave us yourself, data about you came to us like this:")
        return self._part("sources", "Art. 15(1)(g)", self.env._("Where we have it from"), text, items)

    def _about_decisions(self, reading):
        return self._part(
            "decisions",
            "Art. 15(1)(h)",
            self.env._("Decisions by machines"),
            self.env._("No decision about you is taken by a machine alone."),
            self._get_profiling(reading),
        )

    def _about_rights(self, request):
        company = request.company_id
        return self._part(
            "rights",
            "Art. 15(1)(e)",
            self.env._("Your rights"),
            self.env._(
                "You may have wrong data corrected, have data deleted or its use restricted, object to a use, "
                "and take your data with you. Write to us; it costs nothing."
            ),
            filter(None, [company.name, company.consent_dpo_email or company.email]),
        )

    def _about_complaint(self, request):
        law = self.env["consent.country"]._of_company(request.company_id)
        text = self.env._("You may complain to the data protection authority of your country.")
        return self._part(
            "complaint",
            "Art. 15(1)(f)",
            self.env._("Where you can complain"),
            text,
            filter(None, [law.authority, law.authority_url]),
        )

    # -- what the database knows ---------------------------------------------------------------------

    @api.model
    def _recipients_hint(self, partner):
        """Who gets this person's data by the list and by the purposes it serves, for whoever tells them of a change."""
        company = partner.company_id or self.env.company
        named = [recipient._sentence() for recipient in self._general_recipients(company)]
        return "; ".join([*named, *self._recipients_of_purposes(self._purposes(company, partner.ids))])

    def _recipients_of_purposes(self, purposes):
        return [f"{purpose.display_name}: {purpose.recipients}" for purpose in purposes if purpose.recipients]

    def _purposes(self, company, partner_ids):
        """Purposes for which these contacts' data is used: those that they answered, and those that ask nobody."""
        # sudo: the purposes of the person's company are what the person was told
        bases, purposes = self.env["consent.basis"].sudo(), self.env["consent.purpose"].sudo()
        answered = bases.search([("partner_id", "in", list(partner_ids)), ("company_id", "=", company.id)])
        of_company = Domain("company_id", "in", [company.id, False]) & Domain("state", "=", "active")
        unasked = Domain("lawful_basis", "in", ("contract", "legal_obligation", "vital", "public_task"))
        return answered.purpose_id | purposes.search(of_company & unasked)

    def _basis_names(self):
        return dict(self.env["consent.purpose"]._fields["lawful_basis"]._description_selection(self.env))

    def _general_recipients(self, company):
        # sudo: the list is for every person who asks
        return self.env["gdpr.recipient"].sudo().search([("company_id", "in", [company.id, False])])

    def _recorded_recipients(self, reading):
        """Names of those who got data of this person, as their records say."""
        names = {}
        for model, way in RECIPIENT_WAYS.items():
            ids = reading.located.ids(model, "self", "own")
            if not ids or way.split(".")[0] not in self.env[model]._fields:
                continue
            # sudo: what the company gave away about the person, not what the reader's rules show
            for name in self.env[model].sudo().browse(ids).exists().mapped(f"{way}.display_name"):
                names.setdefault(name, self.env[model]._description)
        # sudo: to whom a correction was told, Art. 19; the person may ask who they are
        requests = self.env["gdpr.request"].sudo().search([("partner_ids", "in", list(reading.located.partner_ids))])
        for partner in requests.recipient_ids - requests.partner_ids:
            names.setdefault(partner.commercial_partner_id.name, self.env._("told of a correction"))
        items = [f"{name} ({what})" for name, what in sorted(names.items()) if name]
        return items + [self.env._("%s (messages about you)", name) for name in self._addressees(reading)]

    def _addressees(self, reading):
        """Who outside the company was sent messages that are about the person."""
        ids = reading.located.ids("mail.message", "own")
        rows = self.env.execute_query(
            SQL(
                """SELECT DISTINCT coalesce(c.name, p.name, n.mail_email_address)
                     FROM mail_notification n
                LEFT JOIN res_partner p ON p.id = n.res_partner_id
                LEFT JOIN res_partner c ON c.id = p.commercial_partner_id AND c.is_company
                    WHERE n.mail_message_id = ANY(%s)
                      AND coalesce(p.id <> ALL(%s), TRUE)
                      AND NOT EXISTS (SELECT FROM res_users u WHERE u.partner_id = p.id AND u.share IS NOT TRUE)
                      AND coalesce(c.name, p.name, n.mail_email_address) IS NOT NULL
                 ORDER BY 1""",
                list(ids),
                list(reading.located.partner_ids),
            )
        )
        own = reading.identity.emails | reading.identity.shared
        return [name for (name,) in rows if name.lower() not in own]

    def _sources_of_enquiries(self, reading):
        ids = reading.located.ids("crm.lead", "own")
        if not ids:
            return []
        # sudo: where an enquiry of the person came from is for the person
        leads = self.env["crm.lead"].sudo().with_context(active_test=False).browse(ids).exists()
        return [
            self.env._(
                "Enquiry of %(day)s: %(source)s",
                day=format_date(self.env, lead.create_date, date_format="d MMM y"),
                source=", ".join(filter(None, [lead.source_id.name, lead.campaign_id.name])),
            )
            for lead in leads
            if lead.source_id or lead.campaign_id
        ]

    def _get_profiling(self, reading):
        """What is computed about the person, its logic and effect, Art. 4(4), 15(1)(h), as sentences."""
        if reading.located.ids("crm.lead", "own"):
            return [
                self.env._(
                    "For an enquiry the chance of a sale is estimated from earlier enquiries with the same country, "
                    "language, source and tags. It orders the work of our salespeople and has no other effect."
                )
            ]
        return []

    def _gaps(self, request, reading):
        """What the answer lacks, for the handler: sentences that say what to do; the person does not see them."""
        gaps = []
        company, law = request.company_id, self.env["consent.country"]._of_company(request.company_id)
        recipients = self._general_recipients(company)
        purposes = self._purposes(company, reading.located.partner_ids)
        if not (company.consent_dpo_email or company.email):
            gaps.append(self.env._("Where people can write to: enter it under Settings › Privacy."))
        if not law.authority:
            gaps.append(self.env._("The authority for complaints: set the company's country and look under Law."))
        if not purposes:
            gaps.append(self.env._("No purpose is in use, so the answer cannot say what the data is used for."))
        if not recipients:
            gaps.append(self.env._("Nobody is listed under Recipients: hosting and accountant get data of everybody."))
        covered = recipients.filtered("is_third").country_id
        thirds = purposes.recipient_country_ids.filtered(lambda country: countries.is_third(country.code))
        if thirds - covered:
            gaps.append(
                self.env._(
                    "Data may go to %s, and nothing says what protects it there: list the recipient under Recipients.",
                    ", ".join((thirds - covered).mapped("name")),
                )
            )
        undecided = self.env["gdpr.data.map"]._undecided()
        if open_ := sorted({hit.model for hit in reading.located.hits if (hit.model, hit.field) in undecided}):
            gaps.append(
                self.env._(
                    "Fields nobody has decided on lead to this person (%s): what they hold is not in the answer. "
                    "The data protection officer decides under Data map.",
                    ", ".join(open_),
                )
            )
        return gaps

    @staticmethod
    def _part(code, law, title, text, items=()):
        return {"code": code, "law": law, "title": title, "text": text, "items": list(items)}
