from odoo.tests import tagged

from .common import GdprCase


@tagged("post_install", "-at_install")
class TestConsentSources(GdprCase):
    def test_erasure_takes_sources_and_changed_addresses_along(self):
        self.env.ref("client_consent.purpose_newsletter").on_new_address = "ask"
        friend = self.env["res.partner"].create(self.person_values("Friend", "friend"))
        bought, recommended = self.env["consent.source"]._record(
            [
                {
                    "partner_id": self.person.id,
                    "kind": "bought",
                    "seller": "Seller Ltd",
                    "contract": "K-7",
                    "proof": "form of Eliška",
                },
                {
                    "partner_id": friend.id,
                    "kind": "referral",
                    "referrer_id": self.person._consent_subject(create=True).id,
                },
            ]
        )
        self.person.consent_give("newsletter", ["email"], "web_form")
        self.person.email = "new@post.example"
        change = self.env["consent.address.change"].search([("partner_id", "=", self.person.id)])
        self.assertTrue(change)
        # as the commit does it: what was tracked is in the chatter before anybody plans
        self.env.cr.precommit.run()
        request = self.erase()
        self.assertEqual(request.state, "executed", request.failure)
        self.assertFalse(bought.exists() or change.exists())
        self.assertTrue(recommended.exists(), "the friend is another person")
        self.assertFalse(recommended.referrer_partner_id)
