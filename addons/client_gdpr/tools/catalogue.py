"""The declared part of the data map: what a field holds about a person and what erasing and sealing it means.

A catalogue is a CSV whose first line names its columns, in any order. ``model``, ``field``, ``role``, ``action``
and ``reason`` must be there; the others may be left out, and so may a cell: then what the topic and the role suggest
counts.

``role``
    ``link``: the field leads from the record to a person (many2one, many2many, or the id half of a
    model/id pair). ``email``, ``phone``: the field finds records by address or number. ``value``: the field holds
    something about the person. ``text``: free text in which anybody may be mentioned.
``action``
    on a *link*, *email* or *phone*: ``delete`` the record, ``anonymise`` its declared values, ``redact`` the person's
    identifiers in its declared texts, ``cut`` the link, ``keep`` the record, ``none``. On a *value* or *text*:
    ``clear``, ``replace`` by the placeholder, ``keep``, ``none``. ``none`` means "nothing personal here, because …" or
    "answered elsewhere, because …" and always asks for the reason.
``bond``
    of a link: ``own`` when the record is about the person, so that what hangs on it is too;
    ``part`` when the person only takes part in a record of others.
``on_seal``
    ``seal`` moves the value into the vault while the person is restricted, ``leave`` does not. Of a *link*, ``refuse``:
    a sealed person gets no new record of the kind.
``topic``
    under which heading the person finds it.
``category``
    the category of personal data, as a register of processing names it (Art. 30(1)(c)).
``special``
    the kind of special category (Art. 9) or ``criminal`` (Art. 10) that it is; ``possible`` where anything may be
    written.
``purpose``
    what it is processed for (Art. 5(1)(b), 30(1)(b)).
``export``
    ``access``: the person gets to see it (Art. 15); ``portability``: and takes it along (Art. 20).
``origin``
    ``given`` by the person, ``observed`` of them, ``derived`` from that by the company. What is derived is not
    portable.
``third_party``
    ``possible`` where somebody else may stand beside the person, ``always`` where somebody else does.
``reason``
    why it is kept, or why it is nothing personal.

The field ``*`` stands for the whole model. Its cells are what the model's other rows have where they are empty.
With a role and the action ``none`` it also declares the fields that nobody names: those of its own add-on (and
what that builds on, where it makes the model), never those of a later add-on or of an administrator, and never
what leads straight to a person: a link to contacts, a number of any record, an address.
"""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from .errors import CatalogueError

REQUIRED = ("model", "field", "role", "action", "reason")
OPTIONAL = ("bond", "on_seal", "topic", "category", "special", "purpose", "export", "origin", "third_party")
REST = "*"
ROLES = {
    "link": {"delete", "anonymise", "redact", "cut", "keep", "none"},
    "email": {"delete", "anonymise", "keep", "none"},
    "phone": {"delete", "anonymise", "keep", "none"},
    "value": {"clear", "replace", "keep", "none"},
    "text": {"clear", "replace", "keep", "none"},
}
#: Topic, in the order in which a person would ask about them → the purpose that such data usually serves.
TOPICS = {
    "contact": "relationship",
    "consent": "compliance",
    "sales": "contract",
    "accounting": "accounting",
    "messages": "communication",
    "calendar": "appointments",
    "marketing": "marketing",
    "events": "events",
    "website": "website",
    "staff": "employment",
    "privacy": "compliance",
    "technical": "operation",
}
PURPOSES = tuple(dict.fromkeys([*TOPICS.values(), "security"]))
#: Topic → the category that a value of it usually is.
CATEGORY_OF_TOPIC = {
    "contact": "contact",
    "consent": "preferences",
    "sales": "transactions",
    "accounting": "financial",
    "messages": "content",
    "calendar": "content",
    "marketing": "behaviour",
    "events": "behaviour",
    "website": "behaviour",
    "staff": "staff",
    "privacy": "preferences",
    "technical": "technical",
}
#: Role → category, where the role tells more than the topic.
CATEGORY_OF_ROLE = {"link": "relations", "email": "contact", "phone": "contact", "text": "content"}
CATEGORIES = tuple(dict.fromkeys(["identity", *CATEGORY_OF_TOPIC.values(), *CATEGORY_OF_ROLE.values(), "location"]))
SPECIAL = (
    "possible", "racial", "political", "religious", "union", "genetic", "biometric", "health", "sexual", "criminal",
)  # fmt: skip
#: What an optional cell may hold.
CODES = {
    "bond": ("own", "part"),
    "on_seal": ("seal", "leave", "refuse"),
    "topic": tuple(TOPICS),
    "category": CATEGORIES,
    "special": SPECIAL,
    "purpose": PURPOSES,
    "export": ("access", "portability"),
    "origin": ("given", "observed", "derived"),
    "third_party": ("possible", "always"),
}
#: Names that a column or a code had, or that somebody coming from another tool would type → what it is called here.
RENAMED_COLUMNS = {
    "on_restrict": "on_seal",
    "strategy": "action",
    "data_category": "category",
    "special_category": "special",
    "portability": "export",
    "third_parties": "third_party",
    "retention_reason": "reason",
}
RENAMED_CODES = {
    "role": {"m2o": "link", "mail": "email", "free_text": "text"},
    "action": {"anonymize": "anonymise", "erase": "delete", "unlink": "delete", "ignore": "none"},
    "on_seal": {"hide": "seal", "keep": "leave"},
    "export": {"given": "portability", "observed": "portability", "derived": "access"},
}


@dataclass(frozen=True)
class Declaration:
    """One row of a catalogue; ``source`` is the file it stands in, ``line`` the line of the file."""

    model: str
    field: str
    role: str
    action: str
    bond: str = ""
    on_seal: str = ""
    topic: str = ""
    export: str = ""
    reason: str = ""
    source: str = ""
    category: str = ""
    special: str = ""
    purpose: str = ""
    origin: str = ""
    third_party: str = ""
    line: int = field(default=0, compare=False)

    @property
    def key(self) -> tuple[str, str]:
        return (self.model, self.field)

    @property
    def leads_to_records(self) -> bool:
        """Whether the finder follows this row."""
        return self.role in ("link", "email", "phone") and self.action != "none"

    @property
    def is_portable(self) -> bool:
        """Whether the person may take it along, Art. 20(1): given by them or observed of them."""
        return self.export == "portability" and self.origin != "derived"

    def filled(self, rest: "Declaration | None" = None) -> "Declaration":
        """The same with its empty cells filled: from the model's ``*`` row, then from topic and role.

        >>> row = Declaration("crm.lead", "phone", "value", "clear", topic="sales", export="portability").filled()
        >>> row.category, row.purpose, row.origin
        ('transactions', 'contract', 'given')
        """
        cells = {name: getattr(self, name) or (getattr(rest, name) if rest else "") for name in CODES if name != "bond"}
        topic = cells["topic"]
        cells["category"] = (
            cells["category"] or CATEGORY_OF_ROLE.get(self.role, "") or CATEGORY_OF_TOPIC.get(topic, "technical")
        )
        cells["purpose"] = cells["purpose"] or TOPICS.get(topic, "operation")
        if cells["export"]:
            cells["origin"] = cells["origin"] or ("given" if cells["export"] == "portability" else "observed")
        if self.role == "text" and self.action != "none":
            cells["third_party"] = cells["third_party"] or "possible"
            cells["special"] = cells["special"] or "possible"
        return replace(self, **cells)


def parse(text: str, source: str) -> Iterator[Declaration]:
    """Yield the rows of a catalogue as they stand, ``*`` rows included.

    :raises CatalogueError: naming file, line and what is wrong; nothing is skipped silently
    """
    reader = csv.reader(io.StringIO(text))
    header = [cell.strip() for cell in next(reader, ())]
    if problem := _header_problem(header):
        raise CatalogueError(source, 1, problem)
    seen: dict[tuple[str, str], int] = {}
    for cells in reader:
        line = reader.line_num
        if not any(cells):
            continue
        if len(cells) != len(header):
            raise CatalogueError(
                source, line, f"{len(cells)} cells instead of {len(header)}: quote a cell with a comma"
            )
        values = {name: cell.strip() for name, cell in zip(header, cells, strict=True)}
        row = Declaration(**values, source=source, line=line)
        if problem := _problem(row):
            raise CatalogueError(source, line, problem)
        if row.key in seen:
            raise CatalogueError(source, line, f"{row.model}.{row.field} stands already in line {seen[row.key]}")
        seen[row.key] = line
        yield row


def join(rows: Iterable[Declaration]) -> tuple[dict[tuple[str, str], Declaration], list[Declaration]]:
    """Put the rows of all catalogues together, their empty cells filled.

    :return: (declarations by model and field; the ``*`` rows that declare what nobody names)
    :raises CatalogueError: when a field is declared twice
    """
    rows = list(rows)
    defaults: dict[str, Declaration] = {}
    for row in rows:
        # the add-on that makes the model comes with the most to say, later ones with what they add
        if row.field == REST:
            known = defaults.get(row.model)
            defaults[row.model] = _overlaid(known, row) if known else row
    declared: dict[tuple[str, str], Declaration] = {}
    for row in rows:
        if row.field == REST:
            continue
        if row.key in declared:
            first = declared[row.key]
            raise CatalogueError(
                row.source,
                row.line,
                f"{row.model}.{row.field} stands also in {first.source}, line {first.line}: remove one of the two",
            )
        declared[row.key] = row.filled(defaults.get(row.model))
    return declared, [row.filled() for row in rows if row.field == REST and row.role]


def _overlaid(first: Declaration, second: Declaration) -> Declaration:
    return replace(first, **{name: getattr(first, name) or getattr(second, name) for name in CODES})


def _header_problem(header: list[str]) -> str:
    for name in header:
        if name in RENAMED_COLUMNS and name not in (*REQUIRED, *OPTIONAL):
            return f"the column {name} is called {RENAMED_COLUMNS[name]}"
        if name not in (*REQUIRED, *OPTIONAL):
            return f"there is no column {name!r}: the columns are {', '.join((*REQUIRED, *OPTIONAL))}"
        if header.count(name) > 1:
            return f"the column {name} stands twice"
    missing = [name for name in REQUIRED if name not in header]
    return f"the columns {', '.join(missing)} are missing" if missing else ""


def _problem(row: Declaration) -> str:
    if not row.model or not row.field:
        return "model and field must be given"
    for name in ("role", "action", *CODES):
        new = RENAMED_CODES.get(name, {}).get(getattr(row, name))
        if new:
            return f"{name} {getattr(row, name)} is called {new}"
    for name, allowed in CODES.items():
        if getattr(row, name) not in ("", *allowed):
            return f"{name} must be one of {', '.join(allowed)} or empty"
    if row.field == REST:
        if not row.role and not row.action:
            return ""
        if (row.role, row.action) != ("value", "none"):
            return "what nobody names can only be declared as value and none: name the other fields"
    if row.role not in ROLES:
        return f"role must be one of {', '.join(sorted(ROLES))}"
    if row.action not in ROLES[row.role]:
        return f"action of a {row.role} must be one of {', '.join(sorted(ROLES[row.role]))}"
    if row.action in ("none", "keep") and not row.reason:
        return f"action {row.action} needs a reason"
    if row.role == "link" and row.action != "none" and not row.bond:
        return "a link that is followed needs the bond own or part"
    if (row.on_seal == "refuse" and row.role != "link") or (row.on_seal == "seal" and row.role == "link"):
        return f"on_seal of a {row.role} cannot be {row.on_seal}"
    if row.role not in ("link", "email", "phone") and row.bond:
        return "only a link or an e-mail address has a bond"
    if row.export == "portability" and row.origin == "derived":
        return "what the company derived is not portable: export it for access, or say where it really comes from"
    return ""
