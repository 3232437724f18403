"""What is wrong with a notice before it is published.

An *error* makes the consents given under the text worthless, or the text untrue: it stops the publication and a better
text cures it. A *warning* is worth a look; the person who publishes decides.

==================  =======  ================================================================================
empty               error    no words
pre_ticked          error    a box ticked in advance (Planet49, C-673/17; recital 32)
silence             error    silence or using the site taken for a yes (recital 32)
bundled             error    one act for the contract and the consent, or for all purposes (Art. 7(2), 7(4))
unnamed             error    several consents, and the text does not say one of them (recital 43)
no_recipients       error    "nobody gets your data" while a purpose has recipients (Art. 13(1)(e))
unlimited           error    a term without end (Art. 5(1)(e), 13(2)(a))
no_withdrawal       error    a consent without a word on taking it back (Art. 7(3))
foreign_contact     error    the only addresses in the text are neither the company's nor its officer's
other_contact       warning  another address beside the company's, or another mailbox of its domain
no_contact          warning  no address at all
no_controller       warning  the company is not named (Art. 13(1)(a))
no_objection        warning  legitimate interest without a word on objecting (Art. 21(4))
no_purpose          warning  the notice belongs to no purpose
language            warning  no wording is known for this language: nobody checked it
==================  =======  ================================================================================
"""

import re
from dataclasses import dataclass

from .notice_wording import DEMANDED, FORBIDDEN, comparable, language
from .text_diff import paragraphs

ERROR, WARNING = "error", "warning"
ERRORS = (
    "empty",
    "pre_ticked",
    "silence",
    "bundled",
    "unnamed",
    "no_recipients",
    "unlimited",
    "no_withdrawal",
    "foreign_contact",
)
WARNINGS = ("other_contact", "no_contact", "no_controller", "no_objection", "no_purpose", "language")
QUOTED = 160

_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_SENTENCE = re.compile(r"(?<=[.!?;])\s+")
_TICKED = re.compile(r"[☑☒]|\[x\]", re.IGNORECASE)
_CHECKED_INPUT = re.compile(r"<input\b[^>]*\bchecked\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Purpose:
    """What the rules need to know of a purpose of the notice; ``name`` in the notice's language."""

    name: str
    lawful_basis: str
    recipients: bool = False


@dataclass(frozen=True, slots=True)
class Draft:
    """A notice before publication. ``addresses`` are the e-mail addresses at which the company is reached."""

    title: str
    html: str
    lang: str
    company: str
    addresses: tuple[str, ...] = ()
    purposes: tuple[Purpose, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to mend or to look at; ``quote`` is where, empty when something is missing."""

    code: str
    quote: str = ""

    @property
    def severity(self) -> str:
        return ERROR if self.code in ERRORS else WARNING


def lint(draft: Draft) -> list[Finding]:
    """Everything found, errors first; each code once per sentence."""
    texts = [draft.title, *paragraphs(draft.html)]
    if len(texts) == 1:
        return [Finding("empty")]
    found = [*_wording(draft, texts), *_purposes(draft, texts), *_contact(draft, texts)]
    order = {code: number for number, code in enumerate((*ERRORS, *WARNINGS))}
    return sorted(dict.fromkeys(found), key=lambda finding: order[finding.code])


def _wording(draft, texts):
    lang = language(draft.lang)
    if _CHECKED_INPUT.search(draft.html):
        yield Finding("pre_ticked", "<input checked>")
    if lang not in FORBIDDEN:
        yield Finding("language")
    recipients = any(purpose.recipients for purpose in draft.purposes)
    for text in texts:
        for sentence in _SENTENCE.split(text):
            if _TICKED.search(sentence):
                yield Finding("pre_ticked", sentence[:QUOTED])
            compared = comparable(sentence, draft.lang)
            for code, wordings in FORBIDDEN.get(lang, {}).items():
                if code == "no_recipients" and not recipients:
                    continue
                if any(wording.stands_in(compared) for wording in wordings):
                    yield Finding(code, sentence[:QUOTED])


def _purposes(draft, texts):
    if not draft.purposes:
        yield Finding("no_purpose")
    whole = comparable("\n".join(texts), draft.lang)
    lawful_bases = {purpose.lawful_basis for purpose in draft.purposes}
    if language(draft.lang) in DEMANDED:
        withdrawal, objection = DEMANDED[language(draft.lang)]
        if "consent" in lawful_bases and not withdrawal.stands_in(whole):
            yield Finding("no_withdrawal")
        if "legitimate_interest" in lawful_bases and not objection.stands_in(whole):
            yield Finding("no_objection")
    asked = [purpose for purpose in draft.purposes if purpose.lawful_basis == "consent"]
    if len(asked) > 1:
        for purpose in asked:
            if not _named(comparable(purpose.name, draft.lang), whole):
                yield Finding("unnamed", purpose.name)


def _named(name, text):
    """Whether a word of the name stands in the text, in whatever case the language bends it into.

    >>> _named("Nabídky", "Zasílání nabídek zboží")
    True
    >>> _named("Offers", "We send a newsletter")
    False
    """
    words = [word for word in re.findall(r"\w+", name.casefold()) if len(word) > 3] or name.casefold().split()
    text = text.casefold()
    return any(word[: max(4, len(word) - 3)] in text for word in words)


def _contact(draft, texts):
    ours = {address.casefold() for address in draft.addresses}
    named = {address.casefold(): address for address in _ADDRESS.findall("\n".join([*texts, draft.html]))}
    strange = [address for folded, address in named.items() if folded not in ours]
    if not named:
        yield Finding("no_contact")
    elif ours:
        domains = {address.rpartition("@")[2] for address in ours}
        reached = any(folded in ours or folded.rpartition("@")[2] in domains for folded in named)
        for address in strange:
            yield Finding("other_contact" if reached else "foreign_contact", address)
    if draft.company.casefold() not in "\n".join(texts).casefold():
        yield Finding("no_controller")
