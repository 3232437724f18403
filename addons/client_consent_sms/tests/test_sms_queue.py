from odoo.addons.client_consent.tests.common import ConsentCase
from odoo.addons.sms.tests.common import SMSCommon
from odoo.tests import tagged


@tagged("post_install", "-at_install")
class TestSmsQueue(ConsentCase, SMSCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.offers = cls.env.ref("client_consent.purpose_offers")
        cls.people = cls.env["res.partner"].create(
            [cls.person_values(f"P{i}", f"p{i}", phone=f"+420 601 000 10{i}") for i in range(4)]
        )
        cls.people.consent_give("offers", ["sms"], "web_form")

    def _queue(self, people, **values):
        return self.env["sms.sms"].create(
            [
                {
                    "partner_id": person.id,
                    "number": person.phone_sanitized,
                    "body": "Spring offer",
                    "consent_purpose_id": self.offers.id,
                    **values,
                }
                for person in people
            ]
        )

    def test_withdrawn_after_queueing_is_not_sent(self):
        queued = self._queue(self.people)
        self.people[1].consent_withdraw("offers", ["sms"], source="sms_keyword")
        with self.mockSMSGateway():
            queued.send()
        self.assertEqual(queued[1].state, "canceled")
        self.assertEqual(queued[1].failure_type, "sms_optout")
        self.assertEqual(set((queued - queued[1]).mapped("state")), {"pending"})
        self.assertEqual(len(self._sms), 3)

    def test_message_without_purpose_leaves(self):
        queued = self._queue(self.people[:1], consent_purpose_id=False)
        self.people.consent_object(source="phone")
        with self.mockSMSGateway():
            queued.send()
        self.assertEqual(queued.state, "pending")

    def test_consent_for_one_number_does_not_cover_another(self):
        queued = self._queue(self.people[:1], number="+420601999999")
        with self.mockSMSGateway():
            queued.send()
        self.assertEqual(queued.state, "canceled")

    def test_nobody_left_sends_nothing_and_does_not_fail(self):
        queued = self._queue(self.people)
        self.people.consent_withdraw("offers", source="phone")
        with self.mockSMSGateway():
            queued.send()
        self.assertEqual(set(queued.mapped("state")), {"canceled"})
        self.assertFalse(self._sms)

    def test_notification_says_opted_out(self):
        message = self.people[0]._message_sms("Spring offer", consent_purpose_id=self.offers.id, put_in_queue=True)
        queued = self.env["sms.sms"].search([("mail_message_id", "=", message.id)])
        self.assertEqual(queued.consent_purpose_id, self.offers)
        self.people[0].consent_withdraw("offers", source="phone")
        with self.mockSMSGateway():
            queued.send()
        self.assertEqual(message.notification_ids.notification_status, "canceled")
        self.assertEqual(message.notification_ids.failure_type, "sms_optout")

    def test_dialog_takes_the_purpose_of_the_template(self):
        template = self.env["sms.template"].create(
            {
                "name": "Offer",
                "model_id": self.env["ir.model"]._get_id("res.partner"),
                "body": "Spring offer",
                "consent_purpose_id": self.offers.id,
            }
        )
        self.people[0].consent_withdraw("offers", source="phone")
        composer = (
            self.env["sms.composer"]
            .with_context(
                default_res_model="res.partner", default_composition_mode="mass", default_res_ids=self.people.ids
            )
            .create({"template_id": template.id, "mass_force_send": True})
        )
        with self.mockSMSGateway():
            composer._action_send_sms()
        self.assertEqual(len(self._sms), 3)

    def test_queue_asks_once_however_many_wait(self):
        queued = self._queue(self.people)
        self.env.flush_all()

        def asked(messages):
            self.env.invalidate_all()
            self.env["consent.gate"]._rules()
            before = self.env.cr.sql_log_count
            messages._consent_stop()
            return self.env.cr.sql_log_count - before

        asked(queued)
        self.assertEqual(asked(queued[:2]), asked(queued))
