import hashlib

from odoo import api, fields, models
from odoo.exceptions import UserError

FIXED = frozenset({"code", "version", "lang", "name", "body", "sha256"})


class ConsentNotice(models.Model):
    """The exact text a subject saw, in one language. Once published it is never edited, only superseded."""

    _name = "consent.notice"
    _description = "Consent Notice"
    _order = "code, lang, version desc"

    code = fields.Char(required=True)
    version = fields.Integer(required=True, readonly=True, default=1)
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
    purpose_ids = fields.Many2many("consent.purpose", string="Purposes")
    state = fields.Selection(
        [("draft", "Draft"), ("published", "Published"), ("superseded", "Superseded")],
        default="draft",
        required=True,
        readonly=True,
    )
    published_at = fields.Datetime(readonly=True)
    sha256 = fields.Char("Fingerprint", readonly=True, help="SHA-256 of title and text as published.")

    _version_once = models.Constraint("unique(code, lang, version)", "This version of the notice exists already.")

    @api.depends("code", "version", "lang")
    def _compute_display_name(self):
        for notice in self:
            notice.display_name = f"{notice.code} v{notice.version} ({notice.lang})"

    def write(self, vals):
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

    def action_publish(self):
        """Fix the text for ever; the version before it in this language is superseded."""
        self.check_access("write")
        for notice in self:
            if notice.state != "draft":
                raise UserError(self.env._("This notice is published already."))
            digest = hashlib.sha256(f"{notice.name}\n{notice.body}".encode()).hexdigest()
            earlier = self.search([("code", "=", notice.code), ("lang", "=", notice.lang), ("state", "=", "published")])
            notice.write({"state": "published", "published_at": fields.Datetime.now(), "sha256": digest})
            earlier.write({"state": "superseded"})

    def action_new_version(self):
        """Start the next version as a draft with the same text."""
        self.ensure_one()
        latest = self.search([("code", "=", self.code), ("lang", "=", self.lang)], order="version desc", limit=1)
        draft = self.copy({"version": latest.version + 1, "state": "draft", "published_at": False, "sha256": False})
        return {"type": "ir.actions.act_window", "res_model": self._name, "res_id": draft.id, "view_mode": "form"}
