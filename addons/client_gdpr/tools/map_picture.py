"""The data map as an SVG picture: models as boxes in columns, from the person outwards."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

BOX = (236, 40)
GAP = (96, 10)
MARGIN = 24
HEAD = 34
#: One colour a topic; the topic also stands in words above its boxes.
COLOURS = (
    "#4c6ef5", "#12b886", "#f59f00", "#e8590c", "#7048e8", "#1098ad",
    "#d6336c", "#74b816", "#0ca678", "#868e96", "#ae3ec9", "#495057",
)  # fmt: skip


@dataclass(frozen=True)
class Place:
    """A model that holds something about people.

    :ivar steps: links between its records and the person; 0 for the person, nothing when it is found otherwise
    :ivar via: the model to which its first link leads
    :ivar fields: number of its fields in the map
    """

    model: str
    label: str
    steps: int | None
    via: str | None
    path: str
    topic: str
    fields: int
    undecided: int = 0
    special: bool = False


@dataclass(frozen=True)
class Words:
    """What stands in the picture, in the reader's language; ``fields`` and ``undecided`` take a number."""

    person: str
    steps: tuple[str, ...]
    apart: str
    fields: str
    undecided: str
    special: str


def draw(places: Iterable[Place], topics: dict[str, str], words: Words) -> str:
    """The picture as SVG; each box carries its model as ``data-model`` and says more when pointed at.

    :param topics: topic → its name, in the order in which they stand below each other
    """
    columns = _columns(places)
    order = {topic: number for number, topic in enumerate(topics)}
    spots, parts, heights = {}, [], []
    for number, (steps, of_column) in enumerate(columns):
        x = MARGIN + number * (BOX[0] + GAP[0])
        parts.append(_text(x, MARGIN + 14, _heading(steps, words), "head"))
        y = MARGIN + HEAD
        by_topic = defaultdict(list)
        for place in of_column:
            by_topic[place.topic].append(place)
        for topic in sorted(by_topic, key=lambda t: order.get(t, len(order))):
            parts.append(_text(x, y + 12, topics.get(topic, topic), "topic"))
            y += 20
            for place in sorted(by_topic[topic], key=lambda p: (p.label.lower(), p.model)):
                spots[place.model] = (x, y)
                colour = COLOURS[order.get(topic, 0) % len(COLOURS)]
                parts.append(_box(place, x, y, colour, words))
                y += BOX[1] + GAP[1]
        heights.append(y)
    links = [
        _link(spots[place.model], spots[place.via])
        for _steps, of_column in columns
        for place in of_column
        if place.via in spots and place.via != place.model
    ]
    width = MARGIN * 2 + len(columns) * (BOX[0] + GAP[0]) - GAP[0] if columns else MARGIN * 2
    height = max(heights, default=MARGIN) + MARGIN
    style = (
        "text{font-family:sans-serif;fill:#212529}.head{font-size:15px;font-weight:bold}.topic{font-size:11px;fill:#495057}"
        ".name{font-size:13px}.count{font-size:11px;fill:#495057}.warn{font-size:11px;font-weight:bold;fill:#b02a37}"
        ".link{fill:none;stroke:#ced4da;stroke-width:1.5}"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
        f"<style>{style}</style>{''.join(links)}{''.join(parts)}</svg>"
    )


def _columns(places):
    """Places by their distance; those that are found otherwise come last."""
    by_steps = defaultdict(list)
    for place in places:
        by_steps[place.steps].append(place)
    return sorted(by_steps.items(), key=lambda item: (item[0] is None, item[0] or 0))


def _heading(steps, words):
    if steps is None:
        return words.apart
    if steps == 0:
        return words.person
    return words.steps[min(steps, len(words.steps)) - 1]


def _text(x, y, text, kind, anchor="start"):
    return f'<text x="{x}" y="{y}" class="{kind}" text-anchor="{anchor}">{escape(text)}</text>'


def _box(place, x, y, colour, words):
    warnings = [words.undecided % place.undecided] if place.undecided else []
    if place.special:
        warnings.append(words.special)
    told = " · ".join([place.model, place.path] if place.path else [place.model])
    size = f'y="{y}" height="{BOX[1]}"'
    return (
        f'<g data-model="{escape(place.model)}" tabindex="0" role="button" style="cursor:pointer">'
        f"<title>{escape(told)}</title>"
        f'<rect x="{x}" {size} width="{BOX[0]}" rx="6" fill="#fff" stroke="{colour}" stroke-width="1.5"/>'
        f'<rect x="{x}" {size} width="6" rx="3" fill="{colour}"/>'
        + _text(x + 14, y + 17, _short(place.label, 32), "name")
        + _text(x + 14, y + 33, words.fields % place.fields, "count")
        + (_text(x + BOX[0] - 8, y + 33, " · ".join(warnings), "warn", "end") if warnings else "")
        + "</g>"
    )


def _link(start, end):
    """From the left side of a box to the right side of the one it hangs on."""
    (x1, y1), (x2, y2) = (start[0], start[1] + BOX[1] / 2), (end[0] + BOX[0], end[1] + BOX[1] / 2)
    bend = max(40, abs(x1 - x2) / 2)
    return f'<path class="link" d="M{x1},{y1} C{x1 - bend},{y1} {x2 + bend},{y2} {x2},{y2}"/>'


def _short(text, length):
    return text if len(text) <= length else text[: length - 1] + "…"
