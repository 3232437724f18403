"""The values that travel through the pipeline: what was found, what is to happen, and why.

``Located`` leaves the finder, ``Ruling`` leaves the planner, ``Leftover`` leaves the verifier: ids and codes, never a
person's data. A ``Case`` is one person on the way from room to room, with the identifiers to look for.
"""

import datetime
import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

from .identity import Identity

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

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Hit":
        """A hit of its attributes, as JSON gives them back."""
        return cls(**{**values, "ids": tuple(values["ids"])})


@dataclass(frozen=True)
class Reading:
    """What no index leads to, found by reading all texts for one person.

    :ivar hits: mentions, and records found by an address in a list
    :ivar digest: keyed, of the identifiers that were looked for
    :ivar moment: what the texts were read at, as ``gdpr.data.text`` names it
    """

    hits: tuple[Hit, ...]
    digest: str
    moment: Mapping[str, str]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"hits": [hit.__dict__ for hit in self.hits], "digest": self.digest, "moment": dict(self.moment)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Reading":
        """What :meth:`to_dict` was made of."""
        return cls(tuple(map(Hit.from_dict, values["hits"])), values["digest"], values["moment"])


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

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {**self.__dict__, "until": self.until and self.until.isoformat()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Ruling":
        """What :meth:`to_dict` was made of."""
        until = values["until"] and datetime.date.fromisoformat(values["until"])
        return cls(**{**values, "ids": tuple(values["ids"]), "fields": tuple(values["fields"]), "until": until})


@dataclass(frozen=True)
class Sealing:
    """Values of one record that move into the vault, for which request, and how long a law needs them."""

    res_id: int
    fields: tuple[str, ...]
    request_id: int
    law: str = ""
    until: datetime.date | None = None


@dataclass(frozen=True)
class People:
    """People who are planned for together, as a judge sees them: their grounds, and whose a record is."""

    located: Sequence[Located]
    grounds: Sequence[Ground]

    def holders(self, model: str, id_: int) -> tuple[Located, ...]:
        """The people of whom a record was found."""
        return tuple(self.located[number] for number in self._holders[model][id_])

    def grounds_of(self, model: str, id_: int) -> tuple[Ground, ...]:
        """The grounds for the people of whom a record was found."""
        partner_ids = {partner_id for located in self.holders(model, id_) for partner_id in located.partner_ids}
        return tuple(ground for partner_id in sorted(partner_ids) for ground in self._grounds[partner_id])

    @cached_property
    def _holders(self) -> dict[str, dict[int, list[int]]]:
        found: dict[str, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
        for number, located in enumerate(self.located):
            for hit in located.hits:
                for id_ in hit.ids:
                    numbers = found[hit.model][id_]
                    if not numbers or numbers[-1] != number:
                        numbers.append(number)
        return found

    @cached_property
    def _grounds(self) -> dict[int, list[Ground]]:
        found: dict[int, list[Ground]] = defaultdict(list)
        for ground in self.grounds:
            found[ground.partner_id].append(ground)
        return found


@dataclass(frozen=True)
class Case:
    """One person on the way through the pipeline.

    :ivar request_id: the request that asks for it
    :ivar identity: what the person is recognised by
    :ivar decisions: rule → ``redact`` or ``leave`` for what somebody had to decide
    :ivar later: records that came after the approval: (model, how many)
    :ivar earlier: rulings carried out by a run that left something over
    """

    request_id: int
    located: Located
    identity: Identity
    rulings: tuple[Ruling, ...] = ()
    decisions: Mapping[tuple[str, str, str, str], str] = field(default_factory=dict)
    later: tuple[tuple[str, int], ...] = ()
    earlier: tuple[Ruling, ...] = ()

    def carried_out(self, again: Iterable[Ruling]) -> tuple[Ruling, ...]:
        """What this run did to records that a later run does not find again."""
        found = {(ruling.model, id_) for ruling in again for id_ in ruling.ids}
        done = [r for r in self.rulings if r.action != "keep" and self.decisions.get(r.rule) != "leave"]
        left = [replace(r, ids=tuple(id_ for id_ in r.ids if (r.model, id_) not in found)) for r in done]
        return self.earlier + tuple(ruling for ruling in left if ruling.ids)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, without the decisions: they stand in the plan."""
        return {
            "partners": self.located.partner_ids,
            "hits": [hit.__dict__ for hit in self.located.hits],
            "identity": self.identity.to_dict(),
            "rulings": [ruling.to_dict() for ruling in self.rulings],
            "later": self.later,
            "earlier": [ruling.to_dict() for ruling in self.earlier],
        }

    @classmethod
    def from_dict(cls, request_id: int, values: Mapping[str, Any], decisions: Mapping | None = None) -> "Case":
        """What :meth:`to_dict` was made of."""
        return cls(
            request_id,
            Located(tuple(values["partners"]), tuple(map(Hit.from_dict, values["hits"]))),
            Identity.from_dict(values["identity"]),
            tuple(map(Ruling.from_dict, values["rulings"])),
            decisions or {},
            tuple((model, count) for model, count in values["later"]),
            tuple(map(Ruling.from_dict, values["earlier"])),
        )


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
