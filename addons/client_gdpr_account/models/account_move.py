import json

from odoo import api, fields, models
from odoo.addons.client_gdpr.tools import capability, retention
from odoo.exceptions import AccessError
from odoo.tools import SQL, sql

BUYER_GROUPS = "client_gdpr.group_gdpr_accounting,client_gdpr.group_gdpr_dpo"
#: What of the contact is printed on a document.
BUYER_FIELDS = frozenset({"name", "street", "street2", "zip", "city", "state_id", "country_id", "vat"})


class AccountMove(models.Model):
    _inherit = "account.move"

    gdpr_keep_until = fields.Date(
        "Keep until",
        compute="_compute_gdpr_keep",
        store=True,
        index="btree_not_null",
        copy=False,
        help="Last day on which the law wants this document kept. Empty on a posted document: no rule is known "
        "for the company's country, so it is kept.",
    )
    gdpr_keep_law = fields.Char("Law", compute="_compute_gdpr_keep", store=True, copy=False)
    printed_buyer = fields.Json(
        "Buyer as printed",
        readonly=True,
        copy=False,
        groups=BUYER_GROUPS,
        help="Name, address and tax number as they stood on the document when its buyer was erased or corrected.",
    )
    printed_buyer_text = fields.Text(
        "Buyer as printed (text)",
        compute="_compute_printed_buyer_text",
        search="_search_printed_buyer_text",
        groups=BUYER_GROUPS,
    )

    def _auto_init(self):
        """Make the columns empty: the rules, which come after them, fill them in."""
        for name, kind in (("gdpr_keep_until", "date"), ("gdpr_keep_law", "varchar")):
            if not sql.column_exists(self.env.cr, self._table, name):
                sql.create_column(self.env.cr, self._table, name, kind)
        return super()._auto_init()

    @api.depends(
        "state",
        "date",
        "invoice_date",
        "taxable_supply_date",
        "company_id.vat",
        "company_id.account_fiscal_country_id",
        "company_id.fiscalyear_last_day",
        "company_id.fiscalyear_last_month",
        "company_id.gdpr_tax_period",
        "amount_residual",
    )
    def _compute_gdpr_keep(self):
        """Art. 17(3)(b): kept while a statute says so; the latest end of all rules that govern it wins."""
        for company, moves in self.grouped("company_id").items():
            rules = self.env["gdpr.retention.rule"]._rules_of(company)
            for move in moves:
                document = move._gdpr_document() if move.state == "posted" else None
                term = retention.keep_until(document, rules) if document else None
                move.gdpr_keep_until = term and term.until
                move.gdpr_keep_law = term and term.rule.law

    def _gdpr_keep_again(self):
        """Let these documents find their end again when it is asked for."""
        for name in ("gdpr_keep_until", "gdpr_keep_law"):
            self.env.add_to_compute(self._fields[name], self)

    def _gdpr_document(self):
        """What retention rules need to know of the document; the latest of its dates places it."""
        company = self.company_id
        date = max(filter(None, (self.date, self.invoice_date, self.taxable_supply_date)))
        fy_end = retention.fiscal_year_end(date, int(company.fiscalyear_last_month), company.fiscalyear_last_day)
        matched = self.line_ids.matched_debit_ids | self.line_ids.matched_credit_ids
        last_entry = max([date, *filter(None, matched.mapped("max_date"))])
        return retention.Document(date, fy_end, company.gdpr_tax_period, last_entry)

    @api.depends("printed_buyer")
    def _compute_printed_buyer_text(self):
        for move in self:
            buyer = move.printed_buyer or {}
            move.printed_buyer_text = "\n".join(
                str(buyer[key]) for key in ("name", "street", "street2", "town", "country", "vat") if buyer.get(key)
            )

    def _search_printed_buyer_text(self, operator, value):
        if operator not in ("ilike", "=", "like") or not isinstance(value, str):
            return NotImplemented
        pattern = "%" + value.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_") + "%"
        found = SQL(
            "(SELECT id FROM account_move WHERE printed_buyer IS NOT NULL AND printed_buyer::text ILIKE %s)", pattern
        )
        return [("id", "in", found)]

    def write(self, vals):
        if "printed_buyer" in vals and not capability.is_sweep(self.env.context):
            raise AccessError(self.env._("The printed buyer is frozen and changed by nobody."))
        return super().write(vals)

    def _post(self, soft=True):
        """A draft that waited is not issued to a sealed person: it would print the placeholder, Art. 18(2)."""
        self._gdpr_get_documents()._gdpr_refuse_sealed_buyer()
        return super()._post(soft)

    def _gdpr_get_documents(self):
        """Invoices and receipts are documents about a person; entries of payments and statements are the books."""
        return super()._gdpr_get_documents().filtered(lambda move: move.move_type != "entry")

    def _gdpr_refuse_sealed_buyer(self):
        self.sudo().partner_id._gdpr_refuse_new(self._description)

    def _gdpr_freeze_buyer(self):
        """Keep the buyer as the document shows it, before the contact is sealed or corrected; once and for all."""
        # sudo: what was printed is kept whoever takes the request on
        open_ = self.sudo().filtered(lambda move: not move.printed_buyer)
        frozen = {}
        for partner, moves in open_.grouped("partner_id").items():
            buyer = {
                "name": partner.commercial_partner_id.name if not partner.name else partner.name,
                "street": partner.street or "",
                "street2": partner.street2 or "",
                "town": " ".join(filter(None, (partner.zip, partner.city))),
                "state": partner.state_id.name or "",
                "country": partner.country_id.name or "",
                "vat": partner.vat or "",
                "lang": partner.lang or "",
            }
            frozen |= dict.fromkeys(moves.ids, json.dumps(buyer))
        # by SQL: a write would compute lines and taxes of documents of which nothing else changes
        self.env.cr.execute(
            SQL(
                """UPDATE account_move m SET printed_buyer = frozen.buyer
                     FROM unnest(%s::int[], %s::jsonb[]) AS frozen (id, buyer) WHERE m.id = frozen.id""",
                list(frozen),
                list(frozen.values()),
            )
        )
        open_.invalidate_recordset(["printed_buyer", "printed_buyer_text"], flush=False)
