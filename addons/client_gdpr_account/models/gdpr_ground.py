from odoo import api, fields, models
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

        A document without a known end is kept: no answer means keep. One look over the indexes for each contact:
        OFFSET 0 keeps it apart.
        """
        # asked about one contact, as each card does, a join would take longer to plan than the rest to execute
        alone = len(partner_ids) == 1
        return SQL(
            """SELECT %(who)s, 'obliging', 'accounting', m.gdpr_keep_law, m.gdpr_keep_until, %(scope)s::text[],
                      'account.move', m.id, m.name
                 FROM %(people)s (
                      SELECT id, name, gdpr_keep_law, gdpr_keep_until FROM account_move
                       WHERE state = 'posted' AND (gdpr_keep_until IS NULL OR gdpr_keep_until >= %(today)s)
                         AND (partner_id = %(who)s OR commercial_partner_id = %(who)s OR partner_shipping_id = %(who)s)
                      %(apart)s) m""",
            who=SQL("%s", partner_ids[0]) if alone else SQL("who.id"),
            people=SQL() if alone else SQL("unnest(%s) who (id), LATERAL", partner_ids),
            apart=SQL() if alone else SQL("OFFSET 0"),
            today=fields.Date.today(),
            scope=list(BUYER_FIELDS),
        )
