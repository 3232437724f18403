"""One value, one sequence of bytes: what is hashed, signed and kept.

The form is JSON as RFC 8785 writes it. Types JSON does not know are spelled out before:

>>> from datetime import date, datetime, timedelta, timezone
>>> canonical({"b": None, "a": [True, 1, "ž"]}).decode()
'{"a":[true,1,"ž"],"b":null}'
>>> canonical(date(2028, 2, 3))
b'"2028-02-03"'
>>> canonical(datetime(2026, 2, 3, 10, tzinfo=timezone(timedelta(hours=1))))
b'"2026-02-03T09:00:00Z"'
"""

import json
from datetime import UTC, date, datetime
from operator import itemgetter

import rfc8785

from .errors import NotCanonical


def canonical(value) -> bytes:
    """The canonical bytes of ``value``.

    Accepted: str, int within ±(2^53-1), bool, None, dict with str keys, list, tuple, date, and
    datetime with a zone. Everything else raises :class:`NotCanonical`: a float because its
    decimals depend on who printed it, a naive datetime because nobody knows its zone, a subclass
    of str or int because it may print otherwise than it compares.
    """
    try:
        return rfc8785.dumps(_plain(value, "$"))
    except rfc8785.CanonicalizationError as error:
        raise NotCanonical("$", str(error)) from error


class Shape:
    """Objects with always the same keys, put together from the canonical bytes of their values.

    Ten thousand events differ in few of their values; the others need to be written once.

    >>> Shape("b", "a")({"a": canonical(1), "b": canonical("ž")}) == canonical({"a": 1, "b": "ž"})
    True
    """

    def __init__(self, *keys: str):
        ordered = sorted(keys, key=lambda key: key.encode("utf-16-be"))
        heads = [canonical(key).replace(b"%", b"%%") + b":%b" for key in ordered]
        self._template = b"{" + b",".join(heads) + b"}"
        self._values = itemgetter(*ordered)

    def __call__(self, values: dict[str, bytes]) -> bytes:
        """The canonical bytes of the object; ``values`` has at least two keys."""
        return self._template % self._values(values)


def parse(payload: bytes):
    """The value behind canonical bytes; refuses bytes that are not canonical.

    Dates and moments come back as the strings they were written as.
    """
    try:
        value = json.loads(payload)
    except ValueError as error:
        raise NotCanonical("$", "not JSON") from error
    if canonical(value) != bytes(payload):
        raise NotCanonical("$", "JSON, but not in canonical form")
    return value


def moment(value) -> datetime:
    """``value`` as a datetime in UTC, to the second.

    Takes a datetime, a date (its first second) or ISO 8601 text, with ``Z`` or an offset or, as
    Odoo writes it, without either: then it is UTC.
    """
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError as error:
            raise NotCanonical("$", "not a moment in ISO 8601") from error
    elif not isinstance(value, datetime) and isinstance(value, date):
        value = datetime(value.year, value.month, value.day)
    elif not isinstance(value, datetime):
        raise NotCanonical("$", f"not a moment: {type(value).__name__}")
    value = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return value.replace(microsecond=0)


def _plain(value, where):
    kind = type(value)
    if value is None or kind in (str, int, bool):
        return value
    if kind is dict:
        for key in value:
            if type(key) is not str:
                raise NotCanonical(where, f"key of type {type(key).__name__}")
        return {key: _plain(item, f"{where}.{key}") for key, item in value.items()}
    if kind in (list, tuple):
        return [_plain(item, f"{where}[{index}]") for index, item in enumerate(value)]
    if kind is datetime:
        if value.tzinfo is None:
            raise NotCanonical(where, "datetime without a zone")
        utc = value.astimezone(UTC).replace(tzinfo=None)
        return f"{utc.isoformat()}Z"
    if kind is date:
        return value.isoformat()
    raise NotCanonical(where, f"no canonical form for {kind.__name__}")
