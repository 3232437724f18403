from odoo.exceptions import UserError
from odoo.tests import tagged

from .common import ConsentCase


@tagged("post_install", "-at_install")
class TestNotice(ConsentCase):
    def test_published_notice_is_never_edited_only_superseded(self):
        notice = self.env["consent.notice"].create(
            {"code": "trial", "name": "May we?", "body": "<p>One</p>", "lang": "en_US"}
        )
        notice.action_publish()
        for change in ({"body": "<p>Two</p>"}, {"name": "Other"}, {"code": "other"}):
            with self.assertRaises(UserError):
                notice.write(change)
        with self.assertRaises(UserError):
            notice.unlink()
        second = self.env["consent.notice"].browse(notice.action_new_version()["res_id"])
        self.assertEqual((second.version, second.state), (2, "draft"))
        second.body = "<p>Two</p>"
        second.action_publish()
        self.assertEqual((notice.state, second.state), ("superseded", "published"))
        self.assertNotEqual(notice.sha256, second.sha256)

    def test_event_keeps_which_text_was_seen(self):
        notice = self.env["consent.notice"].create(
            {"code": "trial", "name": "May we?", "body": "<p>One</p>", "lang": "en_US"}
        )
        notice.action_publish()
        [receipt] = self.person.consent_give("newsletter", ["email"], "web_form", notice="trial")
        self.assertEqual(receipt["notice"], "trial")
        self.assertEqual(self.person.consent_status()[0]["notice"], "trial")
