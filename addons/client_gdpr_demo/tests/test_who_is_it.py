from odoo.tests import HttpCase, tagged


@tagged("post_install", "-at_install")
class TestWhoIsIt(HttpCase):
    """The handler says who the person is, in the browser: at the desk and on a phone."""

    def setUp(self):
        super().setUp()
        people = self.env["res.partner"]
        firm = self.env["res.company"].search([("name", "=", "Kolo a káva s.r.o.")])
        self.person, self.twin, self.spouse, self.homonym = people.create(
            [
                {"name": name, "city": city, "street": street, "email": email, "phone": phone, "company_id": firm.id}
                for name, city, street, email, phone in (
                    ("Dana Vzorová", "Brno", "Dlouhá 1", "dana@vzor.example", "+420 602 999 111"),
                    ("VZOROVÁ Dana", "Brno", "Tichá 3", "dana@vzor.example", False),
                    ("Karel Novák", "Brno", False, False, "602 999 111"),
                    ("Dana Vzorova", "Zlín", False, "dana@zlin.example", False),
                )
            ]
        )
        self.twin.active = False
        self.env["res.partner.bank"].create({"acc_number": "CZ5855000000001265098001", "partner_id": self.spouse.id})

    def requests(self):
        return self.env["gdpr.request"].search([("partner_ids", "=", self.person.id)])

    def test_handler_ticks_and_unticks_in_the_dialog_and_the_plan_follows(self):
        self.start_tour(f"/odoo/contacts/{self.person.id}", "client_gdpr_who_is_it", login="handler")
        self.assertEqual(self.requests().partner_ids, self.person | self.spouse)

    def test_handler_joins_the_archived_contact_on_a_phone_and_the_answer_follows(self):
        self.browser_size, self.touch_enabled = "375x812", True
        self.start_tour(f"/odoo/contacts/{self.person.id}", "client_gdpr_who_is_it_phone", login="handler")
        self.assertEqual(self.requests().partner_ids, self.person | self.twin)
