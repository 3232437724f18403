from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from ..tools.plan import Ruling

#: The reason of records in which somebody else of the same name is meant.
ANOTHER = "mention_of_another"
#: What a person decides line by line: a name in others' words, and somebody else's file that names the person.
DECIDED = ("mention_by_name", "mention_in_file")

ACTIONS = [
    ("delete", "Delete"),
    ("anonymise", "Take out"),
    ("seal", "Seal"),
    ("keep", "Keep"),
    ("review", "Decide"),
]


class GdprPlanLine(models.Model):
    """One rule of a plan with the number of records it takes. It names models and counts, never a person."""

    _name = "gdpr.plan.line"
    _description = "Line of an Erasure Plan"
    _order = "plan_id, sequence, model, id"

    plan_id = fields.Many2one("gdpr.plan", required=True, readonly=True, index=True, ondelete="cascade")
    sequence = fields.Integer(compute="_compute_sequence", store=True)
    model = fields.Char(required=True, readonly=True)
    field_name = fields.Char("Field", required=True, readonly=True)
    field_names = fields.Json("Fields taken", readonly=True)
    record_count = fields.Integer("Records", readonly=True)
    record_ids = fields.Json("Numbers of the records to look at", readonly=True)
    action = fields.Selection(ACTIONS, required=True, readonly=True)
    reason_code = fields.Char(required=True, readonly=True)
    law = fields.Char(readonly=True)
    until = fields.Date(readonly=True)
    decision = fields.Selection(
        [("redact", "Take the name out"), ("leave", "Leave: somebody else")],
        help="Taking out replaces the name in others' words by a mark. Leave it when the name means another person.",
    )
    what = fields.Char("Data", compute="_compute_words")
    why = fields.Char(compute="_compute_words")

    @api.depends("action")
    def _compute_sequence(self):
        order = [code for code, _label in reversed(ACTIONS)]
        for line in self:
            line.sequence = order.index(line.action)

    @api.depends("model", "action", "reason_code", "law", "until")
    @api.depends_context("lang")
    def _compute_words(self):
        reporter = self.env["gdpr.reporter"]
        for line in self:
            item = {
                "model": line.model,
                "action": line.action,
                "reason": line.reason_code,
                "law": line.law,
                "until": line.until,
            }
            words = reporter._sentence(item)
            line.what = words["what"]
            line.why = words["why"]
            if line.reason_code == "undecided":
                line.what = f"{words['what']} ({line.model}.{line.field_name})"

    @api.model
    def _prepare_values(self, ruling):
        return {
            "model": ruling.model,
            "field_name": ruling.field,
            "field_names": list(ruling.fields),
            "record_count": len(ruling.ids),
            "record_ids": list(ruling.ids) if ruling.action == "review" or ruling.reason == ANOTHER else False,
            "action": ruling.action,
            "reason_code": ruling.reason,
            "law": ruling.law,
            "until": ruling.until,
        }

    def _rule(self):
        """The line as the pipeline knows it: see ``tools.plan.Ruling.rule``."""
        return (self.model, self.field_name, self.action, self.reason_code)

    def _rulings(self):
        """The lines as values of the pipeline, with counts in place of the ids that a plan does not keep."""
        return [
            Ruling(
                line.model,
                line.field_name,
                tuple(range(line.record_count)),
                line.action,
                line.reason_code,
                line.law or "",
                line.until or None,
                tuple(line.field_names or ()),
            )
            for line in self
        ]

    def _decide(self, decision):
        self._check_decidable()
        self.sudo().write({"decision": decision})

    def _check_decidable(self):
        if not self.env.user.has_group("client_gdpr.group_gdpr_handler"):
            raise AccessError(self.env._("Only a privacy handler decides what becomes of a mention."))
        for line in self:
            if line.plan_id.request_id.state != "planned":
                raise UserError(self.env._("The plan is submitted already: send it back before you change it."))
            if line.reason_code not in DECIDED:
                raise UserError(self.env._("Only a mention is decided here. Ask the DPO about undecided fields."))

    def action_redact(self):
        """Decide that the name in others' words means this person and is taken out."""
        self._decide("redact")

    def action_leave(self):
        """Decide that the name in others' words means somebody else and stays."""
        self._decide("leave")

    def leave_records(self, record_ids):
        """Decide that some records of this line mean somebody else; the rest waits for its own decision.

        :param record_ids: numbers among ``record_ids``
        """
        self.ensure_one()
        self._check_decidable()
        chosen = set(record_ids).intersection(self.record_ids or ())
        if not chosen or len(chosen) != len(set(record_ids)):
            raise UserError(self.env._("Choose among the records of this line."))
        left = [id_ for id_ in self.record_ids if id_ not in chosen]
        line = self.sudo()
        others = line.plan_id.line_ids.filtered(
            lambda other: (
                other.reason_code == ANOTHER and (other.model, other.field_name) == (line.model, line.field_name)
            )
        )
        chosen.update(others.record_ids or ())
        others.unlink()
        values = {"record_ids": sorted(chosen), "record_count": len(chosen), "action": "keep", "reason_code": ANOTHER}
        line.copy(values | {"decision": False})
        if left:
            line.write({"record_ids": left, "record_count": len(left)})
        else:
            line.unlink()

    def action_look(self):
        """Open the records that wait for a decision, with the user's own rights."""
        self.ensure_one()
        if self.reason_code == "undecided":
            return self.env["gdpr.data.map"].action_open_undecided()
        return {
            "type": "ir.actions.act_window",
            "name": self.what,
            "res_model": self.model,
            "view_mode": "list,form",
            "domain": [("id", "in", self.record_ids or [])],
        }
