from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain


class GdprHold(models.Model):
    """Data that is needed in a dispute, or that an authority ordered to be kept, Art. 17(3)(e) and (b).

    While it runs, nothing of these people is erased, not even by an approved request: that one is finished by itself
    when the hold ends.
    """

    _name = "gdpr.hold"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _description = "Hold"
    _order = "id desc"

    name = fields.Char(
        "Case number", required=True, tracking=True, help="By which your lawyer knows the case. Not the person's name."
    )
    reason = fields.Selection(
        [("claim", "A claim is pending or expected"), ("order", "A court or an authority ordered it")],
        required=True,
        default="claim",
        tracking=True,
    )
    law = fields.Char("By which law", compute="_compute_law", store=True, readonly=False, tracking=True)
    partner_ids = fields.Many2many("res.partner", string="People", required=True, context={"active_test": False})
    until = fields.Date("At the latest until", tracking=True, help="Empty: until somebody releases it.")
    company_id = fields.Many2one("res.company", required=True, default=lambda self: self.env.company, index=True)
    released_at = fields.Datetime("Released", readonly=True, copy=False, tracking=True)
    released_by_id = fields.Many2one("res.users", "Released by", readonly=True, copy=False)
    running = fields.Boolean("Runs", compute="_compute_running", search="_search_running")

    _runs = models.Index("(until) WHERE released_at IS NULL")

    @api.depends("reason")
    def _compute_law(self):
        laws = {"claim": "GDPR Art. 17(3)(e)", "order": "GDPR Art. 17(3)(b)"}
        for hold in self:
            hold.law = laws[hold.reason] if hold.reason else False

    @api.depends("released_at", "until")
    def _compute_running(self):
        today = fields.Date.context_today(self)
        for hold in self:
            hold.running = not hold.released_at and (not hold.until or hold.until >= today)

    def _search_running(self, operator, value):
        if operator != "in":
            return NotImplemented
        runs = Domain("released_at", "=", False) & (
            Domain("until", "=", False) | Domain("until", ">=", fields.Date.context_today(self))
        )
        return Domain.OR([runs if wanted else ~runs for wanted in value])

    def write(self, vals):
        before = {hold.id: set(hold.partner_ids.ids) for hold in self} if {"partner_ids", "until"} & set(vals) else {}
        if {"released_at", "released_by_id"} & set(vals) and not self.env.su:
            raise AccessError(self.env._("A hold is released by the button, so that it is known who did it."))
        if self.filtered("released_at") and not self.env.su:
            raise UserError(self.env._("This hold was released. Make a new one if the data is needed again."))
        res = super().write(vals)
        if before:
            self.env["gdpr.deferred"]._release(sorted(set().union(*before.values())))
        return res

    @api.ondelete(at_uninstall=False)
    def _unlink_never(self):
        raise UserError(self.env._("A hold says why data was kept, so it is never deleted. Release it instead."))

    def action_release(self):
        """End the hold: what requests had to keep because of it is erased by the next run."""
        self.check_access("write")
        running = self.filtered(lambda hold: not hold.released_at)
        # sudo: nobody writes these fields by hand
        running.sudo().write({"released_at": fields.Datetime.now(), "released_by_id": self.env.uid})
        self.env["gdpr.deferred"]._release(running.sudo().with_context(active_test=False).partner_ids.ids)

    @api.model
    def _held_among(self, partner_ids):
        """Those of the contacts that a hold runs on: a set of ids. A hold binds every company of the database."""
        # sudo: whoever would delete learns that there is a hold, and no more
        holds = (
            self.sudo()
            .with_context(active_test=False)
            .search([("running", "=", True), ("partner_ids", "in", list(partner_ids))])
        )
        return set(holds.partner_ids.ids).intersection(partner_ids)
