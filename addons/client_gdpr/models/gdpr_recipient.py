from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..tools import countries

SAFEGUARDS = [
    ("adequacy", "Adequacy decision of the Commission (Art. 45)"),
    ("clauses", "Standard contractual clauses (Art. 46(2)(c))"),
    ("rules", "Binding corporate rules (Art. 47)"),
    ("consent", "The person's explicit consent (Art. 49(1)(a))"),
    ("contract", "Needed for the contract with the person (Art. 49(1)(b))"),
    ("other", "Another one, see the note"),
]


class GdprRecipient(models.Model):
    """Somebody who gets the data of every client: hosting, accountant, mailing service. People may ask for the name.

    Who got the data of one person only, as a carrier or a payment provider, is read from that person's records.
    """

    _name = "gdpr.recipient"
    _description = "Recipient of Personal Data"
    _order = "name"

    name = fields.Char(required=True, help="The actual name: people have a right to it, not only to a category.")
    what_for = fields.Char(
        "What for", required=True, translate=True, help="E.g. runs the servers on which our data is."
    )
    role = fields.Selection(
        [
            ("processor", "Works for us (processor)"),
            ("controller", "Decides itself (controller)"),
            ("authority", "Authority"),
        ],
        default="processor",
        required=True,
    )
    country_id = fields.Many2one("res.country", required=True, help="Where the data goes.")
    is_third = fields.Boolean("Outside the EEA", compute="_compute_is_third")
    safeguard = fields.Selection(SAFEGUARDS, help="What protects the data there (Art. 15(2)). People are told.")
    safeguard_note = fields.Char("Where to read it", translate=True, help="Where a copy can be had (Art. 13(1)(f)).")
    company_id = fields.Many2one("res.company", default=lambda self: self.env.company, index=True)
    active = fields.Boolean(default=True)

    @api.depends("country_id")
    def _compute_is_third(self):
        for recipient in self:
            recipient.is_third = countries.is_third(recipient.country_id.code)

    @api.constrains("country_id", "safeguard", "active")
    def _check_safeguard(self):
        for recipient in self:
            if recipient.active and recipient.is_third and not recipient.safeguard:
                raise ValidationError(
                    self.env._(
                        "%s is outside the European Economic Area: choose what protects the data there.",
                        recipient.country_id.name,
                    )
                )

    def _sentence(self):
        """The recipient as the person reads it."""
        self.ensure_one()
        return f"{self.name} ({self.country_id.name}): {self.what_for}"

    def _safeguard_sentence(self):
        self.ensure_one()
        words = dict(self._fields["safeguard"]._description_selection(self.env)).get(self.safeguard, "")
        return ", ".join(filter(None, [f"{self.name}, {self.country_id.name}: {words}", self.safeguard_note]))
