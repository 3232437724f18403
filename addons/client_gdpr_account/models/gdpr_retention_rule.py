from odoo import api, fields, models
from odoo.addons.client_gdpr.models.gdpr_clock_profile import CONFIDENCE
from odoo.addons.client_gdpr.tools import retention
from odoo.tools import split_every

#: So many documents are counted together without asking for much memory.
FEW = 10_000
STARTS = [
    ("fy_end", "End of the accounting year"),
    ("cal_year_end", "End of the calendar year"),
    ("cal_year_end_of_fy", "End of the calendar year in which the accounting year ends"),
    ("tax_period_end", "End of the tax period"),
    ("tax_due_year_end", "End of the year in which the tax fell due"),
    ("july1_after_fy", "1 July after the accounting year"),
    ("last_entry", "Last entry about the document"),
    ("filing", "Filing of the tax return"),
]
#: Documents a customer's identity stands on. Books, real estate and special sets have their own round.
ANY_DOCUMENT = ("any", "voucher")
TAX_DOCUMENT = "vat_document"


class GdprRetentionRule(models.Model):
    """How long a country's law wants a class of documents kept. Data with its source, because laws change."""

    _name = "gdpr.retention.rule"
    _description = "Retention Rule"
    _order = "country_id, law"

    name = fields.Char(required=True)
    country_id = fields.Many2one("res.country", required=True, index=True, ondelete="cascade")
    years = fields.Integer()
    days = fields.Integer()
    start = fields.Selection(STARTS, "Counted from", required=True)
    scope = fields.Selection(
        [
            ("any", "All accounting documents"),
            ("vat_document", "Tax documents"),
            ("voucher", "Vouchers and invoices"),
            ("book", "Books and statements"),
            ("letter", "Business letters"),
            ("real_estate", "Real estate"),
            ("special", "Special document sets"),
        ],
        "Documents",
        required=True,
        default="any",
    )
    from_date = fields.Date("For documents from")
    until_date = fields.Date("For documents to")
    reaches_older = fields.Boolean("Also older ones still kept", help="Also older documents whose term had not ended.")
    law = fields.Char(required=True)
    confidence = fields.Selection(CONFIDENCE, required=True, default="check")
    source = fields.Char("Known from")
    active = fields.Boolean(default=True, help="A rule that a lawyer should look at first is shipped switched off.")

    _some_length = models.Constraint("CHECK(years > 0 OR days > 0)", "Give the years or days of keeping.")

    @api.model_create_multi
    def create(self, vals_list):
        rules = super().create(vals_list)
        rules._count_documents_again()
        return rules

    def write(self, vals):
        countries = self.country_id
        res = super().write(vals)
        (self | self.search([("country_id", "in", countries.ids)]))._count_documents_again()
        return res

    def unlink(self):
        countries = self.country_id
        res = super().unlink()
        self._count_again(countries)
        return res

    def _count_documents_again(self):
        self._count_again(self.country_id)

    @api.model
    def _count_again(self, countries):
        """Let the documents of companies under these laws find their end again: few when asked, many at the commit."""
        moves = self.env["account.move"].sudo()
        ids = moves._search(
            [("state", "=", "posted"), ("company_id.account_fiscal_country_id", "in", countries.ids)], order="id"
        ).get_result_ids()
        if len(ids) <= FEW:
            moves.browse(ids)._gdpr_keep_again()
            return
        # several rules at a time, as the installation makes them, are one count; and a million documents at once
        # would not fit into the memory that Odoo gives a process
        waiting = self.env.cr.precommit.data.setdefault(self._name, set())
        if not waiting:
            self.env.cr.precommit.add(self._count_many_again)
        waiting.update(ids)

    @api.model
    def _count_many_again(self):
        moves = self.env["account.move"].sudo()
        for ids in split_every(FEW, sorted(self.env.cr.precommit.data.pop(self._name, ()))):
            moves.browse(ids)._gdpr_keep_again()
            self.env.flush_all()
            self.env.invalidate_all()

    @api.model
    def _rules_of(self, company):
        """Rules for documents that carry a customer's identity, as values; tax rules only with a tax number."""
        scopes = [*ANY_DOCUMENT, TAX_DOCUMENT] if company.vat else list(ANY_DOCUMENT)
        country = company.account_fiscal_country_id or company.country_id
        rules = self.sudo().search([("country_id", "=", country.id), ("scope", "in", scopes)])
        return [
            retention.Rule(
                str(rule.id),
                rule.law,
                rule.start,
                rule.years,
                rule.days,
                rule.from_date or None,
                rule.until_date or None,
                rule.reaches_older,
            )
            for rule in rules
        ]
