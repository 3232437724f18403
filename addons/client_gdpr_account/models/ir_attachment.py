from odoo import models
from odoo.addons.client_gdpr.models.res_partner import SEALED
from odoo.exceptions import AccessError
from odoo.tools import SQL

from .account_move import BUYER_GROUPS


class IrAttachment(models.Model):
    _inherit = "ir.attachment"

    def _check_access(self, operation):
        """Files of a document whose buyer was erased open only for Accounting retention and the DPO.

        Salespeople may read invoices, and the PDF still shows what was printed.
        """
        result = super()._check_access(operation)
        if self.env.su:
            return result
        frozen = self._gdpr_of_frozen_documents()
        if not frozen or any(self.env.user.has_group(group) for group in BUYER_GROUPS.split(",")):
            return result
        forbidden = frozen | (result[0] if result else self.browse())
        message = self.env._(
            "The buyer of this document was erased; its files open only for Accounting retention "
            "and the data protection officer."
        )
        return forbidden, lambda: AccessError(message)

    def _gdpr_closed_sql(self, table):
        closed = super()._gdpr_closed_sql(table)
        if self.env.user.has_groups(BUYER_GROUPS):
            return closed
        # from the few contacts that are sealed: invoices are many
        frozen = SQL(
            """%s = 'account.move' AND %s IN (
                   SELECT m.id FROM account_move m JOIN res_partner p ON p.id = m.partner_id
                    WHERE m.printed_buyer IS NOT NULL AND p.gdpr_state != 'active' AND p.gdpr_state = ANY(%s))""",
            SQL.identifier(table, "res_model"),
            SQL.identifier(table, "res_id"),
            list(SEALED),
        )
        return [*closed, frozen]

    def _gdpr_of_frozen_documents(self):
        """Those attachments that belong to a document whose buyer was erased; one who was corrected may be read."""
        candidates = self.sudo().filtered(lambda a: a.res_model == "account.move" and a.res_id)
        if not candidates:
            return self.browse()
        moves = self.env["account.move"].sudo().browse(candidates.mapped("res_id")).exists()
        frozen = set(moves.filtered(lambda move: move.printed_buyer and move.partner_id.gdpr_state in SEALED).ids)
        return self.browse(candidates.filtered(lambda a: a.res_id in frozen).ids)
