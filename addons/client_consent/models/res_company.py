from odoo import api, fields, models
from odoo.exceptions import AccessError, ValidationError
from odoo.tools import email_normalize, format_date

#: What suits a company of ten people anywhere: cautious where countries differ. ``consent.country`` holds the rest.
PRESET = {
    "consent_validity_months": 24,
    "consent_renewal_days": 30,
    "consent_double_opt_in": True,
    "consent_pending_days": 30,
    "consent_evidence_megabytes": 25,
    "consent_evidence_months": 36,
}
#: field → (lowest, highest)
LIMITS = {
    "consent_validity_months": (1, 120),
    "consent_renewal_days": (0, 365),
    "consent_pending_days": (1, 365),
    "consent_evidence_megabytes": (1, 100),
    "consent_evidence_months": (0, 240),
}


class ResCompany(models.Model):
    """Every request reads the company it works for: these settings, which few of them need, are fetched apart."""

    _inherit = "res.company"

    consent_dpo_email = fields.Char(
        "Privacy e-mail",
        prefetch="consent",
        help="Where people write about their data: the data protection officer, or whoever answers in your company.",
    )
    consent_checkpoint_partner_ids = fields.Many2many(
        "res.partner",
        "res_company_consent_checkpoint_rel",
        string="Checkpoints are mailed to",
        help="People outside the administrators' reach, such as your accountant: with their copy nobody can rewrite "
        "the consents unnoticed.",
    )
    consent_validity_months = fields.Integer(
        "A consent lasts (months)",
        prefetch="consent",
        default=PRESET["consent_validity_months"],
        help="Filled in on new purposes. Consents that were given keep their own end.",
    )
    consent_renewal_days = fields.Integer(
        "Renew before the end (days)",
        prefetch="consent",
        default=PRESET["consent_renewal_days"],
        help="Filled in on new purposes: so many days before the end the salesperson is reminded.",
    )
    consent_double_opt_in = fields.Boolean(
        "Confirm by e-mail",
        prefetch="consent",
        default=PRESET["consent_double_opt_in"],
        help="Ticked on new purposes that rest on consent: it counts after the click in a mail.",
    )
    consent_pending_days = fields.Integer(
        "Wait for confirmation (days)",
        prefetch="consent",
        default=PRESET["consent_pending_days"],
        help="Filled in on new purposes: an answer that nobody confirms lapses after this time.",
    )
    consent_evidence_megabytes = fields.Integer(
        "Largest evidence file (MB)",
        prefetch="consent",
        default=PRESET["consent_evidence_megabytes"],
        help="Larger scans and recordings are refused.",
    )
    consent_evidence_months = fields.Integer(
        "Keep evidence after the end (months)",
        prefetch="consent",
        default=PRESET["consent_evidence_months"],
        help="Scans and recordings are shredded so long after the consent ended. "
        "Until then you can still prove that it was given.",
    )

    consent_send_receipts = fields.Boolean(
        "Send receipts",
        prefetch="consent",
        help="Everybody with an e-mail address gets a receipt of each answer that is recorded.",
    )

    @api.constrains(*LIMITS)
    def _check_consent_limits(self):
        for company in self:
            for name, (lowest, highest) in LIMITS.items():
                if not lowest <= company[name] <= highest:
                    raise ValidationError(
                        self.env._(
                            "%(setting)s: choose a number from %(lowest)s to %(highest)s.",
                            setting=self._fields[name]._description_string(self.env),
                            lowest=lowest,
                            highest=highest,
                        )
                    )

    @api.constrains("consent_dpo_email")
    def _check_consent_dpo_email(self):
        for company in self:
            if company.consent_dpo_email and not email_normalize(company.consent_dpo_email):
                raise ValidationError(self.env._("The privacy e-mail is not one e-mail address: correct it."))

    def _consent_addresses(self):
        """E-mail addresses at which people reach the company about their data, normalised."""
        self.ensure_one()
        # sudo: these stand in every letter of the company, but its contact may be hidden from the user
        company = self.sudo()
        found = (company.consent_dpo_email, company.email, company.partner_id.email)
        return tuple(dict.fromkeys(filter(None, map(email_normalize, filter(None, found)))))

    def consent_apply_preset(self):
        """Fill in what suits a small company in its country, and say what was set.

        What an administrator chose on purpose, an address or a recipient, is kept. Purposes nobody answered yet get
        the confirmation by e-mail.

        :return: sentences
        """
        self.ensure_one()
        if not self.env.user.has_group("client_consent.group_consent_manager"):
            raise AccessError(
                self.env._(
                    "Only a consent manager changes these settings. Ask an administrator for Privacy / Consents."
                )
            )
        self.check_access("read")
        # sudo: only these settings of a company the user may see, and only their shipped values
        company = self.sudo()
        company.write(PRESET)
        said = [
            self.env._(
                "A consent lasts %(months)s months; the salesperson is reminded %(days)s days before the end.",
                months=company.consent_validity_months,
                days=company.consent_renewal_days,
            ),
            self.env._(
                "New purposes ask for a confirmation by e-mail; what nobody confirms lapses after %s days.",
                company.consent_pending_days,
            ),
            self.env._(
                "Evidence files: %(size)s MB at most, shredded %(months)s months after the consent ended.",
                size=company.consent_evidence_megabytes,
                months=company.consent_evidence_months,
            ),
        ]
        if not company.consent_dpo_email and (address := email_normalize(company.email or "")):
            company.consent_dpo_email = address
            said.append(self.env._("People write about their data to %s, the company's address.", address))
        elif not company.consent_dpo_email:
            said.append(self.env._("Still missing: an e-mail address to which people write about their data."))
        if not company.consent_checkpoint_partner_ids:
            said.append(self.env._("Still missing: somebody outside, such as your accountant, who gets checkpoints."))
        return [*said, self._consent_preset_purposes(), *self._consent_country_sentences(self.country_id)]

    def _consent_preset_purposes(self):
        """Let purposes nobody answered yet be confirmed by e-mail; one sentence on what was done."""
        purposes = self.env["consent.purpose"].search(
            [
                ("lawful_basis", "=", "consent"),
                ("channel_email", "=", True),
                ("double_opt_in", "=", False),
                ("company_id", "in", (self.id, False)),
            ]
        )
        # sudo: answers given to other companies count too; only whether there are some is used
        answered = self.env["consent.event"].sudo()._read_group([("purpose_id", "in", purposes.ids)], ["purpose_id"])
        untouched = purposes.filtered(lambda purpose: (purpose,) not in answered)
        if not untouched:
            return self.env._("No purpose was changed.")
        untouched.double_opt_in = True
        return self.env._("Confirmed by e-mail from now on: %s.", ", ".join(untouched.mapped("name")))

    def _consent_country_sentences(self, country):
        """What the law of a country settles for a company that sits there, in sentences."""
        if not country:
            return [self.env._("Still missing: the company's country. Its age limit and authority follow from it.")]
        countries = self.env["consent.country"]
        law, row = countries._of(country), countries._age_row(country, fields.Date.context_today(self))
        said = []
        if row.age:
            said.append(
                self.env._(
                    "Below %(age)s years a parent confirms (%(country)s, looked up %(day)s).",
                    age=row.age,
                    country=country.name,
                    day=format_date(self.env, row.verified_on),
                )
            )
        else:
            said.append(
                self.env._("%s: no age limit is known. Ask a lawyer before you turn to children.", country.name)
            )
        if law:
            said.append(self.env._("People may complain to: %s.", law.authority))
        return said
