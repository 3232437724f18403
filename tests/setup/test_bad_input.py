"""What a user may get wrong ends with one clear line that names the remedy, and with an exit code that is not 0."""

import os
import socket
import subprocess
from pathlib import Path

import pytest
from steps import odoo_tree, packages
from steps.console import Problem, Steps
from steps.settings import REPOSITORY, Settings

HOME = Path(os.environ.get("SETUP_HOME", REPOSITORY / ".environment"))
QUIET = Steps(0, quiet=True)


@pytest.fixture
def closed_port():
    """A port of this machine where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        yield probe.getsockname()[1]


@pytest.fixture
def stopped(tmp_path):
    """Runs a command in an empty environment folder; gives the one line it stopped with."""

    def run(command, *arguments, **variables):
        names = ("PATH", "HOME", "LANG")
        kept = {name: os.environ[name] for name in names if name in os.environ}
        done = subprocess.run(
            [REPOSITORY / "setup" / command, *arguments],
            env=kept | {"SETUP_HOME": str(tmp_path / "home")} | variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1, done.stdout + done.stderr
        lines = done.stderr.splitlines()
        assert len(lines) == 1
        assert lines[0].startswith("Stopped: ")
        return lines[0]

    return run


def settings(home, **given):
    facts = {"odoo_path": None, "odoo_deb": None, "strict": False, "database_url": None, "database": "client_gdpr"}
    return Settings(home=home, **(facts | given))


def test_taken_port_is_named_with_a_free_one(stopped):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = stopped("run", "--port", str(port))
    assert f"Port {port} is taken" in line
    assert "./setup/run --port " in line


def test_other_version_of_odoo_is_refused(stopped, tmp_path):
    (tmp_path / "odoo").mkdir()
    (tmp_path / "odoo/release.py").write_text("version_info = (18, 0, 0, FINAL, 0, '')\n")
    line = stopped("run", ODOO_PATH=str(tmp_path))
    assert "is Odoo 18.0" in line
    assert "ODOO_PATH" in line


def test_folder_without_odoo_is_refused(stopped, tmp_path):
    assert "holds no Odoo" in stopped("run", ODOO_PATH=str(tmp_path))


def test_unreachable_server_is_not_replaced_silently(stopped, closed_port, tmp_path):
    line = stopped("run", DATABASE_URL=f"postgresql://me@127.0.0.1:{closed_port}/")
    assert "DATABASE_URL" in line
    assert "leave it out" in line
    assert not (tmp_path / "home/postgres").exists()


def test_address_of_another_database_program_is_refused(stopped):
    assert "postgresql://" in stopped("run", DATABASE_URL="mysql://me@127.0.0.1/")


def test_database_name_that_needs_quoting_is_refused(stopped):
    assert "DATABASE=" in stopped("run", DATABASE="My-Base")


def test_unknown_test_folder_is_named(stopped):
    assert "There is no addons/nowhere" in stopped("test", "addons/nowhere")


def test_unreachable_package_index_is_named(monkeypatch, tmp_path, closed_port):
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{closed_port}/simple")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "")
    monkeypatch.setenv("PIP_RETRIES", "0")
    with pytest.raises(Problem, match=r"could not be installed.*Check the network"):
        packages.environment(settings(tmp_path))
    assert not (tmp_path / "python/whole").exists()


def test_unreachable_archive_is_named(monkeypatch, tmp_path, closed_port):
    monkeypatch.setattr(odoo_tree, "_mirror", lambda: f"http://127.0.0.1:{closed_port}/debian")
    with pytest.raises(Problem, match=r"could not be fetched.*Check the network.*ODOO_PATH"):
        odoo_tree.tree(settings(tmp_path), QUIET)
    assert not (tmp_path / "odoo").exists()


def test_package_with_another_hash_is_refused(monkeypatch, tmp_path):
    """Offline: the only package is an empty wheel in a folder, and the lock names another hash for it."""
    (tmp_path / "uv").symlink_to(HOME / "uv")
    lines = ["# lock", f"rfc8785==0.1.4 --hash=sha256:{'0' * 64}"]
    (tmp_path / "uv.lock").write_bytes((REPOSITORY / "setup/uv.lock").read_bytes())
    (tmp_path / "requirements.lock").write_text("\n".join(lines) + "\n")
    monkeypatch.setattr(packages, "SETUP", tmp_path)
    with pytest.raises(Problem, match=r"could not be installed: .*[Hh]ash"):
        packages.environment(settings(tmp_path))


@pytest.fixture
def package_file(tmp_path):
    """A Debian package named odoo-19, version 19.0.0."""
    control = tmp_path / "tree/DEBIAN/control"
    control.parent.mkdir(parents=True)
    control.write_text(
        "Package: odoo-19\nVersion: 19.0.0\nArchitecture: all\nMaintainer: A <a@example.com>\nDescription: none\n"
    )
    file = tmp_path / "odoo-19.deb"
    subprocess.run(["dpkg-deb", "-b", tmp_path / "tree", file], check=True, capture_output=True)
    return file


def test_odoo_with_another_hash_is_removed(package_file):
    with pytest.raises(Problem, match=r"not the file that setup/odoo\.lock names"):
        odoo_tree._compare("odoo-19", package_file, ("19.0.0", "0" * 64), False, QUIET)
    assert not package_file.exists()


def test_other_version_in_the_archive_goes_on_unless_strict(package_file, capsys):
    odoo_tree._compare("odoo-19", package_file, ("19.0.1", "0" * 64), False, QUIET)
    with pytest.raises(Problem, match=r"names 19\.0\.1"):
        odoo_tree._compare("odoo-19", package_file, ("19.0.1", "0" * 64), True, QUIET)


def test_package_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(Problem, match="is no file"):
        odoo_tree.check_given(settings(tmp_path / "home", odoo_deb=tmp_path / "nowhere.deb"))
