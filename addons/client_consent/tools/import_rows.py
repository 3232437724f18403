"""Rows of a spreadsheet to checked values, or to problems that name the row and the field.

``read`` turns bytes into a :class:`Sheet`; ``guess`` says which column probably is what; ``check`` turns
one row into a :class:`Row` or into the list of its :class:`Problem`. Nothing is skipped or repaired
silently: what cannot be read is a problem with a code, and whoever shows it finds the words.

Rows are numbered as a spreadsheet shows them: the header is row 1.
"""

import csv
import datetime
import io
import re
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from .errors import UnreadableFile
from .fold import NEGATIVE_STATES
from .informing import missing

ENCODINGS = ("utf-8", "utf-16", "cp1250", "cp1252")
DELIMITERS = (";", ",", "\t")
DATE_FORMATS = ("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y")
MAX_ROWS = 200_000
#: What an XLSX may unpack to: some kilobytes can hold gigabytes, or claim to be a million empty rows.
MAX_UNPACKED = 128 << 20
MAX_CELLS = 8_000_000
EXCEL_ROWS = 1_048_576
#: Target field → headings under which people keep it, in normal form.
HEADINGS = {
    "name": ("name", "fullname", "contact", "customer", "jmeno", "jmenoaprijmeni", "zakaznik", "kontakt"),
    "email": ("email", "mail", "emailaddress", "mailaddress", "eposta"),
    "phone": ("phone", "telephone", "tel", "mobile", "mobil", "telefon", "phonenumber", "cislo"),
    "purpose": ("purpose", "ucel", "for"),
    "channels": ("channel", "channels", "kanal", "kanaly"),
    "answer": ("answer", "consent", "optin", "agreed", "souhlas", "odpoved"),
    "source": ("source", "how", "obtained", "howobtained", "zdroj", "puvod"),
    "date": ("date", "when", "given", "givenon", "consentdate", "datum", "kdy"),
    "until": ("until", "validuntil", "end", "ends", "expires", "platido", "do"),
    "evidence": ("evidence", "document", "record", "dukaz", "doklad"),
    "lawful_basis": ("lawfulbasis", "legalbasis", "basis", "pravnizaklad"),
    "seller": ("seller", "vendor", "supplier", "prodejce", "dodavatel"),
    "contract": ("contract", "contractreference", "smlouva"),
    "proof": ("proof", "sellersproof", "proofofconsent", "prokazani"),
    "url": ("url", "web", "link", "page", "where", "kde"),
    "note": ("note", "notes", "remark", "comment", "poznamka"),
}
FIELDS = tuple(HEADINGS)
ANSWERS = {
    "given": ("yes", "y", "true", "1", "x", "given", "optin", "ano", "a", "souhlas", "agreed", "active"),
    "refused": ("refused", "odmitnuto"),
    "withdrawn": ("no", "n", "false", "0", "withdrawn", "optout", "unsubscribed", "ne", "odvolano"),
    "objected": ("objected", "objection", "namitka"),
}
#: What a yes must bring along to be a ground; without all of them it is only noted where the data came from.
GROUND = ("purpose", "source", "date", "evidence")
#: How a cell begins that spreadsheets take for a formula; a phone number with its plus is none.
_FORMULA = re.compile(r"[=@\t\r]|[+-](?![\d\s()./-]*$)")
#: What reading a broken or hostile XLSX raises.
_BROKEN_XLSX = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)
_EMAIL = re.compile(r"[^@\s,;<>\"]+@[^@\s,;<>\".]+(\.[^@\s,;<>\".]+)+")
#: Letters that tell a Central European text from a Western one when the bytes do not.
_CENTRAL = frozenset("ěščřžůňťďľĺŕąęłśźżćńőűđ")
_WESTERN = frozenset("èùòìøåæñãõêëîïûœàÿ")


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one row. ``field`` is a target field, or "" for the row as a whole."""

    row: int
    field: str
    code: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table as read: its header and numbered rows of text (or dates, where a spreadsheet knows them)."""

    encoding: str
    delimiter: str
    header: tuple[str, ...]
    rows: tuple[tuple[int, tuple], ...]


@dataclass(frozen=True, slots=True)
class Purpose:
    """What a row needs to know of a purpose."""

    code: str
    lawful_basis: str
    channels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Which words a file may use: purposes, sources, channels and lawful bases by normalised code and name."""

    purposes: Mapping[str, Purpose]
    sources: Mapping[str, str]
    channels: Mapping[str, str]
    lawful_bases: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Row:
    """One good row."""

    number: int
    name: str = ""
    email: str = ""
    phone: str = ""
    purpose: str = ""
    channels: tuple[str, ...] = ()
    answer: str = ""
    source: str = ""
    date: datetime.date | None = None
    until: datetime.date | None = None
    evidence: str = ""
    seller: str = ""
    contract: str = ""
    proof: str = ""
    url: str = ""
    note: str = ""
    partner_id: int = 0

    @property
    def is_no(self) -> bool:
        """Somebody's no counts whatever else is known about it."""
        return self.answer in NEGATIVE_STATES

    @property
    def has_ground(self) -> bool:
        """A yes with purpose, source, date and where the evidence lies; a bought one brings its proof."""
        held = {"evidence": self.evidence or self.proof or self.url}
        return self.answer == "given" and all(held.get(name) or getattr(self, name) for name in GROUND)


def normal(text) -> str:
    """A heading or code without case, accents and signs.

    >>> normal("E-mail *"), normal("Jméno a příjmení")
    ('email', 'jmenoaprijmeni')
    """
    plain = unicodedata.normalize("NFKD", str(text or "")).lower()
    return "".join(sign for sign in plain if sign.isalnum() and sign.isascii())


# -- reading ---------------------------------------------------------------------------------------


def read(data: bytes, *, encoding: str = "", delimiter: str = "", central_european: bool = False) -> Sheet:
    """A spreadsheet (XLSX or delimited text) as a table.

    :param encoding: one of ENCODINGS, or "" to find out
    :param central_european: what to believe when cp1250 and cp1252 are equally likely
    :raises UnreadableFile: naming the row where reading failed
    """
    if not data.strip():
        raise UnreadableFile("empty")
    if data[:4] == b"PK\x03\x04":
        return _read_xlsx(data)
    if data[:4] == b"\xd0\xcf\x11\xe0":
        raise UnreadableFile("old_excel")
    text, encoding = decode(data, encoding=encoding, central_european=central_european)
    if "\0" in text:
        raise UnreadableFile("binary", row=text.count("\n", 0, text.index("\0")) + 1)
    delimiter = delimiter or find_delimiter(text)
    return _sheet(_csv_rows(text, delimiter), encoding, delimiter)


def decode(data: bytes, *, encoding: str = "", central_european: bool = False) -> tuple[str, str]:
    """The text and the encoding it was in.

    A file that is partly UTF-8 and partly something else is refused: guessing would spoil names.

    :raises UnreadableFile: naming the row with the first byte that does not fit
    """
    if encoding:
        return _strict(data, "utf-8-sig" if encoding == "utf-8" else encoding), encoding
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _strict(data, "utf-16"), "utf-16"
    if b"\0" in data[:2000]:
        half = "utf-16-le" if data[1:2] == b"\0" else "utf-16-be"
        return _strict(data, half), "utf-16"
    try:
        return data.decode("utf-8-sig"), "utf-8"
    except UnicodeDecodeError as error:
        if data.startswith(b"\xef\xbb\xbf") or _has_utf8_letters(data):
            raise UnreadableFile("mixed", row=_row_of(error)) from error
    return _legacy(data, central_european)


def _strict(data, encoding):
    try:
        return data.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise UnreadableFile("encoding", row=_row_of(error), encoding=encoding) from error


def _has_utf8_letters(data):
    """Whether some line is UTF-8 with letters beyond ASCII: then the others should be too."""
    for line in data.splitlines():
        if not line.isascii():
            try:
                line.decode("utf-8")
            except UnicodeDecodeError:
                continue
            return True
    return False


def _legacy(data, central_european):
    fitting = {}
    failure = None
    for encoding, letters in (("cp1250", _CENTRAL), ("cp1252", _WESTERN)):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError as error:
            failure = error
            continue
        fitting[encoding] = (sum(sign in letters for sign in text.lower()), text)
    if not fitting:
        raise UnreadableFile("encoding", row=_row_of(failure), encoding="cp1252") from failure
    favourite = "cp1250" if central_european else "cp1252"
    best = max(fitting, key=lambda encoding: (fitting[encoding][0], encoding == favourite))
    return fitting[best][1], best


def _row_of(error):
    """The row of a decoding error; its own bytes count, for a mark at the beginning is cut off before."""
    return error.object.count(b"\n", 0, error.start) + 1


def find_delimiter(text: str) -> str:
    """The sign that cuts the first rows into the most columns of equal number; a comma when none does."""
    best = (0, ",")
    for delimiter in DELIMITERS:
        widths = []
        try:
            for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
                if row:
                    widths.append(len(row))
                if len(widths) == 20:
                    break
        except csv.Error:
            continue
        if widths and widths[0] > 1:
            alike = sum(width == widths[0] for width in widths) / len(widths)
            best = max(best, (alike * 1000 + widths[0], delimiter), key=lambda found: found[0])
    return best[1]


def _csv_rows(text, delimiter):
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    number = 0
    while True:
        number += 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise UnreadableFile("quotes", row=number) from error
        yield number, tuple(_meant(cell.strip()) for cell in cells)


def _read_xlsx(data):
    import openpyxl

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            # no part is unpacked further than it says
            if sum(part.file_size for part in archive.infolist()) > MAX_UNPACKED:
                raise UnreadableFile("too_large")
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        lines = list(_xlsx_lines(book.worksheets[0]))
    except _BROKEN_XLSX as error:
        raise UnreadableFile("broken_excel") from error
    return _sheet(lines, "xlsx", "")


def _xlsx_lines(page):
    """The rows of a worksheet that hold something, with their numbers."""
    # the size it says it has would be filled with empty cells
    page.reset_dimensions()
    cells = width = 0
    for number, values in enumerate(page.iter_rows(values_only=True), 1):
        cells += len(values)
        if number > EXCEL_ROWS or cells > MAX_CELLS:
            raise UnreadableFile("too_large")
        line = tuple(_cell(value) for value in values)
        if any(line):
            width = width or len(line)
            yield number, (*line, *[""] * (width - len(line)))


def _cell(value):
    """A spreadsheet's value as text; dates stay dates, whole numbers lose the point a phone never had."""
    if value is None:
        return ""
    if isinstance(value, datetime.datetime):
        return value.date()
    if isinstance(value, datetime.date):
        return value
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return _meant(str(value).strip())


def harmless(cell) -> str:
    """A cell for a file that spreadsheets open: shown, and never run as a formula.

    >>> harmless("=HYPERLINK(1)"), harmless("+420 601 234 567"), harmless("-")
    ("'=HYPERLINK(1)", '+420 601 234 567', '-')
    """
    text = str(cell)
    return f"'{text}" if _FORMULA.match(text) else text


def _meant(text):
    """What stood in a cell before :func:`harmless`, when the corrected file comes back."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text[1:]) else text


def _sheet(lines, encoding, delimiter):
    lines = [(number, cells) for number, cells in lines if any(cells)]
    if not lines:
        raise UnreadableFile("empty")
    if len(lines) > MAX_ROWS + 1:
        raise UnreadableFile("too_long", row=MAX_ROWS + 1)
    (_number, header), *rows = lines
    header = tuple(str(cell) for cell in header)
    while header and not header[-1]:
        header = header[:-1]
    return Sheet(encoding, delimiter, header, tuple(rows))


def guess(header) -> list[str]:
    """For every column the field it probably holds, or ""; a field is guessed once only."""
    guessed = []
    for heading in map(normal, header):
        found = next((name for name, headings in HEADINGS.items() if heading in headings), "")
        guessed.append("" if found in guessed else found)
    return guessed


# -- checking --------------------------------------------------------------------------------------


def rows(sheet: Sheet, mapping: list[str], defaults: Mapping) -> Iterator[tuple[int, dict, list[Problem]]]:
    """Every row as ``(number, values by field, problems of its shape)``; an empty cell takes the default."""
    width = len(sheet.header)
    for number, cells in sheet.rows:
        problems = [Problem(number, "", "cells")] if any(cells[width:]) else []
        padded = (*cells, *[""] * (width - len(cells)))
        values = {name: cell for name, cell in zip(mapping, padded, strict=False) if name}
        for name, value in defaults.items():
            values[name] = values.get(name) or value
        yield number, values, problems


def check(
    number: int, values: Mapping, words: Vocabulary, *, date_format: str, today: datetime.date, contract_bases=()
) -> tuple[Row | None, list[Problem]]:
    """One row as a :class:`Row`, or the list of everything that is wrong with it.

    :param contract_bases: lawful bases that rest on no answer, so that none can be imported for them
    """
    problems = []

    def wrong(name, code):
        problems.append(Problem(number, name, code))

    def text(name):
        return str(values.get(name) or "").strip()

    def word(name, known):
        given = text(name)
        found = known.get(normal(given)) if given else None
        if given and found is None:
            wrong(name, "unknown")
        return found

    def day(name):
        given = values.get(name)
        if not given or isinstance(given, datetime.date):
            return given or None
        try:
            return datetime.datetime.strptime(str(given).strip(), date_format).date()
        except ValueError:
            wrong(name, "date")
            return None

    email, phone = text("email").lower(), text("phone")
    if email and not _EMAIL.fullmatch(email):
        wrong("email", "address")
    if phone and sum(sign.isdigit() for sign in phone) < 5:
        wrong("phone", "address")
    if not email and not phone and not values.get("partner_id"):
        wrong("email", "nobody")
    purpose = word("purpose", words.purposes)
    source = word("source", words.sources) or ""
    lawful_basis = word("lawful_basis", words.lawful_bases)
    answer = word("answer", {form: kind for kind, forms in ANSWERS.items() for form in forms}) or ""
    at, until = day("date"), day("until")
    if at and at > today:
        wrong("date", "future")
    if at and until and until < at:
        wrong("until", "before")
    if purpose and lawful_basis and purpose.lawful_basis != lawful_basis:
        wrong("lawful_basis", "other_basis")
    if purpose and purpose.lawful_basis in contract_bases:
        wrong("purpose", "no_answer_needed")
        purpose = None
    channels = _channels(values, purpose, answer, words, wrong)
    for channel in channels if answer == "given" else ():
        if not values.get("partner_id") and not {"email": email, "post": "contact"}.get(channel, phone):
            wrong({"email": "email"}.get(channel, "phone"), "no_address")
    for name in missing(source, {name: text(name) for name in ("seller", "contract", "proof", "url")}):
        wrong(name, "needed")
    if problems:
        return None, problems
    return (
        Row(
            number=number,
            name=text("name"),
            email=email,
            phone=phone,
            purpose=purpose.code if purpose else "",
            channels=channels,
            answer=answer,
            source=source,
            date=at,
            until=until,
            partner_id=values.get("partner_id") or 0,
            **{name: text(name) for name in ("evidence", "seller", "contract", "proof", "url", "note")},
        ),
        [],
    )


def _channels(values, purpose, answer, words, wrong):
    """Channel codes of a row. A yes names them where there is a choice; a no without any means all."""
    given = [part for part in re.split(r"[,;/+|\s]+", str(values.get("channels") or "")) if part]
    found = [words.channels.get(normal(part)) for part in given]
    if None in found:
        wrong("channels", "unknown")
        return ()
    if purpose and any(channel not in purpose.channels for channel in found):
        wrong("channels", "foreign")
        return ()
    if not found and purpose:
        if answer == "given" and len(purpose.channels) > 1:
            wrong("channels", "choose")
            return ()
        return purpose.channels
    return tuple(dict.fromkeys(found))
