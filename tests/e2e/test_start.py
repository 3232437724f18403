"""The set-up's promised times, with a margin of three for slow machines: first start 4 minutes, second 15 seconds."""

import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

MARGIN = 3


@pytest.fixture
def command(repository):
    """`./setup/run` on a database of its own, in the environment that the tests run in."""
    variables = os.environ | {"DATABASE": f"client_gdpr_start_{os.getpid()}"}

    def run(*arguments):
        return subprocess.Popen(
            [repository / "setup/run", *arguments], env=variables, stdout=subprocess.PIPE, text=True, cwd="/"
        )

    yield run
    subprocess.run(["dropdb", "--if-exists", "--force", variables["DATABASE"]], check=True)


def test_second_start_takes_seconds(command):
    with command("--no-serve") as first:
        assert first.wait() == 0
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    started = time.monotonic()
    with command("--port", str(port)) as second:
        try:
            lines = iter(second.stdout.readline, "")
            address = next(line for line in lines if "runs at" in line).split()[-1]
            assert time.monotonic() - started < 15 * MARGIN
            with urllib.request.urlopen(f"{address}/web/login") as page:
                assert page.status == 200
        finally:
            second.send_signal(signal.SIGINT)
        assert second.wait() == 0


def test_first_set_up_took_minutes():
    """Measured when this environment was made, downloads not counted."""
    times = json.loads((Path(os.environ["SETUP_HOME"]) / "times.json").read_text())
    first = [facts["without_downloads"] for command, facts in times.items() if command.startswith("first ")]
    assert all(seconds < 4 * 60 * MARGIN for seconds in first)
