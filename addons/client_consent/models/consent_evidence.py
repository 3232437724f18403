import base64
import binascii
import hashlib
import json
import unicodedata
from collections import defaultdict
from urllib.parse import quote

import psycopg2
from markupsafe import Markup
from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL, format_date, human_size

from ..tools import file_kind
from ..tools.errors import FileRefused

KINDS = [
    ("scan", "Scan"),
    ("photo", "Photo"),
    ("recording", "Recording"),
    ("sms", "SMS or text"),
    ("mail", "E-mail"),
    ("contract", "Signed contract"),
]
NAME_LENGTH = 120
#: How many files one run of the cron looks at between two commits.
BATCH = 200


class ConsentEvidence(models.Model):
    """A file that shows what a person said. Encrypted under the person's data key; it can only be shredded.

    The ledger event names it by the SHA-256 of its plain bytes, so it verifies whether the file is still there or
    not. The ciphertext stands in a column of its own, outside of attachments and their index of texts, and is read
    by the one method that decrypts it. Deleting the subject deletes its evidence in the same statement.
    """

    _name = "consent.evidence"
    _description = "Evidence of a Consent"
    _order = "id desc"
    _log_access = False

    subject_id = fields.Many2one("consent.subject", required=True, readonly=True, index=True, ondelete="cascade")
    partner_id = fields.Many2one(related="subject_id.partner_id", string="Contact")
    company_id = fields.Many2one("res.company", required=True, readonly=True, index=True, ondelete="restrict")
    kind = fields.Selection(KINDS, "What", required=True, readonly=True)
    name = fields.Char("File", readonly=True)
    mimetype = fields.Char("Type", required=True, readonly=True)
    size = fields.Integer("Bytes", required=True, readonly=True)
    size_shown = fields.Char("Size", compute="_compute_size_shown")
    sha256 = fields.Char("Fingerprint", required=True, readonly=True, help="SHA-256 of the file, as the ledger has it.")
    sealed = fields.Binary(attachment=False, readonly=True, prefetch=False, groups=fields.NO_ACCESS)
    stored_at = fields.Datetime("Kept since", required=True, readonly=True)
    stored_by = fields.Integer("Stored by (user number)", required=True, readonly=True)
    ends_on = fields.Date(
        "Kept until",
        compute="_compute_ends_on",
        help="Last day on which the file is kept. Empty while the consent is in force and has no end.",
    )
    shredded_on = fields.Date("Shredded on", readonly=True)
    preview = fields.Html(compute="_compute_preview", sanitize=False)

    @api.depends("kind", "stored_at", "shredded_on")
    @api.depends_context("lang", "tz")
    def _compute_display_name(self):
        kinds = dict(self._fields["kind"]._description_selection(self.env))
        for evidence in self:
            what = f"{kinds.get(evidence.kind, '')}, {format_date(self.env, evidence.stored_at)}"
            if evidence.shredded_on:
                day = format_date(self.env, evidence.shredded_on)
                what = self.env._("%(what)s (shredded on %(day)s)", what=what, day=day)
            evidence.display_name = what

    @api.depends("size")
    def _compute_size_shown(self):
        for evidence in self:
            evidence.size_shown = human_size(evidence.size)

    def _compute_ends_on(self):
        ends = dict(self.env.execute_query(self._ends_sql(SQL("e.id = ANY(%s)", self.ids)))) if self.ids else {}
        for evidence in self:
            evidence.ends_on = False if evidence.shredded_on else ends.get(evidence.id, False)

    @api.depends("mimetype", "shredded_on")
    def _compute_preview(self):
        for evidence in self:
            evidence.preview = evidence._preview_html() if evidence.id and not evidence.shredded_on else False

    def _preview_html(self):
        """The file itself where browsers show it; PDF in Odoo's own viewer, which runs nothing that stands inside."""
        url = f"/consent/evidence/{self.id}"
        if self.mimetype not in file_kind.SHOWN_IN_BROWSERS:
            return False
        if self.mimetype == "application/pdf":
            viewer = f"/web/static/lib/pdfjs/web/viewer.html?file={quote(url, safe='')}#pagemode=none"
            return Markup(
                '<iframe src="{}" title="{}" class="o_consent_evidence_pdf w-100 border-0" style="height: 70vh"/>'
            ).format(viewer, self.display_name)
        return Markup('<img src="{}" alt="{}" class="o_consent_evidence_image mw-100"/>').format(url, self.display_name)

    # -- only stored and shredded --------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):  # pylint: disable=method-required-super
        raise UserError(self.env._("Evidence is added by recording a consent."))

    def write(self, vals):  # pylint: disable=method-required-super
        raise UserError(self.env._("Evidence is never changed: it shows what was said at the time."))

    @api.ondelete(at_uninstall=False)
    def _refuse_unlink(self):
        raise UserError(self.env._("Evidence is kept until its term ends, then it is shredded."))

    # -- screens -------------------------------------------------------------------------------------

    def action_open(self):
        """Open the file in a tab of its own."""
        self.ensure_one()
        self.check_access("read")
        if self.shredded_on:
            raise UserError(self.env._("This file was shredded when its term ended; the ledger still has its trace."))
        return {"type": "ir.actions.act_url", "url": f"/consent/evidence/{self.id}", "target": "new"}

    # -- store ---------------------------------------------------------------------------------------

    @api.model
    def _store(self, subject, files):
        """Keep files as evidence about one person, in the current company; all of them or none.

        :param files: ``[{"name": str, "content": base64 text, "kind": optional code}]``
        :return: the evidence, in the order of the files; a file the person's evidence holds already is not kept twice
        :raises UserError: naming the number of the file and what to do about it
        """
        checked = [self._check_file(number, file) for number, file in enumerate(self._file_list(files), 1)]
        if not checked:
            return self.browse()
        # number and key of a subject are no user's to read; what is stored under them is the caller's own
        subject = subject.sudo().ensure_one()
        self.env.flush_all()
        kept = dict(
            self.env.execute_query(
                SQL(
                    """SELECT sha256, id FROM consent_evidence
                        WHERE subject_id = %s AND company_id = %s AND sealed IS NOT NULL AND sha256 = ANY(%s)""",
                    subject.id,
                    self.env.company.id,
                    [values["sha256"] for values, _plain in checked],
                )
            )
        )
        for values, plain in checked:
            if values["sha256"] not in kept:
                kept[values["sha256"]] = self._insert(subject, values, plain)
        return self.browse(kept[values["sha256"]] for values, _plain in checked)

    @api.model
    def _drop_uploads(self, attachments, dialog):
        """Delete the open copies of files that are kept encrypted now.

        :param attachments: files the caller may read; one that belongs to a document, or to everybody, stays there
        :param dialog: the one they were uploaded into
        """
        uploads = attachments.filtered(
            lambda file: not file.public and not file.res_field and (not file.res_id or file.res_model == dialog._name)
        )
        # whoever uploaded them
        uploads.sudo().unlink()

    def _insert(self, subject, values, plain):
        row = {
            **values,
            "subject_id": subject.id,
            "company_id": self.env.company.id,
            "sealed": psycopg2.Binary(subject._encrypt(plain, self._place(subject, values["sha256"]))),
            "stored_at": fields.Datetime.now(),
            "stored_by": self.env.uid,
        }
        # the key that was just made must stand before what it opens
        self.env.flush_all()
        [(id_,)] = self.env.execute_query(
            SQL(
                "INSERT INTO consent_evidence (%s) VALUES (%s) RETURNING id",
                SQL(", ").join(map(SQL.identifier, row)),
                SQL(", ").join(SQL("%s", value) for value in row.values()),
            )
        )
        return id_

    def _file_list(self, files):
        if isinstance(files, dict | str | bytes) or not all(isinstance(file, dict) for file in files or ()):
            raise UserError(
                self.env._("Give evidence as a list of files, each with its name and its content in base64.")
            )
        return files or ()

    def _check_file(self, number, file):
        """The columns of a file and its plain bytes; refuses what is too large, broken or dangerous."""
        name, content = file.get("name"), file.get("content")
        if (
            not isinstance(name, str)
            or not isinstance(content, str | bytes)
            or file.get("kind", "scan") not in dict(KINDS)
        ):
            raise UserError(self.env._("File %s: give its name and its content in base64, both as text.", number))
        most = self.env.company.consent_evidence_megabytes << 20
        # four signs stand for three bytes: what is too large is not even unpacked
        if len(content) // 4 * 3 > most + 3 or len(plain := self._plain(number, content)) > most:
            raise UserError(
                self.env._(
                    "File %(number)s is larger than the %(most)s MB allowed: scan it in grey or shorten the recording. "
                    "An administrator changes the limit in the settings.",
                    number=number,
                    most=most >> 20,
                )
            )
        try:
            found = file_kind.examine(plain, name)
        except FileRefused as error:
            raise UserError(
                self.env._("File %(number)s: %(why)s", number=number, why=self._why_refused(error.reason))
            ) from error
        values = {
            "kind": file.get("kind") or found.kind,
            "name": self._clean_name(name, found.extension),
            "mimetype": found.mimetype,
            "size": len(plain),
            "sha256": hashlib.sha256(plain).hexdigest(),
        }
        return values, plain

    def _plain(self, number, content):
        try:
            # line breaks are what mail programs put in; anything else that is no base64 is damage
            packed = content.encode("ascii") if isinstance(content, str) else content
            return base64.b64decode(b"".join(packed.split()), validate=True)
        except (binascii.Error, ValueError) as error:
            raise UserError(
                self.env._("File %s: its content is not base64, or was damaged on the way. Send it again.", number)
            ) from error

    @staticmethod
    def _clean_name(name, extension):
        """The name as it was given, without folders and signs that nobody sees, and not too long."""
        last = name.replace("\\", "/").rpartition("/")[2]
        shown = "".join(sign for sign in last if unicodedata.category(sign)[0] != "C").strip()
        stem = shown.rpartition(".")[0][: NAME_LENGTH - len(extension) - 1]
        return f"{stem}.{extension}"

    def _why_refused(self, reason):
        """A reason of :mod:`file_kind` in words that say what to do."""
        words = {
            "empty": self.env._("it is empty. Scan or save it again."),
            "executable": self.env._("it is a program, whatever its name says. Do not open it."),
            "script": self.env._("it is a script. Send a scan, a photo, a recording, a text or the mail itself."),
            "markup": self.env._("it is a web page or drawing that may run scripts. Print it to PDF first."),
            "macros": self.env._("it is an Office file that may hold macros. Save it as PDF first."),
            "office": self.env._("it is an Office file, which changes whenever it is opened. Save it as PDF first."),
            "archive": self.env._("it holds other files. Unpack it and add them one by one."),
            "video": self.env._("films are not kept. Save its sound, or a picture of it."),
            "pdf_encrypted": self.env._("it is a PDF with a password. Save it without one first."),
            "pdf_active": self.env._("it is a PDF that runs something when it is opened. Print it to PDF anew."),
            "pdf_files": self.env._("it is a PDF with other files inside. Print it to PDF anew."),
            "pdf_opaque": self.env._("it is a PDF that cannot be looked through. Print it to PDF anew."),
            "broken": self.env._("it is damaged or incomplete. Scan or save it again."),
            "unknown": self.env._(
                "nobody can tell what it is. Use PDF, PNG, JPEG, HEIC, WebP, TIFF, WAV, MP3, OGG, M4A, "
                "text in UTF-8 or EML."
            ),
            "no_extension": self.env._("its name has no ending, such as .pdf or .jpg. Give it the right one."),
            "other_extension": self.env._(
                "the ending of its name says something else than what it is. Correct the name."
            ),
            "mail_attachment": self.env._("it is a mail with a dangerous file attached. Save the mail without it."),
        }
        return words[reason]

    # -- read ----------------------------------------------------------------------------------------

    @staticmethod
    def _place(subject, sha256):
        """Where the ciphertext belongs: moved to another person or file it does not open."""
        return f"consent.evidence/{subject.uuid}/{sha256}".encode()

    def _open(self):
        """The plain bytes, for a caller who may read the record.

        :raises UserError: when the file was shredded, or key, place or bytes do not fit
        """
        self.ensure_one()
        self.check_access("read")
        [(sealed,)] = self.env.execute_query(SQL("SELECT sealed FROM consent_evidence WHERE id = %s", self.id))
        if sealed is None:
            raise UserError(self.env._("This file was shredded when its term ended; the ledger still has its trace."))
        # the subject's key is nobody's to read; who may read the evidence may have what it opens
        subject = self.sudo().subject_id
        return subject._decrypt(bytes(sealed), self._place(subject, self.sha256))

    def _download_name(self):
        """A file name that tells nobody anything but a number."""
        self.ensure_one()
        return f"evidence-{self.id}.{file_kind.TYPES[self.mimetype][1][0]}"

    @api.model
    def _of_event(self, event):
        """The evidence an event names in its canonical payload, shredded or not."""
        return self._of_events(event)[event.id]

    @api.model
    def _of_events(self, events):
        """The same for many: event id → evidence, in the order in which the event names it."""
        digests = self._digests(events)
        found = self.search(
            [
                ("subject_id", "in", events.sudo().subject_id.ids),
                ("sha256", "in", list({digest for named in digests.values() for digest in named})),
            ],
            order="id",
        )
        by_place = defaultdict(self.browse)
        for evidence in found:
            by_place[evidence.sudo().subject_id, evidence.company_id, evidence.sha256] += evidence
        return {
            event.id: self.concat(
                *(by_place[event.sudo().subject_id, event.company_id, digest] for digest in digests.get(event.id, ()))
            )
            for event in events
        }

    @api.model
    def _digests(self, events):
        """Event id → the SHA-256 of its files, as the canonical payload has them."""
        rows = self.env.execute_query(
            SQL("SELECT id, payload FROM consent_event WHERE id = ANY(%s) AND payload IS NOT NULL", events.ids)
        )
        return {id_: json.loads(bytes(payload)).get("evidence") or [] for id_, payload in rows}

    # -- retention -----------------------------------------------------------------------------------

    def _ends_sql(self, condition):
        """Evidence id and the last day on which it is kept; NULL while a consent without end relies on it.

        The term of the company counts from the end of the last consent that relies on the file: its last day, or
        the day of the answer that ended it. A digest in quotation marks stands in canonical JSON only as a value of
        its own: within a text its quotation marks would be escaped.
        """
        return SQL(
            """SELECT e.id,
                      (NULLIF(max(CASE WHEN v.id IS NULL THEN e.stored_at::date
                                       WHEN b.state = 'active' THEN COALESCE(b.until, 'infinity')
                                       WHEN b.state IN ('pending', 'requested')
                                       THEN COALESCE(b.until, v.until, 'infinity')
                                       ELSE COALESCE(b.since, v.at)::date END), 'infinity')
                       + make_interval(months => GREATEST(c.consent_evidence_months, 0)))::date AS ends_on
                 FROM consent_evidence e
                 JOIN res_company c ON c.id = e.company_id
                 LEFT JOIN consent_event v
                   ON v.subject_id = e.subject_id AND v.company_id = e.company_id
                  AND position(convert_to('"' || e.sha256 || '"', 'UTF8') IN v.payload) > 0
                 LEFT JOIN consent_basis b
                   ON (b.subject_id, b.purpose_id, b.channel, b.address, b.company_id)
                    = (v.subject_id, v.purpose_id, v.channel, v.address, v.company_id)
                WHERE e.sealed IS NOT NULL AND %s
                GROUP BY e.id, c.consent_evidence_months""",
            condition,
        )

    @api.model
    def _due(self, after, limit):
        """The next evidence whose term is over, by number."""
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL(
                "SELECT id FROM (%s) ends WHERE ends_on < %s ORDER BY id LIMIT %s",
                self._ends_sql(SQL("e.id > %s", after)),
                fields.Date.today(),
                limit,
            )
        )
        return self.browse(id_ for (id_,) in rows)

    @api.model
    def _keep_longer(self, evidence):
        """Those that somebody still needs though their term is over, for a dispute or an open request.

        An override point: the add-on that knows of holds adds its own to what this gives.
        """
        return evidence.browse()

    def _shred(self):
        """Destroy ciphertext and name; the record says when, and the ledger's trace stays."""
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                "UPDATE consent_evidence SET sealed = NULL, name = NULL, shredded_on = %s WHERE id = ANY(%s)",
                fields.Date.today(),
                self.ids,
            )
        )
        self.invalidate_recordset()

    @api.model
    def _cron_shred(self):
        """Shred what is past its term, a batch between two commits."""
        after = 0
        while due := self.sudo()._due(after, BATCH):
            after = due.ids[-1]
            (due - self.sudo()._keep_longer(due))._shred()
            if not self._commit_batch(len(due)):
                break

    def _commit_batch(self, done):
        """The one place that commits: seconds left for this run."""
        return self.env["ir.cron"]._commit_progress(done)

    @api.model
    def _erase(self, subjects):
        """Delete all evidence about people who are erased, also of those whose subject a vault still needs."""
        self.env.flush_all()
        self.env.cr.execute(SQL("DELETE FROM consent_evidence WHERE subject_id = ANY(%s)", subjects.ids))
        self.invalidate_model()

    # -- for other models ----------------------------------------------------------------------------

    def _values(self):
        """What a proof says about each file: plain values."""
        return [
            {
                "sha256": evidence.sha256,
                "kind": evidence.kind,
                "mimetype": evidence.mimetype,
                "size": evidence.size,
                "kept_since": fields.Datetime.to_string(evidence.stored_at),
                "shredded_on": fields.Date.to_string(evidence.shredded_on) if evidence.shredded_on else None,
            }
            for evidence in self
        ]
