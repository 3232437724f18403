"""What a file is by its content, and whether it may be kept as evidence.

A name proves nothing: the content decides, the extension has to agree. Allowed is what shows what a person said
and cannot run: pictures, sound, PDF without active content, plain text, mail. Everything else is refused with a
reason code; a file that ends before its end is *broken*, because evidence that nobody can open proves nothing.

>>> examine(b"I agree to the newsletter.", "sms.txt")
FileKind(kind='sms', mimetype='text/plain', extension='txt')
>>> examine(b"MZ" + bytes(200), "form.pdf")
Traceback (most recent call last):
...
client_consent.tools.errors.FileRefused: the file is refused: executable
"""

import email
import email.policy
import io
import re
import struct
import zipfile
import zlib
from dataclasses import dataclass

from .errors import FileRefused

#: Reason codes, in the order in which they are looked for.
REASONS = (
    "empty",
    "executable",
    "script",
    "markup",
    "macros",
    "office",
    "archive",
    "video",
    "pdf_encrypted",
    "pdf_active",
    "pdf_files",
    "pdf_opaque",
    "broken",
    "unknown",
    "no_extension",
    "other_extension",
    "mail_attachment",
)

#: Type → (usual kind of evidence, extensions, first one is the usual one).
TYPES = {
    "application/pdf": ("scan", ("pdf",)),
    "image/png": ("photo", ("png",)),
    "image/jpeg": ("photo", ("jpg", "jpeg", "jpe", "jfif")),
    "image/webp": ("photo", ("webp",)),
    "image/heic": ("photo", ("heic", "heif")),
    "image/tiff": ("scan", ("tiff", "tif")),
    "audio/wav": ("recording", ("wav",)),
    "audio/mpeg": ("recording", ("mp3",)),
    "audio/ogg": ("recording", ("ogg", "oga", "opus")),
    "audio/mp4": ("recording", ("m4a", "mp4", "3gp")),
    "text/plain": ("sms", ("txt",)),
    "message/rfc822": ("mail", ("eml",)),
}
#: Types every browser shows by itself.
SHOWN_IN_BROWSERS = frozenset({"application/pdf", "image/png", "image/jpeg", "image/webp"})

_EXECUTABLE = (
    b"MZ",
    b"\x7fELF",
    b"\xfe\xed\xfa\xce",
    b"\xfe\xed\xfa\xcf",
    b"\xce\xfa\xed\xfe",
    b"\xcf\xfa\xed\xfe",
    b"\xca\xfe\xba\xbe",  # Java class, Mach-O for several processors
    b"\xbe\xba\xfe\xca",
    b"dex\n",
    b"\x00asm",
    b"L\x00\x00\x00\x01\x14\x02\x00",  # shortcut of Windows
    b"!<arch>\n",
)
_ARCHIVE = (
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"PK\x07\x08",
    b"Rar!\x1a\x07",
    b"7z\xbc\xaf\x27\x1c",
    b"\x1f\x8b",
    b"\x1f\x9d",
    b"BZh",
    b"\xfd7zXZ\x00",
    b"(\xb5/\xfd",
    b"\x04\x22\x4d\x18",
    b"MSCF",
    b"ITSF",
    b"xar!",
)
_OLE2 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # Word, Excel, Outlook before 2007; may always hold macros
_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_MARKUP = re.compile(
    r"<(?:!doctype|!--|\?xml|\?php|%|html|head|body|svg|script|iframe|object|embed|style|meta|link|form)", re.I
)
_MARKUP_INSIDE = re.compile(r"<script|<svg|<iframe|javascript:", re.I)
_SCRIPT = re.compile(r"#!|@echo off", re.I)
_MAIL_HEADER = re.compile(rb"[!-9;-~]+:[ \t\r\n]")

_NAME = re.compile(rb"/[^\x00\t\n\f\r ()<>\[\]{}/%]+")
_HEX = re.compile(rb"#([0-9A-Fa-f]{2})")
_OBJECT = re.compile(rb"\d\s+\d+\s+obj\b")
_ACTIVE = frozenset({b"/JavaScript", b"/Launch", b"/RichMedia", b"/XFA", b"/SubmitForm", b"/ImportData", b"/GoToE"})
_INSIDE = frozenset({b"/EmbeddedFile", b"/EmbeddedFiles"})
#: What a compressed part of a PDF may grow to while it is looked through.
_MOST_INFLATED = 64 << 20
#: So many streams of a PDF are looked at: before each stand bytes that are searched.
_MOST_STREAMS = 100_000
_MOST_TIFF_ENTRIES = 200_000
_TIFF_SIZES = {3: 2, 4: 4, 5: 8, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}

_AUDIO_BRANDS = (b"M4A ", b"M4B ", b"mp41", b"mp42", b"isom", b"iso2", b"iso5", b"3gp", b"dash")
_IMAGE_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1")


@dataclass(frozen=True, slots=True)
class FileKind:
    """``kind`` is the usual kind of evidence for such a file, ``extension`` the usual one for its type."""

    kind: str
    mimetype: str
    extension: str


def examine(content: bytes, name: str) -> FileKind:
    """What the file is.

    :raises FileRefused: with a code of :data:`REASONS`, when it may not be kept or its name says otherwise
    """
    content = bytes(content)
    if not content.strip():
        raise FileRefused("empty")
    _refuse_dangerous(content)
    declared = extension_of(name)
    if not declared:
        raise FileRefused("no_extension")
    mimetype = _type_by_content(content)
    if mimetype == "text/plain" and declared == "eml":
        mimetype = "message/rfc822"
    kind, extensions = TYPES[mimetype]
    if declared not in extensions:
        raise FileRefused("other_extension")
    try:
        _CHECKS[mimetype](content)
    except RecursionError:  # a mail in a mail in a mail
        raise FileRefused("broken") from None
    return FileKind(kind, mimetype, extensions[0])


def extension_of(name: str) -> str:
    """The last extension in lower case, or nothing.

    >>> extension_of("form.pdf.EXE"), extension_of("form"), extension_of(".pdf")
    ('exe', '', '')
    """
    stem, dot, extension = name.strip().rpartition(".")
    return extension.lower() if dot and stem else ""


# -- what is never kept ------------------------------------------------------------------------------


def _refuse_dangerous(content, markup=True):
    """Refuse what runs, what may hide something that runs, and what cannot be looked through.

    :param markup: whether HTML is refused; the body of a mail may be HTML, it is never shown as such
    """
    if content.startswith(_EXECUTABLE):
        raise FileRefused("executable")
    if content.startswith((b"#!", b"\xef\xbb\xbf#!", b"%!PS", b"%!FontType")):
        raise FileRefused("script")
    if content.startswith(_OLE2):
        raise FileRefused("macros")
    if content.startswith(b"{\\rt"):
        raise FileRefused("office")
    if zipfile.is_zipfile(io.BytesIO(content)):  # also one that hangs behind a picture
        raise FileRefused(_reason_of_zip(content))
    if content.startswith(_ARCHIVE) or content[257:262] == b"ustar" or content[32769:32774] == b"CD001":
        raise FileRefused("archive")
    if markup:
        start = _as_text(content[:1024])
        if start is not None and _MARKUP.match(start.lstrip()):
            raise FileRefused("markup")


def _reason_of_zip(content):
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = {name.lower() for name in archive.namelist()}
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        # broken, or of a kind that zipfile itself does not read and says so by NotImplementedError
        return "archive"
    if any(name.rpartition("/")[2] == "vbaproject.bin" for name in names):
        return "macros"
    return "office" if "[content_types].xml" in names or "mimetype" in names else "archive"


# -- which type --------------------------------------------------------------------------------------


def _type_by_content(content):
    if content.startswith(b"%PDF-"):
        return "application/pdf"
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content.startswith((b"II*\x00", b"MM\x00*")):
        return "image/tiff"
    if content.startswith(b"RIFF"):
        form = content[8:12]
        if form in (b"WEBP", b"WAVE"):
            return "image/webp" if form == b"WEBP" else "audio/wav"
        raise FileRefused("video" if form == b"AVI " else "unknown")
    if content.startswith(b"OggS"):
        return "audio/ogg"
    if content[4:8] == b"ftyp":
        if content[8:12] in _IMAGE_BRANDS:
            return "image/heic"
        if content[8:12].startswith(_AUDIO_BRANDS):
            return "audio/mp4"
        raise FileRefused("video")
    if content.startswith(
        (b"\x1aE\xdf\xa3", b"FLV\x01", b"\x00\x00\x01\xba", b"\x00\x00\x01\xb3", b"0&\xb2u\x8ef\xcf\x11")
    ):
        raise FileRefused("video")
    if content.startswith(b"ID3") or (content[0] == 0xFF and content[1:2] and _mp3_frame(content, 0)):
        return "audio/mpeg"
    if _as_text(content) is not None:
        return "text/plain"
    raise FileRefused("unknown")


def _as_text(content):
    """The text, or None when these bytes are none: control characters and foreign encodings are no text."""
    encoding = "utf-8"
    for bom, name in _BOMS:
        if content.startswith(bom):
            content, encoding = content[len(bom) :], name
            break
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        if error.reason != "unexpected end of data":  # a start that was cut within a letter is text
            return None
        text = content[: error.start].decode(encoding)
    return None if any(ord(sign) < 32 and sign not in "\t\n\r\f" for sign in text) or "\x7f" in text else text


# -- whole and harmless, by type ---------------------------------------------------------------------


def _check_pdf(content):
    tail = content[-2048:]
    if b"%%EOF" not in tail or not _points_to_xref(content, tail):
        raise FileRefused("broken")
    names = _pdf_names(content)
    if b"/Encrypt" in names:
        raise FileRefused("pdf_encrypted")
    for part in _object_streams(content):
        names |= _pdf_names(part)
    if names & _ACTIVE:
        raise FileRefused("pdf_active")
    if names & _INSIDE:
        raise FileRefused("pdf_files")


def _points_to_xref(content, tail):
    """Whether the last ``startxref`` leads to a cross-reference table or stream inside the file."""
    found = re.findall(rb"startxref\s+(\d{1,10})\s", tail)
    place = content[int(found[-1]) :][:64].lstrip() if found else b""
    return bool(re.match(rb"xref\b|\d+\s+\d+\s+obj\b", place))


def _pdf_names(part):
    """All names that stand anywhere in the bytes, spelled out: ``/J#61vaScript`` is ``/JavaScript``."""
    return {_spelled(name) for name in set(_NAME.findall(part))}


def _spelled(name):
    return _HEX.sub(lambda hit: bytes([int(hit[1], 16)]), name) if b"#" in name else name


def _object_streams(content):
    """The inflated object streams: the only compressed places in which an action can stand.

    Each ``/ObjStm`` in the file must be one that was looked through: else its dictionary was dressed up as something
    else, or packed in a way that this cannot read.

    :raises FileRefused: when something cannot be looked through
    """
    announced = sum(_spelled(name) == b"/ObjStm" for name in _NAME.findall(content) if len(name) <= 3 * len("/ObjStm"))
    if not announced:
        return
    left = _MOST_INFLATED
    for number, hit in enumerate(re.finditer(rb"\bstream\r?\n", content)):
        if number == _MOST_STREAMS:
            raise FileRefused("pdf_opaque")
        head = content[max(0, hit.start() - 4096) : hit.start()]
        names = _pdf_names(head[max((obj.end() for obj in _OBJECT.finditer(head)), default=0) :])
        if b"/ObjStm" not in names:
            continue
        announced -= 1
        filters = {name for name in names if name.endswith(b"Decode") or name == b"/Crypt"}
        if filters - {b"/FlateDecode"} or b"/DecodeParms" in names:
            raise FileRefused("pdf_opaque")
        if filters:
            part = _inflate(content, hit.end(), left)
            left -= len(part)
            yield part
        # without a filter it stands in the open and was read with the rest
    if announced:
        raise FileRefused("pdf_opaque")


def _inflate(content, place, most):
    inflater, parts = zlib.decompressobj(), []
    while not inflater.eof:
        chunk = inflater.unconsumed_tail or content[place : (place := place + 65536)]
        if not chunk:
            raise FileRefused("broken")
        try:
            parts.append(inflater.decompress(chunk, 1 << 20))
        except zlib.error:
            raise FileRefused("broken") from None
        most -= len(parts[-1])
        if most <= 0:
            raise FileRefused("pdf_opaque")
    return b"".join(parts)


def _check_png(content):
    place = 8
    while place + 12 <= len(content):
        size, kind = struct.unpack_from(">I4s", content, place)
        end = place + 12 + size
        if end > len(content) or (place == 8 and kind != b"IHDR"):
            break
        if zlib.crc32(content[place + 4 : end - 4]) != struct.unpack_from(">I", content, end - 4)[0]:
            break
        if kind == b"IEND":
            if content[end:].strip(b"\x00\r\n"):
                break
            return
        place = end
    raise FileRefused("broken")


def _check_jpeg(content):
    place = 2
    while place + 4 <= len(content) and content[place] == 0xFF:
        marker = content[place + 1]
        if marker == 0xFF:
            place += 1
        elif marker == 0xDA:
            # what follows is the picture itself; thumbnails stand in segments and were passed over
            if content.find(b"\xff\xd9", place) > 0:
                return
            break
        else:
            place += 2 + int.from_bytes(content[place + 2 : place + 4])
    raise FileRefused("broken")


def _check_riff(content):
    size = int.from_bytes(content[4:8], "little")
    streamed = size == 0xFFFFFFFF  # written to a pipe: the length was never known
    if len(content) < 20 or (not streamed and size + 8 > len(content)):
        raise FileRefused("broken")


def _check_boxes(content):
    """HEIC and M4A: boxes from the first byte to the last, with a picture or sound in them and no film."""
    place, kinds = 0, set()
    while place + 8 <= len(content):
        size, kind = struct.unpack_from(">I4s", content, place)
        if size == 1 and place + 16 <= len(content):
            size = int.from_bytes(content[place + 8 : place + 16])
        elif size == 0:
            size = len(content) - place
        if size < 8:
            break
        kinds.add(kind)
        place += size
    if place != len(content) or not kinds >= {b"ftyp", b"mdat"} or not kinds & {b"moov", b"meta"}:
        raise FileRefused("broken")
    if re.search(rb"hdlr.{8}vide", content, re.S):
        raise FileRefused("video")


def _check_tiff(content):
    order = "<" if content.startswith(b"II") else ">"
    place = struct.unpack_from(f"{order}I", content, 4)[0] if len(content) >= 8 else 0
    pages, total = 0, 0
    while place:
        if place + 2 > len(content):
            raise FileRefused("broken")
        count = struct.unpack_from(f"{order}H", content, place)[0]
        end, total = place + 2 + count * 12, total + count
        if not count or end + 4 > len(content) or total > _MOST_TIFF_ENTRIES:
            raise FileRefused("broken")
        entries = [struct.unpack_from(f"{order}HHII", content, place + 2 + number * 12) for number in range(count)]
        values = {tag: (kind, number, value) for tag, kind, number, value in entries}
        for kind, number, value in values.values():
            size = _TIFF_SIZES.get(kind, 1) * number
            if size > 4 and value + size > len(content):
                raise FileRefused("broken")
        for where, how_long in ((273, 279), (324, 325)):  # strips, tiles; one of them stands in the entry itself
            if where in values and how_long in values and values[where][1] == values[how_long][1] == 1:
                first, length = (_tiff_value(order, values[tag]) for tag in (where, how_long))
                if first + length > len(content):
                    raise FileRefused("broken")
        pages, place = pages + 1, struct.unpack_from(f"{order}I", content, end)[0]
    if not pages:
        raise FileRefused("broken")


def _tiff_value(order, entry):
    """The number in an entry: a short one stands in the first half of its four bytes."""
    kind, _number, value = entry
    return value >> 16 if kind == 3 and order == ">" else value & 0xFFFF if kind == 3 else value


def _mp3_frame(content, place):
    """The length of the MPEG audio frame at a place, or 0 when none is there."""
    if place + 4 > len(content) or content[place] != 0xFF or content[place + 1] & 0xE0 != 0xE0:
        return 0
    version, layer = content[place + 1] >> 3 & 3, content[place + 1] >> 1 & 3
    rate, frequency = content[place + 2] >> 4, content[place + 2] >> 2 & 3
    if version == 1 or layer != 1 or rate in (0, 15) or frequency == 3:
        return 0
    first = version == 3
    table = (
        (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
        if first
        else (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
    )
    hertz = (44100, 48000, 32000)[frequency] >> {3: 0, 2: 1, 0: 2}[version]
    return (144 if first else 72) * table[rate - 1] * 1000 // hertz + (content[place + 2] >> 1 & 1)


def _check_mp3(content):
    place = 0
    if content.startswith(b"ID3"):
        if len(content) < 10:
            raise FileRefused("broken")
        size = 0
        for part in content[6:10]:
            size = size << 7 | part & 0x7F
        place = len(content) - len(content[10 + size :].lstrip(b"\x00"))
    length = _mp3_frame(content, place)
    if not length or place + length > len(content):
        raise FileRefused("broken")


def _check_ogg(content):
    place, ended = 0, False
    while place + 27 <= len(content) and content[place : place + 5] == b"OggS\x00":
        segments = content[place + 27 : place + 27 + content[place + 26]]
        body = place + 27 + content[place + 26]
        if place == 0 and not content[body:].startswith((b"OpusHead", b"\x01vorbis", b"Speex   ", b"\x7fFLAC")):
            raise FileRefused("video" if content[body:].startswith(b"\x80theora") else "unknown")
        ended = bool(content[place + 5] & 4)
        place = body + sum(segments)
    if place != len(content) or not ended:
        raise FileRefused("broken")


def _check_text(content):
    text = _as_text(content)
    if text is None:
        raise FileRefused("unknown")
    if _SCRIPT.match(text.lstrip()):
        raise FileRefused("script")
    if _MARKUP_INSIDE.search(text):
        raise FileRefused("markup")


def _check_mail(content):
    """A mail with a sender and a date, none of whose parts is dangerous."""
    if not _MAIL_HEADER.match(content):
        raise FileRefused("broken")
    message = email.message_from_bytes(content, policy=email.policy.compat32)
    if not message["From"] or not (message["Date"] or message["Received"]):
        raise FileRefused("broken")
    for part in message.walk():
        if part.is_multipart():
            if part.get_content_maintype() == "multipart" and not part.get_payload():
                raise FileRefused("broken")
            continue
        body = part.get_payload(decode=True) or b""
        inline_html = part.get_content_type() == "text/html" and part.get_content_disposition() != "attachment"
        try:
            _refuse_dangerous(body, markup=not inline_html)
            if body.startswith(b"%PDF-"):
                _check_pdf(body)
        except FileRefused as error:
            raise FileRefused("mail_attachment") from error


_CHECKS = {
    "application/pdf": _check_pdf,
    "image/png": _check_png,
    "image/jpeg": _check_jpeg,
    "image/webp": _check_riff,
    "image/heic": _check_boxes,
    "image/tiff": _check_tiff,
    "audio/wav": _check_riff,
    "audio/mpeg": _check_mp3,
    "audio/ogg": _check_ogg,
    "audio/mp4": _check_boxes,
    "text/plain": _check_text,
    "message/rfc822": _check_mail,
}
