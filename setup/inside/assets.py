"""Run by `odoo shell`: builds the pages' bundles once, so that neither the first visitor nor each browser test has to."""

env["ir.qweb"]._pregenerate_assets_bundles()  # noqa: F821
env.cr.commit()  # noqa: F821
