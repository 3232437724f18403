"""The paper form a person signs: what was said, one empty box per purpose and channel, and a code for the scan."""

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from xml.sax.saxutils import escape

from reportlab.graphics.barcode.qr import QrCodeWidget
from reportlab.graphics.shapes import Drawing
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFError, TTFont
from reportlab.platypus import KeepTogether, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from .errors import FontMissing

FONTS = Path("/usr/share/fonts/truetype/dejavu")
REGULAR, BOLD = "DejaVuSans", "DejaVuSans-Bold"
BOX = 4.5 * mm
CODE = 32 * mm


@dataclass(frozen=True)
class Question:
    """One purpose and the channels it may be allowed for, in the person's words."""

    purpose: str
    description: str
    channels: tuple[str, ...]


@dataclass(frozen=True)
class Form:
    """Everything that stands on the paper, translated; ``notices`` are (title, paragraphs)."""

    title: str
    company: str
    company_lines: tuple[str, ...]
    person: str
    intro: str
    notices: tuple[tuple[str, tuple[str, ...]], ...]
    questions: tuple[Question, ...]
    withdraw: str
    date_label: str
    signature_label: str
    code: str
    code_label: str


def render(form: Form, fonts: Path = FONTS) -> bytes:
    """The form as PDF with its fonts inside, so that every printer has the letters.

    :raises FontMissing: when DejaVu Sans is not installed
    """
    _register(fonts)
    text = ParagraphStyle("text", fontName=REGULAR, fontSize=9.5, leading=13, spaceAfter=4)
    small = ParagraphStyle("small", parent=text, fontSize=8, leading=10)
    head = ParagraphStyle("head", fontName=BOLD, fontSize=11, leading=15, spaceBefore=8, spaceAfter=3)
    title = ParagraphStyle("title", fontName=BOLD, fontSize=16, leading=20, spaceAfter=6)

    story = [Paragraph(escape(form.title), title), Paragraph(f"<b>{escape(form.company)}</b>", text)]
    story += [Paragraph(escape(line), small) for line in form.company_lines]
    story += [Spacer(1, 4 * mm), Paragraph(f"<b>{escape(form.person)}</b>", text)]
    for name, paragraphs in form.notices:
        story.append(Paragraph(escape(name), head))
        story += [Paragraph(escape(paragraph), text) for paragraph in paragraphs]
    story += [Spacer(1, 2 * mm), Paragraph(escape(form.intro), text)]
    story += [_question(question, head, text) for question in form.questions]
    story += [Spacer(1, 3 * mm), Paragraph(escape(form.withdraw), text), _signature(form, small)]

    buffer = BytesIO()
    SimpleDocTemplate(
        buffer,
        pagesize=A4,
        leftMargin=20 * mm,
        rightMargin=20 * mm,
        topMargin=18 * mm,
        bottomMargin=16 * mm,
        title=form.title,
        author=form.company,
    ).build(story)
    return buffer.getvalue()


def _question(question, head, text):
    """A purpose with an empty box in front of each channel; the boxes are drawn, so nothing can tick them."""
    rows = [["", Paragraph(escape(channel), text)] for channel in question.channels]
    boxes = Table(rows, colWidths=[BOX, 150 * mm], rowHeights=[BOX + 2 * mm] * len(rows))
    boxes.hAlign = "LEFT"
    style = [("VALIGN", (0, 0), (-1, -1), "MIDDLE"), ("LEFTPADDING", (1, 0), (1, -1), 8)]
    style += [("BOX", (0, row), (0, row), 0.8, "black") for row in range(len(rows))]
    boxes.setStyle(TableStyle(style))
    shown = [Paragraph(escape(question.purpose), head)]
    if question.description:
        shown.append(Paragraph(escape(question.description), text))
    return KeepTogether([*shown, boxes])


def _signature(form, small):
    code = QrCodeWidget(form.code, barLevel="M")
    left, bottom, right, top = code.getBounds()
    drawing = Drawing(CODE, CODE, transform=[CODE / (right - left), 0, 0, CODE / (top - bottom), 0, 0])
    drawing.add(code)
    line = "_" * 26
    table = Table(
        [
            [line, line, drawing],
            [
                Paragraph(escape(form.date_label), small),
                Paragraph(escape(form.signature_label), small),
                Paragraph(escape(form.code_label), small),
            ],
        ],
        colWidths=[60 * mm, 70 * mm, 40 * mm],
    )
    table.setStyle(TableStyle([("VALIGN", (0, 0), (-1, -1), "BOTTOM"), ("FONTNAME", (0, 0), (-1, -1), REGULAR)]))
    return KeepTogether([Spacer(1, 8 * mm), table])


def _register(fonts):
    registered = pdfmetrics.getRegisteredFontNames()
    for name in (REGULAR, BOLD):
        if name in registered:
            continue
        try:
            pdfmetrics.registerFont(TTFont(name, str(fonts / f"{name}.ttf")))
        except (TTFError, OSError) as error:
            raise FontMissing(name) from error
    pdfmetrics.registerFontFamily(REGULAR, normal=REGULAR, bold=BOLD, italic=REGULAR, boldItalic=BOLD)
