"""Leads, quotations, orders, meetings, invoices and a mailing."""

# The company of the demo speaks Czech, whatever the language of the user.
# pylint: disable=translation-required
from dateutil.relativedelta import relativedelta
from odoo import fields

from .company import sales_journal


def trade(env, firm, staff, persons):
    products = _products(env)
    _leads(env, firm, staff, persons)
    _quotations(env, staff, persons, products)
    _meetings(env, staff, persons)
    _invoices(env, firm, staff, persons, products)
    _mailing(env, staff, persons)


def _products(env):
    return env["product.product"].create(
        [
            {"name": "Servis kola", "list_price": 890.0, "type": "service"},
            {"name": "Městské kolo", "list_price": 15900.0, "type": "consu"},
            {"name": "Káva 1 kg", "list_price": 420.0, "type": "consu"},
        ]
    )


def _leads(env, firm, staff, persons):
    env["crm.lead"].create(
        [
            {
                "name": "Zájem o elektrokolo",
                "partner_id": persons["jana"].id,
                "user_id": staff["sales1"].id,
                "description": "<p>Přišla do prodejny, chce vyzkoušet.</p>",
                "company_id": firm.id,
            },
            {
                "name": "Dotaz z webu",
                "contact_name": "Jana Nováková",
                "email_from": "jana.novakova@post.example",
                "user_id": staff["sales1"].id,
                "company_id": firm.id,
            },
            {
                "name": "Káva do kanceláře",
                "partner_id": persons["papirna"].id,
                "user_id": staff["sales2"].id,
                "company_id": firm.id,
            },
            {
                "name": "Poptávka dětského kola",
                "contact_name": "Tomáš Procházka",
                "partner_id": persons["tomas"].id,
                "email_from": "tomas.prochazka@post.example",
                "user_id": staff["sales2"].id,
                "company_id": firm.id,
            },
        ]
    )


def _quotations(env, staff, persons, products):
    service, bike, coffee = products
    orders = env["sale.order"].create(
        [
            _order(persons["jana"], staff["sales1"], [(bike, 1)]),
            _order(persons["petr"], staff["sales1"], [(service, 1)]),
            _order(persons["papirna"], staff["sales2"], [(coffee, 20)]),
        ]
    )
    orders[2].action_confirm()


def _order(partner, user, lines):
    return {
        "partner_id": partner.id,
        "user_id": user.id,
        "order_line": [(0, 0, {"product_id": product.id, "product_uom_qty": qty}) for product, qty in lines],
    }


def _meetings(env, staff, persons):
    start = fields.Datetime.now().replace(minute=0, second=0) + relativedelta(days=2)
    seller = staff["sales1"].partner_id
    events = env["calendar.event"].with_context(no_mail_to_attendees=True, dont_notify=True)
    events.create(
        [
            {
                "name": "Zkušební jízda",
                "start": start,
                "stop": start + relativedelta(hours=1),
                "user_id": staff["sales1"].id,
                "partner_ids": [(6, 0, (persons["jana"] | seller).ids)],
            },
            {
                "name": "Setkání zákazníků",
                "start": start,
                "stop": start + relativedelta(hours=2),
                "user_id": staff["sales1"].id,
                "partner_ids": [(6, 0, (persons["jana"] | persons["petr"] | persons["marie"] | seller).ids)],
            },
        ]
    )


def _invoices(env, firm, staff, persons, products):
    """Posted from the oldest on, because the journal chains their hashes; two are sent with their PDF."""
    service, bike, coffee = products
    today = fields.Date.today()
    plan = [
        ("eva", today - relativedelta(years=13), [(bike, 1)]),
        ("petr", today - relativedelta(years=11, months=6), [(service, 1)]),
        ("karel", today - relativedelta(years=1, months=2), [(service, 3)]),
        ("jana", today - relativedelta(months=10), [(bike, 1)]),
        ("petr", today - relativedelta(months=8), [(service, 1)]),
        ("martin", today - relativedelta(months=5), [(coffee, 4)]),
        ("jana", today - relativedelta(months=1), [(service, 1)]),
        ("papirna", today - relativedelta(days=20), [(coffee, 20)]),
    ]
    journal = sales_journal(env, firm)
    invoices = env["account.move"]
    for who, day, lines in plan:
        invoice = env["account.move"].create(
            {
                "move_type": "out_invoice",
                "partner_id": persons[who].id,
                "journal_id": journal.id,
                "invoice_date": day,
                "taxable_supply_date": day,
                "invoice_user_id": staff["sales1"].id,
                "invoice_line_ids": [(0, 0, {"product_id": product.id, "quantity": qty}) for product, qty in lines],
            }
        )
        invoice.action_post()
        invoices |= invoice
    for invoice in invoices.filtered(lambda move: move.partner_id in (persons["jana"] | persons["eva"])):
        _send(env, invoice)


def _send(env, invoice):
    """Make the PDF and note it in the chatter, as sending does; no mail leaves a demo."""
    env["account.move.send"]._generate_and_send_invoices(
        invoice.with_context(force_report_rendering=True), sending_methods=["manual"], invoice_edi_format=False
    )
    invoice.message_post(
        body="Faktura odeslána zákazníkovi.",
        attachment_ids=invoice.invoice_pdf_report_id.ids,
        subtype_xmlid="mail.mt_note",
    )
    invoice.is_move_sent = True


def _mailing(env, staff, persons):
    target = env["mailing.list"].create({"name": "Zprávy z dílny"})
    env["mailing.contact"].create(
        [
            {"name": persons[key].name, "email": persons[key].email, "list_ids": [(4, target.id)]}
            for key in ("jana", "petr", "marie", "anna")
        ]
    )
    mailing = env["mailing.mailing"].create(
        {
            "subject": "Jaro v dílně",
            "mailing_model_id": env["ir.model"]._get_id("mailing.list"),
            "contact_list_ids": [(4, target.id)],
            "body_html": "<p>Servis za jarní ceny.</p>",
            "user_id": staff["sales1"].id,
        }
    )
    env["mailing.trace"].create(
        {
            "mass_mailing_id": mailing.id,
            "model": "res.partner",
            "res_id": persons["jana"].id,
            "email": persons["jana"].email,
            "trace_status": "sent",
            "sent_datetime": fields.Datetime.now(),
        }
    )
