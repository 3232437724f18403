import base64
import json

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged
from odoo.tools import SQL

from .common import GdprCase

PICTURE = base64.b64encode(
    base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
)
#: Tables that tell of the request itself, or of the database at work.
OF_THE_REQUEST = {
    "consent_subject",
    "mail_message",
    "mail_followers",
    "mail_followers_mail_message_subtype_rel",
    "mail_tracking_value",
    "mail_activity",
    "mail_notification",
    "mail_message_res_partner_rel",
    "ir_sequence",
    "bus_bus",
    "ir_cron_trigger",
}


class RestrictionCase(GdprCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.person.write(
            {
                "image_1920": PICTURE,
                "category_id": [(0, 0, {"name": "Regular"}), (0, 0, {"name": "Bike"})],
                "comment": "<p>Likes mornings</p>",
                "function": "Teacher",
                "website": "https://eliska.example",
                "partner_latitude": 50.087,
                "vat": "CZ12345679",
            }
        )
        cls.env.flush_all()

    def restrict(self, partner=None, reason="accuracy", until=None, user=None):
        requests = self.env["gdpr.request"].with_user(user or self.handler)
        request = requests.browse(
            requests.request_open(
                "restriction", (partner or self.person).ids, "2026-11-20 09:00:00", "email", until=until, reason=reason
            )
        )
        request.action_confirm_identity()
        request.action_execute()
        return request

    def lift(self, request):
        request.action_tell_lifting()
        request.action_lift("The data was checked and corrected")

    def rows(self, table, ids=None):
        where = SQL("WHERE id = ANY(%s)", list(ids)) if ids else SQL("")
        found = self.env.execute_query(SQL("SELECT to_jsonb(t)::text FROM %s t %s", SQL.identifier(table), where))
        return sorted(text for (text,) in found)

    def database(self):
        """Every row of every table, as PostgreSQL writes it: table → set of texts."""
        self.env.flush_all()
        tables = self.env.execute_query(
            SQL("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace")
        )
        return {
            table: set(self.rows(table))
            for (table,) in tables
            if table not in OF_THE_REQUEST and not table.startswith("gdpr_")
        }


@tagged("post_install", "-at_install")
class TestRestriction(RestrictionCase):
    def test_lifting_brings_the_same_bytes_back(self):
        before, row = self.database(), self.rows("res_partner", self.person.ids)
        request = self.restrict()
        self.assertEqual(request.state, "executed")
        self.assertEqual(self.person.gdpr_state, "restricted")
        self.assertEqual(self.person.display_name, f"Contact {self.person.id}")
        self.assertFalse(self.person.image_1920 or self.person.email or self.person.vat or self.person.category_id)
        self.assertNotEqual(self.rows("res_partner", self.person.ids), row)
        self.lift(request)
        self.assertEqual(self.rows("res_partner", self.person.ids), row)
        after = self.database()
        self.assertEqual({t: before[t] ^ after[t] for t in before if before[t] != after[t]}, {})
        self.assertFalse(self.env["gdpr.vault"].search([("request_id", "=", request.id)]))
        self.assertEqual(self.person.image_1920, PICTURE)

    def test_lifting_waits_until_the_person_was_told(self):
        request = self.restrict()
        with self.assertRaises(UserError):
            request.action_lift("checked")
        with self.assertRaises(UserError):
            request.action_tell_lifting("2020-01-01")
        request.action_tell_lifting()
        with self.assertRaises(UserError):
            request.action_lift()
        for user in (self.dpo, self.approver, self.auditor, self.outsider):
            with self.assertRaises(AccessError):
                request.with_user(user).action_lift("checked")
        request.action_lift("checked")
        self.assertEqual(self.person.gdpr_state, "active")
        with self.assertRaises(UserError):
            request.action_lift("again")

    def test_restriction_needs_a_reason_and_a_day_to_come(self):
        requests = self.env["gdpr.request"].with_user(self.handler)
        arrived = ("restriction", self.person.ids, "2026-11-20 09:00:00", "email")
        passed, unreadable = {"reason": "claims", "until": "2020-01-01"}, {"reason": "claims", "until": "soon"}
        for asked in ({}, {"reason": "because"}, passed, unreadable):
            with self.subTest(asked), self.assertRaises(UserError):
                requests.request_open(*arrived, **asked)
        self.assertTrue(requests.request_open(*arrived, note="She asked us to wait"))
        self.restrict(until="2027-02-01")
        with self.assertRaises(UserError):
            requests.request_open(*arrived, reason="claims")

    def test_restricted_contact_refuses_change_copy_merge_and_deletion(self):
        self.restrict()
        other = self.env["res.partner"].create({"name": "Other"})
        for act in (
            lambda: self.person.write({"name": "X"}),
            lambda: self.person.copy(),
            lambda: self.person.unlink(),
            lambda: self.person.action_archive(),
            lambda: self.env["base.partner.merge.automatic.wizard"]._merge((self.person | other).ids, other),
        ):
            with self.assertRaises(UserError):
                act()

    def test_sealed_address_makes_no_second_contact(self):
        self.restrict()
        partners = self.env["res.partner"]
        count = partners.with_context(active_test=False).search_count([])
        self.assertEqual(partners.find_or_create('"E" <ELISKA@post.example>'), self.person)
        self.assertEqual(
            partners._find_or_create_from_emails(["eliska@post.example", "eliska@post.example"]), [self.person] * 2
        )
        self.assertEqual(partners._find_or_create_from_emails(["eliska@post.example"], no_create=True), [self.person])
        with self.assertRaises(UserError):
            partners.with_user(self.outsider).name_create("Eliska <eliska@post.example>")
        done = partners.with_user(self.outsider).load(["name", "email"], [["E", "eliska@post.example"]])
        self.assertFalse(done["ids"])
        self.assertIn(f"Contact {self.person.id}", json.dumps(done["messages"]))
        self.assertEqual(partners.with_context(active_test=False).search_count([]), count)

    def test_company_is_untouched_and_does_not_reach_the_sealed_contact(self):
        company = self.env["res.partner"].create(
            {"name": "Firma", "is_company": True, "street": "Dlouhá 1", "city": "Praha", "vat": "CZ12345679"}
        )
        sibling = self.env["res.partner"].create({"name": "Sibling", "parent_id": company.id})
        self.person.parent_id = company
        self.env.flush_all()
        before = self.rows("res_partner", (company | sibling | self.person).ids)
        request = self.restrict()
        self.assertFalse(self.person.parent_id)
        self.assertEqual((company.street, sibling.street, sibling.vat), ("Dlouhá 1", "Dlouhá 1", "CZ12345679"))
        self.lift(request)
        self.assertEqual(self.rows("res_partner", (company | sibling | self.person).ids), before)
        self.assertEqual(self.person.parent_id, company)
