"""Run by `odoo shell`: installs the modules named in MODULES, keeping those out that quiet.sql names.

Odoo reads `auto_install` back from the manifests whenever it updates its list of modules, `odoo -i` included; hence the
list is updated first, then quieted, and the buttons' own method installs.
"""

import os
from pathlib import Path

Module = env["ir.module.module"]
Module.update_list()
env.flush_all()
env.cr.execute(Path(os.environ["QUIET_SQL"]).read_text())
env.invalidate_all()
wanted = os.environ["MODULES"].split(",")
modules = Module.search([("name", "in", wanted)])
unknown = set(wanted) - set(modules.mapped("name"))
if unknown:
    raise SystemExit(f"error: Odoo does not know these modules: {', '.join(sorted(unknown))}")
modules.filtered(lambda module: module.state == "uninstalled").button_immediate_install()
env.cr.commit()
