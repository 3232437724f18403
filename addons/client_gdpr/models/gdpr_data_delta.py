from odoo import api, fields, models


class GdprDataDelta(models.Model):
    """What an installed, upgraded or removed module, or a new custom field, changed in the data map."""

    _name = "gdpr.data.delta"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _description = "Change of the Data Map"
    _order = "id desc"
    _rec_name = "create_date"

    added_count = fields.Integer("Fields that came", readonly=True)
    undecided_count = fields.Integer("Of them undecided", readonly=True)
    gone_count = fields.Integer("Fields that went", readonly=True)
    gone = fields.Text("What went", readonly=True)
    modules = fields.Char("From modules", compute="_compute_modules")
    field_ids = fields.One2many("gdpr.data.map", "delta_id", "What came", readonly=True)

    @api.depends("field_ids.module")
    def _compute_modules(self):
        for delta in self:
            delta.modules = ", ".join(sorted(set(filter(None, delta.field_ids.mapped("module")))))

    def action_open_fields(self):
        """Open the fields that came."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("client_gdpr.action_gdpr_data_map")
        action["domain"] = [("delta_id", "=", self.id)]
        return action

    def _tell_dpo(self):
        """Give the officers one task for what nobody has decided yet."""
        company = self.env.company
        group = self.env.ref("client_gdpr.group_gdpr_dpo").sudo()
        officers = group.all_user_ids.filtered(lambda user: user.active and company in user.company_ids)
        for delta in self.filtered("undecided_count"):
            for officer in officers:
                delta.activity_schedule(
                    "mail.mail_activity_data_todo",
                    user_id=officer.id,
                    summary=self.env._("%s new field(s) may hold personal data: decide", delta.undecided_count),
                )
