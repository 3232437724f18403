from odoo import models

from ..models.account_move import BUYER_FIELDS


class GdprCorrector(models.AbstractModel):
    _inherit = "gdpr.corrector"

    def _write_contacts(self, partners, wanted):
        """A posted document keeps the buyer it was made out to: on its paper, in the lists, and when printed again."""
        corrected = {place.id for place in wanted if place.model == "res.partner" and place.column in BUYER_FIELDS}
        posted = self.env["account.move"].search(
            [("partner_id", "child_of", list(corrected)), ("state", "=", "posted")]
        )
        posted._gdpr_freeze_buyer()
        shown = self.env["account.move"]._fields["invoice_partner_display_name"]
        with self.env.protecting([shown], posted):
            res = super()._write_contacts(partners, wanted)
            self.env.flush_all()
        return res
