from unittest.mock import patch

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import new_test_user, tagged

from ..models.gdpr_data_map import GdprDataMap
from .common import GdprCase


@tagged("post_install", "-at_install")
class TestDataMap(GdprCase):
    def setUp(self):
        # registered first, so done last: custom fields leave the registry when their rows are rolled back
        self.addCleanup(self._forget_custom_fields)
        super().setUp()

    def _forget_custom_fields(self):
        self.env.registry.reset_changes()
        self.env.registry.clear_cache()

    def test_everything_that_is_installed_is_declared(self):
        coverage = self.env["gdpr.data.map"].with_user(self.dpo).coverage()
        self.assertEqual(coverage["unclassified"], [], "declare these fields in a catalogue")
        self.assertGreater(coverage["declared"], 30)

    def custom_link(self):
        """A custom link to a contact on a model of the installation, as an administrator makes it."""
        self.env["ir.model.fields"].create(
            {
                "name": "x_friend_id",
                "model_id": self.env["ir.model"]._get_id("res.country.group"),
                "ttype": "many2one",
                "relation": "res.partner",
                "field_description": "Friend",
            }
        )
        group = self.env["res.country.group"].create({"name": "Friends", "x_friend_id": self.person.id})
        self.env.registry.clear_cache()
        return group

    def test_undecided_field_blocks_submission_until_it_is_decided(self):
        group = self.custom_link()
        self.assertIn(
            "res.country.group.x_friend_id", self.env["gdpr.data.map"].with_user(self.dpo).coverage()["unclassified"]
        )
        request = self.open_request()
        with self.assertRaises(UserError) as refused:
            request.action_submit()
        self.assertIn("res.country.group.x_friend_id", str(refused.exception))
        request.action_confirm_identity()
        request.action_plan()
        with self.assertRaises(UserError):
            request.action_submit()
        line = self.env["gdpr.data.map"].search([("field_name", "=", "x_friend_id")])
        self.assertEqual(line.state, "undecided")
        line.with_user(self.dpo).write({"action": "cut", "reason": "a friendship is no business of ours"})
        with self.assertRaises(AccessError):
            line.with_user(self.handler).action_decide()
        line.with_user(self.dpo).action_decide()
        request.action_plan()
        request.action_submit()
        request.with_user(self.approver).action_approve_and_execute()
        self.assertEqual(request.state, "executed", request.failure)
        self.assertFalse(group.x_friend_id)
        self.assertTrue(group.exists())
        self.assertIn("res.country.group.x_friend_id", request.certificate_ids.document)

    def test_undecided_field_without_records_is_named_on_the_certificate(self):
        group = self.custom_link()
        group.x_friend_id = False
        request = self.erase()
        self.assertEqual(request.state, "executed", request.failure)
        self.assertIn("res.country.group.x_friend_id", request.certificate_ids.document)

    def test_keeping_needs_a_reason(self):
        self.custom_link()
        self.env["gdpr.data.map"]._record_undecided()
        line = self.env["gdpr.data.map"].search([("field_name", "=", "x_friend_id")])
        line.action = "keep"
        with self.assertRaises(ValidationError):
            line.with_user(self.dpo).action_decide()

    # -- discovery -----------------------------------------------------------------------------------

    def make_field(self, model, name, ttype, **values):
        self.env["ir.model.fields"].create(
            {
                "name": name,
                "model_id": self.env["ir.model"]._get_id(model),
                "ttype": ttype,
                "field_description": name,
                **values,
            }
        )

    def make_model(self, name, *fields_):
        self.env["ir.model"].create(
            {
                "name": name,
                "model": name,
                "field_id": [
                    Command.create({"name": field, "ttype": ttype, "field_description": field, **values})
                    for field, ttype, values in fields_
                ],
            }
        )
        self.env.registry.clear_cache()

    def found(self):
        self.env.registry.clear_cache()
        return self.env["gdpr.data.map"]._discover()

    def test_record_is_found_by_its_links_though_no_name_tells(self):
        self.make_model(
            "x_gym.visit",
            ("x_z", "many2one", {"relation": "res.partner"}),
            ("x_q", "text", {}),
            ("x_n", "boolean", {}),
        )
        self.make_model("x_gym.weighing", ("x_y", "many2one", {"relation": "x_gym.visit"}), ("x_w", "char", {}))
        self.make_model("x_gym.machine", ("x_w", "char", {}))
        found = self.found()
        expected = {
            ("x_gym.visit", "x_z"): ("link", "x_z"),
            ("x_gym.visit", "x_q"): ("words", "x_z"),
            ("x_gym.visit", "x_n"): ("custom", "x_z"),
            ("x_gym.weighing", "x_y"): ("link", "x_y.x_z"),
            ("x_gym.weighing", "x_w"): ("words", "x_y.x_z"),
        }
        self.assertEqual({key: (found[key].kind, found[key].path) for key in expected}, expected)
        self.assertFalse([key for key in found if key[0] == "x_gym.machine"])

    def test_number_beside_the_name_of_a_model_is_found_without_a_relation(self):
        self.make_model("x_scan", ("x_res_id", "integer", {}), ("x_res_model", "char", {}), ("x_said", "char", {}))
        found = self.found()
        self.assertEqual(found["x_scan", "x_res_id"].kind, "pair")
        self.assertEqual(found["x_scan", "x_said"].kind, "words")

    def test_columns_are_found_by_name_where_nothing_leads_to_a_person(self):
        self.make_field("res.country.group", "x_contact_email", "char")
        self.make_field("res.country.group", "x_mobile", "char")
        self.make_field("res.country.group", "x_birthday", "date")
        self.make_field("res.country.group", "x_religion", "selection", selection="[('a', 'A')]")
        self.make_field("res.country.group", "x_words", "char")
        found = self.found()
        kinds = {name: found["res.country.group", f"x_{name}"].kind for name in ("contact_email", "mobile", "birthday")}
        self.assertEqual(kinds, {"contact_email": "email", "mobile": "phone", "birthday": "identity"})
        self.assertEqual(found["res.country.group", "x_religion"].kind, "special")
        self.assertNotIn(("res.country.group", "x_words"), found)

    def test_whatever_an_administrator_adds_to_a_contact_is_found(self):
        for ttype in ("char", "text", "html", "binary", "boolean", "date", "integer", "float"):
            self.make_field("res.partner", f"x_{ttype}", ttype)
        self.make_field("res.partner", "x_group_id", "many2one", relation="res.country.group")
        self.make_field("res.partner", "x_group_ids", "many2many", relation="res.country.group")
        found = self.found()
        custom = {field for model, field in found if model == "res.partner" and found[model, field].custom}
        self.assertEqual(
            custom,
            {
                *("x_char", "x_text", "x_html", "x_binary", "x_boolean", "x_date", "x_integer", "x_float"),
                *("x_group_id", "x_group_ids"),
            },
        )

    def test_paths_lead_from_a_record_to_the_contact(self):
        found = self.env["gdpr.data.map"]._discover()
        self.assertEqual(found["mail.tracking.value", "old_value_char"].path.split(".")[0], "mail_message_id")
        self.assertEqual(found["res.device.log", "ip_address"].path, "user_id.partner_id")
        self.assertEqual(found["res.partner", "email"].path, "")
        self.assertTrue(found["res.partner", "email"].tracked)

    def test_what_hangs_on_a_person_is_declared_and_so_is_what_neither_link_nor_name_tells(self):
        declared = self.env["gdpr.data.map"]._declarations()
        fixed = {
            ("mail.guest", "name"), ("discuss.channel", "name"), ("mail.tracking.value", "old_value_char"),
            ("mail.tracking.value", "new_value_char"), ("bus.bus", "message"),
        }  # fmt: skip
        self.assertLessEqual(fixed, declared.keys())
        self.assertFalse([key for key in fixed if declared[key].action == "none"])

    # -- decisions -----------------------------------------------------------------------------------

    def test_undecided_value_of_a_record_that_stays_blocks_and_is_erased_as_decided(self):
        self.make_field("res.partner", "x_allergies", "char")
        self.env.registry.clear_cache()
        self.person.x_allergies = "nuts"
        new_test_user(self.env, "t_portal", "base.group_portal", partner_id=self.person.id)
        request = self.open_request()
        with self.assertRaises(UserError) as refused:
            request.action_submit()
        self.assertIn("res.partner.x_allergies", str(refused.exception))
        request.action_confirm_identity()
        request.action_plan()
        line = self.env["gdpr.data.map"].search([("field_name", "=", "x_allergies")])
        self.assertEqual((line.kind, line.role, line.proposed_action), ("special", "value", "clear"))
        with self.assertRaises(AccessError):
            line.with_user(self.handler).action_accept_proposal()
        line.with_user(self.dpo).special = "health"
        line.with_user(self.dpo).action_accept_proposal()
        self.assertEqual((line.state, line.action), ("decided", "clear"))
        self.assertEqual(self.env["gdpr.data.map"]._declarations()["res.partner", "x_allergies"].special, "health")
        request.action_plan()
        request.action_submit()
        request.with_user(self.approver).action_approve_and_execute()
        self.assertEqual(request.state, "executed", request.failure)
        self.assertFalse(self.person.x_allergies)

    def test_decision_that_does_not_fit_the_field_is_refused(self):
        self.make_field("res.partner", "x_allergies", "char")
        self.env.registry.clear_cache()
        self.env["gdpr.data.map"]._record_undecided()
        line = self.env["gdpr.data.map"].search([("field_name", "=", "x_allergies")]).with_user(self.dpo)
        for action in ("cut", "delete", "anonymise"):
            with self.assertRaises(ValidationError):
                line.action = action

    def test_every_proposal_can_be_accepted_as_it_stands(self):
        self.make_model(
            "x_gym.visit",
            ("x_who_id", "many2one", {"relation": "res.partner", "required": True, "on_delete": "cascade"}),
            ("x_trainer_id", "many2one", {"relation": "res.users"}),
            ("x_friends", "many2many", {"relation": "res.partner"}),
            ("x_res_id", "integer", {}),
            ("x_res_model", "char", {}),
            ("x_mail", "char", {}),
            ("x_note", "text", {"required": True}),
            ("x_photo", "binary", {}),
            ("x_heavy", "boolean", {}),
        )
        data_map = self.env["gdpr.data.map"].with_user(self.dpo)
        lines = data_map._record_undecided().with_user(self.dpo)
        self.assertEqual(len(lines), 9)
        lines.action_accept_proposal()
        self.assertEqual(set(lines.mapped("state")), {"decided"})
        self.assertEqual(data_map.coverage()["unclassified"], [])
        self.assertEqual({row["state"] for row in data_map.entries() if row["model"] == "x_gym.visit"}, {"decided"})

    def test_decision_waits_while_the_module_of_its_field_is_away(self):
        data_map = self.env["gdpr.data.map"]
        values = {"role": "link", "action": "delete", "state": "decided"}
        data_map.create(
            [
                {"model_name": "gone.model", "field_name": "partner_id", **values},
                {"model_name": "res.partner", "field_name": "gone_id", **values},
            ]
        )
        self.assertNotIn(("gone.model", "partner_id"), data_map._declarations())
        self.assertEqual(self.erase().state, "executed")

    def test_line_leaves_the_list_when_its_field_is_gone(self):
        group = self.custom_link()
        data_map = self.env["gdpr.data.map"]
        data_map._record_undecided()
        self.assertEqual(len(data_map.search([("field_name", "=", "x_friend_id")])), 1)
        self.env["ir.model.fields"]._get(group._name, "x_friend_id").unlink()
        self.env.registry.clear_cache()
        self.assertFalse(data_map._record_undecided())
        self.assertFalse(data_map.search([("field_name", "=", "x_friend_id")]))

    # -- catalogues ----------------------------------------------------------------------------------

    def declare(self, *texts):
        """The declarations of these catalogues alone: (name, lines after the header) each."""
        header = "model,field,role,action,bond,topic,reason\n"
        catalogues = [(name, header + "\n".join(lines)) for name, lines in texts]
        self.env.registry.clear_cache()
        self.addCleanup(self.env.registry.clear_cache)
        with patch.object(GdprDataMap, "_catalogue_texts", lambda self: catalogues):
            return self.env["gdpr.data.map"]._declarations()

    def refusal(self, *texts):
        with self.assertRaises(UserError) as refused:
            self.declare(*texts)
        return str(refused.exception)

    def test_row_that_matches_no_field_is_an_error_that_names_it(self):
        good = "res.partner,name,value,replace,,contact,"
        for row, words in (
            ("res.partner,no_such,value,clear,,,", "there is no field res.partner.no_such"),
            ("no.such,name,value,clear,,,", "there is no model no.such"),
        ):
            self.assertIn(f"trial.csv, line 3: {words}", self.refusal(("trial.csv", [good, row])))

    def test_row_that_contradicts_its_field_is_an_error_that_names_it(self):
        for row, words in (
            ("res.users,login,value,clear,,,", "required"),
            ("res.partner,active,value,replace,,,", "a placeholder does not fit into a boolean"),
            ("res.partner,name,link,delete,own,,", "a char leads to no record"),
            ("res.partner,image_1920,email,delete,own,,", "a binary holds no address"),
            ("res.partner,contact_address,value,clear,,,", "not stored"),
            ("res.partner.bank,partner_id,link,cut,part,,", "required"),
        ):
            self.assertRegex(self.refusal(("trial.csv", [row])), f"trial.csv, line 2: .*{words}")

    def test_field_in_two_catalogues_names_both(self):
        row = "res.partner,name,value,replace,,contact,"
        self.assertRegex(
            self.refusal(("a.csv", [row]), ("b.csv", ["", row])),
            r"b\.csv, line 3: res\.partner\.name stands also in a\.csv, line 2",
        )

    def test_installation_that_leaves_a_stale_row_is_refused(self):
        stale = [("trial/gdpr_catalogue.csv", "model,field,role,action,reason\nres.partner,no_such,value,clear,\n")]
        self.addCleanup(self.env.registry.clear_cache)
        with (
            patch.object(GdprDataMap, "_catalogue_texts", lambda self: stale),
            self.assertRaisesRegex(UserError, "trial/gdpr_catalogue.csv, line 2"),
        ):
            self.env["ir.model.data"]._process_end([])

    def test_rest_of_a_model_speaks_for_its_own_module_alone(self):
        self.make_field("res.bank", "x_boss_email", "char")
        declared = self.declare(("catalogue/base.csv", ["res.bank,*,value,none,,technical,a bank"]))
        self.assertEqual(
            (declared["res.bank", "phone"].action, declared["res.bank", "phone"].reason), ("none", "a bank")
        )
        self.assertNotIn(("res.bank", "x_boss_email"), declared)
        declared = self.declare(("catalogue/base.csv", ["res.partner,*,value,none,,technical,trial"]))
        self.assertIn(("res.partner", "phone"), declared)
        self.assertNotIn(("res.partner", "email"), declared, "an address leads to a person: it has to be named")
        self.assertNotIn(
            ("res.partner", "phone_sanitized"), declared, "another module adds it, base cannot speak for it"
        )

    def test_rows_of_modules_that_are_not_installed_wait(self):
        shipped = {source for source, _text in self.env["gdpr.data.map"]._catalogue_texts()}
        self.assertIn("catalogue/base.csv", shipped)
        self.assertNotIn("catalogue/data_recycle.csv", shipped)

    def test_map_is_for_privacy_staff(self):
        for method in ("coverage", "entries"):
            with self.assertRaises(AccessError):
                getattr(self.env["gdpr.data.map"].with_user(self.outsider), method)()

    def test_map_tells_what_each_field_is_and_how_it_is_reached(self):
        entries = {(e["model"], e["field"]): e for e in self.env["gdpr.data.map"].with_user(self.auditor).entries()}
        email = entries["res.partner", "email"]
        self.assertEqual(
            (email["category"], email["purpose"], email["export"], email["origin"], email["state"], email["tracked"]),
            ("contact", "relationship", "portability", "given", "declared", True),
        )
        self.assertEqual(entries["res.device.log", "ip_address"]["path"], "user_id.partner_id")
        self.assertEqual(entries["res.device.log", "ip_address"]["purpose"], "security")
        self.assertTrue(all(e["category"] and e["purpose"] for e in entries.values()))
