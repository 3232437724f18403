from markupsafe import Markup
from odoo import api, fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    consent_country_id = fields.Many2one(
        related="company_id.country_id", string="Country of the company", readonly=False
    )
    consent_dpo_email = fields.Char(related="company_id.consent_dpo_email", readonly=False)
    consent_checkpoint_partner_ids = fields.Many2many(
        related="company_id.consent_checkpoint_partner_ids", readonly=False
    )
    consent_validity_months = fields.Integer(related="company_id.consent_validity_months", readonly=False)
    consent_renewal_days = fields.Integer(related="company_id.consent_renewal_days", readonly=False)
    consent_double_opt_in = fields.Boolean(related="company_id.consent_double_opt_in", readonly=False)
    consent_pending_days = fields.Integer(related="company_id.consent_pending_days", readonly=False)
    consent_evidence_megabytes = fields.Integer(related="company_id.consent_evidence_megabytes", readonly=False)
    consent_evidence_months = fields.Integer(related="company_id.consent_evidence_months", readonly=False)
    consent_send_receipts = fields.Boolean(related="company_id.consent_send_receipts", readonly=False)
    consent_country_says = fields.Html(compute="_compute_consent_country_says")

    @api.depends("company_id", "consent_country_id")
    def _compute_consent_country_says(self):
        for settings in self:
            sentences = settings.company_id._consent_country_sentences(settings.consent_country_id)
            settings.consent_country_says = Markup("<br/>").join(sentences)

    def action_consent_preset(self):
        """Fill in what suits a small company in its country, and show what was set."""
        self.ensure_one()
        said = self.company_id.consent_apply_preset()
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success",
                "title": self.env._("Privacy settings of %s", self.company_id.name),
                "message": " ".join(said),
                "sticky": True,
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }
