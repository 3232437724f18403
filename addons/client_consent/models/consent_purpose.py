from odoo import Command, api, fields, models, tools
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain

from .consent_purpose_evidence import DEMANDED

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
#: What a purpose in use was agreed to with: changing it would change what people said.
FIXED = ("lawful_basis", "code", "replaces_id")
LONGEST_MONTHS = 120
LONGEST_WAIT_DAYS = 365


class ConsentPurpose(models.Model):
    """Why data is processed. A purpose has one lawful basis of Art. 6(1)."""

    _name = "consent.purpose"
    _description = "Purpose of Processing"
    _order = "sequence, name"

    sequence = fields.Integer(default=10)
    code = fields.Char(required=True, help="Short name used by other systems, e.g. newsletter.")
    name = fields.Char(required=True, translate=True)
    description = fields.Text(translate=True, help="One plain sentence: what the person can expect.")
    lawful_basis = fields.Selection(
        LAWFUL_BASES,
        "Lawful basis",
        help="What allows it. It stays once the purpose was in use: people said yes to that and nothing else.",
    )
    statute = fields.Char(
        "Law that demands it",
        translate=True,
        help="For a legal obligation or public task: act and section. People see it.",
    )
    channel_email = fields.Boolean("E-mail", default=True)
    channel_sms = fields.Boolean("SMS")
    channel_phone = fields.Boolean("Phone")
    channel_post = fields.Boolean("Post")
    channel_messenger = fields.Boolean("Messenger")
    validity_months = fields.Integer(
        "Valid for (months)",
        help="An answer ends after this time and nothing may be sent any more. It cannot be unlimited.",
    )
    renewal_days = fields.Integer(
        "Renew before the end (days)",
        default=lambda self: self.env.company.consent_renewal_days,
        help="So many days before a consent ends, its salesperson is reminded to ask again.",
    )
    pending_days = fields.Integer(
        "Wait for confirmation (days)",
        default=lambda self: self.env.company.consent_pending_days,
        help="An answer that is not confirmed, or whose evidence does not come, lapses after this time.",
    )
    double_opt_in = fields.Boolean(
        "Confirm by e-mail",
        help="The person gets a mail and the consent counts only after the click in it. "
        "It proves that the address is theirs.",
    )
    minimum_age = fields.Selection(
        [("none", "Any"), ("country", "The age of the person's country"), ("18", "18")],
        "Minimum age",
        default="country",
        required=True,
        help="Below it a consent counts only after the parent or guardian confirmed it.",
    )
    on_new_address = fields.Selection(
        [
            ("carry", "Goes on, once the person confirmed the new address"),
            ("ask", "Ask again"),
            ("stop", "Stop"),
        ],
        "When the address changes",
        default="ask",
        required=True,
        help="A consent belongs to one address. What happens when the person gets a new one.",
    )
    ask_again = fields.Boolean(
        "Ask again on a new text",
        help="When a new version of its notice is published, people who agreed to an older one are listed to be asked.",
    )
    family = fields.Char(
        "Family of products",
        help="For advertising own similar products: what counts as similar to what was bought, e.g. bicycles.",
    )
    recipients = fields.Text(
        translate=True,
        help="Who else gets the data: mailing service, accountant, carrier. People see it in the notice.",
    )
    recipient_country_ids = fields.Many2many("res.country", string="Countries of the recipients")
    evidence_ids = fields.One2many(
        "consent.purpose.evidence",
        "purpose_id",
        "Evidence demanded",
        default=lambda self: [Command.create({"source": source, "kind": kind}) for source, kind in DEMANDED.items()],
        help="Obtained this way, an answer waits and cannot be used until its evidence is there.",
    )
    replaces_id = fields.Many2one(
        "consent.purpose",
        index="btree_not_null",
        ondelete="restrict",
        check_company=True,
        help="The purpose that did the same before. Who withdrew from or objected to that one stays out of this one.",
    )
    assessment_ids = fields.One2many("consent.assessment", "purpose_id", "Assessments")
    assessment_id = fields.Many2one("consent.assessment", "Assessment in force", compute="_compute_assessment_id")
    notice_ids = fields.Many2many("consent.notice", string="Notices", compute="_compute_notice_ids")
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
        copy=False,
    )
    active_count = fields.Integer("Consents in force", compute="_compute_counts")
    ask_again_count = fields.Integer("To be asked again", compute="_compute_counts")

    _code_once = models.Constraint("unique(code)", "Another purpose has this code already: choose a different one.")
    _code_plain = models.Constraint(
        "CHECK(code ~ '^[A-Za-z0-9][A-Za-z0-9_.-]*$')",
        "A code is written with letters without accents, digits, and the signs . _ - only, like own_products.",
    )

    _check_company_auto = True

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

    @api.depends("assessment_ids.used_at")
    def _compute_assessment_id(self):
        for purpose in self:
            used = purpose.assessment_ids.filtered("used_at")
            purpose.assessment_id = used.sorted(lambda assessment: (assessment.used_at, assessment.id))[-1:]

    def _compute_notice_ids(self):
        notices = self.env["consent.notice"].search([("purpose_ids", "in", self.ids)])
        for purpose in self:
            purpose.notice_ids = notices.filtered(lambda notice, own=purpose: own in notice.purpose_ids)

    @api.depends_context("allowed_company_ids")
    def _compute_counts(self):
        bases = self.env["consent.basis"]
        in_force = dict(bases._read_group(self._in_force_domain(), ["purpose_id"], ["__count"]))
        again = Domain("purpose_id", "in", self.ids) & Domain("ask_again", "=", True)
        to_ask = dict(bases._read_group(again, ["purpose_id"], ["__count"])) if any(self.mapped("ask_again")) else {}
        for purpose in self:
            purpose.active_count = in_force.get(purpose, 0)
            purpose.ask_again_count = to_ask.get(purpose, 0)

    @api.constrains("state", "lawful_basis", "validity_months", *(f"channel_{channel}" for channel in CHANNELS))
    def _check_complete(self):
        for purpose in self.filtered(lambda p: p.state == "active"):
            if why := purpose._why_not_active():
                raise ValidationError(why)

    @api.constrains("validity_months", "renewal_days", "pending_days")
    def _check_terms(self):
        for purpose in self:
            if purpose.validity_months < 0 or purpose.renewal_days < 0:
                raise ValidationError(self.env._("A time cannot be negative: correct the terms of “%s”.", purpose.name))
            if not 1 <= purpose.pending_days <= LONGEST_WAIT_DAYS:
                raise ValidationError(
                    self.env._("An answer waits for its confirmation for 1 to %s days.", LONGEST_WAIT_DAYS)
                )

    @api.constrains("replaces_id")
    def _check_replaces(self):
        if self._has_cycle("replaces_id"):
            raise ValidationError(self.env._("A purpose cannot replace itself, not by a detour either."))

    @api.onchange("lawful_basis")
    def _onchange_lawful_basis(self):
        """Fill in what the company settled for consents."""
        if self.lawful_basis in BY_EVENT and not self.validity_months:
            self.validity_months = self.env.company.consent_validity_months
        if self.lawful_basis == "consent":
            self.double_opt_in = self.double_opt_in or self.env.company.consent_double_opt_in

    @api.model_create_multi
    def create(self, vals_list):
        self.env.registry.clear_cache()
        purposes = super().create(vals_list)
        purposes.filtered(lambda purpose: purpose.state == "active")._archive_replaced()
        return purposes

    def write(self, vals):
        fixed = {name: vals[name] for name in FIXED if name in vals}
        if any(purpose._differs(fixed) and purpose._is_used() for purpose in self):
            raise UserError(
                self.env._(
                    "A purpose in use keeps its code and lawful basis: the consents were given for it. "
                    "Make a new purpose."
                )
            )
        if vals.get("state") == "draft" and any(purpose.state != "draft" for purpose in self):
            raise UserError(self.env._("A purpose that was in use never becomes a draft again: archive it instead."))
        result = super().write(vals)
        # names and rules of the gate are cached
        self.env.registry.clear_cache()
        if vals.get("state") == "active":
            self._archive_replaced()
        return result

    def _archive_replaced(self):
        """Take out of use what these do instead: one processing has one lawful basis at a time."""
        self.replaces_id.filtered(lambda old: old.state == "active").action_archive_purpose()

    def copy_data(self, default=None):
        vals_list = super().copy_data(default)
        for purpose, vals in zip(self, vals_list, strict=True):
            if not (default or {}).get("code"):
                vals["code"] = self._free_code(purpose.code)
                vals["name"] = self.env._("%s (copy)", purpose.name)
            vals["evidence_ids"] = [
                Command.create({"source": row.source, "kind": row.kind}) for row in purpose.evidence_ids
            ]
        return vals_list

    @api.model
    def _free_code(self, code):
        # sudo: codes are unique over all companies
        taken = set(self.sudo().search([("code", "=like", f"{code}%")]).mapped("code"))
        return next(f"{code}.{number}" for number in range(2, len(taken) + 3) if f"{code}.{number}" not in taken)

    def update_field_translations(self, field_name, translations, source_lang=""):
        self.env.registry.clear_cache()
        return super().update_field_translations(field_name, translations, source_lang)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        if any(purpose._is_used() for purpose in self):
            raise UserError(self.env._("A purpose that was in use is never deleted: archive it instead."))

    # -- buttons -------------------------------------------------------------------------------------

    def action_activate(self):
        """Put the purpose into use; the one it replaces goes out of use.

        :raises UserError: saying what is missing
        """
        self.check_access("write")
        for purpose in self.filtered(lambda p: p.state != "active"):
            if why := purpose._why_not_active():
                raise UserError(why)
            purpose._draft_assessment()._use()
            purpose.state = "active"

    def action_archive_purpose(self):
        """Take the purpose out of use: nothing may be done for it any more."""
        self.check_access("write")
        self.state = "archived"

    def action_open_consents(self):
        """Open the consents that are in force for this purpose."""
        self.ensure_one()
        return self._open_bases(self.env._("Consents in force"), list(self._in_force_domain()))

    def action_open_ask_again(self):
        """Open the consents in force that were given under an older text, to be asked again."""
        self.ensure_one()
        domain = [("purpose_id", "=", self.id), ("ask_again", "=", True)]
        return self._open_bases(self.env._("To be asked again"), domain)

    def _open_bases(self, name, domain):
        action = self.env["ir.actions.act_window"]._for_xml_id("client_consent.action_consent_basis")
        return {**action, "name": name, "display_name": name, "domain": domain, "context": {"create": False}}

    # -- rules ---------------------------------------------------------------------------------------

    def _why_not_active(self):
        """What keeps the purpose from being used, or nothing."""
        if not self.lawful_basis:
            return self.env._(
                "Choose the lawful basis of “%s” first: without one nothing may be processed (Art. 6(1)).", self.name
            )
        if self.lawful_basis in BY_EVENT and self.validity_months <= 0:
            return self.env._("Say for how many months an answer to “%s” holds: it cannot be unlimited.", self.name)
        if self.validity_months > LONGEST_MONTHS:
            return self.env._(
                "An answer to “%(purpose)s” may hold for %(months)s months at most: longer is as good as unlimited.",
                purpose=self.name,
                months=LONGEST_MONTHS,
            )
        if self.lawful_basis == "legitimate_interest" and (why := self._why_no_interest()):
            return why
        if not self._channels():
            return self.env._("Choose at least one channel for “%s”.", self.name)
        return self._why_not_in_place_of_another()

    def _why_no_interest(self):
        """What the assessment of a legitimate interest lacks, or nothing."""
        if self.state != "active" and (draft := self._draft_assessment()):
            return draft._why_not_used()
        if not self.assessment_id:
            return self.env._(
                "Write the assessment of “%s” first: interest, necessity and balance (Art. 6(1)(f)).", self.name
            )
        return ""

    def _why_not_in_place_of_another(self):
        """What keeps the purpose from replacing another, or nothing.

        Who said no under the old one is kept out by the gate (:meth:`_vetoing_ids`); a lawful basis that asks
        nobody has no such gate, so it cannot take over from people who said no.
        """
        successor = self.sudo().search([("replaces_id", "in", self.ids), ("state", "=", "active")], limit=1)
        if successor:
            return self.env._(
                "“%(new)s” does in place of “%(old)s” what this purpose did: one processing has one lawful basis.",
                new=successor.name,
                old=self.name,
            )
        if self.replaces_id and self.lawful_basis not in BY_EVENT and self._refused_before():
            return self.env._(
                "People withdrew from or objected to what “%s” replaces. Another lawful basis cannot take over "
                "what they turned down: leave them out by a purpose that rests on consent or legitimate interest.",
                self.name,
            )
        return ""

    def _refused_before(self):
        # sudo: how somebody answered another company of the group counts too; only whether there is one is used
        return bool(
            self.env["consent.basis"]
            .sudo()
            .search_count(
                [("purpose_id", "in", self.replaces_id._vetoing_ids()), ("state", "in", ("withdrawn", "objected"))],
                limit=1,
            )
        )

    def _is_used(self):
        """Whether somebody may have relied on the purpose as it is: it was active, or a published text names it."""
        self.ensure_one()
        # sudo: a text of another company is not shown, only counted
        notices = self.env["consent.notice"].sudo()
        return self.state != "draft" or bool(
            notices.search_count([("purpose_ids", "in", self.ids), ("state", "!=", "draft")], limit=1)
        )

    def _differs(self, values):
        return any((self[name].id if name == "replaces_id" else self[name]) != value for name, value in values.items())

    def _draft_assessment(self):
        """The assessment that comes into force with the next activation, or nothing."""
        return self.assessment_ids.filtered(lambda assessment: not assessment.used_at).sorted("id")[-1:]

    def _in_force_domain(self):
        """Consents to these purposes that are in force today."""
        open_end = Domain("until", "=", False) | Domain("until", ">=", fields.Date.today())
        return Domain("purpose_id", "in", self.ids) & Domain("state", "=", "active") & open_end

    # -- what other parts ask ------------------------------------------------------------------------

    def _channels(self):
        """Channel codes of this purpose, in the order of the form."""
        return [channel for channel in CHANNELS if self[f"channel_{channel}"]]

    def _evidence_needed(self, source):
        """Whether an answer obtained this way waits for its evidence."""
        self.ensure_one()
        return source in self.evidence_ids.mapped("source")

    def _usable_notice(self, lang, company):
        """The published text for this purpose in a language, of a company; nothing when there is none.

        A text of another language or company is never shown instead: nobody agrees to what they cannot read.
        """
        self.ensure_one()
        published = self.env["consent.notice"].search(
            [("purpose_ids", "in", self.ids), ("company_id", "=", company.id), ("state", "=", "published")],
            order="published_at desc, id desc",
        )
        return published._in_language(lang)[:1]

    def _vetoing_ids(self):
        """Ids of this purpose and of all it replaces, one after the other: a no to any of them is a no to this one."""
        self.ensure_one()
        found, purpose = [], self.sudo()  # sudo: ids of the chain only, some may be another company's
        while purpose and purpose.id not in found:
            found.append(purpose.id)
            purpose = purpose.replaces_id
        return found
