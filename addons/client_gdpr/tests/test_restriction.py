import base64
import json

from odoo.addons.client_consent.tests.recording_common import letters
from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, new_test_user, tagged
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

    def test_sealed_data_is_shown_with_a_reason_and_leaves_a_line_without_values(self):
        request = self.restrict()
        accountant = new_test_user(self.env, "t_accounting", "client_gdpr.group_gdpr_accounting")
        wizards, log = self.env["gdpr.sealed.wizard"], self.env["gdpr.vault.access"]
        before = log.search_count([])
        for user in (self.handler, self.approver, self.auditor, self.outsider, self.env.ref("base.user_admin")):
            with self.subTest(user.login), self.assertRaises(AccessError):
                wizards.with_user(user).create({"partner_id": self.person.id, "reason": "curious"}).action_show()
        for user in (self.dpo, accountant):
            wizard = wizards.with_user(user).create({"partner_id": self.person.id})
            self.assertFalse(wizard.values_html)
            with self.assertRaises(UserError):
                wizard.action_show()
            self.assertFalse(wizard.values_html)
            wizard.reason = "Question of the tax office"
            wizard.action_show()
            # as the web client asks
            shown = wizard.with_context(bin_size=True)
            shown.env.invalidate_all()
            for value in ("eliska@post.example", "CZ12345679", "Likes mornings", "Regular"):
                self.assertIn(value, shown.values_html)
        lines = log.with_user(self.auditor).search([])[:2]
        self.assertEqual(lines.user_id, self.dpo | accountant)
        self.assertEqual(lines.request_id, request)
        self.assertEqual(log.search_count([]), before + 2)
        self.assertNotIn("eliska", json.dumps(lines.read(), default=str))
        with self.assertRaises(AccessError):
            wizards.with_user(self.dpo).create({"partner_id": self.person.id, "access_id": lines[0].id})
        with self.assertRaises(AccessError):
            wizards.with_user(self.dpo).create({"partner_id": self.person.id}).access_id = lines[0]
        for act in (lambda: lines.sudo().write({"reason": "none"}), lambda: lines.sudo().unlink()):
            with self.assertRaises(UserError):
                act()

    def test_recipients_are_told_when_it_starts_and_the_person_before_it_ends(self):
        carrier = self.env["res.partner"].create({"name": "Carrier", "email": "carrier@firm.example"})
        wizard = self.env["gdpr.restriction.wizard"].with_user(self.handler)
        wizard = wizard.create({"partner_id": self.person.id, "reason": "claims", "recipient_ids": carrier.ids})
        with letters(self.env) as sent:
            request = self.env["gdpr.request"].browse(wizard.action_restrict()["res_id"])
        self.assertEqual([mail["to"] for mail in sent.mails], ["carrier@firm.example"])
        self.assertIn("Eliška", sent.mails[0]["body"])
        self.assertEqual(request.recipient_ids, carrier)
        lifting = self.env["gdpr.lift.wizard"].with_user(self.handler).create({"request_id": request.id})
        self.assertIn("Art. 18(3)", lifting.letter)
        with letters(self.env) as sent:
            lifting.action_send()
        self.assertEqual([mail["to"] for mail in sent.mails], ["eliska@post.example"])
        self.assertEqual(request.lift_told_by, "email")
        lifting.write({"reason": "Checked"})
        lifting.action_lift()
        self.assertEqual(self.person.gdpr_state, "active")

    def test_answer_to_a_restricted_person_is_not_read_on_screen(self):
        self.restrict()
        request = self.open_request("access")
        request.action_confirm_identity()
        request.action_execute()
        for user in (self.handler, self.dpo):
            page = request.with_user(user).answer_html
            self.assertIn("restricted", page)
            self.assertNotIn("eliska", page)

    def test_chatter_of_a_restricted_contact_opens_and_says_why_it_is_empty(self):
        self.person.message_post(body="Eliska called", message_type="comment")
        message = self.person.message_ids[:1]
        files = self.env["ir.attachment"]
        file = files.create({"name": "e.txt", "raw": b"E", "res_model": "res.partner", "res_id": self.person.id})
        about = [("res_model", "=", "res.partner"), ("res_id", "=", self.person.id)]
        self.assertIn(file, files.with_user(self.outsider).search(about))
        self.restrict()
        self.assertIn("restricted", message.body)
        for user in (self.outsider, self.handler, self.dpo):
            found = files.with_user(user).search(about)
            self.assertFalse(found)
            self.assertFalse(self.person.with_user(user)._get_mail_thread_data_attachments())
            with self.assertRaises(AccessError):
                file.with_user(user).read(["name"])

    def test_dialog_shows_the_letter_first_and_lifts_once_the_person_was_told(self):
        request = self.restrict()
        dialogs = self.env["gdpr.lift.wizard"].with_user(self.handler).with_context(default_request_id=request.id)
        form = Form(dialogs)
        self.assertFalse(form.already_told)
        self.assertIn("Art. 18(3)", form.letter)
        form.save().action_told()
        form = Form(dialogs)
        self.assertTrue(form.already_told)
        form.reason = "Checked"
        form.save().action_lift()
        self.assertEqual(self.person.gdpr_state, "active")

    def test_waiting_mail_is_stopped_and_an_answer_to_the_request_goes(self):
        order_mail = self.env["mail.mail"].create(
            {"recipient_ids": [(4, self.person.id), (4, self.dpo.partner_id.id)], "body_html": "<p>x</p>"}
        )
        typed = self.env["mail.mail"].create({"email_to": "Eliska <eliska@post.example>", "body_html": "<p>x</p>"})
        request = self.restrict()
        answer = self.env["mail.mail"].create(
            {"email_to": "eliska@post.example", "model": "gdpr.request", "res_id": request.id, "body_html": "<p>x</p>"}
        )
        (order_mail | typed | answer)._consent_ask_again()
        self.assertEqual(typed.state, "cancel")
        self.assertEqual((order_mail.state, order_mail.recipient_ids), ("outgoing", self.dpo.partner_id))
        self.assertEqual((answer.state, answer.email_to), ("outgoing", "eliska@post.example"))

    def test_mail_of_a_restricted_person_arrives_once_and_tells_no_address(self):
        request = self.restrict()
        count = self.env["res.partner"].with_context(active_test=False).search_count([])
        mail = (
            "From: Eliska Nova <eliska@post.example>\nTo: info@firm.example\nSubject: Hello\n"
            "Message-Id: <a1@post.example>\nContent-Type: text/plain\n\nPlease answer"
        )
        self.env["mail.thread"].message_process("res.partner", mail)
        self.assertEqual(self.env["res.partner"].with_context(active_test=False).search_count([]), count)
        message = request.message_ids.filtered(lambda message: message.author_id == self.person)
        self.assertIn("Please answer", message.body)
        self.assertNotIn("eliska", (message.email_from or "") + (message.reply_to or ""))
        self.lift(request)
        self.assertIn("eliska@post.example", message.email_from)

    def test_everything_that_is_sealed_is_a_name_or_may_be_empty(self):
        vault = self.env["gdpr.vault"]
        for model in {model for model, _field in self.env["gdpr.data.map"]._declarations()}:
            for name in vault._sealed_names(model):
                field = self.env[model]._fields[name]
                with self.subTest(f"{model}.{name}"):
                    self.assertTrue(field.store)
                    if field.required and field.type != "boolean":
                        self.assertIn(field.type, ("char", "text", "html"))

    def test_every_field_of_the_contact_that_erasure_takes_is_sealed_or_left_on_purpose(self):
        for (model, name), row in self.env["gdpr.data.map"]._declarations().items():
            if model == "res.partner" and row.action in ("clear", "replace") and row.role != "link":
                with self.subTest(name):
                    self.assertIn(row.on_seal, ("seal", "leave"))
