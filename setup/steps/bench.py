"""Measures ours and the peers on two clones of one populated database, in turn, and says which goals are held.

The peer's clone has neither the add-ons nor their indexes; at the end it gets the indexes and is measured once more.
"""

import argparse
import contextlib
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from . import figures
from .command import run, telling_line
from .console import Problem, Steps
from .database import Databases
from .figures import Goal
from .packages import environment
from .promises import PROMISES, SIZES, SMALLER, WORKS, Work
from .settings import REPOSITORY, Settings

STEPS = 7
BENCHMARK = REPOSITORY / "tests/benchmark"
_OURS = ("client_consent", "client_gdpr", "client_gdpr_account")
_PEERS = ("privacy_lookup", "data_recycle", "auditlog", "privacy_partner_to_be_forgotten")
# How long a worker may take to load Odoo, and to answer: nobody waits longer for one that hangs.
_LOADING_SECONDS, _ANSWER_SECONDS = 300, 1800


@dataclass(frozen=True)
class Choice:
    """What the user asked for: the size, the rows, and goals of his own."""

    partners: int
    rows: list[str]
    goals: dict[str, Goal]
    plot: bool

    @classmethod
    def read(cls, rest: list[str]) -> "Choice":
        parser = argparse.ArgumentParser(
            prog="./setup/bench",
            description="Measures beside Odoo's and OCA's own tools; exit code 1 when a goal is missed.",
        )
        parser.add_argument("rows", nargs="*", metavar="row", help=f"all if none: {', '.join(WORKS)}")
        parser.add_argument("--partners", type=int, choices=SIZES, default=SIZES[0])
        parser.add_argument(
            "--goal", action="append", default=[], metavar="LINE=LIMIT", help="another limit, judged at any size"
        )
        parser.add_argument("--plot", action="store_true", help="only draw what was measured, under docs/benchmark")
        options = parser.parse_args(rest)
        if unknown := [row for row in options.rows if row not in WORKS]:
            raise Problem(f"There is no row {', '.join(unknown)}", f"Choose from: {', '.join(WORKS)}")
        return cls(options.partners, options.rows or list(WORKS), _goals(options.goal), options.plot)


def _goals(given: list[str]) -> dict[str, Goal]:
    """Limits given as `line=number`; the sense is that of the line's own goals."""
    lines = {promise.line.name: promise.line for promise in PROMISES if promise.line.goals}
    goals = {}
    for text in given:
        name, _, limit = text.partition("=")
        if name not in lines:
            raise Problem(f"--goal {text} names no line with a goal", f"Choose from: {', '.join(lines)}")
        try:
            goals[name] = Goal(next(iter(lines[name].goals.values())).sense, float(limit))
        except ValueError:
            raise Problem(f"--goal {text} gives no number", f"Write for example {name}=1.5") from None
    return goals


def measure(databases: Databases, steps: Steps, choice: Choice) -> int:
    """Measures, prints the table, keeps the report; 1 when a goal is missed."""
    settings = databases.odoo.settings
    with steps.step("Packages of the peers"):
        peers = _peer_addons(environment(settings, "bench", "bench"))
    with steps.step(f"Template of {choice.partners:,} partners"):
        population = BENCHMARK / "population.py"
        template = databases.populated(choice.partners, population)
    with steps.step("Template with the add-ons"):
        equipped = databases.equipped(choice.partners, population, _OURS, BENCHMARK / "consents.py")
    ours, peer = (f"{template}_{side}_{os.getpid()}" for side in ("ours", "peer"))
    try:
        with steps.step("Clone with the add-ons"):
            databases.clone(equipped, ours, "clone", process=os.getpid())
        with steps.step("Clone with the peers"):
            databases.clone(template, peer, "clone", process=os.getpid())
            databases.install(peer, _PEERS, addons=peers)
            databases.odoo.server.query("VACUUM ANALYZE", database=peer)
        with Worker(databases, ours, "ours") as our, Worker(databases, peer, "peer", peers) as theirs:
            medians = _measure(steps, choice, our, theirs)
        return conclude(settings, steps, choice, medians)
    finally:
        databases.drop(ours)
        databases.drop(peer)


def _measure(steps: Steps, choice: Choice, ours: "Worker", peer: "Worker") -> dict[str, dict]:
    """Side to work to medians; sides are ours, the peer, and the peer with our indexes."""
    medians: dict[str, dict] = {"ours": {}, "peer": {}, "indexed": {}}
    works = [work for row in choice.rows for work in WORKS[row]]
    with steps.step("Measuring in turn"):
        for work in works:
            steps.say(work.name)
            sides = {"ours": ours} | ({"peer": peer} if work.peer else {})
            for side, answers in _rounds(work, sides).items():
                medians[side][work.name] = _medians(answers)
    with steps.step("The peer with our indexes"):
        peer.ask("build_indexes", indexes=ours.ask("indexes")["indexes"])
        for work in works:
            if work.peer:
                [answers] = _rounds(work, {"indexed": peer}).values()
                medians["indexed"][work.name] = _medians(answers)
    return medians


def _rounds(work: Work, sides: dict[str, "Worker"]) -> dict[str, list[dict]]:
    """The answers of each side: each has answered before, and they take turns."""
    for worker in sides.values():
        worker.ask(work.method, number=work.rounds, **work.arguments)
    answers: dict[str, list[dict]] = {side: [] for side in sides}
    for number in range(work.rounds):
        # each goes first in turn: whoever comes second finds the machine warmer, or busier
        for side in list(sides)[:: 1 if number % 2 else -1]:
            answers[side].append(sides[side].ask(work.method, number=number, **work.arguments))
    return answers


def _medians(answers: list[dict]) -> dict[str, float]:
    return {key: statistics.median(answer[key] for answer in answers) for key in answers[0]}


def _peer_addons(environment_folder: Path) -> Path:
    [folder] = environment_folder.glob("lib/python3.*/site-packages/odoo/addons")
    return folder


class Worker:
    """An Odoo shell on one database that measures what it is told to. A context manager: it ends with the block."""

    def __init__(self, databases: Databases, name: str, side: str, addons: Path | None = None):
        self._databases, self._name, self._side, self._addons = databases, name, side, addons
        self._log = databases.odoo.settings.logs / f"bench-{side}.log"
        self._ends = contextlib.ExitStack()

    def __enter__(self) -> "Worker":
        with contextlib.ExitStack() as ends:
            address = Path(ends.enter_context(tempfile.TemporaryDirectory())) / "socket"
            listener = ends.enter_context(socket.socket(socket.AF_UNIX))
            listener.bind(str(address))
            listener.listen(1)
            listener.settimeout(1)
            self._process = self._start(address, ends)
            ends.callback(self._stop)
            connection = ends.enter_context(self._connected(listener))
            connection.settimeout(_ANSWER_SECONDS)
            self._stream = ends.enter_context(connection.makefile("rw", encoding="utf-8"))
            self._ends = ends.pop_all()
        return self

    def __exit__(self, *_exception):
        self._ends.close()

    def ask(self, work: str, **arguments) -> dict:
        """What the worker answers; its error becomes a Problem."""
        try:
            self._stream.write(json.dumps({"work": work, **arguments}) + "\n")
            self._stream.flush()
            line = self._stream.readline()
        except OSError as error:
            raise self._problem(f"{work}: {error}") from error
        if not line:
            raise self._problem(f"{work}: it ended without an answer")
        answer = json.loads(line)
        if "error" in answer:
            raise self._problem(f"{work}: {answer['error'].strip().splitlines()[-1]}")
        return answer

    def _start(self, address: Path, ends: contextlib.ExitStack) -> subprocess.Popen:
        odoo = self._databases.odoo
        script = f"import sys\nsys.path.insert(0, {str(BENCHMARK)!r})\nimport worker\nworker.serve(env)\n"
        self._log.parent.mkdir(parents=True, exist_ok=True)
        log = ends.enter_context(self._log.open("w"))
        process = subprocess.Popen(
            odoo.arguments("shell", "-d", self._name, "--no-http", *odoo.more_addons(self._addons)),
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            text=True,
            env=odoo.variables() | {"BENCHMARK_SOCKET": str(address), "BENCHMARK_SIDE": self._side},
        )
        process.stdin.write(script)
        process.stdin.close()
        return process

    def _connected(self, listener: socket.socket) -> socket.socket:
        for _second in range(_LOADING_SECONDS):
            try:
                return listener.accept()[0]
            except TimeoutError:
                if self._process.poll() is not None:
                    break
        raise self._problem(telling_line(self._log.read_text(errors="replace")))

    def _stop(self):
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _problem(self, what: str) -> Problem:
        return Problem(f"The worker of {self._side} failed: {what}", f"See {self._log}; then start again.")


# -- what is said ------------------------------------------------------------------------------------


def conclude(settings: Settings, steps: Steps, choice: Choice, medians: dict[str, dict]) -> int:
    """Prints the table and keeps the report; 1 when a goal is missed."""
    report = settings.home / "reports" / f"bench-{choice.partners}.json"
    earlier = settings.home / "reports" / f"bench-{SMALLER}.json"
    if earlier.exists() and earlier != report:
        medians |= {"earlier": json.loads(earlier.read_text())["medians"]["ours"]}
    works = {work.name for row in choice.rows for work in WORKS[row]}
    results = [
        promise.result(medians, choice.partners, choice.goals)
        for promise in PROMISES
        if promise.work in works and promise.is_for(choice.partners)
    ]
    print(f"\n{choice.partners:,} partners · {_processor()}\n")
    print(figures.table(results, colour=sys.stdout.isatty()))
    for side in ("ours", "peer"):
        peaks = [answer["peak_megabytes"] for answer in medians[side].values()]
        if peaks:
            print(f"{'Peak memory of our worker' if side == 'ours' else 'of the peer'}: {max(peaks):.0f} MB")
    minutes, seconds = divmod(round(steps.total_seconds()), 60)
    print(f"{minutes} min {seconds} s. Kept in {_keep(report, choice, medians, results)}")
    return figures.exit_code(results)


def _keep(report: Path, choice: Choice, medians: dict[str, dict], results: list[figures.Result]) -> Path:
    """Writes the report; rows that were not measured this time stay as they were."""
    report.parent.mkdir(parents=True, exist_ok=True)
    known = json.loads(report.read_text()) if report.exists() else {"medians": {}, "lines": {}}
    kept = {
        "partners": choice.partners,
        "processor": _processor(),
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
        "lines": known["lines"] | {result.line.name: result.as_json() for result in results},
        "medians": {side: known["medians"].get(side, {}) | medians[side] for side in ("ours", "peer", "indexed")},
    }
    unfinished = report.with_suffix(".new")
    unfinished.write_text(json.dumps(kept, indent=2, ensure_ascii=False) + "\n")
    unfinished.rename(report)
    return report


def _processor() -> str:
    return f"{next(_models(), 'unknown processor')}, {os.cpu_count()} cores"


def _models() -> Iterator[str]:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            yield value.strip()


def plot(settings: Settings, python: Path) -> int:
    """Draws growth over the sizes from the kept reports."""
    reports = [settings.home / "reports" / f"bench-{size}.json" for size in SIZES]
    if missing := [size for size, report in zip(SIZES, reports, strict=True) if not report.exists()]:
        commands = "; ".join(f"./setup/bench --partners {size}" for size in missing)
        raise Problem("Not every size has been measured", f"Run: {commands}")
    folder = REPOSITORY / "docs/benchmark"
    folder.mkdir(parents=True, exist_ok=True)
    run(
        [python / "bin/python", BENCHMARK / "plot.py", folder, *reports],
        failure="The plot could not be drawn",
        remedy="See the line above; then start again.",
    )
    print(f"Drawn in {folder}")
    return 0
