"""What a measured row promises, and the table that says which promises are held."""

import operator
from dataclasses import dataclass, field

HELD, MISSED, NO_GOAL = "held", "MISSED", "no goal at this size"
_RED, _PLAIN = "\033[31m", "\033[0m"
_SENSES = {"at least": operator.ge, "at most": operator.le, "below": operator.lt}
# How ours and the peer make one figure, and how it is written.
_COMPARED = {
    "times faster": lambda ours, peer: peer / ours,
    "times the peer": lambda ours, peer: ours / peer,
    "times the smaller": lambda ours, peer: ours / peer,
    "more": lambda ours, peer: ours - peer,
    "alone": lambda ours, peer: ours,
}


@dataclass(frozen=True)
class Goal:
    """A promise at one size.

    >>> Goal("at least", 100).holds(99.9)
    False
    """

    sense: str
    limit: float

    def holds(self, figure: float) -> bool:
        return _SENSES[self.sense](figure, self.limit)

    def __str__(self):
        return f"{self.sense} {self.limit:g}"


@dataclass(frozen=True)
class Line:
    """One promise of a row: what is measured, in which unit, how it compares, and its goals by number of partners."""

    name: str
    work: str
    unit: str
    compared: str
    goals: dict[int, Goal] = field(default_factory=dict)


@dataclass(frozen=True)
class Result:
    """A line with its figures; `peer` and `indexed` (the peer with our indexes) are None where there is no peer.

    `ours` is None when a figure that it needs was never measured: a goal is then missed.
    """

    line: Line
    partners: int
    ours: float | None
    peer: float | None = None
    indexed: float | None = None
    goal: Goal | None = None
    remark: str = ""

    @property
    def figure(self) -> float | None:
        if self.ours is None or (self.peer is None and self.line.compared != "alone"):
            return None
        return _COMPARED[self.line.compared](self.ours, self.peer)

    @property
    def verdict(self) -> str:
        goal = self.goal or self.line.goals.get(self.partners)
        if goal is None:
            return NO_GOAL
        return HELD if self.figure is not None and goal.holds(self.figure) else MISSED

    def cells(self) -> list[str]:
        compared = {"alone": "", "more": " more"}.get(self.line.compared, f" {self.line.compared}")
        goal = self.goal or self.line.goals.get(self.partners)
        figure = "" if self.figure is None or self.line.compared == "alone" else f"{_number(self.figure)}{compared}"
        return [
            self.line.work,
            *(
                f"{_number(value)} {self.line.unit}" if value is not None else "–"
                for value in (self.peer, self.indexed, self.ours)
            ),
            figure,
            str(goal) if goal else "",
            self.verdict + (f" ({self.remark})" if self.remark else ""),
        ]

    def as_json(self) -> dict:
        goal = self.goal or self.line.goals.get(self.partners)
        return {
            "work": self.line.work,
            "unit": self.line.unit,
            "ours": self.ours,
            "peer": self.peer,
            "peer_with_our_indexes": self.indexed,
            "compared": self.line.compared,
            "figure": self.figure,
            "goal": str(goal) if goal else None,
            "verdict": self.verdict,
            "remark": self.remark,
        }


def table(results: list[Result], colour: bool) -> str:
    """The table as text: what is missed comes first, in red where the terminal shows colours."""
    head = ["work", "peer", "peer with our indexes", "ours", "ratio", "goal", "result"]
    ordered = sorted(results, key=lambda result: result.verdict != MISSED)
    rows = [head, *(result.cells() for result in ordered)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    for number, result in enumerate(ordered, 1):
        if colour and result.verdict == MISSED:
            lines[number] = f"{_RED}{lines[number]}{_PLAIN}"
    return "\n".join(lines)


def exit_code(results: list[Result]) -> int:
    """1 as soon as one goal is missed."""
    return int(any(result.verdict == MISSED for result in results))


def _number(value: float) -> str:
    """Three figures that tell something.

    >>> _number(0.00161), _number(213.4), _number(1.04)
    ('0.00161', '213', '1.04')
    """
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
