import base64
import logging
import os
import uuid
from datetime import timedelta

import psycopg2
from odoo import api, fields, models
from odoo.addons.client_consent.tools import keys
from odoo.exceptions import AccessError, UserError
from odoo.tools import config, human_size

from ..tools import package
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
        self.sudo().request_id.take_out_payload = False

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
        reporter = self.env["gdpr.reporter"]
        ids = reporter._attachment_ids(found, self.request_id.kind)
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
                    "bytes": reporter._attachment_bytes(ids),
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
            reporter, begun, done = self.env["gdpr.reporter"], self._bytes_done(work), 0
            for row in reporter._attachment_rows(work["ids"][:CHUNK_FILES]):
                work["files"].append(reporter._pack_file(archive, row))
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

    def _put_answer(self, archive, work):
        """Write the answer itself; return whether the package is whole: what came meanwhile is packed first."""
        self.request_id._check_contacts()
        reporter, kind = self.env["gdpr.reporter"], self.request_id.kind
        reading = reporter._reading(self.request_id, mentions=kind == "access")
        known = {file["id"] for file in work["files"]}
        if later := [id_ for id_ in reporter._attachment_ids(reading.located, kind) if id_ not in known]:
            work["ids"] = later
            return False
        gone = [model for model in work["models"] if model not in self.env]
        work["counts"] = reporter._pack_answer(archive, self.request_id, reading, work["files"], gone, self._folder())
        return True

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
                "file_count": work["counts"]["files"],
                "missing_count": sum(file["state"] == "missing" for file in work["files"]),
                "mention_count": work["counts"]["mentions"],
                "withheld_count": work["counts"]["withheld"],
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
        over = self.search([("state", "=", "ready"), ("ends_at", "<", fields.Datetime.now())])
        over._purge()
        over.request_id.take_out_payload = False
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


def _size(path):
    return os.path.getsize(path) if os.path.exists(path) else 0


def _remove(path):
    if os.path.exists(path):
        os.remove(path)
