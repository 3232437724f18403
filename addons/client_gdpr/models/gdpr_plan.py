from dataclasses import replace

from odoo import api, fields, models

from ..tools.plan import digest
from .gdpr_plan_line import ANOTHER


class GdprPlan(models.Model):
    """What will happen to a person's data, as somebody approved it: rules with counts and a digest."""

    _name = "gdpr.plan"
    _description = "Erasure Plan"

    request_id = fields.Many2one("gdpr.request", required=True, readonly=True, index=True, ondelete="cascade")
    company_id = fields.Many2one(related="request_id.company_id")
    line_ids = fields.One2many("gdpr.plan.line", "plan_id", readonly=True)
    digest = fields.Char(readonly=True, help="SHA-256 over the rules and counts that were approved.")
    reading = fields.Json(readonly=True, help="Where the person is mentioned, by number, and when the texts were read.")
    undecided_count = fields.Integer(compute="_compute_undecided_count")

    @api.depends("line_ids.action", "line_ids.decision")
    def _compute_undecided_count(self):
        for plan in self:
            plan.undecided_count = len(plan._undecided_lines())

    @api.model
    def _make_all(self, requests, rulings, readings):
        """Store the rulings for requests; a plan made earlier is replaced, decisions on the same rule stay.

        :param rulings: a collection of :class:`Ruling` for each request
        :param readings: the :class:`Reading` of each request, from which a run goes on
        """
        line = self.env["gdpr.plan.line"]
        vals_list = []
        for request, ruled, reading in zip(requests, rulings, readings, strict=True):
            earlier = request.plan_id._decisions()
            values = [
                {
                    **line._prepare_values(ruling),
                    "decision": earlier.get(ruling.rule) if ruling.action == "review" else False,
                }
                for ruling in ruled
            ]
            vals_list.append(
                {
                    "request_id": request.id,
                    "digest": digest(request.name, ruled),
                    "reading": reading.to_dict(),
                    "line_ids": [fields.Command.create(vals) for vals in values],
                }
            )
        requests.plan_id.sudo().unlink()
        plans = self.sudo().create(vals_list)
        for request, plan in zip(requests, plans, strict=True):
            request.sudo().with_context(tracking_disable=True).plan_id = plan
        return plans

    def _spare(self, rulings):
        """The rulings with the records apart in which, as a handler said, somebody else is meant."""
        spared = {
            (line.model, line.field_name): set(line.record_ids or ())
            for line in self.line_ids
            if line.reason_code == ANOTHER
        }
        result = []
        for ruling in rulings:
            chosen = spared.get((ruling.model, ruling.field), set()) if ruling.action == "review" else set()
            result.append(replace(ruling, ids=tuple(id_ for id_ in ruling.ids if id_ not in chosen)))
            ids = tuple(id_ for id_ in ruling.ids if id_ in chosen)
            result.append(replace(ruling, ids=ids, action="keep", reason=ANOTHER))
        return tuple(ruling for ruling in result if ruling.ids)

    def _undecided_lines(self):
        return self.line_ids.filtered(lambda line: line.action == "review" and not line.decision)

    def _counts(self):
        """What was approved: rule → number of records."""
        counts = {}
        for line in self.line_ids:
            counts[line._rule()] = counts.get(line._rule(), 0) + line.record_count
        return counts

    def _decisions(self):
        """What a person decided on review lines: rule → redact or leave."""
        return {line._rule(): line.decision for line in self.line_ids if line.decision}
