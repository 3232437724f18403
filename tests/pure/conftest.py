"""Lets `from client_gdpr.tools import deadlines` work without Odoo.

An add-on's own __init__.py imports models, and so Odoo; its `tools` must not. So the add-on's package is put into
sys.modules by hand, with its folder as __path__ and without running __init__.py. Whatever in `tools` needs Odoo fails
here, as it should.
"""

import sys
import types
from pathlib import Path

_ADDONS = Path(__file__).resolve().parents[2] / "addons"

for _tools in _ADDONS.glob("*/tools/__init__.py"):
    _addon = _tools.parents[1]
    _package = types.ModuleType(_addon.name)
    _package.__path__ = [str(_addon)]
    sys.modules.setdefault(_addon.name, _package)
