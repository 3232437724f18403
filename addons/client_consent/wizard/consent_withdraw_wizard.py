from odoo import api, fields, models
from odoo.exceptions import UserError

from ..models.consent_event import SOURCES


class ConsentWithdrawWizard(models.TransientModel):
    """Takes consents back; it must be as easy as giving them, Art. 7(3)."""

    _name = "consent.withdraw.wizard"
    _description = "Withdraw Consents"

    partner_id = fields.Many2one("res.partner", "Contact", required=True, readonly=True, ondelete="cascade")
    basis_ids = fields.Many2many(
        "consent.basis", string="Stop", compute="_compute_basis_ids", store=True, readonly=False
    )
    source = fields.Selection(SOURCES, "How", required=True, default="in_person")
    reason = fields.Char(help="Only if the person gave one: nobody must.")

    @api.depends("partner_id")
    def _compute_basis_ids(self):
        for wizard in self:
            bases = self.env["consent.basis"].search([("partner_id", "=", wizard.partner_id.id)])
            wizard.basis_ids = bases.filtered(lambda basis: basis.answer in ("active", "pending", "requested"))

    def action_withdraw(self):
        """Withdraw what is left in the list and close."""
        self.ensure_one()
        if not self.basis_ids:
            raise UserError(self.env._("There is nothing to withdraw. Use Cancel to go back."))
        for basis in self.basis_ids:
            self.partner_id.with_company(basis.company_id).consent_withdraw(
                basis.purpose_id.code, [basis.channel], source=self.source, reason=self.reason or None
            )
        return {"type": "ir.actions.act_window_close"}
