from dateutil.relativedelta import relativedelta
from odoo import api, fields, models
from odoo.fields import Domain


class ConsentCountry(models.Model):
    """What privacy law of a country says that the consents need. Data, because laws change."""

    _name = "consent.country"
    _description = "Privacy Law of a Country"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _rec_name = "country_id"
    _order = "country_id"

    country_id = fields.Many2one("res.country", required=True, ondelete="cascade", index=True)
    authority = fields.Char(required=True, help="Where people may complain. They see it.")
    authority_url = fields.Char("Authority's website")
    note = fields.Text(help="What else to mind in this country.")
    age_ids = fields.One2many(
        "consent.country.age", "law_id", "Age limits", context={"active_test": False}, help="Each from a date on."
    )
    age_today = fields.Integer("Age limit today", compute="_compute_age_today")
    review_on = fields.Date("Look again on", compute="_compute_review_on", search="_search_review_on")

    _country_once = models.Constraint("unique(country_id)", "This country stands in the list already.")

    @api.depends("age_ids.age", "age_ids.from_date", "age_ids.active")
    def _compute_age_today(self):
        today = fields.Date.context_today(self)
        for law in self:
            law.age_today = self._age_row(law.country_id, today).age

    @api.depends("age_ids.verified_on")
    def _compute_review_on(self):
        for law in self:
            looked = max(filter(None, law.age_ids.mapped("verified_on")), default=None)
            law.review_on = looked + relativedelta(years=1) if looked else False

    def _search_review_on(self, operator, value):
        if operator not in ("<", "<=") or not value:
            return NotImplemented
        day = fields.Date.to_date(value) - relativedelta(years=1)
        looked = self.env["consent.country.age"].with_context(active_test=False)
        later = ">=" if operator == "<" else ">"
        return Domain("id", "not in", looked.search([("verified_on", later, day)]).law_id.ids)

    # -- what other parts ask ------------------------------------------------------------------------

    @api.model
    def _of(self, country):
        """The row of a country; nothing when it is not in the list."""
        return self.search([("country_id", "=", country.id)], limit=1) if country else self.browse()

    @api.model
    def _of_company(self, company):
        """The row of the company's country; nothing when the country is unknown to the list."""
        # sudo: the law is no secret, and who asks need not be privacy staff
        return self.sudo()._of(company.sudo().country_id)

    @api.model
    def _age_limit(self, country, on_date):
        """From which age on a child decides alone in a country, on a date; None where no figure is known, Art. 8(1).

        A consent is judged by the limit of the day it was given, not by today's.
        """
        return self._age_row(country, on_date).age or None

    @api.model
    def _age_row(self, country, on_date):
        """The row that holds on a date; nothing when none is known."""
        # sudo: the law is no secret, and forms of the public ask too
        rows = self.env["consent.country.age"].sudo()
        begun = Domain("from_date", "=", False) | Domain("from_date", "<=", on_date)
        known = Domain("law_id.country_id", "=", country.id) & Domain("active", "=", True) & begun
        return rows.search(known).sorted(lambda row: row.from_date or fields.Date.to_date("0001-01-01"))[-1:]

    # -- once a year ---------------------------------------------------------------------------------

    @api.model
    def _cron_review(self):
        """Once a year ask a consent manager to look whether the law of the companies' countries changed."""
        companies = self.env["res.company"].search([])  # pylint: disable=no-search-all
        due = self.search([("review_on", "<", fields.Date.today()), ("country_id", "in", companies.country_id.ids)])
        for law in due:
            company = companies.filtered(lambda c, law=law: c.country_id == law.country_id)[:1]
            if user := self._reviewer(company):
                law._ask_for_review(user)

    def _ask_for_review(self, user):
        kind = "client_consent.activity_country_review"
        if not self.activity_search([kind]):
            self.activity_schedule(
                kind,
                user_id=user.id,
                note=self.env._(
                    "These figures are older than a year. Compare them with the authority's website, correct them, "
                    "and enter today as the day they were looked up."
                ),
            )

    @api.model
    def _reviewer(self, company):
        managers = self.env.ref("client_consent.group_consent_manager").all_user_ids
        return managers.filtered(lambda user: user.active and not user.share and company in user.company_ids)[:1]
