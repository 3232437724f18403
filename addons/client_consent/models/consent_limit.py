from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL


class ConsentLimit(models.Model):
    """How often somebody called a page lately: one row a call, kept for an hour, naming nobody.

    Rows instead of a counter, so that callers never wait for each other; in the database, so that all
    workers count together.
    """

    _name = "consent.limit"
    _description = "Calls of Public Pages"
    _log_access = False

    digest = fields.Char(required=True, readonly=True)
    at = fields.Datetime(required=True, readonly=True, index=True)

    _lately = models.Index("(digest, at)")

    @api.model
    def _allowed(self, digest, per_minute):
        """Count one call and say whether it is still within the limit."""
        now = fields.Datetime.now()
        rows = self.env.execute_query(
            SQL(
                """INSERT INTO consent_limit (digest, at)
                   SELECT %(digest)s, %(now)s
                    WHERE (SELECT count(*) FROM consent_limit
                            WHERE digest = %(digest)s AND at > %(minute_ago)s) < %(limit)s
                RETURNING id""",
                digest=digest,
                now=now,
                minute_ago=now - timedelta(minutes=1),
                limit=per_minute,
            )
        )
        return bool(rows)

    @api.autovacuum
    def _gc_calls(self):
        self.search([("at", "<", fields.Datetime.now() - timedelta(hours=1))]).unlink()
