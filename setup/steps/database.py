"""Databases of the set-up: a cached base, full templates of it, and clones with their file stores.

Each database carries a comment that says which environment folder made it, what it is, and from which sources (`key`).
It is written last: a database without it is unfinished and is made anew. A name ends with the key's first letters, so
changed sources make another database, and what is no longer used is removed.
"""

import ast
import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from .console import Problem
from .odoo import Odoo
from .settings import ADDONS, SETUP

# What a small firm's Odoo has. The add-ons' own dependencies come on top.
ODOO_MODULES = ("account", "calendar", "contacts", "crm", "hr", "l10n_cz", "mass_mailing", "sale_management")
# The apps whose fields the data map declares, beside those; what they pull in comes on top.
EVERY_APP = (
    *("auditlog", "data_recycle", "event", "loyalty", "mass_mailing_sms", "payment", "phone_validation", "portal"),
    *("privacy_lookup", "queue_job", "rating", "sms", "survey", "website", "website_event", "website_sale"),
)
_MARK = "client_gdpr set-up "


@dataclass(frozen=True)
class Databases:
    """Makes, clones and drops databases, each with its file store."""

    odoo: Odoo

    # What there is

    def own(self) -> dict[str, dict]:
        """The finished databases of this environment folder: name to what its comment says."""
        sql = (
            "SELECT datname || chr(9) || shobj_description(oid, 'pg_database') FROM pg_database"
            f" WHERE shobj_description(oid, 'pg_database') LIKE '{_MARK}%'"
        )
        rows = [line.split("\t", 1) for line in self.odoo.server.query(sql).splitlines()]
        found = {name: json.loads(comment.removeprefix(_MARK)) for name, comment in rows}
        return {name: facts for name, facts in found.items() if facts["home"] == self._home()}

    def exists(self, name: str) -> bool:
        return self.odoo.server.query("SELECT 1 FROM pg_database WHERE datname = :'name'", name=name) == "1"

    # Making

    def base(self, demo: bool = False) -> str:
        """Odoo's `base` alone; with Odoo's demo data if asked."""
        key = self._base_key(demo)
        name = self._name("base_demo" if demo else "base", key)
        if name not in self.own():
            self._discard(name)
            options = ["--with-demo"] if demo else []
            self.odoo.run(
                *("db", "init", name, *options), log=f"database-{name}", failure=f"Database {name} could not be made"
            )
            self.quiet(name)
            self._finish(name, "base", key)
        return name

    def standard(self) -> str:
        """Odoo's modules that a small firm has, without the add-ons; quick to clone when add-ons change."""
        key = self._standard_key()
        name = self._name("odoo", key)
        if name not in self.own():
            self._make(name, self.base(), ODOO_MODULES)
            self._finish(name, "odoo", key)
        return name

    def full(self) -> str:
        """The template of the demo and of the tests: `standard` and every add-on here that can be installed."""
        source = self.standard()
        key = self.full_key()
        name = self._name("full", key)
        if name not in self.own():
            self._make(name, source, installable_addons(self.odoo.tree))
            self._finish(name, "full", key)
        return name

    def full_key(self) -> str:
        """Changes with Odoo, with the Python packages, and with any file of an add-on outside its tests."""
        return _digest(self._standard_key(), _text(SETUP / "requirements.lock"), addons_digest())

    def populated(self, partners: int, population: Path) -> str:
        """A template of a company with many partners, without the add-ons, filled by `population` (its `build`)."""
        key = self._populated_key(partners, population)
        name = self._name(f"bench{partners}", key)
        if name not in self.own():
            self._copy(self.standard(), name)
            self.script(name, f"import population\npopulation.build(env, {partners})\n", population.parent)
            self.odoo.server.query("VACUUM ANALYZE", database=name)
            self._finish(name, "bench", key, partners=partners, population=str(population))
        return name

    def equipped(self, partners: int, population: Path, modules, more: Path) -> str:
        """The same with `modules` installed and what the file `more` brings (its `add`)."""
        source = self.populated(partners, population)
        key = self._equipped_key(partners, population, more)
        name = self._name(f"bench{partners}_equipped", key)
        if name not in self.own():
            self._copy(source, name)
            self.install(name, modules)
            self.script(name, f"import {more.stem}\n{more.stem}.add(env)\n", more.parent)
            self.odoo.server.query("VACUUM ANALYZE", database=name)
            self._finish(name, "bench", key, partners=partners, population=str(population), more=str(more))
        return name

    def script(self, name: str, script: str, folder: Path, addons: Path | None = None):
        """Runs lines of Python in `odoo shell`; modules in `folder` can be imported, `addons` is searched too."""
        self.odoo.run(
            *("shell", "-d", name, "--no-http", *self.odoo.more_addons(addons)),
            script=f"import sys\nsys.path.insert(0, {str(folder)!r})\n{script}",
            log=f"script-{name}",
            failure="A script could not be run",
        )

    def alone(self, addon: str) -> str:
        """A template with one add-on and what it depends on, demo data included."""
        key = _digest(self.full_key(), addon)
        name = self._name(f"alone_{addon}", key)
        if name not in self.own():
            self._make(name, self.base(demo=True), [addon])
            self._finish(name, "alone", key, full=self.full_key())
        return name

    def every_app(self) -> str:
        """A template with every app that the data map declares, of Odoo and of OCA; `odoo.more` brings OCA's."""
        source = self.standard()
        key = _digest(self.full_key(), *EVERY_APP, _text(SETUP / "every_app.lock"))
        name = self._name("every_app", key)
        if name not in self.own():
            self._make(name, source, [*EVERY_APP, *installable_addons(self.odoo.tree)])
            self._finish(name, "every_app", key, full=self.full_key())
        return name

    def add_assets(self, name: str):
        """Builds the bundles into a template, once."""
        facts = self.own()[name]
        if not facts.get("assets"):
            script = (SETUP / "inside/assets.py").read_text()
            self.odoo.run(
                *("shell", "-d", name, "--no-http"),
                script=script,
                log=f"assets-{name}",
                failure="The pages' bundles could not be built",
            )
            self._finish(name, **(facts | {"assets": True}))

    def install(self, name: str, modules, addons: Path | None = None):
        """Installs modules into a database, keeping those out that phone out, and checks that they stayed out."""
        if modules:
            self._run_install(name, modules, addons)
        self.quiet(name)

    def _run_install(self, name: str, modules, addons: Path | None):
        script = (SETUP / "inside/install.py").read_text()
        self.odoo.run(
            *("shell", "-d", name, "--no-http", *self.odoo.more_addons(addons)),
            script=script,
            variables={"MODULES": ",".join(modules), "QUIET_SQL": str(SETUP / "inside/quiet.sql")},
            log=f"install-{name}",
            failure=f"Installing {', '.join(modules)} failed",
        )

    def renew(self, name: str):
        """Brings the add-ons in a database to what their files say now, new add-ons included."""
        addons = installable_addons(self.odoo.tree)
        sql = "SELECT name FROM ir_module_module WHERE state = 'installed'"
        installed = set(self.odoo.server.query(sql, database=name).split())
        if known := [addon for addon in addons if addon in installed]:
            self.odoo.run(
                *("-d", name, "-u", ",".join(known), "--stop-after-init", "--no-http"),
                log=f"update-{name}",
                failure=f"Updating {', '.join(known)} failed",
            )
        self.install(name, addons)
        self._finish(name, **(self.own()[name] | {"key": self.full_key()}))

    def quiet(self, name: str):
        """Nothing phones out: see setup/inside/quiet.sql."""
        self.odoo.server.query((SETUP / "inside/quiet.sql").read_text(), database=name)

    def clone(self, source: str, target: str, kind: str, **facts):
        """A copy with its file store. Nobody may be connected to the source."""
        self._copy(source, target)
        self._finish(target, kind, self.own()[source]["key"], **facts)

    # Removing

    def drop(self, name: str):
        """Drops a database and its file store.

        Our connections are ended first, PostgreSQL ends its own autovacuum; WITH (FORCE) would want the right to both.
        """
        ours = "datname = :'name' AND usename = current_user"
        self.odoo.server.query(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {ours}", name=name)
        self.odoo.server.query('DROP DATABASE IF EXISTS :"name"', name=name)
        shutil.rmtree(self.filestore(name), ignore_errors=True)

    def tidy(self):
        """Drops templates of earlier sources that nobody uses, and clones whose run has ended."""
        keys = {"base": {self._base_key(False), self._base_key(True)}, "odoo": {self._standard_key()}}
        full = self.full_key()
        for name, facts in self.own().items():
            kind = facts["kind"]
            if kind == "bench":
                files = [Path(facts[name]) for name in ("population", "more") if name in facts]
                wanted = self._equipped_key if "more" in facts else self._populated_key
                stale = not all(map(Path.exists, files)) or facts["key"] != wanted(facts["partners"], *files)
            else:
                stale = facts["key"] not in keys[kind] if kind in keys else facts.get("full", facts["key"]) != full
            if (kind == "clone" and not _runs(facts["process"])) or (kind not in ("clone", "demo") and stale):
                self.drop(name)

    def filestore(self, name: str) -> Path:
        return self.odoo.settings.data / "filestore" / name

    # Steps

    def _make(self, name: str, source: str, modules):
        self._copy(source, name)
        self.install(name, modules)

    def _copy(self, source: str, target: str):
        self._discard(target)
        # a large database is copied file by file: the other way, which PostgreSQL takes, writes it to its log as well
        large = "AND pg_database_size(datname) > 200000000 AND current_setting('server_version_num')::int >= 150000"
        sql = f"SELECT 1 FROM pg_database WHERE datname = :'source' {large}"
        strategy = " STRATEGY FILE_COPY" if self.odoo.server.query(sql, source=source) else ""
        self.odoo.server.query(
            f'CREATE DATABASE :"target" TEMPLATE :"source"{strategy}',
            target=target,
            source=source,
        )
        if self.filestore(source).exists():
            shutil.copytree(self.filestore(source), self.filestore(target))

    def _discard(self, name: str):
        """Removes what an interrupted run left under this name; never somebody else's database."""
        if self.exists(name) and name not in self.own() and not name.startswith(self._prefix()):
            raise Problem(
                f"The server has a database {name} that this set-up did not make",
                "Name another one: DATABASE=… ./setup/run",
            )
        self.drop(name)

    def _finish(self, name: str, kind: str, key: str, **facts):
        facts = {"home": self._home(), "kind": kind, "key": key} | {
            fact: value for fact, value in facts.items() if fact != "home"
        }
        comment = _MARK + json.dumps(facts)
        self.odoo.server.query("COMMENT ON DATABASE :\"name\" IS :'comment'", name=name, comment=comment)

    # Names and keys

    def _name(self, kind: str, key: str) -> str:
        return f"{self._prefix()}{kind}_{key[:10]}"

    def _prefix(self) -> str:
        return f"cg_{self._home()}_"

    def _home(self) -> str:
        """Tells the databases of several environment folders on one server apart."""
        return hashlib.sha256(os.fsencode(self.odoo.settings.home)).hexdigest()[:6]

    def _base_key(self, demo: bool) -> str:
        return _digest(self._odoo_key(), str(demo))

    def _standard_key(self) -> str:
        return _digest(self._odoo_key(), *ODOO_MODULES, _text(SETUP / "inside/quiet.sql"))

    def _populated_key(self, partners: int, population: Path) -> str:
        return _digest(self._standard_key(), str(partners), _text(population))

    def _equipped_key(self, partners: int, population: Path, more: Path) -> str:
        return _digest(self._populated_key(partners, population), _text(more), addons_digest())

    def _odoo_key(self) -> str:
        return _digest(str(self.odoo.tree), _text(self.odoo.tree / "odoo/release.py"), _text(SETUP / "odoo.lock"))


def installable_addons(tree: Path) -> list[str]:
    """The add-ons here whose manifests say installable and whose dependencies are all on the path."""
    manifests = {file.parent.name: ast.literal_eval(file.read_text()) for file in ADDONS.glob("*/__manifest__.py")}
    found = {name for name, manifest in manifests.items() if manifest.get("installable", True)}

    def known(name):
        return name in found or any((folder / name).is_dir() for folder in (tree / "odoo/addons", tree / "addons"))

    while left_out := {name for name in found if not all(map(known, manifests[name].get("depends", [])))}:
        found -= left_out
    return sorted(found)


def addons_digest() -> str:
    """SHA-256 over names and contents of the add-ons' files, their tests left out."""
    digest = hashlib.sha256()
    for file in sorted(ADDONS.rglob("*")):
        parts = file.relative_to(ADDONS).parts
        if file.is_file() and "__pycache__" not in parts and parts[1:2] != ("tests",):
            digest.update(os.fsencode("/".join(parts)) + b"\0" + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def _runs(process: int) -> bool:
    return Path(f"/proc/{process}").exists()


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _text(file: Path) -> str:
    return file.read_text()
