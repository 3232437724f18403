from odoo import api, fields, models, tools
from odoo.exceptions import UserError, ValidationError

LAWFUL_BASES = [
    ("consent", "Consent, Art. 6(1)(a)"),
    ("contract", "Contract, Art. 6(1)(b)"),
    ("legal_obligation", "Legal obligation, Art. 6(1)(c)"),
    ("vital", "Vital interests, Art. 6(1)(d)"),
    ("public_task", "Public task, Art. 6(1)(e)"),
    ("legitimate_interest", "Legitimate interest, Art. 6(1)(f)"),
]
#: Channel → the contact's field that holds its address. Post and messenger have no normal form yet.
CHANNELS = {
    "email": "email_normalized",
    "sms": "phone_sanitized",
    "phone": "phone_sanitized",
    "post": "contact_address_inline",
    "messenger": "phone_sanitized",
}
WITHOUT_EVENT = ("legal_obligation", "vital", "public_task")
BY_EVENT = ("consent", "legitimate_interest")


class ConsentPurpose(models.Model):
    """Why data is processed. A purpose has one lawful basis of Art. 6(1)."""

    _name = "consent.purpose"
    _description = "Purpose of Processing"
    _order = "sequence, name"

    sequence = fields.Integer(default=10)
    code = fields.Char(required=True, help="Short name used by other systems, e.g. newsletter.")
    name = fields.Char(required=True, translate=True)
    description = fields.Text(translate=True, help="One plain sentence: what the person can expect.")
    lawful_basis = fields.Selection(LAWFUL_BASES)
    channel_email = fields.Boolean("E-mail", default=True)
    channel_sms = fields.Boolean("SMS")
    channel_phone = fields.Boolean("Phone")
    channel_post = fields.Boolean("Post")
    channel_messenger = fields.Boolean("Messenger")
    validity_months = fields.Integer(
        "Valid for (months)", help="A consent ends after this time. It cannot be unlimited."
    )
    assessment = fields.Text(
        help="Legitimate interest: the purpose, why it is needed, and why the person's interests do not outweigh it."
    )
    own_customers = fields.Boolean(
        "Own customers only", help="Only people whose address you got when you sold them something are reached."
    )
    company_id = fields.Many2one(
        "res.company", help="Empty: every company uses it; each consent still counts for one only."
    )
    state = fields.Selection(
        [("draft", "Draft"), ("active", "Active"), ("archived", "No longer used")],
        default="draft",
        required=True,
        readonly=True,
    )

    _code_once = models.Constraint("unique(code)", "Another purpose has this code already: choose a different one.")

    @api.depends("name")
    @api.depends_context("lang")
    def _compute_display_name(self):
        names = self._names(self.env.lang)
        for purpose in self:
            purpose.display_name = names.get(purpose.id) or purpose.name

    @api.model
    @tools.ormcache("lang")
    def _names(self, lang):
        """Names in a language by id, in order: every contact that is opened shows some, and they change hardly ever."""
        purposes = self.sudo().with_context(lang=lang).search_fetch([], ["name"])
        return {purpose.id: purpose.name for purpose in purposes}

    @api.constrains("state", "lawful_basis", "validity_months", "assessment")
    def _check_complete(self):
        for purpose in self.filtered(lambda p: p.state == "active"):
            if why := purpose._why_not_active():
                raise ValidationError(why)

    def write(self, vals):
        if "lawful_basis" in vals or "code" in vals:
            used = self.filtered(
                lambda p: p.state != "draft" and any(vals.get(n, p[n]) != p[n] for n in ("lawful_basis", "code"))
            )
            if used:
                raise UserError(
                    self.env._(
                        "A purpose in use keeps its code and lawful basis: the consents were given for it. "
                        "Make a new purpose."
                    )
                )
        result = super().write(vals)
        # names and rules of the gate are cached
        self.env.registry.clear_cache()
        return result

    @api.model_create_multi
    def create(self, vals_list):
        self.env.registry.clear_cache()
        return super().create(vals_list)

    def update_field_translations(self, field_name, translations, source_lang=""):
        self.env.registry.clear_cache()
        return super().update_field_translations(field_name, translations, source_lang)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        if any(purpose.state != "draft" for purpose in self):
            raise UserError(self.env._("A purpose that was in use is never deleted: archive it instead."))

    def action_activate(self):
        """Put the purpose into use.

        :raises UserError: saying what is missing
        """
        self.check_access("write")
        for purpose in self:
            if why := purpose._why_not_active():
                raise UserError(why)
        self.state = "active"

    def action_archive_purpose(self):
        """Take the purpose out of use: nothing may be done for it any more."""
        self.check_access("write")
        self.state = "archived"

    def _why_not_active(self):
        """What keeps the purpose from being used, or nothing."""
        if not self.lawful_basis:
            return self.env._(
                "Choose the lawful basis of “%s” first: without one nothing may be processed (Art. 6(1)).", self.name
            )
        if self.lawful_basis in BY_EVENT and self.validity_months <= 0:
            return self.env._("Say for how many months an answer to “%s” holds: it cannot be unlimited.", self.name)
        if self.lawful_basis == "legitimate_interest" and not self.assessment:
            return self.env._(
                "Write the assessment of “%s” first: purpose, need and balance (Art. 6(1)(f)).", self.name
            )
        if not self._channels():
            return self.env._("Choose at least one channel for “%s”.", self.name)
        return ""

    def _channels(self):
        """Channel codes of this purpose, in the order of the form."""
        return [channel for channel in CHANNELS if self[f"channel_{channel}"]]

    def _vetoing_ids(self):
        """The purposes in which a no is a no for this one too: itself, and those it replaces."""
        self.ensure_one()
        return self.ids
