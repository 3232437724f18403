from odoo import fields, models


class ResCompany(models.Model):
    _inherit = "res.company"

    gdpr_tax_period = fields.Selection(
        [("month", "Month"), ("quarter", "Quarter"), ("year", "Year")],
        "Tax period",
        default="year",
        required=True,
        prefetch=False,  # every request reads the company it works for
        help="How often the company files VAT. Some laws count the keeping of invoices from the end of this period; "
        "year is the cautious choice: nothing goes too early.",
    )
