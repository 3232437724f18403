from odoo import fields, models


class GdprDeferredRun(models.Model):
    """What a nightly run did with what earlier erasures had to keep: numbers only."""

    _name = "gdpr.deferred.run"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _description = "Nightly Run of Deferred Erasures"
    _rec_name = "started_at"
    _order = "id desc"

    started_at = fields.Datetime("When", required=True, readonly=True, default=fields.Datetime.now)
    done_count = fields.Integer("Finished", readonly=True)
    kept_count = fields.Integer("Still kept", readonly=True)
    failed_count = fields.Integer("Failed", readonly=True)

    def _tell(self):
        """Give the data protection officer a task when something failed."""
        if self.failed_count:
            self.env["gdpr.tombstone"]._ask_dpo(self, self.env._("Erasures could not be finished"))
