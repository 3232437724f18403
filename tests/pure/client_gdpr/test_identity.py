from client_gdpr.tools.identity import Identity, digits, fold
from hypothesis import given
from hypothesis import strategies as st


def test_two_spellings_meet():
    assert fold("  Jana \u00a0 NOVA\u0301KOVA\u0301 ") == "jana nováková"
    assert fold("Straße") == "straße"  # the database compares in lower case, where ß stays
    assert digits("+420 (602) 111-222") == "420602111222"


@given(st.text())
def test_folding_twice_changes_nothing(text):
    assert fold(fold(text)) == fold(text)


def test_what_would_find_strangers_is_left_out():
    gathered = Identity.gather(
        emails=["", None, "no address", "jana@post.example"],
        phones=["112", "+420 12", None, "+420 602 111 222"],
        codes=["CZ1", " CZ7103192745 ", None],
        names=["Jana", "", None, "J N", "Jana Nováková"],
    )
    assert gathered == Identity(
        frozenset({"jana@post.example"}),
        frozenset({"+420 602 111 222"}),
        frozenset({"CZ7103192745"}),
        frozenset({"jana nováková"}),
    )


def test_shared_address_is_set_apart_and_never_searched():
    gathered = Identity.gather(emails=["Info@Firm.example", "jana@post.example"], shared=["info@firm.example"])
    assert gathered.sure == ("jana@post.example",)
    assert gathered.shared == {"info@firm.example"}


def test_longest_identifier_comes_first_so_that_none_is_cut_apart():
    gathered = Identity.gather(emails=["a@b.example", "anna@b.example"], names=["Anna Bílá"])
    assert [len(value) for value in gathered.all] == sorted((len(value) for value in gathered.all), reverse=True)
    assert "anna bílá" not in gathered.sure


def test_names_of_two_looks_are_joined():
    one = Identity.gather(emails=["a@b.example"], names=["Anna Bílá"])
    other = Identity.gather(phones=["602111222"], names=["Anna Černá"])
    both = one | other
    assert both.names == one.names | other.names
    assert (both.emails, both.phones) == (one.emails, other.phones)


def test_identity_survives_being_stored():
    gathered = Identity.gather(["a@b.example"], ["602111222"], ["CZ123456"], ["Anna Bílá"], ["info@b.example"])
    assert Identity.from_dict(gathered.to_dict()) == gathered


def test_shared_addresses_do_not_show_in_a_log():
    assert "info@b.example" not in repr(Identity.gather(shared=["info@b.example"]))
