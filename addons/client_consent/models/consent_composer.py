from odoo import api, fields, models


class ConsentComposer(models.AbstractModel):
    """What every composer of messages has: the purpose for which it writes, from its template or chosen by hand."""

    _name = "consent.composer"
    _description = "Composer with a Purpose"

    consent_purpose_id = fields.Many2one(
        "consent.purpose",
        "Purpose",
        compute="_compute_consent_purpose_id",
        store=True,
        readonly=False,
        domain=[("state", "=", "active")],
        ondelete="cascade",
        help="Only people who allow this purpose get the message. Empty: a message that needs no consent.",
    )

    @api.depends("template_id")
    def _compute_consent_purpose_id(self):
        for composer in self:
            # sudo: who writes from a template need not read purposes
            composer.consent_purpose_id = composer.template_id.sudo().consent_purpose_id or composer.consent_purpose_id
