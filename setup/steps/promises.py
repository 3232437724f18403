"""What is measured and what is promised of it: one entry a line of the table. Later parts add theirs here."""

from dataclasses import dataclass, field

from .figures import Goal, Line, Result

SIZES = (20_000, 200_000, 1_000_000)
SMALLER, LARGEST = SIZES[1:]


@dataclass(frozen=True)
class Work:
    """Something a worker does on demand (a method in tests/benchmark/works.py); a median is taken over the rounds."""

    name: str
    method: str
    rounds: int
    peer: bool = True
    arguments: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Promise:
    """A line and where its figures come from: the work, the key of its answers, the factor to the line's unit.

    `beside`: side and work that it is compared with, where that is not the peer doing the same. The side `earlier`
    is ours as last measured at the smaller size.
    """

    line: Line
    work: str
    key: str = "seconds"
    factor: float = 1
    beside: tuple[str, str] | None = None

    def is_for(self, partners: int) -> bool:
        """Growth is told of the largest size alone."""
        return partners == LARGEST or not self._over_sizes()

    def result(self, medians: dict[str, dict], partners: int, goals: dict[str, Goal]) -> Result:
        """The line with its figures; `medians` is side to work to key to number."""

        def figure(side, work):
            value = medians.get(side, {}).get(work, {}).get(self.key)
            return None if value is None else value * self.factor

        peer = figure(*(self.beside or ("peer", self.work)))
        indexed = None if self.beside else figure("indexed", self.work)
        remark = f"run it with --partners {SMALLER} first" if self._over_sizes() and peer is None else ""
        goal = goals.get(self.line.name)
        return Result(self.line, partners, figure("ours", self.work), peer, indexed, goal, remark)

    def _over_sizes(self) -> bool:
        return bool(self.beside) and self.beside[0] == "earlier"


def _promised(name, work, unit, compared, at_smaller: Goal | None = None, at_largest: Goal | None = None) -> Line:
    goals = {SMALLER: at_smaller, LARGEST: at_largest}
    return Line(name, work, unit, compared, {size: goal for size, goal in goals.items() if goal})


WORKS = {
    "find_one": [Work("find_one", "find_one", 100)],
    "find_many": [
        Work("find_fewer", "find_many", 3, peer=False, arguments={"people": 1_000}),
        Work("find_many", "find_many", 3, peer=False, arguments={"people": 10_000}),
    ],
    "open_form": [Work("open_form", "open_form", 100)],
    "open_list": [Work("open_list", "open_list", 100)],
    "erase_one": [Work("erase_one", "erase_one", 7)],
    "insert": [Work("insert", "insert", 5)],
    "append": [
        Work("append", "append", 5, peer=False, arguments={"events": 10_000}),
        Work("append_plain", "append_plain", 5, peer=False, arguments={"events": 10_000}),
    ],
    "writers": [Work("writers", "append_beside_others", 5, peer=False, arguments={"events": 500, "writers": 8})],
    "verify": [
        Work("verify", "verify", 3, peer=False),
        Work("verify_columns", "verify_columns", 3, peer=False),
        Work("read_and_hash", "read_and_hash", 3, peer=False),
    ],
    "allows": [Work("allows", "allows", 100, peer=False)],
    "search": [
        Work("search_gated", "search_gated", 9, peer=False),
        Work("search_all", "search_all", 9, peer=False),
    ],
}
_FASTER, _AS_LONG, _MORE, _ALONE, _TO_SMALLER = (
    "times faster",
    "times the peer",
    "more",
    "alone",
    "times the smaller",
)
PROMISES = [
    Promise(
        _promised("find_one", "find one person", "ms", _FASTER, Goal("at least", 100), Goal("at least", 400)),
        "find_one",
        factor=1000,
    ),
    Promise(
        _promised(
            "find_one.growth",
            f"find one person, beside ours at {SMALLER:,}",
            "ms",
            _TO_SMALLER,
            at_largest=Goal("at most", 1.5),
        ),
        "find_one",
        factor=1000,
        beside=("earlier", "find_one"),
    ),
    Promise(
        _promised("find_many", "find 10,000 in one call, each", "ms", _ALONE, Goal("below", 0.5)),
        "find_many",
        key="seconds_each",
        factor=1000,
    ),
    Promise(
        _promised("find_many.memory", "peak at 10,000, beside 1,000", "MB", _TO_SMALLER, Goal("at most", 1.1)),
        "find_many",
        key="peak_megabytes",
        beside=("ours", "find_fewer"),
    ),
    Promise(
        _promised("open_form", "open a contact's form", "ms", _AS_LONG, Goal("at most", 1.05)),
        "open_form",
        factor=1000,
    ),
    Promise(
        _promised("open_form.queries", "open a contact's form", "queries", _MORE, Goal("at most", 3)),
        "open_form",
        key="queries",
    ),
    Promise(
        _promised("open_list", "open the contacts' list", "ms", _AS_LONG, Goal("at most", 1.05)),
        "open_list",
        factor=1000,
    ),
    Promise(
        _promised("open_list.queries", "open the contacts' list", "queries", _MORE, Goal("at most", 2)),
        "open_list",
        key="queries",
    ),
    Promise(
        _promised("erase_one.plan", "erase one person: plan", "s", _ALONE, Goal("below", 1)),
        "erase_one",
        key="plan_seconds",
    ),
    Promise(_promised("erase_one.run", "erase one person: run", "s", _ALONE, Goal("below", 3)), "erase_one"),
    Promise(_promised("insert", "insert 50,000 rows", "s", _AS_LONG), "insert"),
    Promise(
        _promised("append", "append 10,000 events, beside a plain INSERT", "s", _AS_LONG, Goal("at most", 5)),
        "append",
        beside=("ours", "append_plain"),
    ),
    Promise(
        _promised("writers", "8 writers: longest wait, in commits", "commits", _ALONE, Goal("at most", 1)),
        "writers",
        key="waits_per_commit",
    ),
    Promise(
        _promised(
            "verify", "verify the ledger, beside reading and hashing", "s", _AS_LONG, at_largest=Goal("at most", 2)
        ),
        "verify",
        beside=("ours", "read_and_hash"),
    ),
    Promise(
        _promised("verify.memory", "peak verifying, beside reading and hashing", "MB", _AS_LONG),
        "verify",
        key="peak_megabytes",
        beside=("ours", "read_and_hash"),
    ),
    Promise(
        _promised("verify.columns", "compare its columns, beside reading and hashing", "s", _AS_LONG),
        "verify_columns",
        beside=("ours", "read_and_hash"),
    ),
    Promise(
        _promised("allows", "ask the gate about one person", "queries", _ALONE, Goal("at most", 1)),
        "allows",
        key="queries",
    ),
    Promise(
        _promised("search", "search all whom we may write to, beside all", "ms", _AS_LONG, Goal("at most", 1.5)),
        "search_gated",
        factor=1000,
        beside=("ours", "search_all"),
    ),
]
