from odoo import fields, models

COUNTINGS = [
    ("reg_1182_71", "Regulation 1182/71: ends on a working day"),
    ("corresponding_date", "Corresponding date, never moved"),
    ("calendar_days", "Calendar days"),
    ("working_days", "Working days"),
]
UNITS = [("month", "Months"), ("calendar_day", "Calendar days"), ("working_day", "Working days")]
CONFIDENCE = [("sure", "Sure"), ("likely", "Likely"), ("check", "Let a lawyer look")]


class GdprClockProfile(models.Model):
    """How a law counts the time for an answer. Data, because laws change."""

    _name = "gdpr.clock.profile"
    _description = "Clock of Subject Requests"
    _order = "name"

    code = fields.Char(required=True)
    name = fields.Char(required=True, translate=True)
    answer_number = fields.Integer("Time for the answer", required=True)
    answer_unit = fields.Selection(UNITS, required=True)
    extension_number = fields.Integer("Extension")
    extension_unit = fields.Selection(UNITS)
    counting = fields.Selection(COUNTINGS, required=True)
    confidence = fields.Selection(CONFIDENCE, required=True, default="check")
    source = fields.Char("Known from")
    active = fields.Boolean(default=True)

    _code_once = models.Constraint("unique(code)", "A clock with this code exists already.")
    _positive = models.Constraint("CHECK(answer_number > 0)", "The time for the answer must be at least 1.")
