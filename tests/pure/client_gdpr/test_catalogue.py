from pathlib import Path

import pytest
from client_gdpr.tools.catalogue import (
    CATEGORIES,
    CODES,
    OPTIONAL,
    PURPOSES,
    RENAMED_CODES,
    RENAMED_COLUMNS,
    REQUIRED,
    ROLES,
    TOPICS,
    join,
    parse,
)
from client_gdpr.tools.errors import CatalogueError

ADDONS = Path(__file__).parents[3] / "addons"
SHIPPED = [*ADDONS.glob("client_gdpr/catalogue/*.csv"), *ADDONS.glob("*/gdpr_catalogue.csv")]
HEADER = "model,field,role,action,bond,on_seal,topic,export,reason"


def rows(*lines, header=HEADER, source="x.csv"):
    return list(parse("\n".join([header, *lines]), source))


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_every_shipped_catalogue_can_be_read(file):
    assert list(parse(file.read_text(encoding="utf-8"), file.name))


def shipped():
    return [row for file in SHIPPED for row in parse(file.read_text(encoding="utf-8"), file.name)]


def test_no_field_is_declared_in_two_files():
    declared, rests = join(shipped())
    assert len(declared) > 500
    assert rests


def test_every_shipped_row_has_a_category_and_a_purpose_and_what_a_person_gets_an_origin():
    for row in join(shipped())[0].values():
        assert row.category in CATEGORIES, row
        assert row.purpose in PURPOSES, row
        assert bool(row.origin) >= bool(row.export), row
        assert row.is_portable == (row.export == "portability"), row


def test_good_row_is_read_as_it_stands():
    (row,) = rows("crm.lead,partner_id,link,delete,own,,sales,,")
    assert (row.key, row.action, row.bond, row.source) == (("crm.lead", "partner_id"), "delete", "own", "x.csv")
    assert row.line == 2
    assert row.leads_to_records
    assert row.topic in TOPICS


def test_columns_stand_in_any_order_and_those_not_needed_are_left_out():
    (row,) = rows('"left, as is",res.partner,name,keep,value', header="reason,model,field,action,role")
    assert (row.reason, row.key, row.role, row.action, row.topic) == (
        "left, as is",
        ("res.partner", "name"),
        "value",
        "keep",
        "",
    )


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("crm.lead,partner_id,link,delete,own,,sales,", "8 cells instead of 9"),
        (",partner_id,link,delete,own,,sales,,", "model and field"),
        ("crm.lead,partner_id,arrow,delete,own,,sales,,", "role must be one of"),
        ("crm.lead,partner_id,link,clear,own,,sales,,", "action of a link"),
        ("crm.lead,partner_id,link,delete,,,sales,,", "bond own or part"),
        ("crm.lead,partner_id,link,delete,friend,,sales,,", "bond must be one of"),
        ("crm.lead,name,value,clear,own,,sales,,", "only a link"),
        ("crm.lead,name,value,clear,,secret,sales,,", "on_seal must be one of"),
        ("crm.lead,name,value,clear,,,gossip,,", "topic must be one of"),
        ("crm.lead,name,value,clear,,,sales,everyone,", "export must be one of"),
        ("crm.lead,name,value,keep,,,sales,,", "keep needs a reason"),
        ("crm.lead,name,value,none,,,sales,,", "none needs a reason"),
        ("crm.lead,*,value,clear,,,sales,,", "name the other fields"),
        ("crm.lead,*,value,none,,,sales,,", "none needs a reason"),
    ],
)
def test_bad_row_is_refused_with_file_line_and_remedy(line, problem):
    good = "crm.lead,email_from,value,clear,,,sales,,"
    with pytest.raises(CatalogueError) as caught:
        rows(good, line)
    assert (caught.value.source, caught.value.line) == ("x.csv", 3)
    assert problem in caught.value.problem


@pytest.mark.parametrize("name", [name for name in CODES if name not in ("bond",)])
def test_cell_outside_its_codes_is_refused_whatever_the_column(name):
    header = f"model,field,role,action,reason,{name}"
    with pytest.raises(CatalogueError, match=f"line 2: {name} must be one of {CODES[name][0]}"):
        rows("crm.lead,name,value,clear,,nonsense", header=header)


def test_what_the_company_derived_is_never_portable():
    header = "model,field,role,action,reason,export,origin"
    with pytest.raises(CatalogueError, match="derived is not portable"):
        rows("crm.lead,probability,value,clear,,portability,derived", header=header)
    (row,) = rows("crm.lead,probability,value,clear,,access,derived", header=header)
    assert not row.is_portable


def test_field_declared_twice_names_both_lines():
    line = "crm.lead,name,value,clear,,,sales,,"
    with pytest.raises(CatalogueError, match=r"line 3: crm\.lead\.name stands already in line 2"):
        rows(line, line)
    with pytest.raises(CatalogueError, match=r"^b\.csv, line 2: crm\.lead\.name stands also in a\.csv, line 2"):
        join([*rows(line, source="a.csv"), *rows(line, source="b.csv")])


def test_empty_cells_are_filled_from_the_row_of_the_model_in_any_file():
    header = "model,field,role,action,topic,category,purpose,reason"
    declared, rests = join(
        [
            *rows("crm.lead,*,,,sales,,marketing,", header=header),
            *rows("crm.lead,score,value,clear,,,,", "crm.lead,name,value,clear,website,identity,,", header=header),
        ]
    )
    assert not rests
    score, name = declared["crm.lead", "score"], declared["crm.lead", "name"]
    assert (score.topic, score.category, score.purpose) == ("sales", "transactions", "marketing")
    assert (name.topic, name.category, name.purpose) == ("website", "identity", "marketing")


def test_free_text_may_name_others_and_say_anything():
    (row,) = rows("crm.lead,description,text,clear,,,sales,access,")
    assert (row.filled().third_party, row.filled().special, row.filled().category) == (
        "possible",
        "possible",
        "content",
    )


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        ("model,field,action", "columns role, reason are missing"),
        ("model,field,role,action,reason,colour", "no column 'colour'"),
        ("model,field,role,action,reason,topic,topic", "topic stands twice"),
        ("", "are missing"),
        *(
            (f"model,field,role,action,reason,{old}", f"the column {old} is called {new}")
            for old, new in RENAMED_COLUMNS.items()
        ),
    ],
)
def test_header_of_another_age_is_refused_and_says_the_new_name(header, problem):
    with pytest.raises(CatalogueError, match=problem) as caught:
        rows("crm.lead,name,clear", header=header)
    assert caught.value.line == 1


@pytest.mark.parametrize(
    ("name", "old", "new"), [(name, old, new) for name, codes in RENAMED_CODES.items() for old, new in codes.items()]
)
def test_code_of_another_age_is_refused_and_says_the_new_name(name, old, new):
    cells = {"model": "crm.lead", "field": "name", "role": "value", "action": "clear", "reason": "x"} | {name: old}
    with pytest.raises(CatalogueError, match=f"line 2: {name} {old} is called {new}"):
        rows(",".join(cells.values()), header=",".join(cells))


def test_every_new_name_is_a_name():
    assert set(RENAMED_COLUMNS.values()) <= {*REQUIRED, *OPTIONAL}
    known = CODES | {"role": tuple(ROLES), "action": tuple(set().union(*ROLES.values()))}
    for name, codes in RENAMED_CODES.items():
        assert set(codes.values()) <= set(known[name])
        assert not set(codes) & set(known[name])


def test_empty_lines_are_passed_over_and_what_is_kept_for_nobody_leads_nowhere():
    (row,) = rows("", "hr.employee,work_email,email,none,,,,,staff", "")
    assert not row.leads_to_records


def test_example_in_the_manual_can_be_read():
    manual = (ADDONS / "client_gdpr/readme/DEVELOP.md").read_text(encoding="utf-8")
    [example] = [part for part in manual.split("```") if part.startswith("\nmodel,field,")]
    declared, rests = join(parse(example.strip(), "DEVELOP.md"))
    assert len(declared) == 4
    assert len(rests) == 1
