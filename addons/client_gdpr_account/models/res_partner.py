from odoo import api, fields, models


class ResPartner(models.Model):
    _inherit = "res.partner"

    gdpr_keep_until = fields.Date(
        "Kept by law until",
        compute="_compute_gdpr_keep_until",
        compute_sudo=True,
        groups="client_gdpr.group_gdpr_user,client_gdpr.group_gdpr_accounting",
        help="The latest end of all posted documents of this contact.",
    )

    @api.depends_context("company")
    def _compute_gdpr_keep_until(self):
        groups = self.env["account.move"]._read_group(
            [("partner_id", "in", self.ids), ("state", "=", "posted")], ["partner_id"], ["gdpr_keep_until:max"]
        )
        latest = {partner.id: until for partner, until in groups}
        for partner in self:
            partner.gdpr_keep_until = latest.get(partner.id)
