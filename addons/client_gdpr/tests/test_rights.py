from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged

from .common import GdprCase


@tagged("post_install", "-at_install")
class TestRights(GdprCase):
    def test_user_without_group_sees_neither_buttons_nor_records_also_over_rpc(self):
        request = self.open_request()
        request.action_submit()
        as_outsider = request.with_user(self.outsider)
        person = self.person.with_user(self.outsider)
        for act in (
            lambda: self.open_request(user=self.outsider),
            lambda: as_outsider.read(["name"]),
            lambda: as_outsider.search([]),
            lambda: as_outsider.action_approve(),
            lambda: as_outsider.action_execute(),
            lambda: as_outsider.action_cancel("no"),
            lambda: person.action_gdpr_show_me(),
            lambda: person.action_gdpr_delete_me(),
            lambda: person.gdpr_why(),
            lambda: self.env["gdpr.plan.line"].with_user(self.outsider).search([]),
            lambda: self.env["gdpr.certificate"].with_user(self.outsider).search([]),
            lambda: self.env["gdpr.vault"].with_user(self.outsider).search([]),
            lambda: self.env["gdpr.data.map"].with_user(self.outsider).coverage(),
            lambda: self.env["gdpr.erasure.wizard"].with_user(self.outsider).create({"partner_id": person.id}),
        ):
            with self.assertRaises(AccessError):
                act()
        arch = person.get_view(self.env.ref("base.view_partner_form").id)["arch"]
        self.assertNotIn("action_gdpr_show_me", arch)
        self.assertNotIn("action_gdpr_delete_me", arch)

    def test_auditor_reads_and_changes_nothing(self):
        request = self.open_request()
        as_auditor = request.with_user(self.auditor)
        self.assertTrue(as_auditor.read(["name", "state"]))
        for act in (
            lambda: as_auditor.write({"note": "x"}),
            lambda: as_auditor.action_cancel("no"),
            lambda: self.env["gdpr.vault"].with_user(self.auditor).search([]),
        ):
            with self.assertRaises(AccessError):
                act()

    def test_privacy_state_cannot_be_written_by_anybody(self):
        admin = self.env.ref("base.user_admin")
        for context in ({}, {"gdpr_sweep": True}, {"gdpr_sweep": "<gdpr sweep>"}):
            with self.assertRaises(AccessError):
                self.person.with_user(admin).with_context(**context).write({"gdpr_state": "erased"})
        with self.assertRaises(AccessError):
            self.env["res.partner"].create({"name": "X", "gdpr_state": "blocked"})

    def test_people_who_are_no_clients_are_refused_when_the_request_is_opened(self):
        employee = new_test_user(self.env, "t_employee", "base.group_user")
        cases = {
            "internal user": employee.partner_id,
            "company": self.env.company.partner_id,
            "OdooBot": self.env.ref("base.partner_root"),
            "public user": self.env.ref("base.public_partner"),
        }
        before = self.env["gdpr.request"].search_count([])
        for name, partner in cases.items():
            with self.subTest(name), self.assertRaises(UserError):
                self.open_request(partner=partner)
            with self.subTest(f"{name}, button"), self.assertRaises(UserError):
                partner.with_user(self.handler).action_gdpr_delete_me()
        self.assertEqual(self.env["gdpr.request"].search_count([]), before)

    def test_each_role_finds_its_menu_and_outsiders_none(self):
        places = {
            "menu_privacy_root": (self.handler, self.approver, self.dpo, self.auditor),
            "menu_gdpr_request": (self.handler, self.approver, self.dpo, self.auditor),
            "menu_gdpr_request_to_approve": (self.approver,),
        }
        for user in (self.handler, self.approver, self.dpo, self.auditor, self.outsider):
            visible = self.env["ir.ui.menu"].with_user(user)._visible_menu_ids()
            for name, users in places.items():
                module = "client_consent" if name == "menu_privacy_root" else "client_gdpr"
                with self.subTest(user=user.login, menu=name):
                    self.assertEqual(self.env.ref(f"{module}.{name}").id in visible, user in users)
