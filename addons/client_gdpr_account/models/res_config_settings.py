from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    gdpr_tax_period = fields.Selection(related="company_id.gdpr_tax_period", readonly=False, required=True)
