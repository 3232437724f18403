"""The answer as a PDF for people, with its fonts inside."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO
from xml.sax.saxutils import escape

from reportlab.graphics.barcode.qr import QrCodeWidget
from reportlab.graphics.shapes import Drawing
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFError, TTFont
from reportlab.platypus import KeepTogether, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

FONTS = Path("/usr/share/fonts/truetype/dejavu")
REGULAR, BOLD = "DejaVuSans", "DejaVuSans-Bold"
#: What no font draws and XML forbids.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
#: A paragraph longer than this is laid out in pieces: the time it takes grows faster than its length.
_PIECE = 2000
_CODE = 34 * mm


@dataclass(frozen=True)
class Section:
    """A heading with what stands below it, in this order: text, bullets, then pairs of label and value per record."""

    title: str
    level: int = 1
    text: str = ""
    bullets: tuple[str, ...] = ()
    records: tuple[tuple[tuple[str, str], ...], ...] = ()
    after: str = ""


@dataclass(frozen=True)
class Document:
    """A PDF before it is drawn; ``foot`` stands at the bottom of each page, ``code`` as a square at the end."""

    title: str
    author: str
    intro: tuple[str, ...]
    sections: Iterable[Section] = field(default=())
    foot: str = ""
    code: str = ""
    code_label: str = ""


def render(document: Document, target: BinaryIO, fonts: Path = FONTS) -> None:
    """Draw the document as PDF/A4 into an open file; letters that DejaVu lacks come out as boxes."""
    regular, bold = _fonts(fonts)
    text = ParagraphStyle("text", fontName=regular, fontSize=9, leading=12.5, spaceAfter=3)
    styles = {
        "text": text,
        "bullet": ParagraphStyle("bullet", parent=text, leftIndent=4 * mm, bulletFontName=regular, bulletFontSize=9),
        "small": ParagraphStyle("small", parent=text, fontSize=8, leading=11, textColor=colors.HexColor("#555555")),
        "title": ParagraphStyle("title", fontName=bold, fontSize=17, leading=22, spaceAfter=6),
        1: ParagraphStyle("h1", fontName=bold, fontSize=12.5, leading=17, spaceBefore=11, spaceAfter=4, keepWithNext=1),
        2: ParagraphStyle("h2", fontName=bold, fontSize=10, leading=14, spaceBefore=7, spaceAfter=3, keepWithNext=1),
    }
    story = [Paragraph(_markup(document.title), styles["title"])]
    story += [Paragraph(_markup(line), styles["text"]) for line in document.intro]
    for section in document.sections:
        story += _section(section, styles)

    if document.code:
        story.append(_code(document, styles))

    def foot(canvas, page):
        canvas.setFont(regular, 7.5)
        canvas.setFillColor(colors.HexColor("#555555"))
        canvas.drawString(20 * mm, 9 * mm, _clean(document.foot))
        canvas.drawRightString(190 * mm, 9 * mm, str(page.page))

    SimpleDocTemplate(
        target,
        pagesize=A4,
        leftMargin=20 * mm,
        rightMargin=20 * mm,
        topMargin=16 * mm,
        bottomMargin=16 * mm,
        title=_clean(document.title),
        author=_clean(document.author),
    ).build(story, onFirstPage=foot, onLaterPages=foot)


def _code(document, styles):
    """A square that a camera reads, with what it says beside it."""
    widget = QrCodeWidget(document.code, barLevel="M")
    left, bottom, right, top = widget.getBounds()
    drawing = Drawing(_CODE, _CODE, transform=[_CODE / (right - left), 0, 0, _CODE / (top - bottom), 0, 0])
    drawing.add(widget)
    table = Table([[drawing, Paragraph(_markup(document.code_label), styles["small"])]], colWidths=[_CODE, 130 * mm])
    table.hAlign = "LEFT"
    table.setStyle(TableStyle([("VALIGN", (0, 0), (-1, -1), "MIDDLE"), ("LEFTPADDING", (0, 0), (0, 0), 0)]))
    return KeepTogether([Spacer(1, 4 * mm), table])


def _section(section, styles):
    yield Paragraph(_markup(section.title), styles[section.level])
    if section.text:
        yield from _paragraphs(section.text, styles["text"])
    for bullet in section.bullets:
        yield Paragraph(_markup(bullet), styles["bullet"], bulletText="•")
    for record in section.records:
        yield from _record(record, styles)
    if section.after:
        yield Paragraph(_markup(section.after), styles["small"])


def _record(pairs, styles):
    """One record: labels left, values right; a long value is split, so that it may run over pages."""
    rows = []
    for label, value in pairs:
        pieces = list(_paragraphs(value, styles["text"]))
        rows += [[Paragraph(_markup(label), styles["small"]) if not n else "", piece] for n, piece in enumerate(pieces)]
    if not rows:
        return
    table = Table(rows, colWidths=[42 * mm, 126 * mm], splitInRow=1)
    table.setStyle(
        TableStyle(
            [
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("TOPPADDING", (0, 0), (-1, -1), 0),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 0),
                ("LEFTPADDING", (0, 0), (0, -1), 6),
                ("LINEBEFORE", (0, 0), (0, -1), 1.2, colors.HexColor("#bbbbbb")),
            ]
        )
    )
    yield table
    yield Spacer(1, 2.5 * mm)


def _paragraphs(value, style):
    for line in _clean(value).splitlines() or [""]:
        for start in range(0, max(len(line), 1), _PIECE):
            yield Paragraph(escape(line[start : start + _PIECE]), style)


def _markup(value):
    return escape(_clean(value)).replace("\n", "<br/>")


def _clean(value):
    return _CONTROL.sub("", value)


def _fonts(folder):
    """The names of the embedded fonts, else of built-in ones that know Latin letters only."""
    for name in (REGULAR, BOLD):
        if name not in pdfmetrics.getRegisteredFontNames():
            try:
                pdfmetrics.registerFont(TTFont(name, str(folder / f"{name}.ttf")))
            except (TTFError, OSError):
                return "Helvetica", "Helvetica-Bold"
    return REGULAR, BOLD
