"""The file of tombstones outside the database: one host's append-only list of what was erased, by keyed digests.

One line a record, canonical JSON. Each line holds the SHA-256 of the line before it, so that a line cannot be taken
out or changed without being seen. Kinds of lines:

========== ==========================================================================
intent     about to erase: written and on disk before the erasure is committed
done       the erasure with this reference was committed
void       it was not: the transaction ended without it
key        a digest key of before an exchange, encrypted under the key that followed
========== ==========================================================================

A line that a crash or a full disk cut off stays where it is, for nothing is ever rewritten: the next line ends it and
holds its digest. Only a file whose cut-off lines are all accounted for is whole.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .errors import TombstoneFileDamaged, TombstoneUnwritten

VERSION = 1
START = "0" * 64
SUFFIX = ".tombstones"
_BLOCK = 65536


def encode(record: dict[str, Any]) -> bytes:
    """One record as the bytes of its line, without the line's end."""
    return json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def line_hash(line: bytes) -> str:
    """What the next line holds as ``prev``."""
    return hashlib.sha256(line).hexdigest()


@dataclass
class Record:
    """One erasure as a file tells it.

    :ivar intent: the intent line
    :ivar outcome: ``done``, ``void``, or nothing while it is open
    :ivar file: name of the file
    """

    intent: dict[str, Any]
    file: str
    outcome: str = ""
    outcome_at: str = ""

    @property
    def reference(self) -> str:
        return self.intent["ref"]


@dataclass
class Content:
    """What the files of a folder say together.

    :ivar records: reference → :class:`Record`
    :ivar keys: the key lines of all files
    :ivar torn: how many lines were cut off by a crash or a full disk
    :ivar torn_end: names of files whose last line is cut off
    """

    records: dict[str, Record] = field(default_factory=dict)
    keys: list[dict[str, Any]] = field(default_factory=list)
    torn: int = 0
    torn_end: list[str] = field(default_factory=list)

    def open(self) -> list[Record]:
        """Erasures of which the file does not say how they ended, oldest first."""
        return [record for record in self.records.values() if not record.outcome]

    def done(self) -> list[Record]:
        """Erasures that were committed, oldest first."""
        return [record for record in self.records.values() if record.outcome == "done"]


def read_file(path: Path, content: Content | None = None) -> Content:
    """Read one host's file.

    :raises TombstoneFileDamaged: when a line was changed or is missing, with the number of the line
    """
    content = content or Content()
    previous, torn = START, []
    try:
        *lines, rest = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return content
    # a last line without its end counts when it is whole: only its end was cut off
    for number, line in enumerate([*lines, rest] if rest else lines, 1):
        record = _parse(line)
        if record is None:
            torn.append(line)
            continue
        if record["prev"] != previous or record.get("torn") != _torn_hash(torn):
            raise TombstoneFileDamaged(path.name, number)
        content.torn += len(torn)
        torn = []
        previous = line_hash(line)
        _take(record, path.name, content)
    if torn:
        content.torn += len(torn)
        content.torn_end.append(path.name)
    return content


def read_folder(folder: Path) -> Content:
    """Read the files of all hosts in a folder; a line of one host may settle the intent of another."""
    content = Content()
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        read_file(path, content)
    return content


def _torn_hash(pieces):
    return line_hash(b"\n".join(pieces)) if pieces else None


def _parse(line):
    try:
        record = json.loads(line)
    except ValueError:
        return None
    if not isinstance(record, dict) or not {"v", "kind", "prev"} <= record.keys() or record["v"] != VERSION:
        return None
    return record


def _take(record, name, content):
    match record["kind"]:
        case "intent":
            earlier = content.records.get(record["ref"])
            content.records[record["ref"]] = Record(
                record, name, earlier.outcome if earlier else "", earlier.outcome_at if earlier else ""
            )
        case "done" | "void":
            found = content.records.setdefault(record["ref"], Record({"ref": record["ref"]}, name))
            # done is proven by the database: nothing takes it back
            if found.outcome != "done":
                found.outcome, found.outcome_at = record["kind"], record.get("at", "")
        case "key":
            content.keys.append(record)


class TombstoneFile:
    """Appends to one host's file. Every line is on disk when :meth:`append` comes back."""

    def __init__(self, path: Path):
        self.path = Path(path)

    def append(self, records: Iterable[dict[str, Any]]) -> None:
        """Append records in one write, all of them on disk or an error.

        :raises TombstoneUnwritten: when they cannot be written, the disk being full for one; what was written of
            them counts for nothing, and the next line says so
        """
        records = list(records)
        if not records:
            return
        try:
            with self._locked() as descriptor:
                previous, torn, lines = self._tail(descriptor)
                for record in records:
                    line = encode({**record, "v": VERSION, "prev": previous} | ({"torn": torn} if torn else {}))
                    lines.append(line)
                    previous, torn = line_hash(line), None
                self._write(descriptor, b"\n".join(lines) + b"\n")
        except OSError as error:
            raise TombstoneUnwritten(error.errno, error.strerror or "") from error

    def check(self) -> None:
        """Raise :class:`TombstoneUnwritten` when nothing could be appended now."""
        try:
            with self._locked():
                pass
        except OSError as error:
            raise TombstoneUnwritten(error.errno, error.strerror or "") from error

    @contextmanager
    def _locked(self):
        """The open file, for this process alone; its folder is made when it is missing."""
        new = not self.path.exists()
        if new:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(self.path, flags, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if new:
                self._sync_folder()
            yield descriptor
        finally:
            os.close(descriptor)

    def _sync_folder(self):
        """A new file is safe only when its folder is on disk too."""
        folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    @staticmethod
    def _write(descriptor, body):
        while body:
            body = body[os.write(descriptor, body) :]
        os.fsync(descriptor)

    @staticmethod
    def _tail(descriptor):
        """What the next line must hold, and how it must begin.

        :return: (hash of the last whole line, hash of what stands after it, ``[b""]`` when a line's end is missing)
        """
        start, tail = os.fstat(descriptor).st_size, b""
        while True:
            step = min(_BLOCK, start)
            start -= step
            tail = os.pread(descriptor, step, start) + tail
            first, *others = tail.split(b"\n")
            # unless the file begins here, the first piece may be the end of a line
            pieces = others if start else [first, *others]
            lead = [b""] if pieces and pieces[-1] else []
            whole = [number for number, piece in enumerate(pieces) if _parse(piece) is not None]
            if whole or not start:
                after = whole[-1] + 1 if whole else 0
                torn = pieces[after:] if lead else pieces[after:-1]
                return line_hash(pieces[whole[-1]]) if whole else START, _torn_hash(torn), lead
