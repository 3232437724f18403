from odoo import models
from odoo.exceptions import AccessError
from odoo.tools import SQL


class IrAttachment(models.Model):
    _inherit = "ir.attachment"

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
