from odoo import fields, models

from ..models.gdpr_data_map import PERSON
from ..models.res_partner import SEALED


class GdprRectificationWizardIdentity(models.TransientModel):
    """A record in the *Change me* dialog that may be about the same person, with its tick."""

    _name = "gdpr.rectification.wizard.identity"
    _inherit = ["gdpr.identity.mixin"]
    _description = "Record That May Be About the Person to Correct"

    wizard_id = fields.Many2one("gdpr.rectification.wizard", required=True, ondelete="cascade")

    def _get_obstacle(self):
        # sudo: the reason names no data of the contact
        contact = self.env[PERSON].sudo().browse(self.res_id if self.model == PERSON else False).exists()
        if contact.gdpr_state in SEALED:
            return self.env._("It is sealed and stays as it is.")
        return contact._gdpr_why_no_client() if contact else ""
