"""Programs that the machine itself must have."""

import os
import shutil
import subprocess
from pathlib import Path

from .command import run
from .console import Problem, Steps

# Program: Debian's package. A tuple of programs means that any of them will do.
POSTGRES_CLIENT = {("psql",): "postgresql-client"}
POSTGRES_SERVER = {("initdb",): "postgresql"}
INVOICES = {("wkhtmltopdf",): "wkhtmltopdf"}
TEST_PROGRAMS = {("chromium", "google-chrome", "chrome"): "chromium", ("pdftotext",): "poppler-utils"}
# Fonts are no programs: looked for as files. Letters are set in DejaVu, and Chromium needs some font for Cyrillic.
DEJAVU = Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")


def find(program: str) -> str | None:
    """The program on the PATH, or among PostgreSQL's own folders, where Debian keeps the server's."""
    found = shutil.which(program)
    if found and Path(found).exists():
        return found
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: -_number(folder.parent.name))
    return next((str(folder / program) for folder in folders if (folder / program).exists()), None)


def ensure(steps: Steps, *wanted: dict, fonts: bool = False):
    """Installs what is missing as root, after saying so; as another user names the line to run."""
    missing = _missing(wanted, fonts)
    if not missing:
        return
    line = "apt-get install --yes " + " ".join(missing)
    if os.geteuid() or not shutil.which("apt-get"):
        raise Problem(f"This machine lacks {', '.join(missing)}", f"Run as root: {line}")
    steps.say(f"this machine lacks {', '.join(missing)}; installing Debian's packages: {line}")
    remedy = f"Check the network and the package sources, or run it yourself: {line}"
    failure = "Debian's packages could not be installed"
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    with steps.download():
        run(["apt-get", "update"], failure=failure, remedy=remedy, env=environment)
        run([*line.split(), "--download-only"], failure=failure, remedy=remedy, env=environment)
    run(line.split(), failure=failure, remedy=remedy, env=environment)
    if still := _missing(wanted, fonts):
        raise Problem(f"{', '.join(still)} installed, yet their programs are not found", "Check the PATH.")


def _missing(wanted, fonts: bool) -> list[str]:
    missing = [
        package for table in wanted for programs, package in table.items() if not any(find(name) for name in programs)
    ]
    if fonts and not DEJAVU.exists():
        missing.append("fonts-dejavu-core")
    return missing


def _number(text: str) -> int:
    return int(text) if text.isdigit() else 0


def is_debian_tool_there() -> bool:
    """Whether packages of Debian can be fetched and unpacked on this machine."""
    return bool(shutil.which("apt-get") and shutil.which("dpkg-deb"))


def can_reach(user: str, folder: Path) -> bool:
    """Whether an unprivileged user gets into the folder (a home folder of root usually lets nobody in)."""
    return subprocess.run(["test", "-x", str(folder)], user=user, check=False).returncode == 0
