from odoo import api, models

AGES = {"AT": 14, "BE": 13, "CZ": 15, "DE": 16, "FR": 15, "PL": 16, "SK": 16}


class ConsentCountry(models.AbstractModel):
    """From which age a person decides alone about online services, GDPR Art. 8(1)."""

    _name = "consent.country"
    _description = "Consent Rules of a Country"

    @api.model
    def _age_limit(self, country, on_date):
        """The age in years that the law of a country names on a day, or nothing."""
        return AGES.get(country.code)
