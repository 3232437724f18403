import psycopg2
from odoo.addons.client_consent.tools import canonical, commitment
from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import ConsentCase


@tagged("post_install", "-at_install")
class TestLedger(ConsentCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.person.consent_give("newsletter", ["email"], "web_form", note="form no. 7")
        cls.event = cls.env["consent.event"].search([("partner_id", "=", cls.person.id)])

    def stored(self):
        self.env.cr.execute("SELECT payload, salt, commitment FROM consent_event WHERE id = %s", [self.event.id])
        return self.env.cr.fetchone()

    def test_database_refuses_update_delete_and_truncate(self):
        attempts = [
            "UPDATE consent_event SET address = 'x@y.example'",
            "UPDATE consent_event SET kind = 'withdrawn', payload = NULL, salt = NULL,"
            " subject_id = NULL, address = NULL",
            "UPDATE consent_event SET payload = NULL",
            "DELETE FROM consent_event",
            "TRUNCATE consent_event CASCADE",
        ]
        for attempt in attempts:
            with (
                self.subTest(attempt=attempt),
                mute_logger("odoo.sql_db"),
                self.assertRaises(psycopg2.errors.RestrictViolation),
                self.env.cr.savepoint(),
            ):
                self.env.cr.execute(attempt)

    def test_clearing_takes_the_person_out_once_and_the_commitment_stays(self):
        payload, salt, committed = self.stored()
        commitment.check(committed, bytes(salt), bytes(payload))
        subject = self.event.subject_id
        self.env["consent.event"]._clear(subject)
        self.assertEqual(self.stored(), (None, None, committed))
        self.assertFalse(self.event.subject_id or self.event.address)
        self.assertEqual(self.person.consent_status(), [])
        subject.unlink()
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaises(psycopg2.errors.RestrictViolation),
            self.env.cr.savepoint(),
        ):
            self.env.cr.execute("UPDATE consent_event SET payload = NULL WHERE id = %s", [self.event.id])

    def test_payload_is_canonical_and_holds_what_was_said(self):
        said = canonical.parse(bytes(self.stored()[0]))
        self.assertEqual((said["kind"], said["purpose"], said["note"]), ("given", "newsletter", "form no. 7"))
        self.assertEqual(said["address"], "eliska@post.example")

    def test_orm_refuses_too(self):
        for act in (
            lambda: self.event.write({"kind": "withdrawn"}),
            lambda: self.event.unlink(),
            lambda: self.event.create({}),
            lambda: self.person.consent_basis_ids.write({"state": "active"}),
            lambda: self.person.consent_basis_ids.unlink(),
        ):
            with self.assertRaises(UserError):
                act()

    def test_rebuilding_every_basis_gives_the_same_rows(self):
        self.person.consent_withdraw("newsletter", source="phone")
        self.person.consent_give("offers", ["email", "phone"], "paper")
        self.person.consent_give("offers", ["email"], "import")
        result = self.env["consent.event"].basis_rebuild()
        self.assertEqual(result["differing"], 0)
        self.assertGreaterEqual(result["checked"], 3)

    def test_rebuilding_finds_and_mends_a_changed_basis(self):
        self.person.consent_withdraw("newsletter", source="phone")
        self.env.cr.execute("UPDATE consent_basis SET state = 'active' WHERE address = 'eliska@post.example'")
        self.assertEqual(self.env["consent.event"].basis_rebuild()["differing"], 2)
        self.assertFalse(self.person.consent_allows("newsletter", "email"))

    def test_contact_with_a_history_is_not_deleted(self):
        bystander = self.env["res.partner"].create({"name": "Nobody asked"})
        with self.assertRaises(UserError):
            (self.person | bystander).unlink()
        self.assertTrue(self.person.exists() and bystander.exists())
        bystander.unlink()
        subject = self.event.subject_id
        self.env["consent.event"]._clear(subject)
        subject.unlink()
        self.person.unlink()
        self.assertTrue(self.event.exists(), "the line stays, and names nobody")

    def test_contact_deleted_behind_odoos_back_leaves_the_ledger_whole(self):
        self.env.flush_all()
        self.env.cr.execute("DELETE FROM res_partner WHERE id = %s", [self.person.id])
        self.env.invalidate_all()
        self.assertTrue(self.event.exists())
        self.assertTrue(self.event.subject_id)
        self.assertFalse(self.event.partner_id)

    def test_data_key_is_wrapped_and_belongs_to_one_subject(self):
        subject = self.person._consent_subject()
        sealed = subject._encrypt(b"secret", b"here")
        self.assertNotIn(b"secret", sealed)
        self.assertEqual(subject._decrypt(sealed, b"here"), b"secret")
        other = self.env["res.partner"].create({"name": "Other"})._consent_subject(create=True)
        for owner, place in ((subject, b"there"), (other, b"here")):
            with self.assertRaises(UserError):
                owner._decrypt(sealed, place)
