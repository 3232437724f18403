"""The PostgreSQL server that is offered, else a private cluster in the environment folder.

The private cluster speaks through a socket in a folder of its own and through no network. It is left running between
commands (`setup/run --stop` ends it). fsync stays on, so that no crash corrupts it; only synchronous_commit is off, so
that a crash may lose the last moments.
"""

import contextlib
import hashlib
import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from . import machine
from .command import run, telling_line
from .console import Problem, Steps
from .settings import Settings

# libpq's variables, PGDATABASE left out: which database is ours to decide, and Odoo reads that variable too.
VARIABLES = ("PGHOST", "PGHOSTADDR", "PGPORT", "PGUSER", "PGPASSWORD", "PGPASSFILE", "PGSERVICE", "PGSSLMODE")
ROLE = "odoo"
_OPTIONS = {
    "listen_addresses": "''",
    "unix_socket_permissions": "0700",
    "shared_buffers": "256MB",
    "max_connections": "64",
    "synchronous_commit": "off",
    "max_wal_size": "2GB",
    "jit": "off",
}


@dataclass(frozen=True)
class Server:
    """A server with a role that may create databases; `environment` is what libpq needs to reach it."""

    environment: Mapping[str, str] = field(default_factory=dict)
    private: bool = False

    def variables(self) -> dict[str, str]:
        """The whole environment for a program that connects with libpq."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        return kept | dict(self.environment)

    def query(self, sql: str, database: str = "postgres", **values: str) -> str:
        """What psql prints for one statement or script; `values` are psql variables, quoted as :'name' or :"name"."""
        arguments = ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", database]
        for name, value in values.items():
            arguments += ["-v", f"{name}={value}"]
        return run(
            arguments,
            input=sql,
            failure=f"PostgreSQL refused a statement in database {database}",
            remedy="See its message; is somebody else using the database?",
            env=self.variables(),
        ).strip()


def server(settings: Settings, steps: Steps) -> Server:
    """What is named in the environment, else what answers here, else a private cluster."""
    if settings.database_url or any(name in os.environ for name in VARIABLES):
        machine.ensure(steps, machine.POSTGRES_CLIENT)
        return _given(settings)
    if not _cluster(settings).exists():
        local = Server()
        if machine.find("psql") and not (why_not := _unfit(local)):
            return local
        if machine.find("psql") and "connection to server" not in why_not:
            steps.say(f"the local PostgreSQL server is no use here ({why_not}); making a private one")
    machine.ensure(steps, machine.POSTGRES_SERVER, machine.POSTGRES_CLIENT)
    return _private(settings, steps)


def stop(settings: Settings) -> bool:
    """Stops the private cluster; False if there is none running."""
    data = (_cluster(settings) / "data").resolve()
    if not (data / "postmaster.pid").exists():
        return False
    pg_ctl = [_program("pg_ctl", data), "-D", data]
    # pg_ctl takes the unburied entry of a killed server for a running one.
    if Path("/proc/self").exists() and not _working_in(data):
        return False
    run(
        [*pg_ctl, "-m", "fast", "-w", "stop"],
        failure="The private PostgreSQL does not stop",
        remedy=f"See {data.parent / 'postgres.log'}.",
        cwd="/",
        **_owner(data),
    )
    return True


def from_url(url: str) -> dict[str, str]:
    """libpq's variables for a DATABASE_URL; the database it names is left alone.

    >>> from_url("postgresql://me:p%40ss@db.test:5433/any?sslmode=require") == {
    ...     "PGHOST": "db.test", "PGPORT": "5433", "PGUSER": "me", "PGPASSWORD": "p@ss", "PGSSLMODE": "require"}
    True
    """
    parts = urlsplit(url)
    if parts.scheme not in ("postgres", "postgresql"):
        raise Problem("DATABASE_URL is no PostgreSQL address", "Write postgresql://user:password@host:port/.")
    options = dict(parse_qsl(parts.query))
    found = {
        "PGHOST": unquote(parts.hostname or options.get("host", "")),
        "PGPORT": str(parts.port or options.get("port", "")),
        "PGUSER": unquote(parts.username or options.get("user", "")),
        "PGPASSWORD": unquote(parts.password or ""),
        "PGSSLMODE": options.get("sslmode", ""),
    }
    return {name: value for name, value in found.items() if value}


def _given(settings: Settings) -> Server:
    if settings.database_url:
        named, variables = "DATABASE_URL", from_url(settings.database_url)
    else:
        variables = {name: os.environ[name] for name in VARIABLES if name in os.environ}
        named = ", ".join(variables)
    found = Server(variables)
    if why_not := _unfit(found):
        raise Problem(
            f"The PostgreSQL that {named} names cannot be used: {why_not}",
            "Correct the variable, or leave it out to get a private server.",
        )
    return found


def _unfit(candidate: Server) -> str | None:
    """Why a server is of no use, or None."""
    sql = (
        "SELECT current_user || ' ' || (rolcreatedb OR rolsuper) || ' ' || current_setting('server_version_num')"
        " FROM pg_roles WHERE rolname = current_user"
    )
    done = subprocess.run(
        ["psql", "-X", "-A", "-t", "-w", "-d", "postgres", "-c", sql],
        env=candidate.variables() | {"PGCONNECT_TIMEOUT": "5"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        return telling_line(done.stderr)
    role, may_create, number = done.stdout.strip().rsplit(" ", 2)
    if role == "postgres":
        return "Odoo does not work as role postgres"
    if may_create not in ("true", "t"):
        return f"role {role} may not create databases"
    if int(number) < 150000:
        return f"it is PostgreSQL {int(number) // 10000}, and 15 is the least"
    return None


def _private(settings: Settings, steps: Steps) -> Server:
    folder = _cluster(settings)
    if not (folder / "data").exists():
        folder = _make(settings, steps)
    data = folder.resolve() / "data"
    found = Server({"PGHOST": str(_socket(settings)), "PGPORT": "5432", "PGUSER": ROLE}, private=True)
    if _unfit(found):
        superuser = Server({**found.environment, "PGUSER": "postgres"})
        if not _answers(superuser):
            _start(settings, data)
        # Not a superuser: Odoo needs none, and pg_trgm and unaccent are trusted extensions.
        if superuser.query(f"SELECT 1 FROM pg_roles WHERE rolname = '{ROLE}'") != "1":
            superuser.query(f"CREATE ROLE {ROLE} LOGIN CREATEDB")
        if why_not := _unfit(found):
            raise Problem(f"The private PostgreSQL is of no use: {why_not}", f"See {data.parent / 'postgres.log'}.")
    return found


def _make(settings: Settings, steps: Steps) -> Path:
    folder, user = _cluster(settings), {}
    if os.geteuid() == 0:
        # initdb refuses root.
        name = next((name for name in ("postgres", "nobody") if _exists(name)), None)
        if name is None:
            raise Problem(
                "PostgreSQL does not run as root, and there is no user postgres or nobody", "Add one of them."
            )
        account = pwd.getpwnam(name)
        user = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        folder.parent.mkdir(parents=True, exist_ok=True)
        if folder.is_symlink():
            folder.unlink()
        if not machine.can_reach(name, folder.parent):
            real = Path("/var/lib") / f"client_gdpr-{_short(settings)}"
            real.mkdir(mode=0o755, exist_ok=True)
            folder.symlink_to(real)
            steps.say(f"user {name} cannot enter {settings.home}: the cluster lies in {real}")
        folder.mkdir(mode=0o755, exist_ok=True)
        os.chown(folder, account.pw_uid, account.pw_gid)
    else:
        folder.mkdir(parents=True, exist_ok=True)
    folder = folder.resolve()
    unfinished = folder / "data.new"
    shutil.rmtree(unfinished, ignore_errors=True)
    run(
        [machine.find("initdb"), "-D", unfinished, "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8"],
        failure="The private PostgreSQL could not be made",
        remedy="Set DATABASE_URL to a server, or start again.",
        cwd="/",
        **user,
    )
    with (unfinished / "postgresql.conf").open("a") as configuration:
        configuration.writelines(f"{name} = {value}\n" for name, value in _OPTIONS.items())
    unfinished.rename(folder / "data")
    return folder


def _start(settings: Settings, data: Path):
    user = _owner(data)
    socket, log = _socket(settings), data.parent / "postgres.log"
    socket.mkdir(parents=True, exist_ok=True, mode=0o700)
    if user:
        os.chown(socket, user["user"], user["group"])
    _forget_dead(data, socket)
    done = subprocess.run(
        [_program("pg_ctl", data), "-D", data, "-l", log, "-o", f"-k {socket}", "-w", "-t", "60", "start"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        cwd="/",
        **user,
    )
    if done.returncode:
        lines = log.read_text(errors="replace").splitlines()[-10:] if log.exists() else []
        cause = telling_line("\n".join(line for line in lines if " LOG: " not in line))
        raise Problem(f"The private PostgreSQL does not start: {cause}", f"See {log}.")


def _forget_dead(data: Path, socket: Path):
    """Removes the lock files of a server that was killed, when its number seems to be taken: by another program, or by
    its own unburied entry. Its children work in the data folder; while one is left, a second server would do harm.
    """
    file = data / "postmaster.pid"
    if not file.exists() or not Path("/proc/self").exists():
        return
    deadline = time.monotonic() + 15
    while left := _working_in(data):
        if time.monotonic() > deadline:
            raise Problem(f"A PostgreSQL that does not answer still works in {data} (process {left})", "End it.")
        time.sleep(0.1)
    file.unlink(missing_ok=True)
    for name in (".s.PGSQL.5432", ".s.PGSQL.5432.lock"):
        (socket / name).unlink(missing_ok=True)


def _working_in(folder: Path) -> str:
    """The numbers of the processes whose current folder this is: a running server and its children."""
    numbers = []
    for process in Path("/proc").glob("[0-9]*"):
        # Ended meanwhile, or another user's: not ours.
        with contextlib.suppress(OSError):
            if (process / "cwd").readlink() == folder:
                numbers.append(process.name)
    return ", ".join(numbers)


def _answers(candidate: Server) -> bool:
    arguments = ["psql", "-X", "-w", "-d", "postgres", "-c", "SELECT 1"]
    return subprocess.run(arguments, env=candidate.variables(), capture_output=True).returncode == 0


def _program(name: str, data: Path) -> str:
    """The program of the version that made the cluster."""
    version = (data / "PG_VERSION").read_text().strip()
    own = Path("/usr/lib/postgresql") / version / "bin" / name
    found = str(own) if own.exists() else machine.find(name)
    if not found:
        raise Problem(f"The private PostgreSQL needs {name} of version {version}", f"Install postgresql-{version}.")
    return found


def _cluster(settings: Settings) -> Path:
    return settings.home / "postgres"


def _socket(settings: Settings) -> Path:
    """A socket's whole path may have 107 bytes."""
    inside = _cluster(settings).resolve() / "socket"
    if len(os.fsencode(inside)) < 85:
        return inside
    return Path("/tmp") / f"client_gdpr-{_short(settings)}"


def _short(settings: Settings) -> str:
    return hashlib.sha256(os.fsencode(settings.home)).hexdigest()[:8]


def _owner(data: Path) -> dict:
    """What subprocess needs to run as the owner of the cluster, when we are root."""
    owner = data.stat()
    if os.geteuid() or not owner.st_uid:
        return {}
    return {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []}


def _exists(name: str) -> bool:
    return any(account.pw_name == name for account in pwd.getpwall())
