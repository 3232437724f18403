from odoo import fields, models

CONFIDENCE = [("sure", "Sure"), ("likely", "Likely"), ("check", "Let a lawyer look")]


class ConsentCountryAge(models.Model):
    """From which age on a child agrees alone to services online, from a date on (GDPR Art. 8(1))."""

    _name = "consent.country.age"
    _description = "Age of Consent in a Country"
    _order = "law_id, from_date desc"
    _rec_name = "law_id"

    law_id = fields.Many2one("consent.country", "Country", required=True, index=True, ondelete="cascade")
    from_date = fields.Date(
        "From", help="Empty: since the law holds. Consents keep the limit of the day they were given."
    )
    age = fields.Integer(help="0: the law names no figure; whether the child understands decides.")
    confidence = fields.Selection(CONFIDENCE, required=True, default="check")
    source = fields.Char("Known from")
    verified_on = fields.Date("Looked up on", required=True, default=fields.Date.context_today)
    note = fields.Char()
    active = fields.Boolean(default=True, help="Only active rows count. Doubtful ones are shipped inactive.")

    _from_once = models.Constraint(
        "UNIQUE NULLS NOT DISTINCT (law_id, from_date)", "Another age limit begins on that day: correct that one."
    )
    _age_sane = models.Constraint("CHECK (age BETWEEN 0 AND 21)", "An age limit lies between 0 and 21 years.")
