"""What a field looks like, judged by its name and type: the part of the discovery that needs no registry.

A *kind* says why a field was noticed. It proposes; what the field means is for a catalogue or the DPO to say.
"""

import re
from dataclasses import dataclass

#: kind → role in the data map (see ``tools/catalogue.py``)
KINDS = {
    "link": "link",
    "pair": "link",
    "email": "email",
    "phone": "value",
    "address": "value",
    "identity": "value",
    "network": "value",
    "special": "value",
    "words": "text",
    "content": "value",
    "custom": "value",
}
#: Every column of these types is looked at when its record hangs on a person, whatever it is called.
WORDS = frozenset({"char", "text", "html"})
CONTENT = frozenset({"json", "binary", "properties"})
NUMBERS = frozenset({"integer", "float"})
CHOICES = frozenset({"date", "datetime", "selection", "boolean", "many2one", "many2many"})
#: Types that cannot hold words; what another add-on invents may.
PLAIN = NUMBERS | CHOICES | {"monetary", "one2many", "many2one_reference", "reference", "properties_definition"}


def _named(*words: str) -> re.Pattern:
    return re.compile(rf"(?:^|_)(?:{'|'.join(words)})(?:_|$)")


#: Names that tell what a field holds, with the types in which they do; the first that fits counts.
SHAPES = (
    ("special", frozenset(), re.compile(r"email_layout_xmlid|email_\w+_color|^zip_required$|_format$")),
    ("email", WORDS, re.compile(r"email|(?:^|_)e?mails?$")),
    ("phone", WORDS, _named("phone", "mobile", "fax", "tel", "telephone", "whatsapp")),
    ("network", WORDS, _named("ip", "ip_address", "user_agent", "fingerprint")),
    ("address", WORDS, _named(r"street\d*", "zip", "zipcode", "postcode", "city", "address", "house_number")),
    (
        "special",
        WORDS | CONTENT | NUMBERS | CHOICES,
        _named(
            "religion", "religious", "health", "disability", "disabilities", r"allerg\w*", "blood", r"ethnic\w*",
            "medical", "trade_union", r"politic\w*", "diet", "dietary", r"pregnan\w*", "sexual", "sexual_orientation",
            "biometric", "genetic", "criminal",
        ),
    ),
    (
        "identity",
        WORDS | CONTENT | NUMBERS | CHOICES,
        _named(
            r"first_?name", r"last_?name", r"full_?name", "surname", "nickname", "maiden", r"birth\w*", "ssn",
            "passport", "gender", "sex", "marital", "nationality",
        ),
    ),
    (
        "identity",
        WORDS | CONTENT,
        _named(
            "vat", "iban", "acc_number", "account_number", "login", "identification", "contact_name", "partner_name",
            "customer_name", "signature", "signed_by", "holder", "holder_name",
        ),
    ),
    ("network", NUMBERS, _named("latitude", "longitude")),
)  # fmt: skip
#: Numbers of records without a relation: the ORM does not know where they point.
_PAIR = re.compile(r"(?:^|_)(?:res|rec|record|document|object)_ids?$")
#: Beside such a number, the name of the model it belongs to. ``model_name`` comes last: it may be the name for people.
MODEL_NAMES = ("res_model", "model", "res_model_name", "model_model", "res_model_id", "model_id", "model_name")


@dataclass(frozen=True)
class Found:
    """A field that may hold something about a person.

    :ivar kind: one of :data:`KINDS`
    :ivar path: names of fields that lead from the record to the contact, dotted; empty where only the name told
    :ivar tracked: a change is copied, old value and new, into the chatter
    :ivar custom: made by an administrator, not by a module
    """

    model: str
    field: str
    kind: str
    path: str = ""
    tracked: bool = False
    custom: bool = False

    @property
    def role(self) -> str:
        return KINDS[self.kind]


def shape_of(name: str, type_: str) -> str:
    """The kind that a field's name and type tell, or an empty string.

    >>> shape_of("partner_email", "char"), shape_of("email_layout_xmlid", "char"), shape_of("mobile", "char")
    ('email', '', 'phone')
    >>> shape_of("birthday", "date"), shape_of("ip_address", "char"), shape_of("description", "text")
    ('identity', 'network', '')
    """
    for kind, types, pattern in SHAPES:
        if pattern.search(name):
            if not types:
                return ""
            if type_ in types:
                return kind
    return ""


def is_pair(name: str, type_: str) -> bool:
    """Whether a number, or a text of numbers, points to records of a model that is named beside it.

    >>> is_pair("res_id", "integer"), is_pair("res_ids", "char"), is_pair("sequence", "integer")
    (True, True, False)
    """
    return type_ in ("integer", "char", "text") and bool(_PAIR.search(name))


def model_names(name: str) -> list[str]:
    """How the field may be called that names the model to which a number belongs, the likeliest first.

    >>> model_names("parent_res_id")[:2], model_names("res_id")[0]
    (['parent_res_model', 'res_model'], 'res_model')
    """
    prefix = _PAIR.split(name)[0]
    return [*([f"{prefix}_res_model"] if prefix else []), *MODEL_NAMES]


def content_of(type_: str) -> str:
    """The kind of a column on a record that hangs on a person, by its type alone.

    >>> content_of("html"), content_of("binary"), content_of("boolean")
    ('words', 'content', '')
    >>> content_of("job_serialized")
    'content'
    """
    return "words" if type_ in WORDS else "" if type_ in PLAIN else "content"
