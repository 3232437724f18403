"""The examples in the docstrings of every add-on's `tools` hold."""

import doctest
import importlib
from pathlib import Path

import pytest

ADDONS = Path(__file__).resolve().parents[2] / "addons"
MODULES = sorted(
    ".".join(file.relative_to(ADDONS).with_suffix("").parts)
    for tools in ADDONS.glob("*/tools")
    for file in tools.rglob("*.py")
    if file.name != "__init__.py"
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0
