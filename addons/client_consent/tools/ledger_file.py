"""The ledger as a file: one JSON object a line, so that it can be checked without Odoo and without a database.

The first line names the form and the verifier keys; then follow the checkpoints, the entries in the order of their
places, the events that wait for a place, and a last line that counts them, so that a cut-off file is noticed.
A *public* export leaves out what the events say: tree and signatures can be checked, nobody is named.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import datetime

from . import signed_note
from .errors import ExportInvalid
from .verifier import Ledger, Signed

FORMAT = "client-consent-ledger-1"
_CHUNK = 10_000


def write(file, *, origin, keys, public, checkpoints: Iterable[Signed], entries, waiting) -> None:
    """Write the ledger to a text file.

    :param entries: runs of rows as :meth:`.Ledger.entries` takes them
    :param waiting: runs of rows as :meth:`.Ledger.waiting` takes them
    """
    counts = Counter()

    def line(kind, **values):
        counts[kind] += 1
        file.write(json.dumps({"type": kind, **values}, separators=(",", ":")) + "\n")

    line("header", format=FORMAT, origin=origin, keys=dict(keys), public=public)
    for row in checkpoints:
        line("checkpoint", **asdict(row) | {"signed_at": _text(row.signed_at)})
    for rows in entries:
        for place, event, leaf, committed, state, salted in rows:
            said = _said(state, salted, public)
            line("entry", place=place, event=event, entry=leaf, commitment=committed, **said)
    for rows in waiting:
        for event, committed, state, salted, recorded_at in rows:
            said = _said(state, salted, public)
            line("waiting", event=event, commitment=committed, recorded_at=_text(recorded_at), **said)
    line("end", counts={kind: counts[kind] for kind in ("checkpoint", "entry", "waiting")})


def check(lines: Iterable[str], keys: Iterable[str] | None = None) -> Ledger:
    """Read an exported ledger and check it.

    :param keys: verifier keys known from elsewhere that must have signed; without them those in the file are believed
    :raises ExportInvalid: when the file is no export, or incomplete
    """
    rows = _parse(lines)
    _number, header = next(rows, (1, {}))
    if header.get("type") != "header" or header.get("format") != FORMAT:
        raise ExportInvalid(1, f"this is no export of a consent ledger ({FORMAT})")
    ledger, checkpoints, chunk, counts, complete = None, [], [], Counter(), False
    for number, row in rows:
        kind = row.get("type")
        counts[kind] += 1
        try:
            if complete:
                raise ExportInvalid(number, "something follows the end")
            if kind == "checkpoint":
                moment = _moment(row["signed_at"])
                checkpoints.append(Signed(row["size"], row["root"], row["note"], moment, row["fingerprint"]))
                continue
            if ledger is None:
                ledger = _ledger(checkpoints, header, keys)
            if kind == "entry":
                chunk.append((row["place"], row["event"], row["entry"], row["commitment"], row["state"], _salted(row)))
                if len(chunk) == _CHUNK:
                    ledger.entries(chunk)
                    chunk.clear()
                continue
            if chunk:
                ledger.entries(chunk)
                chunk.clear()
            if kind == "waiting":
                moment = _moment(row["recorded_at"])
                ledger.waiting([(row["event"], row["commitment"], row["state"], _salted(row), moment)])
            elif kind == "end":
                complete = True
                if row["counts"] != {kind: counts[kind] for kind in ("checkpoint", "entry", "waiting")}:
                    raise ExportInvalid(number, "lines are missing")
            else:
                raise ExportInvalid(number, "unknown kind of line")
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ExportInvalid(number, "the line is malformed") from error
    if not complete:
        raise ExportInvalid(sum(counts.values()) + 1, "the file was cut off")
    return ledger


def _ledger(checkpoints, header, keys):
    if any(not signed_note.is_key(key) for key in (*header["keys"], *(keys or ()))):
        raise ExportInvalid(1, "a verifier key is malformed")
    return Ledger(checkpoints, dict(header["keys"]), keys)


def _parse(lines) -> Iterator[tuple[int, dict]]:
    for number, text in enumerate(lines, 1):
        try:
            row = json.loads(text)
        except ValueError as error:
            raise ExportInvalid(number, "not JSON") from error
        if not isinstance(row, dict):
            raise ExportInvalid(number, "not an object")
        yield number, row


def _said(state, salted, public):
    """Salt and payload of one event; bytes that are no UTF-8 come through unchanged."""
    if state != "whole":
        return {"state": state}
    if public:
        return {"state": "public"}
    salted = bytes(salted)
    return {
        "state": state,
        "salt": salted[:32].hex(),
        "payload": salted[32:].decode("utf-8", "surrogateescape"),
    }


def _salted(row):
    if row["state"] != "whole":
        return None
    return bytes.fromhex(row["salt"]) + row["payload"].encode("utf-8", "surrogateescape")


def _text(moment):
    return moment.isoformat() if moment else None


def _moment(text):
    return datetime.fromisoformat(text) if text else None
