"""Is this ledger the one that was signed? Reads it once, in order, and names every entry that is not.

It takes rows and knows nothing of where they come from: the database gives them to it, and so does the script
that reads an exported file. Memory does not grow with the ledger: the tree keeps its border, and a checkpoint
is compared in passing, which proves that every later tree begins with every earlier one.
"""

import bisect
import hashlib
import itertools
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from . import merkle, signed_note
from .errors import NoteInvalid

#: Problem → what is wrong, for people. ``{n}`` counts further ones of the same kind.
WHY = {
    "payload": "what the event says was changed: it does not fit its commitment",
    "torn": "the event was cleared in part",
    "salt": "the salt of the event was changed",
    "unknown": "the event names an algorithm that this release cannot check",
    "missing": "the event is gone, its entry in the tree is still there",
    "leaf": "event and entry in the tree have different commitments",
    "malformed": "the entry in the tree holds no commitment",
    "gap": "the entry is missing in the tree",
    "twice": "the place in the tree is taken twice",
    "order": "this entry or the one before it was moved: the numbers of their events fall",
    "unsigned": "the entry was added behind the last checkpoint without signing one",
    "left_out": "the event claims to be older than a checkpoint that does not contain it",
    "backdated": "the event claims to be older than the checkpoint before it",
    "columns": "the columns say something else than the signed event: {fields}",
    "tile": "a kept hash of the tree was changed",
    "signature": "no known key signed the checkpoint, or it was changed",
    "vouched": "the checkpoint was signed by a key that the present key does not vouch for",
    "statement": "the checkpoint says something else than its signed note",
    "chain": "the checkpoint before this one was changed or deleted",
    "repeated": "two checkpoints have this size",
    "root": "the tree up to here is not the one that was signed",
    "short": "the tree has fewer entries than were signed",
    "more": "{n} more: {why}",
}
#: How many problems of one kind are named one by one.
NAMED = 1000
#: A transaction that records events may be open this long while checkpoints are signed.
PATIENCE = timedelta(days=1)
_MISSING = merkle.leaf_hash(b"missing")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, and where: number of the event, place in the tree, size of the checkpoint."""

    code: str
    event: int | None = None
    entry: int | None = None
    checkpoint: int | None = None
    fields: tuple[str, ...] = ()
    more: int = 0

    @property
    def why(self) -> str:
        if self.more:
            return WHY["more"].format(n=self.more, why=WHY[self.code])
        return WHY[self.code].format(fields=", ".join(self.fields))

    def __str__(self):
        places = [("event", self.event), ("entry", self.entry), ("checkpoint", self.checkpoint)]
        return ", ".join([f"{name} {number}" for name, number in places if number is not None] + [self.why])


@dataclass(frozen=True, slots=True)
class Signed:
    """A checkpoint as it is stored: its columns, and the note that is to say the same."""

    size: int
    root: str
    note: str
    signed_at: datetime
    fingerprint: str


class Ledger:
    """Give it checkpoints, then all entries in order, then the events that wait; ask for ``problems`` at the end."""

    def __init__(self, checkpoints: Iterable[Signed], keys: Mapping[str, str], vouched: Iterable[str] | None = None):
        """
        :param checkpoints: by size
        :param keys: verifier keys that may have signed, with the fingerprint of the key ring each comes from
        :param vouched: those of them that are trusted; without it all are
        """
        self._found = {}
        self._counts = Counter()
        self._tree = merkle.Tree()
        self._hashes = []
        self._expected = 0
        self._before = -1
        self._boundary = 0
        self._gaps = False
        self._wrong = []
        #: Tiles that became full with the last entries: ``(level, number, hash)``, for who keeps them.
        self.tiles = []
        self._targets = self._check_checkpoints(checkpoints, keys, vouched)
        self._sizes = [size for size, _root, _time in self._targets]
        self._times = [time for _size, _root, time in self._targets]
        self._signed = self._sizes[-1] if self._sizes else 0
        self._next = 0
        #: The verifier keys that signed something.
        self.signers = sorted(self._signers)

    # -- checkpoints ---------------------------------------------------------------------------------

    def _check_checkpoints(self, checkpoints, keys, vouched):
        """What each checkpoint signs, ``(size, root, time)``: its note, or its columns when the note does not hold."""
        targets, before, self._signers = [], None, set()
        trusted = None if vouched is None else set(vouched)
        keys = {key: fingerprint for key, fingerprint in keys.items() if signed_note.is_key(key)}
        for row in checkpoints:
            target = (row.size, row.root, row.signed_at)
            try:
                text, key = signed_note.verify(row.note, keys)
                stated = signed_note.Checkpoint.parse(text)
                if stated.origin != signed_note.key_name(key):
                    raise NoteInvalid("another origin")
            except NoteInvalid:
                self.problem("signature", checkpoint=row.size)
                before = row.note
            else:
                self._signers.add(key)
                target = (stated.size, stated.root.hex(), stated.time)
                if trusted is not None and key not in trusted:
                    self.problem("vouched", checkpoint=row.size)
                columns = (row.size, row.root, row.signed_at, row.fingerprint)
                if columns != (*target, keys[key]):
                    self.problem("statement", checkpoint=row.size)
                if stated.previous != (signed_note.note_digest(before) if before else None):
                    self.problem("chain", checkpoint=row.size)
                before = row.note
            targets.append(target)
        targets.sort(key=lambda target: target[0])
        for (size, *_rest), (later, *_more) in itertools.pairwise(targets):
            if size == later:
                self.problem("repeated", checkpoint=size)
        return targets

    # -- entries -------------------------------------------------------------------------------------

    def entries(self, rows):
        """Check the next entries, in the order of their places.

        :param rows: ``(place, event, commitment of the entry, commitment of the event, state, salt ‖ payload)``;
            ``state`` is *whole*, *cleared*, *public* (what it says was left out), or one of the problems
        """
        sha256, from_hex, leaf_sign = hashlib.sha256, bytes.fromhex, merkle.LEAF
        append = self._hashes.append
        expected, before, boundary = self._expected, self._before, self._boundary
        for place, event, leaf, committed, state, salted in rows:
            if place != expected:
                if place < expected:
                    self.problem("twice", event, place)
                    continue
                if place < self._signed:
                    self._gap(expected, place)
                    expected = place
            if place >= boundary:
                if place >= self._signed:
                    self.problem("unsigned", event, place)
                    continue
                before, boundary = -1, self._next_boundary(place)
            if event <= before:
                self.problem("order", event, place)
            before = event
            expected += 1
            if state == "whole":
                digest = sha256(salted).digest()
                if digest.hex() == committed == leaf:
                    append(sha256(leaf_sign + digest).digest())
                    continue
                if digest.hex() != committed:
                    self.problem("payload", event, place)
            elif state not in ("cleared", "public"):
                self.problem(state, event, place)
            if leaf != committed and state != "missing":
                self.problem("leaf", event, place)
            try:
                append(sha256(leaf_sign + from_hex(leaf)).digest())
            except ValueError:
                self.problem("malformed", event, place)
                append(_MISSING)
        self._expected, self._before, self._boundary = expected, before, boundary
        self._grow()

    def _gap(self, begin, end):
        self._gaps = True
        for place in range(begin, min(end, begin + NAMED)):
            self.problem("gap", entry=place)
        self._counts["gap"] += max(0, end - begin - NAMED)
        self._hashes += [_MISSING] * (end - begin)

    def _next_boundary(self, place):
        return next(size for size in self._sizes[self._next :] if size > place)

    def _grow(self):
        """Put the hashes into the tree, stopping at every checkpoint to compare."""
        self.tiles, start = [], 0
        while self._next < len(self._targets):
            size, root, _time = self._targets[self._next]
            take = size - self._tree.size
            if take > len(self._hashes) - start:
                break
            self.tiles += self._tree.extend(self._hashes[start : start + take])
            start += take
            if self._tree.root().hex() != root:
                self._wrong.append(self._next)
            self._next += 1
        self.tiles += self._tree.extend(self._hashes[start:])
        self._hashes.clear()

    # -- what has no place yet -----------------------------------------------------------------------

    def waiting(self, rows):
        """Check the events that are in no tree yet.

        :param rows: ``(event, commitment, state, salt ‖ payload, recorded at)``
        """
        newest = max((time for time in self._times if time), default=None)
        for event, committed, state, salted, recorded_at in rows:
            if state == "whole":
                if hashlib.sha256(salted).hexdigest() != committed:
                    self.problem("payload", event)
            elif state not in ("cleared", "public"):
                self.problem(state, event)
            if newest and recorded_at and recorded_at <= newest - (timedelta() if self._gaps else PATIENCE):
                self.problem("left_out", event)

    def signed_before(self, place: int) -> datetime | None:
        """When the last checkpoint that ends at or before this place was signed."""
        number = bisect.bisect_right(self._sizes, place)
        return self._times[number - 1] if number else None

    def contains(self, size: int, root: str) -> bool:
        """Whether a checkpoint with this size and root is among those that were given."""
        return any((size, root) == target[:2] for target in self._targets)

    # -- the verdict ---------------------------------------------------------------------------------

    def problem(self, code, event=None, entry=None, checkpoint=None, fields=()):
        """Note a problem; the first thousand of a kind are named, the others counted."""
        self._counts[code] += 1
        if self._counts[code] <= NAMED:
            self._found.setdefault(Problem(code, event, entry, checkpoint, tuple(fields)), None)

    @property
    def size(self) -> int:
        return self._tree.size

    @property
    def root(self) -> str:
        return self._tree.root().hex()

    def report(self, problems) -> str:
        """What was checked and found, as a terminal shows it; ``problems`` may hold more than this ledger's own."""
        lines = [f"{self.size} entries, root {self.root}"]
        lines += [f"signed by {key}" for key in self.signers]
        lines += [f"PROBLEM {problem}" for problem in problems]
        lines.append("The ledger does not verify." if problems else "The ledger verifies.")
        return "\n".join(lines)

    def problems(self) -> list[Problem]:
        """Everything that was found, once all rows were read."""
        self._grow()
        result = list(self._found)
        wrong, last = self._wrong, len(self._targets)
        # one wrong entry makes every later tree wrong: the first is named, the others follow from it
        run = next((n for n in range(len(wrong)) if wrong[n:] == list(range(wrong[n], self._next))), len(wrong))
        result += [Problem("root", checkpoint=self._targets[n][0]) for n in wrong[: run + 1]]
        if later := wrong[run + 1 :]:
            result.append(Problem("root", more=len(later)))
        result += [
            Problem("short", checkpoint=self._targets[n][0]) for n in range(self._next, min(last, self._next + 1))
        ]
        result += [Problem(code, more=count - NAMED) for code, count in sorted(self._counts.items()) if count > NAMED]
        return result


def utc(value: datetime | None) -> datetime | None:
    """A moment as databases give it, UTC without zone, as one with its zone."""
    return value.replace(tzinfo=UTC, microsecond=0) if value else None
