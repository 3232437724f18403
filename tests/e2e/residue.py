"""Where marks of a person stand in a database and its file store, read from the outside.

The judge of an erasure: it knows nothing of the add-ons, asks neither their map nor Odoo, and reads what an intruder
with a copy of everything would read: the text of a complete ``pg_dump`` and every file of the store. What is packed is
unpacked on the way: bytea, base64, gzip, zip (so also xlsx, docx, odt), the text of PDFs, quoted-printable, JSON's and
URLs' escapes, HTML entities, and UTF-16.
"""

import base64
import contextlib
import gzip
import html
import io
import logging
import quopri
import re
import subprocess
import urllib.parse
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pypdf import PdfReader
from pypdf.errors import PyPdfError

logging.getLogger("pypdf").setLevel(logging.ERROR)

#: Packed in packed in packed: as deep as anything real goes.
DEEPEST = 4
_COPY = re.compile(r'^COPY (?:public\.)?"?([\w$]+)"? \((.*)\) FROM stdin;$')
_ESCAPE = re.compile(r"\\(.)")
_ESCAPED = {"t": "\t", "n": "\n", "r": "\r", "b": "\b", "f": "\f", "v": "\v"}
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{24,}={0,2}(?:\s+[A-Za-z0-9+/_-]{4,}={0,2})*")
_JSON_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")
#: Letters of a word, as a spelling may write them: with or without accents.
_ACCENTS = {
    "a": "aá",
    "c": "cč",
    "d": "dď",
    "e": "eéě",
    "i": "ií",
    "n": "nň",
    "o": "oó",
    "r": "rř",
    "s": "sš",
    "t": "tť",
    "u": "uúů",
    "y": "yý",
    "z": "zž",
}


def spelling(text: str) -> str:
    """A pattern for words in any case, with or without accents, and with whatever is between them."""
    plain = {accented: letter for letter, both in _ACCENTS.items() for accented in both[1:]}
    words = []
    for word in re.findall(r"\w+", text.lower()):
        letters = (plain.get(letter, letter) for letter in word)
        words.append("".join(f"[{_ACCENTS[c]}]" if c in _ACCENTS else re.escape(c) for c in letters))
    return r"[\W_]{0,3}".join(words)


def number(digits: str) -> str:
    """A pattern for a number in any grouping, with or without a country's prefix, not inside a longer number."""
    return r"(?<!\d)(?:(?:\+|00)?\d{3})?[ .()/\u00a0-]{0,3}" + r"[ .()/\u00a0-]{0,2}".join(digits) + r"(?!\d)"


@dataclass(frozen=True)
class Marks:
    """What to look for: name of the mark → pattern. One coarse pattern over all decides where to look again."""

    patterns: dict[str, str]
    any_: re.Pattern = field(init=False)
    each: dict[str, re.Pattern] = field(init=False)

    def __post_init__(self):
        object.__setattr__(self, "any_", re.compile("|".join(self.patterns.values()), re.IGNORECASE))
        each = {name: re.compile(pattern, re.IGNORECASE) for name, pattern in self.patterns.items()}
        object.__setattr__(self, "each", each)

    def of(self, value: str | bytes) -> set[str]:
        """Names of the marks that stand in a value, however it is packed."""
        return {name for text in texts(value) if self.any_.search(text) for name in self._in(text)}

    def _in(self, text):
        return (name for name, pattern in self.each.items() if pattern.search(text))


@dataclass(frozen=True)
class Place:
    """One row's column, or one file (then ``table`` is ``filestore`` and ``key`` its name)."""

    table: str
    column: str
    key: str


def texts(value: str | bytes, depth: int = 0) -> Iterator[str]:
    """Every reading of a value: as it stands, and unpacked."""
    if depth > DEEPEST:
        return
    if isinstance(value, bytes):
        yield from _texts_of_bytes(value, depth)
        return
    yield value
    if value.startswith("\\x"):
        with contextlib.suppress(ValueError):
            yield from _texts_of_bytes(bytes.fromhex(value[2:]), depth + 1)
        return
    readings = set()
    if "\\u" in value:
        escaped = _JSON_ESCAPE.sub(lambda found: chr(int(found[1], 16)), value)
        readings.add(escaped.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
    if "&" in value:
        readings.add(html.unescape(value))
    if "%" in value:
        readings.add(urllib.parse.unquote(value))
    if "=" in value:
        readings.add(quopri.decodestring(value.encode()).decode("utf-8", "replace"))
    for reading in readings - {value}:
        yield from texts(reading, depth + 1)
    for found in _BASE64.finditer(value):
        yield from _texts_of_base64(found[0], depth + 1)


def _texts_of_base64(text, depth):
    packed = "".join(text.split()).rstrip("=").replace("-", "+").replace("_", "/")
    try:
        content = base64.b64decode(packed[: len(packed) // 4 * 4 + (len(packed) % 4 > 1) * (len(packed) % 4)] + "===")
    except ValueError:
        return
    # chance makes bytes, not text: what is neither text nor a known format is not worth reading
    if _is_text(content) or content.startswith((b"\x1f\x8b", b"PK\x03\x04", b"%PDF")):
        yield from _texts_of_bytes(content, depth)


def _is_text(content):
    try:
        return content.decode("utf-8").isprintable() or b"\n" in content
    except UnicodeDecodeError:
        return False


def _texts_of_bytes(content, depth):
    if depth > DEEPEST:
        return
    if content.startswith(b"\x1f\x8b"):
        with contextlib.suppress(OSError, EOFError):
            yield from _texts_of_bytes(gzip.decompress(content), depth + 1)
    elif content.startswith(b"PK\x03\x04"):
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                for entry in archive.infolist():
                    yield entry.filename
                    if not entry.flag_bits & 1:
                        yield from _texts_of_bytes(archive.read(entry), depth + 1)
        except zipfile.BadZipFile:
            pass
    elif content.startswith(b"%PDF"):
        yield from _texts_of_pdf(content)
    yield content.decode("latin-1")
    yield from texts(content.decode("utf-8", "replace"), depth + 1)
    if b"\0" in content:
        yield content.decode("utf-16-le", "replace")
        yield content.decode("utf-16-be", "replace")


def _texts_of_pdf(content):
    try:
        reader = PdfReader(io.BytesIO(content))
        yield " ".join(str(value) for value in (reader.metadata or {}).values())
        for page in reader.pages:
            yield page.extract_text()
        for parts in reader.attachments.values():
            for part in parts:
                yield from _texts_of_bytes(part, DEEPEST - 1)
    except (PyPdfError, KeyError, ValueError, TypeError):
        return


@dataclass
class Dump:
    """The rows of a ``pg_dump``: table → key → {column: text}; nothing for NULL."""

    tables: dict[str, dict[str, dict[str, str | None]]]

    @classmethod
    def of(cls, database: str) -> "Dump":
        """Dump a database with the server that libpq's environment names."""
        done = subprocess.run(["pg_dump", "--data-only", database], check=True, capture_output=True)
        return cls.read(io.StringIO(done.stdout.decode(), newline="\n"))

    @classmethod
    def read(cls, lines) -> "Dump":
        tables, rows, columns = {}, None, ()
        for line in lines:
            line = line.rstrip("\n")
            if rows is None:
                if found := _COPY.match(line):
                    columns = [name.strip().strip('"') for name in found[2].split(",")]
                    rows = tables.setdefault(found[1], {})
            elif line == "\\.":
                rows = None
            else:
                row = dict(zip(columns, map(_value, line.split("\t")), strict=True))
                rows[cls._key(row, rows)] = row
        return cls(tables)

    @staticmethod
    def _key(row, rows):
        """The row's id; a row of a table without ids is named by its whole content."""
        key = row.get("id") or "|".join(str(value) for value in row.values())
        return key if key not in rows else f"{key}#{len(rows)}"

    def places(self, marks: Marks) -> set[tuple[Place, str]]:
        """Every (place, mark)."""
        return {
            (Place(table, column, key), mark)
            for table, rows in self.tables.items()
            for key, row in rows.items()
            for column, value in row.items()
            if value and len(value) > 3
            for mark in marks.of(value)
        }

    def differences(self, later: "Dump") -> dict[tuple[str, str], set[str]]:
        """Rows that were changed, or are gone: (table, key) → columns, none when the row is gone."""
        found = {}
        for table, rows in self.tables.items():
            after = later.tables.get(table, {})
            for key, row in rows.items():
                if key not in after:
                    found[table, key] = set()
                elif changed := {name for name, value in row.items() if after[key].get(name) != value}:
                    found[table, key] = changed
        return found


def _value(text):
    if text == "\\N":
        return None
    return _ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[1]), text) if "\\" in text else text


def files(store: Path) -> dict[str, bytes]:
    """The files of a file store by name, without the collector's notes."""
    return {
        str(path.relative_to(store)): path.read_bytes()
        for path in sorted(store.rglob("*"))
        if path.is_file() and "checklist" not in path.relative_to(store).parts
    }


def places_in_files(contents: dict[str, bytes], marks: Marks) -> set[tuple[Place, str]]:
    """Every (file, mark)."""
    return {
        (Place("filestore", "content", name), mark) for name, content in contents.items() for mark in marks.of(content)
    }
