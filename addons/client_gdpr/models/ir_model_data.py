from odoo import api, models


class IrModelData(models.Model):
    _inherit = "ir.model.data"

    @api.model
    def _process_end(self, modules):
        """After an installation or upgrade every row of the data map must fit what is installed now."""
        res = super()._process_end(modules)
        self.env["gdpr.data.map"]._check_catalogues()
        return res
