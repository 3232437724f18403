"""The small parts of the set-up."""

import dataclasses
import doctest
import importlib
import io
import smtplib
import stat
import time

import pytest
from steps import tests
from steps.console import Problem, Steps
from steps.mailbox import Mailbox
from steps.odoo import Odoo, ensure_key
from steps.postgres import Server
from steps.settings import Settings

QUIET = Steps(0, quiet=True)


@pytest.fixture
def settings(tmp_path):
    return Settings.read({"SETUP_HOME": str(tmp_path)})


@pytest.mark.parametrize("name", ["odoo_tree", "packages", "postgres"])
def test_examples_in_docstrings(name):
    assert doctest.testmod(importlib.import_module(f"steps.{name}")).failed == 0


def test_steps_are_numbered_and_timed():
    stream = io.StringIO()
    steps = Steps(1, stream)
    with steps.step("Odoo"), steps.download():
        pass
    assert stream.getvalue() == "[1/1] Odoo … 0.0 s\n"
    assert steps.download_seconds <= steps.total_seconds()


def test_key_is_made_once_and_only_for_its_owner(settings):
    ensure_key(settings, QUIET, [])
    text = settings.key_file.read_text()
    assert text.startswith("client-gdpr-key-v1:")
    assert stat.S_IMODE(settings.key_file.stat().st_mode) == 0o600
    ensure_key(settings, QUIET, ["client_gdpr"])
    assert settings.key_file.read_text() == text


def test_lost_key_is_not_replaced_while_databases_know_it(settings):
    with pytest.raises(Problem, match=r"is missing.*backup"):
        ensure_key(settings, QUIET, ["client_gdpr"])
    assert not settings.key_file.exists()


@pytest.mark.parametrize("text", ["", "something else\n", "client-gdpr-key-v1:short\n"])
def test_key_file_with_other_content_is_refused(settings, text):
    settings.key_file.write_text(text)
    settings.key_file.chmod(0o600)
    with pytest.raises(Problem, match="is not a key file"):
        ensure_key(settings, QUIET, [])


def test_key_file_that_others_can_read_is_refused(settings):
    ensure_key(settings, QUIET, [])
    settings.key_file.chmod(0o644)
    with pytest.raises(Problem, match="chmod 600"):
        ensure_key(settings, QUIET, [])


def test_mail_is_kept_as_files(tmp_path):
    mailbox = Mailbox(tmp_path / "mail")
    with smtplib.SMTP("127.0.0.1", mailbox.port) as connection:
        connection.sendmail("a@example.com", ["b@example.com"], "Subject: one\r\n\r\n.hidden dot\r\n")
    mailbox.shutdown()
    (file,) = (tmp_path / "mail").iterdir()
    assert file.read_text().split() == ["Subject:", "one", ".hidden", "dot"]


REPORT = """<testsuites><testsuite>
<testcase classname="a.B" name="test_good"/>
<testcase classname="a.B" name="test_bad"><failure message="assert 1 == 2&#10;more"/></testcase>
<testcase classname="a.B" name="test_left_out"><skipped type="pytest.skip" message="no Chromium"/></testcase>
<testcase classname="a.B" name="test_known"><skipped type="pytest.xfail" message="known"/></testcase>
</testsuite></testsuites>"""


@pytest.fixture
def results(tmp_path):
    (tmp_path / "report.xml").write_text(REPORT)
    found = tests.Results()
    found.read(tmp_path / "report.xml")
    return found


def test_reports_become_one_closing_line(results):
    assert results.closing_line(75.5).strip("= ") == "1 failed, 1 passed, 1 skipped, 1 xfailed in 75.50s (1:15 minutes)"
    assert results.failed == [("a.B::test_bad", "assert 1 == 2")]


def test_skipped_test_must_be_named(results):
    assert [name for name, _ in results.unnamed_skips({})] == ["a.B::test_left_out"]
    assert results.unnamed_skips({"a.B::test_left_*": "needs Chromium"}) == []


@pytest.mark.parametrize(
    ("filled", "code"),
    [
        ({"passed": 1}, 0),
        ({}, 1),
        ({"passed": 1, "failed": [("a", "b")]}, 1),
        ({"passed": 1, "errors": [("a", "b")]}, 1),
        ({"passed": 1, "skipped": [("a", "b")]}, 1),
        ({"passed": 1, "broken": ["pytest crashed"]}, 1),
    ],
)
def test_exit_code_of_the_tests(filled, code):
    assert tests.conclude(tests.Results(**filled), time.monotonic()) == code


def test_selection_is_divided_between_the_halves():
    selection = tests.Selection.read(["tests/pure", "tests/e2e", "-k", "deadline", "--maxfail=1"])
    assert selection.pure == ["tests/pure"]
    assert selection.odoo == ["tests/e2e"]
    assert selection.options == ["--maxfail=1", "-k", "deadline"]


def test_every_app_is_a_run_of_its_own():
    selection = tests.Selection.read(["--every-app", "-k", "rows"])
    assert (selection.pure, selection.odoo, selection.every_app) == ([], ["tests/every_app"], True)
    assert selection.options == ["-k", "rows"]
    assert not tests.Selection.read(["tests"]).every_app
    usual = tests.Selection.read([])
    assert not [path for path in (*usual.pure, *usual.odoo) if path.startswith("tests/every_app")]


@pytest.mark.parametrize("arguments", [["--every-app", "tests/pure"], ["--every-app", "--alone", "client_gdpr"]])
def test_every_app_takes_nothing_besides(arguments):
    with pytest.raises(Problem, match="--every-app takes no paths"):
        tests.Selection.read(arguments)


def test_tests_of_every_app_need_their_template():
    with pytest.raises(Problem, match="setup/test --every-app"):
        tests.Selection.read(["tests/every_app"])


def test_packages_besides_are_found_after_odoo(settings, tmp_path):
    (tmp_path / "more/lib/python3.11/site-packages").mkdir(parents=True)
    server = Server({"PGHOST": "nowhere"})
    odoo = Odoo(settings, tmp_path / "tree", tmp_path / "python", server, tmp_path / "more")
    assert odoo.variables()["PYTHONPATH"].split(":") == [
        str(tmp_path / "tree"),
        str(tmp_path / "more/lib/python3.11/site-packages"),
    ]
    assert dataclasses.replace(odoo, more=None).variables()["PYTHONPATH"] == str(tmp_path / "tree")
