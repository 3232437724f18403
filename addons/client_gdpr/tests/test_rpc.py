import json
import os

from odoo import fields
from odoo.tests import HttpCase, new_test_user, tagged

from .common import GdprCase


@tagged("post_install", "-at_install")
class TestRpc(GdprCase, HttpCase):
    """What stands between the outside and the data when no screen is in the way."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        tomorrow = fields.Datetime.add(fields.Datetime.now(), days=1)
        cls.keys = {
            user: cls.env["res.users.apikeys"].with_user(user)._generate("rpc", "test", tomorrow)
            for user in (cls.handler, cls.approver, cls.outsider)
        }

    def call(self, user, model, method, **arguments):
        """Call over JSON-2 as another program does; the answer is (HTTP status, content)."""
        answer = self.url_open(
            f"/json/2/{model}/{method}",
            data=json.dumps(arguments),
            headers={"Content-Type": "application/json", "Authorization": f"bearer {self.keys[user]}"},
        )
        return answer.status_code, answer.json()

    def opening(self, **changes):
        return {
            "kind": "erasure",
            "partner_ids": self.person.ids,
            "received_at": "2026-11-20 09:00:00",
            "source": "api",
            **changes,
        }

    def test_a_request_goes_from_arrival_to_certificate_over_the_promised_methods(self):
        status, number = self.call(self.handler, "gdpr.request", "request_open", **self.opening())
        self.assertEqual(status, 200, number)
        for user, method in (
            (self.handler, "action_confirm_identity"),
            (self.handler, "action_plan"),
            (self.handler, "action_submit"),
            (self.approver, "action_approve"),
            (self.approver, "action_execute"),
            (self.handler, "action_answer"),
        ):
            status, content = self.call(user, "gdpr.request", method, ids=[number])
            self.assertEqual(status, 200, (method, content))
        self.assertEqual(self.env["gdpr.request"].browse(number).state, "answered")
        self.assertFalse(self.person.exists())

    def test_user_without_group_reaches_nothing(self):
        request = self.open_request()
        request.action_submit()
        ids = request.ids
        calls = [
            ("gdpr.request", "request_open", self.opening()),
            ("gdpr.request", "search", {"domain": []}),
            ("gdpr.request", "read", {"ids": ids, "fields": ["name"]}),
            ("gdpr.request", "action_approve", {"ids": ids}),
            ("gdpr.request", "action_execute", {"ids": ids}),
            ("gdpr.plan.line", "search", {"domain": []}),
            ("gdpr.vault", "search", {"domain": []}),
            ("gdpr.certificate", "search", {"domain": []}),
            ("gdpr.data.map", "coverage", {}),
            ("res.partner", "gdpr_why", {"ids": self.person.ids}),
            ("res.partner", "consent_status", {"ids": self.person.ids}),
        ]
        for model, method, arguments in calls:
            status, content = self.call(self.outsider, model, method, **arguments)
            self.assertEqual(status, 403, (model, method, content))
        self.assertEqual(request.state, "submitted")

    def test_capability_of_the_sweep_cannot_be_sent_from_outside(self):
        for sent in (True, 1, "<gdpr sweep>", {"gdpr_sweep": True}):
            status, _content = self.call(
                self.handler,
                "res.partner",
                "write",
                ids=self.person.ids,
                vals={"gdpr_state": "erased"},
                context={"gdpr_sweep": sent},
            )
            self.assertNotEqual(status, 200)
        self.assertEqual(self.person.gdpr_state, "active")

    def test_bad_arguments_are_answered_with_what_to_do(self):
        for changes in (
            {"kind": "forget"},
            {"source": "rumour"},
            {"partner_ids": []},
            {"partner_ids": [2**31 - 1]},
            {"received_at": "2999-01-01 00:00:00"},
        ):
            with self.subTest(changes):
                status, content = self.call(self.handler, "gdpr.request", "request_open", **self.opening(**changes))
                self.assertEqual(status, 422, content)
        self.assertFalse(self.env["gdpr.request"].search_count([("partner_ids", "in", self.person.ids)]))

    def test_files_of_a_request_open_only_for_those_who_may_read_it(self):
        answer = self.open_request("access")
        answer.action_confirm_identity()
        answer.action_execute()
        answer.action_prepare_package()
        self.addCleanup(os.remove, answer.package_id.sudo()._path())
        certificate = self.erase(self.person.copy({"email": False, "phone": False})).certificate_ids
        paths = (f"/gdpr/package/{answer.package_id.id}", f"/gdpr/certificate/{certificate.id}.json")
        new_test_user(self.env, "t_portal", "base.group_portal")
        for login in ("t_outsider", "t_portal"):
            self.authenticate(login, login)
            for path in paths:
                self.assertEqual(self.url_open(path).status_code, 404, (login, path))
        self.authenticate("t_handler", "t_handler")
        for path in paths:
            opened = self.url_open(path)
            self.assertEqual(opened.status_code, 200, path)
            self.assertNotIn(self.person.name.split()[-1], opened.headers["Content-Disposition"])
