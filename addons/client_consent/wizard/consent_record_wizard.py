import base64

from markupsafe import Markup
from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_date, html2plaintext

from ..models.consent_event import SOURCES
from ..models.consent_purpose import BY_EVENT, CHANNELS
from ..tools import consent_form, fold
from ..tools.errors import FontMissing

#: What a person types in; forms, pop-ups, the portal, imports and other systems record by themselves.
BY_HAND = (
    "in_person",
    "paper",
    "phone",
    "sms_keyword",
    "email",
    "contract",
    "event",
    "referral",
    "public",
    "bought",
)
SCAN_DAYS = 365


class ConsentRecordWizard(models.TransientModel):
    """Records what a person said, as they said it: purposes, channels, how and when.

    Before anything is saved it says what the answer will be worth. A caller that knows the one purpose may
    give ``purpose_id`` and its channels instead of lines.
    """

    _name = "consent.record.wizard"
    _description = "Record a Consent"
    _rec_name = "partner_id"

    partner_id = fields.Many2one("res.partner", "Contact", required=True, readonly=True, ondelete="cascade")
    company_id = fields.Many2one("res.company", required=True, readonly=True, default=lambda self: self.env.company)
    purpose_id = fields.Many2one("consent.purpose", domain=[("state", "=", "active"), ("lawful_basis", "in", BY_EVENT)])
    channel_email = fields.Boolean("E-mail")
    channel_sms = fields.Boolean("SMS")
    channel_phone = fields.Boolean("Phone")
    channel_post = fields.Boolean("Post")
    channel_messenger = fields.Boolean("Messenger")
    line_ids = fields.One2many("consent.record.wizard.line", "wizard_id", "The person agreed to")
    source = fields.Selection(
        [(code, label) for code, label in SOURCES if code in BY_HAND], "How", required=True, default="in_person"
    )
    given_at = fields.Datetime("When", required=True, default=fields.Datetime.now)
    script_version = fields.Char("Text read aloud", help="Which version of the text the person heard.")
    operator_id = fields.Many2one("res.users", "Who called", default=lambda self: self.env.user)
    words = fields.Text("Words of the person", help="The message as it came in.")
    occasion = fields.Char(help="Which event, where and when.")
    contract = fields.Char("Contract no.")
    referrer_id = fields.Many2one("res.partner", "Recommended by")
    seller = fields.Char(help="Who sold the list.")
    url = fields.Char("Where found", help="The page or place where the data were found.")
    proof = fields.Char("Seller's proof", help="Where the seller's proof of this person's own consent lies.")
    evidence_ids = fields.Many2many("ir.attachment", help="Scan, photo, recording, message. It is kept encrypted.")
    note = fields.Char(help="Where the original lies, or what was said. It is kept with the event.")
    notice_text = fields.Html(compute="_compute_notice_text", sanitize=False)
    consequence = fields.Html(compute="_compute_consequence", sanitize=False)
    form_file = fields.Binary(attachment=False, readonly=True)
    scan_token_id = fields.Many2one("consent.token", readonly=True, ondelete="set null", groups=fields.NO_ACCESS)

    @api.model
    def default_get(self, fields_list):
        """Put every purpose in use on the list, or only the one that the caller names."""
        values = super().default_get(fields_list)
        if "line_ids" in fields_list and "line_ids" not in values:
            only = values.get("purpose_id") or self.env.context.get("default_purpose_id")
            domain = [("id", "=", only)] if only else [("company_id", "in", (False, self.env.company.id))]
            purposes = self.env["consent.purpose"].search(
                [("state", "=", "active"), ("lawful_basis", "in", BY_EVENT), *domain]
            )
            values["line_ids"] = [fields.Command.create({"purpose_id": purpose.id}) for purpose in purposes]
        return values

    @api.depends("line_ids.notice_id")
    def _compute_notice_text(self):
        block = Markup("<h4>{name}</h4>{body}")
        for wizard in self:
            notices = wizard.line_ids.notice_id
            wizard.notice_text = Markup().join(block.format(name=n.name, body=n.body) for n in notices) or False

    @api.depends(
        "line_ids.purpose_id",
        *(f"line_ids.channel_{channel}" for channel in CHANNELS),
        "source",
        "given_at",
        "evidence_ids",
        "partner_id",
    )
    def _compute_consequence(self):
        """What the ticks will mean, before they are saved."""
        for wizard in self:
            recording = self.env["consent.recording"].with_company(wizard.company_id)
            person, lines = wizard.partner_id._origin, []
            for purpose, channels, _notice in wizard._answers():
                if not (person and wizard.given_at and wizard.source and channels):
                    continue
                has_evidence = bool(wizard.evidence_ids)
                outlook = recording._outlook(person, purpose, wizard.source, wizard.given_at, has_evidence)
                written_to = wizard.source not in fold.QUARANTINED_SOURCES and person.email_normalized
                text = recording._consequence(outlook, person, written_to)
                lines.append(Markup("<li><b>{}</b>: {}</li>").format(purpose.display_name, text))
            wizard.consequence = Markup("<ul>{}</ul>").format(Markup().join(lines)) if lines else False

    def _answers(self):
        """What was said yes to: ``[(purpose, channels, notice)]``."""
        answers = [(line.purpose_id._origin, line._ticked(), line.notice_id._origin) for line in self.line_ids]
        if self.purpose_id:
            channels = [channel for channel in CHANNELS if self[f"channel_{channel}"]]
            notice = self.line_ids.filtered(lambda line: line.purpose_id == self.purpose_id).notice_id[:1]
            answers.append((self.purpose_id._origin, channels, notice._origin))
        return [answer for answer in answers if answer[1]]

    def action_record(self):
        """Record what was ticked and close."""
        self.ensure_one()
        self.partner_id._consent_check_caller()
        answers = self._answers()
        if not answers:
            raise UserError(self.env._("Tick at least one channel the person agreed to, or press Cancel."))
        files = [
            {"name": attachment.name, "content": base64.b64encode(attachment.raw).decode()}
            for attachment in self.evidence_ids
        ]
        self.env["consent.recording"].with_company(self.company_id)._give_all(
            self.partner_id.with_company(self.company_id),
            answers,
            self.source,
            evidence=files,
            given_at=self.given_at,
            note=self.note or self.occasion or None,
            detail=self._prepare_detail(),
        )
        self.env["consent.evidence"]._drop_uploads(self.evidence_ids, self)
        if token := self.sudo().scan_token_id:  # a printed form is recorded once
            token._use()
            return {
                "type": "ir.actions.act_window",
                "res_model": "res.partner",
                "res_id": self.partner_id.id,
                "views": [(False, "form")],
            }
        return {"type": "ir.actions.act_window_close"}

    def _prepare_detail(self):
        """What belongs to this way of obtaining a consent; what is asked for must be there."""
        missing, detail = [], {}

        def take(name, value, label, needed=True):
            if value:
                detail[name] = value
            elif needed:
                missing.append(label)

        match self.source:
            case "phone":
                take("script_version", self.script_version, self.env._("text read aloud"))
                take("operator", self.operator_id.id, self.env._("who called"))
            case "sms_keyword" | "email":
                take("words", self.words, self.env._("words of the person"))
            case "contract":
                take("contract", self.contract, self.env._("contract number"))
            case "event":
                take("words", self.occasion, self.env._("occasion"))
            case "referral":
                subjects = self.env["consent.subject"]._of_partners(self.referrer_id, create=True)
                referrer = subjects.get(self.referrer_id.id)
                take("referrer", referrer and referrer.sudo().uuid, self.env._("recommended by"))
            case "public":
                take("url", self.url, self.env._("where found"))
            case "bought":
                take("seller", self.seller, self.env._("seller"))
                take("contract", self.contract, self.env._("contract number"))
                take("proof", self.proof, self.env._("seller's proof"))
        if missing:
            raise UserError(self.env._("Fill in first: %s.", ", ".join(missing)))
        return detail

    # -- printed form ----------------------------------------------------------------------------------

    def action_print_form(self):
        """Make the paper form for this person; its code opens this dialog again when the signed form comes back."""
        self.ensure_one()
        self.partner_id._consent_check_caller()
        offered = self.line_ids.filtered("offered")
        if not offered:
            raise UserError(self.env._("There is nothing to ask: the contact has no address, or no purpose is in use."))
        try:
            self.form_file = base64.b64encode(self._form(offered))
        except FontMissing as error:
            raise UserError(
                self.env._("The font %s is missing: have the package fonts-dejavu-core installed.", error.font)
            ) from error
        name = self.env._("consent-form-%s.pdf", self.id)
        return {
            "type": "ir.actions.act_url",
            "url": f"/web/content/{self._name}/{self.id}/form_file?download=true&filename={name}",
            "target": "download",
        }

    def _form(self, lines):
        """The form as PDF, in the person's language."""
        person, company = self.partner_id, self.company_id
        reads = self.with_context(lang=person.lang or company.partner_id.lang or self.env.lang)
        t = reads.env._
        token = self.env["consent.token"]._issue(
            "scan",
            SCAN_DAYS,
            subject=self.env["consent.subject"]._of_partners(person, create=True)[person.id],
            partner=person.id,
            company=company.id,
            lines=[[line.purpose_id.id, line.notice_id.id] for line in lines],
        )
        base = self.env["ir.config_parameter"].sudo().get_param("web.base.url")  # printed for staff and person alike
        channels = dict(reads.env["consent.event"]._fields["channel"]._description_selection(reads.env))
        today = fields.Date.today()
        minor = any(self.env["consent.recording"]._is_minor(person, line.purpose_id, today) for line in lines)
        return consent_form.render(
            consent_form.Form(
                title=t("Consent"),
                company=company.name,
                company_lines=tuple(filter(None, html2plaintext(company.company_details or "").splitlines())),
                person=person.name or "",
                intro=t("Nothing here is a condition of anything else. Tick only what you agree to."),
                notices=tuple(
                    (notice.name, tuple(filter(None, map(str.strip, html2plaintext(notice.body).split("\n")))))
                    for notice in lines.notice_id
                ),
                questions=tuple(
                    consent_form.Question(
                        purpose=line.purpose_id.with_env(reads.env).name,
                        description=line.purpose_id.with_env(reads.env).description or "",
                        channels=tuple(channels[code] for code in line.offered.split(",")),
                    )
                    for line in lines
                ),
                withdraw=t("You can take this back at any time; it is as easy as giving it."),
                date_label=t("Date"),
                signature_label=t("Signature of the guardian") if minor else t("Signature"),
                code=f"{base}/privacy/scan/{token}",
                code_label=t("For the office: scan when signed. Printed %s", format_date(reads.env, today)),
            )
        )

    @api.model
    def _from_scan(self, token):
        """The dialog for a signed form that came back, filled in but for the ticks."""
        said = token.values
        partner = self.env["res.partner"].browse(said["partner"]).exists()
        if not partner or partner not in token.subject_id.partner_id:
            raise UserError(self.env._("This contact is gone or was merged: open the contact and record it there."))
        partner._consent_check_caller()
        wizard = self.with_company(said["company"]).create(
            {
                "partner_id": partner.id,
                "source": "paper",
                "line_ids": [
                    fields.Command.create({"purpose_id": purpose, "notice_id": notice})
                    for purpose, notice in said["lines"]
                ],
            }
        )
        wizard.sudo().scan_token_id = token  # used when the answer is recorded
        return wizard
