from odoo import api, models


class ConsentRecording(models.AbstractModel):
    _inherit = "consent.recording"

    @api.model
    def _known(self, partners, addresses):
        """Who was erased is not asked whether we may write again: as if everything had been answered."""
        known = super()._known(partners, addresses)
        everything = {address for of_channel in addresses.values() for address in of_channel.values()}
        erased = self.env["gdpr.suppression"]._erased(everything)
        if erased:
            known["settled"] |= {
                (rule.id, channel, address)
                for rule in self.env["consent.gate"]._rules().values()
                for channel, of_channel in addresses.items()
                for address in of_channel.values()
                if address in erased
            }
        return known
