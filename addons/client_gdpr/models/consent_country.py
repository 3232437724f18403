import holidays
from odoo import api, fields, models

from ..tools.deadlines import Period, due


class ConsentCountry(models.Model):
    """Beside what consents need: how the law of a country counts the time for an answer."""

    _inherit = "consent.country"

    profile_id = fields.Many2one(
        "gdpr.clock.profile", "Clock", ondelete="restrict", help="Empty: the clock of the GDPR counts."
    )

    @api.model
    def _fill_clocks(self, clocks):
        """Give countries that have no clock yet the one shipped for them: ``{clock: [country codes]}``."""
        for clock, codes in clocks.items():
            laws = self.search([("country_id.code", "in", codes), ("profile_id", "=", False)])
            laws.profile_id = self.env.ref(f"client_gdpr.clock_{clock}")

    @api.model
    def _clock(self, company):
        """The clock that counts for a company: its country's, else the GDPR's."""
        # sudo: clocks are read by whoever sees a deadline
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
