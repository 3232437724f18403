from odoo import models


class GdprReporter(models.AbstractModel):
    """What a person must be told beside their data, Art. 15(1)(a) to (h) and (2)."""

    _inherit = "gdpr.reporter"

    def _information(self, request, reading, tables):
        """The parts in the order of the law: ``[{code, law, title, text, items}]``; items are sentences."""
        company = request.company_id
        law = self.env["consent.country"]._of_company(company)
        return [
            self._part(
                "rights",
                "Art. 15(1)(e)",
                self.env._("Your rights"),
                self.env._(
                    "You may have wrong data corrected, have data deleted or its use restricted, object to a use, "
                    "and take your data with you. Write to us; it costs nothing."
                ),
                filter(None, [company.name, company.consent_dpo_email or company.email]),
            ),
            self._part(
                "complaint",
                "Art. 15(1)(f)",
                self.env._("Where you can complain"),
                self.env._("You may complain to the data protection authority of your country."),
                filter(None, [law.authority, law.authority_url]),
            ),
            self._part(
                "decisions",
                "Art. 15(1)(h)",
                self.env._("Decisions by machines"),
                self.env._("No decision about you is taken by a machine alone."),
            ),
        ]

    @staticmethod
    def _part(code, law, title, text, items=()):
        return {"code": code, "law": law, "title": title, "text": text, "items": list(items)}
