from odoo.addons.mail.tests.common import MailCommon
from odoo.exceptions import UserError
from odoo.tests import tagged

from .common import ConsentCase


@tagged("post_install", "-at_install")
class TestQueue(ConsentCase, MailCommon):
    """Mails with a purpose are asked for again when they leave; others are never stopped."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.newsletter = cls.env.ref("client_consent.purpose_newsletter")
        cls.people = cls.env["res.partner"].create([cls.person_values(f"P{i}", f"p{i}") for i in range(4)])
        cls.people.consent_give("newsletter", ["email"], "web_form")

    def _queue(self, **values):
        return self.env["mail.mail"].create(
            {"subject": "May", "body_html": "<p>News</p>", "consent_purpose_id": self.newsletter.id, **values}
        )

    def _sent_to(self, mails):
        """Addresses the mail server was given."""
        with self.mock_mail_gateway():
            mails.send()
        return sorted(address for mail in self._mails for address in mail["email_to"])

    def test_withdrawn_after_queueing_is_not_sent(self):
        mails = self.env["mail.mail"].concat(*(self._queue(recipient_ids=[(4, p.id)]) for p in self.people))
        self.people[1].consent_withdraw("newsletter", source="email")
        sent = self._sent_to(mails)
        self.assertEqual(len(sent), 3)
        self.assertFalse([address for address in sent if "p1@" in address])
        self.assertEqual(mails[1].state, "cancel")
        self.assertEqual(mails[1].failure_type, "mail_optout")
        self.assertIn("no consent for “Newsletter”", mails[1].failure_reason)
        self.assertEqual(set((mails - mails[1]).mapped("state")), {"sent"})

    def test_the_others_on_the_same_mail_still_get_it(self):
        mail = self._queue(recipient_ids=[(6, 0, self.people.ids)])
        self.people[0].consent_object("newsletter", source="email")
        self.people[2].email = "moved@post.example"
        sent = self._sent_to(mail)
        self.assertEqual(len(sent), 2)
        self.assertEqual(mail.recipient_ids, self.people[1] | self.people[3])
        self.assertEqual(mail.state, "sent")

    def test_typed_addresses_are_asked_about_too(self):
        mail = self._queue(email_to='"P0" <p0@post.example>, unknown@post.example', email_cc="P1@post.example")
        self.people[1].consent_withdraw("newsletter", source="email")
        self._sent_to(mail)
        self.assertEqual(mail.email_to, '"P0" <p0@post.example>')
        self.assertFalse(mail.email_cc)
        nobody = self._queue(email_to="unknown@post.example")
        self.assertFalse(self._sent_to(nobody))
        self.assertEqual(nobody.state, "cancel")

    def test_service_mail_is_never_stopped(self):
        self.people.consent_object(source="email")
        mail = self._queue(recipient_ids=[(6, 0, self.people.ids)], email_to="x@post.example", consent_purpose_id=False)
        invoice = self.env.ref("client_consent.purpose_invoice")
        lawful = self._queue(recipient_ids=[(4, self.people[0].id)], consent_purpose_id=invoice.id)
        self.assertEqual(len(self._sent_to(mail | lawful)), 6)

    def test_answer_of_the_mails_own_company_counts(self):
        other = self.env["res.company"].create({"name": "Another"})
        mail = self._queue(recipient_ids=[(4, self.people[0].id)], record_company_id=other.id)
        self.assertFalse(self._sent_to(mail))
        self.assertEqual(mail.state, "cancel")

    def test_queue_asks_once_however_many_wait(self):
        def asked(count):
            people = self.env["res.partner"].create(
                [self.person_values(f"Q{i}", f"q{count}.{i}") for i in range(count)]
            )
            people.consent_give("newsletter", ["email"], "web_form")
            people[::2].consent_withdraw("newsletter", source="phone")
            mails = self.env["mail.mail"].concat(*(self._queue(recipient_ids=[(4, p.id)]) for p in people))
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            mails._consent_ask_again()
            self.env.flush_all()
            self.assertEqual(mails.mapped("state"), ["cancel" if i % 2 == 0 else "outgoing" for i in range(count)])
            return self.env.cr.sql_log_count - before

        asked(2)
        self.assertEqual(asked(4), asked(40))

    def test_template_carries_its_purpose(self):
        template = self.env["mail.template"].create(
            {
                "name": "May",
                "model_id": self.env["ir.model"]._get_id("res.partner"),
                "partner_to": "{{ object.id }}",
                "subject": "May",
                "body_html": "<p>News</p>",
                "consent_purpose_id": self.newsletter.id,
            }
        )
        self.people[0].consent_withdraw("newsletter", source="email")
        with self.mock_mail_gateway():
            template.send_mail_batch(self.people.ids, force_send=True)
        self.assertEqual(len(self._mails), 3)
        composer = self.env["mail.compose.message"].create(
            {
                "composition_mode": "mass_mail",
                "model": "res.partner",
                "res_ids": str(self.people.ids),
                "template_id": template.id,
            }
        )
        self.assertEqual(composer.consent_purpose_id, self.newsletter)
        with self.mock_mail_gateway():
            composer._action_send_mail()
        self.assertEqual(len(self._mails), 3)

    def test_message_on_a_record_tells_for_whom_it_did_not_leave(self):
        self.people[0].consent_withdraw("newsletter", source="email")
        with self.mock_mail_gateway():
            message = self.people[1].message_post(
                body="News",
                message_type="comment",
                subtype_xmlid="mail.mt_comment",
                partner_ids=self.people[:2].ids,
                consent_purpose_id=self.newsletter.id,
            )
        status = {n.res_partner_id: n.notification_status for n in message.notification_ids}
        self.assertEqual(status[self.people[0]], "canceled")
        self.assertEqual(status[self.people[1]], "sent")
        self.assertEqual(len(self._mails), 1)

    def test_colleague_who_follows_gets_what_was_written(self):
        colleague = self.recorder.partner_id
        self.people[1].message_subscribe(colleague.ids)
        with self.mock_mail_gateway():
            self.people[1].message_post(
                body="News",
                message_type="comment",
                subtype_xmlid="mail.mt_comment",
                partner_ids=self.people[1].ids,
                consent_purpose_id=self.newsletter.id,
            )
        self.assertEqual(len(self._mails), 2)

    # -- typed by hand -------------------------------------------------------------------------------

    def test_mail_by_hand_warns_of_an_objection_and_goes(self):
        self.people[0].consent_object(source="email")
        composer = (
            self.env["mail.compose.message"]
            .with_context(default_model="res.partner", default_res_ids=self.people[0].ids)
            .create({"partner_ids": self.people[:2].ids, "body": "<p>Your bicycle is ready.</p>", "subject": "Ready"})
        )
        self.assertIn("P0 objected to all advertising", composer.consent_warning)
        self.assertNotIn("P1", composer.consent_warning)
        with self.mock_mail_gateway():
            composer._action_send_mail()
        self.assertEqual(len(self._mails), 2)

    def test_mail_by_hand_to_somebody_restricted_is_refused(self):
        restricted = self.people[0]
        self.patch(
            type(restricted),
            "_get_consent_writing_refusals",
            lambda _self, partners: {id_: "Restricted" for id_ in (partners & restricted).ids},
        )
        composer = (
            self.env["mail.compose.message"]
            .with_context(default_model="res.partner", default_res_ids=self.people[1].ids)
            .create({"partner_ids": restricted.ids, "body": "<p>Hello</p>", "subject": "Hello"})
        )
        with self.assertRaisesRegex(UserError, "Restricted"):
            composer._action_send_mail()
        with self.assertRaisesRegex(UserError, "Restricted"):
            self.people[1].message_post(body="Hello", message_type="comment", partner_ids=restricted.ids)
        self.people[1].message_post(body="Note", message_type="comment", partner_ids=self.people[2].ids)
