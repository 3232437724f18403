from odoo import fields, models


class GdprPassphraseWizard(models.TransientModel):
    """The dialog that shows a pass phrase. It is never stored: the dialog has no button that saves."""

    _name = "gdpr.passphrase.wizard"
    _description = "Pass Phrase of a Package"

    passphrase = fields.Char(store=False)
