"""The checks that read the code without running it."""

import subprocess
from pathlib import Path

from .settings import ADDONS, REPOSITORY


def run(python: Path, rest: list[str]) -> int:
    """All of them, so that one run shows everything; 1 if any found something. Arguments go to no one."""
    addons = sorted(str(file.parent.relative_to(REPOSITORY)) for file in ADDONS.glob("*/__manifest__.py"))
    programs = [
        ["ruff", "check"],
        ["ruff", "format", "--check"],
        ["pylint", "--rcfile=pyproject.toml", "--score=no", *addons],
        ["oca-checks-odoo-module", *addons],
    ]
    failed = []
    for name, *arguments in programs:
        if not addons and name not in ("ruff",):
            continue
        print(f"--- {name} {' '.join(arguments)}", flush=True)
        done = subprocess.run([python / "bin" / name, *arguments], cwd=REPOSITORY, check=False)
        if done.returncode:
            failed.append(name)
    print(f"Found something: {', '.join(failed)}." if failed else "Nothing found.", flush=True)
    return 1 if failed else 0
