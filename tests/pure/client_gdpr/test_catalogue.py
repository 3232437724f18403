from pathlib import Path

import pytest
from client_gdpr.tools.catalogue import COLUMNS, TOPICS, parse
from client_gdpr.tools.errors import CatalogueError

ADDONS = Path(__file__).parents[3] / "addons"
SHIPPED = [*ADDONS.glob("client_gdpr/catalogue/*.csv"), *ADDONS.glob("*/gdpr_catalogue.csv")]
HEADER = ",".join(COLUMNS)


def rows(*lines):
    return list(parse("\n".join([HEADER, *lines]), "x.csv"))


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_every_shipped_catalogue_can_be_read(file):
    assert list(parse(file.read_text(encoding="utf-8"), file.name))


def test_no_field_is_declared_in_two_files():
    declared = {}
    for file in SHIPPED:
        for row in parse(file.read_text(encoding="utf-8"), file.name):
            assert declared.setdefault(row.key, file) == file, row.key


def test_good_row_is_read_as_it_stands():
    (row,) = rows("crm.lead,partner_id,link,delete,own,,sales,,")
    assert (row.key, row.action, row.bond, row.source) == (("crm.lead", "partner_id"), "delete", "own", "x.csv")
    assert row.leads_to_records
    assert row.topic in TOPICS


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("crm.lead,partner_id,link,delete,own,,sales,", "8 cells instead of 9"),
        (",partner_id,link,delete,own,,sales,,", "model and field"),
        ("crm.lead,partner_id,arrow,delete,own,,sales,,", "role must be one of"),
        ("crm.lead,partner_id,link,clear,own,,sales,,", "action of a link"),
        ("crm.lead,partner_id,link,delete,,,sales,,", "bond own or part"),
        ("crm.lead,partner_id,link,delete,friend,,sales,,", "bond must be one of"),
        ("crm.lead,name,value,clear,,hide,sales,,", "on_seal must be one of"),
        ("crm.lead,name,value,clear,,,gossip,,", "topic must be one of"),
        ("crm.lead,name,value,clear,,,sales,everyone,", "export must be one of"),
        ("crm.lead,name,value,keep,,,sales,,", "keep needs a reason"),
        ("crm.lead,name,value,none,,,sales,,", "none needs a reason"),
    ],
)
def test_bad_row_is_refused_with_file_line_and_remedy(line, problem):
    good = "crm.lead,email_from,value,clear,,,sales,,"
    with pytest.raises(CatalogueError) as caught:
        rows(good, line)
    assert (caught.value.source, caught.value.line) == ("x.csv", 3)
    assert problem in caught.value.problem


def test_field_declared_twice_names_both_lines():
    line = "crm.lead,name,value,clear,,,sales,,"
    with pytest.raises(CatalogueError, match=r"line 3: crm\.lead\.name stands already in line 2"):
        rows(line, line)


def test_header_of_another_age_is_refused():
    with pytest.raises(CatalogueError):
        list(parse("model,field,action\ncrm.lead,name,clear", "x.csv"))


def test_empty_lines_are_passed_over_and_what_is_kept_for_nobody_leads_nowhere():
    (row,) = rows("", "hr.employee,work_email,email,none,,,,,staff", "")
    assert not row.leads_to_records
