"""Python packages by uv, hash-locked.

uv reads neither pip.conf nor PIP_*, so what pip is configured with on this machine is handed over.
"""

import ast
import hashlib
import os
import shutil
import sys
from pathlib import Path

from .command import run
from .console import Problem
from .settings import SETUP, Settings

# pip's option: uv's variable, and how uv separates several values in it.
_HANDED_OVER = {
    "index-url": ("UV_DEFAULT_INDEX", None),
    "extra-index-url": ("UV_INDEX", " "),
    "find-links": ("UV_FIND_LINKS", ","),
    "trusted-host": ("UV_INSECURE_HOST", " "),
    "cert": ("SSL_CERT_FILE", None),
    "timeout": ("UV_HTTP_TIMEOUT", None),
    "default-timeout": ("UV_HTTP_TIMEOUT", None),
    "proxy": ("HTTPS_PROXY", None),
}
_REMEDY = "Check the network and pip's index settings (pip config list), then start again."


def environment(settings: Settings, lock: str = "requirements", folder: str = "python") -> Path:
    """The folder of a virtual environment that holds exactly what the lock file names.

    It is marked with the lock's hash when whole; without the mark it is made anew.
    """
    target = settings.home / folder
    lock_file = SETUP / f"{lock}.lock"
    if not lock_file.exists():
        raise Problem(f"setup/{lock_file.name} is missing", "Get it back from the repository, or run setup/lock.")
    mark, digest = target / "whole", _digest(lock_file)
    if mark.exists() and mark.read_text() == digest and (target / "bin/python").exists():
        return target
    uv, variables = _uv(settings)
    shutil.rmtree(target, ignore_errors=True)
    failure = "The virtual environment could not be made"
    run([uv, "venv", "--quiet", "--python", sys.executable, target], failure=failure, remedy=_REMEDY, env=variables)
    arguments = ["pip", "sync", "--quiet", "--require-hashes", "--index-strategy", "unsafe-best-match"]
    run(
        [uv, *arguments, "--python", target / "bin/python", lock_file],
        failure="Python packages could not be installed",
        remedy=_REMEDY,
        log=settings.logs / f"uv-{lock}.log",
        env=variables,
    )
    mark.write_text(digest)
    return target


def compile_lock(settings: Settings, name: str, *more: str):
    """Writes setup/<name>.lock anew from setup/<name>.in: hashes, no index, valid for every Python from 3.11."""
    uv, variables = _uv(settings)
    options = "--universal --python-version 3.11 --generate-hashes --no-header --no-annotate --quiet --upgrade"
    no_hosts = "--no-emit-index-url --no-emit-find-links --index-strategy unsafe-best-match"
    run(
        [uv, "pip", "compile", *options.split(), *no_hosts.split(), *more, "-o", f"{name}.lock", f"{name}.in"],
        failure=f"setup/{name}.lock could not be written",
        remedy=_REMEDY,
        cwd=SETUP,
        env=variables,
    )


def _uv(settings: Settings) -> tuple[Path, dict]:
    """uv in a virtual environment of its own, installed by pip with its hash, and the variables to run it with."""
    target = settings.home / "uv"
    mark, lock_file = target / "whole", SETUP / "uv.lock"
    pip = [target / "bin/python", "-m", "pip"]
    if not (mark.exists() and mark.read_text() == _digest(lock_file) and (target / "bin/uv").exists()):
        shutil.rmtree(target, ignore_errors=True)
        failure = "The virtual environment for uv could not be made"
        run([sys.executable, "-m", "venv", target], failure=failure, remedy="Install python3-venv.")
        arguments = ["install", "--quiet", "--disable-pip-version-check", "--require-hashes", "-r", lock_file]
        run([*pip, *arguments], failure="uv could not be installed", remedy=_REMEDY)
        mark.write_text(_digest(lock_file))
    listed = run([*pip, "config", "list"], failure="pip's settings could not be read", remedy=_REMEDY)
    variables = os.environ | uv_variables(listed) | {"UV_CACHE_DIR": str(settings.home / "cache/uv")}
    return target / "bin/uv", {name: value for name, value in variables.items() if name != "VIRTUAL_ENV"}


def uv_variables(listed: str) -> dict[str, str]:
    """What `pip config list` printed, as variables for uv. PIP_* (`:env:`) wins over files, as with pip.

    >>> uv_variables("global.extra-index-url='file:///a file:///b'\\n:env:.index-url='https://host/simple'")
    {'UV_INDEX': 'file:///a file:///b', 'UV_DEFAULT_INDEX': 'https://host/simple'}
    """
    found: dict[str, str] = {}
    lines = [line.partition("=") for line in listed.splitlines() if "=" in line]
    for name, _, value in sorted(lines, key=lambda line: line[0].startswith(":env:")):
        option = name.rpartition(".")[2]
        if option in _HANDED_OVER:
            variable, separator = _HANDED_OVER[option]
            text = str(ast.literal_eval(value))
            found[variable] = separator.join(text.split()) if separator else text
    return found


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes() + sys.version.encode()).hexdigest()
