"""Taking other people out of what one person gets to see, GDPR Art. 15(4), and saying where and why.

Found are e-mail addresses, phone numbers and account numbers by their form, and names that somebody else known to the
company bears. A name nobody knows, or one that is inflected, is not found: a person has to look.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

import phonenumbers

from . import redact
from .identity import Identity, digits, fold

#: Why something was taken out: the code stands in the package beside the place.
STAFF, ADDRESS, NUMBER, ACCOUNT, NAME, HAND = "staff", "address", "number", "account", "name", "hand"
_MAILBOX = r"[\w.!#$%&'*+/=?^`{|}~-]+@[\w-]+(?:\.[\w-]+)+"
#: The address itself is group 1 or 2: with the name that mail programs write in front of it, or bare.
_ADDRESS = re.compile(rf'"[^"<>\n]{{1,100}}"\s{{0,3}}<({_MAILBOX})>|({_MAILBOX})')
_NUMBER = re.compile(r"(?<![\w+./-])(?:\+|00)?\(?\d(?:[ \u00a0./()-]{0,2}\d){7,14}(?![\w/-])")
_ACCOUNT = re.compile(r"(?<![\w])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![\w])")
_WORD = re.compile(r"[^\W\d_](?:[\w'’-]*\w)?")
#: So many words a name has at most; fewer than two are anybody's.
_LONGEST_NAME = 4
#: Compared from the end: the same number is written with and without the code of the country.
_TELLING_DIGITS = 9


@dataclass(frozen=True)
class Known:
    """Whom the company knows of what was asked: name or folded address → ``staff`` or another person (``other``).

    An address that is missing here is somebody else's all the same; a name that is missing is no name.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    addresses: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Marks:
    """What stands where somebody else stood, in the language of the answer."""

    other: str = "[somebody else]"
    staff: str = "[our staff]"


class Redactor:
    """Takes everybody but one person out of texts.

    :param own: what the person is recognised by; it stays
    :param keep: addresses, numbers and accounts that name nobody, as the company's own
    :param region: two letters of the country in which numbers without a code are dialled
    :param also: names and words that a person saw and this could not recognise
    :param ask: looks names and addresses up: ``(names, addresses) -> Known``
    """

    def __init__(
        self,
        own: Identity,
        ask: Callable[[set[str], set[str]], Known],
        keep: Iterable[str] = (),
        region: str = "CZ",
        marks: Marks = Marks(),
        also: Iterable[str] = (),
    ):
        self._ask, self._region, self._marks, keep = ask, region, marks, tuple(keep)
        values = {fold(value) for value in keep if value} | own.emails | own.shared
        self._addresses = frozenset(value for value in values if "@" in value)
        self._tails = {_tail(value) for value in {*own.phones, *own.shared, *keep} if value and "@" not in value}
        self._accounts = {_packed(value) for value in {*own.codes, *keep} if value}
        self._own_names = own.names
        self._also = redact.pattern(also)
        self._known = Known()

    def learn(self, texts: Iterable[str]) -> None:
        """Look up whoever may stand in these texts; only they are recognised until the next call."""
        names: set[str] = set()
        addresses: set[str] = set()
        for text in texts:
            names.update(name for _start, _end, name in self._names_in(text))
            addresses.update(fold(found[1] or found[2]) for found in _ADDRESS.finditer(text))
        self._known = self._ask(names, addresses - self._addresses) if names or addresses else Known()

    def __call__(self, text: str) -> tuple[str, Counter]:
        """The text without other people, and how many places were taken out for which reason."""
        reasons: Counter = Counter()
        pieces, end = [], 0
        for start, stop, reason, who in sorted(self._finds(text), key=lambda find: (find[0], -find[1])):
            if start < end:
                continue
            pieces += [text[end:start], self._marks.staff if who == STAFF else self._marks.other]
            end = stop
            reasons[STAFF if who == STAFF else reason] += 1
        return "".join([*pieces, text[end:]]), reasons

    def _finds(self, text):
        for found in self._also.finditer(text) if self._also else ():
            yield found.start(), found.end(), HAND, "other"
        for found in _ADDRESS.finditer(text):
            address = fold(found[1] or found[2])
            who = self._known.addresses.get(address, "other")
            if address not in self._addresses and who != "keep":
                yield found.start(), found.end(), ADDRESS, who
        for found in _ACCOUNT.finditer(text):
            if _packed(found[0]) not in self._accounts and _is_account(found[0]):
                yield found.start(), found.end(), ACCOUNT, "other"
        for found in _NUMBER.finditer(text):
            if _tail(found[0]) not in self._tails and _is_number(found[0], self._region):
                yield found.start(), found.end(), NUMBER, "other"
        for start, end, name in self._names_in(text):
            if who := self._known.names.get(name):
                yield start, end, NAME, who

    def _names_in(self, text):
        """Runs of two to four words that each begin with a capital, or belong to a script that has none."""
        words = [found for found in _WORD.finditer(text) if found[0][0] == found[0][0].upper()]
        joined = [not text[first.end() : second.start()].strip() for first, second in pairwise(words)]
        for number, first in enumerate(words):
            for length in range(2, _LONGEST_NAME + 1):
                last = number + length - 1
                if last >= len(words) or not joined[last - 1]:
                    break
                name = " ".join(word[0] for word in words[number : last + 1])
                if fold(name) not in self._own_names:
                    yield first.start(), words[last].end(), name


def _tail(number):
    return digits(number)[-_TELLING_DIGITS:]


def _packed(account):
    return re.sub(r"\s", "", account).upper()


def _is_number(text, region):
    """Whether a run of digits can be dialled; dates, order numbers and amounts hardly ever can."""
    try:
        number = phonenumbers.parse(text if not text.startswith("00") else f"+{text[2:]}", region)
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.is_valid_number(number)


def _is_account(text):
    """Whether the check digits of an IBAN fit (ISO 13616).

    >>> _is_account("CZ65 0800 0000 1920 0014 5399"), _is_account("CZ66 0800 0000 1920 0014 5399")
    (True, False)
    """
    account = _packed(text)
    return int("".join(str(int(sign, 36)) for sign in account[4:] + account[:4])) % 97 == 1
