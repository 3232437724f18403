import base64
import csv
import hashlib
import io
from datetime import datetime, time, timedelta

from dateutil.relativedelta import relativedelta
from markupsafe import Markup
from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import SQL, email_normalize

from ..tools import fold, import_rows
from ..tools.errors import UnreadableFile
from .consent_event import CHANNEL_NAMES, SOURCES
from .consent_purpose import BY_EVENT, LAWFUL_BASES, WITHOUT_EVENT

MAX_BYTES = 20 * 1024 * 1024
CHUNK = 1000
PREVIEW = 8
KEEP_DAYS = 7
#: What only the steps of an import set: whoever wrote it could import in another's name, or into another company.
STEPS = frozenset(
    {
        "user_id",
        "company_id",
        "state",
        "digest",
        "row_count",
        "good_count",
        "bad_count",
        "new_count",
        "ground_count",
        "denied_count",
        "no_ground_count",
        "without_contact_count",
        "event_count",
        "known_count",
        "position",
        "done_count",
        "bad_file",
    }
)
#: What may still be chosen once the rows are checked.
CHOSEN_LATE = frozenset({"skip_bad"})
KINDS_OF_YES = {"consent": "given", "legitimate_interest": "informed"}
DELIMITERS = [(";", "Semicolon"), (",", "Comma"), ("tab", "Tab")]
ENCODINGS = [("utf-8", "UTF-8"), ("utf-16", "UTF-16"), ("cp1250", "Windows 1250"), ("cp1252", "Windows 1252")]
DATE_FORMATS = [
    ("%Y-%m-%d", "2026-12-31"),
    ("%d.%m.%Y", "31.12.2026"),
    ("%d/%m/%Y", "31/12/2026"),
    ("%m/%d/%Y", "12/31/2026"),
]


class ConsentImport(models.Model):
    """Brings in what people said before: from a spreadsheet, or from what Odoo keeps already.

    Everything is checked first and nothing is imported while a row is wrong, unless the user takes the good rows and
    gets the bad ones back. Rows go in chunks, each in one transaction with the place reached, so a stopped import
    goes on where it was. An import may lower, never raise: what a person decided is stronger than any file.
    The file stays only until the import ends.
    """

    _name = "consent.import"
    _description = "Import of Consents"
    _order = "id desc"

    name = fields.Char(compute="_compute_name")
    user_id = fields.Many2one("res.users", "Imported by", readonly=True, default=lambda self: self.env.user)
    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, default=lambda self: self.env.company, ondelete="restrict"
    )
    state = fields.Selection(
        [
            ("draft", "Choose"),
            ("checked", "Checked"),
            ("running", "Running"),
            ("done", "Done"),
            ("cancelled", "Cancelled"),
        ],
        required=True,
        readonly=True,
        default="draft",
    )
    origin = fields.Selection("_selection_origin", "From", required=True, default="file")
    file_data = fields.Binary("File", attachment=False)
    file_name = fields.Char(store=False)
    digest = fields.Char("Fingerprint of the file", readonly=True)
    encoding = fields.Selection(ENCODINGS, help="Empty: found by itself. Look at the preview.")
    delimiter = fields.Selection(DELIMITERS, "Columns are cut by", help="Empty: found by itself.")
    date_format = fields.Selection(
        DATE_FORMATS, "Dates look like", help="03.04.2026 is April in Prague and March in Boston: only you know."
    )
    column_ids = fields.One2many("consent.import.column", "import_id", "Columns")
    tick_box = fields.Selection("_selection_tick_box", help="A tick box of the contact form, also one of your own.")
    ticked_means = fields.Selection(
        [("given", "Ticked means yes"), ("withdrawn", "Ticked means no")], "Meaning", default="withdrawn"
    )
    purpose_id = fields.Many2one(
        "consent.purpose",
        "Purpose where none is given",
        domain=[("lawful_basis", "in", BY_EVENT), ("state", "=", "active")],
        ondelete="set null",
    )
    default_channels = fields.Selection(CHANNEL_NAMES, "Channel where none is given")
    default_answer = fields.Selection(
        [("given", "Yes"), ("withdrawn", "No")], "Answer where none is given", help="Empty: no ground."
    )
    default_source = fields.Selection(SOURCES, "How obtained where none is given")
    default_date = fields.Date("Date where none is given")
    default_evidence = fields.Char("Evidence where none is given", help="Where the originals lie.")
    skip_bad = fields.Boolean("Import the good rows, give me the bad ones back")
    row_count = fields.Integer("Rows", readonly=True)
    good_count = fields.Integer("Good", readonly=True)
    bad_count = fields.Integer("Wrong", readonly=True)
    new_count = fields.Integer("New contacts", readonly=True)
    ground_count = fields.Integer("Yes", readonly=True)
    denied_count = fields.Integer("No", readonly=True)
    no_ground_count = fields.Integer("No ground", readonly=True, help="Contacts that may not be sent advertising.")
    without_contact_count = fields.Integer("Without a contact", readonly=True)
    event_count = fields.Integer("Recorded", readonly=True)
    known_count = fields.Integer("Known before", readonly=True)
    position = fields.Integer("Last row done", readonly=True)
    done_count = fields.Integer(readonly=True)
    progress = fields.Integer(compute="_compute_progress")
    preview = fields.Html(compute="_compute_preview", sanitize=False)
    bad_file = fields.Binary("Wrong rows", attachment=False, readonly=True)
    bad_file_name = fields.Char(compute="_compute_name")

    # -- fields --------------------------------------------------------------------------------------

    @api.model
    def _selection_origin(self):
        origins = [
            ("file", self.env._("A spreadsheet (CSV, XLSX)")),
            ("blacklist", self.env._("Odoo's e-mail blacklist")),
            ("phone_blacklist", self.env._("Odoo's phone blacklist")),
            ("field", self.env._("A tick box of the contact")),
        ]
        if "mailing.subscription" in self.env:
            origins.insert(3, ("subscription", self.env._("People who left a mailing list")))
        return origins

    @api.model
    def _selection_tick_box(self):
        """Stored tick boxes of contacts that the user may see."""
        found = self.env["res.partner"].fields_get(attributes=["type", "string", "store"])
        return [
            (name, field["string"])
            for name, field in sorted(found.items())
            if field["type"] == "boolean" and field["store"] and name not in ("active", "is_company")
        ]

    def _compute_name(self):
        for record in self:
            record.name = self.env._("Import %s", record.id or "")
            record.bad_file_name = f"import-{record.id}-wrong-rows.csv"

    @api.depends("done_count", "good_count", "state")
    def _compute_progress(self):
        for record in self:
            done = 100 * record.done_count // record.good_count if record.good_count else 0
            record.progress = 100 if record.state == "done" else done

    @api.depends("file_data", "encoding", "delimiter", "column_ids.target", "origin")
    def _compute_preview(self):
        for record in self:
            record.preview = record._preview_html() if record.origin == "file" and record.file_data else False

    def _preview_html(self):
        try:
            sheet = self._sheet()
        except UserError as error:
            return Markup('<p class="text-danger">{}</p>').format(error.args[0])
        head = Markup().join(Markup("<th>{}</th>").format(cell) for cell in ("", *sheet.header))
        lines = Markup().join(
            Markup("<tr><td>{}</td>{}</tr>").format(
                number, Markup().join(Markup("<td>{}</td>").format(cell) for cell in cells)
            )
            for number, cells in sheet.rows[:PREVIEW]
        )
        found = self.env._("%(rows)s rows, encoding %(encoding)s", rows=len(sheet.rows), encoding=sheet.encoding)
        return Markup(
            '<p class="text-muted">{}</p><div class="table-responsive">'
            '<table class="table table-sm"><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>'
        ).format(found, head, lines)

    # -- only the steps go on ------------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        if any(vals[name] for vals in vals_list for name in STEPS & vals.keys()):
            raise UserError(self._steps_only())
        # said outright, so that no default of a caller's context says something else
        fresh = {**dict.fromkeys(STEPS, False), "state": "draft", "user_id": self.env.uid}
        return super().create([{**vals, **fresh, "company_id": self.env.company.id} for vals in vals_list])

    def write(self, vals):
        if STEPS & vals.keys():
            raise UserError(self._steps_only())
        if vals.keys() - CHOSEN_LATE:
            self._check_draft()
        return super().write(vals)

    def copy_data(self, default=None):
        return [
            {name: value for name, value in vals.items() if name not in STEPS} for vals in super().copy_data(default)
        ]

    def _advance(self, vals):
        """Write what only a step sets."""
        # pylint: disable-next=super-method-mismatch
        return super().write(vals)

    def _check_draft(self):
        """Refuse a change after the check: what is imported is what was checked."""
        if any(record.state != "draft" for record in self):
            raise UserError(self.env._("The rows are checked already. Press Back, change it, and check again."))

    def _steps_only(self):
        return self.env._("How far an import is, and whose it is, is noted by itself: use the buttons.")

    # -- reading -------------------------------------------------------------------------------------

    def _sheet(self):
        """The file as a table.

        :raises UserError: naming the row and what to do
        """
        self.ensure_one()
        data = self._file_bytes()
        if not data:
            raise UserError(self.env._("Choose a file first."))
        if len(data) > MAX_BYTES:
            raise UserError(self.env._("The file has more than %s MB: import it in parts.", MAX_BYTES // (1024 * 1024)))
        central = (self.env.lang or "")[:2] in ("cs", "sk", "pl", "hu", "sl", "hr", "sr", "ro")
        try:
            return import_rows.read(
                data,
                encoding=self.encoding or "",
                delimiter={"tab": "\t"}.get(self.delimiter, self.delimiter or ""),
                central_european=central,
            )
        except UnreadableFile as error:
            raise UserError(self._unreadable(error)) from error

    def _file_bytes(self):
        # forms ask for the size of a file in place of the file
        return base64.b64decode(self.with_context(bin_size=False).file_data or b"")

    def _unreadable(self, error):
        match error.code:
            case "empty":
                return self.env._("The file is empty.")
            case "mixed":
                return self.env._(
                    "Row %s is written in another encoding than the rows before it. Save the file as UTF-8 and "
                    "choose it again.",
                    error.row,
                )
            case "encoding":
                return self.env._(
                    "Row %(row)s cannot be read as %(encoding)s. Choose another encoding, or save the file as UTF-8.",
                    row=error.row,
                    encoding=error.encoding,
                )
            case "quotes":
                return self.env._(
                    "Row %s has a quotation mark that is not closed, or text behind a closed one. Correct it there.",
                    error.row,
                )
            case "too_long":
                return self.env._("The file has more than %s rows: import it in parts.", error.row)
            case "too_large":
                return self.env._("The file unpacks to far more than a list of people: import it in parts.")
            case "old_excel":
                return self.env._("This is the old Excel format: save the file as XLSX or CSV.")
        return self.env._("This is no spreadsheet that can be read: save it as XLSX or CSV.")

    @api.onchange("file_data", "encoding", "delimiter")
    def _onchange_file_data(self):
        """Guess what the columns are; the user corrects it."""
        self.column_ids = [fields.Command.clear()]
        if self.file_data:
            self.column_ids = self._column_commands()

    def _column_commands(self):
        try:
            sheet = self._sheet()
        except UserError:
            return []  # the preview says what is wrong
        return [
            fields.Command.create({"sequence": place, "name": heading, "target": target or False})
            for place, (heading, target) in enumerate(zip(sheet.header, import_rows.guess(sheet.header), strict=True))
        ]

    # -- checking ------------------------------------------------------------------------------------

    def action_check(self):
        """Check every row and count what would happen; nothing is changed."""
        self.ensure_one()
        self._check_caller("draft", "checked")
        rows, problems = self._checked_rows()
        counts = self._counts(rows)
        self._advance(
            {
                "state": "checked",
                "row_count": len(rows) + len({problem.row for problem in problems}),
                "good_count": len(rows),
                "bad_count": len({problem.row for problem in problems}),
                "bad_file": self._bad_rows_csv(problems) if problems else False,
                "digest": hashlib.sha256(self._file_bytes()).hexdigest() if self.origin == "file" else False,
                **counts,
            }
        )

    def _checked_rows(self):
        """The good rows in order and the problems of the others: the same every time for the same file."""
        match self.origin:
            case "file":
                return self._file_rows()
            case "field":
                return self._tick_box_rows(), []
        return self._denial_rows(), []

    def _file_rows(self):
        sheet = self._sheet()
        if not self.column_ids:
            self.column_ids = self._column_commands()
        columns = self.column_ids.sorted("sequence")
        mapping = [column.target or "" for column in columns]
        if len(mapping) != len(sheet.header):
            raise UserError(self.env._("The columns changed since you chose the file: choose it again."))
        twice = {name for name in mapping if name and mapping.count(name) > 1}
        if twice:
            labels = dict(self.env["consent.import.column"]._fields["target"]._description_selection(self.env))
            raise UserError(
                self.env._(
                    "Two columns are said to be %s: keep one.", ", ".join(labels[name] for name in sorted(twice))
                )
            )
        has_dates = {"date", "until"} & set(mapping)
        if has_dates and not self.date_format and sheet.encoding != "xlsx":
            raise UserError(self.env._("Say what the dates look like."))
        words, good, problems = self._vocabulary(), [], []
        for number, values, wrong in import_rows.rows(sheet, mapping, self._defaults()):
            row, found = import_rows.check(
                number,
                values,
                words,
                date_format=self.date_format or "%Y-%m-%d",
                today=fields.Date.context_today(self),
                contract_bases=(*WITHOUT_EVENT, "contract"),
            )
            found = [*wrong, *found, *(self._problems_with_address(row) if row else [])]
            if found:
                problems += found
            else:
                good.append(row)
        sealed = self._sealed(good)
        without = self._without_post([row for row in good if row.number not in sealed])
        problems += [import_rows.Problem(number, "channels", "no_post") for number in sorted(without)]
        problems += [
            import_rows.Problem(row.number, "email" if row.email else "phone", "sealed")
            for row in good
            if row.number in sealed
        ]
        problems.sort(key=lambda problem: problem.row)
        return [row for row in good if row.number not in without | sealed], problems

    def _sealed(self, rows):
        """Numbers of rows about contacts whose data must not be used: a file would bring back what was taken."""
        contacts = self._contacts_of(rows)
        if not contacts:
            return set()
        Partner = self.env["res.partner"]
        refused = Partner._get_consent_writing_refusals(Partner.concat(*contacts.values()))
        return {number for number, contact in contacts.items() if contact.id in refused}

    def _without_post(self, rows):
        """Numbers of rows that allow letters although the contact has no postal address."""
        rows = [row for row in rows if row.answer == "given" and "post" in row.channels]
        contacts = self._contacts_of(rows)
        addresses = self.env["res.partner"].concat(*contacts.values())._consent_addresses("post") if contacts else {}
        return {row.number for row in rows if row.number not in contacts or not addresses.get(contacts[row.number].id)}

    def _problems_with_address(self, row):
        """What only Odoo can tell: whether the address and the number are such."""
        found = []
        if row.phone and not self._phone(row.phone):
            found.append(import_rows.Problem(row.number, "phone", "address"))
        if row.email and not email_normalize(row.email):
            found.append(import_rows.Problem(row.number, "email", "address"))
        return found

    def _defaults(self):
        return {
            "purpose": self.purpose_id.code,
            "channels": self.default_channels,
            "answer": self.default_answer and {"given": "yes", "withdrawn": "no"}[self.default_answer],
            "source": self.default_source,
            "date": self.default_date,
            "evidence": self.default_evidence,
        }

    def _vocabulary(self):
        """The words a file may use: codes and names of purposes, sources, channels, lawful bases."""
        codes, names = {}, {}
        for purpose in self._purposes():
            value = import_rows.Purpose(purpose.code, purpose.lawful_basis, tuple(purpose._channels()))
            codes[import_rows.normal(purpose.code)] = names[import_rows.normal(purpose.name)] = value
        return import_rows.Vocabulary(
            purposes=names | codes,
            sources=self._words(self.env["consent.event"]._fields["source"], SOURCES),
            channels=self._words(self.env["consent.event"]._fields["channel"], CHANNEL_NAMES),
            lawful_bases=self._words(self.env["consent.purpose"]._fields["lawful_basis"], LAWFUL_BASES),
        )

    def _purposes(self):
        return self.env["consent.purpose"].search(
            [("state", "=", "active"), ("company_id", "in", (False, self.company_id.id))]
        )

    def _words(self, field, selection):
        pairs = [*selection, *field._description_selection(self.env)]
        words = {import_rows.normal(label): code for code, label in pairs}
        return words | {import_rows.normal(code): code for code, _label in pairs}

    def _tick_box_rows(self):
        """One row per contact whose tick box is ticked; an empty box says nothing."""
        if self.tick_box not in dict(self._selection_tick_box()) or not self.purpose_id:
            raise UserError(self.env._("Choose the tick box and the purpose it stands for."))
        channels = tuple(filter(None, [self.default_channels]))
        if not set(channels) <= set(self.purpose_id._channels()):
            raise UserError(self.env._("“%s” does not use this channel: choose another one.", self.purpose_id.name))
        if not channels and self.ticked_means == "given" and len(self.purpose_id._channels()) > 1:
            raise UserError(self.env._("Choose the channel that the tick box stands for."))
        if self.default_date and self.default_date > fields.Date.context_today(self):
            raise UserError(self.env._("The date lies in the future."))
        if self.default_source in fold.QUARANTINED_SOURCES:
            raise UserError(
                self.env._("A tick box is no bought, public or recommended list: choose how it was obtained.")
            )
        partners = (
            self.env["res.partner"]
            .with_context(active_test=False)
            .search([(self.tick_box, "=", True), ("company_id", "in", (False, self.company_id.id))], order="id")
        )
        if self.ticked_means == "given":
            # nobody sees these rows before they are imported: what must not be used is passed over
            refused = partners._get_consent_writing_refusals(partners)
            partners = partners.filtered(lambda partner: partner.id not in refused)
        return [
            import_rows.Row(
                number=partner.id,
                partner_id=partner.id,
                purpose=self.purpose_id.code,
                channels=channels or tuple(self.purpose_id._channels()),
                answer=self.ticked_means,
                source=self.default_source or "",
                date=self.default_date or None,
                evidence=self.default_evidence or "",
            )
            for partner in partners
        ]

    def _denial_rows(self):
        """One row per contact whose address Odoo already knows to have said no."""
        if self.origin == "subscription" and not self.purpose_id:
            raise UserError(self.env._("Choose the purpose that the mailing lists stand for."))
        channels = {"phone_blacklist": ("sms", "phone")}.get(self.origin, ("email",))
        purposes = self.purpose_id or self._purposes().filtered(lambda purpose: purpose.lawful_basis in BY_EVENT)
        kind = "withdrawn" if self.origin == "subscription" else "objected"
        self.env.flush_all()
        rows = self.env.execute_query(self._denials_sql())
        return [
            import_rows.Row(
                number=partner,
                partner_id=partner,
                purpose=purpose.code,
                channels=tuple(channel for channel in channels if channel in purpose._channels()),
                answer=kind,
            )
            for (partner,) in rows
            for purpose in purposes
            if set(channels) & set(purpose._channels())
        ]

    def _denials_sql(self):
        match self.origin:
            case "blacklist":
                source = SQL("JOIN mail_blacklist n ON n.email = p.email_normalized AND n.active")
            case "phone_blacklist":
                source = SQL("JOIN phone_blacklist n ON n.number = p.phone_sanitized AND n.active")
            case _:
                source = SQL(
                    """JOIN mailing_contact m ON m.email_normalized = p.email_normalized
                       JOIN mailing_subscription n ON n.contact_id = m.id AND n.opt_out"""
                )
        return SQL(
            """SELECT DISTINCT p.id FROM res_partner p %s
                WHERE p.company_id IS NULL OR p.company_id = %s ORDER BY p.id""",
            source,
            self.company_id.id,
        )

    def _counts(self, rows):
        contacts = self._contacts_of(rows)
        fresh = {(row.email, row.phone) for row in rows if row.number not in contacts}
        no_ground = [row for row in rows if not row.is_no and not row.has_ground]
        without = 0
        if self.origin in ("blacklist", "phone_blacklist"):
            model = {"blacklist": "mail.blacklist", "phone_blacklist": "phone.blacklist"}[self.origin]
            # a number without names, for somebody who may import
            without = self.env[model].sudo().search_count([]) - len({row.partner_id for row in rows})
        return {
            "new_count": len(fresh),
            "no_ground_count": len(no_ground),
            "denied_count": sum(row.is_no for row in rows),
            "ground_count": sum(row.has_ground for row in rows),
            "without_contact_count": max(without, 0),
        }

    def _bad_rows_csv(self, problems):
        """The wrong rows with what to do, as a file that spreadsheets open: row, field, what to do, the cells."""
        sheet = self._sheet()
        cells = dict(sheet.rows)
        labels = dict(self.env["consent.import.column"]._fields["target"]._description_selection(self.env))
        target = io.StringIO()
        writer = csv.writer(target, delimiter=";")
        header = map(import_rows.harmless, sheet.header)
        writer.writerow([self.env._("Row"), self.env._("Field"), self.env._("What to do"), *header])
        for problem in problems:
            line = [problem.row, labels.get(problem.field, ""), self._what_to_do(problem)]
            writer.writerow([*line, *map(import_rows.harmless, cells[problem.row])])
        return base64.b64encode(target.getvalue().encode("utf-8-sig"))

    def _what_to_do(self, problem):
        match problem.code:
            case "cells":
                return self.env._("There are more cells than headings: remove the surplus or the sign that cuts them.")
            case "address":
                return self.env._("This is no complete address or number: correct it.")
            case "nobody":
                return self.env._("Fill in an e-mail address or a phone number: who is it?")
            case "unknown":
                return self.env._("This word is not known: use a code or a name from the settings.")
            case "no_answer_needed":
                return self.env._("This purpose rests on no consent: leave it out.")
            case "foreign":
                return self.env._("The purpose does not use this channel: leave it out.")
            case "choose":
                return self.env._("Name the channel: the purpose has several.")
            case "sealed":
                return self.env._(
                    "This contact's data must not be used after a privacy request: take the row out. "
                    "Nothing is sent to them anyway."
                )
            case "no_address":
                return self.env._("Fill in the address for this channel.")
            case "no_post":
                return self.env._("The contact has no postal address: fill it in on the contact first.")
            case "date":
                return self.env._("This is no date of the form you chose.")
            case "future":
                return self.env._("The date lies in the future.")
            case "before":
                return self.env._("The end lies before the beginning.")
            case "other_basis":
                return self.env._("The purpose has another lawful basis: correct the purpose or the basis.")
            case "needed":
                return self.env._("Fill it in: without it these data may not be kept.")
        raise ValueError(problem.code)

    # -- importing -----------------------------------------------------------------------------------

    def action_import(self):
        """Import the checked rows: a short file at once, a long one by the job in the background.

        :raises UserError: while rows are wrong and the user did not choose to leave them out
        """
        self.ensure_one()
        self._check_caller("checked")
        if self.bad_count and not self.skip_bad:
            raise UserError(
                self.env._(
                    "%s rows are wrong, so nothing was imported. Download them, correct the file and choose it again; "
                    "or tick “Import the good rows, give me the bad ones back”.",
                    self.bad_count,
                )
            )
        if not self.good_count:
            raise UserError(self.env._("There is nothing to import."))
        if self.new_count and not self.env["res.partner"].has_access("create"):
            raise AccessError(self.env._("The import makes contacts: ask for the right to create contacts first."))
        self._advance({"state": "running", "position": 0, "done_count": 0, "user_id": self.env.uid})
        if self.good_count <= CHUNK:
            self._step(self._checked_rows()[0])
        else:
            # whoever may import may also have it done in the background
            self.env.ref("client_consent.ir_cron_consent_import").sudo()._trigger()

    def action_cancel(self):
        """Stop here: what was imported stays, the file goes."""
        self.ensure_one()
        self._check_caller("draft", "checked", "running")
        self._finish("cancelled")

    def action_back(self):
        """Choose again."""
        self.ensure_one()
        self._check_caller("checked")
        self._advance({"state": "draft", "bad_file": False})

    def action_refresh(self):
        """Show how far it is."""

    @api.model
    def _cron_import(self):
        """Go on with running imports, chunk by chunk, each committed with the place reached."""
        for record in self.search([("state", "=", "running")], order="id"):
            job = record.with_user(record.user_id).with_company(record.company_id)
            rows = job._checked_rows()[0]
            while record.state == "running":
                done = job._step(rows)
                if not self._checkpoint(done, record.good_count - record.done_count):
                    return

    @api.model
    def _checkpoint(self, done, remaining):
        """Commit what the job did so far; nothing when its time is over."""
        return self.env["ir.cron"]._commit_progress(done, remaining=remaining)

    def _step(self, rows):
        """Import the next chunk and remember the place; the number of rows done."""
        left = [row for row in rows if row.number > self.position]
        chunk = left[:CHUNK]
        # rows of one number belong together: the place reached is their number
        chunk += [row for row in left[CHUNK:] if row.number == chunk[-1].number] if chunk else []
        recorded, known = self._import_rows(chunk) if chunk else (0, 0)
        self._advance(
            {
                "position": chunk[-1].number if chunk else self.position,
                "done_count": self.done_count + len(chunk),
                "event_count": self.event_count + recorded,
                "known_count": self.known_count + known,
            }
        )
        if len(left) <= len(chunk):
            self._finish("done")
        return len(chunk)

    def _finish(self, state):
        """The file goes at once; the wrong rows wait some days to be fetched."""
        bad_file = self.bad_file if state == "done" else False
        self._advance({"state": state, "file_data": False, "bad_file": bad_file})

    def _import_rows(self, rows):
        """Import rows with one statement each for contacts, sources and events.

        :return: number of events recorded, and of those known before
        """
        contacts = self._contacts_of(rows)
        known = set(contacts)
        self._make_contacts(rows, contacts)
        partners = self.env["res.partner"].concat(*contacts.values())
        self.env["consent.source"]._record(
            [self._source_values(row, contacts[row.number]) for row in rows if row.source or row.number not in known]
        )
        subjects = self.env["consent.subject"]._of_partners(partners, create=True)
        purposes = {purpose.code: purpose for purpose in self._purposes() if purpose.lawful_basis in BY_EVENT}
        present = {channel: partners._consent_addresses(channel) for channel, _label in CHANNEL_NAMES}
        entries, contact_ids = [], []
        for row in rows:
            contact = contacts[row.number]
            for purpose in [purposes[row.purpose]] if row.purpose else purposes.values() if row.is_no else ():
                for channel in row.channels or purpose._channels():
                    address = self._row_address(row, channel) or present[channel].get(contact.id)
                    if address and (row.is_no or row.has_ground):
                        entries.append(self._entry(row, subjects[contact.id], purpose, channel, address))
                        contact_ids.append(contact.id)
        self._lower_only(entries, contact_ids, partners)
        fresh = self._not_known(entries)
        # the caller may import; the ledger takes entries from nobody else
        self.env["consent.event"].sudo()._append(fresh)
        return len(fresh), len(entries) - len(fresh)

    def _row_address(self, row, channel):
        match channel:
            case "email":
                return email_normalize(row.email) if row.email else None
            case "post":
                return None
        return self._phone(row.phone) if row.phone else None

    def _phone(self, number):
        # a number without country code is one of the importing company's country
        return self.env.user._phone_format(number=number, country=self.company_id.country_id)

    def _contacts_of(self, rows):
        """The contact of each row that has one: by e-mail, else by phone; row number → contact.

        Archived contacts count, so that nobody comes back as a second record; the oldest living one is taken.
        """
        Partner = self.env["res.partner"].with_context(active_test=False)
        found = {row.number: Partner.browse(row.partner_id) for row in rows if row.partner_id}
        for column, address_of in (
            ("email_normalized", lambda row: self._row_address(row, "email")),
            ("phone_sanitized", lambda row: None if row.email else self._row_address(row, "phone")),
        ):
            wanted = {row.number: address for row in rows if (address := address_of(row))}
            known = {}
            domain = [
                (column, "in", list(set(wanted.values()))),
                ("company_id", "in", (False, self.company_id.id)),
            ]
            for partner in Partner.search(domain, order="active desc, id"):
                known.setdefault(partner[column], partner)
            found |= {number: known[address] for number, address in wanted.items() if address in known}
        return found

    def _make_contacts(self, rows, contacts):
        """Make the missing contacts, one per address, and put them into ``contacts``."""
        missing = {}
        for row in rows:
            if row.number not in contacts:
                missing.setdefault(email_normalize(row.email) or self._phone(row.phone), []).append(row)
        made = (
            self.env["res.partner"]
            .with_context(tracking_disable=True, mail_create_nosubscribe=True)
            .create(
                [
                    {
                        "name": next((row.name for row in same if row.name), same[0].email or same[0].phone),
                        "email": same[0].email or False,
                        "phone": next((row.phone for row in same if row.phone), False),
                        "company_id": self.company_id.id if self._contacts_are_of_company() else False,
                    }
                    for same in missing.values()
                ]
            )
        )
        for partner, same in zip(made, missing.values(), strict=True):
            contacts |= {row.number: partner for row in same}

    def _contacts_are_of_company(self):
        """Whether new contacts belong to the company alone; shared by default, as Odoo makes them."""
        return False

    def _source_values(self, row, contact):
        return {
            "partner_id": contact.id,
            "company_id": self.company_id.id,
            "kind": row.source or "import",
            "obtained_on": row.date or min(self.create_date.date(), fields.Date.context_today(self)),
            "seller": row.seller or False,
            "contract": row.contract or False,
            "proof": row.proof or False,
            "url": row.url or False,
        }

    def _entry(self, row, subject, purpose, channel, address):
        """One entry of the ledger. A yes speaks as *import*, whatever the file says it was: it may not raise."""
        now = fields.Datetime.now()
        # of a day nobody knows the hour: a no counts to its end, a yes from its beginning
        hour = time.max if row.is_no else time.min
        at = datetime.combine(row.date, hour).replace(microsecond=0) if row.date else now
        detail = {
            name: value
            for name, value in (
                ("obtained", row.source),
                ("words", row.evidence),
                ("seller", row.seller),
                ("contract", row.contract),
                ("proof", row.proof),
                ("import", self.id),
            )
            if value
        }
        entry = {
            "subject": subject,
            "purpose": purpose,
            "company": self.company_id,
            "channel": channel,
            "address": address,
            "at": min(at, now),
            "note": row.note or row.evidence or None,
            "detail": detail,
        }
        if row.is_no:
            return entry | {"kind": row.answer, "source": "import"}
        until = entry["at"].date() + relativedelta(months=purpose.validity_months)
        until = min(until, row.until) if row.until else until
        return entry | {"kind": KINDS_OF_YES[purpose.lawful_basis], "source": "import", "until": until}

    def _let_wait(self, entry, waits_for):
        """A yes that counts only once what it waits for comes. Nobody could bring it before it was imported."""
        waits = fields.Date.today() + timedelta(days=entry["purpose"].pending_days)
        obtained = entry["detail"].get("obtained")
        entry |= {
            "kind": "pending",
            "source": obtained if obtained in fold.QUARANTINED_SOURCES else "import",
            "until": min(entry["until"], waits),
            "detail": entry["detail"] | {"waits_for": waits_for},
        }

    def _waits_for(self, entry, partner):
        """What a yes still lacks by the rules of recording, as an import and as what the file says it was.

        The file names where the evidence lies; where a purpose demands it, it must be here.
        """
        outlook = self.env["consent.recording"]._outlook
        sources = dict.fromkeys(["import", entry["detail"]["obtained"]])
        waits = {outlook(partner, entry["purpose"], source, entry["at"], False).waits_for for source in sources}
        return next((reason for reason in ("guardian", "confirmation", "evidence") if reason in waits), None)

    def _lower_only(self, entries, contact_ids, partners):
        """Let those yeses wait that a file cannot give.

        Of quarantined people, of people who said no elsewhere or to what the purpose replaces, of minors; and where
        the purpose asks for a confirmation or for evidence.

        :param contact_ids: of the entries, in their order
        """
        quarantined = set(partners.filtered("consent_quarantined").ids)
        people = {partner.id: partner for partner in partners}
        rules = self.env["consent.gate"]._rules()
        events = [event for _partner, event in partners._consent_standing_denials()]
        # what was turned down decides, also where the user cannot see it
        denied = {
            (event.subject_id.partner_id.id, event.purpose_id.id, event.channel, event.company_id.id)
            for event in self.env["consent.event"].sudo().browse(events)
        }
        for entry, partner in zip(entries, contact_ids, strict=True):
            if entry["kind"] not in KINDS_OF_YES.values():
                continue
            about = (entry["channel"], entry["company"].id)
            waits_for = self._waits_for(entry, people[partner])
            if waits_for != "guardian" and (
                partner in quarantined
                or any((partner, id_, *about) in denied for id_ in rules[entry["purpose"].code].vetoing)
            ):
                waits_for = "confirmation"
            if waits_for:
                self._let_wait(entry, waits_for)

    def _not_known(self, entries):
        """The entries that add something: not a no where there is one already, not the same yes twice."""
        self.env.flush_all()
        subjects = list({entry["subject"].id for entry in entries})
        events = {
            (subject, purpose, channel, address, company, kind, at)
            for subject, purpose, channel, address, company, kind, at in self.env.execute_query(
                SQL(
                    """SELECT subject_id, purpose_id, channel, address, company_id, kind, at
                         FROM consent_event WHERE subject_id = ANY(%s)""",
                    subjects,
                )
            )
        }
        denied = {
            tuple(row)
            for row in self.env.execute_query(
                SQL(
                    """SELECT subject_id, purpose_id, channel, address, company_id FROM consent_basis
                        WHERE subject_id = ANY(%s) AND state IN ('refused', 'withdrawn', 'objected')""",
                    subjects,
                )
            )
        }
        fresh = []
        for entry in entries:
            about = (
                entry["subject"].id,
                entry["purpose"].id,
                entry["channel"],
                entry["address"],
                entry["company"].id,
            )
            same = (*about, entry["kind"], entry["at"])
            is_no = entry["kind"] in fold.NEGATIVE_STATES
            if (is_no and about in denied) or same in events:
                continue
            events.add(same)
            if is_no:
                denied.add(about)
            fresh.append(entry)
        return fresh

    def _check_caller(self, *states):
        if not self.env.user.has_group("client_consent.group_consent_user"):
            raise AccessError(
                self.env._("Only users who may record consents do this. Ask an administrator for Privacy / Consents.")
            )
        self.check_access("write")
        if self.state not in states:
            raise UserError(self.env._("This is not possible any more: the import went on. Reload the page."))

    @api.autovacuum
    def _gc_files(self):
        """Files do not outlive their use: an import that nobody finished, and wrong rows that nobody fetched."""
        old = self.search(
            [
                ("write_date", "<", fields.Datetime.now() - timedelta(days=KEEP_DAYS)),
                ("state", "!=", "running"),
                "|",
                ("file_data", "!=", False),
                ("bad_file", "!=", False),
            ]
        )
        for record in old.filtered(lambda record: record.state in ("draft", "checked")):
            record._finish("cancelled")
        old._advance({"file_data": False, "bad_file": False})
