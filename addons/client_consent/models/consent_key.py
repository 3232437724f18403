import configparser
import os

from odoo import api, models, tools
from odoo.exceptions import UserError

from ..tools import keys
from ..tools.errors import KeyMalformed, KeyMismatch, KeyMissing, KeyProblem, KeyReadableByOthers

SECTION = "client_consent"
FINGERPRINT = "client_consent.key_fingerprint"


class ConsentKey(models.AbstractModel):
    """The way from the configuration to the key ring. The key itself is never in the database.

    odoo.conf, section ``[client_consent]``: ``key_file`` names a file of mode 0600, or ``key_env`` an
    environment variable that holds the same line. The database keeps the fingerprint and refuses to
    encrypt, seal or sign with another key.
    """

    _name = "consent.key"
    _description = "Consent Key"

    @api.model
    def _ring(self):
        """The key ring.

        :raises UserError: when the key is missing, readable by others, malformed or another one than before
        """
        try:
            ring = keys.KeyRing.load(self._read_key())
            self._check_fingerprint(ring)
        except KeyProblem as error:
            raise UserError(self._explain(error)) from error
        return ring

    def _check_fingerprint(self, ring):
        """Compare with the key this database was set up with; the first key is remembered."""
        parameters = self.env["ir.config_parameter"].sudo()
        known = parameters.get_param(FINGERPRINT)
        if known:
            ring.verify(known)
        else:
            parameters.set_param(FINGERPRINT, ring.fingerprint)

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
        """(path, name of the environment variable) from the configuration file; Odoo itself reads [options] only."""
        parser = configparser.RawConfigParser()
        if tools.config["config"]:
            parser.read(tools.config["config"])
        if not parser.has_section(SECTION):
            return None, None
        return parser.get(SECTION, "key_file", fallback=None), parser.get(SECTION, "key_env", fallback=None)

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
