"""A privacy product's own database must not call out: not by a module, not by a setting, not by a cron."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from odoo.tests import TransactionCase
from odoo.tools import config


class TestNothingPhonesOut(TransactionCase):
    def test_modules_that_call_out_stay_out(self):
        unwanted = ["partner_autocomplete", "crm_iap_enrich", "crm_iap_mine", "account_peppol"]
        modules = self.env["ir.module.module"].search([("name", "in", unwanted)])
        self.assertEqual(set(modules.mapped("state")), {"uninstalled"})

    def test_leads_are_not_enriched_by_themselves(self):
        self.assertEqual(self.env["ir.config_parameter"].get_param("crm.iap.lead.enrich.setting"), "manual")

    def test_publisher_update_is_off(self):
        self.assertFalse(self.env.ref("mail.ir_cron_module_update_notification").active)


@pytest.fixture
def copy_of_the_template():
    """A database of its own: crons commit."""
    template = os.environ["TEMPLATE"]
    name = f"{template}_{os.getpid()}c"
    store = Path(config["data_dir"]) / "filestore"
    subprocess.run(["createdb", "-T", template, name], check=True)
    if (store / template).exists():
        shutil.copytree(store / template, store / name)
    yield name
    subprocess.run(["dropdb", "--force", name], check=True)
    shutil.rmtree(store / name, ignore_errors=True)


def test_no_cron_tries_to_reach_the_network(copy_of_the_template, repository):
    done = subprocess.run(
        [sys.executable, "-m", "odoo", "shell", "-d", copy_of_the_template, "--no-http"],
        stdin=(repository / "setup/inside/crons.py").open(),
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("CRONS ")]
    assert lines, done.stdout + done.stderr
    crons = json.loads(lines[0].removeprefix("CRONS "))
    assert len(crons) > 10
    assert {name: facts for name, facts in crons.items() if facts["attempts"] or facts["error"]} == {}
