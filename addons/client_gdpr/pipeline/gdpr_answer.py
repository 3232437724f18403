import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from odoo import api, fields, models
from odoo.tools import SQL, format_date, format_datetime, html2plaintext, split_every

from ..models.gdpr_data_map import PERSON
from ..tools import catalogue, redact, schema
from ..tools.answer import LONGEST_PRINTED, Table
from ..tools.document import Document, Section
from ..tools.identity import Identity
from ..tools.plan import Located
from ..tools.third_parties import Known, Marks, Redactor

#: Records read together: few statements, and a cache that stays small however much there is.
READ_TOGETHER = 200
#: Mark-up longer than this stays as it is stored: taking it apart would need many times its size.
LONGEST_MARKUP = 2_000_000
#: What a page or a printed answer shows of a text; the data files have all of it.
LONGEST_SHOWN = 3000


#: Models of whose records a person sees more than their own: of messages also those that were sent to them.
BONDS_SHOWN = {"mail.message": ("self", "own", "part")}
#: What is shown of the privacy add-ons' own records.
ABOUT = {
    "consent.event": ("at", "kind", "purpose_id", "channel", "address", "source", "until"),
    "gdpr.request": ("name", "kind", "received_at", "source", "state", "note", "deadline", "closing_reason"),
}
#: Names and addresses looked up in one statement.
ASKED_TOGETHER = 20_000
#: Of a long line the person gets so much on each side of a mention: the rest is not about them.
AROUND = 300
#: Cut off with the end of a text: who stands there may be cut in two, and not be recognised.
TORN = 300


@dataclass
class Reading:
    """One person's data on its way into an answer.

    :ivar portable: something of it rests on consent or contract, which Art. 20(1)(a) asks for
    :ivar sealed: (model, id) → row of the vault that holds what sealing took out of a record
    :ivar withheld: what was taken out: (model, id, field, reason, count)
    """

    kind: str
    located: Located
    identity: Identity
    redactor: Redactor
    portable: bool = True
    sealed: dict = field(default_factory=dict)
    withheld: list[tuple[str, int, str, str, int]] = field(default_factory=list)


class GdprReporter(models.AbstractModel):
    """The answer to the person, Art. 15 and 20: as plain values, as a page and as a printed document."""

    _inherit = "gdpr.reporter"

    # -- what is answered ----------------------------------------------------------------------------

    @api.model
    def _answer(self, request, longest=None):
        """Everything held about the person of a request, by topic, as plain values for the page.

        :param longest: how many records a model lists at most; all by default
        :return: what :meth:`_answer_head` says, and ``topics``: ``[{code, name, models: [{model, name, count,
            fields: {name: label}, records: [{id, values: {name: value}}]}]}]``; ``withheld`` and ``gaps``: sentences
        """
        reading = self._reading(request)
        tables = list(self._tables(reading))
        topics = defaultdict(list)
        for table in tables:
            records = list(self._records(reading, table, longest, LONGEST_SHOWN))
            topics[table.topic].append(table.head() | {"records": records})
        return self._answer_head(request, reading, tables) | {
            "topics": [
                {"code": code, "name": self._topic_name(code), "models": topics[code]}
                for code in catalogue.TOPICS
                if topics[code]
            ],
            "withheld": self._withheld_sentences(reading),
            "gaps": self._gaps(request, reading),
        }

    @api.model
    def _reading(self, request, mentions=False):
        """Find the data of a request's person, and prepare to take other people out of it.

        :param mentions: look into the words of others too; every text is read for that
        """
        # sudo: what the company holds about the person, not what the reader's rules show
        finder, ids, choice = self.env["gdpr.finder"].sudo(), request.partner_ids.ids, request._choice()
        vault = self.env["gdpr.vault"].sudo()
        if mentions:
            located, identity = finder._locate(ids, vault._identity(request.partner_ids), choice)
        else:
            located, identity = next(finder._locate_records([ids], [choice]))
            identity = identity | (vault._identity(request.partner_ids) or Identity())
        rows = vault.search([("subject_id.partner_id", "in", list(located.partner_ids))])
        sealed = {(row.model_name, row.res_id): row for row in rows}
        company = request.company_id.sudo()
        redactor = Redactor(
            identity,
            lambda names, addresses: self._known_people(located.partner_ids, names, addresses),
            self._own_contact_points(company),
            company.country_id.code or "CZ",
            Marks(self.env._("[somebody else]"), self.env._("[our staff]")),
            request._taken_out(),
        )
        portable = request.kind != "portability" or self._rests_on_consent_or_contract(located)
        return Reading(request.kind, located, identity, redactor, portable, sealed)

    def _rests_on_consent_or_contract(self, located):
        """Whether a consent is in force, a contract known, or something was asked for, offered or ordered."""
        people = list(located.partner_ids)
        # sudo: the person's own answers
        bases = self.env["consent.basis"].sudo().search([("partner_id", "in", people), ("state", "=", "active")])
        if any(basis.answer == "active" and basis.lawful_basis == "consent" for basis in bases):
            return True
        if any(self.env["consent.gate"].sudo()._contract_lines(people).values()):
            return True
        declared = self.env["gdpr.data.map"]._declarations()
        sales = {row.model for row in declared.values() if row.topic == "sales" and row.bond == "own"}
        return any(hit.model in sales and hit.bond == "own" for hit in located.hits)

    def _answer_head(self, request, reading, tables):
        """What an answer says beside the data itself, see ``tools.schema``; files and notes are the package's."""
        # sudo: what the company holds about the person, not what the reader's rules show
        partners = self.env[PERSON].sudo().with_context(active_test=False).browse(reading.located.partner_ids).exists()
        company = request.company_id
        return {
            "format": schema.FORMAT,
            "version": schema.VERSION,
            "kind": request.kind,
            "request": request.name,
            "received": fields.Datetime.to_string(request.received_at),
            "written": fields.Datetime.to_string(fields.Datetime.now()),
            "language": self.env.lang or "en_US",
            "information": self._information(request, reading, tables),
            "grounds": [line | {"words": self._why_words(line)} for line in partners.gdpr_why()],
            "consents": [line for line in partners.consent_status() if line["company"] == company.id],
        }

    # -- the data ------------------------------------------------------------------------------------

    def _tables(self, reading):
        """The models in which the person's own records stand, with the fields they get to see."""
        if not reading.portable:
            return
        declared = self.env["gdpr.data.map"]._declarations()
        sealed = {model for model, _id in reading.sealed if model in self.env}
        for model in sorted({hit.model for hit in reading.located.hits} | sealed):
            found = reading.located.ids(model, *BONDS_SHOWN.get(model, ("self", "own")))
            ids = sorted({*found, *(id_ for of_model, id_ in reading.sealed if of_model == model)})
            rows = self._exported(declared, model, reading.kind)
            if ids and rows:
                topic = Counter(row.topic for row in rows).most_common(1)[0][0] or "technical"
                yield self._make_table(model, topic, [row.field for row in rows], ids)
        if reading.kind == "access":
            yield from self._tables_about(reading)

    def _tables_about(self, reading):
        """What the privacy add-ons themselves keep of the person: the ledger of consents, and the requests."""
        people = list(reading.located.partner_ids)
        found = {
            # sudo: what the company holds about the person, not what the reader's rules show
            "consent.event": self.env["consent.event"].sudo().search([("subject_id.partner_id", "in", people)]),
            "gdpr.request": self.env["gdpr.request"].sudo().search([("partner_ids", "in", people)]),
        }
        for model, names in ABOUT.items():
            if found[model]:
                topic = "consent" if model == "consent.event" else "privacy"
                yield self._make_table(model, topic, names, found[model].ids)

    def _make_table(self, model, topic, names, ids):
        labels = {name: self._label(model, name) for name in names}
        words = self.env[model]._description if model == PERSON else self._model_words(model)
        return Table(model, f"{words[:1].upper()}{words[1:]}", topic, labels, tuple(ids))

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
        return row.is_portable if kind == "portability" else bool(row.export)

    def _left_out(self, reading, tables):
        """What a portable copy does not hold and why, as sentences, Art. 20(1)."""
        if reading.kind != "portability":
            return []
        if not reading.portable:
            return [
                self.env._(
                    "Nothing can be taken along: no consent is in force, and nothing was asked for or ordered. What we "
                    "hold rests on the law or on our legitimate interest, and this right does not reach it (Art. 20(1) "
                    "GDPR). Ask us to show you the data instead: then you get all of it."
                )
            ]
        declared, packed = self.env["gdpr.data.map"]._declarations(), {table.model for table in tables}
        models = {hit.model for hit in reading.located.hits if hit.bond in ("self", "own")}
        names = [self.env[m]._description for m in models - packed if self._exported(declared, m, "access")]
        if not names:
            return []
        return [
            self.env._(
                "Left out, because this right reaches only what you gave us or what your use of our services left, "
                "by consent or contract (Art. 20(1) GDPR), and not what we drew from it, what others wrote, or what "
                "the law makes us keep: %s. Ask us to show you the data: then you get all of it.",
                ", ".join(sorted(names)),
            )
        ]

    def _label(self, model, name):
        return self.env[model]._fields[name].get_description(self.env, ["string"])["string"]

    def _records(self, reading, table, longest=None, longest_text=None):
        """Yield the records of a table as ``{id, values: {name: value}}``, empty values and other people left out.

        :param longest: how many; all by default
        :param longest_text: how much of a text; all of it by default
        """
        room = longest_text and longest_text + TORN
        for ids in split_every(READ_TOGETHER, table.ids[:longest], list):
            # sudo: what the company holds about the person, not what the reader's rules show
            records = self.env[table.model].sudo().with_context(active_test=False).browse(ids).exists()
            rows = [
                (record.id, self._is_own_words(reading, record), self._values(reading, record, table, room))
                for record in records
            ]
            reading.redactor.learn(text for _id, own, values in rows if not own for text in self._texts(values))
            for id_, own, values in rows:
                shown = values if own else self._without_others(reading, table.model, id_, values)
                if longest_text:
                    torn = {name for name, value in values.items() if isinstance(value, str) and len(value) == room}
                    shown = {name: self._cut(value, longest_text, name in torn) for name, value in shown.items()}
                if shown:
                    yield {"id": id_, "values": shown}
            records.invalidate_recordset()

    def _values(self, reading, record, table, longest):
        record = self._unsealed(reading, record, table.fields)
        values = {name: self._plain(reading, record, name, longest) for name in table.fields}
        return {name: value for name, value in values.items() if value not in (None, "", [])}

    def _unsealed(self, reading, record, names):
        """The record as it was before it was sealed, in memory only: sealing hides from us, not from the person."""
        row = reading.sealed.get((record._name, record.id))
        if not row:
            return record
        held, values = row._open(), {}
        for name in held.keys() & set(names):
            value, field = held[name], record._fields[name]
            if field.translate and isinstance(value, dict):
                value = value.get(self.env.lang) or value.get("en_US")
            values[name] = [fields.Command.set(value)] if field.type == "many2many" else value
        return record.new(values, origin=record)

    def _plain(self, reading, record, name, longest=None):
        """A field's value as a person reads it, safe for JSON."""
        field, value = record._fields[name], record[name]
        if field.relational:
            names = self._names_of(reading, value)
            return names if field.type != "many2one" else (names[0] if names else None)
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
            text = html2plaintext(text, include_references=False).strip()
        return text[:longest]

    def _names_of(self, reading, records):
        """The names of linked records; of other people only what they are."""
        own = reading.located.partner_ids
        if records._name == PERSON:
            return [
                record.display_name if record.id in own or record.is_company else self.env._("[somebody else]")
                for record in records
            ]
        if records._name == "res.users":
            return [
                record.display_name if record.partner_id.id in own else self.env._("[our staff]") for record in records
            ]
        return [name for name in records.mapped("display_name") if name]

    @staticmethod
    def _texts(values):
        for value in values.values():
            if isinstance(value, str):
                yield value
            elif isinstance(value, list):
                yield from value

    # -- other people --------------------------------------------------------------------------------

    def _without_others(self, reading, model, id_, values):
        """The values without other people, Art. 15(4); each place is noted with its reason."""
        shown = {}
        for name, value in values.items():
            texts = [value] if isinstance(value, str) else value if isinstance(value, list) else None
            if texts is None:
                shown[name] = value
                continue
            redacted, reasons = [], Counter()
            for text in texts:
                clean, found = reading.redactor(text)
                redacted.append(clean)
                reasons += found
            shown[name] = redacted if isinstance(value, list) else redacted[0]
            reading.withheld += [(model, id_, name, reason, count) for reason, count in sorted(reasons.items())]
        return shown

    def _is_own_words(self, reading, record):
        """Whether the person wrote it: what they told us about others they know already."""
        return record._name == "mail.message" and record.author_id.id in reading.located.partner_ids

    def _known_people(self, own, names, addresses):
        """Who else bears these names and addresses, of the contacts and the staff; companies are nobody."""
        known_names, known_addresses = {}, {}
        for asked in split_every(ASKED_TOGETHER, sorted(names), list):
            rows = self.env.execute_query(
                SQL(
                    """SELECT p.name, bool_or(u.id IS NOT NULL)
                         FROM res_partner p
                    LEFT JOIN res_users u ON u.partner_id = p.id AND u.share IS NOT TRUE
                        WHERE p.name = ANY(%s) AND p.is_company IS NOT TRUE AND p.id <> ALL(%s)
                     GROUP BY p.name""",
                    asked,
                    list(own),
                )
            )
            known_names |= {name: "staff" if staff else "other" for name, staff in rows}
        for asked in split_every(ASKED_TOGETHER, sorted(addresses), list):
            rows = self.env.execute_query(
                SQL(
                    """SELECT p.email_normalized, bool_or(u.id IS NOT NULL), bool_and(p.is_company IS TRUE)
                         FROM res_partner p
                    LEFT JOIN res_users u ON u.partner_id = p.id AND u.share IS NOT TRUE
                        WHERE p.email_normalized = ANY(%s)
                     GROUP BY p.email_normalized""",
                    asked,
                )
            )
            for address, staff, company in rows:
                known_addresses[address] = "staff" if staff else "keep" if company else "other"
        return Known(known_names, known_addresses)

    def _own_contact_points(self, company):
        """Addresses, numbers and accounts under which the company is reached: they name nobody."""
        partner = company.partner_id
        accounts = partner.bank_ids.mapped("acc_number")
        points = [company.email, company.phone, company.consent_dpo_email, partner.email, partner.phone, *accounts]
        return [point for point in [*points, company.catchall_email, company.bounce_email] if point]

    @api.model
    def _mentions(self, reading):
        """Yield what others wrote about the person: the lines that name them, without other people.

        Only what an address, a number or a code of the person proves: a name alone may be somebody else's.
        """
        sure = redact.pattern(reading.identity.sure)
        for hit in reading.located.hits:
            if hit.bond != "text" or not hit.sure or hit.model not in self.env:
                continue
            seen = set(reading.located.ids(hit.model, *BONDS_SHOWN.get(hit.model, ("self", "own"))))
            ids = [id_ for id_ in hit.ids if id_ not in seen]
            table = Table(hit.model, self.env[hit.model]._description, "messages", {hit.field: ""}, tuple(ids))
            for record in self._records(reading, table):
                lines = str(record["values"].get(hit.field, "")).splitlines()
                if text := "\n".join(around for line in lines if (around := self._around(line, sure))):
                    yield {"model": hit.model, "id": record["id"], "field": hit.field, "text": text}

    @staticmethod
    def _around(line, pattern):
        """What of a line stands around a mention; nothing when there is none."""
        found = pattern.search(line)
        if not found:
            return ""
        start, end = max(found.start() - AROUND, 0), found.end() + AROUND
        return f"{'… ' if start else ''}{line[start:end].strip()}{' …' if end < len(line) else ''}"

    def _withheld_sentences(self, reading):
        """What was taken out, counted by reason, for people."""
        counts = Counter()
        for _model, _id, _name, reason, count in reading.withheld:
            counts[reason] += count
        words = {
            "staff": self.env._("names and addresses of our staff, who acted in their job"),
            "address": self.env._("e-mail addresses of other people"),
            "number": self.env._("phone numbers of other people"),
            "account": self.env._("bank accounts of other people"),
            "name": self.env._("names of other people"),
            "hand": self.env._("what a person of ours recognised as somebody else's"),
        }
        return [f"{words[reason]}: {counts[reason]}" for reason in words if counts[reason]]

    def _cut(self, value, longest, torn=False):
        """The beginning of a text; of one that was cut before, without the end at which somebody may be cut in two."""
        if not isinstance(value, str) or (len(value) <= longest and not torn):
            return value
        end = min(longest, len(value) - TORN) if torn else longest
        return self.env._("%s … (the whole text is in the package)", value[:end])

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
            "events": self.env._("Events, surveys and ratings"),
            "website": self.env._("Visits to our website"),
            "staff": self.env._("Working for us"),
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
            # sudo: the name of a purpose is what the person was told
            purpose = self.env["consent.purpose"].sudo().search([("code", "=", label)], limit=1)
            return self.env._("Consent: %s", purpose.display_name or label)
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
    def _answer_document(self, request, head, tables, withheld):
        """The answer as a document to print, in the language of the environment.

        :param tables: pairs of a table and the records of it that are printed
        """
        company = request.company_id
        return Document(
            self.env._("What we hold about you, and why"),
            company.name,
            (
                company.name,
                self.env._(
                    "Request %(number)s of %(received)s, answered %(written)s. Times below are UTC.",
                    number=head["request"],
                    received=self._moment(head["received"]),
                    written=self._moment(head["written"]),
                ),
            ),
            self._document_sections(head, tables, withheld),
            f"{company.name} · {head['request']}",
        )

    def _document_sections(self, head, tables, withheld):
        if head["grounds"]:
            yield Section(self.env._("Why we hold it"), bullets=tuple(line["words"] for line in head["grounds"]))
        for part in head["information"]:
            yield Section(part["title"], text=part["text"], bullets=tuple(part["items"]))
        if head["consents"]:
            yield Section(self._topic_name("consent"), bullets=tuple(map(self._consent_sentence, head["consents"])))
        if head["notes"]:
            yield Section(self.env._("Good to know"), bullets=tuple(head["notes"]))
        topics = defaultdict(list)
        for table, records in tables:
            topics[table.topic].append(self._table_section(table, records))
        for code in catalogue.TOPICS:
            if topics[code]:
                yield Section(self._topic_name(code))
                yield from topics[code]
        if head["mentions"]:
            yield Section(
                self.env._("What others wrote about you"),
                records=tuple(
                    ((self.env[found["model"]]._description, self._cut(found["text"], LONGEST_SHOWN)),)
                    for found in head["mentions"][:LONGEST_PRINTED]
                ),
            )
        if head["files"]:
            yield Section(self.env._("Files"), bullets=tuple(map(self._file_sentence, head["files"])))
        if withheld:
            yield Section(
                self.env._("What was taken out"),
                text=self.env._("Other people's data is not ours to give away (Art. 15(4) GDPR):"),
                bullets=tuple(withheld),
            )

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

    def _table_section(self, table, records):
        shown = tuple(
            tuple(
                (table.fields[name], self._cut(self._shown(value), LONGEST_SHOWN))
                for name, value in record["values"].items()
            )
            for record in records
        )
        left = len(table.ids) - len(records)
        after = self.env._("%s more stand in the data files.", left) if left > 0 else ""
        return Section(f"{table.name} ({len(table.ids)})", 2, records=shown, after=after)
