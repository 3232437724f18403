import holidays
from odoo import api, fields, models

from ..tools.deadlines import Period, due
from .gdpr_clock_profile import CONFIDENCE


class GdprCountry(models.Model):
    """What privacy law of a country says: its clock, its authority, the age of consent."""

    _name = "gdpr.country"
    _description = "Privacy Law of a Country"
    _rec_name = "country_id"
    _order = "country_id"

    country_id = fields.Many2one("res.country", required=True, ondelete="cascade", index=True)
    profile_id = fields.Many2one("gdpr.clock.profile", "Clock", required=True, ondelete="restrict")
    authority = fields.Char(required=True)
    authority_url = fields.Char("Authority's website")
    consent_age = fields.Integer("Age of consent online", help="0: the law names no age (GDPR Art. 8).")
    age_confidence = fields.Selection(CONFIDENCE, default="check")

    _country_once = models.Constraint("unique(country_id)", "This country stands in the list already.")

    @api.model
    def _of_company(self, company):
        """The row of the company's country; nothing when the country is unknown to the list."""
        return self.sudo().search([("country_id", "=", company.country_id.id)], limit=1)

    @api.model
    def _clock(self, company):
        """The clock that counts for a company: its country's, else the GDPR's."""
        return self._of_company(company).profile_id or self.env.ref("client_gdpr.clock_gdpr").sudo()

    @api.model
    def _holidays(self, company, years):
        """Public holidays where the company sits, as a container of dates; none for an unlisted country."""
        code = company.country_id.code
        if not code or code not in holidays.list_supported_countries():
            return frozenset()
        state = company.state_id.code
        subdivisions = holidays.list_supported_countries()[code]
        return holidays.country_holidays(code, subdiv=state if state in subdivisions else None, years=years)

    @api.model
    def _due(self, company, received, extended=False):
        """The :class:`Deadline` for something a company received on a date; both count from receipt, Art. 12(3)."""
        clock = self._clock(company)
        number, unit = clock.answer_number, clock.answer_unit
        if extended and clock.extension_unit == unit:
            number += clock.extension_number
        days = self._holidays(company, range(received.year, received.year + 2))
        return due(received, Period(number, unit), clock.counting, days)
