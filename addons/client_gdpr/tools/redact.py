"""Taking a person's identifiers out of a text that belongs to somebody else."""

import html
import re
from collections.abc import Iterable

from .identity import is_number, number_parts

#: What stands where an identifier stood. It tells neither length nor initials.
MARK = "[redacted]"
#: What people write between the digits of a number, and what HTML makes of a space.
_BETWEEN = r"(?:[\s./()\u00a0-]|&nbsp;){0,3}"


def _number(identifier: str) -> str:
    """A pattern for a phone number: whatever is between its digits, with its country in front or without."""
    country, national = number_parts(identifier)
    prefix = rf"(?:\+|00)?{country}" if country else r"(?:\+|00)\d{1,3}"
    return rf"(?:{prefix}{_BETWEEN})?(?:\(?0\)?{_BETWEEN})?{_BETWEEN.join(national)}"


def _spelling(identifier: str) -> str:
    """A pattern for one identifier: any white space between its words, plain or HTML-escaped."""
    if is_number(identifier):
        return _number(identifier)
    words = []
    for word in identifier.split():
        plain, escaped = re.escape(word), re.escape(html.escape(word))
        words.append(plain if plain == escaped else f"(?:{plain}|{escaped})")
    # an address goes on after a dot, as in ann@x.cz.example; after a name a dot ends a sentence, or begins .pdf
    end = r"(?!\.\w)" if "@" in identifier else ""
    return r"(?:\s|&nbsp;|\u00a0)+".join(words) + end


def pattern(identifiers: Iterable[str]) -> re.Pattern | None:
    """One pattern for all identifiers, or nothing when there are none.

    An identifier inside a longer word or number is not a hit: ``ann@x.cz`` does not stand in
    ``joann@x.cz``, nor ``602 111 222`` in ``1602 111 2223``.
    """
    spellings = [_spelling(i) for i in sorted(set(identifiers), key=lambda v: (-len(v), v)) if i.strip()]
    if not spellings:
        return None
    return re.compile(rf"(?<![\w.+-])(?:{'|'.join(spellings)})(?![\w-]|@)", re.IGNORECASE)


def redact(text: str, identifiers: Iterable[str]) -> tuple[str, int]:
    """The text without the identifiers, and how many were taken out."""
    found = pattern(identifiers)
    return found.subn(MARK, text) if found and text else (text, 0)


def mentions(text: str, identifiers: Iterable[str]) -> bool:
    """Whether one of the identifiers stands in the text as a word of its own."""
    found = pattern(identifiers)
    return bool(found and text and found.search(text))
