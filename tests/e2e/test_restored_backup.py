"""A backup is put back after people were erased: all of them are erased again, by the command, from the file alone.

A real dump and a real restore, on a clone of the template that is dropped afterwards.
"""

import os
import subprocess
import sys
from configparser import RawConfigParser
from pathlib import Path

import pytest

PEOPLE = 20


def psql(database, query):
    done = subprocess.run(["psql", "-Atc", query, database], check=True, capture_output=True, text=True)
    return done.stdout.strip()


class Stage:
    """One database with a configuration and a folder of tombstones of its own."""

    def __init__(self, folder):
        self.here = Path(__file__).resolve().parent
        self.folder, self.tombstones = folder, folder / "tombstones"
        self.template = os.environ["TEMPLATE"]
        self.name = f"{self.template}_{os.getpid()}_restored"
        configuration = RawConfigParser()
        configuration.read(os.environ["ODOO_RC"])
        configuration["client_gdpr"] = {"tombstone_folder": str(self.tombstones)}
        self.configuration = folder / "odoo.conf"
        with self.configuration.open("w") as file:
            configuration.write(file)

    def odoo(self, *arguments, script=None, **variables):
        return subprocess.run(
            [sys.executable, "-m", "odoo", *arguments],
            stdin=script.open() if script else subprocess.DEVNULL,
            env=os.environ | {"ODOO_RC": str(self.configuration)} | variables,
            capture_output=True,
            text=True,
            check=False,
        )

    def act(self, what):
        done = self.odoo(
            "shell",
            "-d",
            self.name,
            "--no-http",
            script=self.here / "restored_backup_story.py",
            ACT=what,
            PEOPLE=str(PEOPLE),
        )
        assert "TOLD" in done.stdout, done.stdout + done.stderr

    def replay(self, *arguments):
        return self.odoo("gdpr_replay", "-c", str(self.configuration), "-d", self.name, *arguments)

    def people(self):
        """How many rows of the people there are: contacts, leads and messages."""
        return psql(
            self.name,
            """SELECT (SELECT count(*) FROM res_partner WHERE email LIKE 'obnova%' OR name LIKE 'Osoba Obnovená%')
                   || ' ' || (SELECT count(*) FROM crm_lead WHERE email_from LIKE 'obnova%')
                   || ' ' || (SELECT count(*) FROM mail_message WHERE body LIKE '%Osoba Obnovená%')""",
        )


@pytest.fixture
def stage(tmp_path):
    stage = Stage(tmp_path)
    subprocess.run(["createdb", "-T", stage.template, stage.name], check=True)
    try:
        yield stage
    finally:
        subprocess.run(["dropdb", "--force", "--if-exists", stage.name], check=True)


def test_everybody_erased_is_erased_again_after_a_backup_was_put_back(stage):
    stage.act("come")
    dump = stage.folder / "backup.dump"
    subprocess.run(["pg_dump", "-Fc", "-Z1", "-f", str(dump), stage.name], check=True)
    stage.act("erase")
    assert stage.people() == "0 0 0"
    [file] = stage.tombstones.iterdir()
    lines = file.read_text()
    assert (lines.count('"kind":"intent"'), lines.count('"kind":"done"')) == (PEOPLE, PEOPLE)
    assert "obnov" not in lines.lower()

    subprocess.run(["dropdb", "--force", stage.name], check=True)
    subprocess.run(["createdb", stage.name], check=True)
    subprocess.run(["pg_restore", "--no-owner", "-j2", "-d", stage.name, str(dump)], check=True)
    assert stage.people() == f"{PEOPLE} {PEOPLE} {PEOPLE}"

    done = stage.replay()
    assert f"found again: {PEOPLE}; erased again: {PEOPLE}." in done.stdout, done.stdout + done.stderr
    assert done.returncode == 0
    assert f"{PEOPLE} erasure(s) are noted in the tombstone files and not in the database" in done.stdout + done.stderr
    assert stage.people() == "0 0 0"
    certificates = psql(stage.name, "SELECT count(*) FROM gdpr_certificate WHERE document LIKE '%\"repeats\"%'")
    assert certificates == str(PEOPLE)

    again = stage.replay()
    assert "found again: 0; erased again: 0." in again.stdout
    assert again.returncode == 0
    assert "erasure(s) are noted" not in again.stdout + again.stderr


def test_changed_file_stops_the_command_and_erases_nobody(stage):
    stage.tombstones.mkdir()
    (stage.tombstones / "x.tombstones").write_text('{"kind":"intent","ref":"a","v":1,"prev":"' + "1" * 64 + '"}\n')
    done = stage.replay()
    assert done.returncode == 2
    assert "x.tombstones, line 1" in done.stderr
