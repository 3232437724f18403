"""What a person is recognised by, normalised so that two spellings meet, and how sure it is that two records meet."""

import hashlib
import hmac
import json
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Literal

import phonenumbers

Grade = Literal["certain", "likely", "name_only"]
GRADES: tuple[Grade, ...] = ("certain", "likely", "name_only")
#: What two records of one person share, apart from the name.
MARKS = ("email", "phone", "tax", "account", "login")

_SPACE = re.compile(r"\s+")
_ADDRESS = re.compile(r'[^][\s<>,;:()"]+@[^][\s<>,;:()"]+')
_NUMBER = re.compile(r"\+?[\d\s./()\u00a0-]+")
_NOT_DIGIT = re.compile(r"\D")
#: Shorter numbers stand everywhere by chance; a search for them would find strangers.
_SHORTEST_NUMBER = 7
_SHORTEST_TEXT = 5
#: Numbers are looked up by their end: country code and trunk zero stand in front, or do not.
NUMBER_END = 7
#: What a country code or a zero puts before a national number, at most: ``00420``.
_LONGEST_PREFIX = 5
#: A key of a name is no longer: it stands in an index, which refuses long values.
LONGEST_KEY = 100
#: Marks above and below letters, Hebrew and Arabic vowels; PostgreSQL reads the same escapes.
MARKS_PATTERN = r"[\u0300-\u036f\u0591-\u05c7\u064b-\u065f]"
#: White space, punctuation and the invisible signs that turn the direction of writing.
BETWEEN_PATTERN = r"[\s!-/:-@\[-`{-~\u200b-\u200f\u2010-\u201f\u2028-\u202f\u2066-\u2069]+"
#: Letters that are no base letter with a mark.
STROKES = ("łŁøØđĐ", "lLoOdD")


def fold(text: str) -> str:
    """Lower case as the database compares it, one space between words, composed accents.

    >>> fold("Jana  NOVÁKOVÁ")
    'jana nováková'
    """
    return _SPACE.sub(" ", unicodedata.normalize("NFC", text)).strip().lower()


def digits(number: str) -> str:
    """The digits of a phone number, without the signs that people write between them."""
    return _NOT_DIGIT.sub("", number)


def name_key(name: str) -> str:
    """A name without what people write now one way, now another: accents, case, punctuation, spaces.

    The database computes the same, see the index on contacts' names.

    >>> name_key("  NOVÁKOVÁ,  Jana "), name_key("O'Brien–Łukasz")
    ('novakova jana', 'o brien lukasz')
    """
    plain = re.sub(MARKS_PATTERN, "", unicodedata.normalize("NFKD", name)).translate(str.maketrans(*STROKES))
    return re.sub(BETWEEN_PATTERN, " ", plain).strip(" ").lower()[:LONGEST_KEY]


def name_keys(name: str) -> set[str]:
    """The key of a name, and of the same name with the last word first: registers write the surname in front."""
    words = name_key(name).split(" ")
    return {" ".join(words), " ".join([words[-1], *words[:-1]]), " ".join([*words[1:], words[0]])}


def number_end(number: str) -> str:
    """The last digits of a number, by which it is looked up; nothing when it is too short to mean anybody."""
    found = digits(number)
    return found[-NUMBER_END:] if len(found) >= NUMBER_END else ""


def same_number(one: str, other: str) -> bool:
    """Whether two spellings may be one number: the same digits, or one with a country code in front.

    >>> same_number("+420 602 111 222", "602111222"), same_number("+420 602 111 222", "+421602111222")
    (True, False)
    """
    short, long = sorted((digits(one).lstrip("0"), digits(other).lstrip("0")), key=len)
    return len(short) >= NUMBER_END and long.endswith(short) and len(long) - len(short) <= _LONGEST_PREFIX


def is_number(value: str) -> bool:
    """Whether an identifier is written as phone numbers are.

    >>> is_number("+420 602/111-222"), is_number("CZ7103192745"), is_number("12345")
    (True, False, False)
    """
    return bool(_NUMBER.fullmatch(value.strip())) and len(digits(value)) >= _SHORTEST_NUMBER


def number_parts(number: str) -> tuple[str, str]:
    """The digits of a number's country, empty where it is not written, and those that follow.

    >>> number_parts("+420 602 111 222"), number_parts("602/111222")
    (('420', '602111222'), ('', '602111222'))
    """
    found = digits(number)
    if not number.strip().startswith("+"):
        return "", found
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return "", found
    return str(parsed.country_code), phonenumbers.national_significant_number(parsed)


def number_spellings(number: str) -> set[str]:
    """The digits of a number as people write them: with the country in front, with zeros, or without.

    >>> sorted(number_spellings("+420 602 111 222"))
    ['00420602111222', '0602111222', '420602111222', '602111222']
    """
    country, national = number_parts(number)
    spellings = {national, f"{country}{national}"}
    if country:
        spellings |= {f"00{country}{national}", f"0{national}"}
    return {found for found in spellings if len(found) >= _SHORTEST_NUMBER}


def code_key(code: str) -> str:
    """A tax number or bank account in the one spelling that sanitised columns use: capitals and digits."""
    return re.sub(r"[\W_]+", "", code).upper()


def addresses(text: str) -> list[str]:
    """The e-mail addresses in a text, folded: ``'"Jana" <Jana@post.example>'`` holds ``'jana@post.example'``."""
    return [fold(found) for found in _ADDRESS.findall(text)]


@dataclass(frozen=True)
class Identity:
    """The identifiers of one subject.

    Addresses, numbers and codes belong to one person or household; a name may belong to several
    people, so what is found by name alone is for a person to judge.

    :ivar emails: normalised e-mail addresses
    :ivar phones: numbers as written and as sanitised
    :ivar codes: tax numbers, bank accounts and other codes given to one person only
    :ivar names: full names, two words or more
    :ivar shared: addresses that another contact uses too; never searched by
    """

    emails: frozenset[str] = frozenset()
    phones: frozenset[str] = frozenset()
    codes: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    shared: frozenset[str] = field(default=frozenset(), repr=False)

    @classmethod
    def gather(cls, emails=(), phones=(), codes=(), names=(), shared=()) -> "Identity":
        """Clean raw values: empty, too short and one-word names are left out, shared addresses set apart."""
        shared = frozenset(fold(value) for value in shared if value)
        return cls(
            emails=frozenset(found for v in emails if v for found in addresses(v)) - shared,
            phones=frozenset(v.strip() for v in phones if v and len(digits(v)) >= _SHORTEST_NUMBER) - shared,
            codes=frozenset(v.strip() for v in codes if v and len(v.strip()) >= _SHORTEST_TEXT),
            names=frozenset(fold(v) for v in names if v and " " in v.strip() and len(v.strip()) >= _SHORTEST_TEXT),
            shared=shared,
        )

    def __or__(self, other: "Identity") -> "Identity":
        return Identity(
            self.emails | other.emails,
            self.phones | other.phones,
            self.codes | other.codes,
            self.names | other.names,
            self.shared | other.shared,
        )

    def without(self, shared) -> "Identity":
        """The same without addresses and numbers that others use too."""
        shared = frozenset(shared)
        return replace(self, emails=self.emails - shared, phones=self.phones - shared, shared=self.shared | shared)

    @property
    def sure(self) -> tuple[str, ...]:
        """Identifiers that name this person alone, longest first."""
        return tuple(sorted(self.emails | self.phones | self.codes, key=lambda v: (-len(v), v)))

    @property
    def all(self) -> tuple[str, ...]:
        """Every identifier with the names, longest first."""
        return tuple(sorted(set(self.sure) | self.names, key=lambda v: (-len(v), v)))

    def digest(self, key: bytes) -> str:
        """Tells, to whoever has the key, whether two identities are known by the same; HMAC-SHA-256."""
        return hmac.new(key, json.dumps(self.all).encode(), hashlib.sha256).hexdigest()

    def to_dict(self) -> dict[str, list[str]]:
        return {name: sorted(getattr(self, name)) for name in ("emails", "phones", "codes", "names", "shared")}

    @classmethod
    def from_dict(cls, values: dict[str, list[str]]) -> "Identity":
        return cls(**{name: frozenset(items) for name, items in values.items()})


# -- are two records one person? ---------------------------------------------------------------------

NameRelation = Literal["name_same", "name_earlier", "name_similar", "name_other", "name_none"]


def _are_similar(one: str, other: str) -> bool:
    """Whether each word of the shorter name is a word of the longer one, or its initial: ``J. Novák``, ``Jana``."""
    short, long = sorted((name_key(one).split(" "), name_key(other).split(" ")), key=len)
    left = list(long)
    for word in short:
        twin = next((w for w in left if w == word), None) or next(
            (w for w in left if min(len(w), len(word)) == 1 and w[0] == word[0]), None
        )
        if twin is None:
            return False
        left.remove(twin)
    return any(len(word) > 1 for word in short)


def relate_names(
    names: Iterable[str], earlier: Iterable[str], others: Iterable[str], others_earlier: Iterable[str]
) -> NameRelation:
    """How the names of two records stand to each other, those they bore earlier included.

    >>> relate_names(["Jana Nováková"], ["Jana Svobodová"], ["SVOBODOVÁ Jana"], [])
    'name_earlier'
    >>> relate_names(["Jana Nováková"], [], ["J. Novakova"], [])
    'name_similar'
    """
    mine, theirs = [n for n in names if name_key(n)], [n for n in others if name_key(n)]
    if not mine or not theirs:
        return "name_none"

    def words(many):
        return {frozenset(name_key(name).split(" ")) for name in many if name_key(name)}

    if words(mine) & words(theirs):
        return "name_same"
    if words([*mine, *earlier]) & words([*theirs, *others_earlier]):
        return "name_earlier"
    return "name_similar" if any(_are_similar(one, other) for one in mine for other in theirs) else "name_other"


@dataclass(frozen=True)
class Candidate:
    """A record that may be about the same person, and why anybody should think so. Ids and codes only.

    :ivar reasons: marks that both share, as in :data:`MARKS`, then how the names stand to each other
    """

    model: str
    res_id: int
    reasons: tuple[str, ...]

    @property
    def grade(self) -> Grade:
        """How sure it is. A name alone never is: homonyms live in one street, couples share an address.

        >>> reasons = ("email", "name_same"), ("phone", "name_other"), ("name_same",)
        >>> [Candidate("res.partner", 7, why).grade for why in reasons]
        ['certain', 'likely', 'name_only']
        """
        if not set(self.reasons).intersection(MARKS):
            return "name_only"
        return "certain" if {"name_same", "name_earlier", "name_none"}.intersection(self.reasons) else "likely"

    @property
    def rank(self) -> tuple:
        """What sorts the surest first."""
        return (GRADES.index(self.grade), -len(self.reasons), self.model, self.res_id)


@dataclass(frozen=True)
class Choice:
    """What a handler said about records that may be the same person's: (model, id) taken along, and left out."""

    also: frozenset[tuple[str, int]] = frozenset()
    never: frozenset[tuple[str, int]] = frozenset()
