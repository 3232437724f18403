"""What a person is recognised by, normalised so that two spellings meet."""

import re
import unicodedata
from dataclasses import dataclass, field, replace

_SPACE = re.compile(r"\s+")
_ADDRESS = re.compile(r'[^][\s<>,;:()"]+@[^][\s<>,;:()"]+')
_NOT_DIGIT = re.compile(r"\D")
#: Shorter numbers stand everywhere by chance; a search for them would find strangers.
_SHORTEST_NUMBER = 7
_SHORTEST_TEXT = 5


def fold(text: str) -> str:
    """Lower case as the database compares it, one space between words, composed accents.

    >>> fold("Jana  NOVÁKOVÁ")
    'jana nováková'
    """
    return _SPACE.sub(" ", unicodedata.normalize("NFC", text)).strip().lower()


def digits(number: str) -> str:
    """The digits of a phone number, without the signs that people write between them."""
    return _NOT_DIGIT.sub("", number)


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

    def to_dict(self) -> dict[str, list[str]]:
        return {name: sorted(getattr(self, name)) for name in ("emails", "phones", "codes", "names", "shared")}

    @classmethod
    def from_dict(cls, values: dict[str, list[str]]) -> "Identity":
        return cls(**{name: frozenset(items) for name, items in values.items()})
