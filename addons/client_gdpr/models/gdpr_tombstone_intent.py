from odoo import api, fields, models
from odoo.exceptions import AccessError


class GdprTombstoneIntent(models.Model):
    """An announced erasure of which nobody knows whether it was carried out: a crash, then a restore.

    The data protection officer looks at the request and decides; the decision goes into the file.
    """

    _name = "gdpr.tombstone.intent"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _description = "Erasure of Unknown Outcome"
    _rec_name = "request_name"
    _order = "id desc"

    reference = fields.Char(required=True, readonly=True)
    request_name = fields.Char("Request", readonly=True)
    announced_at = fields.Datetime("Announced", readonly=True)
    outcome = fields.Selection(
        [("open", "To be decided"), ("done", "Was carried out: erase again"), ("void", "Was not carried out")],
        default="open",
        required=True,
        readonly=True,
        tracking=True,
    )
    decided_by_id = fields.Many2one("res.users", "Decided by", readonly=True)

    _reference_once = models.Constraint("unique(reference)", "This announcement is listed already.")

    @api.model
    def _list(self, records):
        """List records for a person, each once."""
        listed = set(self.search([("reference", "in", [record.reference for record in records])]).mapped("reference"))
        new = self.create(
            [
                {
                    "reference": record.reference,
                    "request_name": record.intent.get("request") or record.reference,
                    "announced_at": record.intent.get("at") or False,
                }
                for record in records
                if record.reference not in listed
            ]
        )
        for intent in new:
            self.env["gdpr.tombstone"]._ask_dpo(intent, self.env._("Was %s carried out?", intent.request_name))
        return new

    def action_was_carried_out(self):
        """Say that the person was erased before the restore: they are erased again."""
        self._decide("done")
        self.env.ref("client_gdpr.ir_cron_tombstones")._trigger()

    def action_was_not(self):
        """Say that the person was not erased: the request, if it still runs, goes on as any other."""
        self._decide("void")

    def _decide(self, outcome):
        if not self.env.user.has_group("client_gdpr.group_gdpr_dpo"):
            raise AccessError(self.env._("Only the data protection officer decides this."))
        undecided = self.filtered(lambda intent: intent.outcome == "open")
        # sudo: the officer decides, and writes nothing else
        undecided.sudo().write({"outcome": outcome, "decided_by_id": self.env.uid})
        self.env["gdpr.tombstone"].sudo()._note_outcome(undecided.mapped("reference"), outcome)
        undecided.sudo().activity_feedback(["mail.mail_activity_data_todo"])
