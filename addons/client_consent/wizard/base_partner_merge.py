from odoo import models


class BasePartnerMergeAutomaticWizard(models.TransientModel):
    """A merge never raises: what one of the records turned down counts for the address that stays.

    Events stay with their subjects, so both histories show; the sources of all records stay too.
    """

    _inherit = "base.partner.merge.automatic.wizard"

    def _merge(self, partner_ids, dst_partner=None, extra_checks=True):
        merging = self.env["res.partner"].browse(partner_ids).exists()
        denials = merging._consent_standing_denials()
        youngest = self._consent_youngest(merging)
        result = super()._merge(partner_ids, dst_partner, extra_checks)
        stayed = merging.exists()
        if len(merging) > 1 and len(stayed) == 1:
            stayed._consent_carry_denials([event for _partner, event in denials])
            if youngest:
                # as above
                stayed.sudo().consent_birthdate = youngest
            self.env["consent.address.change"]._open_for(stayed)
        return result

    @staticmethod
    def _consent_youngest(partners):
        """Of two dates of birth the later one protects better: the person may be a minor."""
        if "consent_birthdate" not in partners._fields:
            return None
        # who may merge need not be one who reads dates of birth
        return max((day for day in partners.sudo().mapped("consent_birthdate") if day), default=None)
