"""The checks that read the code without running it."""

import subprocess
from pathlib import Path

from .settings import ADDONS, REPOSITORY


def run(python: Path) -> int:
    """All of them, so that one run shows everything; 1 if any found something."""
    addons = sorted(str(file.parent.relative_to(REPOSITORY)) for file in ADDONS.glob("*/__manifest__.py"))
    programs = [
        ["ruff", "check"],
        ["ruff", "format", "--check"],
        # The text for users lies in readme/ fragments, so a missing README.rst is no finding.
        ["pylint", "--rcfile=pyproject.toml", "--disable=missing-readme", "--score=no", *addons],
        ["oca-checks-odoo-module", *addons],
    ]
    failed = []
    for name, *arguments in programs:
        if not addons and name != "ruff":
            continue
        print(f"--- {name} {' '.join(arguments)}", flush=True)
        done = subprocess.run([python / "bin" / name, *arguments], cwd=REPOSITORY, check=False)
        if done.returncode:
            failed.append(" ".join([name, *arguments[:1]]) if name == "ruff" else name)
    print(f"Found something: {', '.join(failed)}." if failed else "Nothing found.", flush=True)
    return 1 if failed else 0
