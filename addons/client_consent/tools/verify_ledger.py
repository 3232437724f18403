"""Check an exported consent ledger on any machine: Python 3.11 and the package `cryptography`, no Odoo, no database.

    python3 verify_ledger.py ledger.jsonl [--key KEY] [--checkpoint checkpoint.txt]

It needs the folder it lies in and nothing else of the add-on. Exit code 0: everything fits. 1: something does not,
and every finding says where. 2: the file cannot be read as an export.

The keys in the file are as trustworthy as the file. Give the key you know from elsewhere with --key (it stands on the
recovery sheet), and a checkpoint that was mailed to you with --checkpoint: it must be among those in the file.
"""

# pylint: disable=print-used
# A program that is run by itself: what it finds goes to the terminal.

import argparse
import importlib
import sys
from pathlib import Path

if not __package__:
    # run as a script: this folder is a package all the same, and its files must not hide other modules
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    __package__ = Path(__file__).resolve().parent.name
    importlib.import_module(__package__)

from . import ledger_file, signed_note
from .errors import ExportInvalid, NoteInvalid


def main(arguments=None) -> int:
    """Check the file named on the command line, print the verdict, return the exit code."""
    parser = argparse.ArgumentParser(description="Check an exported consent ledger.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--key", action="append", help="verifier key that must have signed (may be repeated)")
    parser.add_argument("--checkpoint", type=Path, action="append", default=[], help="a checkpoint you were mailed")
    options = parser.parse_args(arguments)
    try:
        with open(options.file, encoding="utf-8") as lines:
            ledger = ledger_file.check(lines, options.key)
        held = [path.read_text(encoding="utf-8") for path in options.checkpoint]
    except (OSError, UnicodeDecodeError, ExportInvalid, NoteInvalid) as error:
        print(f"Cannot be checked: {error}", file=sys.stderr)
        return 2
    problems = [str(problem) for problem in ledger.problems()]
    problems += [
        f"{path.name}: {why}"
        for path, note in zip(options.checkpoint, held, strict=True)
        if (why := foreign(note, ledger, options.key))
    ]
    print(ledger.report(problems))
    return 1 if problems else 0


def foreign(note, ledger, keys):
    """Why a checkpoint from elsewhere does not belong to this ledger, or nothing."""
    try:
        text, _key = signed_note.verify(note.replace("\r\n", "\n"), keys or ledger.signers)
        stated = signed_note.Checkpoint.parse(text)
    except NoteInvalid as error:
        return str(error)
    if not ledger.contains(stated.size, stated.root.hex()):
        return f"the ledger holds no checkpoint of {stated.size} entries with this root"
    return ""


if __name__ == "__main__":
    sys.exit(main())
