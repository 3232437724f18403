import configparser
import errno
import hashlib
import logging
import socket
import uuid
from collections import defaultdict
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from odoo import SUPERUSER_ID, api, fields, models, tools
from odoo.exceptions import AccessError, UserError
from odoo.tools import SQL

from ..tools.errors import TombstoneFileDamaged, TombstoneUnwritten
from ..tools.identity import fold
from ..tools.tombstone_file import SUFFIX, TombstoneFile, read_folder

_logger = logging.getLogger(__name__)

SECTION = "client_gdpr"
PENDING = "gdpr.tombstone"
#: People erased again by a call from outside; more are the scheduled job's.
AT_ONCE = 20
#: Databases looked at since the process began; a registry is built more than once.
_looked_at = set()


class TombstoneRefused(UserError):
    """Nothing was erased, for nothing would have remembered it after a restore."""


class GdprTombstone(models.Model):
    """That a person was erased, without naming anybody: by keyed digests, here and in a file outside the database.

    The file lives through a restore of the database; what it knows and the database does not is erased again.
    Each host appends to a file of its own: an *intent* before the erasure is committed, *done* after it.
    odoo.conf, section ``[client_gdpr]``: ``tombstone_folder`` names the folder; by default it is ``tombstones``
    beside the key file.
    """

    _name = "gdpr.tombstone"
    _description = "Tombstone of an Erasure"
    _rec_name = "reference"
    _order = "id desc"
    _log_access = False

    reference = fields.Char(required=True, readonly=True)
    request_id = fields.Many2one("gdpr.request", readonly=True, index="btree_not_null", ondelete="restrict")
    company_id = fields.Many2one("res.company", readonly=True, ondelete="restrict")
    erased_at = fields.Datetime("Erased", required=True, readonly=True)
    origin = fields.Selection(
        [("erasure", "Erased here"), ("file", "Known from the file after a restore")], required=True, readonly=True
    )
    suppression_ids = fields.One2many("gdpr.suppression", "tombstone_id", readonly=True)

    _reference_once = models.Constraint("unique(reference)", "This tombstone is known already.")

    @api.ondelete(at_uninstall=False)
    def _unlink_never(self):
        raise UserError(self.env._("A tombstone is never deleted: it keeps an erased person from coming back."))

    # -- start-up ------------------------------------------------------------------------------------

    def _register_hook(self):
        """Settle what a crash left open, and say how many erasures this database does not know of."""
        super()._register_hook()
        changing = tools.config["init"] or tools.config["update"] or tools.config["test_enable"]
        if self.env.cr.dbname not in _looked_at and not changing:
            _looked_at.add(self.env.cr.dbname)
            self._look_at_start()

    def _look_at_start(self):
        """Log what the files know and the database does not, and let the nightly job begin at once."""
        try:
            content, unclear = self._settle()
        except UserError as error:
            _logger.warning("Database %s: %s", self.env.cr.dbname, error)
            return
        unknown, unclear = self._unknown(content), self._of_this_name(unclear)
        ours = self._of_this_name(unknown)
        if ours:
            _logger.warning(
                "Database %s: %s erasure(s) are noted in the tombstone files and not in the database, which was "
                "restored from an earlier copy. They are carried out again by the scheduled job.",
                self.env.cr.dbname,
                len(ours),
            )
        if len(unknown) > len(ours):
            _logger.warning(
                "Database %s: %s erasure(s) that the database does not know of were noted when it had another name. "
                "If it is a restored copy that is to be used from now on, run: odoo gdpr_replay -d %s",
                self.env.cr.dbname,
                len(unknown) - len(ours),
                self.env.cr.dbname,
            )
        if unclear:
            _logger.warning(
                "Database %s: of %s erasure(s) nobody can say whether they were carried out before the restore. The "
                "data protection officer gets a task.",
                self.env.cr.dbname,
                len(unclear),
            )
        if ours or unclear:
            self.env.ref("client_gdpr.ir_cron_tombstones")._trigger()

    def _unknown(self, content):
        """Records of committed erasures that the database does not know of."""
        done = content.done()
        known = self._known([record.reference for record in done])
        return [record for record in done if record.reference not in known]

    def _of_this_name(self, records):
        """Those that were noted under the present name of the database: a copy beside it is left alone."""
        return [record for record in records if record.intent.get("database") == self.env.cr.dbname]

    @api.model
    def _cron_settle(self):
        """Nightly, and at once after a start that found something to do."""
        content, unclear = self._settle()
        self.env["gdpr.tombstone.intent"]._list(self._of_this_name(unclear))
        unknown = self._of_this_name(self._unknown(content))
        if unknown:
            self.env["gdpr.replay"]._run(unknown, content, checkpoint=self._checkpoint)

    @api.model
    def _checkpoint(self, done, remaining):
        """Commit after some people, in the scheduled job: whether there is time for more."""
        return self.env["ir.cron"]._commit_progress(done, remaining=remaining) > 0

    def _ask_dpo(self, record, summary):
        """A task for every data protection officer; where there is none, the log has to do."""
        officers = self.env.ref("client_gdpr.group_gdpr_dpo").sudo().all_user_ids.filtered("active")
        if not officers:
            _logger.warning("%s %s needs a data protection officer, and nobody is one", record._name, record.id)
        for officer in officers:
            # sudo: the task is made by the system
            record.sudo().activity_schedule("mail.mail_activity_data_todo", user_id=officer.id, summary=summary)

    # -- after a restore -----------------------------------------------------------------------------

    @api.model
    def replay(self, path=None):
        """Erase again whom the files outside the database tell of and the database brought back.

        :param path: folder with the files of one or several hosts; the configured one by default
        :return: ``{"found": people whose data came back, "erased_again": how many of them are erased,
            "open_intents": [{"reference", "request", "announced"}] that only a person can settle}``; over RPC at
            most 20 people, the scheduled job takes the rest
        :raises AccessError: for others than the data protection officer and, with a folder, administrators
        """
        if not self.env.su:
            needed = "base.group_system" if path else "client_gdpr.group_gdpr_dpo"
            if not self.env.user.has_group(needed):
                raise AccessError(
                    self.env._("Only the data protection officer, or for a folder an administrator, starts this.")
                )
        # sudo: the erasures were approved; whoever starts this sees counts
        return self.sudo()._replay(path, limit=None if self.env.su else AT_ONCE)

    def _replay(self, path=None, limit=None, checkpoint=None):
        content, unclear = self._settle(path)
        self.env["gdpr.tombstone.intent"]._list(unclear)
        unknown, replay = self._unknown(content), self.env["gdpr.replay"]
        if unknown:
            replay = replay._run(unknown, content, limit=limit, checkpoint=checkpoint)
            if limit and replay.found_count > limit:
                self.env.ref("client_gdpr.ir_cron_tombstones")._trigger()
        return {
            "found": replay.found_count,
            "erased_again": replay.erased_count,
            "open_intents": [
                {
                    "reference": record.reference,
                    "request": record.intent.get("request", ""),
                    "announced": record.intent.get("at", ""),
                }
                for record in unclear
            ],
        }

    def _note_outcome(self, references, outcome):
        """Append what a person decided about announced erasures."""
        now = fields.Datetime.to_string(fields.Datetime.now())
        self._append([{"kind": outcome, "ref": reference, "at": now, "by": self.env.uid} for reference in references])

    # -- erasing -------------------------------------------------------------------------------------

    @api.model
    def _intend(self, people):
        """Announce erasures, before they are carried out: one tombstone a person, in the database and in the file.

        To be called inside the savepoint that erases. The lines are on disk when it comes back; what became of them
        is written by itself after the transaction, from what the database then says.

        :param people: list of (``gdpr.request``, contact ids, :class:`Identity`, kinds of addresses that stay in use)
        :raises TombstoneRefused: when the file cannot be written: then nothing may be erased
        """
        if not people:
            return self
        [(key_name, key), *_earlier] = self.env["gdpr.suppression"]._keys().items()
        born = self._born([id_ for _request, ids, *_rest in people for id_ in ids])
        now = fields.Datetime.now()
        rows, lines, place = [], [], self._place()
        for request, ids, identity, living in people:
            contacts = [born[id_] for id_ in ids if id_ in born]
            digests = self._identity_digests(key, identity, contacts)
            reference = uuid.uuid4().hex
            told = digests | {"living": living}
            rows.append((reference, request.id or None, request.company_id.id or None, now, told))
            lines.append(
                {
                    **place,
                    **told,
                    "kind": "intent",
                    "ref": reference,
                    "request": request.name or "",
                    "company": request.company_id.id or None,
                    "at": fields.Datetime.to_string(now),
                    "key": key_name,
                    "decisions": sorted([*rule, what] for rule, what in request.plan_id._decisions().items()),
                }
            )
        tombstones = self._insert(rows, key_name, "erasure")
        self._append(lines)
        self._settle_after_commit([line["ref"] for line in lines])
        return tombstones

    @api.model
    def _check_writable(self):
        """Refuse before anything begins when no tombstone could be written.

        :raises TombstoneRefused: saying what to do
        """
        try:
            self._file().check()
        except TombstoneUnwritten as error:
            raise TombstoneRefused(self._explain(error)) from error

    def _born(self, partner_ids):
        """What tells a row from every other, also after a restore: contact id → number and moment of creation."""
        rows = self.env.execute_query(
            SQL("SELECT id, create_date FROM res_partner WHERE id = ANY(%s)", list(partner_ids))
        )
        return {id_: self._row_name(id_, moment) for id_, moment in rows}

    @staticmethod
    def _row_name(id_, moment):
        return f"{id_}:{moment.isoformat() if moment else ''}"

    @staticmethod
    def _pair(name, address):
        return f"{fold(name)}|{address}"

    @api.model
    def _identity_digests(self, key, identity, contacts):
        """The digests of one person: kind → sorted digests.

        ``contact`` the rows, ``email``, ``phone`` and ``code`` what belonged to this person alone, ``pair`` a name
        together with an address: by that a contact typed in anew is recognised, by the address alone it is not, for
        somebody else may have had it earlier.
        """
        suppression = self.env["gdpr.suppression"]

        def digests(kind, values):
            normal = {suppression._normal(kind, value) for value in values}
            return sorted(suppression._digest(key, kind, value) for value in normal)

        addresses = {suppression._normal("email", email) for email in identity.emails}
        addresses |= {suppression._normal("phone", phone) for phone in identity.phones}
        return {
            "contact": digests("contact", contacts),
            "email": digests("email", identity.emails),
            "phone": digests("phone", identity.phones),
            "code": digests("code", identity.codes),
            "pair": digests("pair", [self._pair(name, address) for name in identity.names for address in addresses]),
        }

    def _insert(self, rows, key_name, origin):
        """Store tombstones and suppressed addresses with one statement each.

        :param rows: (reference, request id, company id, moment, digests)
        """
        self.env.flush_all()
        ids = self.env.cr.execute_values(
            """INSERT INTO gdpr_tombstone (reference, request_id, company_id, erased_at, origin)
               VALUES %s RETURNING id""",
            [(*row, origin) for *row, _digests in rows],
            page_size=len(rows),
            fetch=True,
        )
        tombstones = self.browse(id_ for (id_,) in ids)
        suppressed = [
            (tombstone.id, kind, digest, key_name)
            for tombstone, row in zip(tombstones, rows, strict=True)
            for kind in ("email", "phone")
            if kind not in row[-1].get("living", ())
            for digest in row[-1].get(kind, ())
        ]
        if suppressed:
            self.env.cr.execute_values(
                "INSERT INTO gdpr_suppression (tombstone_id, kind, digest, key_name) VALUES %s",
                suppressed,
                page_size=len(suppressed),
            )
        return tombstones

    # -- the file ------------------------------------------------------------------------------------

    @api.model
    def _folder(self):
        """The folder of the files, from the configuration.

        :raises UserError: when none is configured and there is no key file beside which it could be
        """
        parser = configparser.RawConfigParser()
        if tools.config["config"]:
            parser.read(tools.config["config"])
        if folder := parser.get(SECTION, "tombstone_folder", fallback=None):
            return Path(folder)
        path, _variable = self.env["consent.key"]._configured()
        if path:
            return Path(path).parent / "tombstones"
        raise UserError(
            self.env._(
                "Nobody has said where to remember erasures outside the database. Name a folder in odoo.conf, section "
                "[client_gdpr], option tombstone_folder, on a disk that is not restored together with the database."
            )
        )

    def _file(self):
        """The file of this host for this database."""
        return TombstoneFile(self._folder() / f"{self.env.cr.dbname}.{socket.gethostname()}{SUFFIX}")

    def _append(self, lines):
        try:
            self._file().append(lines)
        except (TombstoneUnwritten, TombstoneFileDamaged) as error:
            raise TombstoneRefused(self._explain(error)) from error

    def _explain(self, error):
        """What is wrong with the file, and what to do about it."""
        if isinstance(error, TombstoneFileDamaged):
            return self.env._(
                "Nothing was erased: the file that remembers erasures was changed (%(file)s, line %(line)s). Keep a "
                "copy of it for the data protection officer, put the last good copy back and try again.",
                file=error.file,
                line=error.line,
            )
        if error.code in (errno.ENOSPC, errno.EDQUOT):
            return self.env._(
                "Nothing was erased: the disk that remembers erasures is full. Make room in the folder named in "
                "odoo.conf, section [client_gdpr], option tombstone_folder, and try again."
            )
        return self.env._(
            "Nothing was erased: the file that remembers erasures cannot be written (%s). Let the user that runs Odoo "
            "write in the folder named in odoo.conf, section [client_gdpr], option tombstone_folder, and try again.",
            error.why,
        )

    def _place(self):
        """Which database and which transaction a line belongs to, so that its end can be looked up later."""
        [(incarnation, transaction)] = self.env.execute_query(
            SQL("SELECT (%s), pg_current_xact_id()::text", self._incarnation_sql())
        )
        return {
            "database": self.env.cr.dbname,
            "uuid": self._uuid(),
            "incarnation": self._incarnation_name(incarnation),
            "transaction": transaction,
        }

    @api.model
    def _uuid(self):
        """What Odoo calls this database, whatever its name; a restore keeps it."""
        # sudo: says nothing about anybody
        return self.env["ir.config_parameter"].sudo().get_param("database.uuid")

    @staticmethod
    def _incarnation_sql():
        """The cluster, its history and the database in it: another one after every restore."""
        return SQL(
            """SELECT concat_ws('/', (SELECT system_identifier FROM pg_control_system()),
                                     (SELECT timeline_id FROM pg_control_checkpoint()),
                                     (SELECT oid FROM pg_database WHERE datname = current_database()))"""
        )

    @staticmethod
    def _incarnation_name(incarnation):
        return hashlib.sha256(incarnation.encode()).hexdigest()[:16]

    @api.model
    def _tell_keys(self, present, wrapped):
        """Write the digest keys of before an exchange, wrapped under the key that follows."""
        self._append(
            [{"kind": "key", "key": name, "under": present, "wrapped": text} for name, text in sorted(wrapped.items())]
        )

    # -- how it ended --------------------------------------------------------------------------------

    def _settle_after_commit(self, references):
        waiting = self.env.cr.postcommit.data.setdefault(PENDING, [])
        if not waiting:
            self.env.cr.postcommit.add(partial(self._after_commit, self.env.registry, waiting))
        waiting += references

    @staticmethod
    def _after_commit(registry, references):
        """Say in the file what became of the announced erasures. What cannot be said now is said at start-up."""
        done, references[:] = list(references), []
        with registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            try:
                env["gdpr.tombstone"]._conclude(done)
            except TombstoneRefused as error:
                # the erasure is committed and its row is there: the next start settles the line
                _logger.error("erasures were carried out, but not noted as done yet: %s", error)

    def _conclude(self, references):
        """Append *done* for the references that have a row, *void* for the others; their transaction has ended."""
        known, now = self._known(references), fields.Datetime.to_string(fields.Datetime.now())
        self._append(
            [
                {"kind": "done" if reference in known else "void", "ref": reference, "at": now}
                for reference in references
            ]
        )

    def _known(self, references):
        rows = self.env.execute_query(
            SQL("SELECT reference FROM gdpr_tombstone WHERE reference = ANY(%s)", list(references))
        )
        return {reference for (reference,) in rows}

    @api.model
    def _settle(self, path=None):
        """Settle intents that a crash or a full disk left open, by what the database says.

        :return: (what the files say afterwards, records that only a person can settle)
        """
        content = self._read(path)
        # which of a person's decisions are of this very database is told by the uuid
        opened = [record for record in content.open() if record.intent["uuid"] == self._uuid()]
        if not opened:
            return content, []
        # after the files were read, and in a transaction that sees all that was committed until then
        with self._own_transaction() as tombstones:
            known = tombstones._known([record.reference for record in opened])
            states = tombstones._transactions([record for record in opened if record.reference not in known])
            ended = [r for r in opened if r.reference in known or states.get(r.reference) == "ended"]
            tombstones._conclude([record.reference for record in ended])
        for record in ended:
            record.outcome = "done" if record.reference in known else "void"
        return content, [r for r in opened if not r.outcome and r.reference not in states]

    @contextmanager
    def _own_transaction(self):
        with self.env.registry.cursor() as cr:
            yield self.with_env(self.env(cr=cr))

    def _transactions(self, records):
        """What this database knows of the records' transactions: reference → ``ended`` or ``running``.

        Those of another database, or of this one before a restore, are left out: a number says nothing there. So is
        a number this database has not come to yet: it was put back to an earlier state as a whole.
        """
        place = self._place()
        ours = defaultdict(list)
        for record in records:
            if record.intent.get("incarnation") == place["incarnation"] and record.intent.get("transaction"):
                ours[record.intent["transaction"]].append(record.reference)
        if not ours:
            return {}
        rows = self.env.execute_query(
            SQL(
                """SELECT id, CASE WHEN pg_visible_in_snapshot(id::xid8, now.snapshot) THEN 'ended'
                                   WHEN id::xid8 <= %s::xid8 THEN 'running' END
                     FROM unnest(%s) id, (SELECT pg_current_snapshot() AS snapshot) now""",
                place["transaction"],
                list(ours),
            )
        )
        return {reference: state for id_, state in rows if state for reference in ours[id_]}

    @api.model
    def _read(self, path=None):
        """What the files in the folder say of this database, under whatever name it wrote them.

        :raises UserError: when a file was changed
        """
        try:
            content = read_folder(Path(path) if path else self._folder())
        except TombstoneFileDamaged as error:
            raise UserError(self._explain(error)) from error
        uuid = self._uuid()
        content.records = {
            reference: record
            for reference, record in content.records.items()
            # of another database only what a folder was named for
            if record.intent.get("uuid") == uuid or (path and record.intent.get("uuid"))
        }
        return content
