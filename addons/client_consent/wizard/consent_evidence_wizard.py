import base64

from odoo import fields, models
from odoo.exceptions import UserError


class ConsentEvidenceWizard(models.TransientModel):
    """Hands in the evidence that an answer waits for; from then on the answer counts."""

    _name = "consent.evidence.wizard"
    _description = "Add Evidence to an Answer"

    basis_id = fields.Many2one("consent.basis", "Answer", required=True, readonly=True, ondelete="cascade")
    until = fields.Date("Waits until", related="basis_id.until")
    evidence_ids = fields.Many2many("ir.attachment")

    def action_confirm(self):
        """Keep the files and let the answer count."""
        self.ensure_one()
        basis = self.basis_id
        if not basis.partner_id:
            raise UserError(self.env._("The contact is gone: nothing can be added to this answer."))
        basis.partner_id._consent_check_caller()
        basis.check_access("read")
        # the waiting event is the caller's to confirm: both checks above passed
        event = self.env["consent.event"].sudo().browse(basis.event_ref)
        recording = self.env["consent.recording"].with_company(basis.company_id)
        if recording._details(event)[event.id].get("waits_for") != "evidence":
            raise UserError(self.env._("No file is missing here: this answer waits for somebody's own confirmation."))
        recording._confirm(
            event,
            event.source,
            evidence=[
                {"name": attachment.name, "content": base64.b64encode(attachment.raw).decode()}
                for attachment in self.evidence_ids
            ],
        )
        self.env["consent.evidence"]._drop_uploads(self.evidence_ids, self)
        return {"type": "ir.actions.act_window_close"}
