import json
from collections import Counter, defaultdict

from odoo import api, fields, models
from odoo.tools import format_date, format_datetime, html2plaintext, split_every

from ..models.gdpr_data_map import PERSON
from ..tools import catalogue, schema
from ..tools.answer import Table
from ..tools.document import Document, Section

#: Records read together: few statements, and a cache that stays small however much there is.
READ_TOGETHER = 200
#: Mark-up longer than this stays as it is stored: taking it apart would need many times its size.
LONGEST_MARKUP = 2_000_000
#: What a page or a printed answer shows of a text; the data files have all of it.
LONGEST_SHOWN = 3000
#: Records of a model in the printed answer.
LONGEST_PRINTED = 300


class GdprReporter(models.AbstractModel):
    """The answer to the person, Art. 15 and 20: as plain values, as a page and as a printed document."""

    _inherit = "gdpr.reporter"

    # -- what is answered ----------------------------------------------------------------------------

    @api.model
    def _answer(self, request, longest=None):
        """Everything held about the person of a request, by topic, as plain values for the page.

        :param longest: how many records a model lists at most; all by default
        :return: what :meth:`_answer_head` says, and ``topics``: ``[{code, name, models: [{model, name, count,
            fields: {name: label}, records: [{id, values: {name: value}}]}]}]``
        """
        located = request._locate_records()
        tables = list(self._tables(located, request.kind))
        topics = defaultdict(list)
        for table in tables:
            topics[table.topic].append(table.head() | {"records": list(self._records(table, longest, LONGEST_SHOWN))})
        return self._answer_head(request, located, tables) | {
            "topics": [
                {"code": code, "name": self._topic_name(code), "models": topics[code]}
                for code in catalogue.TOPICS
                if topics[code]
            ]
        }

    def _answer_head(self, request, located, tables):
        """What an answer says beside the data itself, see ``tools.schema``; files and notes are the package's."""
        # sudo: what the company holds about the person, not what the reader's rules show
        partners = self.env[PERSON].sudo().with_context(active_test=False).browse(located.partner_ids).exists()
        company = request.company_id
        return {
            "format": schema.FORMAT,
            "version": schema.VERSION,
            "kind": request.kind,
            "request": request.name,
            "received": fields.Datetime.to_string(request.received_at),
            "written": fields.Datetime.to_string(fields.Datetime.now()),
            "language": self.env.lang or "en_US",
            "information": self._information(request, located, tables),
            "grounds": [line | {"words": self._why_words(line)} for line in partners.gdpr_why()],
            "consents": [line for line in partners.consent_status() if line["company"] == company.id],
        }

    # -- the data ------------------------------------------------------------------------------------

    def _tables(self, located, kind):
        """The models in which the person's own records stand, with the fields they get to see."""
        declared = self.env["gdpr.data.map"]._declarations()
        for model in sorted({hit.model for hit in located.hits}):
            ids = located.ids(model, "self", "own")
            rows = self._exported(declared, model, kind)
            if ids and rows:
                topic = Counter(row.topic for row in rows).most_common(1)[0][0] or "technical"
                labels = {row.field: self._label(model, row.field) for row in rows}
                yield Table(model, self.env[model]._description, topic, labels, ids)

    def _exported(self, declared, model, kind):
        """The rows of a model that a person gets to see, as its own add-on declares them and others' after."""
        rows = [
            row
            for row in declared.values()
            if row.model == model and row.role in ("value", "text", "email", "phone") and self._is_exported(row, kind)
        ]
        own = f"/{self.env[model]._original_module}.csv"
        return sorted(rows, key=lambda row: not f"/{row.source}".endswith(own))

    @api.model
    def _is_exported(self, row, kind):
        """Whether a field goes into an answer of this kind, as the catalogue says.

        Art. 20 covers what the person gave or what was observed of them, never what was derived from it.
        """
        return row.export == "portability" if kind == "portability" else bool(row.export)

    def _label(self, model, name):
        return self.env[model]._fields[name].get_description(self.env, ["string"])["string"]

    def _records(self, table, longest=None, longest_text=None):
        """Yield the records of a table as ``{id, values: {name: value}}``, empty values left out.

        :param longest: how many; all by default
        :param longest_text: how much of a text; all of it by default
        """
        for ids in split_every(READ_TOGETHER, table.ids[:longest], list):
            # sudo: what the company holds about the person, not what the reader's rules show
            records = self.env[table.model].sudo().with_context(active_test=False).browse(ids).exists()
            for record in records:
                values = {name: self._plain(record, name, longest_text) for name in table.fields}
                kept = {name: value for name, value in values.items() if value not in (None, "", [])}
                if kept:
                    yield {"id": record.id, "values": kept}
            records.invalidate_recordset(flush=False)

    def _plain(self, record, name, longest=None):
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
        if value in (False, None):
            return None
        text = str(value)
        if field.type == "html" and len(text) <= LONGEST_MARKUP:
            text = html2plaintext(text).strip()
        return self._cut(text, longest)

    def _cut(self, text, longest):
        if not longest or len(text) <= longest:
            return text
        return self.env._("%(start)s … (%(count)s characters in all)", start=text[:longest], count=len(text))

    # -- in words ------------------------------------------------------------------------------------

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

    @api.model
    def _consent_words(self, line):
        """One line of ``consent_status`` as the person reads it."""
        basis = self.env["consent.basis"]
        # sudo: the name of a purpose is what the person was told
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
    def _moment(self, value):
        """A moment given as UTC text, in the reader's own zone and way of writing."""
        return format_datetime(self.env, value, dt_format="d MMMM y, HH:mm")

    def _shown(self, value):
        """A plain value on the page: lists with commas, yes and no in words."""
        if isinstance(value, list):
            return ", ".join(map(str, value))
        if isinstance(value, bool):
            return self.env._("yes") if value else self.env._("no")
        return str(value)

    # -- as a page and on paper ----------------------------------------------------------------------

    @api.model
    def _answer_page(self, answer):
        """The answer of :meth:`_answer` as a page for the person, in the language of the reader."""
        values = {"answer": answer, "consent_words": self._consent_words, "moment": self._moment, "shown": self._shown}
        return self.env["ir.qweb"]._render("client_gdpr.access_answer", values)

    @api.model
    def _answer_document(self, request, head, tables):
        """The answer as a document to print, in the language of the environment."""
        company = request.company_id
        return Document(
            self.env._("What we hold about you, and why"),
            company.name,
            (
                company.name,
                self.env._(
                    "Request %(number)s of %(received)s, answered %(written)s (times are UTC)",
                    number=head["request"],
                    received=head["received"],
                    written=head["written"],
                ),
            ),
            self._document_sections(head, tables),
            f"{company.name} · {head['request']}",
        )

    def _document_sections(self, head, tables):
        if head["grounds"]:
            yield Section(self.env._("Why we hold it"), bullets=tuple(line["words"] for line in head["grounds"]))
        for part in head["information"]:
            yield Section(part["title"], text=part["text"], bullets=tuple(part["items"]))
        if head["consents"]:
            yield Section(self._topic_name("consent"), bullets=tuple(map(self._consent_sentence, head["consents"])))
        if head["notes"]:
            yield Section(self.env._("Good to know"), bullets=tuple(head["notes"]))
        topics = defaultdict(list)
        for table in tables:
            topics[table.topic].append(table)
        for code in catalogue.TOPICS:
            if topics[code]:
                yield Section(self._topic_name(code))
            for table in topics[code]:
                yield self._table_section(table)
        if head["files"]:
            yield Section(self.env._("Files"), bullets=tuple(map(self._file_sentence, head["files"])))

    def _consent_sentence(self, line):
        words = self._consent_words(line)
        parts = [
            f"{words['purpose']} ({words['channel']}): {words['state']}",
            line["address"],
            self.env._("since %s", words["since"]),
            words["until"] and self.env._("until %s", words["until"]),
            words["source"],
        ]
        return ", ".join(filter(None, parts))

    def _file_sentence(self, file):
        return " · ".join(filter(None, [file["path"], file["name"], file["of"], file["note"]]))

    def _table_section(self, table):
        records = tuple(
            tuple((table.fields[name], self._shown(value)) for name, value in record["values"].items())
            for record in self._records(table, LONGEST_PRINTED, LONGEST_SHOWN)
        )
        left = len(table.ids) - LONGEST_PRINTED
        after = self.env._("%s more stand in the data files.", left) if left > 0 else ""
        return Section(f"{table.name} ({len(table.ids)})", 2, records=records, after=after)
