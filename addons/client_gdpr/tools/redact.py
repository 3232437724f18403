"""Taking a person's identifiers out of a text that belongs to somebody else."""

import html
import re
from collections.abc import Iterable
from typing import Any

from .identity import is_number, number_parts

#: What stands where an identifier stood. It tells neither length nor initials.
MARK = "[redacted]"
#: Letters as JSON may write them: twice as many backslashes each time that JSON stands in JSON.
_ESCAPES = re.compile(r"(?:(?<!\\)(?:\\{1,2}|\\{4}|\\{8})u[0-9a-fA-F]{4})+")
#: What people write between the digits of a number, and what HTML makes of a space.
_BETWEEN = r"(?:[\s./()\u00a0-]|&nbsp;|%20){0,3}"


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
    return r"(?:\s|&nbsp;|\u00a0|%20)+".join(words) + end


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


def redact_all(value: Any, identifiers: Iterable[str]) -> Any:
    """A value of JSON, or a text, without the identifiers in any text of it; its form stays."""
    if isinstance(value, str):
        readable = unescaped(value)
        new, count = redact(readable, identifiers)
        return new if count else value
    if isinstance(value, dict):
        return {key: redact_all(part, identifiers) for key, part in value.items()}
    if isinstance(value, list):
        return [redact_all(part, identifiers) for part in value]
    return value


def unescaped(text: str) -> str:
    r"""A text with the letters that JSON wrote as numbers; ASCII ones stay numbers, for they may mean JSON's own signs.

    >>> unescaped(r'["Novotn\u00e1", "\u0022"]')
    '["Novotná", "\\u0022"]'
    """
    return _ESCAPES.sub(_letters, text) if "\\u" in text else text


def _letters(match: re.Match) -> str:
    units = [int(number, 16) for number in re.findall(r"u([0-9a-fA-F]{4})", match.group())]
    if min(units) < 0x80:
        return match.group()
    try:
        return b"".join(unit.to_bytes(2, "big") for unit in units).decode("utf-16-be")
    except UnicodeDecodeError:
        # half of a pair: no letter
        return match.group()


def mentions(text: str, identifiers: Iterable[str]) -> bool:
    """Whether one of the identifiers stands in the text as a word of its own."""
    found = pattern(identifiers)
    return bool(found and text and found.search(text))
