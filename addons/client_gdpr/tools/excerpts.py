"""The words around a mention, for whoever must judge it."""

import html
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from . import redact

#: Characters read on each side of a mention, before tags are taken out, and words' worth that are shown.
WIDE = 400
NARROW = 80
#: These stand within words; at others a word ends.
_INLINE = re.compile(r"</?(?:a|b|em|font|i|mark|s|small|span|strong|u)\b[^<>]*>", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>")
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True)
class Excerpt:
    """One mention: what stands before it, itself as it is written, and what stands after it."""

    before: str
    found: str
    after: str


def excerpts(text: str, identifiers: Iterable[str], most: int) -> Iterator[Excerpt]:
    """Yield up to so many mentions in a text, which may be HTML, each with a few words around it.

    >>> list(excerpts("<p>Please call <b>Jana&nbsp;Nováková</b> today.</p>", ["jana nováková"], 3))
    [Excerpt(before='Please call ', found='Jana Nováková', after=' today.')]
    """
    pattern = redact.pattern(identifiers)
    end = 0
    for number, match in enumerate(pattern.finditer(text) if pattern else ()):
        if number == most:
            return
        # two mentions in one sentence are one excerpt each: the words between them are the first one's
        before = _words(text[max(end, match.start() - WIDE) : match.start()], cut_start=match.start() > WIDE)
        after = _words(text[match.end() : match.end() + WIDE], cut_end=True)
        end = match.end()
        yield Excerpt(before[-NARROW:].lstrip(), _words(match.group()), after[:NARROW].rstrip())


def _words(markup: str, cut_start: bool = False, cut_end: bool = False) -> str:
    """Text without tags, those included whose other half was cut off."""
    if cut_start and 0 <= markup.find(">") < (markup.find("<") + 1 or len(markup)):
        markup = markup[markup.find(">") + 1 :]
    if cut_end and markup.rfind("<") > markup.rfind(">"):
        markup = markup[: markup.rfind("<")]
    return _SPACE.sub(" ", html.unescape(_TAG.sub(" ", _INLINE.sub("", markup))))
