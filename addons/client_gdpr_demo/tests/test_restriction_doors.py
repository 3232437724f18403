import base64
import json
import xmlrpc.client

from odoo import Command, fields
from odoo.addons.mail.tools.discuss import Store
from odoo.exceptions import AccessError, MissingError, UserError
from odoo.tests import HttpCase, new_test_user, tagged
from odoo.tools import SQL

#: Each stands nowhere else in the database; whoever sees one sees the person.
MARKS = (
    "Zbyhn",
    "zbyhneva",
    "Prahov",
    "777 123 987",
    "777123987",
    "70615",
    "Netopyr",
    "Zahradnice",
    "Odlehl",
)
PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
ADDRESS = "zbyhneva@dvere.example"
#: What the program itself, which no user is, goes on reading: the gate must know whose address it refuses.
OF_THE_PROGRAM = ("consents", "consent bases", "consent events", "content of a file", "files of a meeting")
#: Refusals are answers too: what they say is looked at like everything else.
REFUSALS = (AccessError, MissingError, UserError, ValueError)


@tagged("post_install", "-at_install")
class TestRestrictionDoors(HttpCase):
    """Through every door, everybody sees “Contact” and a number and nothing else of a restricted person.

    The table checks what sealing does by itself; nothing here has code of its own to hide anything. Before the
    restriction each door shows the person to an administrator: a door that shows nothing proves nothing.
    """

    maxDiff = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.firm = cls.env["res.company"].search([("name", "=", "Kolo a káva s.r.o.")])
        cls.env = cls.env(context={**cls.env.context, "allowed_company_ids": cls.firm.ids, "tracking_disable": False})
        cls._people()
        cls._person()
        cls._copies()
        cls._documents()
        cls.env.flush_all()
        cls.env.cr.precommit.run()

    # -- who looks -----------------------------------------------------------------------------------

    @classmethod
    def _people(cls):
        groups = {
            "internal": "base.group_user,base.group_partner_manager,base.group_allow_export",
            "salesman": "sales_team.group_sale_salesman_all_leads,base.group_partner_manager,base.group_allow_export,"
            "mass_mailing.group_mass_mailing_user,client_consent.group_consent_user",
            "accountant": "account.group_account_manager,account.group_account_user,base.group_allow_export,"
            "client_gdpr.group_gdpr_accounting",
            "handler": "client_gdpr.group_gdpr_handler,base.group_partner_manager,"
            "sales_team.group_sale_salesman_all_leads",
            "dpo": "client_gdpr.group_gdpr_dpo",
            "auditor": "client_gdpr.group_gdpr_auditor",
            "admin": "base.group_system,base.group_erp_manager,base.group_allow_export,"
            "sales_team.group_sale_manager,account.group_account_manager,mass_mailing.group_mass_mailing_user,"
            "client_consent.group_consent_manager,client_gdpr.group_gdpr_handler",
            "portal": "base.group_portal",
        }
        cls.who = {
            name: new_test_user(
                cls.env,
                f"door_{name}",
                of,
                password=f"door_{name}",
                company_id=cls.firm.id,
                company_ids=[Command.set(cls.firm.ids)],
            )
            for name, of in groups.items()
        }
        tomorrow = fields.Datetime.add(fields.Datetime.now(), days=1)
        cls.keys = {
            name: cls.env["res.users.apikeys"].with_user(user)._generate("rpc", "doors", tomorrow)
            for name, user in cls.who.items()
        }

    # -- where the person is -------------------------------------------------------------------------

    @classmethod
    def _person(cls):
        partners = cls.env["res.partner"]
        cls.employer = partners.create({"name": "Velká firma a.s.", "is_company": True, "company_id": cls.firm.id})
        cls.person = partners.create(
            {
                "name": "Zbyhneva Dvernik",
                "email": f"Zbyhneva Dvernik <{ADDRESS}>",
                "phone": "+420 777 123 987",
                "street": "Prahova 77",
                "city": "Odlehlice",
                "zip": "70615",
                "country_id": cls.env.ref("base.cz").id,
                "function": "Zahradnice",
                "comment": "<p>Netopyri na zahrade</p>",
                "image_1920": PICTURE,
                "category_id": [Command.create({"name": "Netopyr"})],
                "company_id": cls.firm.id,
                "lang": "en_US",
            }
        )
        cls.employee_of = partners.create(
            {"name": "Zbyhneva Pracovni", "email": "zbyhneva@velka.example", "parent_id": cls.employer.id}
        )
        cls.delivery = partners.create(
            {"name": "Zbyhneva Chata", "type": "delivery", "parent_id": cls.person.id, "street": "Odlehla 5"}
        )
        cls.env.flush_all()
        cls.env.cr.precommit.run()
        # the chatter remembers what was written before
        cls.person.write({"phone": "+420 777 123 987 0"})
        cls.env.cr.precommit.run()
        cls.person.write({"phone": "+420 777 123 987"})
        cls.env.cr.precommit.run()
        cls.portal_user = (
            cls.env["res.users"]
            .with_context(no_reset_password=True)
            .create(
                {
                    "partner_id": cls.person.id,
                    "login": ADDRESS,
                    "password": "zbyhneva-door",
                    "group_ids": [Command.set(cls.env.ref("base.group_portal").ids)],
                    "company_id": cls.firm.id,
                    "company_ids": [Command.set(cls.firm.ids)],
                }
            )
        )

    @classmethod
    def _copies(cls):
        env, person = cls.env, cls.person
        cls.bank = env["res.partner.bank"].create(
            {"partner_id": person.id, "acc_number": "CZ6508000000192000145399", "acc_holder_name": "Zbyhneva Dvernik"}
        )
        cls.lead = env["crm.lead"].create(
            {
                "name": "Zbyhneva chce kolo",
                "partner_id": person.id,
                "contact_name": "Zbyhneva Dvernik",
                "email_from": ADDRESS,
                "phone": "+420 777 123 987",
                "company_id": cls.firm.id,
                "type": "opportunity",
            }
        )
        cls.web_lead = env["crm.lead"].create(
            {"name": "Web", "contact_name": "Zbyhneva", "email_from": ADDRESS, "company_id": cls.firm.id}
        )
        cls.mailing_contact = env["mailing.contact"].create({"name": "Zbyhneva Dvernik", "email": ADDRESS})
        cls.event = env["calendar.event"].create(
            {
                "name": "Schuzka",
                "start": "2026-12-01 09:00:00",
                "stop": "2026-12-01 10:00:00",
                "partner_ids": [Command.set((person | cls.who["salesman"].partner_id).ids)],
                "user_id": cls.who["salesman"].id,
            }
        )
        person.message_post(body="Zbyhneva volala", message_type="comment", subtype_xmlid="mail.mt_note")
        cls.note = person.message_ids[:1]
        cls.file = env["ir.attachment"].create(
            {"name": "zbyhneva.txt", "raw": b"Zbyhneva", "res_model": person._name, "res_id": person.id}
        )
        person.activity_schedule("mail.mail_activity_data_todo", summary="Zbyhneva zavolat", user_id=env.uid)
        person.with_user(cls.who["handler"]).consent_give("newsletter", ["email"], "in_person")

    @classmethod
    def _documents(cls):
        env, person = cls.env, cls.person
        product = env["product.product"].create({"name": "Zvonek", "list_price": 100, "type": "consu"})
        cls.order = env["sale.order"].create(
            {
                "partner_id": person.id,
                "partner_shipping_id": cls.delivery.id,
                "company_id": cls.firm.id,
                "client_order_ref": "Zbyhneva 1",
                "order_line": [Command.create({"product_id": product.id})],
            }
        )
        cls.order.message_subscribe(person.ids)
        cls.order.with_user(cls.portal_user).sudo().message_post(
            body="Zbyhneva se pta", author_id=person.id, email_from=ADDRESS, message_type="email"
        )
        journal = env["account.journal"].search([("company_id", "=", cls.firm.id), ("type", "=", "sale")], limit=1)
        cls.move = env["account.move"].create(
            {
                "move_type": "out_invoice",
                "partner_id": person.id,
                "partner_shipping_id": cls.delivery.id,
                "journal_id": journal.id,
                "invoice_date": fields.Date.today(),
                "invoice_line_ids": [Command.create({"product_id": product.id, "quantity": 1, "price_unit": 100})],
            }
        )
        cls.move.action_post()
        cls.work_move = cls.move.copy({"partner_id": cls.employee_of.id, "partner_shipping_id": cls.employee_of.id})
        cls.work_move.invoice_date = fields.Date.today()
        cls.work_move.action_post()
        cls.move.message_post(body="Zbyhneva platila", message_type="comment", subtype_xmlid="mail.mt_note")
        cls.pdf = env["ir.attachment"].create(
            {
                "name": "faktura.pdf",
                "raw": b"%PDF-1.4 Zbyhneva",
                "res_model": "account.move",
                "res_id": cls.move.id,
                "res_field": "invoice_pdf_report_file",
                "mimetype": "application/pdf",
            }
        )
        cls.text_file = env["ir.attachment"].create(
            {"name": "dodatek.txt", "raw": b"Zbyhneva", "res_model": "account.move", "res_id": cls.move.id}
        )

    # -- the doors -----------------------------------------------------------------------------------

    def doors(self):
        """The table: what is opened → how, as a user; the answer is anything that can be written out."""
        own = (self.person | self.delivery | self.employee_of).ids
        everything = [f for f in self.env["res.partner"]._fields if f not in ("im_status",)]

        def partner(env):
            return env["res.partner"].browse(own)

        return {
            "form read": lambda env: partner(env).web_read(
                {name: {} for name in ("name", "email", "phone", "street", "city", "comment", "display_name")}
                | {"category_id": {"fields": {"display_name": {}}}}
            ),
            "every field": lambda env: partner(env).read(self.readable(env, "res.partner", everything)),
            "list": lambda env: env["res.partner"].web_search_read(
                [("id", "in", own)], {"complete_name": {}, "email": {}, "phone": {}, "city": {}}
            ),
            "search by name": lambda env: self.found(env["res.partner"].search_count([("name", "ilike", "zbyhn")])),
            "search by address": lambda env: self.found(env["res.partner"].search_count([("email", "ilike", ADDRESS)])),
            "search by street": lambda env: self.found(
                env["res.partner"].search_count([("street", "ilike", "prahov")])
            ),
            "search of users": lambda env: self.found(env["res.users"].search_count([("login", "=", ADDRESS)])),
            "name search": lambda env: env["res.partner"].name_search("zbyhn"),
            "mention suggestions": lambda env: env["res.partner"].get_mention_suggestions("zbyhn"),
            "many2one of an order": lambda env: env["sale.order"].web_search_read(
                [("id", "=", self.order.id)],
                {
                    "partner_id": {"fields": {"display_name": {}}},
                    "partner_shipping_id": {"fields": {"display_name": {}}},
                    "client_order_ref": {},
                },
            ),
            "many2one of an invoice": lambda env: env["account.move"].web_search_read(
                [("id", "in", (self.move | self.work_move).ids)],
                {"partner_id": {"fields": {"display_name": {}}}, "invoice_partner_display_name": {}},
            ),
            "group-by of orders": lambda env: env["sale.order"].formatted_read_group(
                [("id", "=", self.order.id)], ["partner_id"], ["__count"]
            ),
            "group-by of invoices": lambda env: env["account.move"].web_read_group(
                [("id", "in", (self.move | self.work_move).ids)], ["invoice_partner_display_name"], ["__count"]
            ),
            "group-by of contacts": lambda env: env["res.partner"].formatted_read_group(
                [("id", "in", own)], ["city"], ["__count"]
            ),
            "group-by in Python": lambda env: [
                (p.display_name, n)
                for p, n in env["sale.order"]._read_group([("id", "=", self.order.id)], ["partner_id"], ["__count"])
            ],
            "pivot of invoices": lambda env: env["account.invoice.report"].formatted_read_grouping_sets(
                [("partner_id", "in", own)], [["partner_id"]], ["__count"]
            ),
            "pivot of sales": lambda env: env["sale.report"].formatted_read_grouping_sets(
                [("partner_id", "in", own)], [["partner_id"]], ["__count"]
            ),
            "export": lambda env: partner(env).export_data(["name", "email", "phone", "street", "category_id/name"]),
            "export of orders": lambda env: (
                env["sale.order"].browse(self.order.id).export_data(["partner_id/name", "partner_shipping_id/street"])
            ),
            "report of an order": lambda env: env["ir.actions.report"]._render_qweb_html(
                "sale.report_saleorder", self.order.ids
            )[0],
            "invoice as a page": lambda env: env["ir.actions.report"]._render_qweb_html(
                "account.report_invoice", (self.move | self.work_move).ids
            )[0],
            "followers": lambda env: (
                env["sale.order"].browse(self.order.id).message_follower_ids.mapped("display_name")
            ),
            "followers as shown": lambda env: env["sale.order"].browse(self.order.id).message_get_followers(),
            "attendees": lambda env: [
                *env["calendar.event"].browse(self.event.id).attendee_ids.read(["common_name", "email", "phone"]),
                env["calendar.event"].browse(self.event.id).partner_ids.mapped("display_name"),
            ],
            "children": lambda env: [
                *env["res.partner"].browse(self.employer.id).child_ids.read(["name", "complete_name", "email"]),
                *partner(env).child_ids.read(["name", "complete_name", "street"]),
            ],
            "leads": lambda env: (
                env["crm.lead"]
                .browse((self.lead | self.web_lead).ids)
                .read(["name", "display_name", "contact_name", "partner_name", "email_from", "phone", "partner_id"])
            ),
            "group-by of leads": lambda env: env["crm.lead"].formatted_read_group(
                [("id", "in", (self.lead | self.web_lead).ids)], ["contact_name"], ["__count"]
            ),
            "mailing contacts": lambda env: (
                env["mailing.contact"].browse(self.mailing_contact.id).read(["name", "email"])
            ),
            "bank account": lambda env: env["res.partner.bank"].browse(self.bank.id).read(["acc_holder_name"]),
            "login": lambda env: (
                env["res.users"]
                .with_context(active_test=False)
                .browse(self.portal_user.id)
                .read(["login", "name", "email"])
            ),
            "chatter of the contact": lambda env: self.thread(env, self.person),
            "chatter of an order": lambda env: self.thread(env, self.order),
            "meeting": lambda env: (
                env["calendar.event"].browse(self.event.id).read(["name", "description", "display_name", "partner_ids"])
            ),
            "chatter of a meeting": lambda env: self.thread(env, self.event),
            "files of a meeting": lambda env: [
                file.raw.decode()
                for file in env["ir.attachment"].search(
                    [("res_model", "=", "calendar.event"), ("res_id", "=", self.event.id)]
                )
            ],
            "chatter of an invoice": lambda env: self.thread(env, self.move),
            "activities": lambda env: (
                env["mail.activity"]
                .search([("res_model", "=", "res.partner"), ("res_id", "=", self.person.id)])
                .read(["summary", "res_name"])
            ),
            "recorded changes": lambda env: (
                env["mail.tracking.value"]
                .search([("mail_message_id.model", "=", "res.partner"), ("mail_message_id.res_id", "in", own)])
                .read(["old_value_char", "new_value_char"])
            ),
            "files": lambda env: (
                env["ir.attachment"].search([("res_model", "=", "res.partner"), ("res_id", "in", own)]).read(["name"])
            ),
            "content of a file": lambda env: env["ir.attachment"].browse(self.file.id).raw,
            "file of an invoice": lambda env: self.unless_entitled(
                env, lambda: env["ir.attachment"].browse(self.text_file.id).raw
            ),
            "stored invoice": lambda env: self.unless_entitled(
                env, lambda: env["ir.attachment"].browse(self.pdf.id).raw
            ),
            "buyer as printed": lambda env: self.unless_entitled(
                env, lambda: env["account.move"].browse(self.move.id).read(["partner_id", "printed_buyer"])
            ),
            "consents": lambda env: partner(env).consent_status() if len(own) == 1 else self.statuses(env, own),
            "consent bases": lambda env: env["consent.basis"].search([("partner_id", "in", own)]).read(["address"]),
            "consent events": lambda env: env["consent.event"].search([("partner_id", "in", own)]).read(["address"]),
            "privacy look-up": lambda env: self.lookup(env),
        }

    def readable(self, env, model, names):
        return [name for name in names if env[model]._has_field_access(env[model]._fields[name], "read")]

    def found(self, count):
        """A hit tells as much as the value: whoever asks for it knows it."""
        return "Zbyhn" if count else "nobody"

    def statuses(self, env, ids):
        return [env["res.partner"].browse(id_).consent_status() for id_ in ids]

    def thread(self, env, record):
        """A chatter as the client gets it."""
        record = record.with_env(env)
        record.check_access("read")
        messages = env["mail.message"]._message_fetch(
            [("model", "=", record._name), ("res_id", "=", record.id)], limit=99
        )
        return Store().add(messages["messages"]).get_result()

    def lookup(self, env):
        wizard = env["privacy.lookup.wizard"].create({"name": "Zbyhneva Dvernik", "email": ADDRESS})
        wizard.action_lookup()
        return wizard.line_ids.mapped("res_name")

    def unless_entitled(self, env, act):
        """Accounting documents: DPO and Accounting retention may read them, design: outside of them nobody."""
        entitled = env.su or env.user.has_groups("client_gdpr.group_gdpr_accounting,client_gdpr.group_gdpr_dpo")
        if entitled and self.sealed:
            return "entitled"
        return act()

    def web_doors(self):
        """The same over the wire: what is asked → how, by the name of a user."""
        own = (self.person | self.delivery | self.employee_of).ids
        return {
            "JSON-2 read": lambda who: self.json2(who, "res.partner", "read", ids=own, fields=["name", "email"]),
            "JSON-2 search_read": lambda who: self.json2(
                who, "res.partner", "search_read", domain=[["id", "in", own]], fields=["name", "phone", "street"]
            ),
            "JSON-2 name_search": lambda who: self.json2(who, "res.partner", "name_search", name="zbyhn"),
            "JSON-2 orders": lambda who: self.json2(
                who, "sale.order", "search_read", domain=[["id", "=", self.order.id]], fields=["partner_id"]
            ),
            "JSON-2 export": lambda who: self.json2(
                who, "res.partner", "export_data", ids=own, fields_to_export=["name", "email"]
            ),
            "XML-RPC search_read": lambda who: self.rpc(
                who, "res.partner", "search_read", [[["id", "in", own]]], {"fields": ["name", "email", "street"]}
            ),
            "XML-RPC read_group": lambda who: self.rpc(
                who, "account.move", "formatted_read_group", [[["partner_id", "in", own]], ["partner_id"], ["__count"]]
            ),
        }

    def json2(self, who, model, method, **arguments):
        answer = self.url_open(
            f"/json/2/{model}/{method}",
            data=json.dumps(arguments),
            headers={"Content-Type": "application/json", "Authorization": f"bearer {self.keys[who]}"},
        )
        return answer.text

    def rpc(self, who, model, method, args, kwargs=None):
        try:
            return self.xmlrpc_object.execute_kw(
                self.env.cr.dbname, self.who[who].id, f"door_{who}", model, method, args, kwargs or {}
            )
        except xmlrpc.client.Fault as fault:
            return fault.faultString

    # -- looking -------------------------------------------------------------------------------------

    sealed = False

    def look(self, door, open_it, user):
        """What somebody sees through a door, refusals included, as text."""
        env = self.env(user=user.id, context={"allowed_company_ids": self.firm.ids, "lang": "en_US"})
        try:
            with env.cr.savepoint(flush=False):
                seen = open_it(env)
        except REFUSALS as refusal:
            seen = str(refusal)
        env.invalidate_all()
        return self.text(seen)

    def text(self, seen):
        if isinstance(seen, bytes):
            seen = seen.decode("utf-8", "replace")
        return seen if isinstance(seen, str) else json.dumps(seen, default=str, ensure_ascii=False)

    def marks(self, text):
        return sorted(mark for mark in MARKS if mark.lower() in text.lower())

    def restrict(self):
        requests = self.env["gdpr.request"].with_user(self.who["handler"])
        request = requests.browse(
            requests.request_open(
                "restriction",
                (self.person | self.employee_of).ids,
                fields.Datetime.now(),
                "in_person",
                reason="accuracy",
            )
        )
        request.action_confirm_identity()
        request.action_execute()
        self.env.flush_all()
        self.env.cr.precommit.run()
        self.sealed = True
        return request

    def test_nobody_sees_a_restricted_person_through_any_door(self):
        doors, web_doors = self.doors(), self.web_doors()
        superuser = self.env.ref("base.user_root")
        for door, open_it in doors.items():
            with self.subTest(f"{door}, before"):
                self.assertTrue(self.marks(self.look(door, open_it, superuser)), "this door shows nobody anything")
        for door, ask in web_doors.items():
            with self.subTest(f"{door}, before"):
                self.assertTrue(self.marks(self.text(ask("admin"))), "this door shows nobody anything")
        request = self.restrict()
        for door, open_it in doors.items():
            for name, user in {**self.who, "superuser": superuser}.items():
                if name == "superuser" and door in OF_THE_PROGRAM:
                    continue
                with self.subTest(door, who=name):
                    seen = self.look(door, open_it, user)
                    self.assertEqual(self.marks(seen), [], seen[:2000])
        for door, ask in web_doors.items():
            for name in self.who:
                with self.subTest(door, who=name):
                    self.assertEqual(self.marks(self.text(ask(name))), [])
        request.action_tell_lifting()
        request.action_lift("Checked")
        self.env.flush_all()
        self.sealed = False
        for door, open_it in doors.items():
            with self.subTest(f"{door}, after"):
                self.assertTrue(self.marks(self.look(door, open_it, superuser)), "lifting brings everything back")

    def test_no_table_tells_who_the_contact_is(self):
        self.restrict()
        self.env.flush_all()
        found = {}
        for (table,) in self.env.execute_query(
            SQL("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace")
        ):
            rows = self.env.execute_query(
                SQL(
                    "SELECT t::text FROM %s t WHERE t::text ILIKE ANY(%s)",
                    SQL.identifier(table),
                    ["%zbyhn%", "%777%123%987%"],
                )
            )
            if rows:
                found[table] = [text[:500] for (text,) in rows]
        # the ledger, which nobody may rewrite or read meanwhile, what was printed, and those files: see the doors
        known = {"consent_event", "consent_basis", "account_move", "ir_attachment"}
        self.assertEqual({table: rows for table, rows in found.items() if table not in known}, {})
        for row in found["ir_attachment"]:
            self.assertIn("account.move", row)

    def test_lifting_leaves_the_whole_database_as_it_was(self):
        # what waits to go out is stopped for good
        self.env["mail.mail"].search([("state", "=", "outgoing")]).write({"state": "cancel"})
        before = self.database()
        request = self.restrict()
        self.assertGreater(sum(len(before[table] - rows) for table, rows in self.database().items()), 20)
        request.action_tell_lifting()
        request.action_lift("Checked")
        self.env.cr.precommit.run()
        after = self.database()
        # the key of the person was made when it was first needed
        del before["consent_subject"]
        self.assertEqual({t: before[t] ^ after[t] for t in before if before[t] - after[t]}, {})
        new = {t for t in before if after[t] - before[t]}
        self.assertLessEqual({t for t in new if not t.startswith(("gdpr_", "mail_"))}, {"bus_bus"})

    def database(self):
        """Every row of every table as PostgreSQL writes it; counters of numbers aside."""
        self.env.flush_all()
        tables = self.env.execute_query(
            SQL("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace")
        )
        return {
            table: {text for (text,) in self.env.execute_query(SQL("SELECT t::text FROM %s t", SQL.identifier(table)))}
            for (table,) in tables
            if not table.startswith(("ir_sequence", "gdpr_request"))
        }

    def test_nothing_new_and_no_change_for_a_restricted_person(self):
        person, env = self.person, self.env
        draft = env["account.move"].create({"move_type": "out_invoice", "partner_id": person.id})
        other = env["res.partner"].create({"name": "Jiny"})
        their_order = env["sale.order"].create({"partner_id": other.id})
        self.restrict()
        attendee = self.event.attendee_ids.filtered(lambda attendee: attendee.partner_id == person)
        refused = {
            "order": lambda: env["sale.order"].create({"partner_id": person.id}),
            "order delivered to them": lambda: env["sale.order"].create(
                {"partner_id": other.id, "partner_shipping_id": self.delivery.id}
            ),
            "order handed over to them": lambda: their_order.write({"partner_id": person.id}),
            "copy of their order": lambda: self.order.copy(),
            "invoice": lambda: env["account.move"].create({"move_type": "out_invoice", "partner_id": person.id}),
            "invoice of their order": lambda: (self.order.action_confirm(), self.order._create_invoices()),
            "draft that waited": lambda: draft.action_post(),
            "lead": lambda: env["crm.lead"].create({"name": "New", "partner_id": person.id}),
            "invitation": lambda: env["calendar.event"].create(
                {"name": "x", "start": "2026-12-02", "stop": "2026-12-02", "partner_ids": [Command.link(person.id)]}
            ),
            "invitation to a meeting that is": lambda: self.event.copy(),
            "text message": lambda: env["sms.sms"].create({"partner_id": person.id, "number": "1", "body": "x"}),
            "activity": lambda: person.activity_schedule("mail.mail_activity_data_todo", user_id=env.uid),
            "bank account": lambda: env["res.partner.bank"].create({"partner_id": person.id, "acc_number": "1"}),
            "login": lambda: new_test_user(env, "second", "base.group_portal", partner_id=person.id),
            "mail by hand": lambda: self.order.message_post(
                body="x", message_type="comment", subtype_xmlid="mail.mt_comment", partner_ids=person.ids
            ),
            "consent": lambda: person.consent_give("newsletter", ["email"], "in_person"),
            "contact": lambda: person.write({"name": "x"}),
            "contacts together": lambda: (person | other).write({"color": 1}),
            "their address": lambda: self.delivery.write({"street": "x"}),
            "their lead": lambda: self.lead.write({"priority": "2"}),
            "a lead by address alone": lambda: self.web_lead.action_set_lost(),
            "a mailing contact": lambda: self.mailing_contact.write({"name": "x"}),
            "an attendee": lambda: attendee.write({"state": "accepted"}),
            "their login": lambda: self.portal_user.write({"login": "x"}),
            "their login again": lambda: self.portal_user.action_unarchive(),
            "their account": lambda: self.bank.write({"acc_holder_name": "x"}),
            "copy of a lead": lambda: self.lead.copy(),
            "a lead goes": lambda: self.lead.unlink(),
            "merge of leads": lambda: (self.lead | self.web_lead).merge_opportunity(),
            "merge of contacts": lambda: env["base.partner.merge.automatic.wizard"]._merge((person | other).ids, other),
            "the contact goes": lambda: person.unlink(),
            "archive": lambda: other and person.action_archive(),
        }
        for name, act in refused.items():
            with self.subTest(name):
                with self.assertRaises(UserError) as raised, env.cr.savepoint():
                    act()
                self.assertIn("privacy request", str(raised.exception))
            env.invalidate_all()
        payment = env["account.payment"].create(
            {"partner_id": person.id, "amount": 10, "payment_type": "inbound", "partner_type": "customer"}
        )
        payment.action_post()
        self.assertTrue(payment.move_id or payment.state != "draft", "the books go on")
        self.assertFalse(person._may_process("newsletter", "email"))

    def test_pages_of_the_portal_and_pictures_show_nothing(self):
        self.authenticate(ADDRESS, "zbyhneva-door")
        self.assertIn("Zbyhneva", self.url_open("/my/account").text)
        token = self.move._portal_ensure_token()
        link = f"/my/invoices/{self.move.id}?access_token={token}"
        picture = f"/web/image/res.partner/{self.person.id}/image_1920"
        self.authenticate("door_admin", "door_admin")
        self.assertEqual(self.url_open(picture).content, base64.b64decode(PICTURE))
        self.assertIn("Zbyhneva", self.url_open(f"/web/content/{self.file.id}").text)
        self.authenticate(ADDRESS, "zbyhneva-door")
        self.restrict()
        self.assertNotIn("Zbyhneva", self.url_open("/my/account").text, "an open session ends")
        self.authenticate(None, None)
        answer = self.url_open(link)
        self.assertEqual(self.marks(answer.text), [])
        for name, user in self.who.items():
            self.authenticate(user.login, user.login)
            with self.subTest("picture", who=name):
                self.assertNotEqual(self.url_open(picture).content, base64.b64decode(PICTURE))
            for path in (
                f"/web/content/{self.file.id}",
                f"/web/content/{self.text_file.id}",
                f"/web/content/{self.pdf.id}",
            ):
                if (
                    user.has_groups("client_gdpr.group_gdpr_accounting,client_gdpr.group_gdpr_dpo")
                    and str(self.file.id) not in path
                ):
                    continue
                with self.subTest(path, who=name):
                    self.assertEqual(self.marks(self.url_open(path).text), [])
