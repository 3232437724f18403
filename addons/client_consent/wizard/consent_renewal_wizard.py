from odoo import api, fields, models


class ConsentRenewalWizard(models.TransientModel):
    """Where the buttons of a task lead: one person whose consent ends, and what can be done."""

    _name = "consent.renewal.wizard"
    _description = "Consent that Ends"
    _rec_name = "partner_id"

    partner_id = fields.Many2one("res.partner", "Contact", required=True, readonly=True, ondelete="cascade")
    act = fields.Selection([("renew", "Renew"), ("erase", "Erase")], required=True, readonly=True, default="renew")
    basis_ids = fields.Many2many("consent.basis", string="Consents", compute="_compute_basis_ids")

    @api.depends("partner_id")
    def _compute_basis_ids(self):
        for wizard in self:
            bases = self.env["consent.basis"].search([("partner_id", "=", wizard.partner_id.id)])
            wizard.basis_ids = bases.filtered(lambda basis: basis.answer == "active").sorted("until")

    def action_renew(self):
        """Send the letter that asks whether it may go on."""
        return self.partner_id.action_consent_renew()

    def action_record(self):
        """Record an answer that the person gave already."""
        return self.partner_id.action_consent_record()

    def action_erase(self):
        """Open what ends the keeping of the data; nothing happens before it is confirmed there."""
        return self.partner_id.action_consent_erase()
