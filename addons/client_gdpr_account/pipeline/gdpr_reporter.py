from odoo import api, models


class GdprReporter(models.AbstractModel):
    _inherit = "gdpr.reporter"

    @api.model
    def _ground_words(self, code, label):
        if code == "accounting":
            return self.env._("Invoice or entry %s", label)
        return super()._ground_words(code, label)
