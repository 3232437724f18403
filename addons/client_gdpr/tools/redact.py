"""Taking a person's identifiers out of a text that belongs to somebody else."""

import html
import re
from collections.abc import Iterable

#: What stands where an identifier stood. It tells neither length nor initials.
MARK = "[redacted]"


def _spelling(identifier: str) -> str:
    """A pattern for one identifier: any white space between its words, plain or HTML-escaped."""
    words = []
    for word in identifier.split():
        plain, escaped = re.escape(word), re.escape(html.escape(word))
        words.append(plain if plain == escaped else f"(?:{plain}|{escaped})")
    return r"(?:\s|&nbsp;|\u00a0)+".join(words)


def pattern(identifiers: Iterable[str]) -> re.Pattern | None:
    """One pattern for all identifiers, or nothing when there are none.

    An identifier inside a longer word or number is not a hit: ``ann@x.cz`` does not stand in
    ``joann@x.cz``, nor ``602 111 222`` in ``1602 111 2223``.
    """
    spellings = [_spelling(i) for i in sorted(set(identifiers), key=lambda v: (-len(v), v)) if i.strip()]
    if not spellings:
        return None
    return re.compile(rf"(?<![\w.+-])(?:{'|'.join(spellings)})(?![\w-]|\.\w|@)", re.IGNORECASE)


def redact(text: str, identifiers: Iterable[str]) -> tuple[str, int]:
    """The text without the identifiers, and how many were taken out."""
    found = pattern(identifiers)
    return found.subn(MARK, text) if found and text else (text, 0)


def mentions(text: str, identifiers: Iterable[str]) -> bool:
    """Whether one of the identifiers stands in the text as a word of its own."""
    found = pattern(identifiers)
    return bool(found and text and found.search(text))
