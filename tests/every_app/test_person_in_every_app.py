"""One person in the apps that the usual template lacks: found in each, gone from each, and nobody else with them."""

from odoo import fields
from odoo.addons.client_gdpr.tests.common import GdprCase
from odoo.tests import new_test_user, tagged
from odoo.tools import SQL

PLACES = {
    "website.visitor", "website.track", "product.wishlist", "survey.user_input", "survey.user_input.line",
    "rating.rating", "event.registration", "event.registration.answer", "loyalty.card", "loyalty.history",
    "mailing.contact", "auditlog.log", "auditlog.log.line", "queue.job", "data_recycle.record", "sale.order",
    "gamification.badge.user", "gamification.karma.tracking", "gamification.goal",
}  # fmt: skip


@tagged("post_install", "-at_install")
class TestPersonInEveryApp(GdprCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.product = cls.env["product.product"].create({"name": "Bell", "type": "consu"})
        cls.survey = cls.env["survey.survey"].create(
            {
                "title": "Rides",
                "question_and_page_ids": [fields.Command.create({"title": "Where to?", "question_type": "text_box"})],
            }
        )
        cls.event = cls.env["event.event"].create(
            {
                "name": "Ride",
                "date_begin": "2027-05-01 08:00:00",
                "date_end": "2027-05-01 18:00:00",
                "question_ids": [fields.Command.create({"title": "Food?", "question_type": "text_box"})],
            }
        )
        cls.program = cls.env["loyalty.program"].create({"name": "Points", "program_type": "loyalty"})
        cls.rule = cls.env["auditlog.rule"].create(
            {
                "name": "Contacts",
                "model_id": cls.env["ir.model"]._get_id("res.partner"),
                "log_type": "full",
                "log_create": True,
                "log_write": True,
                "log_unlink": True,
            }
        )
        cls.rule.set_to_confirmed()
        cls.addClassCleanup(cls.rule._revert_methods)
        cls.mara = cls.plant("Vendulka Všudybylová", "vendulka.m7", "+420 602 987 654")
        cls.double = cls.plant("Vendulka Všudybylovská", "xvendulka.m7", "+420 602 987 655")

    @classmethod
    def plant(cls, name, mailbox, phone):
        """A customer with a trace in each app; every word of hers carries her name or address."""
        email = f"{mailbox}@post.example"
        partner = cls.env["res.partner"].create({"name": name, "email": f"old.{email}", "phone": phone})
        partner.email = email
        visitor = cls.env["website.visitor"].create({"partner_id": partner.id, "access_token": str(partner.id)})
        cls.env["website.track"].create({"visitor_id": visitor.id, "url": f"/shop?search={email}"})
        website = cls.env["website"].search([], limit=1)
        cls.env["product.wishlist"].create(
            {"partner_id": partner.id, "product_id": cls.product.id, "website_id": website.id}
        )
        for of in ({"partner_id": partner.id}, {"email": email}):
            cls.env["survey.user_input"].create(
                {
                    "survey_id": cls.survey.id,
                    "nickname": name,
                    **of,
                    "user_input_line_ids": [
                        fields.Command.create(
                            {
                                "question_id": cls.survey.question_ids.id,
                                "answer_type": "text_box",
                                "value_text_box": f"To {name}",
                            }
                        )
                    ],
                }
            )
        cls.env["rating.rating"].create(
            {
                "res_model_id": cls.env["ir.model"]._get_id("product.template"),
                "res_id": cls.product.product_tmpl_id.id,
                "partner_id": partner.id,
                "rating": 4,
                "feedback": f"Good, says {name}",
            }
        )
        ticket = {"event_id": cls.event.id, "partner_id": partner.id}
        cls.env["event.registration"].create(
            [
                {
                    **ticket,
                    "name": name,
                    "email": email,
                    "registration_answer_ids": [
                        fields.Command.create(
                            {"question_id": cls.event.question_ids[-1].id, "value_text_box": f"None for {name}"}
                        )
                    ],
                },
                {**ticket, "name": f"Friend {mailbox[0]}", "email": f"{mailbox[0]}.friend@post.example", "phone": "1"},
            ]
        )
        card = cls.env["loyalty.card"].create({"program_id": cls.program.id, "partner_id": partner.id, "points": 5})
        cls.env["loyalty.history"].create({"card_id": card.id, "description": "Order", "issued": 5, "used": 0})
        cls.env["mailing.contact"].create({"name": name, "email": email, "mobile": phone})
        cls.env["res.country"].with_delay(description=f"Greet {email}").name_search(f"{name} {email}")
        recycle = cls.env["data_recycle.model"].create(
            {"name": f"Old {mailbox[0]}", "res_model_id": cls.env["ir.model"]._get_id("res.partner")}
        )
        cls.env["data_recycle.record"].create({"recycle_model_id": recycle.id, "res_id": partner.id})
        order = cls.env["sale.order"].create(
            {"partner_id": partner.id, "order_line": [fields.Command.create({"product_id": cls.product.id})]}
        )
        order.pickup_location_data = {
            "name": f"Shop of {name}",
            "street": "Long 1",
            "city": "Brno",
            "zip_code": "602 00",
            "country_code": "CZ",
        }
        return partner

    def give_login(self, partner):
        who = {"partner_id": partner.id, "name": partner.name, "email": partner.email}
        user = new_test_user(self.env, f"login.{partner.email}", "base.group_portal", **who)
        badge = self.env["gamification.badge"].create({"name": "Rider"})
        self.env["gamification.badge.user"].create(
            {"user_id": user.id, "badge_id": badge.id, "comment": f"Well done {partner.name}"}
        )
        self.env["gamification.karma.tracking"].create(
            {"user_id": user.id, "old_value": 0, "new_value": 9, "reason": f"For {partner.name}"}
        )
        self.env["sale.order"].search([("partner_id", "=", partner.id)]).action_confirm()
        definition = self.env["gamification.goal.definition"].create(
            {"name": "Ride", "computation_mode": "manually", "condition": "higher"}
        )
        self.env["gamification.goal"].create(
            {"user_id": user.id, "definition_id": definition.id, "target_goal": 2, "current": 1}
        )
        return user

    def stands(self, *words):
        """Where the words stand, in any text or JSON column of any table: {(table, column): rows}."""
        self.env.flush_all()
        columns = self.env.execute_query(
            SQL(
                """SELECT table_name, array_agg(column_name::text) FROM information_schema.columns c
                     JOIN information_schema.tables t USING (table_schema, table_name)
                    WHERE table_schema = current_schema AND table_type = 'BASE TABLE'
                      AND data_type IN ('text', 'character varying', 'jsonb', 'json') GROUP BY table_name"""
            )
        )
        found = {}
        for table, names in columns:
            for name in names:
                rows = self.env.execute_query(
                    SQL(
                        "SELECT count(*) FROM %s WHERE %s::text ILIKE ANY(%s)",
                        SQL.identifier(table),
                        SQL.identifier(name),
                        [f"%{word}%" for word in words],
                    )
                )
                if rows[0][0]:
                    found[table, name] = rows[0][0]
        return found

    def test_person_is_found_in_every_app_and_the_look_alike_in_none(self):
        self.give_login(self.mara)
        located, _identity = self.env["gdpr.finder"]._locate(self.mara.ids)
        self.assertEqual(PLACES - {hit.model for hit in located.hits}, set())
        double, _identity = self.env["gdpr.finder"]._locate(self.double.ids)
        for model in PLACES:
            self.assertFalse(set(located.ids(model)) & set(double.ids(model)), model)

    def test_person_is_gone_from_every_app_and_the_look_alike_stays(self):
        before = self.stands("xvendulka.m7", "Všudybylovská")
        request = self.erase(self.mara)
        self.assertEqual(request.state, "executed", request.failure)
        self.assertFalse(self.mara.exists())
        mine = {
            place: count
            for place, count in self.stands("Všudybylová", " vendulka.m7", "old.vendulka.m7").items()
            if not place[0].startswith(("consent_", "gdpr_"))
        }
        self.assertEqual(mine, {})
        self.assertEqual(self.stands("xvendulka.m7", "Všudybylovská"), before)

    def test_nothing_is_left_to_decide(self):
        located, _identity = self.env["gdpr.finder"]._locate(self.mara.ids)
        rulings = self.env["gdpr.planner"]._plan(located)
        self.assertEqual([(r.model, r.field, r.ids) for r in rulings if r.action == "review"], [])

    def test_ticket_booked_for_a_friend_stays_the_friends(self):
        friends = self.env["event.registration"].search([("email", "=", "v.friend@post.example")])
        self.assertEqual(friends.partner_id, self.mara)
        self.erase(self.mara)
        self.assertTrue(friends.exists())
        self.assertFalse(friends.partner_id)
        self.assertEqual((friends.name, friends.email), ("Friend v", "v.friend@post.example"))
