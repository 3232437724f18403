"""What the add-ons bring to the populated database: consents with a history, signed, and the finder's indexes."""

from datetime import date, datetime

from odoo.tools import split_every

CHUNK = 10_000
#: What people said, one after the other: kind, how, when, last digits of those who did. Seven of ten end as a yes.
HISTORY = (
    ("given", "portal", datetime(2026, 1, 15, 10), "01234567"),
    ("withdrawn", "email", datetime(2026, 3, 15, 10), "01"),
    ("given", "in_person", datetime(2026, 5, 15, 10), "0"),
)


def add(env):
    """Append the answers of everybody and sign the ledger.

    Builds the finder's indexes on large tables too, as the cron does.
    """
    env["gdpr.data.path"]._cron_build_indexes()
    purpose = env.ref("client_consent.purpose_newsletter")
    ids = env["res.partner"].search([("email", "=like", "%@post.example")], order="id").ids
    for chunk in split_every(CHUNK, ids):
        people = env["res.partner"].browse(chunk)
        subjects = env["consent.subject"]._of_partners(people, create=True)
        for kind, source, at, digits in HISTORY:
            env["consent.event"]._append(
                [
                    {
                        "subject": subjects[person.id],
                        "purpose": purpose,
                        "company": env.company,
                        "kind": kind,
                        "source": source,
                        "channel": "email",
                        "address": person.email_normalized,
                        "at": at,
                        "until": date(2028, 1, 15),
                    }
                    for person in people
                    if str(person.id)[-1] in digits
                ]
            )
        env.cr.commit()
        env.invalidate_all()
    env["consent.event"].ledger_sign()
