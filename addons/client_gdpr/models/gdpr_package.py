import base64
import json
import logging
import os
import tempfile
import uuid
from datetime import timedelta

import psycopg2
from odoo import api, fields, models
from odoo.addons.client_consent.tools import keys
from odoo.exceptions import AccessError, UserError
from odoo.tools import SQL, config, human_size, split_every

from ..tools import document, package, schema
from ..tools.answer import LONGEST_PRINTED
from ..tools.errors import PackageDamaged
from .gdpr_request import ANSWER_GROUPS

_logger = logging.getLogger(__name__)

#: The folder below the database's filestore; Odoo's own collector looks at its checklist only.
FOLDER = "gdpr.package"
#: A package of so much is built while its reader waits; a larger one by the cron.
SMALL_BYTES, SMALL_FILES = 20_000_000, 200
#: Written between two commits: so much is lost when the process is killed.
CHUNK_BYTES, CHUNK_FILES = 64_000_000, 200
#: A build that was killed so often is not tried again.
MOST_ATTEMPTS = 3
#: A file without a record is no longer being written after this time.
ORPHAN_HOURS = 24
LASTS_DAYS = 14
#: A link is good for so many downloads: some fail half-way, and the person may want it on two devices.
MOST_DOWNLOADS = 10
WITHHELD = ("model", "id", "field", "reason", "count")


class GdprPackage(models.Model):
    """One encrypted archive of what a person asked for: built, handed out, and gone after some days.

    The file lies in the filestore under a random name and is read through one door only, which logs. Its pass
    phrase is kept encrypted under the key ring until it was shown, and never again after that.
    """

    _name = "gdpr.package"
    _description = "Package of a Privacy Request"
    _order = "id desc"
    _rec_name = "request_id"

    request_id = fields.Many2one("gdpr.request", required=True, readonly=True, index=True, ondelete="cascade")
    state = fields.Selection(
        [
            ("waiting", "Waits to be built"),
            ("building", "Being built"),
            ("ready", "Ready"),
            ("failed", "Failed"),
            ("purged", "Deleted"),
        ],
        default="waiting",
        required=True,
        readonly=True,
    )
    progress = fields.Float(readonly=True, aggregator=None)
    failure = fields.Text("What went wrong", readonly=True)
    file_count = fields.Integer("Files", readonly=True)
    missing_count = fields.Integer("Files that are gone", readonly=True)
    mention_count = fields.Integer("Mentions by others", readonly=True)
    withheld_count = fields.Integer("Places taken out", readonly=True, help="Where other people's data stood.")
    size = fields.Float("Size in bytes", digits=(16, 0), readonly=True, aggregator=None)
    size_shown = fields.Char("Size", compute="_compute_size_shown")
    ready_at = fields.Datetime("Ready since", readonly=True)
    ends_at = fields.Datetime("Deleted on", readonly=True)
    passphrase_seen_at = fields.Datetime("Pass phrase shown", readonly=True)
    download_ids = fields.One2many("gdpr.package.download", "package_id", "Downloads", readonly=True)
    download_count = fields.Integer("Downloaded", compute="_compute_download_count")
    link_sent_at = fields.Datetime("Link sent", readonly=True)
    link_id = fields.Many2one(
        "consent.token", readonly=True, copy=False, index="btree_not_null", groups=fields.NO_ACCESS
    )
    stored = fields.Char(readonly=True, copy=False, groups=fields.NO_ACCESS)
    passphrase = fields.Binary(attachment=False, readonly=True, copy=False, groups=fields.NO_ACCESS)
    #: What is to be put in and what is: ids, counts and digests, see :meth:`_begin`.
    work = fields.Json(readonly=True, copy=False, groups=fields.NO_ACCESS)

    _to_do = models.Index("(id) WHERE state IN ('waiting', 'building')")

    @api.depends("size")
    def _compute_size_shown(self):
        for record in self:
            record.size_shown = human_size(record.size) if record.size else ""

    @api.depends("download_ids")
    def _compute_download_count(self):
        for record in self:
            record.download_count = len(record.download_ids)

    @api.ondelete(at_uninstall=True)
    def _unlink_files(self):
        for record in self.sudo():
            record._drop_file()

    # -- buttons -------------------------------------------------------------------------------------

    def action_download(self):
        """Hand out the archive to privacy staff."""
        self._check_reader()
        self._require_ready()
        return {"type": "ir.actions.act_url", "url": f"/gdpr/package/{self.id}", "target": "download"}

    def action_show_passphrase(self):
        """Show the pass phrase, once: it is forgotten by this."""
        self._check_reader()
        self._require_ready()
        secret = self._take_passphrase()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Pass phrase"),
            "res_model": "gdpr.passphrase.wizard",
            "view_mode": "form",
            "views": [(False, "form")],
            "target": "new",
            "context": {"default_passphrase": secret},
        }

    def action_send_link(self):
        """Open the dialog that sends the person a link to the archive."""
        self._check_reader()
        self._require_ready()
        if not any(self.request_id.partner_ids.mapped("email_normalized")):
            raise UserError(
                self.env._(
                    "There is no e-mail address of this person. Download the package and hand it over on a stick, or "
                    "enter the address in the contact first."
                )
            )
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Send the link to the person"),
            "res_model": "gdpr.link.wizard",
            "view_mode": "form",
            "views": [(False, "form")],
            "target": "new",
            "context": {"default_package_id": self.id},
        }

    def action_purge(self):
        """Delete the archive now."""
        self._check_reader()
        # sudo: who may order a package may delete it; its record has no other writer
        self.sudo()._purge()

    # -- ordering ------------------------------------------------------------------------------------

    @api.model
    def _prepare_for(self, request):
        """Make the package of a request: at once when it is small, else by the cron.

        A small one that fails takes its transaction along, and its file with that.

        :raises UserError: when nothing can be packed, or a small one fails: then nothing is left behind
        """
        # sudo: packages and the request's link to them have no writer but this; the caller was checked
        packages = self.sudo()
        packages.search([("request_id", "=", request.id), ("state", "!=", "purged")])._purge()
        record = packages.create({"request_id": request.id})._as_ordered()
        request.sudo().package_id = record
        record._begin()
        if record._is_small():
            record._build_at_once()
        else:
            self.env.ref("client_gdpr.ir_cron_build_packages").sudo()._trigger()

    def _as_ordered(self):
        """The package with the rights, the company and the language of who ordered it and whom it is for."""
        company = self.request_id.company_id
        lang = self.request_id.partner_ids[:1].lang or company.partner_id.lang or self.env.lang
        return (
            self.with_user(self.create_uid or self.env.user)
            .with_company(company)
            .with_context(lang=lang, tz=company.partner_id.tz or "UTC")
            .sudo()
        )

    def _is_small(self):
        work = self.work
        return work["bytes"] <= SMALL_BYTES and len(work["ids"]) <= SMALL_FILES

    def _build_at_once(self):
        path = self._path()
        self.env.cr.postrollback.add(lambda: _remove(path))
        try:
            while self._step():
                pass
        except (OSError, PackageDamaged) as error:
            raise UserError(self._describe_error(error)) from error

    # -- building ------------------------------------------------------------------------------------

    @api.model
    def _cron_build(self):
        """Build what waits, a piece between two commits; what was killed begins anew, what fails says why."""
        todo = self.search([("state", "in", ("waiting", "building"))], order="id")
        left = len(todo)
        self._checkpoint(0, left)
        for record in todo:
            record = record._as_ordered()
            try:
                record._resume()
                while record._step():
                    if not self._checkpoint(0, left):
                        return
            except (UserError, OSError, psycopg2.Error, PackageDamaged) as error:
                record._fail(error)
            left -= 1
            if not self._checkpoint(1, left):
                return

    def _checkpoint(self, done, remaining):
        """Keep what was built and say whether there is time for more; tests override it."""
        return self.env["ir.cron"]._commit_progress(done, remaining=remaining)

    def _begin(self):
        """Find what goes in, take a new name and pass phrase, and write down the work.

        :raises UserError: when the contacts of the request are gone
        """
        self.request_id._check_contacts()
        found = self.request_id._locate_records()
        ids = self._attachment_ids(found)
        secret = package.passphrase()
        self.write(
            {
                "state": "building",
                "progress": 0,
                "failure": False,
                "stored": f"{uuid.uuid4().hex}.zip",
                "passphrase": base64.b64encode(self._seal(secret)),
                "work": {
                    "ids": ids,
                    "bytes": self._bytes_of(ids),
                    "models": sorted({hit.model for hit in found.hits}),
                    "files": [],
                    "written": 0,
                    "attempts": (self.work or {}).get("attempts", 0) + 1,
                },
            }
        )

    def _resume(self):
        """Go on where the last commit left off; begin anew when the file says something else.

        :raises UserError: when that happened too often
        """
        work = self.work
        if work and self.stored and work["written"] == _size(self._path()):
            return
        if work and work["attempts"] >= MOST_ATTEMPTS:
            raise UserError(
                self.env._(
                    "Building was interrupted %s times. Let an administrator look at the server's time limits and free "
                    "disk space, then prepare the package again.",
                    work["attempts"],
                )
            )
        if self.stored:
            _remove(self._path())
        self._begin()

    def _step(self):
        """Write the next piece; return whether there is more to do."""
        work = self.work
        os.makedirs(self._folder(), mode=0o700, exist_ok=True)
        with package.Archive(self._path(), self._open_passphrase()) as archive:
            begun, done = self._bytes_done(work), 0
            for row in self._attachment_rows(work["ids"][:CHUNK_FILES]):
                work["files"].append(self._put_file(archive, row))
                done += 1
                if self._bytes_done(work) - begun >= CHUNK_BYTES:
                    break
            work["ids"] = work["ids"][done:]
            finished = not work["ids"] and self._put_answer(archive, work)
        work["written"] = _size(self._path())
        self.write({"work": work, "progress": self._percent(work)})
        if finished:
            self._finish(work)
        return not finished

    @staticmethod
    def _bytes_done(work):
        return sum(file["size"] for file in work["files"])

    def _percent(self, work):
        """How much of the files is written; the lists and the document are the last percent."""
        done, left = self._bytes_done(work), len(work["ids"])
        return 99.0 * done / max(work["bytes"], done, 1) if left else 99.0

    def _finish(self, work):
        now = fields.Datetime.now()
        self.write(
            {
                "state": "ready",
                "progress": 100,
                "size": work["written"],
                "file_count": sum(file["path"] is not None for file in work["files"]),
                "missing_count": sum(file["state"] == "missing" for file in work["files"]),
                "mention_count": work["mentions"],
                "withheld_count": work["withheld"],
                "ready_at": now,
                "ends_at": now + timedelta(days=self._lasts_days()),
                "work": False,
            }
        )
        _logger.info("package %s of privacy request %s is ready", self.id, self.request_id.id)

    def _fail(self, error):
        """Note why a build failed and leave nothing of it behind."""
        self._roll_back()
        self._drop_file()
        self.write(
            {
                "state": "failed",
                "failure": self._describe_error(error),
                "progress": 0,
                "work": False,
                "passphrase": False,
                "stored": False,
            }
        )
        _logger.warning("package %s of privacy request %s failed", self.id, self.request_id.id)

    def _roll_back(self):
        """Forget what was not committed; tests override it."""
        self.env.cr.rollback()
        self.env.invalidate_all()

    def _describe_error(self, error):
        """What failed in words, without the paths and values that errors quote."""
        if isinstance(error, OSError):
            return self.env._(
                "The server could not write the file (%s). Let an administrator look at its disk, then prepare again.",
                error.strerror or type(error).__name__,
            )
        if isinstance(error, PackageDamaged):
            return self.env._("The file changed while it was being built. Prepare the package again.")
        return self.request_id._describe_error(error)

    # -- what goes in --------------------------------------------------------------------------------

    def _put_answer(self, archive, work):
        """Write lists, data and document, the last of all; return whether the package is whole.

        What came while the files were being packed is packed first.
        """
        self.request_id._check_contacts()
        reporter = self.env["gdpr.reporter"]
        reading = reporter._reading(self.request_id, mentions=self.request_id.kind == "access")
        known = {file["id"] for file in work["files"]}
        if later := [id_ for id_ in self._attachment_ids(reading.located) if id_ not in known]:
            work["ids"] = later
            return False
        tables = list(reporter._tables(reading))
        head = reporter._answer_head(self.request_id, reading, tables) | {
            "files": self._file_list(work["files"]),
            "notes": self._notes(work) + reporter._left_out(reading, tables),
            "mentions": list(reporter._mentions(reading)),
        }
        moment = fields.Datetime.now().timetuple()
        archive.write("read-me.txt", [self._read_me(head).encode()], moment)
        archive.write("schema.json", [json.dumps(schema.SCHEMA, indent=1).encode()], moment)
        archive.write("files.csv", self._list_csv("files", head["files"]), moment)
        printed = []
        # on disk beside the archive and without a name: what is put together there never fills the memory
        with self._spool() as file:
            write = file.write
            write(json.dumps(head, ensure_ascii=False)[:-1].encode() + b', "tables": [')
            for number, table in enumerate(tables):
                write(b",\n" if number else b"\n")
                printed.append((table, self._put_table(archive, reading, table, write, moment)))
            withheld = [dict(zip(WITHHELD, row, strict=True)) for row in reading.withheld]
            write(b'], "withheld": ' + json.dumps(withheld).encode() + b"}\n")
            self._put_spooled(archive, "data.json", file, moment)
        archive.write("withheld.csv", self._list_csv("withheld", withheld), moment)
        if self.request_id.kind == "access":
            with self._spool() as file:
                sentences = reporter._withheld_sentences(reading)
                document.render(reporter._answer_document(self.request_id, head, printed, sentences), file)
                self._put_spooled(archive, "answer.pdf", file, moment, packed=True)
        work["mentions"], work["withheld"] = len(head["mentions"]), sum(row["count"] for row in withheld)
        return True

    def _put_table(self, archive, reading, table, write, moment):
        """Write the records of a table into the data and into a CSV of their own; return the first for the document."""
        printed, names = [], list(table.fields)

        def rows():
            for number, record in enumerate(self.env["gdpr.reporter"]._records(reading, table)):
                write((b",\n" if number else b"\n") + json.dumps(record, ensure_ascii=False).encode())
                if number < LONGEST_PRINTED:
                    printed.append(record)
                yield [record["id"], *map(record["values"].get, names)]

        write(json.dumps(table.head(), ensure_ascii=False)[:-1].encode() + b', "records": [')
        archive.write(f"tables/{table.model}.csv", package.csv_blocks(["id", *names], rows()), moment)
        write(b"]}")
        return printed

    def _read_me(self, head):
        """What is in the archive, for whoever opens it first."""
        lines = [
            self.env._(
                "Request %(number)s, put together %(written)s UTC", number=head["request"], written=head["written"]
            ),
            "",
            "read-me.txt, schema.json: " + self.env._("what is here, and how data.json is built"),
            "data.json: " + self.env._("all the data, for machines"),
            "tables/*.csv: " + self.env._("the same data as tables, for spreadsheets"),
            "files.csv, files/: " + self.env._("your files; the list says what each was called"),
            "withheld.csv: " + self.env._("where other people's data was taken out, and why (Art. 15(4) GDPR)"),
        ]
        if head["kind"] == "access":
            lines.insert(2, "answer.pdf: " + self.env._("the answer to read"))
        return "\r\n".join([*lines, "", *head["notes"], ""])

    def _spool(self):
        return tempfile.TemporaryFile(dir=self._folder())

    def _put_spooled(self, archive, name, file, moment, packed=False):
        file.seek(0)
        archive.write(name, package.blocks_of(file), moment, packed)

    def _list_csv(self, name, rows):
        names = list(schema.SCHEMA["properties"][name]["items"]["properties"])
        return package.csv_blocks(names, ([row[name] for name in names] for row in rows))

    def _notes(self, work):
        """Sentences on what the package does not hold, and why."""
        notes = []
        if missing := [file for file in work["files"] if file["state"] == "missing"]:
            notes.append(
                self.env._(
                    "%s file(s) are listed whose content is no longer on our server; since when is not known.",
                    len(missing),
                )
            )
        if gone := [name for name in work["models"] if name not in self.env]:
            notes.append(
                self.env._(
                    "While this was put together a part of the system was removed, and its data with it: %s.",
                    ", ".join(gone),
                )
            )
        return notes

    # -- files ---------------------------------------------------------------------------------------

    def _attachment_ids(self, located):
        """Files that are the person's, without the smaller copies that Odoo makes of a picture."""
        given = self._given_attachment_ids(located)
        if self.request_id.kind == "portability":
            return given
        ids = {*given, *located.ids("ir.attachment", "self", "own")}
        declared = self.env["gdpr.data.map"]._declarations()
        rows = self.env.execute_query(
            SQL(
                "SELECT id, res_model, res_field FROM ir_attachment WHERE id = ANY(%s) ORDER BY id",
                list(ids),
            )
        )

        def goes_in(model, name):
            row = declared.get((model, name))
            return not name or not row or self.env["gdpr.reporter"]._is_exported(row, self.request_id.kind)

        return [id_ for id_, model, name in rows if goes_in(model, name)]

    def _given_attachment_ids(self, located):
        """Files the person gave: uploaded with a login of their own, or sent with a message of theirs."""
        rows = self.env.execute_query(
            SQL(
                """SELECT a.id FROM ir_attachment a
                     JOIN res_users u ON u.id = a.create_uid AND u.partner_id = ANY(%(people)s)
                    WHERE a.id = ANY(%(ids)s)
                    UNION
                   SELECT r.attachment_id FROM message_attachment_rel r
                     JOIN mail_message m ON m.id = r.message_id AND m.author_id = ANY(%(people)s)
                 ORDER BY 1""",
                people=list(located.partner_ids),
                ids=list(located.ids("ir.attachment", "self", "own")),
            )
        )
        return [id_ for (id_,) in rows]

    def _bytes_of(self, ids):
        [[size]] = self.env.execute_query(
            SQL("SELECT coalesce(sum(file_size), 0)::bigint FROM ir_attachment WHERE id = ANY(%s)", list(ids))
        )
        return size

    def _attachment_rows(self, ids):
        """What is known of files, in the order of the ids; one deleted meanwhile comes as its id alone."""
        rows = self.env.execute_query_dict(
            SQL(
                """SELECT id, name, type, mimetype, store_fname, checksum, db_datas IS NOT NULL AS in_row,
                          coalesce(file_size, 0) AS size
                     FROM ir_attachment WHERE id = ANY(%s)""",
                list(ids),
            )
        )
        found = {row["id"]: row for row in rows}
        return [found.get(id_, {"id": id_}) for id_ in ids]

    def _put_file(self, archive, row):
        """Pack one file; return what is to be said of it: ids, sizes and digests, no name."""
        entry = {"id": row["id"], "path": None, "state": "deleted", "size": 0, "sha256": None}
        if "type" not in row:
            return entry
        if row["type"] == "url":
            return entry | {"state": "link"}
        blocks = self._open_file(row)
        if blocks is None:
            return entry | {"state": "missing"}
        path = f"files/{row['id']}{package.extension(row['name'])}"
        packed = bool(package.PACKED.match(row["mimetype"] or ""))
        written = archive.write(path, blocks, fields.Datetime.now().timetuple(), packed)
        state = "included" if not row["checksum"] or written.sha1 == row["checksum"] else "changed"
        return entry | {"path": path, "state": state, "size": written.size, "sha256": written.sha256}

    def _open_file(self, row):
        """The blocks of a file, or nothing when it is gone."""
        if row["in_row"]:
            return self._row_blocks(row["id"])
        if not row["store_fname"]:
            return [] if not row["size"] else None
        path = self.env["ir.attachment"]._full_path(row["store_fname"])
        if os.path.isfile(path):
            return _file_blocks(path)
        # another storage than Odoo's own reads in its own way
        raw = self.env["ir.attachment"].sudo().browse(row["id"]).raw
        return [raw] if raw else None

    def _row_blocks(self, id_):
        """The blocks of a file that is kept in the database."""
        start = 1
        while True:
            [[block]] = self.env.execute_query(
                SQL(
                    "SELECT substring(db_datas FROM %s FOR %s) FROM ir_attachment WHERE id = %s",
                    start,
                    package.BLOCK,
                    id_,
                )
            )
            if not block:
                return
            yield bytes(block)
            start += package.BLOCK

    def _file_list(self, files):
        """What is said of each file in the package; names are read now and kept nowhere."""
        words = {
            "included": "",
            "changed": self.env._("differs from what was stored first"),
            "missing": self.env._("the content is gone; since when is not known"),
            "deleted": self.env._("was deleted while the package was being built"),
            "link": self.env._("only a link was stored"),
        }
        listed = []
        for batch in split_every(CHUNK_FILES, files, list):
            # sudo: the person's own files, found for the person
            attachments = self.env["ir.attachment"].sudo().browse(file["id"] for file in batch).exists()
            known = {attachment.id: attachment for attachment in attachments}
            for file in batch:
                attachment = known.get(file["id"])
                listed.append(
                    {
                        "path": file["path"],
                        "name": attachment.name if attachment else "",
                        "kind": (attachment and attachment.mimetype) or "",
                        "of": self._belongs_to(attachment),
                        "state": file["state"],
                        "size": file["size"],
                        "sha256": file["sha256"],
                        "note": words[file["state"]],
                    }
                )
            attachments.invalidate_recordset()
        return listed

    def _belongs_to(self, attachment):
        if not attachment or not attachment.res_model:
            return ""
        if attachment.res_model not in self.env:
            return self.env._("a part of the system that was removed")
        return f"{self.env[attachment.res_model]._description} {attachment.res_id or ''}".strip()

    # -- handing out ---------------------------------------------------------------------------------

    def _hand_out(self, way="staff"):
        """The path of the archive, for one download by whoever was let through; it is logged.

        :raises UserError: when the archive is not there
        """
        self._require_ready()
        # sudo: the name on disk is open to nobody
        path = self.sudo()._path()
        if not os.path.isfile(path):
            raise UserError(self.env._("The file of this package is gone from the server: prepare it again."))
        self.env["gdpr.package.download"]._log(self, way)
        return path

    def _send_link(self, partner):
        """Mail a link to one of the person's contacts; an earlier link ends. Its text is kept nowhere."""
        self._check_reader()
        self._require_ready()
        # sudo: links and packages have no writer but this
        record, tokens = self.sudo(), self.env["consent.token"]
        if record.link_id and not record.link_id.used_at:
            record.link_id._use()
        days = (record.ends_at - fields.Datetime.now()) / timedelta(days=1)
        token = tokens._issue("package", days, package=record.id)
        record.write({"link_id": tokens._find(token, "package").id, "link_sent_at": fields.Datetime.now()})
        self.env["consent.letter"].with_company(record.request_id.company_id)._send(
            "client_gdpr.mail_template_package_link",
            record,
            partner,
            partner.email_normalized,
            f"/privacy/package/{token}",
        )
        self.request_id.message_post(body=self.env._("The link to the package was sent to Contact %s.", partner.id))

    @api.model
    def _by_link(self, token):
        """The package a link leads to, for whoever holds it; nothing when the link is forged, over or used up."""
        # sudo: whoever holds the link is taken for the person it was sent to
        link = self.env["consent.token"].sudo()._find(token, "package")
        record = (
            self.sudo().search([("link_id", "=", link.id), ("state", "=", "ready")], limit=1) if link else self.sudo()
        )
        if not record or record.ends_at < fields.Datetime.now() or record._downloads_by_link() >= MOST_DOWNLOADS:
            return self.sudo().browse()
        return record

    def _downloads_by_link(self):
        return (
            self.env["gdpr.package.download"].sudo().search_count([("package_id", "=", self.id), ("way", "=", "link")])
        )

    def _download_name(self):
        """The name of the file: it holds the number of the request and names nobody."""
        return f"{self.request_id.name.replace('/', '-')}-{self.request_id.kind}.zip"

    # -- the file on disk ----------------------------------------------------------------------------

    def _folder(self):
        return os.path.join(config.filestore(self.env.cr.dbname), FOLDER)

    def _path(self):
        return os.path.join(self._folder(), self.stored)

    def _drop_file(self):
        if self.stored:
            _remove(self._path())

    def _purge(self):
        """Delete files and secrets; the records stay and say what was handed out."""
        for record in self:
            path = record._path() if record.stored else None
            if path:
                # after the commit: a purge that is rolled back must not leave a record without its file
                self.env.cr.postcommit.add(lambda path=path: _remove(path))
        self.link_id.filtered(lambda link: not link.used_at).used_at = fields.Datetime.now()
        self.write({"state": "purged", "stored": False, "passphrase": False, "work": False, "progress": 0})

    @api.autovacuum
    def _gc_packages(self):
        """Delete archives whose time is over, and files that a killed process left."""
        self.search([("state", "=", "ready"), ("ends_at", "<", fields.Datetime.now())])._purge()
        if not os.path.isdir(self._folder()):
            return
        known = set(self.search([("stored", "!=", False)]).mapped("stored"))
        before = (fields.Datetime.now() - timedelta(hours=ORPHAN_HOURS)).timestamp()
        with os.scandir(self._folder()) as entries:
            for entry in entries:
                if entry.name not in known and entry.stat().st_mtime < before:
                    _remove(entry.path)

    @api.model
    def _lasts_days(self):
        days = self.env["ir.config_parameter"].sudo().get_param("client_gdpr.package_days", LASTS_DAYS)
        return max(int(days), 1)

    # -- pass phrase ---------------------------------------------------------------------------------

    def _seal(self, secret):
        return keys.encrypt(self.env["consent.key"]._ring().derive("request"), secret.encode(), self._place())

    def _open_passphrase(self):
        ring = self.env["consent.key"]._ring()
        # the field is open to nobody
        return keys.decrypt(ring.derive("request"), base64.b64decode(self.sudo().passphrase), self._place()).decode()

    def _take_passphrase(self):
        """The pass phrase, for the last time."""
        self.lock_for_update()
        if not self.sudo().passphrase:
            raise UserError(
                self.env._(
                    "The pass phrase was shown already and is not kept. If it is lost, prepare the package again: "
                    "the new one has a pass phrase of its own."
                )
            )
        secret = self._open_passphrase()
        # sudo: showing it is what the caller may; the record has no other writer
        self.sudo().write({"passphrase": False, "passphrase_seen_at": fields.Datetime.now()})
        self.request_id.message_post(body=self.env._("The pass phrase of the package was shown."))
        return secret

    def _place(self):
        return f"gdpr.package/{self.id}".encode()

    # -- helpers -------------------------------------------------------------------------------------

    def _check_reader(self):
        """Let through only those who may read the answer itself."""
        self.ensure_one()
        if not self.env.user.has_groups(ANSWER_GROUPS):
            raise AccessError(
                self.env._(
                    "Only privacy handlers and the data protection officer open packages: they hold everything "
                    "about a person."
                )
            )
        self.check_access("read")
        self.request_id.check_access("read")

    def _require_ready(self):
        if self.state != "ready" or not self.ends_at or self.ends_at < fields.Datetime.now():
            raise UserError(self.env._("This package is not there any more, or not yet: prepare it again."))


def _file_blocks(path):
    with open(path, "rb") as file:
        yield from package.blocks_of(file)


def _size(path):
    return os.path.getsize(path) if os.path.exists(path) else 0


def _remove(path):
    if os.path.exists(path):
        os.remove(path)
