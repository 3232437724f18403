"""The examples in the docstrings of every add-on's `tools` hold."""

import doctest
import importlib
from pathlib import Path

ADDONS = Path(__file__).resolve().parents[2] / "addons"


def test_examples_in_docstrings():
    files = [file for tools in ADDONS.glob("*/tools") for file in tools.rglob("*.py") if file.name != "__init__.py"]
    names = sorted(".".join(file.relative_to(ADDONS).with_suffix("").parts) for file in files)
    results = {name: doctest.testmod(importlib.import_module(name)) for name in names}
    assert {name: result.failed for name, result in results.items() if result.failed} == {}
