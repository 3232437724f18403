from odoo import fields, models
from odoo.exceptions import AccessError

from ..models.consent_key import FINGERPRINT


class ConsentKeyWizard(models.TransientModel):
    """Shows which key is in use, exchanges it, and offers its recovery sheet once. It never holds a key."""

    _name = "consent.key.wizard"
    _description = "Key of the Privacy Add-ons"

    fingerprint = fields.Char("Key in use", compute="_compute_state")
    sheet_due = fields.Boolean(compute="_compute_state")
    problem = fields.Char(compute="_compute_state")

    def _compute_state(self):
        keys = self.env["consent.key"]
        # the fingerprint tells keys apart and nothing about the key
        fingerprint = self.env["ir.config_parameter"].sudo().get_param(FINGERPRINT)
        for wizard in self:
            wizard.fingerprint = fingerprint
            wizard.problem = keys._problem()
            wizard.sheet_due = bool(fingerprint) and not wizard.problem and keys._sheet_due()

    def action_print(self):
        """Open the page with the button that hands out the recovery sheet."""
        self._check_manager()
        return {"type": "ir.actions.act_url", "url": "/client_consent/recovery_sheet", "target": "self"}

    def action_rotate(self):
        """Exchange the key for the one in ``key_file_new``."""
        self.ensure_one()
        self._check_manager()
        count = self.env["consent.key"]._rotate()
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success",
                "sticky": True,
                "title": self.env._("The key was exchanged"),
                "message": self.env._(
                    "%s keys of people were wrapped anew. Now put the new file in the place of the old one, "
                    "print its recovery sheet, and keep the old sheet as long as old backups are kept.",
                    count,
                ),
                "next": {"type": "ir.actions.act_window_close"},
            },
        }

    def _check_manager(self):
        if not self.env.user.has_group("client_consent.group_consent_manager"):
            raise AccessError(self.env._("Only a consent manager exchanges the key or prints its recovery sheet."))
