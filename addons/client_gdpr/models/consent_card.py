from odoo import api, models


class ConsentCard(models.AbstractModel):
    _inherit = "consent.card"

    @api.model
    def _get_questions(self, partner_ids):
        """Ask also what obliges us to keep the contacts."""
        questions = super()._get_questions(partner_ids)
        if obliging := self.env["gdpr.ground"]._grounds_sql(partner_ids, "obliging"):
            questions["grounds"] = obliging
        return questions
