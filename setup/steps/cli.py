"""The commands and their options."""

import argparse
import os
import subprocess
import sys
import time

from . import bench, lint, odoo_tree, packages, postgres, prepare, serve, tests
from .console import Problem, Steps
from .lock import only_one
from .settings import REPOSITORY, Settings


def main(arguments: list[str]) -> int:
    """Runs one command; a Problem becomes one line and exit code 1."""
    command, *rest = arguments
    try:
        return _COMMANDS[command](Settings.read(), rest)
    except Problem as problem:
        print(f"Stopped: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped by you. The next start goes on where this one was.", file=sys.stderr)
        return 130


def _run(settings: Settings, rest: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="./setup/run", description="Sets everything up, then serves Odoo with the demo company on 127.0.0.1."
    )
    parser.add_argument("--port", type=int, default=8069)
    parser.add_argument("--reset", action="store_true", help="make the demo database anew")
    parser.add_argument("--no-serve", action="store_true", help="only prepare")
    parser.add_argument("--stop", action="store_true", help="stop Odoo and the private PostgreSQL")
    options = parser.parse_args(rest)
    if options.stop:
        for name, stopped in (("Odoo", serve.stop(settings)), ("PostgreSQL", postgres.stop(settings))):
            print(f"{name} {'stopped' if stopped else 'was not running here'}.")
        return 0
    serving = serve.running_port(settings)
    if serving and options.reset:
        raise Problem("Odoo is running on the demo database", "Stop it first: ./setup/run --stop")
    if not options.no_serve and serve.check_port(settings, options.port):
        print(f"Odoo already runs at http://127.0.0.1:{options.port} (stop it with ./setup/run --stop).")
        return 0
    steps = Steps(prepare.STEPS + 2 + (not options.no_serve))
    with only_one(settings, steps):
        times = _times(settings, "run")
        databases = prepare.prepare(settings, steps, reset=options.reset)
        prepare.demo(databases, steps, settings.database)
    if options.no_serve:
        steps.write_times(settings.home / "times.json", times)
        print(f"Ready: database {settings.database}. Start it with ./setup/run")
        return 0
    return serve.serve(databases, steps, settings.database, options.port, times)


def _test(settings: Settings, rest: list[str]) -> int:
    selection = tests.Selection.read(rest)
    started = time.monotonic()
    results = tests.Results()
    steps = Steps(prepare.STEPS + 1)
    template = None
    with only_one(settings, steps):
        times = _times(settings, "test")
        databases = prepare.prepare(settings, steps, tests=True)
        with steps.step("Template database"):
            if selection.every_app:
                databases = prepare.with_every_app(databases)
                template = databases.every_app()
            elif selection.odoo:
                template = prepare.template(databases, selection.alone, selection.wants_assets())
    steps.write_times(settings.home / "times.json", times)
    if selection.pure:
        tests.run_pure(settings, databases.odoo.python, selection, results)
    if template:
        tests.run_odoo(databases, template, selection, results)
    return tests.conclude(results, started)


def _bench(settings: Settings, rest: list[str]) -> int:
    choice = bench.Choice.read(rest)
    if choice.plot:
        with only_one(settings, Steps(0, quiet=True)):
            python = packages.environment(settings, "bench", "bench")
        return bench.plot(settings, python)
    steps = Steps(prepare.STEPS + bench.STEPS)
    with only_one(settings, steps):
        databases = prepare.prepare(settings, steps)
        return bench.measure(databases, steps, choice)


def _odoo(settings: Settings, rest: list[str]) -> int:
    """`setup/odoo …`: Odoo's own command line on this environment."""
    odoo = _quietly(settings).odoo
    line = odoo.arguments(*rest)
    os.execve(line[0], line, odoo.variables())


def _psql(settings: Settings, rest: list[str]) -> int:
    """`setup/psql …`: psql on this environment's server."""
    return subprocess.run(["psql", *rest], env=_quietly(settings).odoo.server.variables(), check=False).returncode


def _lint(settings: Settings, rest: list[str]) -> int:
    """`setup/lint`: ruff, pylint with pylint_odoo, OCA's checks."""
    with only_one(settings, Steps(0, quiet=True)):
        python = packages.environment(settings, "lint", "lint")
    return lint.run(python)


def _lock(settings: Settings, rest: list[str]) -> int:
    """`setup/lock`: writes the lock files anew from what the package index and Debian's archive have now."""
    steps = Steps(2)
    with only_one(settings, steps):
        with steps.step("Python packages"):
            for name in ("requirements", "lint"):
                packages.compile_lock(settings, name)
            for name in ("bench", "every_app"):
                packages.compile_lock(settings, name, "--no-deps")
        with steps.step("Odoo"):
            odoo_tree.write_lock(settings, steps)
    print(f"Written in {REPOSITORY / 'setup'}. See the changes with git diff, then run ./setup/test.")
    return 0


def _base(settings: Settings, rest: list[str]) -> int:
    """Everything up to Odoo's `base`; the tests of interrupted set-ups call this."""
    steps = Steps(prepare.STEPS + 1)
    with only_one(settings, steps):
        databases = prepare.prepare(settings, steps)
        with steps.step("Base database"):
            databases.base()
    return 0


def _times(settings: Settings, command: str) -> str:
    """Under which name the seconds are kept: the first set-up in an environment folder is a case of its own."""
    return command if (settings.home / "python").exists() else f"first {command}"


def _quietly(settings: Settings):
    steps = Steps(0, stream=sys.stderr, quiet=True)
    with only_one(settings, steps):
        return prepare.prepare(settings, steps)


_COMMANDS = {
    "run": _run,
    "test": _test,
    "bench": _bench,
    "odoo": _odoo,
    "psql": _psql,
    "lint": _lint,
    "lock": _lock,
    "base": _base,
}
