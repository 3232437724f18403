"""Odoo 19.0's source tree.

From ODOO_PATH as it is; else from Debian's package `odoo-19`, fetched with a private apt configuration (own lists, own
cache, the machine's mirror, Debian's keyring) and unpacked without touching the system. apt checks the signed metadata,
then the files are held against odoo.lock.
"""

import ast
import hashlib
import os
import re
import shutil
from pathlib import Path

from .command import run
from .console import Problem, Steps
from .machine import is_debian_tool_there
from .settings import SETUP, Settings

WANTED = (19, 0)
SUITE = "sid"
ODOO_PACKAGE = "odoo-19"
# Odoo's tree links into these packages by relative paths, so they are unpacked into the same tree.
HELPERS = (
    "fonts-montserrat",
    "fonts-ocr-b",
    "fonts-roboto-unhinted",
    "libjs-jquery",
    "libjs-jquery-form",
    "libjs-underscore",
)
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
LOCK = SETUP / "odoo.lock"
# Raise it when _repair changes: unpacked trees are made anew.
_REPAIR = 1
_ELSE = "Or set ODOO_PATH to an Odoo 19.0, or ODOO_DEB to Debian's odoo-19 package file."


def tree(settings: Settings, steps: Steps) -> Path:
    """The folder for PYTHONPATH: it holds the package `odoo`."""
    if settings.odoo_path:
        return _checked(settings.odoo_path)
    target = settings.home / "odoo"
    root = target / "usr/lib/python3/dist-packages"
    mark = target / "whole"
    wanted = f"{_REPAIR} {settings.odoo_deb or SUITE} {hashlib.sha256(LOCK.read_bytes()).hexdigest()}"
    if mark.exists() and mark.read_text() == wanted:
        return root
    if not is_debian_tool_there():
        raise Problem("This machine has no apt-get and dpkg-deb to fetch Debian's package of Odoo", _ELSE[3:])
    files = _fetch(settings, steps)
    unfinished = settings.home / "odoo.new"
    shutil.rmtree(unfinished, ignore_errors=True)
    for file in files:
        run(["dpkg-deb", "-x", file, unfinished], failure=f"{file.name} could not be unpacked", remedy="Start again.")
    _checked(unfinished / "usr/lib/python3/dist-packages")
    _repair(unfinished / "usr/lib/python3/dist-packages/odoo/addons")
    (unfinished / "whole").write_text(wanted)
    shutil.rmtree(target, ignore_errors=True)
    unfinished.rename(target)
    return root


def check_given(settings: Settings):
    """Stops early when ODOO_PATH or ODOO_DEB cannot be right."""
    if settings.odoo_path:
        _checked(settings.odoo_path)
    elif settings.odoo_deb:
        _given(settings.odoo_deb)


def version(package: Path) -> tuple[int, int]:
    """The two numbers of `version_info` in odoo/release.py, read without importing it."""
    text = (package / "release.py").read_text()
    found = re.search(r"^version_info = \((\S+), (\d+),", text, re.MULTILINE)
    if not found:
        return (0, 0)
    # An Odoo between two releases says 'saas~18' where a release says 18.
    major = re.sub(r"\D", "", str(ast.literal_eval(found[1])))
    return int(major), int(found[2])


def _checked(root: Path) -> Path:
    if not (root / "odoo/release.py").exists():
        raise Problem(f"{root} holds no Odoo: there is no odoo/release.py", "Let ODOO_PATH name an Odoo 19.0.")
    found = version(root / "odoo")
    if found != WANTED:
        numbers = ".".join(map(str, found))
        raise Problem(
            f"{root} is Odoo {numbers}, and the add-ons are for Odoo 19.0", "Let ODOO_PATH name an Odoo 19.0."
        )
    return root


def _fetch(settings: Settings, steps: Steps) -> list[Path]:
    """The package files, held against odoo.lock."""
    folder = settings.home / "cache/debian"
    folder.mkdir(parents=True, exist_ok=True)
    lock = _read_lock()
    files: dict[str, Path] = {}
    if settings.odoo_deb:
        files = _given(settings.odoo_deb)
    for name, (_, digest) in lock.items():
        kept = folder / f"{name}.deb"
        if name not in files and kept.exists() and _sha256(kept) == digest:
            files[name] = kept
    absent = [name for name in (ODOO_PACKAGE, *HELPERS) if name not in files]
    if absent:
        with steps.download():
            files |= _download(settings, absent, folder)
    for name in (ODOO_PACKAGE, *HELPERS):
        _compare(name, files[name], lock.get(name), settings.strict, steps)
    return [files[name] for name in (ODOO_PACKAGE, *HELPERS)]


def _given(file: Path) -> dict[str, Path]:
    """ODOO_DEB itself and the helper packages that lie beside it."""
    if not file.is_file():
        raise Problem(f"ODOO_DEB={file} is no file", "Let it name Debian's odoo-19 package file.")
    found = {_field(deb, "Package"): deb for deb in sorted(file.parent.glob("*.deb"))} | {_field(file, "Package"): file}
    if found.get(ODOO_PACKAGE) != file:
        raise Problem(f"{file} is not the package {ODOO_PACKAGE}", "Let ODOO_DEB name Debian's odoo-19 package file.")
    return {name: deb for name, deb in found.items() if name in (ODOO_PACKAGE, *HELPERS)}


def _download(settings: Settings, names: list[str], folder: Path) -> dict[str, Path]:
    apt = settings.home / "cache/apt"
    for part in ("lists/partial", "archives/partial", "empty"):
        (apt / part).mkdir(parents=True, exist_ok=True)
    (apt / "status").touch()
    (apt / "sources.list").write_text(f"deb [signed-by={KEYRING}] {_mirror()} {SUITE} main\n")
    options = {
        "Dir::Etc::SourceList": apt / "sources.list",
        "Dir::Etc::SourceParts": apt / "empty",
        "Dir::Etc::PreferencesParts": apt / "empty",
        "Dir::State": apt,
        "Dir::State::Lists": apt / "lists",
        "Dir::State::status": apt / "status",
        "Dir::Cache": apt,
        "Dir::Cache::Archives": apt / "archives",
        "APT::Sandbox::User": "root",
        "Acquire::Languages": "none",
        "Acquire::Retries": "2",
    }
    arguments = [part for name, value in options.items() for part in ("-o", f"{name}={value}")]
    failure = "Odoo could not be fetched from Debian's archive"
    remedy = f"Check the network and the package sources, then start again. {_ELSE}"
    # With unreachable sources apt-get update only warns, unless told that any error counts.
    strict = ["-o", "APT::Update::Error-Mode=any"]
    run(["apt-get", *arguments, *strict, "update"], failure=failure, remedy=remedy)
    unfinished = folder / "unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    run(["apt-get", *arguments, "download", *names], failure=failure, remedy=remedy, cwd=unfinished)
    found = {}
    for deb in unfinished.glob("*.deb"):
        name = _field(deb, "Package")
        found[name] = deb.rename(folder / f"{name}.deb")
    unfinished.rmdir()
    return found


def _mirror() -> str:
    """The Debian mirror that the machine's own apt sources name."""
    if not KEYRING.exists():
        raise Problem(
            f"Debian's keyring is missing ({KEYRING})", f"As root: apt-get install debian-archive-keyring. {_ELSE}"
        )
    files = [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))]
    text = "\n".join(file.read_text() for file in files if file.suffix in (".list", ".sources") and file.exists())
    mirror = mirror_in(text)
    if not mirror:
        raise Problem("The machine's apt sources name no Debian mirror", _ELSE[3:])
    return mirror


def mirror_in(sources: str) -> str | None:
    """The first Debian mirror in apt sources of either form.

    >>> mirror_in("deb [signed-by=/k.gpg] http://mirror.test/debian bookworm main")
    'http://mirror.test/debian'
    >>> mirror_in("Types: deb\\nURIs: https://mirror.test/debian/\\nSuites: trixie")
    'https://mirror.test/debian/'
    """
    lines = [line for line in sources.splitlines() if re.match(r"(deb(-src)?\s|URIs:)", line)]
    words = (word for line in lines for word in line.split())
    return next((word for word in words if re.fullmatch(r"[a-z+]+:\S*/debian/?", word)), None)


def _compare(name: str, file: Path, locked: tuple[str, str] | None, strict: bool, steps: Steps):
    found = _field(file, "Version")
    if locked is None:
        raise Problem(f"setup/odoo.lock does not name {name}", "Get the file back from the repository.")
    version_, digest = locked
    if found == version_:
        if _sha256(file) != digest:
            file.unlink()
            raise Problem(f"{name} {found} is not the file that setup/odoo.lock names", "It was removed; start again.")
    elif strict:
        raise Problem(
            f"The archive has {name} {found}, and setup/odoo.lock names {version_}",
            "Leave STRICT out to go on with it, or set ODOO_DEB to the named version.",
        )
    else:
        steps.say(f"{name}: the archive has {found}; tested was {version_} (signed by Debian all the same)")


def _read_lock() -> dict[str, tuple[str, str]]:
    rows = [line.split() for line in LOCK.read_text().splitlines() if line and not line.startswith("#")]
    return {name: (version_, digest) for name, version_, digest in rows}


def write_lock(settings: Settings, steps: Steps):
    """Writes odoo.lock anew from what Debian's archive has now."""
    folder = settings.home / "cache/debian"
    folder.mkdir(parents=True, exist_ok=True)
    with steps.download():
        files = _download(settings, [ODOO_PACKAGE, *HELPERS], folder)
    lines = ["# Debian's package, its version, SHA-256 of its file. Written by setup/lock."]
    lines += [f"{name} {_field(files[name], 'Version')} {_sha256(files[name])}" for name in (ODOO_PACKAGE, *HELPERS)]
    LOCK.write_text("\n".join(lines) + "\n")


def _repair(addons: Path):
    """Mends what Debian's package leaves without a target.

    The web font's old names become copies of the one that is there (enough for a browser), and a script that is left
    out, though a manifest names it, becomes an empty one: without it every page logs an error.
    """
    fonts = addons / "web/static/src/libs/fontawesome/fonts"
    real = fonts / "fontawesome-webfont.woff2"
    for link in (*fonts.iterdir(), *(addons / "web/static/lib/fontawesome/fonts").iterdir()):
        if link.is_symlink() and not link.exists():
            link.unlink()
            shutil.copyfile(real, link)
    stand_in = addons / "mail/static/lib/selfie_segmentation/selfie_segmentation.js"
    if not stand_in.exists():
        stand_in.parent.mkdir(parents=True, exist_ok=True)
        stand_in.write_text("")
    if not (addons / "web/static/lib/jquery/jquery.js").exists():
        raise Problem("The unpacked Odoo lacks jquery.js", "A helper package changed; set ODOO_PATH to an Odoo 19.0.")


def _field(deb: Path, name: str) -> str:
    remedy = "Remove the file and start again."
    return run(["dpkg-deb", "-f", deb, name], failure=f"{deb.name} is not whole", remedy=remedy, env=_plain()).strip()


def _plain() -> dict:
    return os.environ | {"LC_ALL": "C"}


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
