from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged
from odoo.tools import SQL

from ..tools import identity
from .common import GdprCase


@tagged("post_install", "-at_install")
class TestIdentity(GdprCase):
    """Who else may be the same person: gathered, graded, explained, and taken along only when a handler says so."""

    def setUp(self):
        super().setUp()
        self.env["gdpr.data.path"]._build_indexes()
        self.partners = self.env["res.partner"]

    def contact(self, **values):
        return self.partners.create(values)

    def candidates(self, partner=None):
        [found] = self.env["gdpr.finder"]._candidates([(partner or self.person).ids])
        return {(c.model, c.res_id): (c.grade, c.reasons) for c in found}

    def grade_of(self, record, partner=None):
        return self.candidates(partner).get((record._name, record.id), (None, None))[0]

    def test_duplicates_are_graded_and_homonyms_stay_apart(self):
        same = self.contact(name="ELISKA  TESTOVANA", email="Eliska@Post.example")
        spouse = self.contact(name="Karel Testovaný", email="eliska@post.example")
        initial = self.contact(name="E. Testovaná", phone="601 234 567")
        homonym = self.contact(name="Testovaná Eliška", email="another@post.example")
        archived = self.contact(name="Eliška Testovaná", phone="00420601234567", active=False)
        stranger = self.contact(name="Nobody Atall", email="eliska@post.example.net", phone="+421 601 234 567")
        found = self.candidates()
        expected = {
            same: ("certain", ("email", "name_same")),
            spouse: ("likely", ("email", "name_other")),
            initial: ("likely", ("phone", "name_similar")),
            homonym: ("name_only", ("name_same",)),
            archived: ("certain", ("phone", "name_same")),
        }
        for contact, grade in expected.items():
            self.assertEqual(found.get(("res.partner", contact.id)), grade, contact.name)
        self.assertNotIn(("res.partner", stranger.id), found)

    def test_earlier_names_and_addresses_count_on_either_side(self):
        self.person.message_post(body="x")
        self.flush_tracking()
        self.person.write({"name": "Eliška Provdaná", "email": "nova@post.example"})
        self.flush_tracking()
        maiden = self.contact(name="Eliška Testovaná", email="eliska@post.example")
        self.assertEqual(self.candidates()["res.partner", maiden.id], ("certain", ("email", "name_earlier")))
        self.assertEqual(self.candidates(maiden)["res.partner", self.person.id], ("certain", ("email", "name_earlier")))

    def flush_tracking(self):
        self.env.flush_all()
        self.cr.flush()

    def test_tax_number_bank_account_and_login_are_marks(self):
        self.person.vat = "CZ7103192745"
        self.env["res.partner.bank"].create(
            {"acc_number": "CZ65 0800 0000 1920 0014 5399", "partner_id": self.person.id}
        )
        trader = self.contact(name="Květiny Eliška", vat="CZ7103192745")
        holder = self.contact(name="Karel Testovaný")
        self.env["res.partner.bank"].create({"acc_number": "CZ6508000000192000145399", "partner_id": holder.id})
        user = new_test_user(
            self.env, "eliska@post.example", "base.group_portal", name="Somebody", email="else@post.example"
        )
        found = self.candidates()
        self.assertEqual(found["res.partner", trader.id][1][0], "tax")
        self.assertEqual(found["res.partner", holder.id], ("likely", ("account", "name_other")))
        self.assertEqual(found["res.partner", user.partner_id.id][1][0], "login")

    def test_colleagues_do_not_share_a_person_by_their_companys_tax_number(self):
        firm = self.contact(name="Kola s.r.o.", is_company=True, vat="CZ7103192745")
        one, other = (self.contact(name=f"Colleague {n} Malá", parent_id=firm.id) for n in "AB")
        self.assertEqual(one.vat, firm.vat)
        self.assertNotIn(("res.partner", other.id), self.candidates(one))
        [(_located, found)] = self.env["gdpr.finder"]._locate_records([one.ids])
        self.assertFalse(found.codes)

    def test_percent_underscore_quotes_emoji_and_writing_from_right_to_left_are_letters(self):
        names = [
            "100% Jana",
            "J_na Malá",
            'O\'Brien "Bob"',
            "Ema 🦊 Lišková",
            "محمد علي",
            "Jana\\ Malá",
            "); DROP TABLE x --",
        ]
        for name in names:
            with self.subTest(name):
                person = self.contact(name=name, email="a_b%c@post.example")
                twin = self.contact(name=f" {name.upper()} ", email="z@post.example")
                near = self.contact(name="Jxna Mala", email="axbxc@post.example")
                found = self.candidates(person)
                self.assertIn(("res.partner", twin.id), found)
                self.assertNotIn(("res.partner", near.id), found)
                (person | twin | near).unlink()

    def test_database_and_tools_write_the_key_of_a_name_alike(self):
        names = [
            "Jana  NOVÁKOVÁ",
            "Łukasz-Ørsted",
            "  Đorđe, O'Neil ",
            "\u200fمُحَمَّد\u200f علي",
            "שָׁלוֹם",
            "Ñandú\u00a0Ｆull",
            "x" * 300,
            "🦊",
            "%_\\",
            "Straße",
        ]
        key = self.env["gdpr.data.path"]._name_key_sql(SQL("n"))
        rows = self.env.execute_query(SQL("SELECT n, %s FROM unnest(%s) n", key, names))
        self.assertEqual({name: found for name, found in rows}, {name: identity.name_key(name) for name in names})

    def test_dialog_ticks_what_is_certain_and_takes_along_what_is_ticked(self):
        same = self.contact(name="Eliška Testovaná", email="eliska@post.example")
        homonym = self.contact(name="Eliška Testovaná", email="another@post.example")
        before = homonym.read()[0]
        wizard = self.env["gdpr.erasure.wizard"].with_user(self.handler).create({"partner_id": self.person.id})
        ticks = {line.res_id: line.included for line in wizard.identity_ids}
        self.assertEqual(ticks, {same.id: True, homonym.id: False})
        self.assertEqual(
            {line.explanation for line in wizard.identity_ids},
            {"Same e-mail address, same name.", "Same name only: often somebody else."},
        )
        request = self.env["gdpr.request"].browse(wizard.action_submit()["res_id"])
        self.assertEqual(request.partner_ids, self.person | same)
        self.assertEqual(request.subject_label, f"Contact {self.person.id}, Contact {same.id}")
        request.with_user(self.approver).action_approve_and_execute()
        self.assertEqual(request.state, "executed", request.failure)
        self.assertFalse((self.person | same).exists())
        homonym.invalidate_recordset()
        after = homonym.read()[0]
        self.assertEqual({k for k in before if before[k] != after[k]}, set())

    def test_unticked_contact_is_left_alone(self):
        same = self.contact(name="Eliška Testovaná", email="eliska@post.example")
        wizard = self.env["gdpr.erasure.wizard"].with_user(self.handler).create({"partner_id": self.person.id})
        wizard.identity_ids.included = False
        request = self.env["gdpr.request"].browse(wizard.action_submit()["res_id"])
        self.assertEqual(request.partner_ids, self.person)
        request.with_user(self.approver).action_approve_and_execute()
        self.assertEqual(request.state, "executed", request.failure)
        self.assertEqual(same.email, "eliska@post.example")

    def test_request_from_outside_joins_nobody_by_itself_and_says_who_waits(self):
        same = self.contact(name="Eliška Testovaná", email="eliska@post.example")
        request = self.open_request()
        self.assertEqual(request.partner_ids, self.person)
        self.assertEqual(request.open_identity_count, 1)
        request.action_confirm_identity("callback")
        request.action_plan()
        alone = sum(request.plan_id.line_ids.mapped("record_count"))
        request.identity_ids.with_user(self.handler).action_include()
        self.assertEqual(request.partner_ids, self.person | same)
        self.assertGreater(sum(request.plan_id.line_ids.mapped("record_count")), alone)
        self.assertEqual(request.open_identity_count, 0)
        request.identity_ids.with_user(self.handler).action_exclude()
        self.assertEqual(request.partner_ids, self.person)
        self.assertEqual(request.identity_proof, "callback")

    def test_answer_shows_the_other_contact_after_the_handler_said_so(self):
        other = self.contact(name="Eliška Testovaná", email="eliska@post.example", street="Dlouhá 7")
        action = self.person.with_user(self.handler).action_gdpr_show_me()
        request = self.env["gdpr.request"].with_user(self.handler).browse(action["res_id"])
        self.assertNotIn("Dlouhá 7", request.answer_html)
        request.identity_ids.filtered(lambda line: line.res_id == other.id).with_user(self.handler).action_include()
        self.assertIn("Dlouhá 7", request.answer_html)
        request.action_answer()
        with self.assertRaises(UserError):
            request.identity_ids.with_user(self.handler).action_exclude()

    def test_archived_contact_that_was_confirmed_is_answered_for(self):
        archived = self.contact(name="Eliška Testovaná", email="eliska@post.example", street="Dlouhá 7", active=False)
        request = self.open_request("access")
        request.identity_ids.with_user(self.handler).action_include()
        request.invalidate_recordset()
        self.assertEqual(request.partner_ids, self.person | archived)
        request.action_confirm_identity()
        request.action_execute()
        self.assertIn("Dlouhá 7", request.answer_html)

    def test_settled_means_nothing_waits_and_nobody_is_joined(self):
        self.contact(name="Eliška Testovaná", email="eliska@post.example")
        request = self.open_request()
        request.action_identity_settled()
        self.assertEqual((request.open_identity_count, request.partner_ids), (0, self.person))

    def test_only_a_handler_says_who_it_is_and_only_before_the_plan_is_submitted(self):
        self.contact(name="Eliška Testovaná", email="eliska@post.example")
        request = self.open_request()
        for user in (self.approver, self.dpo, self.auditor):
            with self.assertRaises(AccessError):
                request.identity_ids.with_user(user).action_include()
        for user in (self.outsider, self.handler, self.approver):
            with self.assertRaises(AccessError):
                request.identity_ids.with_user(user).write({"included": True})
        with self.assertRaises(AccessError):
            request.identity_ids.with_user(self.outsider).read(["grade"])
        with self.assertRaises(AccessError):
            request.identity_ids.with_user(self.auditor).read(["name"])
        request.action_submit()
        with self.assertRaises(UserError):
            request.identity_ids.with_user(self.handler).action_include()

    def test_ticks_that_the_finder_did_not_gather_count_for_nothing(self):
        stranger = self.contact(name="Nobody Atall")
        wizard = self.env["gdpr.erasure.wizard"].with_user(self.handler).create({"partner_id": self.person.id})
        wizard.identity_ids = [
            fields.Command.create(
                {
                    "model": "res.partner",
                    "res_id": stranger.id,
                    "grade": "certain",
                    "reasons": "email,name_same",
                    "included": True,
                }
            )
        ]
        request = self.env["gdpr.request"].browse(wizard.action_submit()["res_id"])
        self.assertEqual(request.partner_ids, self.person)

    def test_contact_of_another_company_is_not_shown(self):
        company = self.env["res.company"].create({"name": "Another Controller"})
        self.contact(name="Eliška Testovaná", email="eliska@post.example", company_id=company.id)
        self.assertFalse(self.open_request().identity_ids)

    def test_internal_user_is_shown_with_the_reason_and_cannot_be_taken_along(self):
        colleague = new_test_user(
            self.env, "eliska.work", "base.group_user", name="Eliška Testovaná", email="eliska@post.example"
        )
        wizard = self.env["gdpr.erasure.wizard"].with_user(self.handler).create({"partner_id": self.person.id})
        line = wizard.identity_ids.filtered(lambda line: line.res_id == colleague.partner_id.id)
        self.assertFalse(line.included)
        self.assertIn("internal login", line.explanation)
        line.included = True
        with self.assertRaises(UserError):
            wizard.action_submit()

    def test_lines_hold_numbers_and_codes_and_their_names_go_with_the_record(self):
        same = self.contact(name="Eliška Testovaná", email="eliska@post.example")
        request = self.open_request()
        line = request.identity_ids
        self.assertIn("Eliška", line.with_user(self.handler).name)
        self.env.cr.execute("SELECT * FROM gdpr_identity_candidate WHERE id = %s", line.ids)
        self.assertNotIn("eliš", " ".join(map(str, self.env.cr.fetchone())).lower())
        same.unlink()
        line.invalidate_recordset()
        self.assertEqual(line.with_user(self.handler).name, f"res.partner {same.id}, deleted")

    def test_person_merged_meanwhile_is_told_and_not_half_answered(self):
        twin = self.contact(name="Eliška Testovaná", email="eliska@post.example")
        request = self.open_request()
        request.action_confirm_identity()
        self.env["base.partner.merge.automatic.wizard"]._merge((self.person | twin).ids, twin)
        request.invalidate_recordset()
        self.assertEqual(request.partner_ids, twin)
        request.action_plan()
        self.assertIn("res.partner", request.plan_id.line_ids.mapped("model"))

    def test_request_for_nobody_says_what_to_do(self):
        with self.assertRaisesRegex(UserError, "whose request"):
            self.env["gdpr.request"].with_user(self.handler).request_open("access", [], fields.Datetime.now(), "email")
