from odoo import api, models


class ConsentGate(models.AbstractModel):
    _inherit = "consent.gate"

    @api.model
    def _get_unwanted(self, addresses):
        """Whoever was erased gets no advertising until they answer themselves."""
        return super()._get_unwanted(addresses) | self.env["gdpr.suppression"]._suppressed(addresses)
