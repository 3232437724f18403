"""A set-up that is killed half-way leaves nothing that the next one trusts, and the next one completes."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from steps.settings import REPOSITORY

HOME = Path(os.environ.get("SETUP_HOME", REPOSITORY / ".environment"))


@pytest.fixture
def home(tmp_path):
    """An empty environment folder that may use the downloads of the one that the tests run in."""
    (tmp_path / "cache").mkdir()
    for part in ("uv", "debian"):
        if (HOME / "cache" / part).exists():
            shutil.copytree(HOME / "cache" / part, tmp_path / "cache" / part, copy_function=os.link)
    yield tmp_path
    stop = [REPOSITORY / "setup/run", "--stop"]
    done = subprocess.run(stop, env=_variables(tmp_path), check=True, capture_output=True, text=True)
    assert "PostgreSQL stopped" in done.stdout
    # As root the cluster may lie outside, where an unprivileged user can enter.
    shutil.rmtree((tmp_path / "postgres").resolve())


def test_killed_set_up_completes_next_time(home):
    """Killed while each of these is being made; the last call is left alone."""
    for path in ("postgres/data.new", "odoo.new", "python", "logs/database-*.log"):
        _kill_when(home, path)
    done = subprocess.run(_command(), env=_variables(home), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    for unfinished in ("postgres/data.new", "odoo.new"):
        assert not (home / unfinished).exists()


def _kill_when(home, path):
    """Starts the set-up and kills it, with all its children, as soon as the path is there."""
    before = {found: found.stat().st_mtime_ns for found in home.glob(path)}
    process = subprocess.Popen(
        _command(), env=_variables(home), start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while process.poll() is None:
        if any(before.get(found) != found.stat().st_mtime_ns for found in home.glob(path)):
            time.sleep(0.2)
            break
        time.sleep(0.01)
    assert process.poll() is None, f"it ended before {path} was there"
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _command():
    return ["/usr/bin/python3", REPOSITORY / "setup/main.py", "base"]


def _variables(home):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "DATABASE", "ODOO_"))}
    return kept | {"SETUP_HOME": str(home)}


def test_killed_server_starts_again(home):
    """As after a crash of the machine: the lock files are there, and their process is not."""
    subprocess.run(_command(), env=_variables(home), check=True, capture_output=True)
    lock = home / "postgres/data/postmaster.pid"
    os.kill(int(lock.read_text().split()[0]), signal.SIGKILL)
    done = subprocess.run(_command(), env=_variables(home), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
