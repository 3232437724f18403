import xml.etree.ElementTree as ElementTree

from client_gdpr.tools.map_picture import Place, Words, draw

WORDS = Words("The person", ("One step", "Two steps"), "Otherwise", "%s fields", "%s undecided", "sensitive")
TOPICS = {"contact": "Contact details", "messages": "Messages"}


def place(model, steps, via=None, **values):
    return Place(
        model,
        values.pop("label", model),
        steps,
        via,
        values.pop("path", ""),
        values.pop("topic", "contact"),
        3,
        **values,
    )


def boxes(svg):
    """Model → left edge of its box."""
    root = ElementTree.fromstring(svg)
    rect = "{http://www.w3.org/2000/svg}rect"
    return {g.get("data-model"): int(g.find(rect).get("x")) for g in root.iter() if g.get("data-model")}


def test_who_is_further_away_stands_further_right():
    places = [place("c", 2, "b"), place("a", 0), place("x", None), place("b", 1, "a")]
    left = boxes(draw(places, TOPICS, WORDS))
    assert left["a"] < left["b"] < left["c"] < left["x"]


def test_each_box_is_linked_to_the_one_it_hangs_on():
    svg = draw([place("a", 0), place("b", 1, "a"), place("x", None)], TOPICS, WORDS)
    assert svg.count('class="link"') == 1


def test_names_are_never_markup():
    svg = draw([place("a", 0, label="<script>alert(1)</script>")], {"contact": "A & B"}, WORDS)
    ElementTree.fromstring(svg)
    assert "<script" not in svg and "A &amp; B" in svg


def test_warnings_stand_in_words():
    svg = draw([place("a", 0, undecided=2, special=True)], TOPICS, WORDS)
    assert "2 undecided · sensitive" in svg


def test_nothing_is_a_picture_too():
    ElementTree.fromstring(draw([], TOPICS, WORDS))
