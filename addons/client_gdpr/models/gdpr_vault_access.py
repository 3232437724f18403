from odoo import api, fields, models
from odoo.exceptions import UserError


class GdprVaultAccess(models.Model):
    """One line for every look at sealed data: who, when, why. Never what was seen."""

    _name = "gdpr.vault.access"
    _description = "Look at Sealed Data"
    _order = "id desc"
    _rec_name = "subject_label"

    subject_label = fields.Char("Whose", required=True, readonly=True, help="The contact's number.")
    user_id = fields.Many2one("res.users", "Who", required=True, readonly=True, index=True, ondelete="restrict")
    seen_at = fields.Datetime("When", required=True, readonly=True)
    reason = fields.Text("Why", required=True, readonly=True)
    request_id = fields.Many2one(
        "gdpr.request", "Sealed by", readonly=True, index="btree_not_null", ondelete="restrict"
    )
    record_count = fields.Integer("Records shown", readonly=True)
    company_id = fields.Many2one("res.company", required=True, readonly=True, index=True)

    @api.model
    def _note(self, partner, rows, reason):
        """Write the line before anything is shown; whoever looks can neither change nor delete it."""
        # sudo: nobody has the right to write here
        return self.sudo().create(
            {
                "subject_label": self.env._("Contact %s", partner.id),
                "user_id": self.env.uid,
                "seen_at": fields.Datetime.now(),
                "reason": reason,
                "request_id": rows.request_id[:1].id,
                "record_count": len(rows),
                "company_id": rows.request_id[:1].company_id.id or self.env.company.id,
            }
        )

    def write(self, vals):  # pylint: disable=method-required-super
        raise UserError(self.env._("What was looked at is written down once and not changed."))

    @api.ondelete(at_uninstall=False)
    def _unlink_never(self):
        raise UserError(self.env._("What was looked at is evidence and is never deleted."))
