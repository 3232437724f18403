"""The values that travel through the pipeline: what was found, what is to happen, and why.

``Located`` leaves the finder, ``Ruling`` and ``PlanLine`` leave the planner, ``Leftover`` leaves the
verifier. They hold ids and codes, never a person's data.
"""

import datetime
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Action = Literal["delete", "anonymise", "seal", "keep", "review"]
Bond = Literal["self", "own", "part", "text"]

#: A plan goes back for approval when it grew to more than this many times what was approved.
GROWTH_LIMIT = 2
DIGEST_VERSION = "p1"


@dataclass(frozen=True)
class Hit:
    """Records of one model reached in one way.

    :ivar field: the column that led here, or that holds the mention
    :ivar bond: ``self`` the person's own contact row, ``own`` a record about the person, ``part`` a
        record of others the person takes part in, ``text`` a mention in somebody else's words
    :ivar sure: found by an identifier that names this person alone, or by a link
    """

    model: str
    field: str
    ids: tuple[int, ...]
    bond: Bond
    sure: bool = True


@dataclass(frozen=True)
class Located:
    """Everything the finder knows about one set of contacts that are the same person."""

    partner_ids: tuple[int, ...]
    hits: tuple[Hit, ...]

    def ids(self, model: str, *bonds: Bond) -> tuple[int, ...]:
        """Ids of one model, each once, optionally of these bonds only."""
        found = {id_ for hit in self.hits if hit.model == model and (not bonds or hit.bond in bonds) for id_ in hit.ids}
        return tuple(sorted(found))


@dataclass(frozen=True)
class Ground:
    """A reason to keep a person's data.

    :ivar kind: ``permitting`` falls with a valid erasure request, ``obliging`` survives it
    :ivar until: last day, or nothing when the end is not known yet
    :ivar scope: names of the partner's fields that the ground needs; empty for a permitting one
    """

    partner_id: int
    kind: Literal["permitting", "obliging"]
    code: str
    law: str
    until: datetime.date | None
    scope: frozenset[str]
    model: str
    res_id: int
    label: str = ""


@dataclass(frozen=True)
class Ruling:
    """What happens to records of one model, and why; ``field`` names the column that led there."""

    model: str
    field: str
    ids: tuple[int, ...]
    action: Action
    reason: str
    law: str = ""
    until: datetime.date | None = None
    fields: tuple[str, ...] = ()

    @property
    def rule(self) -> tuple[str, str, str, str]:
        """The part that a person approves: the rule on this person, not the single records."""
        return (self.model, self.field, self.action, self.reason)


def digest(subject: str, rulings: Iterable[Ruling]) -> str:
    """SHA-256 over the rules of a plan, with counts, whatever order they come in."""
    lines = sorted(
        [*r.rule, r.law, r.until.isoformat() if r.until else "", sorted(r.fields), len(r.ids)] for r in rulings
    )
    body = json.dumps([DIGEST_VERSION, subject, lines], separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(body.encode()).hexdigest()


@dataclass(frozen=True)
class Drift:
    """How a fresh plan differs from the approved one.

    :ivar new_rules: rules nobody approved
    :ivar grown: rules that now take more than twice the records
    :ivar later: records that came later under an approved rule: model → how many more
    """

    new_rules: tuple[tuple[str, str, str, str], ...]
    grown: tuple[tuple[str, str, str, str], ...]
    later: tuple[tuple[str, int], ...]

    @property
    def must_go_back(self) -> bool:
        return bool(self.new_rules or self.grown)


def drift(approved: dict[tuple[str, str, str, str], int], fresh: Iterable[Ruling]) -> Drift:
    """Compare what was approved, as rule → count, with what the finder sees now.

    A record that went away on its own is no drift; neither is a rule that found nothing any more.
    """
    now: dict[tuple[str, str, str, str], int] = {}
    for ruling in fresh:
        now[ruling.rule] = now.get(ruling.rule, 0) + len(ruling.ids)
    new = tuple(sorted(rule for rule in now if rule not in approved))
    known = [rule for rule in now if rule in approved]
    grown = tuple(sorted(r for r in known if now[r] > GROWTH_LIMIT * approved[r]))
    later = tuple(sorted((r[0], now[r] - approved[r]) for r in known if now[r] > approved[r]))
    return Drift(new, grown, later)


@dataclass(frozen=True)
class Leftover:
    """A place where an old identifier still stands: where and how many, never what."""

    model: str
    field: str
    ids: tuple[int, ...]
