"""What tests of recording share: mails that can be read, and people of an age."""

import re
from contextlib import contextmanager
from unittest.mock import patch

from odoo.addons.client_consent.models.consent_purpose import ConsentPurpose
from odoo.addons.client_consent.models.consent_recording import ConsentRecording
from odoo.addons.client_consent.tools import canonical

LINK = re.compile(r'href="https?://[^/"]+(/privacy/[a-z]+/[^"]+)"')


class Letters:
    """The letters that were written, each as a mail: to, subject, body, and the path of its link."""

    def __init__(self):
        self.mails = []

    @property
    def paths(self):
        return [LINK.search(mail["body"]).group(1) for mail in self.mails]

    def to(self, address):
        return [mail for mail in self.mails if mail["to"] == address]


@contextmanager
def letters(env):
    """Collect the letters written meanwhile, as they leave: rendered by Odoo, without a mail server."""
    collected = Letters()
    original = type(env["mail.mail"]).create

    def create(self, vals_list):
        mails = original(self, vals_list)
        for mail in mails:
            values = {"to": mail.email_to, "subject": mail.subject, "body": mail.body_html}
            collected.mails.append({**values, "model": mail.model, "auto_delete": mail.auto_delete})
        return mails

    with patch.object(type(env["mail.mail"]), "create", create):
        yield collected


def demand_evidence(*sources):
    """Let every purpose demand evidence for these sources."""
    return patch.object(ConsentPurpose, "_evidence_needed", lambda self, source: source in sources)


@contextmanager
def keep_evidence():
    """Take evidence files without a keeper; gives the list of what was handed in."""
    kept = []

    def store(self, subject, company, files):
        kept.extend(files)
        return None

    with patch.object(ConsentRecording, "_store_evidence", store):
        yield kept


def details(events):
    """The details of events as the ledger's canonical bytes hold them, in order."""
    events.env.cr.execute("SELECT id, payload FROM consent_event WHERE id = ANY(%s)", [events.ids])
    found = {id_: canonical.parse(bytes(payload)).get("detail") or {} for id_, payload in events.env.cr.fetchall()}
    return [found[event.id] for event in events]
