"""The steps that come before anything runs, in order."""

import dataclasses

from . import machine, odoo_tree, packages, postgres
from .console import Steps
from .database import Databases
from .odoo import Odoo, ensure_key, write_configuration
from .settings import Settings

STEPS = 5


def prepare(settings: Settings, steps: Steps, *, tests: bool = False, reset: bool = False) -> Databases:
    """Everything but databases: programs, Python packages, Odoo, PostgreSQL, configuration and key file.

    `reset` drops the demo database; without a key file all databases, for they were made with the lost one.
    """
    settings.home.mkdir(parents=True, exist_ok=True)
    with steps.step("Programs of this machine"):
        tables = (machine.INVOICES, machine.TEST_PROGRAMS) if tests else (machine.INVOICES,)
        machine.ensure(steps, *tables, fonts=True)
        # What the user named is looked at before anything long begins.
        odoo_tree.check_given(settings)
    with steps.step("PostgreSQL"):
        server = postgres.server(settings, steps)
    with steps.step("Odoo 19.0"):
        tree = odoo_tree.tree(settings, steps)
    with steps.step("Python packages"):
        python = packages.environment(settings)
    with steps.step("Configuration and key file"):
        databases = Databases(Odoo(settings, tree, python, server))
        own = databases.own()
        if reset:
            lost = own if not settings.key_file.exists() else own.keys() & {settings.database}
            for name in lost:
                databases.drop(name)
            own = databases.own()
        ensure_key(settings, steps, [name for name, facts in own.items() if facts["kind"] not in ("base", "odoo")])
        write_configuration(settings, server)
    return databases


def template(databases: Databases, alone: str | None, assets: bool) -> str:
    """The template the tests are to run on; what earlier sources left behind is removed."""
    if alone:
        return databases.alone(alone)
    name = databases.full()
    if assets:
        databases.add_assets(name)
    databases.tidy()
    return name


def with_every_app(databases: Databases) -> Databases:
    """The same databases, with an Odoo that finds OCA's add-ons as well."""
    more = packages.environment(databases.odoo.settings, "every_app", "every_app")
    return Databases(dataclasses.replace(databases.odoo, more=more))


def demo(databases: Databases, steps: Steps, name: str):
    """The database that `setup/run` serves: made once, then brought to what the add-ons' files say now."""
    key = databases.full_key()
    facts = databases.own().get(name)
    with steps.step("Template database"):
        if facts is None:
            source = databases.full()
            databases.add_assets(source)
            databases.tidy()
    with steps.step("Demo database"):
        if facts is None:
            databases.clone(source, name, "demo")
        elif facts["key"] != key:
            steps.say("the add-ons changed since it was made: updating it")
            databases.renew(name)
