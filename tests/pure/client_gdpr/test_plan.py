import json
from datetime import date

from client_gdpr.tools.identity import Identity
from client_gdpr.tools.plan import Case, Ground, Hit, Located, People, Ruling, digest, drift
from hypothesis import given
from hypothesis import strategies as st

KEEP = Ruling("account.move", "partner_id", (4, 7), "keep", "statute", "Act", date(2036, 12, 31))
GO = Ruling("crm.lead", "partner_id", (1, 2, 3), "delete", "no_ground")


def counts(*rulings):
    return {ruling.rule: len(ruling.ids) for ruling in rulings}


def test_each_record_is_counted_once_however_it_was_reached():
    located = Located(
        (13,), (Hit("crm.lead", "partner_id", (1, 2), "own"), Hit("crm.lead", "email_from", (2, 3), "text"))
    )
    assert located.ids("crm.lead") == (1, 2, 3)
    assert located.ids("crm.lead", "own") == (1, 2)
    assert located.ids("sale.order") == ()


@given(st.permutations([KEEP, GO, Ruling("res.partner", "id", (13,), "seal", "statute")]))
def test_digest_does_not_depend_on_the_order(rulings):
    assert digest("13", rulings) == digest("13", sorted(rulings, key=lambda r: r.model))


def test_digest_notices_every_change_that_matters():
    changed = [
        [KEEP],
        [KEEP, Ruling("crm.lead", "partner_id", (1, 2, 3), "keep", "no_ground")],
        [KEEP, Ruling("crm.lead", "partner_id", (1, 2), "delete", "no_ground")],
        [Ruling("account.move", "partner_id", (4, 7), "keep", "statute", "Act", date(2037, 12, 31)), GO],
        [Ruling("account.move", "partner_id", (4, 7), "keep", "statute", "Other", date(2036, 12, 31)), GO],
    ]
    digests = {digest("13", rulings) for rulings in [[KEEP, GO], *changed]}
    assert len(digests) == len(changed) + 1
    assert digest("14", [KEEP, GO]) not in digests


def test_same_plan_goes_on():
    found = drift(counts(KEEP, GO), [KEEP, GO])
    assert not found.must_go_back
    assert found.later == ()


def test_record_that_came_later_under_an_approved_rule_is_listed():
    later = Ruling("crm.lead", "partner_id", (1, 2, 3, 9), "delete", "no_ground")
    found = drift(counts(KEEP, GO), [KEEP, later])
    assert not found.must_go_back
    assert found.later == (("crm.lead", 1),)


def test_new_rule_sends_the_plan_back():
    assert drift(counts(GO), [KEEP, GO]).new_rules == (KEEP.rule,)


def test_twice_as_many_is_the_border():
    six, seven = (Ruling("crm.lead", "partner_id", tuple(range(n)), "delete", "no_ground") for n in (6, 7))
    assert not drift(counts(GO), [six]).must_go_back
    assert drift(counts(GO), [seven]).grown == (GO.rule,)


def test_same_rule_in_two_rulings_is_added_up():
    parts = [Ruling("crm.lead", "partner_id", ids, "delete", "no_ground") for ids in ((1, 2, 3, 4), (5, 6, 7))]
    assert drift(counts(GO), parts).grown == (GO.rule,)


def test_what_went_away_by_itself_is_no_drift():
    found = drift(counts(KEEP, GO), [KEEP])
    assert not found.must_go_back
    assert found.later == ()


def test_case_comes_back_from_json_as_it_was():
    located = Located((13,), (Hit("crm.lead", "partner_id", (1, 2), "own"), Hit("mail.message", "body", (9,), "text")))
    identity = Identity.gather(emails=["ann@post.example"], names=["Ann Other"])
    case = Case(7, located, identity, (KEEP, GO), {KEEP.rule: "leave"}, (("crm.lead", 1),), (GO,))
    assert Case.from_dict(7, json.loads(json.dumps(case.to_dict())), {KEEP.rule: "leave"}) == case


def test_second_run_remembers_what_the_first_did_and_the_second_does_not_find_again():
    again = Ruling("crm.lead", "partner_id", (3,), "delete", "no_ground")
    case = Case(7, Located((13,), ()), Identity(), (KEEP, GO), earlier=(again,))
    assert case.carried_out([again]) == (again, Ruling("crm.lead", "partner_id", (1, 2), "delete", "no_ground"))
    assert case.carried_out([GO]) == (again,)


def test_people_planned_together_keep_their_own_grounds():
    one = Located((13,), (Hit("mail.message", "res_id", (1, 2), "own"), Hit("mail.message", "body", (2,), "text")))
    two = Located((14,), (Hit("mail.message", "res_id", (2,), "own"),))
    ground = Ground(14, "obliging", "accounting", "Act", None, frozenset(), "account.move", 5)
    people = People([one, two], [ground])
    assert people.holders("mail.message", 1) == (one,)
    assert people.holders("mail.message", 2) == (one, two)
    assert people.grounds_of("mail.message", 1) == ()
    assert people.grounds_of("mail.message", 2) == (ground,)
