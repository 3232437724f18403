"""All tests, ending in one summary.

Two halves, because tests of plain Python must not see Odoo: `pure` (tests/pure, tests/setup; pytest's Odoo plugin off,
Odoo not on the path, no database) and `odoo` (the add-ons' tests, tests/e2e, tests/browser; on a clone of the full
template, dropped afterwards). Each half writes a JUnit report, and the two become one summary in pytest's form.
What needs every app (tests/every_app) runs only when asked for, on a template of its own.
"""

import argparse
import fnmatch
import os
import subprocess
import time
import tomllib
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from pathlib import Path

from .console import Problem
from .database import Databases
from .settings import REPOSITORY, Settings

PURE = ("tests/pure", "tests/setup")
ODOO = ("tests/e2e", "tests/browser")
EVERY_APP = "tests/every_app"
_NO_TESTS = 5


@dataclass
class Results:
    """What the reports of both halves say."""

    passed: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)
    errors: list[tuple[str, str]] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    xfailed: int = 0
    broken: list[str] = field(default_factory=list)

    def read(self, report: Path):
        """Adds one JUnit report."""
        for case in ElementTree.parse(report).getroot().iter("testcase"):
            name = "::".join(part for part in (case.get("classname"), case.get("name")) if part)
            kinds = {child.tag: child for child in case}
            if "error" in kinds:
                self.errors.append((name, _first_line(kinds["error"])))
            elif "failure" in kinds:
                self.failed.append((name, _first_line(kinds["failure"])))
            elif "skipped" not in kinds:
                self.passed += 1
            elif kinds["skipped"].get("type") == "pytest.xfail":
                self.xfailed += 1
            else:
                self.skipped.append((name, kinds["skipped"].get("message", "")))

    def unnamed_skips(self, allowed: dict[str, str]) -> list[tuple[str, str]]:
        """Skipped tests that no pattern names."""
        return [skip for skip in self.skipped if not any(fnmatch.fnmatch(skip[0], pattern) for pattern in allowed)]

    def ran(self) -> int:
        return self.passed + len(self.failed) + len(self.errors) + self.xfailed

    def closing_line(self, seconds: float) -> str:
        """The line that pytest itself would end with."""
        counts = {
            "failed": len(self.failed),
            "passed": self.passed,
            "skipped": len(self.skipped),
            "xfailed": self.xfailed,
            "errors": len(self.errors),
        }
        words = [
            f"{count} {'error' if count == 1 and word == 'errors' else word}" for word, count in counts.items() if count
        ]
        minutes = f" ({int(seconds) // 60}:{int(seconds) % 60:02} minutes)" if seconds >= 60 else ""
        return f" {', '.join(words) or 'no tests ran'} in {seconds:.2f}s{minutes} ".center(100, "=")


@dataclass(frozen=True)
class Selection:
    """What the command line asks for, divided between the halves."""

    pure: list[str]
    odoo: list[str]
    options: list[str]
    alone: str | None = None
    every_app: bool = False

    @classmethod
    def read(cls, arguments: list[str]) -> "Selection":
        parser = argparse.ArgumentParser(
            prog="./setup/test",
            description="Runs the tests: all of them, or those under the given paths. Options of pytest are passed on.",
        )
        parser.add_argument("paths", nargs="*", help="for example addons/client_gdpr or tests/pure")
        parser.add_argument("--alone", metavar="ADDON", help="its tests, with only its dependencies installed")
        parser.add_argument("--every-app", action="store_true", help="the data map, with every app that it declares")
        parser.add_argument("-k", metavar="EXPRESSION", help="only tests whose names match")
        parser.add_argument("-m", metavar="MARKERS", help="only tests with these markers")
        known, passed_on = parser.parse_known_args(arguments)
        for path in known.paths:
            if not (REPOSITORY / path.partition("::")[0]).exists():
                raise Problem(f"There is no {path}", "Name a folder or file of this repository.")
        options = [*passed_on, *(("-k", known.k) if known.k else ()), *(("-m", known.m) if known.m else ())]
        if known.every_app:
            if known.paths or known.alone:
                raise Problem("--every-app takes no paths and no --alone", "Leave them out.")
            return cls([], [EVERY_APP], options, every_app=True)
        if known.alone:
            if known.paths:
                raise Problem("--alone takes no paths", "Leave the paths out.")
            tests = f"addons/{known.alone}/tests"
            if not (REPOSITORY / tests).is_dir():
                raise Problem(f"There is no {tests}", "Name an add-on that has tests.")
            return cls([], [tests], options, known.alone)
        everything = [*PURE, *sorted(f"addons/{folder.parent.name}/tests" for folder in _test_folders()), *ODOO]
        paths = [_relative(path) for path in known.paths] or everything
        paths = [part for path in paths for part in ([*PURE, *ODOO] if path == "tests" else [path])]
        paths = [path for path in paths if (REPOSITORY / path.partition("::")[0]).exists()]
        if any(path.startswith(EVERY_APP) for path in paths):
            raise Problem(f"{EVERY_APP} needs a template of its own", "Run: ./setup/test --every-app")
        pure = [path for path in paths if path.startswith(PURE)]
        return cls(pure, [path for path in paths if path not in pure], options)

    def wants_assets(self) -> bool:
        """Whether a browser will open pages: then building their bundles once, in the template, pays."""
        folders = [REPOSITORY / path.partition("::")[0] for path in self.odoo]
        files = [file for folder in folders for file in ([folder] if folder.is_file() else folder.rglob("test_*.py"))]
        return any(word in file.read_text() for file in files for word in ("browser_js", "start_tour"))


def run_pure(settings: Settings, python: Path, selection: Selection, results: Results):
    """The half without Odoo."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "ODOO_"))}
    variables["SETUP_HOME"] = str(settings.home)
    _pytest(
        settings,
        python,
        "pure",
        ["-p", "no:odoo", "--import-mode=importlib", *selection.pure],
        selection,
        results,
        variables,
    )


def run_odoo(databases: Databases, template: str, selection: Selection, results: Results):
    """The half with Odoo, on a clone that is dropped afterwards."""
    odoo = databases.odoo
    clone = f"{template}_{os.getpid()}"
    databases.clone(template, clone, "clone", process=os.getpid())
    try:
        arguments = [
            f"--odoo-config={odoo.settings.configuration}",
            f"--odoo-database={clone}",
            "--odoo-http",
            *selection.odoo,
        ]
        variables = odoo.variables() | {"SETUP_HOME": str(odoo.settings.home), "TEMPLATE": template}
        _pytest(odoo.settings, odoo.python, "odoo", arguments, selection, results, variables)
    finally:
        databases.drop(clone)


def conclude(results: Results, started: float) -> int:
    """Prints the one summary; the exit code."""
    unnamed = results.unnamed_skips(allowed_skips())
    if results.skipped or results.failed or results.errors or results.broken or unnamed or not results.ran():
        print(f"\n{' short test summary info '.center(100, '=')}")
    for word, rows in (("SKIPPED", results.skipped), ("FAILED", results.failed), ("ERROR", results.errors)):
        for name, text in rows:
            print(f"{word} {name} - {text}")
    for text in results.broken:
        print(f"ERROR {text}")
    for name, _ in unnamed:
        print(f"ERROR {name} was skipped, and pyproject.toml ([tool.client_gdpr.skips]) does not say why it may be")
    if not results.ran():
        print("ERROR no test ran")
    print(results.closing_line(time.monotonic() - started), flush=True)
    bad = results.failed or results.errors or results.broken or unnamed or not results.ran()
    return 1 if bad else 0


def allowed_skips() -> dict[str, str]:
    """Tests that may be skipped, by pattern, each with its reason."""
    with (REPOSITORY / "pyproject.toml").open("rb") as file:
        return tomllib.load(file).get("tool", {}).get("client_gdpr", {}).get("skips", {})


def _pytest(settings, python: Path, half: str, arguments, selection: Selection, results: Results, variables):
    report = settings.home / f"reports/{half}.xml"
    report.parent.mkdir(parents=True, exist_ok=True)
    report.unlink(missing_ok=True)
    # -qq leaves out pytest's own closing line: there is one for both halves.
    line = [
        python / "bin/python",
        "-m",
        "pytest",
        "-qq",
        f"--junitxml={report}",
        "--continue-on-collection-errors",
        *arguments,
        *selection.options,
    ]
    done = subprocess.run(line, cwd=REPOSITORY, env=variables, stdin=subprocess.DEVNULL, check=False)
    if report.exists():
        results.read(report)
    explained = done.returncode in (0, 1, _NO_TESTS) or results.errors
    if not (report.exists() and explained):
        results.broken.append(f"pytest ended with exit code {done.returncode} in the half: {half}")


def _test_folders():
    return (REPOSITORY / "addons").glob("*/tests")


def _relative(path: str) -> str:
    file, separator, rest = path.partition("::")
    absolute = (REPOSITORY / file).resolve()
    if not absolute.is_relative_to(REPOSITORY):
        raise Problem(f"{path} lies outside this repository", "Name a folder or file of this repository.")
    return str(absolute.relative_to(REPOSITORY)) + separator + rest


def _first_line(element) -> str:
    text = element.get("message") or element.text or ""
    return text.strip().split("\n", 1)[0][:300]
