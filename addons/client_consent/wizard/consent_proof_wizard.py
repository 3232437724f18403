from odoo import fields, models


class ConsentProofWizard(models.TransientModel):
    """Makes the proof pack about one person. Nothing of it is kept: the file is made while it is handed out."""

    _name = "consent.proof.wizard"
    _description = "Proof Pack"

    partner_id = fields.Many2one("res.partner", "Contact", required=True, readonly=True, ondelete="cascade")
    at = fields.Datetime(
        "As of",
        required=True,
        default=fields.Datetime.now,
        help="What happened later is left out, as if the pack had been made at that time.",
    )
    with_evidence = fields.Boolean(
        "With evidence files", help="Scans, photos and recordings go into the pack in the clear. Send it on a safe way."
    )

    def action_pack(self):
        """Hand out the pack."""
        self.ensure_one()
        # says at once what is wrong, where a download could only fail
        self.partner_id._consent_check_caller()
        self.partner_id._consent_moment(self.at)
        return {"type": "ir.actions.act_url", "url": f"/consent/proof/{self.id}", "target": "download"}

    def _pack(self):
        """The open file and its name."""
        self.ensure_one()
        return self.env["consent.proof"]._pack(self.partner_id, self.at, self.with_evidence)
