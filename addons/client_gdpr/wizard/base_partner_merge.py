from odoo import models


class BasePartnerMergeAutomaticWizard(models.TransientModel):
    _inherit = "base.partner.merge.automatic.wizard"

    def _merge(self, partner_ids, dst_partner=None, extra_checks=True):
        """Refuse sealed contacts: the merge rewrites rows by SQL, past every veto in ``write``."""
        partners = self.env["res.partner"].browse(partner_ids).exists()
        partners._gdpr_refuse_sealed()
        (partners - (dst_partner or partners.browse()))._unlink_except_held()
        return super()._merge(partner_ids, dst_partner, extra_checks)
