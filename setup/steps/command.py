"""Runs other programs; their failure becomes a Problem with the last telling line."""

import subprocess
from pathlib import Path

from .console import Problem


def run(arguments, *, failure: str, remedy: str, log: Path | None = None, **options) -> str:
    """The standard output of a program that succeeded.

    With `log`, both streams go to that file instead, and the Problem names it.
    Standard input is closed unless given: nothing here may wait for an answer.
    """
    arguments = [str(argument) for argument in arguments]
    if "input" not in options:
        options.setdefault("stdin", subprocess.DEVNULL)
    if log:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("w") as stream:
            done = subprocess.run(arguments, stdout=stream, stderr=stream, text=True, check=False, **options)
        output = log.read_text(errors="replace")
    else:
        done = subprocess.run(arguments, capture_output=True, text=True, check=False, **options)
        output = done.stderr + done.stdout
    if done.returncode:
        detail = telling_line(output)
        where = f" (whole text: {log})" if log else ""
        raise Problem(f"{failure}: {detail}{where}", remedy)
    return "" if log else done.stdout


def telling_line(output: str) -> str:
    """The line of a program's output that most likely says what went wrong."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    for word in ("error:", "e: ", "fatal", "critical", "error"):
        for line in lines:
            if word in line.lower():
                return line
    return lines[-1] if lines else "it printed nothing"
