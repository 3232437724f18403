"""What tests of consents share; add-ons that build on this one use it too."""

from contextlib import contextmanager
from unittest.mock import patch

from odoo.addons.client_consent.models.consent_checkpoint import ConsentCheckpoint
from odoo.addons.client_consent.models.consent_key import ConsentKey
from odoo.addons.client_consent.tools.keys import KeyRing
from odoo.tests import TransactionCase, new_test_user


class ConsentCase(TransactionCase):
    """A person with addresses, a consent user, and a key of its own instead of the machine's."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.startClassPatcher(use_key(KeyRing.load(KeyRing.generate())))
        cls.startClassPatcher(patch.object(ConsentCheckpoint, "_own_transaction", within))
        cls.person = cls.env["res.partner"].create(cls.person_values("Eliška Testovaná", "eliska"))
        cls.recorder = new_test_user(
            cls.env, "recorder", "client_consent.group_consent_user,base.group_partner_manager"
        )

    @staticmethod
    def person_values(name, mailbox, phone="+420 601 234 567"):
        return {"name": name, "email": f"{mailbox}@post.example", "phone": phone, "street": "Krátká 1", "city": "Brno"}


def note_seller(*partners):
    """Note that these people come from a bought list, with everything that must be known about one."""
    for partner in partners:
        partner.env["consent.source"]._record(
            [
                {
                    "partner_id": partner.id,
                    "kind": "bought",
                    "seller": "Seller Ltd",
                    "contract": "K-7",
                    "proof": "form 12",
                }
            ]
        )


def use_key(ring):
    """Let the add-ons use this key ring."""
    return patch.object(ConsentKey, "_ring", lambda self: ring)


@contextmanager
def within(checkpoint):
    """Sign in the test's own transaction: another one would not see what the test wrote, and would stay."""
    checkpoint.env.flush_all()
    yield checkpoint
    checkpoint.env.invalidate_all()
