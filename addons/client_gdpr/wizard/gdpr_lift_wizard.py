from odoo import api, fields, models

from ..models.gdpr_request import TOLD_BY


class GdprLiftWizard(models.TransientModel):
    """The end of a restriction in one dialog: told first, then lifted, Art. 18(3)."""

    _name = "gdpr.lift.wizard"
    _description = "Lift a Restriction"

    request_id = fields.Many2one("gdpr.request", required=True, readonly=True, ondelete="cascade")
    letter = fields.Html("Text to the person", compute="_compute_letter", sanitize=False)
    told_on = fields.Date("Told on", default=fields.Date.context_today)
    told_by = fields.Selection(TOLD_BY, "How", default="paper")
    already_told = fields.Date(related="request_id.lift_told_on")
    reason = fields.Text(help="Why the restriction ends. It stands in the file; do not repeat the person's data here.")

    @api.depends("request_id")
    def _compute_letter(self):
        for wizard in self:
            wizard.letter = wizard.request_id.lift_letter

    def action_send(self):
        """Let the program write to the person, at the address that is sealed."""
        self.ensure_one()
        self.request_id._check_restriction_in_force()
        self.request_id._send_lift_letter()
        self.request_id.action_tell_lifting()
        return {"type": "ir.actions.act_window_close"}

    def action_told(self):
        """Record that the person was told; lifting is the next step."""
        self.ensure_one()
        self.request_id.action_tell_lifting(self.told_on, self.told_by)
        return {"type": "ir.actions.act_window_close"}

    def action_lift(self):
        """Bring everything back."""
        self.ensure_one()
        self.request_id.action_lift(self.reason)
        return {"type": "ir.actions.act_window_close"}
