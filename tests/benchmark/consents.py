"""What the add-ons bring to the populated database: consents with a history, and the finder's indexes."""

from odoo.tools import split_every

CHUNK = 5_000


def add(env):
    """Record consents with a history, by the add-on's own methods: seven of ten gave one, some took it back.

    Builds the finder's indexes on large tables too, as the cron does.
    """
    env["gdpr.data.path"]._cron_build_indexes()
    ids = env["res.partner"].search([("email", "=like", "%@post.example")], order="id").ids
    for chunk in split_every(CHUNK, ids):
        people = env["res.partner"].browse(chunk)
        gave = people.filtered(lambda partner: partner.id % 10 < 7)
        gave.consent_give("newsletter", ["email"], "web_form", given_at="2026-01-15 10:00:00")
        people.filtered(lambda partner: partner.id % 10 < 2).consent_withdraw(
            "newsletter", ["email"], "email", at="2026-03-15 10:00:00"
        )
        people.filtered(lambda partner: partner.id % 10 == 0).consent_give(
            "newsletter", ["email"], "in_person", given_at="2026-05-15 10:00:00"
        )
        env.cr.commit()
        env.invalidate_all()
