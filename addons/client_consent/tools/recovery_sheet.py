"""The key on paper: in groups to be typed, and as a square to be read by a camera."""

import io
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from reportlab.graphics.barcode.qr import QrCodeWidget
from reportlab.graphics.shapes import Drawing
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFError, TTFont
from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer

_FONTS = Path("/usr/share/fonts/truetype/dejavu")
_GROUP, _GROUPS_A_LINE = 4, 8


def groups(key: str) -> list[str]:
    """The key as lines of groups of four signs; joined without spaces they are the key again.

    >>> groups("client-gdpr-key-v1:abcdefgh")
    ['clie nt-g dpr- key- v1:a bcde fgh']
    """
    parts = [key[start : start + _GROUP] for start in range(0, len(key), _GROUP)]
    return [" ".join(parts[start : start + _GROUPS_A_LINE]) for start in range(0, len(parts), _GROUPS_A_LINE)]


def render(key: str, facts: Sequence[tuple[str, str]], title: str, instructions: Sequence[str]) -> bytes:
    """The sheet as a PDF of one page.

    :param key: the line of the key file
    :param facts: pairs of label and value below the key
    """
    text_font, key_font = _font("DejaVuSans", "Helvetica"), _font("DejaVuSansMono", "Courier")
    text = ParagraphStyle("text", fontName=text_font, fontSize=10, leading=15, spaceAfter=3 * mm)
    head = ParagraphStyle("head", parent=text, fontSize=20, leading=26, spaceAfter=6 * mm)
    typed = ParagraphStyle("typed", parent=text, fontName=key_font, fontSize=13, leading=22, spaceAfter=0)
    small = ParagraphStyle("small", parent=text, fontSize=8, leading=12, spaceAfter=1 * mm)
    square = QrCodeWidget(key, barLevel="M", barWidth=60 * mm, barHeight=60 * mm)
    drawing = Drawing(60 * mm, 60 * mm)
    drawing.add(square)
    story = [
        Paragraph(escape(title), head),
        *(Paragraph(escape(line), text) for line in instructions),
        Spacer(1, 4 * mm),
        *(Paragraph(escape(line), typed) for line in groups(key)),
        Spacer(1, 6 * mm),
        drawing,
        Spacer(1, 6 * mm),
        *(Paragraph(f"{escape(label)}: {escape(value)}", small) for label, value in facts),
    ]
    buffer = io.BytesIO()
    SimpleDocTemplate(buffer, pagesize=A4, title=title, margin=20 * mm).build(story)
    return buffer.getvalue()


def _font(name, otherwise):
    """The name of an embedded DejaVu font, else of a built-in one that knows Latin letters only."""
    if name in pdfmetrics.getRegisteredFontNames():
        return name
    try:
        pdfmetrics.registerFont(TTFont(name, _FONTS / f"{name}.ttf"))
    except (TTFError, OSError):
        return otherwise
    return name
