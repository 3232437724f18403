"""What the benchmark promises, judges and refuses."""

import doctest
import json

import pytest
from steps import bench, figures
from steps.console import Problem, Steps
from steps.figures import HELD, MISSED, NO_GOAL, Goal, Line, Result
from steps.promises import LARGEST, PROMISES, SIZES, SMALLER, WORKS
from steps.settings import Settings

SLOW = Line("slow", "a slow work", "ms", "times the peer", {SMALLER: Goal("at most", 1.05)})
FAST = Line("fast", "a fast work", "ms", "times faster", {SMALLER: Goal("at least", 100)})
RED = "\033[31m"


def result(line, ours, peer, partners=SMALLER, **more):
    return Result(line, partners, ours, peer, **more)


def test_examples_in_docstrings():
    assert doctest.testmod(figures).failed == 0


def test_missed_goal_comes_first_in_red_and_fails_the_command():
    results = [result(FAST, 1.5, 300), result(SLOW, 20, 10)]
    head, first, second = figures.table(results, colour=True).splitlines()
    assert head.startswith("work")
    assert first.startswith(f"{RED}a slow work") and MISSED in first
    assert second.startswith("a fast work") and HELD in second and RED not in second
    assert figures.exit_code(results) == 1
    assert figures.exit_code(results[:1]) == 0


def test_goal_is_judged_only_at_its_size():
    elsewhere = result(SLOW, 20, 10, partners=SIZES[0])
    assert elsewhere.verdict == NO_GOAL
    assert figures.exit_code([elsewhere]) == 0


def test_goal_given_on_the_command_line_is_judged_at_any_size():
    choice = bench.Choice.read(["open_form", "--goal", "open_form=1.5"])
    assert choice.goals == {"open_form": Goal("at most", 1.5)}
    line = next(promise.line for promise in PROMISES if promise.line.name == "open_form")
    assert result(line, 20, 10, partners=SIZES[0], goal=choice.goals["open_form"]).verdict == MISSED


def test_figure_that_was_never_measured_misses_its_goal():
    assert result(FAST, None, 10).verdict == MISSED
    assert result(FAST, 10, None).verdict == MISSED


@pytest.mark.parametrize(
    ("compared", "figure"),
    [("times faster", 4), ("times the peer", 0.25), ("more", -9), ("alone", 3), ("times the smaller", 0.25)],
)
def test_figures(compared, figure):
    assert result(Line("line", "work", "ms", compared), 3, 12).figure == figure


def test_growth_needs_the_smaller_size_and_says_so():
    growth = next(promise for promise in PROMISES if promise.line.name == "find_one.growth")
    assert [size for size in SIZES if growth.is_for(size)] == [LARGEST]
    medians = {"ours": {"find_one": {"seconds": 0.003}}}
    missing = growth.result(medians, LARGEST, {})
    assert missing.verdict == MISSED and str(SMALLER) in missing.remark
    known = growth.result(medians | {"earlier": {"find_one": {"seconds": 0.002}}}, LARGEST, {})
    assert (known.figure, known.verdict, known.remark) == (1.5, HELD, "")


def test_partial_run_keeps_the_other_rows(tmp_path, capsys):
    settings = Settings.read({"SETUP_HOME": str(tmp_path)})

    def conclude(row, medians):
        choice = bench.Choice.read([row, "--partners", str(SMALLER)])
        return bench.conclude(settings, Steps(0, quiet=True), choice, {"ours": medians, "peer": medians, "indexed": {}})

    answer = {"seconds": 0.5, "queries": 3, "peak_megabytes": 150}
    assert conclude("open_form", {"open_form": answer}) == 0
    assert conclude("find_one", {"find_one": answer}) == 1
    kept = json.loads((tmp_path / "reports" / f"bench-{SMALLER}.json").read_text())
    assert {"open_form", "open_form.queries", "find_one"} == kept["lines"].keys()
    assert kept["lines"]["find_one"]["verdict"] == MISSED
    assert kept["medians"]["ours"].keys() == {"open_form", "find_one"}
    assert "Peak memory of our worker: 150 MB" in capsys.readouterr().out


def test_every_row_has_its_lines():
    measured = {work.name for works in WORKS.values() for work in works}
    compared = {promise.beside[1] for promise in PROMISES if promise.beside}
    assert {promise.work for promise in PROMISES} | compared == measured


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["find_all"], "find_one"),
        (["--goal", "insert=2"], "open_form"),
        (["--goal", "open_form=fast"], "open_form=1.5"),
    ],
)
def test_unknown_row_and_goal_are_refused_with_what_there_is(arguments, told):
    with pytest.raises(Problem, match=told):
        bench.Choice.read(arguments)
