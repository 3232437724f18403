from odoo import api, models
from odoo.tools import SQL


class ConsentCard(models.AbstractModel):
    _inherit = "consent.card"

    @api.model
    def _get_questions(self, partner_ids):
        """Ask also what obliges us to keep the contacts, and whether anybody was ever erased."""
        questions = super()._get_questions(partner_ids)
        if obliging := self.env["gdpr.ground"]._grounds_sql(partner_ids, "obliging"):
            questions["grounds"] = obliging
        questions["erasures"] = SQL("SELECT id FROM gdpr_suppression LIMIT 1")
        return questions
