from odoo import api, fields, models
from odoo.exceptions import UserError

STEPS = ("interest", "necessity", "balance")


class ConsentAssessment(models.Model):
    """Why a legitimate interest carries a purpose, in three steps. Once used it is never edited, only superseded."""

    _name = "consent.assessment"
    _description = "Assessment of a Legitimate Interest"
    _order = "purpose_id, id desc"

    purpose_id = fields.Many2one("consent.purpose", required=True, index=True, ondelete="cascade")
    interest = fields.Text("1. Interest", help="What do we want, and is it lawful, real and said clearly?")
    necessity = fields.Text("2. Necessity", help="Can it be reached with less data, or by asking for consent?")
    balance = fields.Text(
        "3. Balance",
        help="What does it do to the person, do they expect it, and what do we do so that it harms nobody?",
    )
    conclusion = fields.Selection(
        [("carries", "Our interest carries it"), ("fails", "The person's interests outweigh it")],
        help="When the person's interests outweigh ours, the purpose cannot rest on legitimate interest.",
    )
    author_id = fields.Many2one("res.users", default=lambda self: self.env.user, ondelete="restrict")
    date = fields.Date("Written on", default=fields.Date.context_today)
    used_at = fields.Datetime("In force since", readonly=True, copy=False)
    state = fields.Selection(
        [("draft", "Draft"), ("used", "In force"), ("superseded", "Superseded")], compute="_compute_state"
    )

    @api.depends("purpose_id", "date")
    def _compute_display_name(self):
        for assessment in self:
            assessment.display_name = self.env._(
                "%(purpose)s, %(date)s", purpose=assessment.purpose_id.display_name, date=assessment.date or "–"
            )

    @api.depends("used_at", "purpose_id.assessment_ids.used_at")
    def _compute_state(self):
        for assessment in self:
            in_force = assessment.purpose_id.assessment_id
            used = "used" if assessment == in_force else "superseded"
            assessment.state = used if assessment.used_at else "draft"

    @api.model_create_multi
    def create(self, vals_list):
        if any(vals.get("used_at") for vals in vals_list):
            raise UserError(self.env._("An assessment comes into force with the purpose, not by hand."))
        # said outright, so that no default of a caller's context says something else
        return super().create([{**vals, "used_at": False} for vals in vals_list])

    def write(self, vals):
        self._refuse_used()
        if "used_at" in vals:
            raise UserError(self.env._("An assessment comes into force with the purpose, not by hand."))
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _refuse_used(self):
        if any(assessment.used_at for assessment in self):
            raise UserError(
                self.env._("An assessment that was in force is evidence. Write a new one: it takes the place of this.")
            )

    def action_use(self):
        """Put a new assessment of an active purpose in force; the one before is superseded.

        :raises UserError: saying what is missing
        """
        self.check_access("write")
        for assessment in self:
            if why := assessment._why_not_used():
                raise UserError(why)
            if assessment.purpose_id.state != "active":
                raise UserError(self.env._("The assessment comes into force when its purpose is activated."))
        self._use()

    def _why_not_used(self):
        """What the three steps lack, or nothing."""
        labels = {name: self._fields[name]._description_string(self.env) for name in (*STEPS, "author_id", "date")}
        if missing := [label for name, label in labels.items() if not self[name] or not str(self[name]).strip()]:
            return self.env._(
                "The assessment of “%(purpose)s” lacks: %(missing)s. Fill it in (Art. 6(1)(f)).",
                purpose=self.purpose_id.name,
                missing=", ".join(missing),
            )
        if self.conclusion != "carries":
            return self.env._(
                "The assessment of “%s” does not conclude that our interest carries it: choose another lawful basis, "
                "or do less and assess again.",
                self.purpose_id.name,
            )
        return ""

    def _use(self):  # pylint: disable=missing-return
        unused = self.filtered(lambda assessment: not assessment.used_at)
        # pylint: disable-next=super-method-mismatch
        super(ConsentAssessment, unused).write({"used_at": fields.Datetime.now()})
