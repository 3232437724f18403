import hashlib
import secrets
from datetime import timedelta

from odoo import api, fields, models

TOKEN_BYTES = 32


class ConsentToken(models.Model):
    """A link that lets its holder do one thing without logging in. Only its hash is kept.

    Whoever holds the link is taken for the person it was sent to: so it is random, made for one use, and ends.
    """

    _name = "consent.token"
    _description = "Link without Login"
    _log_access = False

    digest = fields.Char(required=True, readonly=True, groups=fields.NO_ACCESS)
    kind = fields.Char(required=True, readonly=True)
    subject_id = fields.Many2one("consent.subject", readonly=True, index="btree_not_null", ondelete="cascade")
    values = fields.Json(readonly=True)
    issued_at = fields.Datetime(readonly=True, default=fields.Datetime.now)
    ends_at = fields.Datetime(required=True, readonly=True, index=True)
    used_at = fields.Datetime(readonly=True)

    _digest_once = models.Constraint("unique(digest)", "Two links cannot have one token.")

    @api.model
    def _issue(self, kind, days, subject=None, **values):
        """Make a token for one kind of use and return its text, which nobody can read again.

        :param values: what the use needs, as JSON; ids and codes only, nothing that names a person
        """
        token = secrets.token_urlsafe(TOKEN_BYTES)
        self.sudo().create(
            {
                "digest": self._digest(token),
                "kind": kind,
                "subject_id": subject.id if subject else False,
                "values": values,
                "ends_at": fields.Datetime.now() + timedelta(days=days),
            }
        )
        return token

    @api.model
    def _find(self, token, kind):
        """The record behind a token that is still good for a use, or nothing: forged, ended and used look alike."""
        found = self.sudo().search([("digest", "=", self._digest(token or "")), ("kind", "=", kind)], limit=1)
        return found if found and not found.used_at and found.ends_at > fields.Datetime.now() else self.sudo().browse()

    def _use(self):
        """Let this token never be good again."""
        self.ensure_one()
        self.used_at = fields.Datetime.now()

    @staticmethod
    def _digest(token):
        return hashlib.sha256(token.encode()).hexdigest()

    @api.autovacuum
    def _gc_ended(self):
        """Remove links that ended a month ago: until then the page can say that they ended."""
        self.search([("ends_at", "<", fields.Datetime.now() - timedelta(days=30))]).unlink()
