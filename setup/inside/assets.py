"""Run by `odoo shell`: builds the pages' bundles once, so that no first visitor and no browser test has to."""

env["ir.qweb"]._pregenerate_assets_bundles()
env.cr.commit()
