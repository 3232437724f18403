"""Finding the identifiers of many people in texts, however many people there are, in one look at each text."""

import html
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from . import redact
from .identity import NUMBER_END, Identity, is_number, number_parts

#: Texts are taken apart as bytes, which costs a fraction of what patterns cost: words are what stands between the signs
#: of ASCII, with all other signs turned into a space before; in numbers what people write between digits is left out.
_OTHER_SIGNS = re.compile(r"[^\w\x00-\x7f]+")
_WORDS = bytes(code if code > 127 or chr(code).isalnum() or code == ord("_") else 32 for code in range(256))
_DIGITS = bytes(code if 48 <= code <= 57 else 32 for code in range(256))
_BETWEEN_DIGITS = b" \t\n\r\f\v./()-"
#: What may be written otherwise: white space, what HTML escapes, letters of which a database does not know both cases.
_OPEN = re.compile(r"""(?:[^\x00-\x7f]|[\s&<>"'])+""")
#: Shorter words stand in too many texts to be looked for first.
_SHORTEST_ANCHOR = 4
#: So far from an identifier it is decided whether it stands as words of its own.
_NEXT = 20


@dataclass(frozen=True, slots=True)
class Needle:
    """One identifier, and who has it: numbers of people, and whether it names that one alone."""

    value: str
    people: tuple[tuple[int, bool], ...]


class Haystack:
    """Looks for identifiers word by word, which costs the same for one person as for ten thousand.

    Of the words of an identifier one is looked for first, its anchor: that which the fewest others hold. Where it
    stands among the right neighbours, the text is worth an exact look, as :func:`redact.pattern` does it.

    :param identities: one for each person, who is known by the number in this order
    """

    def __init__(self, identities: Sequence[Identity]):
        people: dict[str, dict[int, bool]] = defaultdict(dict)
        for number, identity in enumerate(identities):
            for value in identity.names:
                people[value][number] = False
            for value in identity.sure:
                people[value][number] = True
        # people group the digits of a number as they like: it is no row of words
        self._numbers: dict[bytes, list[Needle]] = defaultdict(list)
        for value in people:
            if is_number(value):
                end = number_parts(value)[1][-NUMBER_END:].encode()
                self._numbers[end].append(Needle(value, tuple(sorted(people[value].items()))))
        words = {value: tuple(_words(_fold(value))) for value in people if not is_number(value)}
        common = Counter(word for some in words.values() for word in set(some))
        self.values = sorted(people)
        self._needles: dict[tuple[bytes, ...], list[Needle]] = defaultdict(list)
        # anchor → how far before it an identifier begins, and after how many words it ends
        self._reach: dict[bytes, set[tuple[int, int]]] = defaultdict(set)
        for value, some in words.items():
            if some:
                anchor = min(some, key=lambda w: (len(w) < _SHORTEST_ANCHOR, w.isdigit(), common[w], -len(w), w))
                before = some.index(anchor)
                self._reach[anchor].add((before, len(some) - before))
                self._needles[some].append(Needle(value, tuple(sorted(people[value].items()))))
        self._none_of = self._reach.keys().isdisjoint
        self._patterns: dict[str, re.Pattern] = {}

    def __bool__(self) -> bool:
        return bool(self._needles or self._numbers)

    def candidates(self, text: str) -> list[Needle]:
        """Identifiers whose words stand in a text one after the other; nearly always none."""
        folded, found = _fold(text), {}
        if self._numbers:
            for run in folded.translate(_DIGITS, _BETWEEN_DIGITS).split():
                for end in range(NUMBER_END, len(run) + 1):
                    for needle in self._numbers.get(run[end - NUMBER_END : end], ()):
                        found[needle.value] = needle
        words = _words(folded)
        if not self._none_of(words):
            for place in [place for place, word in enumerate(words) if word in self._reach]:
                for before, after in self._reach[words[place]]:
                    if place >= before:
                        for needle in self._needles.get(tuple(words[place - before : place + after]), ()):
                            found[needle.value] = needle
        return list(found.values())

    def patterns(self) -> list[str]:
        """LIKE patterns, in lower case, of which one fits every text with a candidate; % and _ are letters.

        Numbers have a pattern of their own, see :meth:`numbers`.
        """
        chosen = [value for value in self.values if not is_number(value)]
        escaped = [re.sub(r"([\\%_])", r"\\\1", value.lower()) for value in chosen]
        return [f"%{_OPEN.sub('%', value)}%" for value in escaped]

    def numbers(self) -> str:
        """A POSIX pattern that fits every text with the end of a number, however grouped; empty without numbers."""
        return "|".join("(?:&nbsp;|[^0-9]){0,3}".join(end.decode()) for end in sorted(self._numbers))

    def stands_in(self, needle: Needle, text: str) -> bool:
        """Whether an identifier stands in a text as words of its own."""
        return bool(self._pattern(needle).search(text))

    def around(self, needle: Needle, text: str) -> str:
        """The identifier with what is next to it, where it stands in a text as words of its own; else nothing."""
        found = self._pattern(needle).search(text)
        return text[max(0, found.start() - _NEXT) : found.end() + _NEXT] if found else ""

    def _pattern(self, needle: Needle) -> re.Pattern:
        pattern = self._patterns.get(needle.value)
        if pattern is None:
            pattern = self._patterns[needle.value] = redact.pattern([needle.value])
        return pattern


def _fold(text: str) -> bytes:
    """A text in lower case, without the escapes of JSON and HTML and without signs beyond ASCII."""
    text = redact.unescaped(text)
    if "&" in text:
        text = html.unescape(text)
    if not text.isascii():
        text = _OTHER_SIGNS.sub(" ", text)
    return text.lower().encode("utf-8", "surrogatepass")


def _words(folded: bytes) -> list[bytes]:
    return folded.translate(_WORDS).split()


def plain(content: Any) -> str:
    """The words of a column's content: a text itself, of JSON all that stand in it."""
    if isinstance(content, str):
        return redact.unescaped(content)
    if isinstance(content, dict):
        return "\n".join(plain(part) for pair in content.items() for part in pair)
    if isinstance(content, list | tuple):
        return "\n".join(map(plain, content))
    return "" if content is None else str(content)
