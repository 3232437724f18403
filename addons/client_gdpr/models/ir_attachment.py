from odoo import models
from odoo.exceptions import AccessError
from odoo.tools import SQL


class IrAttachment(models.Model):
    _inherit = "ir.attachment"

    def _search(self, domain, offset=0, limit=None, order=None, *, active_test=True, bypass_access=False):
        """Leave out files that are closed: a chatter that lists what it may not read could not be opened."""
        query = super()._search(domain, offset, limit, order, active_test=active_test, bypass_access=bypass_access)
        # where Odoo looked at every record it asked `_check_access` already
        if not self.env.su and not bypass_access and query._ids is None:
            for closed in self._gdpr_closed_sql(query.table):
                query.add_where(SQL("NOT (%s)", closed))
        return query

    def _gdpr_closed_sql(self, table):
        """Conditions on files that are closed to the user; glue add-ons add theirs."""
        return [
            SQL("%s IN (SELECT res_id FROM gdpr_vault WHERE model_name = %s)", SQL.identifier(table, "id"), self._name)
        ]

    def _check_access(self, operation):
        """Files of a restricted person stay closed until the restriction ends; their names are in the vault."""
        result = super()._check_access(operation)
        if self.env.su or not self.ids:
            return result
        rows = self.env.execute_query(
            SQL("SELECT res_id FROM gdpr_vault WHERE model_name = %s AND res_id = ANY(%s)", self._name, self.ids)
        )
        if not rows:
            return result
        forbidden = self.browse(id_ for (id_,) in rows) | (result[0] if result else self.browse())
        message = self.env._("This file is about a person whose data is restricted. It opens again when that ends.")
        return forbidden, lambda: AccessError(message)
