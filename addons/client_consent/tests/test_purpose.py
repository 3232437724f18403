from dateutil.relativedelta import relativedelta
from odoo import Command, fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, new_test_user, tagged
from odoo.tools import mute_logger
from psycopg2 import IntegrityError

from .common import ConsentCase

STEPS = {
    "interest": "To learn about faults.",
    "necessity": "Only the customer knows.",
    "balance": "One question, and they may object.",
    "conclusion": "carries",
}


@tagged("post_install", "-at_install")
class TestPurpose(ConsentCase):
    def draft(self, **values):
        return self.env["consent.purpose"].create({"code": "trial", "name": "Trial", **values})

    def test_incomplete_purpose_cannot_be_activated(self):
        for values in (
            {},
            {"lawful_basis": "consent"},
            {"lawful_basis": "consent", "validity_months": 1200},
            {"lawful_basis": "legitimate_interest", "validity_months": 12},
            {"lawful_basis": "contract", "channel_email": False},
        ):
            with self.subTest(values=values):
                purpose = self.draft(**values)
                with self.assertRaises(UserError):
                    purpose.action_activate()
                self.assertEqual(purpose.state, "draft")
                with self.assertRaises(ValidationError):
                    purpose.state = "active"
                purpose.state = "draft"
                purpose.unlink()

    def test_purpose_in_use_keeps_its_lawful_basis_and_is_never_deleted(self):
        purpose = self.draft(lawful_basis="consent", validity_months=12)
        purpose.action_activate()
        for change in (
            {"lawful_basis": "legitimate_interest"},
            {"code": "other"},
            {"replaces_id": self.env.ref("client_consent.purpose_offers").id},
            {"state": "draft"},
        ):
            with self.subTest(change=change), self.assertRaises(UserError):
                purpose.write(change)
        purpose.write({"lawful_basis": "consent", "name": "Same basis, other name"})
        with self.assertRaises(ValidationError):
            purpose.validity_months = 0
        with self.assertRaises(UserError):
            purpose.unlink()

    def test_archived_purpose_allows_nothing(self):
        purpose = self.draft(lawful_basis="consent", validity_months=12)
        purpose.action_activate()
        self.person.consent_give("trial", ["email"], "web_form")
        self.assertTrue(self.person.consent_allows("trial", "email"))
        purpose.action_archive_purpose()
        self.assertFalse(self.person.consent_allows("trial", "email"))

    def test_every_lawful_basis_has_an_everyday_example(self):
        purposes = self.env["consent.purpose"]
        seeded = purposes.search([("state", "=", "active")]).mapped("lawful_basis")
        self.assertGreaterEqual(set(seeded), {"consent", "contract", "legal_obligation", "legitimate_interest"})
        shipped = purposes.search([]).filtered(lambda p: p.get_external_id()[p.id].startswith("client_consent."))
        self.assertEqual(len(set(shipped.mapped("lawful_basis"))), 6)
        self.assertFalse(shipped.filtered(lambda p: not p.description))

    def test_legitimate_interest_needs_three_steps_an_author_and_a_date(self):
        purpose = self.draft(lawful_basis="legitimate_interest", validity_months=12)
        assessment = self.env["consent.assessment"].create({"purpose_id": purpose.id, **STEPS})
        for name in ("interest", "necessity", "balance", "author_id", "date", "conclusion"):
            kept = assessment[name]
            assessment[name] = " " if name in ("interest", "necessity", "balance") else False
            with self.subTest(missing=name), self.assertRaises(UserError):
                purpose.action_activate()
            assessment[name] = kept
        assessment.conclusion = "fails"
        with self.assertRaises(UserError):
            purpose.action_activate()
        assessment.conclusion = "carries"
        purpose.action_activate()
        self.assertEqual((purpose.assessment_id, assessment.state), (assessment, "used"))

    def test_assessment_in_force_is_fixed_and_superseded_by_a_new_one(self):
        purpose = self.env.ref("client_consent.purpose_customer_care")
        first = purpose.assessment_id
        self.assertTrue(first.used_at)
        for act in (
            lambda: first.write({"balance": "Other"}),
            first.unlink,
            lambda: first.create({"purpose_id": purpose.id, "used_at": fields.Datetime.now()}),
        ):
            with self.assertRaises(UserError):
                act()
        second = first.create({"purpose_id": purpose.id, **STEPS, "balance": False})
        purpose.description = "An unfinished assessment does not stop work on the purpose."
        with self.assertRaises(UserError):
            second.action_use()
        self.assertEqual(purpose.assessment_id, first)
        second.balance = "One question a year."
        second.action_use()
        self.assertEqual(purpose.assessment_id, second)
        self.assertEqual((first.state, second.state), ("superseded", "used"))

    def test_shipped_interest_is_signed_by_the_company_before_it_is_used(self):
        purpose = self.env.ref("client_consent.purpose_own_similar")
        with self.assertRaises(UserError):
            purpose.action_activate()
        purpose.assessment_ids.write({"author_id": self.env.uid, "date": fields.Date.today()})
        purpose.action_activate()
        self.assertEqual(purpose.state, "active")

    def test_replacing_purpose_keeps_out_who_said_no_before(self):
        old = self.draft(lawful_basis="consent", validity_months=12)
        old.action_activate()
        self.person.consent_give("trial", ["email"], "web_form")
        self.person.consent_withdraw("trial", source="email")
        new = self.draft(code="trial2", lawful_basis="legitimate_interest", validity_months=12, replaces_id=old.id)
        newest = self.draft(code="trial3", lawful_basis="consent", validity_months=12, replaces_id=new.id)
        self.env["consent.assessment"].create({"purpose_id": new.id, **STEPS})
        new.action_activate()
        self.assertEqual(old.state, "archived", "one processing has one lawful basis at a time")
        self.assertEqual(new._vetoing_ids(), [new.id, old.id])
        self.assertEqual(newest._vetoing_ids(), [newest.id, new.id, old.id])
        self.assertEqual(old._vetoing_ids(), [old.id])
        with self.assertRaises(UserError):
            old.action_activate()
        with self.assertRaises(UserError):
            new.replaces_id = False
        with self.assertRaises(ValidationError):
            newest.replaces_id = newest

    def test_lawful_basis_that_asks_nobody_cannot_take_over_from_people_who_withdrew(self):
        for basis in ("contract", "legal_obligation", "vital", "public_task"):
            with self.subTest(basis=basis):
                old = self.draft(code=f"old_{basis}", lawful_basis="consent", validity_months=12)
                old.action_activate()
                self.person.consent_give(old.code, ["email"], "web_form")
                new = self.draft(code=f"new_{basis}", lawful_basis=basis, replaces_id=old.id)
                self.assertFalse(new._why_not_active(), "nobody said no yet")
                self.person.consent_withdraw(old.code, source="email")
                with self.assertRaises(UserError):
                    new.action_activate()
                self.assertEqual((old.state, new.state), ("active", "draft"))

    def test_evidence_is_demanded_where_nothing_else_shows_what_was_said(self):
        purpose = self.draft(lawful_basis="consent", validity_months=12)
        demanded = {"paper", "phone", "sms_keyword", "contract", "bought"}
        self.assertEqual({row.source for row in purpose.evidence_ids}, demanded)
        self.assertTrue(purpose._evidence_needed("paper"))
        self.assertFalse(purpose._evidence_needed("web_form"))
        purpose.evidence_ids.filtered(lambda row: row.source == "phone").unlink()
        self.assertFalse(purpose._evidence_needed("phone"))
        newsletter = self.env.ref("client_consent.purpose_newsletter")
        self.assertTrue(newsletter._evidence_needed("paper"))

    def test_copy_is_a_draft_of_its_own(self):
        purpose = self.env.ref("client_consent.purpose_newsletter")
        purpose.evidence_ids.filtered(lambda row: row.source != "paper").unlink()
        copies = purpose.copy() | purpose.copy()
        self.assertEqual(set(copies.mapped("state")), {"draft"})
        self.assertEqual(copies.mapped("code"), ["newsletter.2", "newsletter.3"])
        self.assertEqual(copies.evidence_ids.mapped("source"), ["paper", "paper"])

    def test_wrong_codes_and_terms_are_refused(self):
        for error, values in (
            (IntegrityError, {"code": "with space"}),
            (IntegrityError, {"code": "křivý"}),
            (IntegrityError, {"code": ""}),
            (IntegrityError, {"code": "newsletter"}),
            (ValidationError, {"validity_months": -1}),
            (ValidationError, {"renewal_days": -1}),
            (ValidationError, {"pending_days": 0}),
            (ValidationError, {"pending_days": 1000}),
        ):
            with (
                self.subTest(values=values),
                mute_logger("odoo.sql_db"),
                self.assertRaises(error),
                self.env.cr.savepoint(),
            ):
                self.draft(**values)

    def test_form_fills_in_what_the_company_settled(self):
        self.env.company.write({"consent_validity_months": 18, "consent_double_opt_in": True})
        with Form(self.env["consent.purpose"]) as form:
            form.name, form.code, form.lawful_basis = "Trial", "trial", "consent"
        purpose = form.record
        self.assertEqual((purpose.validity_months, purpose.double_opt_in), (18, True))
        self.assertEqual(purpose.pending_days, self.env.company.consent_pending_days)

    def test_list_counts_consents_in_force(self):
        purpose = self.env.ref("client_consent.purpose_newsletter")
        before = purpose.active_count
        two = self.env["res.partner"].create([self.person_values(f"P{i}", f"count{i}") for i in range(3)])
        two.consent_give("newsletter", ["email"], "web_form")
        two[0].consent_withdraw("newsletter", source="email")
        two[1].consent_give(
            "offers", ["email"], "web_form", given_at=fields.Datetime.now() - relativedelta(years=5)
        )  # ended
        purposes = purpose | self.env.ref("client_consent.purpose_offers")
        offers = purposes[1].active_count
        purposes.invalidate_recordset()
        self.assertEqual(purpose.active_count, before + 2)
        self.assertEqual(purposes[1].active_count, offers)
        found = self.env["consent.basis"].search(purpose.action_open_consents()["domain"])
        self.assertEqual(len(found), before + 2)

    def test_who_may_not_change_purposes(self):
        purpose = self.draft(lawful_basis="consent", validity_months=12)
        care = self.env.ref("client_consent.purpose_customer_care")
        other = self.env["res.company"].create({"name": "Other Ltd"})
        foreign = new_test_user(
            self.env,
            "foreign",
            "client_consent.group_consent_manager",
            company_id=other.id,
            company_ids=[Command.set(other.ids)],
        )
        own = self.draft(code="own", lawful_basis="consent", validity_months=12, company_id=self.env.company.id)
        for act in (
            lambda: purpose.with_user(self.recorder).action_activate(),
            lambda: care.with_user(self.recorder).action_archive_purpose(),
            lambda: care.assessment_id.with_user(self.recorder).action_use(),
            lambda: purpose.evidence_ids.with_user(self.recorder).unlink(),
            lambda: own.with_user(foreign).action_activate(),
            lambda: own.with_user(foreign).read(["name"]),
            lambda: own.evidence_ids.with_user(foreign).unlink(),
        ):
            with self.assertRaises(AccessError):
                act()
