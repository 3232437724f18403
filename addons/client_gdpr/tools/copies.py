"""Where the same thing about a person stands a second time, and when two spellings mean the same.

The contact is the original. ``COPIES`` names the columns of other models that hold the same as a field of the
contact; what was sent, signed, paid or posted is history and stands in none of them.
"""

import re
from dataclasses import dataclass

from .identity import addresses, digits, fold

#: model → column → field of the contact that means the same. Models that are not installed wait.
COPIES = {
    "res.users": {"login": "email"},
    "res.partner.bank": {"acc_holder_name": "name"},
    "crm.lead": {
        "contact_name": "name",
        "email_from": "email",
        "phone": "phone",
        "function": "function",
        "website": "website",
        "street": "street",
        "street2": "street2",
        "zip": "zip",
        "city": "city",
        "state_id": "state_id",
        "country_id": "country_id",
    },
    "mailing.contact": {"name": "name", "email": "email", "country_id": "country_id"},
    "calendar.attendee": {"common_name": "name"},
    "mail.guest": {"name": "name", "email": "email"},
    "mail.activity": {"res_name": "name"},
    "event.registration": {"name": "name", "email": "email", "phone": "phone"},
    "survey.user_input": {"email": "email", "nickname": "name"},
    "mailing.trace": {"email": "email"},
    "mail.mail": {"email_to": "email"},
    "sms.sms": {"number": "phone"},
    "snailmail.letter": {
        "street": "street",
        "street2": "street2",
        "zip": "zip",
        "city": "city",
        "state_id": "state_id",
        "country_id": "country_id",
    },
}
#: Models whose rows are copies only while they wait: once sent, they say where it went. model → column, states.
WAITING = {
    "mailing.trace": ("trace_status", ("outgoing",)),
    "mail.mail": ("state", ("outgoing",)),
    "sms.sms": ("state", ("outgoing",)),
    "snailmail.letter": ("state", ("pending",)),
}
#: Models in which another value may be the same thing misspelt: offered, never ticked beforehand.
OFTEN_MISSPELT = frozenset({"res.partner", "crm.lead", "mailing.contact"})
#: Parts of one whole: Brno in another street is not the same address.
ADDRESS = ("street", "street2", "zip", "city", "state_id", "country_id")
#: The end of a number that is the same with and without the country in front.
_NUMBER_LENGTH = 9
_NOT_ALNUM = re.compile(r"[\W_]")


def key(field: str, value: object) -> object:
    """What a value of a contact's field is compared by, or nothing where nothing stands.

    >>> key("email", '"Jana" <Jana@post.example>') == key("email", "jana@post.example")
    True
    >>> key("phone", "+420 601 234 567") == key("phone", "601234567")
    True
    >>> key("vat", "CZ 123-456") == key("vat", "cz123456")
    True
    """
    if not value:
        return None
    text = str(value)
    if field == "email":
        return tuple(addresses(text)) or fold(text)
    if field == "phone":
        return digits(text)[-_NUMBER_LENGTH:] or fold(text)
    if field == "vat":
        return _NOT_ALNUM.sub("", text).upper()
    return fold(text)


def same(field: str, one: object, other: object) -> bool:
    """Whether two values of a contact's field mean the same."""
    return key(field, one) == key(field, other)


@dataclass(frozen=True)
class Place:
    """A value about the person that stands somewhere.

    :ivar column: its field there; ``field`` is the field of the contact that means the same
    :ivar ticked: the old value stands there, so it is corrected unless somebody says otherwise
    :ivar fixed: the contact itself, which is always corrected
    """

    model: str
    id: int
    column: str
    field: str
    before: object
    after: object
    ticked: bool = True
    fixed: bool = False

    @property
    def key(self) -> tuple[str, int, str]:
        return (self.model, self.id, self.column)
