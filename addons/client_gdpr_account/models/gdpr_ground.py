from odoo import api, models
from odoo.tools import SQL

#: What the law wants readable on a kept document; everything else about the buyer goes.
BUYER_FIELDS = ("name", "street", "street2", "zip", "city", "state_id", "country_id", "vat", "company_registry")


class GdprGround(models.AbstractModel):
    _inherit = "gdpr.ground"

    @api.model
    def _get_providers(self):
        return super()._get_providers() | {"_accounting_ground_sql": "obliging"}

    def _accounting_ground_sql(self, partner_ids):
        """Posted documents inside their statutory term, GDPR Art. 17(3)(b): obliging for the printed buyer.

        A document without a known end is kept: no answer means keep.
        """
        return SQL(
            """SELECT who.partner_id, 'obliging', 'accounting', m.gdpr_keep_law, m.gdpr_keep_until, %(scope)s::text[],
                      'account.move', m.id, m.name
                 FROM account_move m
           CROSS JOIN unnest(ARRAY[m.partner_id, m.commercial_partner_id, m.partner_shipping_id]) AS who (partner_id)
                WHERE m.state = 'posted'
                  AND (m.gdpr_keep_until IS NULL OR m.gdpr_keep_until >= (now() AT TIME ZONE 'UTC')::date)
                  AND (m.partner_id = ANY(%(ids)s) OR m.commercial_partner_id = ANY(%(ids)s)
                       OR m.partner_shipping_id = ANY(%(ids)s))
                  AND who.partner_id = ANY(%(ids)s)""",
            scope=list(BUYER_FIELDS),
            ids=partner_ids,
        )
