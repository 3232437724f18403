"""What changed between two texts, word by word, as HTML a person can read.

>>> changes("<p>We keep it for two years.</p>", "<p>We keep it for three years.</p><p>Then it goes.</p>")
'<p>We keep it for <del>two</del> <ins>three</ins> years.</p><p><ins>Then it goes.</ins></p>'
"""

from difflib import SequenceMatcher
from html import escape
from html.parser import HTMLParser
from itertools import zip_longest

#: Tags that stay inside a line; every other tag ends the paragraph.
_INLINE = frozenset(
    {"a", "abbr", "b", "cite", "code", "em", "font", "i", "q", "s", "small", "span", "strong", "sub", "sup", "u"}
)
_UNSEEN = frozenset({"script", "style", "template"})


class _Paragraphs(HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.found = [""]
        self._unseen = 0

    def handle_starttag(self, tag, attrs):
        self._unseen += tag in _UNSEEN
        self._border(tag)

    def handle_startendtag(self, tag, attrs):
        self._border(tag)

    def handle_endtag(self, tag):
        if tag in _UNSEEN:
            self._unseen = max(self._unseen - 1, 0)
        self._border(tag)

    def handle_data(self, data):
        if not self._unseen:
            self.found[-1] += data

    def _border(self, tag):
        if tag not in _INLINE:
            self.found.append("")


def paragraphs(html: str) -> list[str]:
    """The text of some HTML, one string per paragraph, spaces collapsed.

    >>> paragraphs("<p>We <b>ask</b>\\n you:<br/>yes?</p>")
    ['We ask you:', 'yes?']
    """
    parser = _Paragraphs()
    parser.feed(html)
    parser.close()
    texts = (" ".join(text.split()) for text in parser.found)
    return [text for text in texts if text]


def changes(old: str, new: str) -> str:
    """HTML of the new text with what was added in ``ins`` and what was dropped in ``del``.

    Only the words are compared; looks are not what somebody agreed to.
    """
    before, after = paragraphs(old), paragraphs(new)
    shown = []
    for tag, a1, a2, b1, b2 in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            shown += [escape(text) for text in before[a1:a2]]
        else:
            shown += [_words(a, b) for a, b in zip_longest(before[a1:a2], after[b1:b2], fillvalue="")]
    return "".join(f"<p>{text}</p>" for text in shown)


def _words(before, after):
    a, b = before.split(), after.split()
    shown = []
    for tag, a1, a2, b1, b2 in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        dropped, added = escape(" ".join(a[a1:a2])), escape(" ".join(b[b1:b2]))
        if tag == "equal":
            shown.append(added)
            continue
        shown += [f"<del>{dropped}</del>"] if dropped else []
        shown += [f"<ins>{added}</ins>"] if added else []
    return " ".join(shown)
