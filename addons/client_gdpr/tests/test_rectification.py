import json

from odoo import fields
from odoo.addons.client_consent.tests.common import use_key
from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, new_test_user, tagged

from ..tools import copies
from .common import GdprCase


@tagged("post_install", "-at_install")
class TestRectification(GdprCase):
    def ask(self, values, partner=None, user=None):
        requests = self.env["gdpr.request"].with_user(user or self.handler)
        ids = (partner or self.person).ids
        return requests.browse(
            requests.request_open("rectification", ids, fields.Datetime.now(), "email", values=values)
        )

    def correct(self, values, partner=None):
        request = self.ask(values, partner)
        request.action_confirm_identity()
        request.action_execute()
        return request

    def wizard(self, partner=None):
        wizards = self.env["gdpr.rectification.wizard"].with_user(self.handler)
        return Form(wizards.with_context(default_partner_id=(partner or self.person).id))

    def tracked(self, partner=None):
        self.env.flush_all()
        self.env.cr.precommit.run()
        messages = (partner or self.person).message_ids
        return messages.sudo().tracking_value_ids

    def test_promised_way_from_arrival_to_answer_needs_no_approver(self):
        request = self.ask({"email": "eliska.nova@post.example", "city": "Olomouc"})
        self.assertEqual(request.state, "received")
        self.assertEqual(self.person.email, "eliska@post.example")
        request.action_confirm_identity()
        request.action_execute()
        self.assertEqual(
            (request.state, self.person.email, self.person.city), ("executed", "eliska.nova@post.example", "Olomouc")
        )
        self.assertEqual(self.person.email_normalized, "eliska.nova@post.example")
        request.action_answer()
        self.assertEqual(request.state, "answered")

    def test_request_remembers_fields_and_counts_but_no_value(self):
        request = self.correct({"email": "eliska.nova@post.example", "name": "Eliška Nová"})
        self.assertEqual(
            request.corrected,
            [{"model": "res.partner", "field": field, "count": 1} for field in ("email", "name")],
        )
        self.env.flush_all()
        self.env.cr.execute("SELECT gdpr_request::text FROM gdpr_request")
        for (row,) in self.env.cr.fetchall():
            for value in ("Testovan", "eliska@", "eliska.nova@", "Nová"):
                self.assertNotIn(value, row)
        self.assertFalse(request.sudo().asked_payload)

    def test_what_is_asked_waits_encrypted_and_goes_when_the_request_closes(self):
        request = self.ask({"email": "eliska.nova@post.example"})
        payload = request.sudo().asked_payload
        self.assertTrue(payload)
        self.assertNotIn(b"eliska", payload)
        request.action_cancel("asked by mistake")
        self.assertFalse(request.sudo().asked_payload)

    def test_old_value_is_not_tracked(self):
        before = self.tracked()
        self.correct({"email": "eliska.nova@post.example", "phone": "+420 602 111 222", "name": "Eliška Nová"})
        self.assertEqual(self.tracked(), before)

    def test_each_bad_value_is_refused_naming_its_field_and_nothing_changes(self):
        self.person.country_id = self.env.ref("base.cz")
        cases = {
            "no_such_field": "x",
            "email": "not an address",
            "phone": "12",
            "country_id": "ZZ",
            "state_id": "NOWHERE",
            "name": "",
            "user_id": "2",
            "signup_token": "x",
            "is_company": True,
            "consent_birthdate": "31.12.1980",
            "lang": "xx_XX",
            "street": 12,
        }
        names = self.env["gdpr.corrector"]._correctable()
        before = self.person.read(names)
        count = self.env["gdpr.request"].search_count([])
        for name, value in cases.items():
            with self.subTest(name), self.assertRaises(UserError) as refused:
                self.ask({"city": "Olomouc", name: value})
            self.assertIn(name, str(refused.exception))
        for values in ({}, None, {"city": "Brno"}, ["city"]):
            with self.subTest(str(values)), self.assertRaises(UserError):
                self.ask(values)
        self.person.invalidate_recordset()
        self.assertEqual(self.person.read(names), before)
        self.assertEqual(self.env["gdpr.request"].search_count([]), count)

    def test_tax_number_is_checked_as_its_country_does_where_that_is_installed(self):
        self.person.country_id = self.env.ref("base.cz")
        if self.env["ir.module.module"]._get("base_vat").state == "installed":
            with self.assertRaises(UserError) as refused:
                self.ask({"vat": "CZ123"})
            self.assertIn("vat", str(refused.exception))
        self.correct({"vat": "CZ12345679"})
        self.assertEqual(self.person.vat, "CZ12345679")

    def test_country_and_state_are_given_by_code(self):
        us, texas = self.env.ref("base.us"), self.env.ref("base.state_us_44")
        self.person.country_id = self.env.ref("base.cz")
        self.correct({"state_id": texas.code, "country_id": "us"})
        self.assertEqual((self.person.country_id, self.person.state_id), (us, texas))
        with self.assertRaises(UserError) as refused:
            self.ask({"country_id": "CZ"})
        self.assertIn("state_id", str(refused.exception))
        self.correct({"country_id": "CZ", "state_id": ""})
        self.assertFalse(self.person.state_id)

    def test_row_that_changed_since_the_request_was_opened_is_not_overwritten(self):
        request = self.ask({"email": "eliska.nova@post.example"})
        request.action_confirm_identity()
        self.person.email = "somebody.else.typed@post.example"
        with self.assertRaises(UserError) as refused:
            request.action_execute()
        self.assertIn("Email", str(refused.exception))
        self.assertNotIn("@", str(refused.exception))
        self.assertEqual(self.person.email, "somebody.else.typed@post.example")
        self.assertEqual(request.state, "identified")
        self.env.invalidate_all()
        self.assertIn("Somebody changed the contact", request.correction_html)
        # the handler looks again and decides
        context = request.action_open_correction()["context"]
        form = Form(self.env["gdpr.rectification.wizard"].with_user(self.handler).with_context(**context))
        self.assertEqual(form.email, "eliska.nova@post.example")
        form.save().action_correct()
        self.assertEqual((request.state, self.person.email), ("executed", "eliska.nova@post.example"))

    def test_row_that_changed_since_the_form_was_opened_is_not_overwritten(self):
        form = self.wizard()
        form.email = "eliska.nova@post.example"
        wizard = form.save()
        self.person.email = "somebody.else.typed@post.example"
        with self.assertRaises(UserError):
            wizard.action_correct()
        self.assertEqual(self.person.email, "somebody.else.typed@post.example")

    def test_child_contact_is_corrected_alone(self):
        company = self.env["res.partner"].create(
            {
                "name": "Pekárna s.r.o.",
                "is_company": True,
                "street": "Dlouhá 5",
                "zip": "602 00",
                "city": "Brno",
                "vat": "CZ12345679",
            }
        )
        child, sibling = self.env["res.partner"].create(
            [{"name": "Ida Nováková", "parent_id": company.id}, {"name": "Petr Malý", "parent_id": company.id}]
        )
        untouched = [(p, p.read(["street", "zip", "city", "vat", "name"])) for p in (company, sibling)]
        self.assertEqual(child.street, "Dlouhá 5")
        self.correct({"street": "Soukromá 3", "city": "", "name": "Ida Nová"}, child)
        self.assertEqual((child.street, child.city, child.zip, child.name), ("Soukromá 3", False, "602 00", "Ida Nová"))
        for partner, before in untouched:
            partner.invalidate_recordset()
            self.assertEqual(partner.read(["street", "zip", "city", "vat", "name"]), before)
        with self.assertRaises(UserError) as refused:
            self.ask({"vat": "CZ00000019"}, child)
        self.assertIn("vat", str(refused.exception))

    def test_own_addresses_follow_and_other_people_below_do_not(self):
        delivery, other = self.env["res.partner"].create(
            [
                {
                    "name": "Eliška Testovaná",
                    "type": "delivery",
                    "parent_id": self.person.id,
                    "street": "Krátká 1",
                    "city": "Brno",
                },
                {"name": "Syn Testovaný", "type": "contact", "parent_id": self.person.id},
            ]
        )
        self.correct({"street": "Krátká 11", "name": "Eliška Nová"})
        self.assertEqual((delivery.street, delivery.name), ("Krátká 11", "Eliška Nová"))
        self.assertEqual((other.street, other.name), ("Krátká 1", "Syn Testovaný"))

    def test_address_that_shares_only_the_town_stays(self):
        summer = self.env["res.partner"].create(
            {"name": "Chata", "type": "delivery", "parent_id": self.person.id, "street": "Lesní 8", "city": "Brno"}
        )
        self.correct({"city": "Olomouc"})
        self.assertEqual(summer.city, "Brno")

    def test_login_follows_the_address_and_a_taken_one_is_refused(self):
        user = new_test_user(self.env, "eliska@post.example", "base.group_portal", partner_id=self.person.id)
        self.assertEqual(user.partner_id, self.person)
        self.correct({"email": "eliska.nova@post.example"})
        self.assertEqual(user.login, "eliska.nova@post.example")
        new_test_user(self.env, "taken@post.example", "base.group_portal")
        request = self.ask({"email": "taken@post.example"})
        request.action_confirm_identity()
        with self.assertRaises(UserError) as refused:
            request.action_execute()
        self.assertIn("email", str(refused.exception))
        self.assertEqual(self.person.email, "eliska.nova@post.example")

    def test_unticked_place_stays_as_it_is(self):
        user = new_test_user(self.env, "eliska@post.example", "base.group_portal", partner_id=self.person.id)
        form = self.wizard()
        form.email = "eliska.nova@post.example"
        self.assertEqual(len(form.line_ids), 2)
        with form.line_ids.edit(1) as line:
            self.assertEqual(line.where, "Login")
            line.ticked = False
        form.city = "Olomouc"
        form.save().action_correct()
        self.assertEqual((self.person.email, self.person.city), ("eliska.nova@post.example", "Olomouc"))
        self.assertEqual(user.login, "eliska@post.example")

    def test_dialog_says_what_is_wrong_and_leaves_nothing_behind(self):
        form = self.wizard()
        self.assertEqual(len(form.line_ids), 0)
        form.email = "not an address"
        self.assertIn("email", form.problem)
        form.email = "eliska.nova@post.example"
        self.assertFalse(form.problem)
        wizard = form.save()
        action = wizard.action_correct()
        self.assertEqual(action["res_model"], "gdpr.request")
        self.assertFalse(wizard.exists())
        self.assertFalse(self.env["gdpr.rectification.wizard.line"].search([]))

    def test_statement_of_the_person_stands_beside_the_data_and_in_the_answer(self):
        statement = "The order of 3 March was made by my brother in my name."
        self.correct({"gdpr_statement": statement})
        self.assertEqual(self.person.gdpr_statement, statement)
        action = self.person.with_user(self.handler).action_gdpr_show_me()
        self.assertIn(statement, self.env["gdpr.request"].with_user(self.handler).browse(action["res_id"]).answer_html)

    def test_consent_for_the_old_address_asks_what_becomes_of_it(self):
        self.person.consent_give("newsletter", ["email"], "web_form")
        self.correct({"email": "eliska.nova@post.example"})
        self.assertFalse(self.person.consent_allows("newsletter", "email"))
        change = self.env["consent.address.change"].search([("partner_id", "=", self.person.id)])
        self.assertEqual((change.state, change.new_address), ("open", "eliska.nova@post.example"))

    def test_who_is_not_to_be_written_to_stays_so_under_the_new_address(self):
        self.env["mail.blacklist"]._add("eliska@post.example")
        self.env["phone.blacklist"]._add(["+420601234567"])
        self.correct({"email": "eliska.nova@post.example", "phone": "+420 602 111 222"})
        self.assertTrue(self.person.is_blacklisted)
        self.assertTrue(self.person.phone_blacklisted)
        self.assertTrue(self.env["mail.blacklist"].search([("email", "=", "eliska@post.example")]))

    def test_of_two_contacts_of_one_person_the_second_is_corrected_where_it_says_the_same(self):
        second = self.env["res.partner"].create(
            {"name": "Eliška Testovaná", "email": "Eliska@Post.example", "phone": "+420 777 888 999", "city": "Praha"}
        )
        self.correct({"email": "eliska.nova@post.example", "phone": "+420 602 111 222"}, self.person | second)
        self.assertEqual(second.email, "eliska.nova@post.example")
        self.assertEqual(second.phone, "+420 777 888 999")

    def test_staff_company_and_sealed_people_are_refused(self):
        employee = new_test_user(self.env, "t_employee", "base.group_user")
        sealed = self.env["res.partner"].create(self.person_values("Zapečetěná Osoba", "sealed"))
        self.erase(sealed)
        if not sealed.exists():
            sealed = self.env["res.partner"]
        for partner in (employee.partner_id, self.env.company.partner_id, self.env.ref("base.partner_root"), *sealed):
            with self.subTest(partner.id), self.assertRaises(UserError):
                self.ask({"city": "Olomouc"}, partner)
            with self.subTest(f"{partner.id}, button"), self.assertRaises(UserError):
                partner.with_user(self.handler).action_gdpr_change_me()

    def test_who_is_no_handler_neither_asks_nor_looks_nor_corrects(self):
        request = self.ask({"email": "eliska.nova@post.example"})
        request.action_confirm_identity()
        for user in (self.outsider, self.auditor, self.approver, self.dpo):
            with self.subTest(user.login):
                with self.assertRaises(AccessError):
                    self.ask({"city": "Olomouc"}, user=user)
                with self.assertRaises(AccessError):
                    self.person.with_user(user).action_gdpr_change_me()
                with self.assertRaises(AccessError):
                    self.env["gdpr.rectification.wizard"].with_user(user).create({"partner_id": self.person.id})
                with self.assertRaises(AccessError):
                    request.with_user(user).read(["asked_payload"])
        for user in (self.outsider, self.auditor, self.approver):
            with self.subTest(user.login), self.assertRaises(AccessError):
                request.with_user(user).read(["correction_html"])
        for user in (self.outsider, self.auditor, self.approver, self.dpo):
            with self.subTest(user.login), self.assertRaises(AccessError):
                request.with_user(user).action_execute()
        self.assertEqual(self.person.email, "eliska@post.example")

    def test_waiting_request_shows_its_places_and_opens_in_the_form(self):
        request = self.ask({"email": "eliska.nova@post.example", "ref": "K-77"})
        self.assertIn("eliska.nova@post.example", request.correction_html)
        action = self.person.with_user(self.handler).action_gdpr_change_me()
        form = Form(self.env["gdpr.rectification.wizard"].with_user(self.handler).with_context(**action["context"]))
        self.assertEqual(form.email, "eliska.nova@post.example")
        form.city = "Olomouc"
        form.save().action_correct()
        self.assertEqual(request.state, "executed")
        self.assertEqual(
            (self.person.email, self.person.ref, self.person.city), ("eliska.nova@post.example", "K-77", "Olomouc")
        )

    def test_key_rotation_keeps_what_is_asked(self):
        request = self.ask({"email": "eliska.nova@post.example"})
        ring = self.env["consent.key"]._ring()
        following = type(ring).load(type(ring).generate())
        self.env["consent.key"]._rewrap(ring, following)
        with use_key(following):
            self.assertEqual(request._asked()["values"], {"email": "eliska.nova@post.example"})

    def test_every_row_of_the_table_of_copies_names_stored_fields_of_one_kind(self):
        contact = self.env["res.partner"]._fields
        for model, columns in self.env["gdpr.corrector"]._get_copies().items():
            if model not in self.env:
                continue
            for column, name in columns.items():
                with self.subTest(f"{model}.{column}"):
                    field = self.env[model]._fields[column]
                    self.assertTrue(field.store and field.column_type)
                    self.assertEqual(field.comodel_name, contact[name].comodel_name)
        for model, (column, _states) in copies.WAITING.items():
            if model in self.env:
                self.assertIn(column, self.env[model]._fields)

    def test_values_travel_as_json(self):
        request = self.ask({"consent_birthdate": "1980-12-31", "country_id": "CZ"})
        self.assertEqual(json.loads(json.dumps(request._asked()))["values"]["country_id"], "CZ")
        request.action_confirm_identity()
        request.action_execute()
        self.assertEqual(self.person.consent_birthdate, fields.Date.to_date("1980-12-31"))

    def test_recipients_are_told_once_in_letters_that_do_not_stay(self):
        carrier, mute = self.env["res.partner"].create(
            [{"name": "Dopravce", "email": "data@dopravce.example"}, {"name": "Bez adresy"}]
        )
        form = self.wizard()
        form.email = "eliska.nova@post.example"
        form.recipient_ids.add(carrier)
        action = form.save().action_correct()
        request = self.env["gdpr.request"].with_user(self.handler).browse(action["res_id"])
        self.assertEqual(request.recipient_ids, carrier)
        letter = self.env["mail.mail"].sudo().search([("email_to", "=", "data@dopravce.example")])
        self.assertEqual(len(letter), 1)
        self.assertTrue(letter.auto_delete)
        for text in ("Eliška Testovaná", "eliska@post.example", "eliska.nova@post.example"):
            self.assertIn(text, letter.body_html)
        self.assertNotIn("601 234 567", letter.body_html)
        form = self.wizard()
        form.email = "eliska.jina@post.example"
        form.recipient_ids.add(mute)
        with self.assertRaises(UserError):
            form.save().action_correct()
        self.assertEqual(self.person.email, "eliska.nova@post.example")

    def test_purposes_say_who_may_have_got_the_data(self):
        purpose = self.env["consent.purpose"].search([("code", "=", "newsletter")])
        purpose.sudo().recipients = "Poštovní služba"
        self.assertNotIn("Poštovní služba", self.wizard().recipients_hint or "")
        self.person.consent_give("newsletter", ["email"], "web_form")
        self.assertIn("Poštovní služba", self.wizard().recipients_hint)

    def test_names_of_any_script_and_sign_arrive_as_they_were_written(self):
        for name in ('O\'Brien "Ed" 100 % _a_', "Žofie 😀 Ščerba", "שרה כהן", "名前 太郎", "<b>Bold</b> & Co"):
            with self.subTest(name):
                request = self.correct({"name": name})
                self.assertEqual((self.person.name, request.state), (name, "executed"))

    def test_places_beyond_those_shown_are_corrected_too(self):
        self.env["mail.activity"].search([("res_id", "=", self.person.id)]).unlink()
        for number in range(90):
            self.person.activity_schedule(summary=f"Call {number}", user_id=self.handler.id)
        form = self.wizard()
        form.name = "Eliška Nová"
        self.assertEqual((len(form.line_ids), form.more_count), (80, 11))
        with form.line_ids.edit(1) as line:
            line.ticked = False
        form.save().action_correct()
        self.env.invalidate_all()
        names = self.person.activity_ids.sudo().mapped("res_name")
        self.assertEqual((names.count("Eliška Nová"), names.count("Eliška Testovaná")), (89, 1))

    def test_sealed_address_below_an_open_contact_stays_sealed(self):
        delivery = self.env["res.partner"].create(
            {
                "name": "Eliška Testovaná",
                "type": "delivery",
                "parent_id": self.person.id,
                "email": "eliska@post.example",
            }
        )
        self.env.flush_all()
        self.env.cr.execute("UPDATE res_partner SET gdpr_state = 'restricted' WHERE id = %s", [delivery.id])
        delivery.invalidate_recordset(flush=False)
        self.correct({"email": "eliska.nova@post.example"})
        self.assertEqual(delivery.email, "eliska@post.example")

    def test_dialog_asks_about_other_contacts_of_the_person_and_corrects_those_ticked(self):
        certain, homonym = self.env["res.partner"].create(
            [
                {"name": "Eliška Testovaná", "email": "eliska@post.example", "city": "Praha"},
                {"name": "Eliška Testovaná", "email": "someone.else@post.example"},
            ]
        )
        form = self.wizard()
        asked = {
            values["res_id"]: values["included"]
            for values in (form.identity_ids.edit(n)._values for n in range(len(form.identity_ids)))
        }
        self.assertIs(asked[certain.id], True)
        self.assertFalse(asked.get(homonym.id))
        form.email = "eliska.nova@post.example"
        self.assertEqual(len(form.line_ids), 2)
        number = list(asked).index(certain.id)
        with form.identity_ids.edit(number) as line:
            line.included = False
        self.assertEqual(len(form.line_ids), 1)
        with form.identity_ids.edit(number) as line:
            line.included = True
        action = form.save().action_correct()
        request = self.env["gdpr.request"].with_user(self.handler).browse(action["res_id"])
        self.assertEqual(request.partner_ids, self.person | certain)
        self.env.invalidate_all()
        self.assertEqual({self.person.email, certain.email}, {"eliska.nova@post.example"})
        self.assertEqual((homonym.email, certain.city), ("someone.else@post.example", "Praha"))
