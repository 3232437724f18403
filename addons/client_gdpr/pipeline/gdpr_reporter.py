import json
from collections import Counter, defaultdict

from odoo import api, fields, models
from odoo.tools import format_date, format_datetime, html2plaintext

from ..models.gdpr_data_map import PERSON
from ..tools import catalogue, certificate

#: What needs a decision and what stays first, what goes last.
READING_ORDER = ("review", "keep", "seal", "anonymise", "delete")


class GdprReporter(models.AbstractModel):
    """Writes for a human: the answer to an access request, and the certificate of an erasure."""

    _name = "gdpr.reporter"
    _description = "Reporter of the Privacy Pipeline"

    # -- access (Art. 15) ----------------------------------------------------------------------------

    @api.model
    def _answer(self, partner_ids, longest=None):
        """Everything held about one person, by topic, as plain values.

        Art. 15(1): purposes, categories, recipients, periods, rights, sources; (3): the data itself.

        :param longest: how many records a model lists at most; all by default
        :return: ``{"topics": [{code, name, models: [{model, name, count, records: [{label: value}]}]}],
            "why": […], "consents": […], "about": {…}}``
        """
        [(located, _identity)] = self.env["gdpr.finder"]._locate_records([partner_ids])
        declared = self.env["gdpr.data.map"]._declarations()
        topics = defaultdict(list)
        for model in sorted({hit.model for hit in located.hits}):
            ids = located.ids(model, "self", "own")
            columns = self._exported(declared, model)
            if ids and columns:
                topic = Counter(row.topic for row in columns).most_common(1)[0][0] or "technical"
                topics[topic].append(
                    self._describe(model, ids[:longest], [row.field for row in columns]) | {"count": len(ids)}
                )
        partners = self.env[PERSON].browse(located.partner_ids)
        return {
            "topics": [
                {"code": code, "name": self._topic_name(code), "models": topics[code]}
                for code in catalogue.TOPICS
                if topics[code]
            ],
            "consents": [line for partner in partners for line in partner.consent_status()],
            "why": [line | {"words": self._why_words(line)} for line in partners.gdpr_why()],
            "about": self._about(),
        }

    def _exported(self, declared, model):
        """The rows of a model that a person gets to see, as its own add-on declares them and others' after."""
        rows = [
            row
            for row in declared.values()
            if row.model == model and row.export and row.role in ("value", "text", "email")
        ]
        own = f"/{self.env[model]._original_module}.csv"
        return sorted(rows, key=lambda row: not f"/{row.source}".endswith(own))

    def _describe(self, model, ids, names):
        records = self.env[model].sudo().with_context(active_test=False).browse(ids)
        strings = {name: records._fields[name].get_description(self.env, ["string"])["string"] for name in names}
        rows = []
        for record in records:
            values = {strings[name]: self._plain(record, name) for name in names}
            if row := {label: value for label, value in values.items() if value not in (None, "", [])}:
                rows.append(row)
        return {"model": model, "name": self.env[model]._description, "records": rows}

    def _plain(self, record, name):
        """A field's value as a person reads it, safe for JSON."""
        field, value = record._fields[name], record[name]
        if field.relational:
            return value.mapped("display_name") if field.type != "many2one" else (value.display_name or None)
        if field.type in ("date", "datetime"):
            return field.to_string(value) or None
        if field.type == "monetary":
            return f"{value:.2f} {record[field.get_currency_field(record)].name or ''}".strip()
        if field.type == "binary":
            return self.env._("stored") if value else None
        if field.type == "selection":
            return field.convert_to_export(value, record) if value else None
        if field.type in ("many2one_reference", "json", "properties"):
            return json.dumps(value, ensure_ascii=False, default=str) if value else None
        if field.type == "boolean":
            return value
        if field.type == "html":
            return html2plaintext(value).strip() if value else None
        return str(value) if value not in (False, None) else None

    def _topic_name(self, code):
        return {
            "contact": self.env._("Who you are and how we reach you"),
            "consent": self.env._("What you allowed"),
            "sales": self.env._("Enquiries, offers and orders"),
            "accounting": self.env._("Invoices and payments"),
            "messages": self.env._("Messages and files"),
            "calendar": self.env._("Meetings"),
            "marketing": self.env._("Newsletters and campaigns"),
            "website": self.env._("Visits to our website"),
            "privacy": self.env._("Your privacy requests"),
            "technical": self.env._("Technical records"),
        }[code]

    def _about(self):
        """The information of Art. 15(1) that is the same for everybody."""
        company = self.env.company
        country = self.env["consent.country"]._of_company(company)
        return {
            "controller": company.name,
            "contact": company.email or "",
            "authority": country.authority or "",
            "authority_url": country.authority_url or "",
            "rights": self.env._(
                "You may have wrong data corrected, have data deleted or its use restricted, object to a use, "
                "and take your data with you. You may complain to the data protection authority of your country."
            ),
            "automated_decisions": self.env._("No decision about you is taken by a machine alone."),
        }

    @api.model
    def _why_words(self, line):
        """One line of ``gdpr_why`` as a sentence."""
        what = self._ground_words(line["reason"], line["label"])
        if line["until"]:
            until = format_date(self.env, line["until"], date_format="d MMM y")
            return self.env._("%(what)s, until %(until)s (%(law)s)", what=what, until=until, law=line["law"])
        return self.env._("%(what)s (%(law)s)", what=what, law=line["law"])

    @api.model
    def _ground_words(self, code, label):
        """A ground in a layman's words; glue add-ons name theirs."""
        if code == "consent":
            return self.env._("Consent: %s", label)
        return label or code

    # -- certificate ---------------------------------------------------------------------------------

    @api.model
    def _certificate(self, request, case, looked_at):
        """The signed statement of an erasure that left nothing over. It holds codes, counts, laws and dates, and names
        nobody.

        :return: the certificate, ready for ``tools.certificate.verify``
        """
        undecided = sorted(".".join(key) for key in self.env["gdpr.data.map"]._undecided())
        items = [
            {
                "model": ruling.model,
                "field": ruling.field,
                "count": len(ruling.ids),
                "action": self._done(ruling, case.decisions),
                "reason": ruling.reason,
                "law": ruling.law,
                "until": ruling.until.isoformat() if ruling.until else None,
                "fields": list(ruling.fields),
            }
            for ruling in sorted((*case.earlier, *case.rulings), key=lambda r: (READING_ORDER.index(r.action), r.rule))
        ]
        content = {
            "version": 1,
            "kind": "erasure",
            "request": request.name,
            "received": fields.Datetime.to_string(request.received_at),
            "approved": fields.Datetime.to_string(request.approved_at),
            "executed": fields.Datetime.to_string(fields.Datetime.now()),
            "planned_by": request.handler_id.id,
            "approved_by": request.approver_id.id,
            "plan_digest": request.plan_id.digest,
            "items": items,
            "came_later": [{"model": model, "count": count} for model, count in case.later],
            "undecided_fields": undecided,
            "decided_by_dpo": sorted(
                ".".join(key)
                for key, row in self.env["gdpr.data.map"]._declarations().items()
                if row.source == "decision"
            ),
            "verified": {
                **looked_at,
                "leftovers": [],
            },
            "backups_lapse": self._backups_lapse().isoformat(),
        }
        return certificate.sign(content, self.env["consent.key"]._ring().derive("signature-ed25519"))

    @staticmethod
    def _done(ruling, decisions):
        if ruling.action != "review":
            return ruling.action
        return "anonymise" if decisions.get(ruling.rule) == "redact" else "keep"

    def _backups_lapse(self):
        """The day on which the last backup that still holds the data is gone."""
        days = self.env["ir.config_parameter"].sudo().get_param("client_gdpr.backup_days", "90")
        return fields.Date.add(fields.Date.today(), days=int(days))

    @api.model
    def _plan_lines(self, rulings):
        """The rulings as lines to read before anything happens, what needs a decision and what stays first."""
        will = {
            "review": self.env._("Decide"),
            "keep": self.env._("Keep"),
            "seal": self.env._("Seal"),
            "anonymise": self.env._("Take out"),
            "delete": self.env._("Delete"),
        }
        counts = defaultdict(int)
        for ruling in sorted(rulings, key=lambda r: (READING_ORDER.index(r.action), r.model)):
            item = {"model": ruling.model, "action": ruling.action, "reason": ruling.reason, "law": ruling.law}
            words = self._sentence(item | {"until": ruling.until})
            counts[ruling.action, words["what"], words["why"]] += len(ruling.ids)
        return [
            {"action": action, "done": will[action], "what": what, "why": why, "count": count}
            for (action, what, why), count in counts.items()
        ]

    @api.model
    def _answer_page(self, answer):
        """The answer of :meth:`_answer` as a page for the person, in the language of the reader."""
        values = {"answer": answer, "consent_words": self._consent_words, "moment": self._moment, "shown": self._shown}
        return self.env["ir.qweb"]._render("client_gdpr.access_answer", values)

    def _shown(self, value):
        """A plain value on the page: lists with commas, yes and no in words."""
        if isinstance(value, list):
            return ", ".join(map(str, value))
        if isinstance(value, bool):
            return self.env._("yes") if value else self.env._("no")
        return value

    @api.model
    def _moment(self, value):
        """A moment given as UTC text, in the reader's own zone and way of writing."""
        return format_datetime(self.env, value, dt_format="d MMMM y, HH:mm")

    @api.model
    def _consent_words(self, line):
        """One line of ``consent_status`` as the person reads it."""
        basis = self.env["consent.basis"]
        purpose = self.env["consent.purpose"].sudo().search([("code", "=", line["purpose"])], limit=1)

        def label(name, code):
            return dict(basis._fields[name]._description_selection(self.env)).get(code, code)

        return {
            "purpose": purpose.name or line["purpose"],
            "channel": label("channel", line["channel"]),
            "state": label("state", line["state"]),
            "source": label("source", line["source"]),
            "since": format_date(self.env, line["since"][:10], date_format="d MMM y"),
            "until": format_date(self.env, line["until"], date_format="d MMM y") if line["until"] else "",
        }

    @api.model
    def _sentence(self, item):
        """One line of a certificate or plan in words: what, how many, and what becomes of it."""
        what = self._model_words(item["model"], item["reason"])
        done = {
            "delete": self.env._("deleted"),
            "anonymise": self.env._("taken out"),
            "seal": self.env._("sealed"),
            "keep": self.env._("kept"),
            "review": self.env._("to be decided"),
        }[item["action"]]
        until = item.get("until") and format_date(self.env, item["until"], date_format="d MMM y")
        return {"what": what, "done": done, "why": self._reason_words(item["reason"], item.get("law"), until)}

    @api.model
    def _model_words(self, model, reason=""):
        """A model in the words of somebody who never saw a database."""
        if model == PERSON and reason in ("statute", "tax_period_open"):
            return self.env._("name and address")
        if model == PERSON and reason == "beyond_statute":
            return self.env._("e-mail, phone, photo, notes")
        words = {
            PERSON: self.env._("name, address, e-mail, phone, photo, notes"),
            "mail.message": self.env._("messages"),
            "mail.tracking.value": self.env._("recorded changes"),
            "mail.notification": self.env._("notifications"),
            "mail.mail": self.env._("e-mails, sent or waiting"),
            "mail.activity": self.env._("planned activities"),
            "mail.followers": self.env._("subscriptions to documents"),
            "ir.attachment": self.env._("files"),
            "account.move": self.env._("invoices and entries"),
            "account.move.line": self.env._("lines of invoices and entries"),
            "account.payment": self.env._("payments"),
            "crm.lead": self.env._("leads and opportunities"),
            "sale.order": self.env._("quotations and orders"),
            "sale.order.line": self.env._("lines of orders"),
            "mailing.contact": self.env._("mailing list contacts"),
            "mailing.trace": self.env._("records of mailings"),
            "calendar.event": self.env._("meetings"),
            "calendar.attendee": self.env._("invitations to meetings"),
            "res.users": self.env._("login"),
            "res.partner.bank": self.env._("bank accounts"),
        }
        if model in words:
            return words[model]
        return (self.env[model]._description if model in self.env else model).lower()

    @api.model
    def _reason_words(self, reason, law="", until=""):
        """A reason code as a sentence; a code nobody knows is a reason somebody typed."""
        law_until = ", ".join(filter(None, [law, until and self.env._("until %s", until)]))
        words = {
            "no_ground": self.env._("nothing obliges us to keep it"),
            "takes_part": self.env._("belongs to others; only the person is taken out"),
            "mention": self.env._("others wrote about the person; the address or number is taken out"),
            "mention_by_name": self.env._("the name stands in others' words; it may be somebody else's"),
            "undecided": self.env._("nobody has decided yet what this field holds"),
            "confirmed_order": self.env._("confirmed orders stay in the books without the person"),
            "statute": self.env._("the law says to keep it: %s", law_until),
            "beyond_statute": self.env._("the law does not ask for these details"),
            "tax_period_open": self.env._("keep until the tax period is locked, then sealed: %s", law_until),
            "shell": self.env._("records that stay still point here; only a number is left"),
            "suppression": self.env._("stops us from writing to this address again"),
            "accounting_entry": self.env._("part of the books; it follows its document"),
            "term_over": self.env._("the legal term is over"),
            "audit_trail": self.env._("the accounting audit trail protects it: %s", law_until),
        }
        return words.get(reason) or reason
