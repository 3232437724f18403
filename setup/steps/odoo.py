"""Runs Odoo's own commands; makes its configuration and the key file."""

import base64
import os
import re
import secrets
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .command import telling_line
from .console import Problem, Steps
from .postgres import Server
from .settings import ADDONS, Settings

NO_MAIL_PORT = 9


@dataclass(frozen=True)
class Odoo:
    """Odoo's tree, the virtual environment it runs in, and the server it keeps its databases on.

    `more` is one more virtual environment: its add-ons and libraries are found after Odoo's own.
    """

    settings: Settings
    tree: Path
    python: Path
    server: Server
    more: Path | None = None

    def variables(self) -> dict[str, str]:
        """The whole environment for Odoo's process. ODOO_* of the caller is dropped: it would win over odoo.conf."""
        kept = {name: value for name, value in self.server.variables().items() if not name.startswith("ODOO_")}
        path = os.pathsep.join([str(self.python / "bin"), os.environ.get("PATH", os.defpath)])
        folders = [self.tree, *(self.more.glob("lib/python3.*/site-packages") if self.more else ())]
        return kept | {
            "PYTHONPATH": os.pathsep.join(map(str, folders)),
            "PATH": path,
            "ODOO_RC": str(self.settings.configuration),
        }

    def arguments(self, *arguments: str) -> list[str]:
        """The command line of `odoo <arguments>`."""
        return [str(self.python / "bin/python"), "-m", "odoo", *arguments]

    def more_addons(self, folder: Path | None) -> list[str]:
        """Options by which Odoo looks for add-ons in one more folder."""
        return [f"--addons-path={ADDONS},{folder}"] if folder else []

    def run(self, *arguments: str, log: str, failure: str, script: str | None = None, variables: dict | None = None):
        """Runs one command to its end; its output goes to a log file. A logged error counts as failure too."""
        file = self.settings.logs / f"{log}.log"
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("w") as stream:
            done = subprocess.run(
                self.arguments(*arguments),
                input=script,
                stdin=None if script is not None else subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                text=True,
                env=self.variables() | (variables or {}),
                check=False,
            )
        text = file.read_text(errors="replace")
        if done.returncode or re.search(r" (ERROR|CRITICAL) ", text) or "Traceback (most recent" in text:
            raise Problem(f"{failure}: {_cause(text)}", f"See {file}; then start again.")


def write_configuration(settings: Settings, server: Server):
    """Writes odoo.conf. The add-ons find their own settings in a section of their own.

    Mail goes nowhere: the port is one where nobody listens. `setup/run` names the port of its own mailbox instead.
    """
    environment = server.environment
    options = {
        "addons_path": ADDONS,
        "data_dir": settings.data,
        "http_interface": "127.0.0.1",
        "list_db": False,
        "max_cron_threads": 1,
        "smtp_server": "127.0.0.1",
        "smtp_port": NO_MAIL_PORT,
        "db_host": environment.get("PGHOST"),
        "db_port": environment.get("PGPORT"),
        "db_user": environment.get("PGUSER"),
        "db_password": environment.get("PGPASSWORD"),
        "db_sslmode": environment.get("PGSSLMODE"),
    }
    lines = [f"{name} = {value}" for name, value in options.items() if value is not None]
    lines = ["[options]", *lines, "", "[client_consent]", f"key_file = {settings.key_file}", ""]
    settings.data.mkdir(parents=True, exist_ok=True)
    write_private(settings.configuration, "\n".join(lines))


def write_private(path: Path, text: str):
    """Writes a file that only its owner may read, whole or not at all."""
    unfinished = path.with_name(path.name + ".new")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    unfinished.rename(path)


def ensure_key(settings: Settings, steps: Steps, databases: list[str]):
    """Makes the key file once. Where databases exist that know the lost key's fingerprint, a new one would not help."""
    key = settings.key_file
    if key.exists():
        if not re.fullmatch(r"client-gdpr-key-v1:[\w-]{43}=?\n?", key.read_text()):
            raise Problem(f"{key} is not a key file of this product", "Put the file back from your backup.")
        if key.stat().st_mode & 0o077:
            raise Problem(f"{key} can be read by others", f"Run: chmod 600 {key}")
        return
    if databases:
        raise Problem(
            f"The key file {key} is missing, and database {databases[0]} was made with it",
            "Put the file back from your backup; to give up what the demo database holds: ./setup/run --reset",
        )
    write_private(key, "client-gdpr-key-v1:" + base64.urlsafe_b64encode(secrets.token_bytes(32)).decode() + "\n")
    steps.say(f"created the key file {key}: keep a copy of it, apart from the copies of the database")


def _cause(text: str) -> str:
    """The exception of the last traceback in Odoo's log, else its most telling line."""
    blocks = text.split("Traceback (most recent call last):")
    if len(blocks) > 1:
        for line in blocks[-1].splitlines():
            if re.match(r"[A-Za-z_][\w.]*(Error|Exception|Warning|Violation|NotNullViolation)?: ", line):
                return line[:300]
    errors = [line for line in text.splitlines() if re.search(r" (ERROR|CRITICAL) ", line)]
    return (errors[0] if errors else telling_line(text))[:300]
