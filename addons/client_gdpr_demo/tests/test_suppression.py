from unittest.mock import patch

from odoo.addons.client_gdpr.tests.common import GdprCase
from odoo.addons.mail.models.mail_mail import MailMail
from odoo.tests import tagged

ADDRESS = "eliska@post.example"


@tagged("post_install", "-at_install")
class TestSuppression(GdprCase):
    """An erased person's address in the apps that keep addresses of their own."""

    def setUp(self):
        super().setUp()
        request = self.erase()
        self.assertEqual(request.state, "executed", request.failure)

    def test_files_for_leads_and_mailing_lists_are_refused_by_row(self):
        for model, header in (
            ("crm.lead", ["name", "email_from"]),
            ("mailing.contact", ["name", "email"]),
        ):
            with self.subTest(model=model):
                rows = [["Jiný", "jiny@post.example"], ["Eliška", ADDRESS]]
                result = self.env[model].load(header, rows)
                self.assertFalse(result["ids"])
                self.assertEqual([message["record"] for message in result["messages"]], [1])
                self.assertTrue(self.env[model].load(header, rows[:1])["ids"])

    def test_mailing_leaves_out_a_list_contact_that_came_back(self):
        mailing_list = self.env["mailing.list"].create({"name": "News"})
        back, other = self.env["mailing.contact"].create(
            [
                {"name": "Eliška", "email": ADDRESS, "list_ids": mailing_list.ids},
                {"name": "Jiný", "email": "jiny@post.example", "list_ids": mailing_list.ids},
            ]
        )
        mailing = self.env["mailing.mailing"].create(
            {
                "subject": "News",
                "body_html": "<p>News</p>",
                "mailing_model_id": self.env["ir.model"]._get_id("mailing.list"),
                "contact_list_ids": mailing_list.ids,
            }
        )
        with patch.object(MailMail, "send", lambda self, *args, **kwargs: True):
            mailing.action_send_mail((back | other).ids)
        traces = self.env["mailing.trace"].search([("mass_mailing_id", "=", mailing.id)])
        status = {trace.res_id: trace.trace_status for trace in traces}
        self.assertEqual(status[back.id], "cancel")
        self.assertNotEqual(status[other.id], "cancel")

    def test_text_messages_leave_the_number_out(self):
        back, other = self.env["res.partner"].create(
            [
                {"name": "Eliška", "phone": "+420 601 234 567"},
                {"name": "Jiný", "phone": "+420 777 000 111"},
            ]
        )
        composer = self.env["sms.composer"].create(
            {
                "composition_mode": "mass",
                "res_model": "res.partner",
                "res_ids": repr((back | other).ids),
                "body": "News",
                "mass_keep_log": False,
            }
        )
        composer._action_send_sms()
        messages = self.env["sms.sms"].search([("body", "=", "News")])
        states = {sms.partner_id: sms.state for sms in messages}
        self.assertEqual(states[back], "canceled")
        self.assertNotEqual(states[other], "canceled")
