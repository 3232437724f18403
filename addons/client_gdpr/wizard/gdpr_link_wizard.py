from odoo import api, fields, models
from odoo.exceptions import UserError


class GdprLinkWizard(models.TransientModel):
    """The dialog before a link to a package leaves: to which of the person's addresses."""

    _name = "gdpr.link.wizard"
    _description = "Send the Link to a Package"

    package_id = fields.Many2one("gdpr.package", required=True, readonly=True, ondelete="cascade")
    possible_ids = fields.Many2many("res.partner", compute="_compute_possible_ids")
    partner_id = fields.Many2one(
        "res.partner",
        "To",
        required=True,
        domain="[('id', 'in', possible_ids)]",
        help="Only the person's own contacts.",
    )
    address = fields.Char(compute="_compute_address")
    ends_at = fields.Datetime(related="package_id.ends_at")

    @api.depends("package_id")
    def _compute_possible_ids(self):
        for wizard in self:
            wizard.possible_ids = wizard.package_id.request_id.partner_ids.filtered("email_normalized")

    @api.depends("partner_id")
    def _compute_address(self):
        for wizard in self:
            wizard.address = wizard.partner_id.email_normalized

    @api.model
    def default_get(self, fields_list):
        values = super().default_get(fields_list)
        package = self.env["gdpr.package"].browse(values.get("package_id"))
        if "partner_id" in fields_list and package:
            values["partner_id"] = package.request_id.partner_ids.filtered("email_normalized")[:1].id
        return values

    def action_send(self):
        """Send the link; an earlier one ends."""
        if self.partner_id not in self.possible_ids:
            raise UserError(self.env._("Choose one of the person's own contacts that has an e-mail address."))
        self.package_id._send_link(self.partner_id)
        return {"type": "ir.actions.act_window_close"}
