"""One person with unique marks, planted wherever a person can stand in an Odoo, and people who resemble her.

Read by ``planted_story.py`` inside ``odoo shell``. Nobody here exists; ``example`` domains receive no mail.
"""

import base64
import io
import json
import zipfile
from datetime import date, timedelta

from dateutil.relativedelta import relativedelta
from markupsafe import Markup
from odoo import Command, fields
from odoo.tools import SQL
from PIL import Image, PngImagePlugin
from reportlab.pdfgen.canvas import Canvas
from residue import Marks, number, spelling

NAME = "Quirina Zelenkovská"
EARLIER_NAME = "Quirina Vrzalíková"
EMAIL = "quirina_zelenkovska@zvonek.example"
EARLIER_EMAIL = "q.vrzalikova@stara-posta.example"
PHONE = "+420 736 481 902"
EARLIER_PHONE = "+420 774 093 518"
VAT = "CZ7153194301"
EARLIER_VAT = "CZ6857146109"
IBAN = "CZ6001000000002171904458"
STREET = "Jasmínová 1749/3"
EARLIER_STREET = "Šeříkova 2268"
REFERENCE = "KLIENT-66071"
BARCODE = "0420666071551"
LOCATION_NUMBER = "8594066607107"
REGISTRY = "66607155"
WEBSITE = "https://zelenkovska-keramika.example"
IP = "198.51.100.171"
#: Words that only this person's own records hold; each gets a number of its own.
STEM = "zvlnka"

#: How the dump and the files are asked for her.
MARKS = Marks(
    {
        "name": spelling("Zelenkovská"),
        "earlier name": spelling("Vrzalíková"),
        "e-mail": r"quirina_zelenkovska(?:@|=40|%40)zvonek",
        "earlier e-mail": r"q\.vrzalikova(?:@|=40|%40)stara",
        "phone": number("736481902"),
        "earlier phone": number("774093518"),
        "tax number": r"7153194301",
        "earlier tax number": r"6857146109",
        "account": r"6001[ ]?0000[ ]?0000[ ]?0021[ ]?7190[ ]?4458|2171904458",
        "street": spelling("Jasmínová 1749"),
        "earlier street": spelling("Šeříkova 2268"),
        "reference": r"66071(?!0)",
        "location number": LOCATION_NUMBER,
        "registry": REGISTRY,
        "ip": r"198\.51\.100\.171",
        "private": STEM + r"[\s-]?\d+",
    }
)

HOMONYM_EMAIL = "zelenkovska@morava.example"
#: The same as hers to LIKE, for which _ is any letter.
LOOKALIKE_EMAIL = "quirinaXzelenkovska@zvonek.example"
LOOKALIKE_PHONE = "+420 736 481 903"


class Bystanders:
    """People and companies that an erasure must not touch."""

    def __init__(self, env, firm, staff):
        self.env, self.firm, self.staff = env, firm, staff
        person = env["res.partner"].create
        self.homonym = person(
            {
                "name": NAME,
                "email": HOMONYM_EMAIL,
                "phone": LOOKALIKE_PHONE,
                "street": "Jasmínová 17",
                "city": "Zlín",
                "country_id": env.ref("base.cz").id,
                "company_id": firm.id,
                "comment": "<p>Stálá zákaznice ze Zlína.</p>",
            }
        )
        self.lookalike = person(
            {
                "name": "Quirin Zelenka",
                "email": LOOKALIKE_EMAIL,
                "phone": "+420 736 481 90",
                "company_id": firm.id,
                "ref": "KLIENT%66071",
            }
        )
        self.employer = person(
            {
                "name": "Zvonkárna Vlkoš s.r.o.",
                "is_company": True,
                "email": "info@zvonkarna.example",
                "phone": "+420 518 000 777",
                "street": "Na Zvonici 8",
                "city": "Vlkoš",
                "zip": "696 41",
                "vat": "CZ47700009",
                "country_id": env.ref("base.cz").id,
                "company_id": firm.id,
            }
        )
        self.colleague = person(
            {"name": "Bedřich Kolega", "parent_id": self.employer.id, "email": "bk@zvonkarna.example"}
        )
        self.neighbour = person({"name": "Sousedka Cizí", "email": "sousedka@jinde.example", "company_id": firm.id})
        self.lead = env["crm.lead"].create(
            {"name": "Poptávka pro souseda", "partner_id": self.neighbour.id, "company_id": firm.id}
        )
        env["crm.lead"].create(
            {
                "name": "Poptávka z Moravy",
                "contact_name": NAME,
                "email_from": HOMONYM_EMAIL,
                "phone": LOOKALIKE_PHONE,
                "company_id": firm.id,
            }
        )
        env["crm.lead"].create({"name": "Podobný", "email_from": LOOKALIKE_EMAIL, "company_id": firm.id})
        env["mailing.contact"].create([{"name": NAME, "email": HOMONYM_EMAIL}, {"name": "X", "email": LOOKALIKE_EMAIL}])
        self.homonym.with_user(staff["sales1"]).message_post(body="Chce katalog.")
        self.price_list = env["ir.attachment"].create(
            {
                "name": "cenik.txt",
                "raw": "Ceník dílny pro všechny.".encode(),
                "res_model": "crm.lead",
                "res_id": self.lead.id,
            }
        )
        env["res.partner.bank"].create({"partner_id": self.homonym.id, "acc_number": "CZ7508000000000123456789"})


class Plant:
    """The planting: every method named ``in_…`` is one step, run in the order of the file."""

    def __init__(self, env, firm, staff, journal, bystanders):
        self.env, self.firm, self.staff, self.journal, self.others = env, firm, staff, journal, bystanders
        self.today = fields.Date.today()
        self._private = 0
        self.kept_label = f"Keramický kurz pro {NAME}"

    @property
    def must_be_told(self):
        """What an answer must tell her, wherever her own records hold it."""
        return [
            NAME,
            EMAIL,
            PHONE,
            VAT,
            IBAN,
            STREET,
            REFERENCE,
            BARCODE,
            WEBSITE,
            IP,
            self.invoice.name,
            self.order.name,
        ]

    def all(self, commit):
        """Plant everything; changes are tracked once the values before are committed."""
        steps = [name for name in vars(type(self)) if name.startswith("in_")]
        self._meet()
        commit()
        self._rename()
        commit()
        for name in steps:
            getattr(self, name)()
        self.env.flush_all()
        commit()
        return len(steps)

    def private(self):
        """Words of her own, never the same twice."""
        self._private += 1
        return f"{STEM}-{self._private:03}"

    # -- who she is ----------------------------------------------------------------------------------

    def _meet(self):
        properties = self.env["properties.base.definition"]._get_definition_for_property_field(
            "res.partner", "properties"
        )
        properties.properties_definition = [{"name": "a1b2c3", "type": "char", "string": "Oblíbená barva"}]
        self.person = self.env["res.partner"].create(
            {
                "name": EARLIER_NAME,
                "email": EARLIER_EMAIL,
                "phone": EARLIER_PHONE,
                "street": EARLIER_STREET,
                "street2": self.private(),
                "zip": "37816",
                "city": "Lomnice nad Popelkou",
                "state_id": self.env["res.country.state"].search([("country_id.code", "=", "CZ")], limit=1).id,
                "country_id": self.env.ref("base.cz").id,
                "vat": EARLIER_VAT,
                "company_id": self.firm.id,
                "user_id": self.staff["sales1"].id,
            }
        )
        self.second = self.env["res.partner"].create(
            {
                "name": NAME,
                "parent_id": self.others.employer.id,
                "type": "contact",
                "email": EMAIL,
                "phone": "736481902",
                "function": self.private(),
                "comment": f"<p>{self.private()}</p>",
            }
        )
        self.third = self.env["res.partner"].create(
            {"name": NAME, "email": EARLIER_EMAIL, "company_id": self.firm.id, "active": False, "ref": f"{REFERENCE}-B"}
        )
        self.address = self.env["res.partner"].create(
            {
                "name": f"{NAME} – chalupa",
                "parent_id": self.person.id,
                "type": "delivery",
                "street": f"{STREET}a",
                "city": "Zvonkov",
                "zip": "37816",
                "country_id": self.env.ref("base.cz").id,
                "phone": "00420736481902",
            }
        )
        self.child = self.env["res.partner"].create(
            {"name": "Ctibor Jiný", "parent_id": self.person.id, "type": "contact", "email": "ctibor@jinde.example"}
        )

    def _rename(self):
        """What she was called and how she was reached before stays in the chatter."""
        self.person.with_user(self.staff["handler"]).sudo().write(
            {
                "name": NAME,
                "email": EMAIL,
                "phone": PHONE,
                "street": STREET,
                "vat": VAT,
                "company_registry": REGISTRY,
                "ref": REFERENCE,
                "barcode": BARCODE,
                "website": WEBSITE,
                "function": self.private(),
                "comment": f"<p>{self.private()} {NAME}</p>",
                "sale_warn_msg": self.private(),
                "global_location_number": LOCATION_NUMBER,
                "partner_latitude": 49.5308,
                "partner_longitude": 15.3731,
                "lang": "en_US",
                "tz": "Europe/Prague",
                "properties": [{"name": "a1b2c3", "type": "char", "string": "Oblíbená barva", "value": self.private()}],
                "image_1920": base64.b64encode(self._picture()),
                "category_id": [Command.create({"name": "Keramička"})],
                "consent_birthdate": "1971-03-19",
            }
        )

    def _picture(self):
        words = PngImagePlugin.PngInfo()
        words.add_text("Author", f"{NAME} {self.private()}")
        out = io.BytesIO()
        Image.new("RGB", (64, 64), "teal").save(out, "PNG", pnginfo=words)
        return out.getvalue()

    @property
    def people(self):
        """Her contacts, as the handler confirms them; the address below comes along by itself."""
        return self.person | self.second | self.third

    def in_earlier_copies(self):
        """Renaming wrote into open documents; what was before it stands there by hand, as imports leave it."""
        self.env["ir.model.data"].create(
            {
                "name": "partner_quirina_zelenkovska_66071",
                "module": "__import__",
                "model": "res.partner",
                "res_id": self.person.id,
            }
        )

    # -- login ---------------------------------------------------------------------------------------

    def in_portal_user(self):
        self.user = (
            self.env["res.users"]
            .with_context(no_reset_password=True)
            .create(
                {
                    "partner_id": self.person.id,
                    "login": EMAIL,
                    "password": f"{self.private()}-heslo",
                    "signature": f"<p>{NAME} {self.private()}</p>",
                    "group_ids": [Command.set(self.env.ref("base.group_portal").ids)],
                    "company_id": self.firm.id,
                    "company_ids": [Command.set(self.firm.ids)],
                }
            )
        )

    def in_login_traces(self):
        user, now = self.user.id, fields.Datetime.now()
        self.env["res.users.settings"]._find_or_create_for_user(self.user)
        self.env["res.users.apikeys"].with_user(self.user)._generate("rpc", self.private(), now + timedelta(days=1))
        self.env["res.device.log"].create(
            {
                "user_id": user,
                "session_identifier": "s" * 42,
                "platform": "linux",
                "browser": "firefox",
                "ip_address": IP,
                "city": "Zvonkov",
                "country": "Czechia",
                "first_activity": now,
                "last_activity": now,
            }
        )
        self.sql(
            "INSERT INTO auth_totp_device (name, user_id, scope, index, key)"
            " VALUES (%s, %s, 'browser', 'abcdefgh', %s)",
            self.private(),
            user,
            self.private(),
        )
        self.sql(
            "INSERT INTO auth_passkey_key (name, credential_identifier, public_key, create_uid)"
            " VALUES (%s, %s, %s, %s)",
            self.private(),
            self.private(),
            self.private(),
            user,
        )
        self.sql("UPDATE res_users SET totp_secret = %s WHERE id = %s", self.private(), user)
        self.env["res.users.log"].with_user(self.user).sudo().create({})
        self.env["mail.presence"].create({"user_id": user, "status": "offline"})
        device = self.env["mail.push.device"].create(
            {"partner_id": self.person.id, "endpoint": f"https://push.example/{self.private()}", "keys": self.private()}
        )
        self.env["mail.push"].create({"mail_push_device_id": device.id, "payload": f'{{"title": "{self.private()}"}}'})
        settings = self.env["res.users.settings"]._find_or_create_for_user(self.staff["sales1"])
        self.env["res.users.settings.volumes"].create({"user_setting_id": settings.id, "partner_id": self.person.id})

    def in_filters(self):
        self.env["ir.filters"].create(
            [
                {
                    "name": f"Vše o {NAME}",
                    "model_id": "crm.lead",
                    "domain": f"[('email_from', '=', '{EMAIL}')]",
                    "context": f"{{'search_default_name': '{NAME}'}}",
                    "user_ids": [Command.set(self.staff["sales1"].ids)],
                },
                {"name": self.private(), "model_id": "res.partner", "user_ids": [Command.set(self.user.ids)]},
            ]
        )

    # -- accounting ----------------------------------------------------------------------------------

    def _invoice(self, day, partner=None, post=True, **values):
        tax = self.env["account.tax"].search(
            [("company_id", "=", self.firm.id), ("type_tax_use", "=", "sale"), ("amount", "=", 21)], limit=1
        )
        line = {
            "name": values.pop("label", "Kurz"),
            "quantity": 1,
            "price_unit": 900,
            "tax_ids": [Command.set(tax.ids)],
        }
        move = self.env["account.move"].create(
            {
                "move_type": "out_invoice",
                "partner_id": (partner or self.person).id,
                "journal_id": self.journal.id,
                "invoice_date": day,
                "taxable_supply_date": day,
                "invoice_user_id": self.staff["sales1"].id,
                "invoice_line_ids": [Command.create(line)],
                **values,
            }
        )
        if post:
            move.action_post()
        return move

    def in_invoice_past_its_term(self):
        self.old_invoice = self._invoice(self.today - relativedelta(years=13), narration=f"<p>{self.private()}</p>")
        self.old_invoice.ref = f"stará {NAME}"

    def in_bank_account(self):
        self.bank = self.env["res.partner.bank"].create(
            {"partner_id": self.person.id, "acc_number": IBAN, "acc_holder_name": NAME, "note": self.private()}
        )

    def in_kept_invoice(self):
        self.invoice = self._invoice(
            self.today - relativedelta(months=2),
            label=self.kept_label,
            narration=f"<p>Děkujeme, {NAME}. {self.private()}</p>",
            ref=f"objednávka {NAME}",
            payment_reference=f"platí {NAME}",
            partner_shipping_id=self.address.id,
            partner_bank_id=False,
        )
        self.invoice.invoice_source_email = f"{NAME} <{EMAIL}>"
        self.env["account.move.send"]._generate_and_send_invoices(
            self.invoice.with_context(force_report_rendering=True),
            sending_methods=["manual"],
            invoice_edi_format="ubl_bis3",
        )
        pdf = self.invoice.invoice_pdf_report_id
        self.invoice.message_post(
            body=f"Faktura pro {NAME} odeslána na {EMAIL}.", attachment_ids=pdf.ids, subtype_xmlid="mail.mt_note"
        )
        # one file, two rows: as the composer makes them
        self.env["ir.attachment"].create(
            {"name": f"{NAME}.pdf", "raw": pdf.raw, "res_model": "account.move", "res_id": self.invoice.id}
        )
        self.invoice.is_move_sent = True

    def in_payment(self):
        self.payment = self.env["account.payment"].create(
            {
                "payment_type": "inbound",
                "partner_type": "customer",
                "partner_id": self.person.id,
                "amount": 100,
                "journal_id": self._bank_journal().id,
                "memo": f"záloha {NAME}",
                "payment_reference": f"VS {NAME}",
            }
        )
        self.payment.action_post()
        wizard = self.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=self.invoice.ids
        )
        wizard.create({"communication": f"platba {NAME}", "journal_id": self._bank_journal().id})

    def _bank_journal(self):
        return self.env["account.journal"].search([("company_id", "=", self.firm.id), ("type", "=", "bank")], limit=1)

    def in_bank_statement(self):
        self.statement_line = self.env["account.bank.statement.line"].create(
            {
                "journal_id": self._bank_journal().id,
                "date": self.today,
                "amount": 450,
                "partner_id": self.person.id,
                "partner_name": NAME.upper(),
                "account_number": IBAN,
                "payment_ref": f"{NAME} děkuje",
                "transaction_details": {"debtor": {"name": NAME, "iban": IBAN}},
            }
        )

    def in_draft_invoice(self):
        self.draft = self._invoice(
            self.today, post=False, narration=f"<p>{self.private()}</p>", ref=self.private(), label=self.private()
        )
        self.env["ir.attachment"].create(
            {
                "name": "poznamka.txt",
                "raw": self.private().encode(),
                "res_model": "account.move",
                "res_id": self.draft.id,
            }
        )

    def in_cancelled_invoice(self):
        if self.journal.restrict_mode_hash_table:
            self.cancelled = self._invoice(self.today, post=False, ref=f"zrušená {NAME}", label=self.private())
        else:
            self.cancelled = self._invoice(self.today, ref=f"zrušená {NAME}", label=self.private())
            self.cancelled.button_draft()
        self.cancelled.button_cancel()

    def in_analytic(self):
        plan = self.env["account.analytic.plan"].create({"name": "Zakázky"})
        account = self.env["account.analytic.account"].create(
            {"name": f"Zakázka {NAME}", "plan_id": plan.id, "partner_id": self.person.id, "company_id": self.firm.id}
        )
        self.env["account.analytic.line"].create(
            {"name": f"Kurz {NAME}", "account_id": account.id, "partner_id": self.person.id, "company_id": self.firm.id}
        )
        self.env["account.analytic.distribution.model"].create(
            {"partner_id": self.person.id, "analytic_distribution": {account.id: 100}, "company_id": self.firm.id}
        )

    def in_reconcile_model(self):
        self.env["account.reconcile.model"].create(
            {
                "name": "Zálohy",
                "company_id": self.firm.id,
                "match_label": "contains",
                "match_label_param": NAME,
                "match_partner_ids": [Command.set((self.person | self.others.neighbour).ids)],
                "line_ids": [Command.create({"label": f"od {NAME}", "account_id": self._account().id})],
            }
        )

    def _account(self):
        return self.env["account.account"].search(
            [("company_ids", "in", self.firm.ids), ("account_type", "=", "income")], limit=1
        )

    def in_others_invoice(self):
        self.others_invoice = self._invoice(
            self.today, partner=self.others.neighbour, narration=f"<p>Doporučila {NAME}, {EMAIL}.</p>"
        )

    def in_supplier_price(self):
        product = self.env["product.product"].create({"name": "Hliněný zvonek"})
        self.env["product.supplierinfo"].create(
            {
                "partner_id": self.person.id,
                "product_tmpl_id": product.product_tmpl_id.id,
                "product_name": f"zvonek {NAME}",
            }
        )

    # -- online payment ------------------------------------------------------------------------------

    def in_payment_provider(self):
        provider = self.env["payment.provider"].create(
            {"name": "Brána", "code": "none", "state": "disabled", "company_id": self.firm.id}
        )
        method = self.env["payment.method"].create({"name": "Karta", "code": "planted_card"})
        token = {"provider_id": provider.id, "payment_method_id": method.id, "partner_id": self.person.id}
        used, unused = self.env["payment.token"].create(
            [
                {**token, "payment_details": self.private(), "provider_ref": self.private()},
                {**token, "payment_details": self.private(), "provider_ref": self.private()},
            ]
        )
        transaction = {
            "provider_id": provider.id,
            "payment_method_id": method.id,
            "currency_id": self.firm.currency_id.id,
            "partner_id": self.person.id,
        }
        paid, failed = self.env["payment.transaction"].create(
            [
                {
                    **transaction,
                    "reference": "PLATBA-1",
                    "amount": 900,
                    "token_id": used.id,
                    "invoice_ids": [Command.set(self.invoice.ids)],
                },
                {**transaction, "reference": f"PLATBA-{self.private()}", "amount": 800},
            ]
        )
        paid.write({"state": "done", "state_message": f"přijato od {NAME}"})
        failed.write(
            {"state": "error", "state_message": f"karta {NAME} odmítnuta", "provider_reference": self.private()}
        )
        del unused

    # -- sales ---------------------------------------------------------------------------------------

    def _order(self, **values):
        product = self.env["product.product"].search([("name", "=", "Servis kola")], limit=1)
        return self.env["sale.order"].create(
            {
                "partner_id": self.person.id,
                "company_id": self.firm.id,
                "user_id": self.staff["sales1"].id,
                "order_line": [Command.create({"product_id": product.id, "name": values.pop("label", "Servis kola")})],
                **values,
            }
        )

    def in_orders(self):
        self.quotation = self._order(note=f"<p>{self.private()}</p>", client_order_ref=self.private())
        self.order = self._order(
            note=f"<p>{self.private()}</p>",
            client_order_ref=f"zakázka {NAME}",
            signed_by=NAME,
            signature=base64.b64encode(self._picture()),
            label=f"Servis kola, majitelka {NAME}",
            partner_shipping_id=self.address.id,
        )
        self.order.action_confirm()
        cancelled = self._order(note=f"<p>{self.private()}</p>")
        cancelled.action_confirm()
        cancelled._action_cancel()

    # -- leads ---------------------------------------------------------------------------------------

    def in_leads(self):
        team = self.env["crm.team"].search([("company_id", "in", (False, self.firm.id))], limit=1)
        team.lead_properties_definition = [{"name": "ab12cd", "type": "char", "string": "Zdroj"}]
        self.linked_lead, self.web_lead, self.old_lead, self.phone_lead = self.env["crm.lead"].create(
            [
                {
                    "name": f"Zájem {NAME}",
                    "partner_id": self.person.id,
                    "company_id": self.firm.id,
                    "team_id": team.id,
                    "description": f"<p>{self.private()}</p>",
                    "lead_properties": [{"name": "ab12cd", "type": "char", "string": "Zdroj", "value": self.private()}],
                },
                {
                    "name": f"Formulář: {self.private()}",
                    "contact_name": NAME,
                    "email_from": f'"{NAME}" <{EMAIL.upper()}>',
                    "phone": "00420 736-481-902",
                    "street": STREET,
                    "partner_name": f"Keramika {NAME}",
                    "website": WEBSITE,
                    "description": f"<p>{self.private()}</p>",
                    "company_id": self.firm.id,
                },
                {
                    "name": "Starý dotaz",
                    "contact_name": EARLIER_NAME,
                    "email_from": EARLIER_EMAIL,
                    "email_cc": f"{EMAIL}, nekdo@jinde.example",
                    "description": f"<p>{self.private()}</p>",
                    "company_id": self.firm.id,
                    "active": False,
                },
                {
                    "name": "Zmeškaný hovor",
                    "phone": "736 481 902",
                    "country_id": self.env.ref("base.cz").id,
                    "description": f"<p>{self.private()}</p>",
                    "company_id": self.firm.id,
                },
            ]
        )
        self.others.lead.write({"referred": NAME, "email_cc": f"soused@jinde.example, {EMAIL}"})
        self.others.lead.description = f"<p>Zná ho {NAME}, tel. {PHONE}.</p>"

    # -- messages ------------------------------------------------------------------------------------

    def in_chatter_about_her(self):
        seller = self.staff["sales1"]
        self.about = self.person.with_user(seller).message_post(
            body=Markup(f"<p>{self.private()}</p>"), subject=f"O {NAME}", subtype_xmlid="mail.mt_note"
        )
        self.env["mail.message"].create(
            {
                "model": "res.partner",
                "res_id": self.person.id,
                "message_type": "email",
                "author_id": self.person.id,
                "email_from": f'"{NAME}" <{EMAIL}>',
                "reply_to": f"{NAME} <reply@kolo.example>",
                "message_id": f"<{EMAIL}-12@zvonek.example>",
                "incoming_email_to": f"info@kolo.example, {EMAIL}",
                "incoming_email_cc": f"{NAME} <{EARLIER_EMAIL}>",
                "subject": self.private(),
                "body": f"<p>{self.private()}</p>",
                "attachment_ids": [
                    Command.create(
                        {
                            "name": f"{self.private()}.txt",
                            "raw": self.private().encode(),
                            "res_model": "res.partner",
                            "res_id": self.person.id,
                        }
                    )
                ],
            }
        )

    def in_her_words_on_others_records(self):
        self.own_comment = self.env["mail.message"].create(
            {
                "model": "crm.lead",
                "res_id": self.others.lead.id,
                "message_type": "comment",
                "author_id": self.person.id,
                "body": f"<p>{self.private()}</p>",
            }
        )
        self.own_mail = self.env["mail.message"].create(
            {
                "model": "crm.lead",
                "res_id": self.others.lead.id,
                "message_type": "email",
                "email_from": f"{EARLIER_NAME} <{EARLIER_EMAIL}>",
                "author_id": False,
                "body": f"<p>{self.private()}</p>",
            }
        )

    def in_mentions(self):
        post = self.others.lead.with_user(self.staff["sales1"]).message_post
        self.mention = post(body=f"Volala {NAME} z {EMAIL}, číslo 736 481 902.", subtype_xmlid="mail.mt_note")
        self.mention_by_number = post(body="Zavolat na 00420/736481902 po páté.", subtype_xmlid="mail.mt_note")
        self.mention_by_name = post(body=f"Zdraví ho {NAME}.", subtype_xmlid="mail.mt_note")
        self.mention_escaped = post(
            body=Markup("<p>Quirina&nbsp;Zelenkovsk&aacute; vzkazuje, &lt;%s&gt;</p>") % EMAIL,
            subtype_xmlid="mail.mt_note",
        )
        self.mention_account = post(
            body="Účet CZ60 0100 0000 0021 7190 4458, DIČ CZ7153194301.", subtype_xmlid="mail.mt_note"
        )
        self.addressed = self.env["mail.message"].create(
            {
                "model": "crm.lead",
                "res_id": self.others.lead.id,
                "message_type": "email_outgoing",
                "author_id": self.staff["sales2"].partner_id.id,
                "body": "<p>Posílám nabídku.</p>",
                "subject": f"Nabídka, doporučila {EMAIL}",
                "outgoing_email_to": f"{EMAIL}, soused@jinde.example",
                "reply_to": f"{NAME} <{EMAIL}>",
                "partner_ids": [Command.set((self.person | self.others.neighbour).ids)],
                "starred_partner_ids": [Command.set(self.person.ids)],
            }
        )
        self.env["mail.message.translation"].create(
            {
                "message_id": self.mention.id,
                "source_lang": "cs",
                "target_lang": "en_US",
                "body": f"<p>{NAME} called from {EMAIL}.</p>",
            }
        )
        preview = self.env["mail.link.preview"].create(
            {
                "source_url": f"https://keramika.example/?kdo={EMAIL}",
                "og_title": f"Keramika {NAME}",
                "og_description": f"Píšte na {EMAIL}",
            }
        )
        self.env["mail.message.link.preview"].create({"message_id": self.mention.id, "link_preview_id": preview.id})
        self.sql(
            "INSERT INTO mail_message_reaction (message_id, partner_id, content) VALUES (%s, %s, '👍')",
            self.mention.id,
            self.person.id,
        )

    def in_tracking_of_others(self):
        field = self.env["ir.model.fields"]._get("crm.lead", "partner_id")
        message = self.env["mail.message"].create(
            {
                "model": "crm.lead",
                "res_id": self.others.lead.id,
                "message_type": "notification",
                "author_id": self.staff["sales2"].partner_id.id,
            }
        )
        self.others_tracking = self.env["mail.tracking.value"].create(
            {
                "mail_message_id": message.id,
                "field_id": field.id,
                "old_value_char": NAME,
                "old_value_integer": self.person.id,
                "new_value_char": self.others.neighbour.name,
                "new_value_integer": self.others.neighbour.id,
            }
        )

    def in_notifications(self):
        self.env["mail.notification"].create(
            [
                {
                    "mail_message_id": self.addressed.id,
                    "res_partner_id": self.person.id,
                    "notification_type": "email",
                    "notification_status": "exception",
                    "failure_reason": f"550 {EMAIL} neexistuje",
                },
                {
                    "mail_message_id": self.mention.id,
                    "mail_email_address": EMAIL,
                    "notification_type": "email",
                    "notification_status": "sent",
                },
            ]
        )

    def in_mails(self):
        author = self.staff["sales1"].partner_id.id
        self.env["mail.mail"].create(
            [
                {
                    "state": "outgoing",
                    "subject": self.private(),
                    "email_to": f'"{NAME}" <{EMAIL}>',
                    "recipient_ids": [Command.set(self.person.ids)],
                    "body_html": f"<p>{self.private()}</p>",
                    "author_id": author,
                    "scheduled_date": fields.Datetime.now() + timedelta(days=3),
                },
                {
                    "state": "exception",
                    "subject": f"Pro {NAME}",
                    "email_to": EMAIL,
                    "email_cc": EARLIER_EMAIL,
                    "failure_reason": f"{EMAIL}: mailbox full",
                    "headers": f"{{'X-Odoo-Recipient': '{NAME}'}}",
                    "references": f"<{EMAIL}-1@zvonek.example>",
                    "body_html": f"<p>{self.private()}</p>",
                    "author_id": author,
                },
                {
                    "state": "sent",
                    "auto_delete": False,
                    "subject": "Zpravodaj",
                    "email_to": f"soused@jinde.example, {EMAIL}",
                    "body_html": f"<p>Odhlásit {EMAIL}</p>",
                    "author_id": author,
                },
            ]
        )

    def in_scheduled_messages(self):
        later = fields.Datetime.now() + timedelta(days=5)
        seller = self.staff["sales1"].partner_id.id
        self.env["mail.scheduled.message"].create(
            [
                {
                    "model": "res.partner",
                    "res_id": self.person.id,
                    "author_id": seller,
                    "scheduled_date": later,
                    "subject": f"Pro {NAME}",
                    "body": f"<p>{self.private()}</p>",
                    "partner_ids": [Command.set(self.person.ids)],
                },
                {
                    "model": "crm.lead",
                    "res_id": self.others.lead.id,
                    "author_id": seller,
                    "scheduled_date": later,
                    "subject": f"Soused a {NAME}",
                    "body": f"<p>{NAME}, {EMAIL}, to doporučila.</p>",
                    "notification_parameters": f'{{"email_from": "{EMAIL}"}}',
                    "partner_ids": [Command.set((self.person | self.others.neighbour).ids)],
                },
                {
                    "model": "crm.lead",
                    "res_id": self.others.lead.id,
                    "author_id": self.person.id,
                    "scheduled_date": later,
                    "body": f"<p>{self.private()}</p>",
                },
            ]
        )
        self.env["mail.message.schedule"].create(
            {
                "mail_message_id": self.about.id,
                "scheduled_datetime": later,
                "notification_parameters": f'{{"to": "{EMAIL}"}}',
            }
        )

    def in_activities(self):
        seller = self.staff["sales1"].id
        todo = "mail.mail_activity_data_todo"
        self.person.activity_schedule(todo, user_id=seller, summary=f"Zavolat {NAME}", note=f"<p>{self.private()}</p>")
        done = self.linked_lead.activity_schedule(todo, user_id=seller, summary=self.private(), note=self.private())
        done.action_feedback(feedback=self.private())
        self.others.lead.activity_schedule(
            todo, user_id=seller, summary=f"Zeptat se {NAME} ({EMAIL})", note=f"<p>{NAME} ví víc, {PHONE}.</p>"
        )

    def in_followers(self):
        self.others.lead.message_subscribe(partner_ids=self.person.ids)
        self.person.message_subscribe(partner_ids=self.others.neighbour.ids)

    def in_discuss(self):
        channel = self.env["discuss.channel"].create(
            {"name": f"Kurz {NAME}", "description": f"{EMAIL} a ostatní", "channel_type": "group"}
        )
        self.env["discuss.channel.member"].create(
            [
                {"channel_id": channel.id, "partner_id": self.person.id, "custom_channel_name": self.private()},
                {
                    "channel_id": channel.id,
                    "partner_id": self.staff["sales2"].partner_id.id,
                    "custom_channel_name": f"s {NAME}",
                },
            ]
        )
        self.channel = channel
        guest = self.env["mail.guest"].create({"name": NAME, "email": EMAIL})
        self.env["discuss.channel.member"].create({"channel_id": channel.id, "guest_id": guest.id})
        self.env["mail.message"].create(
            [
                {
                    "model": "discuss.channel",
                    "res_id": channel.id,
                    "message_type": "comment",
                    "author_guest_id": guest.id,
                    "body": f"<p>{self.private()}</p>",
                },
                {
                    "model": "discuss.channel",
                    "res_id": channel.id,
                    "message_type": "comment",
                    "author_id": self.staff["sales2"].partner_id.id,
                    "body": f"<p>Ahoj {NAME} <{EMAIL}></p>",
                },
            ]
        )
        self.env["mail.presence"].create({"guest_id": guest.id, "status": "offline"})

    def in_suppression(self):
        self.env["mail.blacklist"]._add(EARLIER_EMAIL)
        self.env["phone.blacklist"]._add(["+420736481902"])
        self.env["mail.gateway.allowed"].create({"email": f"{NAME} <{EMAIL}>"})

    def in_alias(self):
        """A bounced answer and the defaults of an alias hold what a member of staff typed."""
        self.env["mail.alias"].create(
            {
                "alias_name": "kurz",
                "alias_model_id": self.env["ir.model"]._get_id("crm.lead"),
                "alias_defaults": f"{{'referred': '{NAME}'}}",
                "alias_bounced_content": f"<p>Pište na {EMAIL}</p>",
            }
        )

    # -- files ---------------------------------------------------------------------------------------

    def in_files(self):
        attach = self.env["ir.attachment"].create
        mine = {"res_model": "res.partner", "res_id": self.person.id}
        attach(
            [
                {**mine, "name": f"smlouva {NAME}.pdf", "raw": self._pdf(f"{self.private()} {NAME} {EMAIL}")},
                {**mine, "name": "tabulka.zip", "raw": self._zip(f"{self.private()}; {NAME}")},
                {**mine, "name": "v_radku.txt", "db_datas": self.private().encode(), "description": self.private()},
                # the same file as on somebody else's record: the row goes, the file stays
                {**mine, "name": "cenik.txt", "raw": self.others.price_list.raw},
            ]
        )
        self.others_file = attach(
            {
                "name": f"zapis {NAME}.txt",
                "raw": f"Zápis ze schůzky: {NAME}, {EMAIL}, přišla pozdě.".encode(),
                "description": f"pro {EMAIL}",
                "res_model": "crm.lead",
                "res_id": self.others.lead.id,
            }
        )

    def _pdf(self, text):
        out = io.BytesIO()
        canvas = Canvas(out)
        canvas.drawString(72, 720, text.encode("ascii", "replace").decode())
        canvas.save()
        return out.getvalue()

    def _zip(self, text):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("xl/sharedStrings.xml", f"<sst><si><t>{text}</t></si></sst>")
        return out.getvalue()

    # -- calendar ------------------------------------------------------------------------------------

    def in_calendar(self):
        start = fields.Datetime.now().replace(microsecond=0) + timedelta(days=2)
        seller = self.staff["sales1"]
        values = {"start": start, "stop": start + timedelta(hours=1), "user_id": seller.id}
        events = self.env["calendar.event"].with_context(no_mail_to_attendees=True, dont_notify=True)
        self.meeting, self.others_meeting, self.meeting_about = events.create(
            [
                {
                    **values,
                    "name": f"Schůzka s {NAME}",
                    "description": f"<p>{self.private()}</p>",
                    "location": STREET,
                    "partner_ids": [Command.set((self.person | seller.partner_id).ids)],
                },
                {
                    **values,
                    "name": f"Ochutnávka (pozvala {NAME})",
                    "description": f"<p>Napsat na {EMAIL}.</p>",
                    "location": f"u {NAME}",
                    "notes": f"<p>{NAME} {PHONE}</p>",
                    "partner_ids": [Command.set((self.person | self.others.neighbour | seller.partner_id).ids)],
                },
                {
                    **values,
                    "name": f"Porada o {EMAIL}",
                    "partner_ids": [Command.set((self.others.neighbour | seller.partner_id).ids)],
                },
            ]
        )
        self.env["calendar.filters"].create({"user_id": seller.id, "partner_id": self.person.id})

    # -- letters, messages, mailings -----------------------------------------------------------------

    def in_sms_and_letters(self):
        self.env["sms.sms"].create(
            [
                {
                    "partner_id": self.person.id,
                    "number": "+420736481902",
                    "body": self.private(),
                    "state": "error",
                    "failure_type": "sms_credit",
                },
                {"number": "+420 736 481 902", "body": self.private(), "state": "canceled"},
            ]
        )
        letter = self.env["ir.attachment"].create(
            {
                "name": f"dopis {NAME}.pdf",
                "raw": self._pdf(self.private()),
                "res_model": "account.move",
                "res_id": self.draft.id,
            }
        )
        self.env["snailmail.letter"].create(
            {
                "partner_id": self.person.id,
                "model": "account.move",
                "res_id": self.draft.id,
                "company_id": self.firm.id,
                "user_id": self.staff["sales1"].id,
                "attachment_id": letter.id,
                "street": STREET,
                "street2": self.private(),
                "zip": "37816",
                "city": "Lomnice nad Popelkou",
                "info_msg": f"<p>{NAME}</p>",
                "state": "error",
            }
        )

    def in_mailings(self):
        lists = self.env["mailing.list"].create({"name": "Keramické kurzy"})
        contacts = self.env["mailing.contact"].create(
            [
                {
                    "name": NAME,
                    "email": f'"{NAME}" <{EMAIL}>',
                    "company_name": self.private(),
                    "list_ids": [Command.set(lists.ids)],
                },
                {"name": EARLIER_NAME, "email": EARLIER_EMAIL, "list_ids": [Command.set(lists.ids)]},
            ]
        )
        campaign = self.env["utm.campaign"].create({"name": f"kampan {NAME}", "title": f"Kampaň {NAME}"})
        model = self.env["ir.model"]._get_id("mailing.contact")
        condition = f"[('email', '=', '{EMAIL}')]"
        mailing = self.env["mailing.mailing"].create(
            {
                "subject": "Jarní glazury",
                "mailing_model_id": model,
                "mailing_domain": condition,
                "campaign_id": campaign.id,
                "body_html": "<p>Glazury.</p>",
                "user_id": self.staff["sales1"].id,
            }
        )
        self.env["mailing.filter"].create(
            {"name": f"Jen {NAME}", "mailing_domain": condition, "mailing_model_id": model}
        )
        traces = self.env["mailing.trace"].create(
            [
                {
                    "mass_mailing_id": mailing.id,
                    "model": "mailing.contact",
                    "res_id": contacts[0].id,
                    "email": EMAIL,
                    "message_id": f"<{EMAIL}-trace@kolo.example>",
                    "trace_status": "bounce",
                    "failure_reason": f"550 {EMAIL}",
                },
                {
                    "mass_mailing_id": mailing.id,
                    "model": "res.partner",
                    "res_id": self.person.id,
                    "email": EARLIER_EMAIL,
                    "trace_status": "sent",
                },
            ]
        )
        tracker = self.env["link.tracker"].create({"url": "http://localhost/glazury", "title": "Glazury"})
        self.env["link.tracker.click"].create(
            {"link_id": tracker.id, "ip": IP, "mailing_trace_id": traces[0].id, "mass_mailing_id": mailing.id}
        )
        self.trace_count = len(traces)

    # -- consents ------------------------------------------------------------------------------------

    def in_consents(self):
        seller = self.person.with_user(self.staff["sales1"]).with_company(self.firm)
        seller.consent_give(
            "newsletter",
            ["email"],
            "in_person",
            note=self.private(),
            evidence=[{"name": f"{self.private()}.txt", "content": base64.b64encode(self.private().encode()).decode()}],
        )
        seller.consent_withdraw("newsletter", ["email"], source="phone", reason=self.private())
        self.env["consent.source"].create(
            {"partner_id": self.person.id, "kind": "referral", "note": self.private()}
            if "kind" in self.env["consent.source"]._fields
            else {"partner_id": self.person.id, "note": self.private()}
        )

    # -- technical -----------------------------------------------------------------------------------

    def in_bus(self):
        self.sql(
            "INSERT INTO bus_bus (channel, message, create_date) VALUES (%s, %s, now() at time zone 'utc')",
            '["db","res.partner",1]',
            json.dumps({"type": "note", "payload": {"name": NAME, "body": f"{NAME} <{EMAIL}>"}}),
        )

    def in_log(self):
        self.env["ir.logging"].create(
            {
                "name": "mail",
                "type": "server",
                "dbname": self.env.cr.dbname,
                "level": "WARNING",
                "message": f"could not send to {EMAIL}",
                "path": "mail",
                "func": "send",
                "line": "1",
            }
        )

    def in_import(self):
        lines = f"jméno;e-mail\n{NAME};{EMAIL}\nSousedka Cizí;sousedka@jinde.example\n"
        self.env["base_import.import"].create(
            {"res_model": "res.partner", "file": lines.encode(), "file_name": f"{NAME}.csv", "file_type": "text/csv"}
        )

    def in_wizards(self):
        self.env["mail.compose.message"].create(
            {
                "model": "res.partner",
                "res_ids": f"[{self.person.id}]",
                "subject": f"Pro {NAME}",
                "body": f"<p>{self.private()}</p>",
                "partner_ids": [Command.set(self.person.ids)],
            }
        )
        self.env["privacy.lookup.wizard"].create({"name": NAME, "email": EMAIL})
        self.env["privacy.log"].create(
            {
                "anonymized_name": NAME,
                "anonymized_email": EMAIL,
                "user_id": self.staff["dpo"].id,
                "additional_note": f"hledáno pro {NAME} {EMAIL}",
            }
        )
        portal = self.env["portal.wizard"].with_context(active_ids=self.person.ids).create({})
        self.env["portal.wizard.user"].create({"wizard_id": portal.id, "partner_id": self.person.id, "email": EMAIL})

    def sql(self, query, *values):
        self.env.flush_all()
        self.env.cr.execute(SQL(query, *values))


def born():
    """Her birthday, for those who must not find it."""
    return date(1971, 3, 19)
