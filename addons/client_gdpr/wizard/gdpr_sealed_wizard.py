from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

#: Who may look at sealed data at all; the accountant at the contact alone, not at what was said and offered.
SEALED_GROUPS = "client_gdpr.group_gdpr_dpo,client_gdpr.group_gdpr_accounting"


class GdprSealedWizard(models.TransientModel):
    """*Show sealed data*: a reason, one line in the log, and the values in a window of their own.

    The values are read from the vault while the window is open and are stored nowhere.
    """

    _name = "gdpr.sealed.wizard"
    _description = "Show Sealed Data"

    partner_id = fields.Many2one("res.partner", "Contact", required=True, readonly=True, ondelete="cascade")
    reason = fields.Text("Why do you need to see it?", help="It is written down with your name and the time.")
    access_id = fields.Many2one("gdpr.vault.access", readonly=True, ondelete="cascade")
    values_html = fields.Html(compute="_compute_values_html", sanitize=False, groups=SEALED_GROUPS)

    @api.depends("access_id")
    @api.depends_context("uid", "lang")
    def _compute_values_html(self):
        for wizard in self:
            # sudo: the line in the log is the right to look, of the one who wrote it
            access = wizard.access_id.sudo()
            shown = access.user_id == self.env.user and wizard._may_look()
            wizard.values_html = shown and self.env["ir.qweb"]._render(
                "client_gdpr.sealed_values",
                {"groups": self.env["gdpr.reporter"]._sealed_values(wizard._sealed_rows())},
            )

    @api.model_create_multi
    def create(self, vals_list):
        if any(vals.get("access_id") for vals in vals_list):
            raise AccessError(self.env._("Say why first: press Show."))
        return super().create(vals_list)

    def write(self, vals):
        if "access_id" in vals and not self.env.su:
            raise AccessError(self.env._("Say why first: press Show."))
        return super().write(vals)

    def action_show(self):
        """Write the line in the log, then show."""
        self.ensure_one()
        if not self._may_look():
            raise AccessError(
                self.env._("Only the data protection officer and Accounting retention look at sealed data.")
            )
        self.partner_id.check_access("read")
        if not (self.reason or "").strip():
            raise UserError(self.env._("Say why you need to see it: it is written down with your name."))
        rows = self._sealed_rows()
        if not rows:
            raise UserError(self.env._("Nothing of this contact is sealed."))
        access = self.env["gdpr.vault.access"]._note(self.partner_id, rows, self.reason)
        # sudo: the field is closed to everybody else
        self.sudo().access_id = access
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Sealed data"),
            "res_model": self._name,
            "res_id": self.id,
            "views": [(False, "form")],
            "target": "new",
        }

    def _may_look(self):
        return self.env.user.has_groups(SEALED_GROUPS)

    def _sealed_rows(self):
        """The rows of the vault that the user may see: all of the person, or for the accountant the contact."""
        # sudo: checked by `_may_look`
        vault = self.env["gdpr.vault"].sudo()
        own = vault.search([("model_name", "=", "res.partner"), ("res_id", "=", self.partner_id.id)])
        if not self.env.user.has_group("client_gdpr.group_gdpr_dpo") or own.kind != "restriction":
            return own
        return vault.search([("request_id", "=", own.request_id.id), ("kind", "=", "restriction")], order="id")
