from odoo import api, fields, models


class ConsentImportColumn(models.Model):
    """What one column of the file holds."""

    _name = "consent.import.column"
    _description = "Column of an Import"
    _order = "sequence, id"
    _log_access = False

    import_id = fields.Many2one("consent.import", required=True, index=True, ondelete="cascade")
    sequence = fields.Integer(required=True)
    name = fields.Char("Column", required=True, readonly=True)
    target = fields.Selection(
        [
            ("name", "Name"),
            ("email", "E-mail"),
            ("phone", "Phone"),
            ("purpose", "Purpose"),
            ("channels", "Channel"),
            ("answer", "Answer"),
            ("source", "How obtained"),
            ("date", "Date"),
            ("until", "Valid until"),
            ("evidence", "Evidence"),
            ("lawful_basis", "Lawful basis"),
            ("seller", "Seller"),
            ("contract", "Contract with the seller"),
            ("proof", "Seller's proof"),
            ("url", "Where found"),
            ("note", "Note"),
        ],
        "Is",
    )

    @api.model_create_multi
    def create(self, vals_list):
        columns = super().create(vals_list)
        columns.import_id._check_draft()
        return columns

    def write(self, vals):
        self.import_id._check_draft()
        result = super().write(vals)
        # it may be another import's column now
        self.check_access("write")
        self.import_id._check_draft()
        return result

    @api.ondelete(at_uninstall=False)
    def _refuse_checked(self):
        self.import_id._check_draft()
