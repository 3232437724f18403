import re

from dateutil.relativedelta import relativedelta
from lxml import etree
from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged
from odoo.tools.safe_eval import safe_eval

from .common import ConsentCase, note_seller


@tagged("post_install", "-at_install")
class TestCard(ConsentCase):
    """What stands on the contact, in the list and behind the smart button."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.plain_user = new_test_user(cls.env, "plain_user", "base.group_user,base.group_partner_manager")

    def _banner(self, partner):
        partner.invalidate_recordset()
        return re.sub("<[^>]+>", "", partner.with_user(self.recorder).consent_banner)

    def _specification(self, user, kind):
        """What the web client asks for, given the view of a user."""
        views = self.env["res.partner"].with_user(user).get_views([(False, kind)])
        models = views["models"]

        def of(arch, model):
            level = arch.xpath("count(ancestor::field)")
            asked = {}
            for node in arch.xpath(f".//field[count(ancestor::field) = {level}]"):
                info = models[model]["fields"][node.get("name")]
                asked[node.get("name")] = {}
                if info["type"] == "many2one":
                    asked[node.get("name")] = {"fields": {"display_name": {}}}
                elif info["type"] in ("one2many", "many2many") and node.find("list") is not None:
                    asked[node.get("name")] = {"fields": of(node.find("list"), info["relation"])}
            return asked

        return of(etree.fromstring(views["views"][kind]["arch"]), "res.partner")

    # -- banner --------------------------------------------------------------------------------------

    def test_banner_says_what_may_be_done_what_not_and_until_when(self):
        self.assertIn("Nothing recorded: no advertising", self._banner(self.person))
        at = fields.Datetime.to_datetime("2026-02-03 10:00:00")
        self.person.consent_give("offers", ["email", "sms"], "web_form", given_at=at)
        self.person.consent_give("newsletter", ["email"], "in_person", given_at=at)
        self.person.consent_withdraw(
            "newsletter", source="portal", at=fields.Datetime.to_datetime("2026-05-03 10:00:00")
        )
        banner = self._banner(self.person)
        self.assertIn("You may: Offers (E-mail, SMS) until 3 Feb 2028", banner)
        self.assertIn("You may not: Newsletter (E-mail): withdrawn 3 May 2026", banner)
        self.assertIn('title="Web form, 3 Feb 2026, eliska@post.example"', self.person.consent_banner)

    def test_banner_names_the_record_that_vetoes(self):
        twin = self.env["res.partner"].create(self.person_values("Twin Testovaná", "eliska"))
        self.person.consent_give("newsletter", ["email"], "web_form")
        twin.consent_withdraw("newsletter", source="email")
        self.assertIn("another contact with the same address said no (Twin Testovaná)", self._banner(self.person))
        self.assertEqual(self.person.consent_basis_ids.hindrance, "veto")
        self.assertEqual(self.person.consent_state, "no")
        twin.company_id = self.env["res.company"].create({"name": "Another"})
        self.assertNotIn("Twin", self._banner(self.person))

    def test_banner_says_that_the_address_changed(self):
        self.person.consent_give("newsletter", ["email"], "web_form")
        self.person.email = "new@post.example"
        self.assertIn("You may not: Newsletter (E-mail): given for another address", self._banner(self.person))
        self.assertEqual(self.person.consent_basis_ids.hindrance, "address")
        self.assertEqual(self.person.consent_basis_ids.verdict, "No. Given for another address")
        self.assertEqual(self.person.consent_state, "ended")

    def test_banner_says_what_waits(self):
        note_seller(self.person)
        self.person.consent_give("newsletter", ["email"], "bought")
        self.assertIn("Newsletter (E-mail): waits for confirmation since", self._banner(self.person))
        self.assertEqual(self.person.consent_state, "waiting")

    def test_objection_to_everything_is_one_sentence(self):
        self.person.consent_object(source="email")
        banner = self._banner(self.person)
        self.assertEqual(banner.count("objected"), 1, banner)
        self.assertIn("All advertising", banner)

    def test_text_of_others_is_never_markup(self):
        twin = self.env["res.partner"].create(self.person_values("<b>Twin</b>", "eliska"))
        self.person.consent_give("newsletter", ["email"], "web_form")
        twin.consent_withdraw("newsletter", source="email")
        self.person.invalidate_recordset()
        self.assertIn("&lt;b&gt;Twin&lt;/b&gt;", self.person.consent_banner)

    def test_banner_counts_what_the_gate_counts(self):
        """Whatever happened to a contact, the card promises nothing that the gate refuses."""
        twin = self.env["res.partner"].create(self.person_values("Twin", "eliska"))
        now = fields.Datetime.now()
        acts = [
            lambda: self.person.consent_give("newsletter", ["email"], "web_form", given_at=now - relativedelta(days=9)),
            lambda: self.person.consent_give(
                "offers", ["email", "phone"], "in_person", given_at=now - relativedelta(days=9)
            ),
            lambda: twin.consent_withdraw("offers", ["email"], source="phone", at=now - relativedelta(days=8)),
            lambda: self.person.consent_give("customer_care", ["email"], "in_person"),
            lambda: twin.consent_object(source="email", at=now - relativedelta(days=7)),
            lambda: self.person.consent_give(
                "newsletter", ["email"], "in_person", given_at=now - relativedelta(days=1)
            ),
            lambda: self.person.write({"phone": "+420 601 999 999"}),
            lambda: self.env.ref("client_consent.purpose_customer_care").action_archive_purpose(),
        ]
        for number, act in enumerate(acts):
            act()
            self.env.invalidate_all()
            for line in self.env["consent.basis"]._of_people(self.person.ids)[self.person.id]:
                purpose = self.env["consent.purpose"].browse(line.purpose_id)
                with self.subTest(act=number, purpose=purpose.code, channel=line.channel):
                    self.assertEqual(line.allows, self.person.consent_allows(purpose.code, line.channel))
            states = self.env["consent.basis"]._state_of_people(self.person.ids)
            lines = self.env["consent.basis"]._of_people(self.person.ids)[self.person.id]
            self.assertEqual(states[self.person.id] == "yes", any(line.allows for line in lines))

    # -- table, fifty consents -----------------------------------------------------------------------

    def test_fifty_consents_stay_readable_and_cost_no_more_queries(self):
        purposes = self.env["consent.purpose"].create(
            [
                {"code": f"p{i}", "name": f"Purpose {i:02}", "lawful_basis": "consent", "validity_months": 12}
                for i in range(50)
            ]
        )
        purposes.state = "active"
        entries = [
            {
                "subject": self.person._consent_subject(create=True),
                "purpose": purpose,
                "company": self.env.company,
                "kind": "withdrawn" if number % 5 == 0 else "given",
                "source": "web_form",
                "channel": "email",
                "address": "eliska@post.example",
                "at": fields.Datetime.now(),
            }
            for number, purpose in enumerate(purposes)
        ]
        self.env["consent.event"]._append(entries[:1])
        few = self._queries(self._specification(self.recorder, "form"), self.recorder)
        self.env["consent.event"]._append(entries[1:])
        self.assertEqual(self._queries(self._specification(self.recorder, "form"), self.recorder), few)
        self.assertIn("and 35 more in the tab Privacy", self._banner(self.person))
        answers = self.person.consent_basis_ids.mapped("answer")
        self.assertEqual(answers, ["active"] * 40 + ["withdrawn"] * 10, "the most important first")
        self.assertEqual(self.person.consent_count, 50)

    def _queries(self, specification, user):
        """Queries that reading the form takes, once what is the same for every contact is known."""
        partner = self.person.with_user(user)
        partner.web_read(specification)
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        partner.web_read(specification)
        return self.env.cr.sql_log_count - before

    def test_form_costs_one_query_and_list_none(self):
        self.person.consent_give("offers", ["email", "phone"], "in_person")
        with_card = self._queries(self._specification(self.recorder, "form"), self.recorder)
        without = self._queries(self._specification(self.plain_user, "form"), self.plain_user)
        client_gdpr = "gdpr.ground" in self.env
        self.assertLessEqual(with_card - without, 2 if client_gdpr else 1)
        self.assertEqual(
            self._specification(self.recorder, "list"),
            self._specification(self.plain_user, "list"),
            "Odoo reads columns that nobody chose to see too, so there is none",
        )

    def test_badges_of_a_page_are_one_query(self):
        people = self.env["res.partner"].create([self.person_values(f"P{i}", f"p{i}") for i in range(80)])
        people[:40].consent_give("newsletter", ["email"], "web_form")
        people[:10].consent_withdraw("newsletter", source="phone")
        page = people.with_user(self.recorder)
        page.mapped("consent_state")
        page.invalidate_recordset(["consent_state"])
        with self.assertQueryCount(1):
            states = page.mapped("consent_state")
        self.assertEqual(states, ["no"] * 10 + ["yes"] * 30 + ["none"] * 40)

    def test_badges_and_filters_are_for_consent_users(self):
        for kind in ("kanban", "list", "form", "search"):
            views = self.env["res.partner"].with_user(self.plain_user).get_view(view_type=kind)
            self.assertNotIn("consent_state", views["arch"])
            self.assertNotIn("consent_no_ground", views["arch"])
        with self.assertRaises(AccessError):
            self.env["res.partner"].with_user(self.plain_user).search([("consent_no_ground", "=", True)])
        kanban = self.env["res.partner"].with_user(self.recorder).get_view(view_type="kanban")
        self.assertIn("consent_state", kanban["arch"])

    # -- filters -------------------------------------------------------------------------------------

    def _filtered(self, name):
        """The contacts of this test that a filter of the contacts' search view lets through."""
        view = self.env["res.partner"].with_user(self.recorder).get_view(view_type="search")
        node = etree.fromstring(view["arch"]).find(f".//filter[@name='{name}']")
        domain = safe_eval(node.get("domain"))
        among = [("id", "in", self.everybody.ids)]
        return self.env["res.partner"].with_user(self.recorder).search(among + domain, order="id")

    def test_filters_find_whom_they_name(self):
        names = ("Soon", "Later", "Gone", "Waits", "Nothing")
        values = [self.person_values(name, name.lower()) for name in names]
        self.everybody = soon, later, gone, waits, nothing = self.env["res.partner"].create(values)
        company = self.env["res.partner"].create({"name": "Company", "is_company": True})
        self.everybody |= company
        almost = fields.Datetime.now() - relativedelta(months=24) + relativedelta(days=20)
        soon.consent_give("newsletter", ["email"], "web_form", given_at=almost)
        later.consent_give("newsletter", ["email"], "web_form")
        gone.consent_give("newsletter", ["email"], "web_form")
        gone.consent_withdraw("newsletter", source="phone")
        note_seller(waits)
        waits.consent_give("newsletter", ["email"], "bought")
        self.assertEqual(self._filtered("consent_no_ground"), gone | waits | nothing)
        self.assertEqual(self._filtered("consent_ends_soon"), soon)
        self.assertEqual(self._filtered("consent_negative"), gone)
        self.assertEqual(self._filtered("consent_waiting"), waits)
        self.assertEqual(self._filtered("consent_quarantine"), waits)
        today = fields.Date.today()
        country = {"country_id": self.env.ref("base.cz").id}
        soon.write({"consent_birthdate": today - relativedelta(years=15), **country})
        later.write({"consent_birthdate": today - relativedelta(years=15, days=-1), **country})
        gone.write({"consent_birthdate": today - relativedelta(years=15), "country_id": self.env.ref("base.de").id})
        self.assertEqual(self._filtered("consent_minors"), later | gone, "by the age of the country")
        self.assertEqual((soon | later).mapped("consent_minor"), [False, True])
        self.env.ref("client_consent.purpose_newsletter").on_new_address = "ask"
        soon.email = "elsewhere@post.example"
        self.assertEqual(self._filtered("consent_new_address"), soon)
        soon.email = "soon@post.example"
        partners, among = self.env["res.partner"], [("id", "in", self.everybody.ids)]
        self.assertEqual(partners.search([*among, ("consent_basis_ids", "=", False)]), nothing | company)
        self.assertEqual(
            partners.search([*among, ("consent_basis_ids.purpose_id.code", "=", "newsletter")], order="id"),
            soon | later | gone | waits,
        )
        self.assertEqual(partners.search([*among, ("consent_basis_ids", "in", soon.consent_basis_ids.ids)]), soon)

    def test_filters_look_at_the_users_companies_only(self):
        other = self.env["res.company"].create({"name": "Another"})
        self.everybody = self.person
        self.person.with_company(other).consent_give("newsletter", ["email"], "web_form")
        self.person.with_company(other).consent_withdraw("newsletter", source="phone")
        self.assertFalse(self._filtered("consent_negative"))

    # -- timeline and receipt ------------------------------------------------------------------------

    def test_timeline_tells_what_happened_newest_first(self):
        now = fields.Datetime.now()
        person = self.person.with_user(self.recorder)
        person.consent_give("newsletter", ["email"], "web_form", given_at=now - relativedelta(months=2))
        person.consent_withdraw("newsletter", source="phone")
        action = person.action_consent_timeline()
        events = self.env["consent.event"].with_user(self.recorder).search(action["domain"])
        self.assertEqual(events.mapped("story"), ["Took back Newsletter (E-mail)", "Agreed to Newsletter (E-mail)"])
        self.assertEqual(events.mapped("recorder"), [self.recorder.name] * 2)
        self.assertEqual(events[0].source, "phone")

    def test_table_leads_to_text_and_receipt(self):
        notice = self.env["consent.notice"].create(
            {
                "code": "letter",
                "name": "May we?",
                "body": "<p>Newsletter: we write monthly. You can withdraw at any time.</p>",
                "lang": "en_US",
                "purpose_ids": self.env.ref("client_consent.purpose_newsletter").ids,
            }
        )
        notice.action_publish()
        self.person.lang = "en_US"
        self.person.consent_give("newsletter", ["email"], "in_person", notice="letter")
        basis = self.person.consent_basis_ids.with_user(self.recorder)
        self.assertEqual(basis.notice_id, notice)
        action = basis.action_open_event()
        event = self.env[action["res_model"]].with_user(self.recorder).browse(action["res_id"])
        self.assertEqual((event.partner_id, event.kind, event.notice_id), (self.person, "given", notice))
