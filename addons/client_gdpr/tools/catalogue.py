"""The declared part of the data map: what a field holds about a person and what erasing and sealing it means.

A catalogue is a CSV with these columns (see ``COLUMNS``); a row declares one field of one model.

``role``
    ``link``: the field leads from the record to a person (many2one, many2many, or the id half of a
    model/id pair). ``email``: the field finds records by address. ``value``: the field holds something
    about the person. ``text``: free text in which anybody may be mentioned.
``action``
    on a *link* or *email*: ``delete`` the record, ``anonymise`` its declared values, ``cut`` the link,
    ``keep`` the record, ``none``. On a *value* or *text*: ``clear``, ``replace`` by the placeholder,
    ``keep``, ``none``. ``none`` means "nothing personal here, because …" or "answered elsewhere,
    because …" and always asks for the reason.
``bond``
    of a link: ``own`` when the record is about the person, so that what hangs on it is too;
    ``part`` when the person only takes part in a record of others.
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

from .errors import CatalogueError

COLUMNS = ("model", "field", "role", "action", "bond", "on_seal", "topic", "export", "reason")
ROLES = {
    "link": {"delete", "anonymise", "cut", "keep", "none"},
    "email": {"delete", "anonymise", "keep", "none"},
    "value": {"clear", "replace", "keep", "none"},
    "text": {"clear", "replace", "keep", "none"},
}
BONDS = {"", "own", "part"}
ON_SEAL = {"", "seal", "leave"}
EXPORTS = {"", "access", "portability"}
#: In the order in which a person would ask about them.
TOPICS = (
    "contact",
    "consent",
    "sales",
    "accounting",
    "messages",
    "calendar",
    "marketing",
    "website",
    "privacy",
    "technical",
)


@dataclass(frozen=True)
class Declaration:
    """One row of a catalogue; ``source`` is the file it stands in."""

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

    @property
    def key(self) -> tuple[str, str]:
        return (self.model, self.field)

    @property
    def leads_to_records(self) -> bool:
        """Whether the finder follows this row."""
        return self.role in ("link", "email") and self.action != "none"


def parse(text: str, source: str) -> Iterator[Declaration]:
    """Yield the rows of a catalogue.

    :raises CatalogueError: naming file, line and what is wrong; nothing is skipped silently
    """
    reader = csv.reader(io.StringIO(text))
    header = tuple(next(reader, ()))
    if header != COLUMNS:
        raise CatalogueError(source, 1, f"the columns must be {','.join(COLUMNS)}")
    seen: dict[tuple[str, str], int] = {}
    for cells in reader:
        line = reader.line_num
        if not any(cells):
            continue
        if len(cells) != len(COLUMNS):
            raise CatalogueError(source, line, f"{len(cells)} cells instead of {len(COLUMNS)}")
        row = Declaration(*(cell.strip() for cell in cells), source=source)
        if problem := _problem(row):
            raise CatalogueError(source, line, problem)
        if row.key in seen:
            raise CatalogueError(source, line, f"{row.model}.{row.field} stands already in line {seen[row.key]}")
        seen[row.key] = line
        yield row


def _problem(row: Declaration) -> str:
    if not row.model or not row.field:
        return "model and field must be given"
    if row.role not in ROLES:
        return f"role must be one of {', '.join(sorted(ROLES))}"
    if row.action not in ROLES[row.role]:
        return f"action of a {row.role} must be one of {', '.join(sorted(ROLES[row.role]))}"
    if row.action in ("none", "keep") and not row.reason:
        return f"action {row.action} needs a reason"
    if row.role == "link" and row.action != "none" and not row.bond:
        return "a link that is followed needs the bond own or part"
    for name, allowed in (("bond", BONDS), ("on_seal", ON_SEAL), ("topic", {"", *TOPICS}), ("export", EXPORTS)):
        if getattr(row, name) not in allowed:
            return f"{name} must be one of {', '.join(sorted(allowed - {''}))} or empty"
    return ""
