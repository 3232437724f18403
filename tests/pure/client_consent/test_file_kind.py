import base64
import io
import struct
import zipfile
import zlib

import pytest
from client_consent.tools.errors import FileRefused
from client_consent.tools.file_kind import REASONS, TYPES, FileKind, examine
from hypothesis import given
from hypothesis import strategies as st


def pdf(*objects, trailer=b"", header=b"%PDF-1.7\n"):
    """A small PDF whose cross-reference table is true."""
    parts, places = [header], []
    for number, body in enumerate((b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [] >>", *objects), 1):
        places.append(sum(map(len, parts)))
        parts.append(b"%d 0 obj\n%s\nendobj\n" % (number, body))
    start = sum(map(len, parts))
    parts.append(b"xref\n0 %d\n0000000000 65535 f \n" % (len(places) + 1))
    parts += [b"%010d 00000 n \n" % place for place in places]
    parts.append(b"trailer << /Root 1 0 R /Size %d %s >>\nstartxref\n%d\n%%%%EOF\n" % (len(places) + 1, trailer, start))
    return b"".join(parts)


def stream(body, dictionary):
    return b"<< %s /Length %d >>\nstream\n%s\nendstream" % (dictionary, len(body), body)


def object_stream(body, filters=b"/Filter /FlateDecode"):
    return stream(zlib.compress(b"7 0 " + body), b"/Type /ObjStm /N 1 /First 4 " + filters)


def png():
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    pixels = zlib.compress(b"\x00\x7f")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def jpeg():
    thumbnail = b"\xff\xe1" + struct.pack(">H", 14) + b"Exif\x00\x00\xff\xd8\xff\xd9.."
    return b"\xff\xd8" + thumbnail + b"\xff\xda" + struct.pack(">H", 8) + bytes(6) + b"picture" * 9 + b"\xff\xd9"


def riff(form, body=bytes(24)):
    return b"RIFF" + struct.pack("<I", len(form + body)) + form + body


def box(kind, body):
    return struct.pack(">I", len(body) + 8) + kind + body


def m4a(handler=b"soun", brand=b"M4A "):
    moov = box(b"moov", box(b"hdlr", bytes(8) + handler + bytes(12)))
    return box(b"ftyp", brand + bytes(8)) + moov + box(b"mdat", b"sound" * 9)


def heic():
    return box(b"ftyp", b"heic" + bytes(8)) + box(b"meta", bytes(20)) + box(b"mdat", b"picture" * 9)


def mp3(tagged=True):
    tag = b"ID3\x03\x00\x00\x00\x00\x00\x14" + bytes(20)
    return (tag if tagged else b"") + (b"\xff\xfb\x90\x00" + bytes(413)) * 3


def ogg(codec=b"OpusHead" + bytes(11), last=4):
    def page(flags, body):
        return b"OggS\x00" + bytes([flags]) + bytes(20) + bytes([1, len(body)]) + body

    return page(2, codec) + page(last, b"sound" * 9)


def tiff(order="<", strip=20):
    entries = [(256, 3, 1, 1 << 16 if order == ">" else 1), (273, 4, 1, 8), (279, 4, 1, strip)]
    header = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, 28)
    directory = struct.pack(f"{order}H", len(entries)) + b"".join(
        struct.pack(f"{order}HHII", *entry) for entry in entries
    )
    return header + bytes(20) + directory + struct.pack(f"{order}I", 0)


def zipped(*names):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name in names:
            archive.writestr(name, "x" * 50)
    return target.getvalue()


def mail(part=b"", kind=b"application/octet-stream", extra=b""):
    body = b"From: jana@post.example\r\nTo: shop@firm.example\r\nDate: Tue, 3 Feb 2026 10:00:00 +0100\r\n"
    if not part:
        return body + b"Subject: Yes\r\n\r\nI agree to the newsletter.\r\n"
    return (
        body
        + b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=bb\r\n\r\n"
        + b"--bb\r\nContent-Type: text/plain\r\n\r\nI agree.\r\n"
        + b"--bb\r\nContent-Type: %s\r\nContent-Transfer-Encoding: base64\r\n%s\r\n" % (kind, extra)
        + base64.encodebytes(part)
        + b"--bb--\r\n"
    )


ALLOWED = [
    ("plain PDF", pdf(), "form.pdf", "application/pdf"),
    ("name in capitals", pdf(), "FORM.PDF", "application/pdf"),
    ("two dots", pdf(), "form.v2.pdf", "application/pdf"),
    ("PDF that opens at a page", pdf(b"<< /OpenAction [3 0 R /Fit] >>"), "a.pdf", "application/pdf"),
    ("PDF with a link", pdf(b"<< /A << /S /URI /URI (https://firm.example) >> >>"), "a.pdf", "application/pdf"),
    ("PDF with object streams", pdf(object_stream(b"<< /Type /Page >>")), "a.pdf", "application/pdf"),
    ("PDF with a picture", pdf(stream(bytes(range(256)) * 9, b"/Filter /DCTDecode")), "a.pdf", "application/pdf"),
    ("word JavaScript in a PDF's text", pdf(b"(we use no JavaScript, no Launch)"), "a.pdf", "application/pdf"),
    ("PNG", png(), "photo.png", "image/png"),
    ("JPEG", jpeg(), "photo.jpg", "image/jpeg"),
    ("JPEG, other extension", jpeg(), "photo.jpeg", "image/jpeg"),
    ("WebP", riff(b"WEBP"), "photo.webp", "image/webp"),
    ("HEIC", heic(), "IMG_1.HEIC", "image/heic"),
    ("TIFF of a scanner", tiff(), "scan.tif", "image/tiff"),
    ("TIFF, other byte order", tiff(">"), "scan.tiff", "image/tiff"),
    ("WAV", riff(b"WAVE"), "call.wav", "audio/wav"),
    ("WAV from a pipe", b"RIFF\xff\xff\xff\xffWAVE" + bytes(40), "call.wav", "audio/wav"),
    ("MP3 with tag", mp3(), "call.mp3", "audio/mpeg"),
    ("MP3 without tag", mp3(False), "call.mp3", "audio/mpeg"),
    ("Opus", ogg(), "call.opus", "audio/ogg"),
    ("Vorbis", ogg(b"\x01vorbis" + bytes(23)), "call.ogg", "audio/ogg"),
    ("M4A", m4a(), "call.m4a", "audio/mp4"),
    ("M4A of a phone", m4a(brand=b"mp42"), "call.m4a", "audio/mp4"),
    ("SMS", "Souhlasím se zasíláním novinek. Nováková".encode(), "sms.txt", "text/plain"),
    ("text with byte order mark", b"\xef\xbb\xbfAno", "sms.txt", "text/plain"),
    ("text in UTF-16", "Да".encode("utf-16"), "sms.txt", "text/plain"),
    ("SMS that speaks of imports", b"Import duty is fine, function (x) too. <3", "sms.txt", "text/plain"),
    ("text as long as the first look, cut within a letter", b"x" * 1023 + "ž".encode() * 20, "a.txt", "text/plain"),
    ("mail", mail(), "answer.eml", "message/rfc822"),
    ("mail with picture", mail(png()), "answer.eml", "message/rfc822"),
    ("mail with HTML body", mail(b"<html><body>Yes</body></html>", b"text/html"), "answer.eml", "message/rfc822"),
]
REFUSED = [
    ("nothing", b"", "form.pdf", "empty"),
    ("only blanks", b" \r\n\t ", "sms.txt", "empty"),
    ("program of Windows", b"MZ" + bytes(100), "form.pdf", "executable"),
    ("program of Linux", b"\x7fELF" + bytes(100), "photo.png", "executable"),
    ("program of macOS", b"\xcf\xfa\xed\xfe" + bytes(100), "form.pdf", "executable"),
    ("program for two processors, or Java", b"\xca\xfe\xba\xbe" + bytes(100), "form.pdf", "executable"),
    ("program of Android", b"dex\n035\x00" + bytes(100), "form.pdf", "executable"),
    ("shortcut", b"L\x00\x00\x00\x01\x14\x02\x00" + bytes(100), "form.pdf", "executable"),
    ("shell script", b"#!/bin/sh\nrm -r x\n", "sms.txt", "script"),
    ("batch file", b"\r\n@ECHO OFF\r\ndel x", "sms.txt", "script"),
    ("PostScript", b"%!PS-Adobe-3.0\n", "form.pdf", "script"),
    ("HTML", b"<!DOCTYPE html><p>Yes</p>", "sms.txt", "markup"),
    ("HTML behind blanks", b"\r\n  <HTML><body>", "form.pdf", "markup"),
    ("HTML in UTF-16", "<html>".encode("utf-16"), "sms.txt", "markup"),
    ("HTML behind a comment", b"<!-- x --><script>", "sms.txt", "markup"),
    ("SVG", b"<svg xmlns='http://www.w3.org/2000/svg' onload='x()'/>", "photo.png", "markup"),
    ("SVG as XML", b"<?xml version='1.0'?><svg/>", "photo.svg", "markup"),
    ("script within text", b"I agree <script>x()</script>", "sms.txt", "markup"),
    ("PHP", b"<?php system('x');", "sms.txt", "markup"),
    ("Word 97", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "contract.doc", "macros"),
    ("Word with macros", zipped("[Content_Types].xml", "word/vbaProject.bin"), "contract.docx", "macros"),
    ("Word with macros as PDF", zipped("[Content_Types].xml", "word/VBAPROJECT.BIN"), "contract.pdf", "macros"),
    ("Word without macros", zipped("[Content_Types].xml", "word/document.xml"), "contract.docx", "office"),
    ("LibreOffice", zipped("mimetype", "content.xml"), "contract.odt", "office"),
    ("RTF", b"{\\rtf1 x}", "contract.rtf", "office"),
    ("ZIP", zipped("form.pdf"), "forms.zip", "archive"),
    ("ZIP behind a picture", png() + zipped("x.exe"), "photo.png", "archive"),
    ("ZIP behind a JPEG", jpeg() + zipped("x.exe"), "photo.jpg", "archive"),
    ("RAR", b"Rar!\x1a\x07\x01\x00" + bytes(50), "forms.rar", "archive"),
    ("7z", b"7z\xbc\xaf\x27\x1c" + bytes(50), "forms.7z", "archive"),
    ("gzip", b"\x1f\x8b\x08" + bytes(50), "forms.gz", "archive"),
    ("tar", b"form.pdf".ljust(257, b"\x00") + b"ustar" + bytes(300), "forms.tar", "archive"),
    ("cabinet", b"MSCF" + bytes(50), "forms.cab", "archive"),
    ("disk image", bytes(32769) + b"CD001" + bytes(50), "forms.iso", "archive"),
    ("film in M4A", m4a(b"vide", b"isom"), "call.m4a", "video"),
    ("film in AVI", riff(b"AVI "), "call.wav", "video"),
    ("film in Matroska", b"\x1aE\xdf\xa3" + bytes(50), "call.mkv", "video"),
    ("film in OGG", ogg(b"\x80theora" + bytes(40)), "call.ogg", "video"),
    ("PDF with password", pdf(trailer=b"/Encrypt 5 0 R"), "form.pdf", "pdf_encrypted"),
    ("PDF with JavaScript", pdf(b"<< /S /JavaScript /JS (app.alert(1)) >>"), "form.pdf", "pdf_active"),
    ("PDF that runs at opening", pdf(b"<< /OpenAction << /S /JavaScript /JS 4 0 R >> >>"), "f.pdf", "pdf_active"),
    ("JavaScript spelled otherwise", pdf(b"<< /S /J#61va#53cript /JS (x) >>"), "form.pdf", "pdf_active"),
    ("PDF that starts a program", pdf(b"<</S/Launch/F(cmd.exe)>>"), "form.pdf", "pdf_active"),
    ("JavaScript, compressed", pdf(object_stream(b"<< /S /JavaScript /JS (x) >>")), "form.pdf", "pdf_active"),
    (
        "JavaScript, compressed, in the second place",
        pdf(object_stream(b"<< >>"), object_stream(b"<< /S /#4cavaScript >> << /S /Launch >>")),
        "form.pdf",
        "pdf_active",
    ),
    ("PDF form that sends", pdf(b"<< /S /SubmitForm /F (https://x.example) >>"), "form.pdf", "pdf_active"),
    ("PDF with Flash", pdf(b"<< /Subtype /RichMedia >>"), "form.pdf", "pdf_active"),
    ("PDF with files inside", pdf(b"<< /EF << /F 9 0 R >> /Type /EmbeddedFile >>"), "form.pdf", "pdf_files"),
    (
        "packed twice",
        pdf(object_stream(b"x", b"/Filter [/ASCIIHexDecode /FlateDecode]")),
        "form.pdf",
        "pdf_opaque",
    ),
    (
        "packed with a predictor",
        pdf(object_stream(b"x", b"/Filter /FlateDecode /DecodeParms << >>")),
        "f.pdf",
        "pdf_opaque",
    ),
    (
        "dictionary dressed up as another object",
        pdf(stream(zlib.compress(b"7 0 << /S /JavaScript >>"), b"/Type /Obj#53tm /Filter /FlateDecode /T (9 0 obj)")),
        "form.pdf",
        "pdf_opaque",
    ),
    ("bomb", pdf(object_stream(bytes(70 << 20))), "form.pdf", "pdf_opaque"),
    ("PDF cut in half", pdf(b"<< /X (%s) >>" % (b"y" * 3000))[:1500], "form.pdf", "broken"),
    ("PDF without end", pdf().replace(b"%%EOF", b""), "form.pdf", "broken"),
    ("PDF whose table lies elsewhere", pdf().replace(b"startxref\n", b"startxref\n9"), "form.pdf", "broken"),
    ("PDF with a damaged stream", pdf(object_stream(b"abc").replace(b"x\x9c", b"x\x00")), "form.pdf", "broken"),
    ("PNG cut", png()[:-6], "photo.png", "broken"),
    ("PNG with changed pixel", png().replace(b"IDAT", b"IDAU"), "photo.png", "broken"),
    ("PNG with a tail", png() + b"x" * 50, "photo.png", "broken"),
    ("JPEG cut behind its thumbnail", jpeg()[:-2], "photo.jpg", "broken"),
    ("JPEG, only the start", b"\xff\xd8\xff\xe0", "photo.jpg", "broken"),
    ("WebP cut", riff(b"WEBP")[:-4], "photo.webp", "broken"),
    ("WAV cut", riff(b"WAVE")[:-4], "call.wav", "broken"),
    ("HEIC cut", heic()[:-4], "photo.heic", "broken"),
    ("M4A cut", m4a()[:-4], "call.m4a", "broken"),
    ("MP3 of a tag only", mp3()[:30], "call.mp3", "broken"),
    ("OGG cut", ogg()[:-4], "call.ogg", "broken"),
    ("OGG without its last page", ogg(last=0), "call.ogg", "broken"),
    ("TIFF cut", tiff()[:-6], "scan.tif", "broken"),
    ("TIFF whose picture is missing", tiff(strip=20000), "scan.tif", "broken"),
    ("TIFF in a circle", tiff()[:-4] + struct.pack("<I", 28), "scan.tif", "broken"),
    ("mail without sender", b"Subject: Yes\r\n\r\nI agree", "answer.eml", "broken"),
    ("mail that is a text", b"I agree to all", "answer.eml", "broken"),
    ("noise", bytes(range(128, 256)) * 9, "form.pdf", "unknown"),
    ("zeros", bytes(300), "form.pdf", "unknown"),
    ("text in an old encoding", "Ano, souhlasím".encode("cp1250"), "sms.txt", "unknown"),
    ("text with control signs", b"I agree\x00\x01", "sms.txt", "unknown"),
    ("PDF behind something else", b"junk" + pdf(), "form.pdf", "other_extension"),
    ("no extension", pdf(), "form", "no_extension"),
    ("only an extension", pdf(), ".pdf", "no_extension"),
    ("PDF that says it is a photo", pdf(), "photo.png", "other_extension"),
    ("PDF that says it is a program", pdf(), "form.pdf.exe", "other_extension"),
    ("photo that says it is a PDF", png(), "form.pdf", "other_extension"),
    ("text that says it is a PDF", b"I agree", "form.pdf", "other_extension"),
    ("mail with a program", mail(b"MZ" + b"x" * 90), "answer.eml", "mail_attachment"),
    (
        "mail with HTML file",
        mail(b"<html>", b"text/html", b"Content-Disposition: attachment\r\n"),
        "a.eml",
        "mail_attachment",
    ),
    ("mail with JavaScript PDF", mail(pdf(b"<< /S /JavaScript >>"), b"application/pdf"), "a.eml", "mail_attachment"),
    ("mail with macros", mail(zipped("[Content_Types].xml", "vbaProject.bin")), "a.eml", "mail_attachment"),
]


@pytest.mark.parametrize(("content", "name", "mimetype"), [row[1:] for row in ALLOWED], ids=[row[0] for row in ALLOWED])
def test_what_shows_what_a_person_said_is_allowed(content, name, mimetype):
    kind, extensions = TYPES[mimetype]
    assert examine(content, name) == FileKind(kind, mimetype, extensions[0])


@pytest.mark.parametrize(("content", "name", "reason"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_everything_else_is_refused_with_its_reason(content, name, reason):
    with pytest.raises(FileRefused) as refused:
        examine(content, name)
    assert refused.value.reason == reason


def test_every_reason_has_a_case():
    assert {row[3] for row in REFUSED} == set(REASONS)


@given(
    st.binary(max_size=400), st.sampled_from(["a.pdf", "a.png", "a.jpg", "a.tif", "a.mp3", "a.ogg", "a.eml", "a.m4a"])
)
def test_any_bytes_are_allowed_or_refused_and_never_crash(content, name):
    for start in (
        b"",
        b"%PDF-1.7\n",
        b"\xff\xd8\xff",
        b"II*\x00",
        b"ID3",
        b"OggS\x00",
        b"\x89PNG\r\n\x1a\n",
        b"\x00\x00\x00\x10ftypM4A ",
    ):
        try:
            examine(start + content, name)
        except FileRefused as error:
            assert error.reason in REASONS


@pytest.mark.parametrize(
    "whole",
    [pdf(), png(), jpeg(), m4a(), heic(), tiff(), ogg()],
    ids=["pdf", "png", "jpg", "m4a", "heic", "tif", "ogg"],
)
def test_a_file_cut_anywhere_is_not_taken_for_whole(whole):
    name = {b"%": "a.pdf", b"\x89": "a.png", b"\xff": "a.jpg", b"I": "a.tif", b"O": "a.ogg"}.get(whole[:1])
    name = name or ("a.heic" if b"heic" in whole[:16] else "a.m4a")
    for length in range(1, len(whole) - 1):
        with pytest.raises(FileRefused):
            examine(whole[:length], name)


def test_a_file_made_to_be_searched_for_hours_is_refused():
    """Each of the streams has kilobytes before it that are searched for names."""
    body = object_stream(b"<< /A 1 >>") + b"\nendobj\n9 0 obj\n" + b"#stream\n" * 200_000
    with pytest.raises(FileRefused) as refused:
        examine(pdf(body), "form.pdf")
    assert refused.value.reason == "pdf_opaque"


def test_mails_within_mails_without_end_are_broken():
    head = b"From: a@post.example\nDate: Mon, 2 Mar 2026 10:00:00 +0100\n"
    parts = b"".join(
        b"Content-Type: multipart/mixed; boundary=x%d\n\n--x%d\n" % (place, place) for place in range(3000)
    )
    with pytest.raises(FileRefused) as refused:
        examine(head + parts, "mail.eml")
    assert refused.value.reason == "broken"
