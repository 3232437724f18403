import argparse
import os
import sys
from pathlib import Path

from odoo import SUPERUSER_ID, api
from odoo.cli import Command
from odoo.modules.registry import Registry
from odoo.tools import config


class ConsentVerify(Command):
    """Compare the consent ledger of a database with what was signed, or write it into a file to be checked elsewhere.

    Exit code 0: everything fits. 1: something does not, and every finding says where. 2: it cannot be checked.
    """

    name = "consent_verify"

    def run(self, cmdargs):
        parser = self.parser
        parser.formatter_class = argparse.RawDescriptionHelpFormatter
        parser.add_argument("-c", "--config", help="configuration file of Odoo")
        parser.add_argument("-d", "--database", required=True)
        parser.add_argument("--addons-path", help="as for the server")
        parser.add_argument("--export", type=Path, metavar="FILE", help="also write the ledger to FILE, mode 0600")
        parser.add_argument("--public", action="store_true", help="leave out of the file what the events say")
        options = parser.parse_args(cmdargs)
        server = ["-d", options.database, "--no-http", "--log-level", "warn"]
        server += ["-c", options.config] if options.config else []
        server += ["--addons-path", options.addons_path] if options.addons_path else []
        config.parse_config(server, setup_logging=True)
        with Registry(options.database).cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            if "consent.verifier" not in env:
                print("client_consent is not installed in this database.", file=sys.stderr)
                sys.exit(2)
            code = self._check(env)
            if options.export:
                self._export(env, options.export, options.public)
            cr.rollback()
        sys.exit(code)

    def _check(self, env):
        ledger = env["consent.verifier"]._verify()
        problems = ledger.problems()
        print(ledger.report(problems))
        return 1 if problems else 0

    def _export(self, env, path, public):
        # payloads name people: the file is the owner's alone, and never replaces another
        try:
            with open(path, "x", encoding="utf-8", opener=_for_owner) as file:
                env["consent.verifier"]._export(file, public)
        except OSError as error:
            print(f"The ledger was not written: {error.strerror}.", file=sys.stderr)
            sys.exit(2)
        print("The ledger was written.")


def _for_owner(path, flags):
    return os.open(path, flags, 0o600)
