from itertools import product

from dateutil.relativedelta import relativedelta
from odoo import fields
from odoo.tests import tagged

from .common import ConsentCase


@tagged("post_install", "-at_install")
class TestMerge(ConsentCase):
    def merge(self, source, destination):
        self.env["base.partner.merge.automatic.wizard"]._merge((source | destination).ids, destination)
        self.assertFalse(source.exists())

    def pair(self, number, same_address):
        make = self.env["res.partner"].create
        mailbox = f"first{number}"
        return make(self.person_values("First", mailbox)), make(
            self.person_values("Second", mailbox if same_address else f"second{number}", phone="+420 602 000 000")
        )

    def put(self, partner, state):
        """Bring the answer about the newsletter of a contact into a state."""
        long_ago = fields.Datetime.now() - relativedelta(months=24, days=1)
        match state:
            case "active":
                partner.consent_give("newsletter", ["email"], "web_form")
            case "expired":
                partner.consent_give("newsletter", ["email"], "web_form", given_at=long_ago)
            case "pending":
                partner.consent_give("newsletter", ["email"], "public")
            case "withdrawn":
                partner.consent_give("newsletter", ["email"], "web_form")
                partner.consent_withdraw("newsletter", source="email")
            case "objected":
                partner.consent_object("newsletter", source="email")
            case "refused":
                self.env["consent.event"]._append(
                    [
                        {
                            "subject": partner._consent_subject(create=True),
                            "purpose": self.env.ref("client_consent.purpose_newsletter"),
                            "company": self.env.company,
                            "kind": "refused",
                            "source": "in_person",
                            "channel": "email",
                            "address": partner.email_normalized,
                            "at": fields.Datetime.now(),
                        }
                    ]
                )

    def test_strictest_wins_whatever_is_merged_into_what(self):
        negative = ("withdrawn", "refused", "objected")
        states = ("active", "expired", "pending", "nothing", *negative)
        for number, (one, other, same) in enumerate(product(states, states, (True, False))):
            source, destination = self.pair(number, same)
            if forward := bool(number // 2 % 2):  # the older record goes, or the younger one
                source, destination = destination, source
            self.put(source, one)
            self.put(destination, other)
            events = self.env["consent.event"].search([("partner_id", "in", (source | destination).ids)])
            self.merge(source, destination)
            expected = not {one, other} & set(negative) and (other == "active" or (one == "active" and same))
            with self.subTest(source=one, destination=other, same_address=same, younger_stays=not forward):
                self.assertEqual(destination.consent_allows("newsletter", "email"), expected)
                kept = self.env["consent.event"].search([("partner_id", "=", destination.id)])
                self.assertLessEqual(events, kept, "both histories show")

    def test_denial_of_a_merged_record_counts_for_the_address_that_stays(self):
        source, destination = self.pair(0, same_address=False)
        source.consent_object(source="phone")
        destination.consent_give("offers", ["phone"], "in_person")
        self.merge(source, destination)
        self.assertFalse(destination.consent_allows("offers", "phone"))
        addresses = {line["address"] for line in destination.consent_status() if line["state"] == "objected"}
        self.assertLessEqual({"first0@post.example", "second0@post.example"}, addresses)

    def test_later_own_yes_at_a_new_address_is_no_denial(self):
        source, destination = self.pair(0, same_address=False)
        now = fields.Datetime.now()
        destination.consent_withdraw("newsletter", source="email", at=now - relativedelta(months=3))
        destination.email = "third@post.example"
        destination.consent_give("newsletter", ["email"], "web_form", given_at=now - relativedelta(months=1))
        self.merge(source, destination)
        self.assertTrue(destination.consent_allows("newsletter", "email"))

    def test_person_may_say_yes_again_after_the_merge(self):
        for forward in (True, False):
            source, destination = self.pair(int(forward), same_address=True)
            denied = source if forward else destination
            self.put(denied, "withdrawn")
            self.merge(source, destination)
            self.assertFalse(destination.consent_allows("newsletter", "email"))
            self.assertEqual(len(destination.consent_give("newsletter", ["email"], "in_person")), 1)
            self.assertTrue(destination.consent_allows("newsletter", "email"))
            destination.consent_withdraw("newsletter", source="phone")
            self.assertFalse(destination.consent_allows("newsletter", "email"))

    def test_machine_never_says_yes_for_a_merged_no(self):
        source, destination = self.pair(0, same_address=True)
        self.put(source, "withdrawn")
        self.merge(source, destination)
        destination.consent_give("newsletter", ["email"], "import")
        destination.consent_give("newsletter", ["email"], "api")
        self.assertFalse(destination.consent_allows("newsletter", "email"))

    def test_sources_of_both_stay_and_quarantine_follows_them(self):
        for forward in (True, False):
            source, destination = self.pair(int(forward), same_address=False)
            bought, own = (source, destination) if forward else (destination, source)
            record = self.env["consent.source"]._record
            record([{"partner_id": bought.id, "kind": "bought", "seller": "S", "contract": "C", "proof": "P"}])
            self.assertTrue(bought.consent_quarantined)
            record([{"partner_id": own.id, "kind": "in_person"}])
            self.merge(source, destination)
            self.assertEqual(set(destination.consent_source_ids.mapped("kind")), {"bought", "in_person"})
            self.assertFalse(destination.consent_quarantined)

    def test_merge_of_two_quarantined_stays_quarantined(self):
        source, destination = self.pair(0, same_address=True)
        self.put(source, "pending")
        self.put(destination, "pending")
        self.merge(source, destination)
        self.assertTrue(destination.consent_quarantined)
        self.assertFalse(destination.consent_allows("newsletter", "email"))

    def test_nothing_about_consents_is_a_field_that_a_merge_would_copy(self):
        """The merge keeps true values and deletes rows where a constraint over the contact trips."""
        partner = self.env["res.partner"]
        stored = [
            name
            for name, field in partner._fields.items()
            if name.startswith("consent_") and field.type == "boolean" and not field.compute
        ]
        self.assertEqual(stored, [])
        self.env.cr.execute(
            """SELECT r.relname, c.conname
                 FROM pg_constraint c JOIN pg_class r ON r.oid = c.conrelid
                 CROSS JOIN LATERAL unnest(c.conkey) AS k(attnum)
                 JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum = k.attnum
                WHERE c.contype IN ('c', 'u') AND r.relname LIKE 'consent\\_%' AND a.attname LIKE '%partner_id'
                  AND r.relname NOT LIKE '%wizard%'
                UNION
               SELECT i.tablename, i.indexname FROM pg_indexes i
                WHERE i.tablename LIKE 'consent\\_%' AND i.indexdef LIKE 'CREATE UNIQUE%partner_id%'
                  AND i.tablename NOT LIKE '%wizard%'"""
        )
        self.assertEqual(self.env.cr.fetchall(), [])

    def test_single_contact_is_not_changed_by_a_merge_of_one(self):
        self.put(self.person, "withdrawn")
        self.person.email = "third@post.example"
        before = self.env["consent.event"].search_count([])
        self.env["base.partner.merge.automatic.wizard"]._merge(self.person.ids, self.person)
        self.assertEqual(self.env["consent.event"].search_count([]), before)

    def test_copy_has_neither_consent_nor_source(self):
        self.put(self.person, "active")
        self.env["consent.source"]._record([{"partner_id": self.person.id, "kind": "in_person"}])
        copy = self.person.copy()
        self.assertEqual(copy.consent_status(), [])
        self.assertFalse(copy.consent_source_ids)
        self.assertFalse(copy.consent_allows("newsletter", "email"))

    def test_archived_contact_keeps_its_answers_and_gets_nothing(self):
        self.put(self.person, "active")
        self.person.active = False
        self.assertEqual([line["state"] for line in self.person.consent_status()], ["active"])
        self.assertFalse(self.person.consent_allows("newsletter", "email"))
        self.assertFalse(self.person._may_process("newsletter", "email"))
        self.person.active = True
        self.assertTrue(self.person.consent_allows("newsletter", "email"))

    def test_coming_back_from_the_archive_revives_nothing(self):
        self.put(self.person, "expired")
        self.person.active = False
        self.person.active = True
        self.assertFalse(self.person.consent_allows("newsletter", "email"))

    def test_denial_of_an_archived_contact_still_counts_for_its_address(self):
        twin = self.env["res.partner"].create(self.person_values("Twin", "eliska"))
        self.put(self.person, "active")
        self.put(twin, "withdrawn")
        twin.active = False
        self.assertFalse(self.person.consent_allows("newsletter", "email"))

    def test_contact_of_another_company_brings_nothing_along(self):
        other = self.env["res.company"].create({"name": "Another"})
        self.env.user.company_ids += other
        for company in (False, self.env.company):
            person = self.env["res.partner"].create(
                {**self.person_values("Shared", f"shared{bool(company)}"), "company_id": company and company.id}
            )
            self.put(person, "active")
            self.assertFalse(person.with_company(other).consent_allows("newsletter", "email"))
            person.company_id = other
            self.assertFalse(person.with_company(other).consent_allows("newsletter", "email"))
            self.assertFalse(person.with_company(other)._may_process("newsletter", "email"))

    def test_denial_to_one_company_is_not_carried_to_another(self):
        other = self.env["res.company"].create({"name": "Another"})
        self.env.user.company_ids += other
        source, destination = self.pair(0, same_address=False)
        source.with_company(other).consent_withdraw("newsletter", source="email")
        self.put(destination, "active")
        self.merge(source, destination)
        self.assertTrue(destination.consent_allows("newsletter", "email"))
        self.assertFalse(destination.with_company(other).consent_allows("newsletter", "email"))
