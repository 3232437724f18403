from unittest.mock import patch

from dateutil.relativedelta import relativedelta
from odoo import fields
from odoo.addons.client_consent.models.consent_gate import ConsentGate
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain
from odoo.tests import tagged
from odoo.tools import SQL

from .common import ConsentCase, note_seller

#: A plan that reads one of the large tables whole.
READ_FROM_END_TO_END = "Seq Scan on (consent_basis|consent_subject|res_partner)"


@tagged("post_install", "-at_install")
class TestGate(ConsentCase):
    def test_given_is_yes_and_withdrawn_is_no(self):
        self.assertFalse(self.person.consent_allows("newsletter", "email"))
        [receipt] = self.person.consent_give("newsletter", ["email"], "web_form")
        self.assertEqual((receipt["state"], receipt["address"]), ("active", "eliska@post.example"))
        self.assertTrue(self.person.consent_allows("newsletter", "email"))
        [status] = self.person.consent_status()
        self.assertEqual((status["state"], status["source"]), ("active", "web_form"))
        self.person.consent_withdraw("newsletter", source="phone")
        self.assertFalse(self.person.consent_allows("newsletter", "email"))
        self.assertEqual([line["state"] for line in self.person.consent_status()], ["withdrawn"])

    def test_what_nothing_allows_is_not_allowed(self):
        for purpose, channel in [
            ("no such purpose", "email"),
            ("newsletter", "sms"),
            ("order", "email"),
            ("offers", "fax"),
        ]:
            with self.subTest(purpose=purpose, channel=channel):
                self.assertFalse(self.person.consent_allows(purpose, channel))

    def test_legal_obligation_needs_no_answer(self):
        self.assertTrue(self.person.consent_allows("invoice", "email"))

    def test_consent_ends_by_its_date_without_any_cron(self):
        long_ago = fields.Datetime.now() - relativedelta(months=24, days=1)
        self.person.consent_give("newsletter", ["email"], "in_person", given_at=long_ago)
        self.assertFalse(self.person.consent_allows("newsletter", "email"))
        self.assertEqual([line["state"] for line in self.person.consent_status()], ["expired"])

    def test_answer_at_a_past_moment_is_the_one_known_then(self):
        now = fields.Datetime.now()
        self.person.consent_give("newsletter", ["email"], "in_person", given_at=now - relativedelta(months=3))
        self.person.consent_withdraw("newsletter", source="phone", at=now - relativedelta(months=1))
        self.assertFalse(self.person.consent_allows("newsletter", "email", at=now - relativedelta(months=4)))
        self.assertTrue(self.person.consent_allows("newsletter", "email", at=now - relativedelta(months=2)))
        self.assertFalse(self.person.consent_allows("newsletter", "email", at=now))

    def test_no_on_another_record_of_the_same_address_is_a_no_here(self):
        twin = self.env["res.partner"].create(self.person_values("E. Testovaná", "Eliska"))
        self.person.consent_give("newsletter", ["email"], "web_form")
        self.assertTrue(self.person.consent_allows("newsletter", "email"))
        twin.consent_withdraw("newsletter", source="email")
        self.assertFalse(self.person.consent_allows("newsletter", "email"))
        self.assertIn("another contact with the same address", self.person.consent_banner)

    def test_missing_answer_on_another_record_vetoes_nothing(self):
        self.env["res.partner"].create(self.person_values("E. Testovaná", "eliska"))
        self.person.consent_give("newsletter", ["email"], "web_form")
        self.assertTrue(self.person.consent_allows("newsletter", "email"))

    def test_new_address_is_not_silently_covered(self):
        self.person.consent_give("newsletter", ["email"], "web_form")
        self.person.email = "new@post.example"
        self.assertFalse(self.person.consent_allows("newsletter", "email"))

    def test_consent_to_one_company_never_allows_another(self):
        other = self.env["res.company"].create({"name": "Another"})
        self.person.consent_give("newsletter", ["email"], "web_form")
        self.assertFalse(self.person.with_company(other).consent_allows("newsletter", "email"))

    def test_import_may_lower_and_never_raise(self):
        self.person.consent_withdraw("newsletter", source="phone")
        self.person.consent_give("newsletter", ["email"], "import")
        self.assertFalse(self.person.consent_allows("newsletter", "email"))
        self.person.consent_give("newsletter", ["email"], "in_person")
        self.assertTrue(self.person.consent_allows("newsletter", "email"))
        self.person.consent_withdraw("newsletter", source="import")
        self.assertFalse(self.person.consent_allows("newsletter", "email"))

    def test_bought_address_stays_pending(self):
        note_seller(self.person)
        [receipt] = self.person.consent_give("newsletter", ["email"], "bought")
        self.assertEqual(receipt["state"], "pending")
        self.assertFalse(self.person.consent_allows("newsletter", "email"))

    def test_copy_has_no_consent(self):
        self.person.consent_give("newsletter", ["email"], "web_form")
        self.assertEqual(self.person.copy().consent_status(), [])

    def test_merge_keeps_both_histories_and_the_strictest_wins(self):
        twin = self.env["res.partner"].create(self.person_values("Eliška T.", "eliska"))
        self.person.consent_give("newsletter", ["email"], "web_form")
        self.person.consent_give("offers", ["email"], "web_form")
        twin.consent_withdraw("newsletter", source="email")
        self.env["base.partner.merge.automatic.wizard"]._merge((self.person | twin).ids, self.person)
        self.assertFalse(twin.exists())
        self.assertFalse(self.person.consent_allows("newsletter", "email"))
        self.assertTrue(self.person.consent_allows("offers", "email"))
        self.assertEqual(len(self.env["consent.subject"].search([("partner_id", "=", self.person.id)])), 2)

    def test_objection_to_everything_stops_every_advertising(self):
        self.person.consent_give("newsletter", ["email"], "web_form")
        self.person.consent_object(source="email")
        for purpose in ("newsletter", "offers", "customer_care"):
            self.assertFalse(self.person.consent_allows(purpose, "email"))
        self.assertTrue(self.person.consent_allows("invoice", "email"), "service mail goes on")

    def test_many_people_are_asked_with_one_domain(self):
        people = self.env["res.partner"].create([self.person_values(f"P{i}", f"p{i}") for i in range(5)])
        people[:3].consent_give("newsletter", ["email"], "web_form")
        self.assertEqual(people._may_process("newsletter", "email"), people[:3])

    def test_bad_input_says_what_to_do_and_records_nothing(self):
        before = self.env["consent.event"].search_count([])
        nobody = self.env["res.partner"].create({"name": "Without Address"})
        tomorrow = fields.Datetime.now() + relativedelta(days=1)
        cases = [
            (self.person, ("newsletter", ["email"], "silence"), {}),
            (self.person, ("nothing", ["email"], "paper"), {}),
            (self.person, ("newsletter", ["sms"], "paper"), {}),
            (self.person, ("newsletter", [], "paper"), {}),
            (self.person, ("invoice", ["email"], "paper"), {}),
            (self.person, ("newsletter", ["email"], "paper"), {"given_at": tomorrow}),
            (self.person, ("newsletter", ["email"], "paper"), {"notice": "unpublished"}),
            (self.person, ("newsletter", ["email"], "paper"), {"evidence": [{"name": "a.pdf", "content": ""}]}),
            (nobody | self.person, ("newsletter", ["email"], "paper"), {}),
        ]
        for partner, args, kwargs in cases:
            with self.subTest(args=args, kwargs=list(kwargs)), self.assertRaises(UserError):
                partner.consent_give(*args, **kwargs)
        self.assertEqual(self.env["consent.event"].search_count([]), before)

    def test_wizards_record_and_withdraw(self):
        record = (
            self.env["consent.record.wizard"]
            .with_user(self.recorder)
            .create(
                {
                    "partner_id": self.person.id,
                    "purpose_id": self.env.ref("client_consent.purpose_offers").id,
                    "channel_email": True,
                    "channel_phone": True,
                    "source": "in_person",
                }
            )
        )
        record.action_record()
        self.assertTrue(self.person.consent_allows("offers", "phone"))
        withdraw = self.env["consent.withdraw.wizard"].with_user(self.recorder).create({"partner_id": self.person.id})
        self.assertEqual(len(withdraw.basis_ids), 2)
        withdraw.action_withdraw()
        self.assertFalse(self.person.consent_allows("offers", "phone") or self.person.consent_allows("offers", "email"))

    # -- purposes ------------------------------------------------------------------------------------

    def _purpose(self, code, **values):
        purpose = self.env["consent.purpose"].create({"code": code, "name": code, "validity_months": 12, **values})
        # how a purpose becomes fit for use is told elsewhere
        purpose.flush_recordset()
        self.env.cr.execute(SQL("UPDATE consent_purpose SET state = 'active' WHERE id = %s", purpose.id))
        purpose.invalidate_recordset()
        self.env.registry.clear_cache()
        return purpose

    def test_purpose_out_of_use_and_channel_taken_away_are_a_no_at_once(self):
        self.person.consent_give("offers", ["email", "phone"], "web_form")
        purpose = self.env.ref("client_consent.purpose_offers")
        self.assertTrue(self.person.consent_allows("offers", "phone"))
        purpose.channel_phone = False
        self.assertFalse(self.person.consent_allows("offers", "phone"))
        self.assertTrue(self.person.consent_allows("offers", "email"))
        purpose.action_archive_purpose()
        self.assertFalse(self.person.consent_allows("offers", "email"))

    def test_purpose_of_another_company_is_not_ours(self):
        other = self.env["res.company"].create({"name": "Another"})
        self._purpose("theirs", lawful_basis="legal_obligation", company_id=other.id)
        self.assertFalse(self.person.consent_allows("theirs", "email"))
        self.assertTrue(self.person.with_company(other).consent_allows("theirs", "email"))

    def test_what_the_law_demands_is_a_yes_also_after_an_objection(self):
        self.person.consent_object(source="email")
        for basis in ("legal_obligation", "vital", "public_task"):
            self._purpose(f"law_{basis}", lawful_basis=basis)
            self.assertTrue(self.person.consent_allows(f"law_{basis}", "email"), basis)

    # -- legitimate interest -------------------------------------------------------------------------

    def test_legitimate_interest_begins_with_the_notice_and_ends_with_the_objection(self):
        self.assertFalse(self.person.consent_allows("customer_care", "email"))
        self.person.consent_give("customer_care", ["email"], "in_person")
        self.assertTrue(self.person.consent_allows("customer_care", "email"))
        self.person.consent_object("customer_care", ["email"], source="email")
        self.assertFalse(self.person.consent_allows("customer_care", "email"))
        self.person.consent_give("customer_care", ["email"], "in_person")
        self.assertFalse(self.person.consent_allows("customer_care", "email"), "a repeated notice does not raise")

    def test_advertising_to_own_customers_needs_the_sale_too(self):
        self._purpose("similar", lawful_basis="legitimate_interest", own_customers=True)
        self.person.consent_give("similar", ["email"], "in_person")
        self.assertFalse(self.person.consent_allows("similar", "email"))
        self.assertIn("only for people who bought something", self.person.consent_banner)
        with self._orders({self.person: "S00042"}, "similar"):
            self.person.invalidate_recordset()
            self.assertTrue(self.person.consent_allows("similar", "email"))
            self.assertIn("You may: <span", self.person.consent_banner)
            self.person.consent_object("similar", source="email")
            self.assertFalse(self.person.consent_allows("similar", "email"))

    # -- contract ------------------------------------------------------------------------------------

    def _orders(self, orders, code="order", until=None):
        """Let a provider of contracts know of these: contact → number of the order."""

        def provider(_gate, rule):
            if rule.code == code:
                rows = [
                    SQL("SELECT %s::int, %s, %s::date", contact.id, name, until) for contact, name in orders.items()
                ]
                return SQL("SELECT * FROM (%s) o (partner_id, label, until)", SQL(" UNION ALL ").join(rows))
            return None

        self.enterContext(patch.object(ConsentGate, "_test_orders_sql", provider, create=True))
        return patch.object(ConsentGate, "_get_contract_providers", lambda _gate: ["_test_orders_sql"])

    def test_contract_allows_while_a_provider_says_so_and_the_card_names_it(self):
        twin = self.env["res.partner"].create(self.person_values("E. Testovaná", "eliska"))
        self.assertFalse(self.person.consent_allows("order", "email"))
        with self._orders({self.person: "S00042"}):
            self.person.invalidate_recordset()
            self.assertTrue(self.person.consent_allows("order", "email"))
            self.assertFalse(twin.consent_allows("order", "email"))
            self.assertEqual((self.person | twin)._may_process("order", "email"), self.person)
            self.assertIn("Orders: S00042", self.person.consent_banner)
            self.assertFalse(self.person.consent_no_ground)
            self.assertTrue(twin.consent_no_ground)
        with self._orders({self.person: "S00042"}, until=fields.Date.today() - relativedelta(days=1)):
            self.person.invalidate_recordset()
            self.assertFalse(self.person.consent_allows("order", "email"))
            self.assertNotIn("S00042", self.person.consent_banner)

    # -- vetoes --------------------------------------------------------------------------------------

    def test_no_to_a_replaced_purpose_counts_until_the_own_yes_to_the_new_one(self):
        old = self.env.ref("client_consent.purpose_newsletter")
        new = self._purpose("digest", lawful_basis="consent")
        purposes = type(self.env["consent.purpose"])
        plain = purposes._vetoing_ids
        self.patch(purposes, "_vetoing_ids", lambda p: [new.id, old.id] if p == new else plain(p))
        self.env.registry.clear_cache()
        now = fields.Datetime.now()
        self.person.consent_give("digest", ["email"], "web_form", given_at=now - relativedelta(months=3))
        self.assertTrue(self.person.consent_allows("digest", "email"))
        self.person.consent_withdraw("newsletter", ["email"], source="phone", at=now - relativedelta(months=2))
        self.assertFalse(self.person.consent_allows("digest", "email"))
        self.assertFalse(self.person.consent_allows("digest", "email", at=now - relativedelta(months=1)))
        self.assertTrue(self.person.consent_allows("digest", "email", at=now - relativedelta(days=80)))
        self.person.consent_give("digest", ["email"], "web_form", given_at=now - relativedelta(days=5))
        self.assertTrue(self.person.consent_allows("digest", "email"))
        self.assertFalse(self.person.consent_allows("newsletter", "email"))

    def test_lawful_basis_is_not_switched_after_a_withdrawal(self):
        """What was withdrawn or objected to cannot go on under a purpose that takes over, whatever it rests on."""
        steps = {"interest": "I", "necessity": "N", "balance": "B", "conclusion": "carries"}
        moved = self.env["res.partner"].create(self.person_values("Moved", "moved"))
        both, now = self.person | moved, fields.Datetime.now()
        cases = [
            ("consent", "legitimate_interest", "consent_withdraw"),
            ("consent", "consent", "consent_withdraw"),
            ("legitimate_interest", "consent", "consent_object"),
            ("legitimate_interest", "legitimate_interest", "consent_object"),
        ]
        for number, (before, after, act) in enumerate(cases):
            old = self._purpose(f"old{number}", lawful_basis=before)
            new = self.env["consent.purpose"].create(
                {
                    "code": f"new{number}",
                    "name": f"new{number}",
                    "lawful_basis": after,
                    "validity_months": 12,
                    "replaces_id": old.id,
                    "assessment_ids": [fields.Command.create(steps)],
                }
            )
            moved.email = "moved@post.example"
            both.consent_give(old.code, ["email"], "in_person", given_at=now - relativedelta(days=2))
            self.assertEqual(both._may_process(old.code, "email"), both)
            getattr(both, act)(old.code, source="email", at=now - relativedelta(days=1))
            new.action_activate()
            moved.email = f"elsewhere{number}@post.example"
            for source in ("import", "api", *(["in_person"] if after == "legitimate_interest" else [])):
                both.consent_give(new.code, ["email"], source)
                with self.subTest(before=before, after=after, source=source):
                    self.assertFalse(both._may_process(new.code, "email"))
                    self.assertFalse(both._may_process(old.code, "email"), "one processing has one lawful basis")
            if after == "consent":
                # the company switched nothing: the person agreed anew, to the new purpose by its name
                both.consent_give(new.code, ["email"], "in_person")
                self.assertEqual(both._may_process(new.code, "email"), both)
                both.consent_withdraw(new.code, source="email")
                self.assertFalse(both._may_process(new.code, "email"))

    def test_objection_at_an_earlier_address_outlives_a_repeated_notice(self):
        self.person.consent_give("customer_care", ["email"], "in_person")
        self.person.consent_object("customer_care", source="email")
        self.person.email = "new@post.example"
        self.person.consent_give("customer_care", ["email"], "in_person")
        self.assertFalse(self.person.consent_allows("customer_care", "email"))
        carried = self.env["consent.event"].search([("address", "=", "new@post.example"), ("kind", "=", "objected")])
        self.assertEqual(len(carried), 1)

    def test_objection_to_everything_covers_purposes_made_later(self):
        now = fields.Datetime.now()
        self.person.consent_object(source="email", at=now - relativedelta(months=1))
        self._purpose("club", lawful_basis="consent")
        self._purpose("survey", lawful_basis="legitimate_interest")
        self.person.consent_give("club", ["email"], "import")
        self.person.consent_give("survey", ["email"], "web_form")
        self.assertFalse(self.person.consent_allows("club", "email"))
        self.assertFalse(self.person.consent_allows("survey", "email"))
        self.assertIn("All advertising", self.person.consent_banner)
        self.person.consent_give("club", ["email"], "in_person")
        self.assertTrue(self.person.consent_allows("club", "email"), "the person's own later yes counts")
        self.assertFalse(self.person.consent_allows("survey", "email"), "being told is no yes")
        self.assertFalse(self.person.consent_allows("all_advertising", "email"))

    def test_objection_to_everything_counts_on_every_record_of_the_address(self):
        twin = self.env["res.partner"].create(self.person_values("E. Testovaná", "eliska"))
        twin.consent_give("newsletter", ["email"], "web_form", given_at=fields.Datetime.now() - relativedelta(days=9))
        self.person.consent_object(source="email")
        self.assertFalse(twin.consent_allows("newsletter", "email"))

    def test_pending_is_no_yes_and_lapses(self):
        note_seller(self.person)
        self.person.consent_give("newsletter", ["email"], "bought")
        self.assertEqual(self.person.consent_basis_ids.answer, "pending")
        self.env.cr.execute("UPDATE consent_basis SET until = '2020-01-01' WHERE state = 'pending'")
        self.person.invalidate_recordset()
        self.person.consent_basis_ids.invalidate_recordset()
        self.assertEqual(self.person.consent_basis_ids.answer, "expired")
        self.assertFalse(self.person.consent_allows("newsletter", "email"))

    # -- addresses -----------------------------------------------------------------------------------

    def test_addresses_are_asked_about_together(self):
        twin = self.env["res.partner"].create(self.person_values("Jiný", "other"))
        stranger = self.env["consent.subject"].create({})
        company, purpose = self.env.company, self.env.ref("client_consent.purpose_newsletter")
        common = {"purpose": purpose, "company": company, "kind": "given", "source": "web_form", "channel": "email"}
        common["at"] = fields.Datetime.now()
        self.env["consent.event"]._append([{**common, "subject": stranger, "address": "stranger@post.example"}])
        (self.person | twin).consent_give("newsletter", ["email"], "web_form")
        twin.consent_withdraw("newsletter", source="phone")
        asked = ["eliska@post.example", "other@post.example", "stranger@post.example", "nobody@post.example", False]
        allowed = self.env["consent.gate"]._allowed_addresses("newsletter", "email", asked)
        self.assertEqual(allowed, {"eliska@post.example", "stranger@post.example"})
        self.person.email = "moved@post.example"
        allowed = self.env["consent.gate"]._allowed_addresses("newsletter", "email", asked)
        self.assertEqual(allowed, {"stranger@post.example"})

    def test_every_channel_has_its_address(self):
        self.person.consent_give("offers", ["email", "sms", "phone", "post"], "in_person")
        for channel in ("email", "sms", "phone", "post"):
            self.assertTrue(self.person.consent_allows("offers", channel), channel)
        self.person.street = "Dlouhá 2"
        self.assertFalse(self.person.consent_allows("offers", "post"))
        self.person.phone = "+420 601 999 999"
        self.assertFalse(self.person.consent_allows("offers", "sms"))
        self.assertTrue(self.person.consent_allows("offers", "email"))

    # -- domain and queries --------------------------------------------------------------------------

    def test_domain_combines_like_any_other(self):
        partners = self.env["res.partner"]
        people = partners.create([self.person_values(f"P{i}", f"p{i}") for i in range(4)])
        without = partners.create({"name": "Without address"})
        people[:2].consent_give("newsletter", ["email"], "web_form")
        domain = partners._may_process_domain("newsletter", "email")
        among = Domain("id", "in", (people | without).ids)
        self.assertEqual(partners.search(among & domain), people[:2])
        self.assertEqual(partners.search(among & ~domain, order="id"), people[2:] | without)
        self.assertEqual(
            partners.search(among & (domain | Domain("name", "=", "P3")), order="id"), people[:2] | people[3]
        )
        self.assertEqual((people | without).filtered_domain(domain), people[:2])
        parent = partners.create({"name": "Company", "is_company": True, "child_ids": [(6, 0, people[0].ids)]})
        self.assertEqual(partners.search(Domain("child_ids", "any", domain) & Domain("id", "=", parent.id)), parent)

    def test_one_question_is_one_query(self):
        self.person.consent_give("newsletter", ["email"], "web_form")
        partner = self.person.with_user(self.recorder)
        partner.consent_allows("newsletter", "email")
        self.env.flush_all()
        for state in ("yes", "no"):
            with self.subTest(state=state):
                self.env.invalidate_all()
                partner.consent_allows("newsletter", "email")  # warm what belongs to the user, not to the question
                with self.assertQueryCount(1):
                    self.assertEqual(partner.consent_allows("newsletter", "email"), state == "yes")
            self.person.consent_withdraw("newsletter", source="phone")
            self.env.flush_all()

    def test_question_about_somebody_out_of_reach_is_refused(self):
        other = self.env["res.company"].create({"name": "Another"})
        hidden = self.env["res.partner"].create({**self.person_values("Hidden", "hidden"), "company_id": other.id})
        hidden.with_company(other).consent_give("newsletter", ["email"], "web_form")
        self.env.invalidate_all()
        with self.assertRaises(AccessError):
            hidden.with_user(self.recorder).consent_allows("newsletter", "email")


@tagged("post_install", "-at_install")
class TestGatePlans(ConsentCase):
    """What PostgreSQL does with twenty thousand contacts, each with a long history."""

    COUNT = 20_000

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.purpose = cls.env.ref("client_consent.purpose_newsletter")
        values = {"count": cls.COUNT, "purpose": cls.purpose.id, "company": cls.env.company.id}
        template = cls.env["res.partner"].create({"name": "Plan", "email": "plan@plan.example"})
        cls.env.flush_all()
        columns = [
            name
            for name, field in template._fields.items()
            if field.store and field.column_type and name not in ("id", "email", "email_normalized", "barcode")
        ]
        copied = SQL(", ").join(map(SQL.identifier, columns))
        cls.env.cr.execute(
            SQL(
                """INSERT INTO res_partner (email, email_normalized, %s)
                   SELECT 'plan' || i || '@plan.example', 'plan' || i || '@plan.example', %s
                     FROM res_partner, generate_series(1, %s) i WHERE id = %s""",
                copied,
                copied,
                cls.COUNT,
                template.id,
            )
        )
        cls.env.cr.execute(
            """INSERT INTO consent_subject (uuid, partner_id)
               SELECT gen_random_uuid()::text, id FROM res_partner WHERE email LIKE 'plan%%@plan.example'"""
        )
        cls.env.cr.execute(
            """INSERT INTO consent_basis (subject_id, purpose_id, company_id, channel, address, state, since, until,
                                          source, voice, event_ref)
               SELECT s.id, %(purpose)s, %(company)s, 'email', p.email_normalized,
                      CASE WHEN s.id %% 10 < 7 THEN 'active' WHEN s.id %% 10 = 7 THEN 'withdrawn' ELSE 'requested' END,
                      now() AT TIME ZONE 'UTC', current_date + 100, 'web_form', 2, 0
                 FROM consent_subject s JOIN res_partner p ON p.id = s.partner_id
                WHERE p.email LIKE 'plan%%@plan.example'""",
            values,
        )
        cls.env.cr.execute("ANALYZE res_partner; ANALYZE consent_subject; ANALYZE consent_basis")
        cls.env.invalidate_all()

    def _plan(self, sql):
        return "\n".join(line for (line,) in self.env.execute_query(SQL("EXPLAIN (COSTS OFF) %s", sql)))

    def test_one_question_goes_over_indexes_only(self):
        partners = self.env["res.partner"]
        domain = partners._may_process_domain("newsletter", "email")
        some = partners.search([("email", "=like", "plan%@plan.example")], limit=1)
        plan = self._plan(partners._search(Domain("id", "=", some.id) & domain, order="id").select())
        self.assertNotRegex(plan, READ_FROM_END_TO_END)
        self.assertIn("consent_basis", plan)

    def test_addresses_are_found_over_indexes_only(self):
        gate = self.env["consent.gate"]
        rule = gate._rule("newsletter", "email")
        addresses = [f"plan{number}@plan.example" for number in range(100, 110)]
        answers = SQL("SELECT b.address FROM %s AND b.address = ANY(%s)", gate._answers_sql(rule, "email"), addresses)
        self.assertNotRegex(self._plan(answers), READ_FROM_END_TO_END)
        self.assertTrue(gate._allowed_addresses("newsletter", "email", addresses))

    def test_many_contacts_are_joined_not_asked_one_by_one(self):
        partners = self.env["res.partner"]
        domain = partners._may_process_domain("newsletter", "email")
        plan = self._plan(partners._search(domain).select())
        self.assertNotIn("SubPlan", plan)
        self.assertRegex(plan, "Hash (Right )?Semi Join|Hash Join|Merge")
        found = partners.search_count(domain)
        self.assertAlmostEqual(found / self.COUNT, 0.7, delta=0.01)

    def test_filters_of_the_list_are_subqueries(self):
        partners = self.env["res.partner"]
        for domain in (
            [("consent_no_ground", "=", True)],
            [("consent_basis_ids", "any", [("state", "=", "active"), ("until", "<=", "today +30d")])],
            [("consent_basis_ids", "any", [("state", "in", ("withdrawn", "objected"))])],
        ):
            partners.search(domain, limit=80)
            with self.subTest(domain=domain), self.assertQueryCount(1):
                partners.search(domain, limit=80)
