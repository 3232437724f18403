"""Events to the present answer.

The fold in SQL must give what this gives; a test and an administrator's button compare the two.

For one key (subject, purpose, channel, address, company) **the strongest voice wins, among equal
voices the latest moment, at the same moment the line recorded later**. That is a maximum, so the
order in which events arrive does not matter, and folding one more event needs only the winner.

====  ==============================================================================
  0   a question is open: requested, pending
  1   a statement by us, or by a machine for the person: informed, and *given* by import or API
  2   the person's own decision: given, refused, withdrawn, objected
====  ==============================================================================

So an import, a copied list or a repeated notice never raises what the person turned down, while a
refusal lowers, whoever carried it in.
"""

from dataclasses import dataclass
from datetime import date, datetime

from .errors import UnknownKind

STATE_OF_KIND = {
    "requested": "requested",
    "pending": "pending",
    "given": "active",
    "informed": "active",
    "refused": "refused",
    "withdrawn": "withdrawn",
    "objected": "objected",
}
ENDING_STATES = ("active", "pending")  # past their last day: expired
NEGATIVE_STATES = ("refused", "withdrawn", "objected")

OWN_SOURCES = (
    "paper",
    "in_person",
    "phone",
    "sms_keyword",
    "email",
    "web_form",
    "popup",
    "portal",
    "contract",
    "event",
)
CARRIED_SOURCES = ("import", "api")  # may lower, never raise
QUARANTINED_SOURCES = ("referral", "enrichment", "public", "bought")  # never more than pending
SOURCES = (*OWN_SOURCES[:-2], "import", "api", "contract", "event", *QUARANTINED_SOURCES)


@dataclass(frozen=True, slots=True)
class Event:
    """What the fold needs to know of one ledger line."""

    kind: str
    source: str
    at: datetime
    sequence: int
    until: date | None = None

    @property
    def order(self):
        return (voice(self.kind, self.source), self.at, self.sequence)


@dataclass(frozen=True, slots=True)
class Basis:
    """The answer for one key. ``until`` is the last day it holds."""

    state: str
    since: datetime
    until: date | None
    sequence: int

    def state_on(self, day: date) -> str:
        """The state as it is on ``day``: active or pending past its last day is expired."""
        if self.state in ENDING_STATES and self.until is not None and self.until < day:
            return "expired"
        return self.state


def voice(kind: str, source: str) -> int:
    """How strong an event speaks: 2 the person decides, 1 somebody states, 0 a question is open."""
    if kind not in STATE_OF_KIND:
        raise UnknownKind(kind)
    if kind in ("requested", "pending"):
        return 0
    if kind == "informed" or (kind == "given" and source not in OWN_SOURCES):
        return 1
    return 2


def fold(events) -> Basis | None:
    """The basis that ``events`` of one key add up to; None when there are none."""
    winner = max(events, key=lambda event: event.order, default=None)
    if winner is None:
        return None
    state = STATE_OF_KIND[winner.kind]
    return Basis(
        state=state,
        since=winner.at,
        until=winner.until if state in ENDING_STATES else None,
        sequence=winner.sequence,
    )
