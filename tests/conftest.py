"""For all tests outside the add-ons: what they share."""

import sys
from pathlib import Path

import pytest

if "odoo.tests" in sys.modules:
    from odoo.tests import BaseCase

    # Odoo gives these to test classes in add-ons only, and its own code fails without them.
    BaseCase.test_tags = {"standard", "at_install"}
    BaseCase.test_module = "tests"


@pytest.fixture(scope="session")
def repository() -> Path:
    """The repository's folder."""
    return Path(__file__).resolve().parents[1]
