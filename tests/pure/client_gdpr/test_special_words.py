import pytest
from client_gdpr.tools.special_words import find

CASES = [
    ("Vegetarian", []),
    ("VIP", []),
    ("Hlavní strana", []),
    ("Partner", []),
    ("Electronics", []),
    ("Diabetik", ["health"]),
    ("Těhotná", ["health"]),
    ("Muslim community", ["religious"]),
    ("Gewerkschaftsmitglied", ["union"]),
    ("Vorbestraft", ["criminal"]),
    ("Wheelchair, Catholic", ["health", "religious"]),
    ("", []),
]


@pytest.mark.parametrize(("label", "expected"), CASES)
def test_labels(label, expected):
    assert [category for category, _word in find(label)] == expected
