from odoo import fields
from odoo.tests import Form, TransactionCase, tagged

OLD, NEW = "jana.novakova@post.example", "jana.mala@post.example"


@tagged("post_install", "-at_install")
class TestRectification(TransactionCase):
    """A customer married and moved: the correction reaches each copy, and what was sent or posted stays."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.firm = cls.env["res.company"].search([("name", "=", "Kolo a káva s.r.o.")])
        cls.env = cls.env(context={**cls.env.context, "allowed_company_ids": cls.firm.ids})
        cls.jana = cls.person("Jana Nováková")
        cls.handler = cls.env["res.users"].search([("login", "=", "handler")])
        cls.leads = cls.env["crm.lead"].search([("email_from", "=", OLD)])

    @classmethod
    def person(cls, name):
        return cls.env["res.partner"].search([("name", "=", name), ("company_id", "=", cls.firm.id)], limit=1)

    def correct(self, values, partner=None):
        requests = self.env["gdpr.request"].with_user(self.handler)
        request = requests.browse(
            requests.request_open(
                "rectification", (partner or self.jana).ids, fields.Datetime.now(), "in_person", values=values
            )
        )
        request.action_confirm_identity()
        request.action_execute()
        self.env.flush_all()
        self.env.invalidate_all()
        return request

    def form(self):
        wizards = self.env["gdpr.rectification.wizard"].with_user(self.handler)
        return Form(wizards.with_context(default_partner_id=self.jana.id))

    def test_name_and_address_reach_every_copy(self):
        mailing = self.env["mailing.contact"].search([("email", "=", OLD)])
        attendees = self.env["calendar.attendee"].search([("partner_id", "=", self.jana.id)])
        bank = self.jana.bank_ids
        linked, web = self.leads.sorted(lambda lead: not lead.partner_id)
        activity = self.jana.activity_schedule(summary="Zavolat", user_id=self.handler.id)
        sms = self.env["sms.sms"].create(
            {"number": "+420602111223", "body": "Kolo je hotové.", "partner_id": self.jana.id}
        )
        self.assertTrue(mailing and attendees and bank and web and not web.partner_id)
        request = self.correct({"email": NEW, "name": "Jana Malá", "phone": "+420 602 999 888"})
        self.assertEqual((self.jana.email, self.jana.name), (NEW, "Jana Malá"))
        self.assertEqual((linked.email_from, linked.contact_name, linked.phone), (NEW, "Jana Malá", "+420 602 999 888"))
        self.assertEqual((web.email_from, web.email_normalized, web.contact_name), (NEW, NEW, "Jana Malá"))
        self.assertEqual((mailing.email, mailing.email_normalized, mailing.name), (NEW, NEW, "Jana Malá"))
        self.assertEqual(set(attendees.mapped("common_name")), {"Jana Malá"})
        self.assertEqual(bank.acc_holder_name, "Jana Malá")
        self.assertEqual(activity.res_name, "Jana Malá")
        self.assertEqual(sms.number, "+420602999888")
        counts = {(item["model"], item["field"]): item["count"] for item in request.corrected}
        self.assertEqual(counts["crm.lead", "email"], 2)
        self.assertEqual(counts["mailing.contact", "email"], 1)

    def test_what_was_sent_and_posted_stays(self):
        traces = self.env["mailing.trace"].search([("email", "=", OLD)])
        moves = self.env["account.move"].search([("partner_id", "=", self.jana.id), ("state", "=", "posted")])
        files = {move: (move.invoice_pdf_report_id.checksum, move.inalterable_hash) for move in moves}
        self.assertTrue(traces and any(pdf for pdf, _digest in files.values()))
        before = {
            message: message.read(["body", "email_from", "author_id"]) for message in self.jana.message_ids.sudo()
        }
        self.correct({"email": NEW, "name": "Jana Malá", "street": "Nová 1"})
        self.assertEqual(set(traces.mapped("email")), {OLD})
        for move in moves:
            self.assertEqual(move.invoice_partner_display_name, "Jana Nováková")
            self.assertEqual((move.invoice_pdf_report_id.checksum, move.inalterable_hash), files[move])
            self.assertEqual(move.printed_buyer["street"], "Lipová 5")
        for message, values in before.items():
            self.assertEqual(message.read(["body", "email_from", "author_id"])[0]["body"], values[0]["body"])

    def test_nothing_remembers_the_old_value_newly(self):
        self.env.flush_all()
        self.env.cr.precommit.run()
        values, messages = (self.env[model].sudo() for model in ("mail.tracking.value", "mail.message"))
        self.person("Petr Svoboda").email = "petr.jinak@post.example"
        self.env.flush_all()
        self.env.cr.precommit.run()
        self.assertIn("petr.jinak@post.example", values.search([]).mapped("new_value_char"), "Odoo tracks here")
        known = [records.search([]) for records in (values, messages)]
        self.correct({"email": NEW, "name": "Jana Malá", "phone": "+420 602 999 888", "street": "Nová 1"})
        self.env.cr.precommit.run()
        new_values, new_messages = values.search([]) - known[0], messages.search([]) - known[1]
        self.assertLessEqual(set(new_values.field_id.mapped("model")), {"gdpr.request"})
        self.assertEqual(set(new_messages.mapped("model")), {"gdpr.request"})
        for message in new_messages:
            for text in (OLD, NEW, "Jana", "Nová 1"):
                self.assertNotIn(text, f"{message.body} {message.subject}")

    def test_a_lead_that_says_something_else_is_offered_and_stays_unless_ticked(self):
        linked, web = self.leads.sorted(lambda lead: not lead.partner_id)
        linked.contact_name, web.contact_name = "Jana Nowakowa", "Eva Cizí"
        form = self.form()
        form.name = "Jana Malá"
        lines = {(line["where"], line["before"]): line["ticked"] for line in self.lines(form)}
        self.assertIs(lines["Lead: Zájem o elektrokolo", "Jana Nowakowa"], False)
        # whose enquiry it is that came under another name, the dialog asks before it shows what would change there
        asked = {form.identity_ids.edit(n)._values["res_id"]: n for n in range(len(form.identity_ids))}
        self.assertNotIn(("Lead: Dotaz z webu", "Eva Cizí"), lines)
        with form.identity_ids.edit(asked[web.id]) as line:
            line.included = True
        lines = {(line["where"], line["before"]): line["ticked"] for line in self.lines(form)}
        self.assertIs(lines["Lead: Dotaz z webu", "Eva Cizí"], False)
        form.save().action_correct()
        self.env.invalidate_all()
        names = (self.jana.name, linked.contact_name, web.contact_name)
        self.assertEqual(names, ("Jana Malá", "Jana Nowakowa", "Eva Cizí"))

    def test_unticked_lead_keeps_its_address_though_odoo_would_carry_it_on(self):
        linked = self.leads.filtered("partner_id")
        form = self.form()
        form.email = NEW
        where = [line["where"] for line in self.lines(form)]
        with form.line_ids.edit(where.index(f"Lead: {linked.name}")) as line:
            line.ticked = False
        form.save().action_correct()
        self.env.flush_all()
        self.env.invalidate_all()
        self.assertEqual((self.jana.email, linked.email_from, linked.email_normalized), (NEW, OLD, OLD))

    def test_unticked_bank_account_keeps_its_holder_without_a_note(self):
        bank = self.jana.bank_ids
        form = self.form()
        form.name = "Jana Malá"
        where = [line["where"].split(":")[0] for line in self.lines(form)]
        with form.line_ids.edit(where.index("Bank account")) as line:
            line.ticked = False
        notes = self.jana.message_ids
        form.save().action_correct()
        self.env.flush_all()
        self.env.invalidate_all()
        self.assertEqual((self.jana.name, bank.acc_holder_name), ("Jana Malá", "Jana Nováková"))
        self.assertEqual(self.jana.message_ids, notes)

    def test_lead_with_another_address_keeps_its_town(self):
        other = self.env["crm.lead"].create(
            {"name": "Chata", "partner_id": self.jana.id, "street": "Lesní 8", "zip": "602 00", "city": "Brno"}
        )
        self.correct({"city": "Olomouc", "zip": "779 00"})
        self.assertEqual((self.jana.city, other.city, other.zip), ("Olomouc", "Brno", "602 00"))

    def test_contact_of_a_firm_is_corrected_without_the_firm(self):
        ondrej, firm = self.person("Ondřej Němec"), self.person("Papírna Brno s.r.o.")
        before = firm.read(["street", "city", "zip", "vat"])
        self.correct({"street": "Soukromá 3", "email": "ondrej@post.example"}, ondrej)
        self.assertEqual((ondrej.street, ondrej.city), ("Soukromá 3", firm.city))
        self.assertEqual(firm.read(["street", "city", "zip", "vat"]), before)

    def test_many_copies_are_found_and_corrected_together(self):
        """A person with many records: the dialog answers while somebody waits at the desk."""
        self.env["crm.lead"].create(
            [{"name": f"Poptávka {n}", "partner_id": self.jana.id, "email_from": OLD} for n in range(300)]
        )
        self.env.flush_all()
        with self.assertQueryCount(40):
            places = self.env["gdpr.corrector"]._places(self.jana, {"email": NEW, "name": "Jana Malá"})
        self.assertGreater(len(places), 600)
        with self.assertQueryCount(220):
            self.correct({"email": NEW, "name": "Jana Malá"})
        self.assertFalse(self.env["crm.lead"].search_count([("email_from", "=", OLD)]))

    @staticmethod
    def lines(form):
        return [
            {name: form.line_ids.edit(number)._values[name] for name in ("where", "before", "ticked")}
            for number in range(len(form.line_ids))
        ]
