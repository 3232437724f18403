"""The package a person gets: an AES-256 ZIP that grows on disk file by file, and the pass phrase that opens it.

The names of files in a ZIP are not encrypted, so they are numbers; what a file was called stands in the lists inside.
Whoever has the archive can try pass phrases at leisure, and the format hardens them little: so they are long.
"""

import csv
import hashlib
import io
import os
import re
import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyzipper

from .errors import PackageDamaged

#: Read, hashed and encrypted at a time: what a package needs in memory, however large it becomes.
BLOCK = 1 << 20
CONSONANTS, VOWELS = "bdfghjklmnprstvz", "aiou"
GROUPS = 6
#: What is packed already only costs time when it is packed again.
PACKED = re.compile(r"^(image/(?!svg|bmp|tiff)|video/|audio/|application/(zip|gzip|pdf|x-7z|vnd\.(openxml|oasis)))")
_EXTENSION = re.compile(r"\.([A-Za-z0-9]{1,8})$")
_FORMULA = re.compile(r"^[=@\t\r]|^[+-](?![\d\s()./-]+$)")


def passphrase() -> str:
    """A new pass phrase of 96 random bits, in groups that can be read out on the phone, as ``lusab-bobad-…``."""
    consonant, vowel = (lambda: secrets.choice(CONSONANTS)), (lambda: secrets.choice(VOWELS))
    return "-".join(consonant() + vowel() + consonant() + vowel() + consonant() for _ in range(GROUPS))


def extension(name: str) -> str:
    """The ending of a file name with its dot, when it is a plain one: it says what opens the file and nothing else.

    >>> extension("Smlouva Nováková.PDF"), extension("a.b/c"), extension("Dopis pro p. Novákovou")
    ('.pdf', '', '')
    """
    found = _EXTENSION.search(name or "")
    return f".{found[1].lower()}" if found else ""


@dataclass(frozen=True)
class Written:
    """A file as it went into the archive; ``sha1`` is what Odoo remembers of its own files."""

    size: int
    sha256: str
    sha1: str


class Archive:
    """An encrypted ZIP on disk, open for more files. Closed, it is whole; opened again, it goes on where it ended.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with Archive(f"{folder}/x.zip", "lusab-bobad") as archive:
    ...         archive.write("data.json", [b"{}"], (2026, 2, 3, 0, 0, 0)).size
    2
    """

    def __init__(self, path: str, secret: str):
        self._path, self._secret = path, secret

    def __enter__(self):
        try:
            self._zip = pyzipper.AESZipFile(
                self._path,
                "a",
                compression=pyzipper.ZIP_DEFLATED,
                compresslevel=6,
                encryption=pyzipper.WZ_AES,
                allowZip64=True,
            )
        except pyzipper.BadZipFile as error:
            raise PackageDamaged() from error
        self._zip.setpassword(self._secret.encode())
        return self

    def __exit__(self, *failure):
        self._zip.close()
        with open(self._path, "rb") as file:
            os.fsync(file.fileno())

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self._zip.NameToInfo)

    def write(self, name: str, blocks: Iterable[bytes], moment: Sequence[int], packed: bool = False) -> Written:  # pylint: disable=method-required-super
        """Append a file, block by block.

        :param moment: its date in the archive, as the first six numbers of a time tuple; from 1980 on
        :param packed: it is compressed already
        """
        info = pyzipper.zipfile_aes.AESZipInfo(name, tuple(moment)[:6])
        info.compress_type = pyzipper.ZIP_STORED if packed else pyzipper.ZIP_DEFLATED
        sha256, sha1, size = hashlib.sha256(), hashlib.sha1(usedforsecurity=False), 0
        with self._zip.open(info, "w", force_zip64=True) as target:
            for block in blocks:
                sha256.update(block)
                sha1.update(block)
                size += len(block)
                target.write(block)
        return Written(size, sha256.hexdigest(), sha1.hexdigest())


def blocks_of(file: io.BufferedIOBase) -> Iterator[bytes]:
    """The content of an open file, a block at a time."""
    while block := file.read(BLOCK):
        yield block


def text_blocks(parts: Iterable[str]) -> Iterator[bytes]:
    """Pieces of text as UTF-8 blocks."""
    gathered, size = [], 0
    for part in parts:
        gathered.append(part)
        size += len(part)
        if size >= BLOCK:
            yield "".join(gathered).encode()
            gathered, size = [], 0
    yield "".join(gathered).encode()


def csv_blocks(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    """A table as CSV that spreadsheets open as it is meant: with a mark for UTF-8, and no cell that is a formula."""

    def lines():
        line = io.StringIO()
        writer = csv.writer(line)
        yield "\ufeff"
        for row in [names], rows:
            for cells in row:
                writer.writerow([_cell(cell) for cell in cells])
                yield line.getvalue()
                line.seek(0)
                line.truncate()

    return text_blocks(lines())


def _cell(value):
    """A value in one cell; what a spreadsheet would take for a formula gets an apostrophe in front.

    >>> _cell(["a", "b"]), _cell(True), _cell(None), _cell("=1+1"), _cell("+420 602 111 222"), _cell("+cmd|x")
    ('a; b', 'true', '', "'=1+1", '+420 602 111 222', "'+cmd|x")
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        value = "; ".join(map(str, value))
    text = str(value)
    return f"'{text}" if _FORMULA.match(text) else text
