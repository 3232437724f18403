import pytest
from client_gdpr.tools.catalogue import ROLES
from client_gdpr.tools.discovery import KINDS, SHAPES, Found, content_of, is_pair, shape_of


@pytest.mark.parametrize(
    ("name", "type_", "kind"),
    [
        ("email", "char", "email"),
        ("email_from", "char", "email"),
        ("partner_email_normalized", "char", "email"),
        ("email_layout_xmlid", "char", ""),
        ("email_primary_color", "char", ""),
        ("has_email", "boolean", ""),
        ("mobile_phone", "char", "phone"),
        ("phone_count", "integer", ""),
        ("hotel", "char", ""),
        ("private_street2", "char", "address"),
        ("zip", "char", "address"),
        ("zip_required", "boolean", ""),
        ("capacity", "char", ""),
        ("birthday", "date", "identity"),
        ("birth_date", "date", "identity"),
        ("gender", "selection", "identity"),
        ("vat", "char", "identity"),
        ("private", "char", ""),
        ("login", "char", "identity"),
        ("signature", "binary", "identity"),
        ("ip", "char", "network"),
        ("zipped", "char", ""),
        ("description", "text", ""),
        ("partner_latitude", "float", "network"),
        ("x_allergies", "char", "special"),
        ("x_disability", "boolean", "special"),
        ("disabled_rewards", "many2many", ""),
        ("orientation", "selection", ""),
        ("religion_id", "many2one", "special"),
    ],
)
def test_name_and_type_together_tell(name, type_, kind):
    assert shape_of(name, type_) == kind


@pytest.mark.parametrize("type_", ["char", "text", "html"])
def test_every_word_of_a_record_about_a_person_counts(type_):
    assert content_of(type_) == "words"


def test_type_that_nobody_knows_may_hold_words():
    assert content_of("job_serialized") == "content"
    assert not any(content_of(type_) for type_ in ("boolean", "integer", "many2one", "date", "monetary"))


def test_number_without_a_relation_is_seen():
    assert is_pair("parent_res_id", "integer")
    assert is_pair("record_id", "integer")
    assert not is_pair("record_id", "many2one")
    assert not is_pair("invoice_count", "integer")


def test_every_kind_has_a_role_of_the_catalogue():
    assert set(KINDS.values()) <= set(ROLES)
    assert {kind for kind, _types, _pattern in SHAPES} <= set(KINDS)
    assert Found("a", "b", "words").role == "text"
