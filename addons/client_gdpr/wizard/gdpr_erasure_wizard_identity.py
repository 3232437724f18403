from odoo import fields, models


class GdprErasureWizardIdentity(models.TransientModel):
    """A record in the *Delete me* dialog that may be about the same person, with its tick."""

    _name = "gdpr.erasure.wizard.identity"
    _inherit = ["gdpr.identity.mixin"]
    _description = "Record That May Be About the Person to Delete"

    wizard_id = fields.Many2one("gdpr.erasure.wizard", required=True, ondelete="cascade")

    def _get_obstacle(self):
        return self._why_not_erasable()
