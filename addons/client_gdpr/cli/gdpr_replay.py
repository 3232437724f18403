import argparse
import sys
from pathlib import Path

from odoo import SUPERUSER_ID, api
from odoo.cli import Command
from odoo.exceptions import UserError
from odoo.modules.registry import Registry
from odoo.tools import config


class GdprReplay(Command):
    """Erase again, after a restore of the database, whom the tombstone files say was erased.

    Exit code 0: nobody is left. 1: an erasure failed, or a person has to decide. 2: the files cannot be read.
    """

    name = "gdpr_replay"

    def run(self, cmdargs):
        parser = self.parser
        parser.formatter_class = argparse.RawDescriptionHelpFormatter
        parser.add_argument("-c", "--config", help="configuration file of Odoo")
        parser.add_argument("-d", "--database", required=True)
        parser.add_argument("--addons-path", help="as for the server")
        parser.add_argument(
            "--folder", type=Path, help="folder with the files of one or several hosts, instead of the configured one"
        )
        options = parser.parse_args(cmdargs)
        server = ["-d", options.database, "--no-http", "--log-level", "warn"]
        server += ["-c", options.config] if options.config else []
        server += ["--addons-path", options.addons_path] if options.addons_path else []
        config.parse_config(server, setup_logging=True)
        with Registry(options.database).cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            if "gdpr.tombstone" not in env:
                print("client_gdpr is not installed in this database.", file=sys.stderr)
                sys.exit(2)
            try:
                result = env["gdpr.tombstone"]._replay(options.folder, checkpoint=env["gdpr.tombstone"]._checkpoint)
            except UserError as error:
                print(error, file=sys.stderr)
                sys.exit(2)
            cr.commit()
        print(f"Erased people found again: {result['found']}; erased again: {result['erased_again']}.")
        for intent in result["open_intents"]:
            print(f"To be decided by the data protection officer: {intent['request']} of {intent['announced']}.")
        sys.exit(1 if result["open_intents"] or result["erased_again"] < result["found"] else 0)
