"""The proof pack: one ZIP that lets an authority read, and check without us, what a person was asked and answered.

``pdf`` is for people, the JSON beside it for machines, ``SHA256SUMS`` binds every file of the pack together.
Words come from outside: this file knows layout, not languages.
"""

import hashlib
import io
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import KeepTogether, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

SUMS = "SHA256SUMS"
_WIDTH = A4[0] - 40 * mm


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, sentences below it, and rows of a label and a value."""

    heading: str
    sentences: tuple[str, ...] = ()
    rows: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """What stands in the PDF, in the order in which it is read. ``footer`` is repeated on every page."""

    title: str
    sections: tuple[Section, ...]
    footer: str = ""
    lang: str = "en"


@dataclass(frozen=True, slots=True)
class Fonts:
    """Paths of the TrueType files that are embedded: they must know the letters of all the languages in the text."""

    regular: str
    bold: str


def pdf(document: Document, fonts: Fonts) -> bytes:
    """The document as PDF, with its fonts inside; the same values give the same bytes."""
    regular, bold = _register(fonts.regular), _register(fonts.bold)
    body = ParagraphStyle("body", fontName=regular, fontSize=9, leading=12.5, splitLongWords=True, spaceAfter=3)
    label = ParagraphStyle("label", parent=body, textColor=colors.HexColor("#444444"))
    heading = ParagraphStyle("heading", parent=body, fontName=bold, fontSize=11.5, leading=15, spaceBefore=10)
    title = ParagraphStyle("title", parent=heading, fontSize=17, leading=22, spaceAfter=6)

    story = [Paragraph(_text(document.title), title)]
    for section in document.sections:
        parts = [Paragraph(_text(section.heading), heading)]
        parts += [Paragraph(_text(sentence), body) for sentence in section.sentences]
        if section.rows:
            cells = [[Paragraph(_text(name), label), Paragraph(_text(value), body)] for name, value in section.rows]
            table = Table(cells, colWidths=[0.28 * _WIDTH, 0.72 * _WIDTH], splitInRow=1)
            table.setStyle(
                TableStyle(
                    [
                        ("VALIGN", (0, 0), (-1, -1), "TOP"),
                        ("LINEBELOW", (0, 0), (-1, -1), 0.25, colors.HexColor("#cccccc")),
                        ("TOPPADDING", (0, 0), (-1, -1), 1.5),
                        ("BOTTOMPADDING", (0, 0), (-1, -1), 1),
                        ("LEFTPADDING", (0, 0), (-1, -1), 0),
                    ]
                )
            )
            parts.append(table)
        # a section stays whole where it fits on a page; a longer one breaks by itself
        story += [KeepTogether(parts), Spacer(1, 2 * mm)]

    def numbered(canvas, template):
        canvas.saveState()
        canvas.setFont(regular, 7.5)
        canvas.setFillColor(colors.HexColor("#444444"))
        canvas.drawString(20 * mm, 12 * mm, document.footer)
        canvas.drawRightString(A4[0] - 20 * mm, 12 * mm, str(template.page))
        canvas.restoreState()

    target = io.BytesIO()
    template = SimpleDocTemplate(
        target,
        pagesize=A4,
        leftMargin=20 * mm,
        rightMargin=20 * mm,
        topMargin=18 * mm,
        bottomMargin=20 * mm,
        title=document.title,
        lang=document.lang,
        invariant=True,
    )
    template.build(story, onFirstPage=numbered, onLaterPages=numbered)
    return target.getvalue()


def write(target: BinaryIO, parts: Iterable[tuple[str, bytes]], moment: datetime) -> dict[str, str]:
    """Write the ZIP, one part in memory at a time, with a list of all fingerprints at its end.

    :param moment: the time that stands at every file of the pack
    :return: name → SHA-256
    """
    sums = {}
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts:
            if name in sums:
                raise ValueError(f"two parts are called {name}")
            sums[name] = hashlib.sha256(content).hexdigest()
            _add(archive, name, content, moment)
        lines = "".join(f"{digest}  {name}\n" for name, digest in sorted(sums.items()))
        _add(archive, SUMS, lines.encode(), moment)
    return sums


def _add(archive, name, content, moment):
    entry = zipfile.ZipInfo(name, moment.timetuple()[:6])
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o600 << 16
    archive.writestr(entry, content)


def _register(path):
    """The name under which reportlab knows a font file."""
    name = f"pack-{hashlib.sha256(path.encode()).hexdigest()[:12]}"
    if name not in pdfmetrics.getRegisteredFontNames():
        pdfmetrics.registerFont(TTFont(name, path))
    return name


def _text(value):
    return escape(value).replace("\n", "<br/>")
