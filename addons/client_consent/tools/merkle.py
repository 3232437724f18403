"""The Merkle tree of the ledger, as RFC 6962 hashes it.

A leaf is what an event's commitment hashes to, so the tree says nothing about anybody. Whole runs
of 256 leaves, of 256 such runs, and so on have their hash kept (a *tile*): a proof then reads some
hundred hashes, however long the ledger is.

Ranges of leaves are half-open pairs ``(begin, end)``. Paths are computed as lists of ranges first and
looked up afterwards, so that whoever holds the hashes fetches all of them at once.
"""

import hashlib
from collections.abc import Iterable, Sequence

from .errors import ProofInvalid

LEAF, NODE = b"\x00", b"\x01"
EMPTY = hashlib.sha256().digest()
TILE_HEIGHT = 8
TILE = 1 << TILE_HEIGHT


def leaf_hash(data: bytes) -> bytes:
    """The hash of one leaf."""
    return hashlib.sha256(LEAF + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two neighbours."""
    return hashlib.sha256(NODE + left + right).digest()


def root(hashes: Sequence[bytes]) -> bytes:
    """The root over equally high hashes, the last of which may be lower.

    An odd one is carried up unchanged: that is the split "at the largest power of two" of RFC 6962, from below.
    """
    if not hashes:
        return EMPTY
    sha256, level = hashlib.sha256, hashes
    while len(level) > 1:
        above = [sha256(NODE + a + b).digest() for a, b in zip(level[::2], level[1::2], strict=False)]
        if len(level) % 2:
            above.append(level[-1])
        level = above
    return level[0]


class Tree:
    """A tree that grows at its right end and remembers no more than its border."""

    def __init__(self, borders: Iterable[Sequence[bytes]] = ()):
        """:param borders: per tile level, from the leaves up, the hashes that fill no tile yet"""
        self._borders = [list(border) for border in borders] or [[]]
        self.size = sum(len(border) << TILE_HEIGHT * level for level, border in enumerate(self._borders))

    def extend(self, leaf_hashes: Sequence[bytes]) -> list[tuple[int, int, bytes]]:
        """Append leaves; return the tiles that became full as ``(level, number, hash)``, level 1 over leaves."""
        self.size += len(leaf_hashes)
        return self._extend(0, leaf_hashes, self.size)

    def _extend(self, level, hashes, size):
        border = self._borders[level]
        border += hashes
        full = len(border) // TILE
        if not full:
            return []
        above = [root(border[start : start + TILE]) for start in range(0, full * TILE, TILE)]
        del border[: full * TILE]
        if level + 1 == len(self._borders):
            self._borders.append([])
        size //= TILE
        tiles = [(level + 1, size - full + number, hash_) for number, hash_ in enumerate(above)]
        return tiles + self._extend(level + 1, above, size)

    def root(self) -> bytes:
        """The root over all leaves so far."""
        below = []
        for border in self._borders:
            hashes = border + below
            below = [root(hashes)] if hashes else []
        return below[0] if below else EMPTY


def border_sizes(size: int) -> list[tuple[int, int]]:
    """Which hashes :class:`Tree` needs to go on from ``size`` leaves: per level ``(begin, end)``."""
    borders = []
    while True:
        borders.append((size - size % TILE, size))
        size //= TILE
        if not size:
            return borders


# -- paths -------------------------------------------------------------------------------------------


def inclusion_ranges(index: int, size: int) -> list[tuple[int, int]]:
    """The ranges whose roots prove that leaf ``index`` is in the tree of ``size`` leaves, from the leaf up.

    >>> inclusion_ranges(2, 7)
    [(3, 4), (0, 2), (4, 7)]
    """
    if not 0 <= index < size:
        raise ValueError(f"no leaf {index} in a tree of {size}")
    begin, end, path = 0, size, []
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((begin, middle))
            begin = middle
    return path[::-1]


def consistency_ranges(first: int, second: int) -> list[tuple[int, int]]:
    """The ranges whose roots prove that the tree of ``second`` leaves begins with the one of ``first``.

    >>> consistency_ranges(3, 7)
    [(2, 3), (3, 4), (0, 2), (4, 7)]
    """
    if not 0 < first <= second:
        raise ValueError(f"no proof from {first} to {second} leaves")
    begin, end, path, whole = 0, second, [], True
    while first < end:
        middle = begin + _split(end - begin)
        if first <= middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((begin, middle))
            begin, whole = middle, False
    if not whole:
        path.append((begin, end))
    return path[::-1]


def subtrees(begin: int, end: int) -> list[tuple[int, int]]:
    """The complete subtrees of a range from a path, left to right, as ``(height, number)``.

    >>> subtrees(4, 7)
    [(1, 2), (0, 6)]
    """
    found = []
    while begin < end:
        height = (end - begin).bit_length() - 1
        found.append((height, begin >> height))
        begin += 1 << height
    return found


def join(hashes: Sequence[bytes]) -> bytes:
    """The root over complete subtrees of falling height, left to right."""
    *rest, result = hashes
    for left in reversed(rest):
        result = node_hash(left, result)
    return result


def tile_range(height: int, number: int) -> tuple[int, int, int]:
    """Where the hash of a complete subtree comes from: tile level, and the hashes there ``[begin, end)``."""
    level, above = divmod(height, TILE_HEIGHT)
    return level, number << above, (number + 1) << above


def _split(size):
    """The largest power of two smaller than ``size``."""
    return 1 << (size - 1).bit_length() - 1


# -- checks ------------------------------------------------------------------------------------------


def verify_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], root_hash: bytes) -> None:
    """Raise :class:`ProofInvalid` unless the path leads from the leaf's hash to the root (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        raise ProofInvalid("the leaf lies outside the tree")
    at, last, found = index, size - 1, leaf
    for step in path:
        if not last:
            raise ProofInvalid("the path is too long")
        if at & 1 or at == last:
            found = node_hash(step, found)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = node_hash(found, step)
        at, last = at >> 1, last >> 1
    if last:
        raise ProofInvalid("the path is too short")
    if found != root_hash:
        raise ProofInvalid("the path leads to another root")


def verify_consistency(first: int, second: int, first_root: bytes, second_root: bytes, path: Sequence[bytes]) -> None:
    """Raise :class:`ProofInvalid` unless the longer tree begins with the shorter one (RFC 9162, 2.1.4.2)."""
    if not 0 <= first <= second:
        raise ProofInvalid("the first tree is the longer one")
    if first in (0, second):
        if path:
            raise ProofInvalid("the path is too long")
        if first_root != (second_root if first else EMPTY):
            raise ProofInvalid("two roots for one size")
        return
    steps = list(path)
    if first & (first - 1) == 0:
        steps.insert(0, first_root)
    if not steps:
        raise ProofInvalid("the path is too short")
    at, last = first - 1, second - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    old = new = steps[0]
    for step in steps[1:]:
        if not last:
            raise ProofInvalid("the path is too long")
        if at & 1 or at == last:
            old, new = node_hash(step, old), node_hash(step, new)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            new = node_hash(new, step)
        at, last = at >> 1, last >> 1
    if last:
        raise ProofInvalid("the path is too short")
    if old != first_root:
        raise ProofInvalid("the path leads to another first root")
    if new != second_root:
        raise ProofInvalid("the path leads to another second root")
