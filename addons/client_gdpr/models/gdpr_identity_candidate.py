from odoo import api, fields, models
from odoo.exceptions import AccessError


class GdprIdentityCandidate(models.Model):
    """What a handler said about one record that may be about the person of a request."""

    _name = "gdpr.identity.candidate"
    _inherit = ["gdpr.identity.mixin"]
    _description = "Record of a Request That May Be About the Same Person"

    request_id = fields.Many2one("gdpr.request", required=True, readonly=True, index=True, ondelete="cascade")
    company_id = fields.Many2one(related="request_id.company_id")
    included = fields.Boolean(readonly=True)
    decided_by_id = fields.Many2one("res.users", "Decided by", readonly=True)
    decided_at = fields.Datetime("Decided on", readonly=True)
    may_decide = fields.Boolean(compute="_compute_may_decide")

    _once = models.Constraint("unique(request_id, model, res_id)", "This record stands in the request already.")

    @api.depends("request_id.state")
    def _compute_may_decide(self):
        for line in self:
            line.may_decide = line.request_id._may_choose()

    def action_include(self):
        """Say that the record is about the same person: it is taken along from now on."""
        self._decide(True)

    def action_exclude(self):
        """Say that the record is about somebody else: it is left alone."""
        self._decide(False)

    def _decide(self, included):
        if not self.env.user.has_group("client_gdpr.group_gdpr_handler"):
            raise AccessError(self.env._("Only a privacy handler says who the person is."))
        for request, lines in self.grouped("request_id").items():
            request._choose({(line.model, line.res_id): included for line in lines})

    def _get_obstacle(self):
        return self._why_not_erasable() if self.request_id.kind == "erasure" and not self.included else ""
