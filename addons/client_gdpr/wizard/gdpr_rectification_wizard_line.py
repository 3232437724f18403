from odoo import fields, models


class GdprRectificationWizardLine(models.TransientModel):
    """One place at which a value stands, what it becomes there, and a tick."""

    _name = "gdpr.rectification.wizard.line"
    _description = "Correct a Person's Data: Place"

    wizard_id = fields.Many2one("gdpr.rectification.wizard", required=True, ondelete="cascade")
    place_key = fields.Char(readonly=True)
    ticked = fields.Boolean("Correct")
    fixed = fields.Boolean(readonly=True)
    where = fields.Char(readonly=True)
    what = fields.Char(readonly=True)
    before = fields.Char("Now", readonly=True)
    after = fields.Char("Becomes", readonly=True)
