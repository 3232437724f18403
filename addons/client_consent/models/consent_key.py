import base64
import configparser
import logging
import os

from odoo import api, fields, models, tools
from odoo.exceptions import AccessError, UserError
from odoo.tools import SQL

from ..tools import keys, recovery_sheet
from ..tools.errors import CannotDecrypt, KeyMalformed, KeyMismatch, KeyMissing, KeyProblem, KeyReadableByOthers

_logger = logging.getLogger(__name__)

SECTION = "client_consent"
FINGERPRINT = "client_consent.key_fingerprint"
SHEET = "client_consent.sheet_fingerprint"
CHUNK = 10_000
#: Databases whose key was looked at since the process began; a registry is built more than once.
_looked_at = set()


class ConsentKey(models.AbstractModel):
    """The way from the configuration to the key ring. The key itself is never in the database.

    odoo.conf, section ``[client_consent]``: ``key_file`` names a file of mode 0600, or ``key_env`` an
    environment variable that holds the same line. The database keeps the fingerprint and refuses to
    encrypt, seal or sign with another key. ``key_file_new`` names the file of the key that is to follow.
    """

    _name = "consent.key"
    _description = "Consent Key"

    @api.model
    def _ring(self):
        """The key ring.

        :raises UserError: when the key is missing, readable by others, malformed or another one than before
        """
        try:
            ring = keys.KeyRing.load(self._configured_key())
            self._check_fingerprint(ring)
        except KeyProblem as error:
            raise UserError(self._explain(error)) from error
        return ring

    def _configured_key(self):
        """The text of the key; after a rotation the new file counts until it is put in the old one's place."""
        text = self._read_key()
        known = self._known_fingerprint()
        if known and keys.KeyRing.load(text).fingerprint != known and (path := self._option("key_file_new")):
            following = keys.read_key_file(path)
            return following if keys.KeyRing.load(following).fingerprint == known else text
        return text

    def _known_fingerprint(self):
        # whoever records or reads may learn whether the key fits; the fingerprint says nothing about the key
        return self.env["ir.config_parameter"].sudo().get_param(FINGERPRINT)

    def _check_fingerprint(self, ring):
        """Compare with the key this database was set up with; the first key is remembered."""
        if known := self._known_fingerprint():
            ring.verify(known)
        else:
            # set-up of the database, by whoever uses the key first
            self.env["ir.config_parameter"].sudo().set_param(FINGERPRINT, ring.fingerprint)

    @api.model
    def _remember_if_configured(self):
        """Remember the fingerprint at installation; without a configured key nothing happens yet."""
        if any(self._configured()):
            self._ring()

    def _read_key(self):
        path, variable = self._configured()
        if path:
            return keys.read_key_file(path)
        if variable and os.environ.get(variable):
            return os.environ[variable]
        raise KeyMissing("environment variable" if variable else "configuration file")

    def _configured(self):
        """(path, name of the environment variable) from the configuration."""
        return self._option("key_file"), self._option("key_env")

    def _option(self, name):
        """An option of our section of the configuration file, or nothing; Odoo itself reads [options] only."""
        parser = configparser.RawConfigParser()
        if tools.config["config"]:
            parser.read(tools.config["config"])
        return parser.get(SECTION, name, fallback=None)

    # -- start-up ------------------------------------------------------------------------------------

    def _register_hook(self):
        """Say at start-up, once, what is wrong with the key: later it would be found in the middle of an erasure."""
        super()._register_hook()
        if self.env.cr.dbname not in _looked_at and not tools.config["test_enable"]:
            _looked_at.add(self.env.cr.dbname)
            self._warn()

    def _warn(self):
        """Log what keeps the key from being used, if anything; never the key, and no path."""
        if problem := self._problem():
            _logger.warning("Database %s: %s", self.env.cr.dbname, problem)

    @api.model
    def _problem(self):
        """What keeps the key from being used and what to do about it, or nothing."""
        try:
            ring = keys.KeyRing.load(self._configured_key())
            if known := self._known_fingerprint():
                ring.verify(known)
        except KeyProblem as error:
            return self._explain(error)
        return ""

    # -- rotation ------------------------------------------------------------------------------------

    @api.model
    def _following_ring(self):
        """The key that is to follow, from the file the configuration names.

        :raises UserError: when there is none, or it is the present one
        """
        path = self._option("key_file_new")
        if not path:
            raise UserError(
                self.env._(
                    "Make the new key file (mode 0600), name it in odoo.conf, section [client_consent], "
                    "option key_file_new, and restart Odoo."
                )
            )
        try:
            following = keys.KeyRing.load_file(path)
        except KeyProblem as error:
            raise UserError(self.env._("The new key: %s", self._explain(error))) from error
        if following.fingerprint == self._known_fingerprint():
            raise UserError(self.env._("The file named in key_file_new holds the key that is in use already."))
        return following

    @api.model
    def _rotate(self):
        """Put the following key in place of the present one, in one transaction; evidence and seals stay readable.

        :return: how many wrapped values were wrapped anew
        """
        with self.env["consent.checkpoint"]._own_transaction() as checkpoints:
            return checkpoints.env["consent.key"]._take_over()

    def _take_over(self):
        # before the first query: who is storing a key now must end first, and must be seen
        self.env.cr.execute("LOCK TABLE consent_subject IN SHARE ROW EXCLUSIVE MODE")
        present, following = self._ring(), self._following_ring()
        count = self._rewrap(present, following)
        self.env["consent.signer"]._introduce(present, following)
        # only managers come here; the parameters are the administrators'
        self.env["ir.config_parameter"].sudo().set_param(FINGERPRINT, following.fingerprint)
        return count

    def _rewrap(self, present, following):
        """Wrap under ``following`` what ``present`` wraps; add-ons that wrap something else add theirs.

        :return: how many values were wrapped anew
        """
        old, new = present.derive("subject-wrap"), following.derive("subject-wrap")
        count = last = 0
        while rows := self.env.execute_query(
            SQL(
                """SELECT id, uuid, wrapped_key FROM consent_subject
                    WHERE id > %s AND wrapped_key IS NOT NULL ORDER BY id LIMIT %s""",
                last,
                CHUNK,
            )
        ):
            last = rows[-1][0]
            count += len(rows)
            self.env.cr.execute_values(
                "UPDATE consent_subject s SET wrapped_key = v.key FROM (VALUES %s) AS v(id, key) WHERE s.id = v.id",
                [(id_, self._wrapped_anew(bytes(wrapped), number, old, new)) for id_, number, wrapped in rows],
                page_size=len(rows),
            )
        self.env["consent.subject"].invalidate_model(["wrapped_key"])
        return count

    def _wrapped_anew(self, wrapped, number, old, new):
        place = f"consent.subject/{number}".encode()
        try:
            return base64.b64encode(keys.encrypt(new, keys.decrypt(old, base64.b64decode(wrapped), place), place))
        except CannotDecrypt as error:
            raise UserError(
                self.env._(
                    "The key of subject %s cannot be unwrapped: the row was changed or damaged. "
                    "Nothing was changed; restore the row first.",
                    number,
                )
            ) from error

    # -- recovery sheet ------------------------------------------------------------------------------

    @api.model
    def _sheet_due(self):
        """Whether the recovery sheet of the present key was not handed out yet."""
        # a fingerprint, shown to managers only
        return self.env["ir.config_parameter"].sudo().get_param(SHEET) != self._known_fingerprint()

    @api.model
    def _recovery_sheet(self):
        """The recovery sheet as PDF, once per key: the bytes are kept nowhere.

        :raises UserError: when it was handed out already
        """
        if not self.env.user.has_group("client_consent.group_consent_manager"):
            raise AccessError(self.env._("Only a consent manager prints the recovery sheet."))
        ring = self._ring()
        if not self._sheet_due():
            raise UserError(
                self.env._(
                    "The recovery sheet of this key was printed already. If it is lost, exchange the key: "
                    "the new one has a sheet of its own."
                )
            )
        # remembered before the sheet leaves, so that two requests at once do not both get it
        self.env["ir.config_parameter"].sudo().set_param(SHEET, ring.fingerprint)
        return recovery_sheet.render(
            self._configured_key().strip(),
            [
                (self.env._("Fingerprint of the key"), ring.fingerprint),
                (self.env._("Public key that checks the ledger"), self.env["consent.signer"]._of_ring(ring)),
                (self.env._("Printed"), fields.Date.context_today(self).isoformat()),
            ],
            self.env._("Recovery sheet"),
            [
                self.env._(
                    "This is the key of the privacy add-ons. Whoever has it and the database can open evidence."
                ),
                self.env._("Put the sheet into a safe, apart from backups of the database. Do not copy or scan it."),
                self.env._(
                    "To restore: write the line below without its spaces, or what the square says, into a file of one "
                    "line; give it mode 0600 and the user that runs Odoo as owner; name it in odoo.conf, section "
                    "[client_consent], option key_file; restart Odoo. If Odoo says that it is another key, a sign was "
                    "misread."
                ),
            ],
        )

    def _explain(self, error):
        """A problem with the key, and what to do about it."""
        if isinstance(error, KeyMissing):
            return self.env._(
                "The key of the privacy add-ons is missing. Name its file in odoo.conf, section [client_consent], "
                "option key_file; "
                "if the file was lost, restore it from the printed recovery sheet or its backup."
            )
        if isinstance(error, KeyReadableByOthers):
            return self.env._("The key file can be read by others than Odoo. Set its mode to 0600 and try again.")
        if isinstance(error, KeyMismatch):
            return self.env._(
                "This is another key than the one this database was set up with. Put the right key file back."
            )
        if isinstance(error, KeyMalformed):
            return self.env._("The key file does not hold a key. Put the right file back; do not make a new one.")
        return str(error)
