"""What stands in a value, however it is written: for looking for somebody in files and machine-written text."""

import io
import re
import zipfile
from collections.abc import Iterator

#: In which somebody's list of people may be saved; the last one reads any bytes.
_ENCODINGS = ("utf-8", "utf-16", "cp1250", "cp1252")
_JSON_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")
#: More is no list of people but an attempt to fill the memory.
LARGEST_ENTRY = 50_000_000


def texts(value: str | bytes) -> Iterator[str]:
    r"""Every reading of a value: text as it is and with JSON's escapes read, bytes in the usual encodings.

    Of spreadsheets and other archives it is the parts.

    >>> list(texts('{"name": "Ji\\u0159\\u00ed"}'))[-1]
    '{"name": "Jiří"}'
    """
    if isinstance(value, str):
        yield value
        if "\\u" in value:
            yield _JSON_ESCAPE.sub(lambda found: chr(int(found[1], 16)), value)
        return
    if value.startswith(b"PK\x03\x04"):
        yield from _texts_of_archive(value)
        return
    for encoding in _ENCODINGS:
        try:
            yield value.decode(encoding)
        except UnicodeDecodeError:
            continue


def _texts_of_archive(content: bytes) -> Iterator[str]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for entry in archive.infolist():
                yield entry.filename
                if not entry.flag_bits & 1 and entry.file_size <= LARGEST_ENTRY:
                    yield archive.read(entry).decode("utf-8", "replace")
    except zipfile.BadZipFile:
        return
