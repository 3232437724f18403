import hashlib
import re

from markupsafe import Markup
from odoo import api, fields, models
from odoo.exceptions import UserError

from ..tools import canonical, notice_lint, text_diff
from ..tools.notice_wording import language

ALGORITHM = "n1"  # SHA-256 of the canonical bytes of ConsentNotice._digest_values
#: What a publication fixes, and what only a publication sets.
FIXED = frozenset({"code", "version", "lang", "name", "body", "purpose_ids", "company_id", "asks_again"})
SET_BY_PUBLICATION = frozenset({"state", "published_at", "superseded_at", "sha256", "algorithm", "facts"})
DIGEST = re.compile(r"[0-9a-f]{64}")


class ConsentNotice(models.Model):
    """The exact text a subject saw, in one language. Once published it is never edited, only superseded."""

    _name = "consent.notice"
    _description = "Consent Notice"
    _order = "code, company_id, lang, version desc"
    _check_company_auto = True

    code = fields.Char(required=True, help="The same in all languages and versions of a text, e.g. newsletter.")
    version = fields.Integer(readonly=True, copy=False)
    lang = fields.Selection(
        lambda self: self.env["res.lang"].get_installed(),
        "Language",
        required=True,
        default=lambda self: self.env.lang or "en_US",
    )
    name = fields.Char("Title", required=True)
    body = fields.Html(
        "Text", required=True, help="What the person reads before deciding: who, why, how long, and how to withdraw."
    )
    purpose_ids = fields.Many2many(
        "consent.purpose",
        string="Purposes",
        check_company=True,
        help="What the text is about. It can be used for these purposes only.",
    )
    company_id = fields.Many2one(
        "res.company",
        required=True,
        default=lambda self: self.env.company,
        index=True,
        ondelete="restrict",
        help="Whose text it is. Another company needs its own.",
    )
    asks_again = fields.Boolean(
        "The change matters",
        default=True,
        copy=False,
        help="Untick it when only the wording changed: then nobody who agreed to an earlier version is asked again.",
    )
    state = fields.Selection(
        [("draft", "Draft"), ("published", "Published"), ("superseded", "Superseded")],
        default="draft",
        required=True,
        readonly=True,
        copy=False,
    )
    published_at = fields.Datetime("Published", readonly=True, copy=False)
    superseded_at = fields.Datetime("Replaced", readonly=True, copy=False)
    sha256 = fields.Char(
        "Fingerprint",
        readonly=True,
        copy=False,
        help="SHA-256 of title, text, language, version, company and purposes as published.",
    )
    algorithm = fields.Char(readonly=True, copy=False, help="How the fingerprint was made.")
    facts = fields.Json(readonly=True, copy=False)
    facts_html = fields.Html("What the purposes say", compute="_compute_facts_html", sanitize=False)
    findings_html = fields.Html("Before you publish", compute="_compute_findings", sanitize=False)
    blocked = fields.Boolean(compute="_compute_findings")
    previous_id = fields.Many2one("consent.notice", "Version before", compute="_compute_neighbours")
    next_id = fields.Many2one("consent.notice", "Version after", compute="_compute_neighbours")
    changes_html = fields.Html("Changes", compute="_compute_changes_html", sanitize=False)
    url = fields.Char("Address", compute="_compute_url", help="Public, and the same for ever.")
    ask_again_count = fields.Integer("To be asked again", compute="_compute_ask_again_count")

    _version_once = models.Constraint(
        "unique(code, company_id, lang, version)", "This version of the notice exists already."
    )
    _published_once = models.UniqueIndex(
        "(code, company_id, lang) WHERE state = 'published'",
        "Somebody published another version of this notice just now: reload the page.",
    )
    _address_once = models.UniqueIndex("(sha256) WHERE sha256 IS NOT NULL")
    _code_plain = models.Constraint(
        "CHECK(code ~ '^[A-Za-z0-9][A-Za-z0-9_.-]*$')",
        "A code is written with letters without accents, digits, and the signs . _ - only, like newsletter_shop.",
    )

    @api.depends("name", "version")
    @api.depends_context("lang")
    def _compute_display_name(self):
        for notice in self:
            title, version = notice.name, notice.version
            notice.display_name = self.env._("%(title)s, version %(version)s", title=title, version=version)

    @api.depends("facts", "purpose_ids", "lang", "state")
    def _compute_facts_html(self):
        for notice in self:
            facts = notice.facts or notice._purpose_facts()
            notice.facts_html = notice._facts_as_html(facts)

    @api.depends("name", "body", "lang", "company_id", "purpose_ids", "state")
    def _compute_findings(self):
        for notice in self:
            findings = notice._lint() if notice.state == "draft" else []
            notice.blocked = any(finding.severity == notice_lint.ERROR for finding in findings)
            notice.findings_html = notice._findings_as_html(findings)

    @api.depends("code", "company_id", "lang", "version", "state")
    def _compute_neighbours(self):
        fixed = self.search([("code", "in", self.mapped("code")), ("state", "!=", "draft")], order="version")
        for notice in self:
            siblings = fixed.filtered(notice._is_sibling)
            notice.previous_id = siblings.filtered(lambda other, own=notice: other.version < own.version)[-1:]
            notice.next_id = siblings.filtered(lambda other, own=notice: other.version > own.version)[:1]

    @api.depends("body", "name", "previous_id")
    def _compute_changes_html(self):
        for notice in self:
            notice.changes_html = notice._changes_as_html() if notice.previous_id else False

    @api.depends("sha256")
    def _compute_url(self):
        for notice in self:
            notice.url = f"{notice.get_base_url()}{notice._url()}" if notice.sha256 else False

    def _compute_ask_again_count(self):
        for notice in self:
            notice.ask_again_count = self.env["consent.basis"].search_count(notice._ask_again_domain())

    @api.model_create_multi
    def create(self, vals_list):
        latest = {}
        for vals in vals_list:
            if vals.get("state", "draft") != "draft" or vals.keys() & (SET_BY_PUBLICATION - {"state"}):
                raise UserError(self.env._("A notice begins as a draft: write it, then publish it."))
            text = (
                vals.get("code"),
                vals.get("company_id") or self.env.company.id,
                vals.get("lang") or self.env.lang or "en_US",
            )
            latest[text] = vals.setdefault("version", (latest.get(text) or self._latest_version(*text)) + 1)
        # said outright, so that no default of a caller's context says something else
        draft = {**dict.fromkeys(SET_BY_PUBLICATION, False), "state": "draft"}
        return super().create([{**vals, **draft} for vals in vals_list])

    def write(self, vals):
        if SET_BY_PUBLICATION & vals.keys():
            raise UserError(self.env._("A notice is published and superseded by its buttons, not by hand."))
        if FIXED & vals.keys() and any(notice.state != "draft" for notice in self):
            raise UserError(
                self.env._(
                    "A published notice is never edited: people agreed to exactly this text. Make a new version."
                )
            )
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_published(self):
        if any(notice.state != "draft" for notice in self):
            raise UserError(self.env._("A published notice is evidence and is never deleted."))

    # -- buttons -------------------------------------------------------------------------------------

    def action_publish(self):
        """Fix the text for ever; the version before it in this language is superseded.

        :raises UserError: when the text would make consents worthless or is untrue, saying where
        """
        self.check_access("write")
        for notice in self:
            if why := notice._why_not_published():
                raise UserError(why)
            now = fields.Datetime.now()
            earlier = self.search([("code", "=", notice.code), ("state", "=", "published")])
            earlier.filtered(notice._is_sibling)._fix({"state": "superseded", "superseded_at": now})
            notice._fix({"facts": notice._purpose_facts(), "algorithm": ALGORITHM})
            notice._fix({"sha256": notice._digest(), "state": "published", "published_at": now})

    def action_new_version(self):
        """Start the next version as a draft with the same text."""
        self.ensure_one()
        draft = self.copy()
        return {"type": "ir.actions.act_window", "res_model": self._name, "res_id": draft.id, "view_mode": "form"}

    def action_open_public(self):
        """Open the page everybody can read."""
        self.ensure_one()
        return {"type": "ir.actions.act_url", "url": self._url(), "target": "new"}

    def action_open_ask_again(self):
        """Open the consents in force that were given under an older version of this text."""
        self.ensure_one()
        return self.purpose_ids[:1]._open_bases(self.env._("To be asked again"), self._ask_again_domain())

    def _fix(self, vals):
        """Write what only a publication sets."""
        # pylint: disable-next=super-method-mismatch
        return super().write(vals)

    # -- publication ---------------------------------------------------------------------------------

    @api.model
    def _latest_version(self, code, company_id, lang):
        versions = [("code", "=", code), ("company_id", "=", company_id), ("lang", "=", lang)]
        return self.search(versions, order="version desc", limit=1).version

    def _why_not_published(self):
        """What keeps the notice from being published, or nothing."""
        if self.state != "draft":
            return self.env._("This notice is published already.")
        if self.next_id:
            return self.env._(
                "Version %s of this notice is published already, which is later: make a new version.",
                self.next_id.version,
            )
        errors = [finding for finding in self._lint() if finding.severity == notice_lint.ERROR]
        if errors:
            return "\n".join(
                [
                    self.env._("The notice cannot be published like this:"),
                    *(f"• {self._finding_text(finding)}" for finding in errors),
                ]
            )
        return ""

    def _digest(self):
        return hashlib.sha256(canonical.canonical(self._digest_values())).hexdigest()

    def _digest_values(self):
        """What the fingerprint covers, as plain values; a new algorithm gets a new letter, old ones stay checkable."""
        return {
            "algorithm": self.algorithm,
            "code": self.code,
            "version": self.version,
            "lang": self.lang,
            "company": self.company_id.id,
            "title": self.name,
            "text": str(self.body),
            "purposes": sorted(self.purpose_ids.mapped("code")),
            "facts": self.facts,
        }

    def _purpose_facts(self):
        """What the purposes say to the person, in the language of the text: it stands below it, fixed with it."""
        return [
            {
                "code": purpose.code,
                "name": purpose.name,
                "description": purpose.description or "",
                "lawful_basis": purpose.lawful_basis or "",
                "statute": purpose.statute or "",
                "months": purpose.validity_months,
                "recipients": purpose.recipients or "",
                "countries": purpose.recipient_country_ids.mapped("name"),
            }
            for purpose in self._spoken().purpose_ids.sorted("code")
        ]

    def _is_sibling(self, other):
        """Whether another notice is a version of this one."""
        return (self.code, self.company_id, self.lang) == (other.code, other.company_id, other.lang)

    def _ask_again_domain(self):
        older = self.search([("code", "=", self.code), ("version", "<", self.version), ("state", "!=", "draft")])
        return [("ask_again", "=", True), ("notice_id", "in", older.filtered(self._is_sibling).ids)]

    # -- words ---------------------------------------------------------------------------------------

    def _lint(self):
        """What is wrong with the text, as findings of ``tools.notice_lint``."""
        self.ensure_one()
        purposes = self._spoken().purpose_ids
        return notice_lint.lint(
            notice_lint.Draft(
                title=self.name or "",
                html=str(self.body or ""),
                lang=self.lang or "",
                company=self.company_id.name or "",
                addresses=self.company_id._consent_addresses() if self.company_id else (),
                purposes=tuple(
                    notice_lint.Purpose(
                        purpose.name or "",
                        purpose.lawful_basis or "",
                        bool((purpose.recipients or "").strip() or purpose.recipient_country_ids),
                    )
                    for purpose in purposes
                ),
            )
        )

    def _finding_text(self, finding):
        """One finding as a sentence that says what follows and what to do."""
        text = {
            "empty": self.env._("There is no text yet: write what the person should know."),
            "pre_ticked": self.env._("A box ticked in advance gives no consent. Let people tick it themselves."),
            "silence": self.env._("Silence, or using a site, is no consent. Ask for a clear yes."),
            "bundled": self.env._(
                "A consent that comes with an order, a signature or with everything else is not free, so it is void. "
                "Ask for it on its own, apart from the contract."
            ),
            "unnamed": self.env._(
                "The text asks for this purpose without naming it. People can only agree to what they read."
            ),
            "no_recipients": self.env._(
                "The text says that nobody gets the data, but its purposes have recipients. Name them, "
                "or take them out of the purpose."
            ),
            "unlimited": self.env._("A consent without end is not allowed. Say for how long it holds."),
            "no_withdrawal": self.env._(
                "The text does not say how to withdraw the consent. Without it the consent is void (Art. 7(3))."
            ),
            "foreign_contact": self.env._(
                "This address is not the company's, so withdrawals would go elsewhere. Use the company's address, "
                "or enter this one as privacy e-mail in the settings."
            ),
            "other_contact": self.env._("Check this address: it is not the one in the settings."),
            "no_contact": self.env._("The text names no e-mail address. People should know where to write."),
            "no_controller": self.env._("The text does not name %s, the company that asks.", self.company_id.name),
            "no_objection": self.env._(
                "The text does not say how to object. People must be told clearly (Art. 21(4))."
            ),
            "no_purpose": self.env._("No purpose is chosen, so nobody sees what the text is for."),
            "language": self.env._(
                "The wording is not checked in this language: let somebody read it who knows the law."
            ),
        }[finding.code]
        return self.env._("%(text)s (“%(quote)s”)", text=text, quote=finding.quote) if finding.quote else text

    def _findings_as_html(self, findings):
        if not findings:
            return False
        words = {notice_lint.ERROR: self.env._("Must be mended"), notice_lint.WARNING: self.env._("Have a look")}
        colours = {notice_lint.ERROR: "danger", notice_lint.WARNING: "warning"}
        return Markup('<ul class="list-unstyled mb-0">%s</ul>') % Markup().join(
            Markup('<li class="mb-1"><span class="badge text-bg-%s">%s</span> %s</li>')
            % (colours[finding.severity], words[finding.severity], self._finding_text(finding))
            for finding in findings
        )

    def _facts_as_html(self, facts):
        """What the purposes say, as a list; in the language of the text."""
        notice = self._spoken()
        purposes = notice.env["consent.purpose"]
        lawful_bases = dict(purposes._fields["lawful_basis"]._description_selection(notice.env))
        shown = []
        for fact in facts:
            lines = [fact["description"], lawful_bases.get(fact["lawful_basis"], ""), fact["statute"]]
            if fact["months"]:
                lines.append(notice.env._("For %s months at most.", fact["months"]))
            if fact["recipients"]:
                lines.append(notice.env._("Who else gets the data: %s", fact["recipients"]))
            if fact["countries"]:
                lines.append(notice.env._("Countries: %s", ", ".join(fact["countries"])))
            body = Markup("<br/>").join(line for line in lines if line)
            shown.append(Markup("<dt>%s</dt><dd>%s</dd>") % (fact["name"], body))
        return Markup("<dl>%s</dl>") % Markup().join(shown) if shown else False

    def _changes_as_html(self):
        """What changed since the version before, also in what its purposes say."""
        return Markup(text_diff.changes(self.previous_id._as_read(), self._as_read()))

    def _as_read(self):
        title = Markup("<p>%s</p>") % (self.name or "")
        return str(title + (self.body or Markup()) + (self.facts_html or Markup()))

    # -- what other parts ask ------------------------------------------------------------------------

    def _url(self):
        """The permanent address of the public page, without the host; nothing for a draft."""
        self.ensure_one()
        return f"/privacy/notice/{self.sha256}" if self.sha256 else ""

    @api.model
    def _by_digest(self, digest):
        """The published or superseded notice behind a permanent address, or nothing."""
        if not DIGEST.fullmatch(digest or ""):
            return self.browse()
        return self.search([("sha256", "=", digest), ("state", "!=", "draft")], limit=1)

    def _spoken(self):
        """This notice, with what stands around its text in the same language; in ours when that was switched off."""
        self.ensure_one()
        known = self.env["res.lang"]._get_data(code=self.lang) if self.lang else None
        return self.with_context(lang=self.lang) if known else self

    def _in_language(self, lang):
        """Those in a language, the exact one first; all when no language is given."""
        if not lang:
            return self
        exact = self.filtered(lambda notice: notice.lang == lang)
        return exact | self.filtered(lambda notice: language(notice.lang) == language(lang))
