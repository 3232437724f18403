"""Words by which a label tells a special category of Art. 9 or 10, in the languages of most of its readers.

A coarse net: stems, matched at the beginning of a word, accents aside. It is meant to make somebody look, and neither a
hit nor a miss decides anything.
"""

import re
import unicodedata

#: Category → stems without accents. English, Czech and Slovak, German, Polish, French, Spanish, Italian.
STEMS = {
    "health": (
        "allerg alerg diabet disab handicap invalid zdravot nemoc tehot pregnan schwanger krank kranken gesundheit "
        "behinder zdrow chorob niepelnospraw ciaz sante malad enceint salud enferm discapac embaraz salute malatt "
        "incint onkolog oncolog cancer rakovin krebs hiv psychi depres vozick wheelchair"
    ),
    "religious": (
        "religi naboz cirk church kirch eglise iglesia chies cathol katol kathol muslim islam jewish zidovsk judisch "
        "protestant evangeli orthodox pravoslav ateist atheis halal kosher koser"
    ),
    "racial": (
        "ethnic etnick ethnisch etnicz roma romsk sinti gypsy cikan rasa rassisch raza razza migrant refugee uprchl"
    ),
    "political": "politic polit stran kandid wahl wybor elect partei parti partid komunis communis socialis konserv",
    "union": "odbor union gewerkschaft zwiazk syndic sindic trade-union",
    "sexual": "lgbt gay lesb homosex bisex transgend sexual orientac sexuel",
    "criminal": "crimin krimin trestn straf vorbestraf karan condamn convict veze zatcen detenut preso",
    "biometric": "biometr fingerprint otisk fingerabdruck odcisk empreinte huella impront",
    "genetic": "genetic genetick genetisch dna adn",
}
#: Ordinary words of a trade that begin like one of the stems.
INNOCENT = frozenset(
    {
        "european",
        "union",
        "stranka",
        "stranky",
        "stranek",
        "politika",
        "obchodni",
        "polite",
        "electric",
        "electro",
        "electronic",
        "electronics",
        "elektro",
        "partizan",
        "particular",
        "partial",
        "party",
        "parties",
        "partition",
        "partner",
        "partners",
        "particulier",
        "participant",
        "participants",
        "strana",
        "strany",
        "romance",
        "romania",
        "roman",
        "romantic",
    }
)
_PATTERNS = {
    category: re.compile(r"\b(?:" + "|".join(map(re.escape, stems.split())) + r")\w*")
    for category, stems in STEMS.items()
}


def find(label: str) -> list[tuple[str, str]]:
    """What a label may tell: (category, word of the label) pairs, one a category.

    >>> find("Diabetik, VIP")
    [('health', 'diabetik')]
    >>> find("European Union")
    []
    >>> find("Mitglied der Gewerkschaft")
    [('union', 'gewerkschaft')]
    """
    plain = "".join(c for c in unicodedata.normalize("NFKD", label.lower()) if not unicodedata.combining(c))
    result = []
    for category, pattern in _PATTERNS.items():
        word = next((word for word in pattern.findall(plain) if word not in INNOCENT), None)
        if word:
            result.append((category, word))
    return result
