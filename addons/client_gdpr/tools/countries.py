"""Where personal data may go without more ado, GDPR Art. 44."""

from typing import Final

#: European Economic Area: the Union's 27 states with Iceland, Liechtenstein and Norway. Codes of ISO 3166-1.
# fmt: off
EEA: Final = frozenset((
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IS", "IT", "LI",
    "LT", "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK",
))
# fmt: on


def is_third(code: str | None) -> bool:
    """Whether data that goes there needs an adequacy decision, safeguards or a derogation.

    >>> is_third("CZ"), is_third("US"), is_third(None)
    (False, True, False)
    """
    return bool(code) and code.upper() not in EEA
