from odoo import api, fields, models


class GdprTakeOutWizard(models.TransientModel):
    """Names and words that somebody saw in the answer and that are not the person's: the package goes without them."""

    _name = "gdpr.take.out.wizard"
    _description = "Take out More"

    request_id = fields.Many2one("gdpr.request", required=True, readonly=True, ondelete="cascade")
    words = fields.Text("Names and words", help="One a line, as they stand in the texts.")

    @api.model
    def default_get(self, fields_list):
        values = super().default_get(fields_list)
        request = self.env["gdpr.request"].browse(values.get("request_id"))
        if "words" in fields_list and request and request.has_access("write"):
            values["words"] = "\n".join(request._taken_out())
        return values

    def action_take_out(self):
        """Prepare the package again without these words; the dialog keeps nothing."""
        request = self.request_id
        request._step("handler", ("executed", "answered"))
        request._take_out(sorted({line.strip() for line in (self.words or "").splitlines() if line.strip()}))
        self.unlink()
        return {"type": "ir.actions.act_window_close"}
