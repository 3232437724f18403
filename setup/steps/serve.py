"""The running Odoo, and what its user is told."""

import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

from .command import telling_line
from .console import Problem, Steps
from .database import Databases
from .mailbox import Mailbox
from .settings import Settings

# The demo company's users; the password is the login.
DEMO_USERS = {
    "handler": "takes requests in and plans them (Privacy / Handler)",
    "approver": "approves erasures (Privacy / Approver)",
    "dpo": "data protection officer: watches, may stop (Privacy / DPO)",
    "accountant": "sees what the tax law keeps (Accounting retention)",
    "sales1": "salesperson, sees only placeholders of sealed people",
    "sales2": "salesperson",
    "admin": "administrator",
}
FIRST_CLICK = "Log in as handler, open Contacts → Jana Nováková → tab Privacy → Show me / Delete me."
_PATIENCE = 180


def running_port(settings: Settings) -> int | None:
    """The port on which this environment's Odoo serves, if it does."""
    running = _running(settings)
    return running["port"] if running else None


def check_port(settings: Settings, port: int) -> str | None:
    """The address, if this environment's own Odoo already serves on the port; a Problem if another program has it."""
    running = _running(settings)
    if running and running["port"] == port:
        return _address(port)
    if running:
        raise Problem(f"Odoo already runs at {_address(running['port'])}", "Stop it first: ./setup/run --stop")
    if not _is_free(port):
        free = next((other for other in range(port + 1, port + 100) if _is_free(other)), 0)
        raise Problem(f"Port {port} is taken by another program", f"Take a free one: ./setup/run --port {free}")
    return None


def serve(databases: Databases, steps: Steps, name: str, port: int, title: str) -> int:
    """Starts Odoo, says where it is once its login page answers, and stays until it is stopped."""
    settings = databases.odoo.settings
    log = settings.logs / "odoo.log"
    with steps.step("First page"):
        mailbox = Mailbox(settings.home / "mail")
        process = _start(databases, name, port, mailbox.port, log)
        try:
            _record(settings).write_text(json.dumps({"process": process.pid, "starter": os.getpid(), "port": port}))
            # A stop signal must end the wait as Ctrl-C does.
            signal.signal(signal.SIGTERM, _interrupt)
            _wait(process, port, log)
        except BaseException:
            _end(process, settings)
            raise
    steps.write_times(settings.home / "times.json", title)
    print(_welcome(databases, name, port), flush=True)
    try:
        code = process.wait()
    except KeyboardInterrupt:
        print("\nStopping …", flush=True)
        _end(process, settings)
        return 0
    _record(settings).unlink(missing_ok=True)
    raise Problem(f"Odoo ended by itself (exit code {code}): {_last_words(log)}", f"See {log}; then start again.")


def stop(settings: Settings) -> bool:
    """Stops the Odoo of this environment; False if none runs."""
    running = _running(settings)
    if not running:
        return False
    for process in (running["process"], running["starter"]):
        if _is_ours(process, settings) or (process == running["starter"] and _is_starter(process)):
            os.kill(process, signal.SIGTERM)
    deadline = time.monotonic() + 30
    while _is_ours(running["process"], settings):
        if time.monotonic() > deadline:
            os.kill(running["process"], signal.SIGKILL)
        time.sleep(0.1)
    _record(settings).unlink(missing_ok=True)
    return True


def _start(databases: Databases, name: str, port: int, mail_port: int, log: Path) -> subprocess.Popen:
    options = ["-d", name, "--http-port", str(port), "--smtp-port", str(mail_port), "--logfile", str(log)]
    log.parent.mkdir(parents=True, exist_ok=True)
    log.unlink(missing_ok=True)
    # A session of its own: Ctrl-C reaches only this program, which then stops Odoo in order.
    return subprocess.Popen(
        databases.odoo.arguments("server", "-c", str(databases.odoo.settings.configuration), *options),
        env=databases.odoo.variables(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _wait(process: subprocess.Popen, port: int, log: Path):
    deadline = time.monotonic() + _PATIENCE
    while True:
        if process.poll() is not None:
            raise Problem(f"Odoo does not start: {_last_words(log)}", f"See {log}; then start again.")
        try:
            with urllib.request.urlopen(f"{_address(port)}/web/login", timeout=60) as page:
                if page.status == 200:
                    return
        except urllib.error.HTTPError as error:
            raise Problem(f"Odoo's login page answers {error.code}: {_last_words(log)}", f"See {log}.") from error
        except OSError:
            # Not listening yet.
            if time.monotonic() > deadline:
                raise Problem(f"Odoo does not answer after {_PATIENCE} s", f"See {log}.") from None
        time.sleep(0.1)


def _welcome(databases: Databases, name: str, port: int) -> str:
    known = set(databases.odoo.server.query("SELECT login FROM res_users WHERE active", database=name).split())
    users = [f"    {login:<12}{login:<12}{who}" for login, who in DEMO_USERS.items() if login in known]
    home = databases.odoo.settings.home
    return "\n".join(
        [
            "",
            f"Consent and GDPR for Odoo 19 runs at  {_address(port)}",
            "",
            f"    {'user':<12}{'password':<12}",
            *users,
            "",
            f"First: {FIRST_CLICK}",
            f"Mail does not leave this machine; it is kept in {home / 'mail'}.",
            "Stop with Ctrl-C, or ./setup/run --stop from another window.",
        ]
    )


def _address(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _record(settings: Settings) -> Path:
    return settings.home / f"serving-{settings.database}.json"


def _running(settings: Settings) -> dict | None:
    """What is on record, if that process still is this environment's Odoo."""
    record = _record(settings)
    if not record.exists():
        return None
    running = json.loads(record.read_text())
    return running if _is_ours(running["process"], settings) else None


def _is_ours(process: int, settings: Settings) -> bool:
    return str(settings.configuration) in _command_line(process)


def _is_starter(process: int) -> bool:
    return "main.py" in _command_line(process)


def _command_line(process: int) -> str:
    """The process's command line, empty if it is gone; `ps` is on every system."""
    done = subprocess.run(["ps", "-ww", "-o", "stat=,args=", "-p", str(process)], capture_output=True, text=True)
    return "" if done.stdout.startswith("Z") else done.stdout


def _end(process: subprocess.Popen, settings: Settings):
    process.terminate()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    _record(settings).unlink(missing_ok=True)


def _interrupt(*_):
    raise KeyboardInterrupt


def _last_words(log: Path) -> str:
    return telling_line("\n".join(log.read_text(errors="replace").splitlines()[-30:])) if log.exists() else "no log"
