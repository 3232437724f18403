from odoo import fields, models


class GdprReasonWizard(models.TransientModel):
    """Asks for the reason that refusing, cancelling and extending need."""

    _name = "gdpr.reason.wizard"
    _description = "Reason for a Privacy Decision"

    request_id = fields.Many2one("gdpr.request", required=True, readonly=True, ondelete="cascade")
    step = fields.Selection(
        [("refuse", "Refuse"), ("cancel", "Cancel"), ("extend", "Extend")], required=True, readonly=True
    )
    reason = fields.Text(required=True, help="It stands in the file of the request, and the person may ask for it.")

    def action_confirm(self):
        """Take the step with the reason."""
        self.ensure_one()
        steps = {
            "refuse": self.request_id.action_refuse,
            "cancel": self.request_id.action_cancel,
            "extend": self.request_id.action_extend,
        }
        steps[self.step](self.reason)
        return {"type": "ir.actions.act_window_close"}
