"""A company's database of a realistic shape: one customer made by the ORM, then copied by SQL.

Per partner: three messages (one he wrote, one about him, one with his invoice), a posted invoice of two lines and a
trace of a mailing; every second one an order, every other second one a lead; every tenth an attachment.
"""

import contextlib
import itertools
import logging

from odoo import Command, fields
from odoo.tools import SQL

_logger = logging.getLogger(__name__)

GIVEN = (
    "Jana Petr Eva Jan Marie Tomáš Lucie Martin Hana Pavel Anna Jakub Lenka Karel Věra David Alena Josef Ivana Adam"
    " Zuzana Ondřej Klára Michal Tereza Filip Markéta Vojtěch Barbora Daniel"
)
FAMILY_HEADS = "Nov Svob Dvoř Čern Proch Kuč Vesel Hor Něm Mar Pokor Posp Háj Král Růž Fial Sedl Dolež Zem Kol Vlk Urb"
FAMILY_MIDDLES = "ot at in er al an ov ad im ul ar en ič och ed uš ap it ol ir"
FAMILY_TAILS = "ák oda áček ý ázka era ík ek ec eš ný íšil ovský elka ička an ář ina ánek ota ulka uch"
CHUNK = 100_000


class Population:
    """Copies of one customer and what hangs on him.

    :param count: partners to make
    """

    def __init__(self, env, count):
        self.env, self.count = env, count

    def build(self):
        """Make everything and commit."""
        model = self._prototype()
        self.env.flush_all()
        self._names()
        with self._bare_tables(model):
            self._copy_all(model)
        self.env.cr.commit()

    # -- the one that is copied ----------------------------------------------------------------------

    def _prototype(self):
        """One customer with everything, made as a user makes it: name → record."""
        env = self.env(context={**self.env.context, "tracking_disable": True})
        company = env.company
        company.write({"country_id": env.ref("base.cz").id, "name": "Kolo a káva s.r.o."})
        if not company.chart_template:
            env["account.chart.template"].try_loading("cz", company)
        partner = env["res.partner"].create(
            {
                "name": "Vzor Vzorový",
                "email": "vzor@post.example",
                "phone": "+420 602 000 000",
                "street": "Lipová 5",
                "zip": "11000",
                "city": "Praha",
                "country_id": env.ref("base.cz").id,
                "comment": "<p>Prefers to be called in the morning.</p>",
            }
        )
        products = env["product.product"].create([{"name": n, "list_price": 100.0} for n in ("Wheel", "Coffee")])
        lines = [Command.create({"product_id": product.id, "quantity": 2, "price_unit": 100.0}) for product in products]
        invoice = env["account.move"].create(
            {
                "move_type": "out_invoice",
                "partner_id": partner.id,
                "invoice_date": fields.Date.today(),
                "invoice_line_ids": lines,
            }
        )
        invoice.action_post()
        order = env["sale.order"].create(
            {
                "partner_id": partner.id,
                "order_line": [Command.create({"product_id": p.id, "product_uom_qty": 2}) for p in products],
            }
        )
        order.action_confirm()
        lead = env["crm.lead"].create(
            {
                "name": "Asks for bicycles",
                "type": "opportunity",
                "partner_id": partner.id,
                "email_from": partner.email,
                "contact_name": partner.name,
            }
        )
        staff = env.user.partner_id
        said = partner.message_post(
            body="Please call me about the order.", author_id=partner.id, email_from=partner.email_formatted
        )
        noted = partner.message_post(body="Called, will come on Monday for the bicycle.", author_id=staff.id)
        sent = invoice.message_post(body="Your invoice is attached.", author_id=staff.id)
        notification = env["mail.notification"].create(
            {"mail_message_id": sent.id, "res_partner_id": partner.id, "notification_type": "email"}
        )
        partner.message_subscribe([staff.id])
        file = env["ir.attachment"].create(
            {
                "name": "letter.txt",
                "raw": b"A letter about bicycles.",
                "res_model": "res.partner",
                "res_id": partner.id,
            }
        )
        mailing = env["mailing.mailing"].create(
            {"subject": "Spring", "mailing_model_id": env.ref("base.model_res_partner").id}
        )
        trace = env["mailing.trace"].create(
            {
                "mass_mailing_id": mailing.id,
                "model": "res.partner",
                "res_id": partner.id,
                "email": partner.email,
                "trace_status": "sent",
            }
        )
        env.flush_all()
        return {
            "partner": partner,
            "invoice": invoice,
            "order": order,
            "lead": lead,
            "said": said,
            "noted": noted,
            "sent": sent,
            "notification": notification,
            "file": file,
            "trace": trace,
        }

    def _names(self):
        """A table of the people to be: n, name, the name's part of an address, phone. Namesakes happen."""
        parts = FAMILY_HEADS.split(), FAMILY_MIDDLES.split(), FAMILY_TAILS.split()
        families = ["".join(three) for three in itertools.product(*parts)]
        given = GIVEN.split()
        cr = self.env.cr
        cr.execute("CREATE TEMP TABLE given_names (i serial, name text)")
        cr.execute("CREATE TEMP TABLE family_names (i serial, name text)")
        cr.execute("INSERT INTO given_names (name) SELECT unnest(%s)", [given])
        cr.execute("INSERT INTO family_names (name) SELECT unnest(%s)", [families])
        cr.execute("CREATE EXTENSION IF NOT EXISTS unaccent")
        cr.execute(
            """CREATE TEMP TABLE people AS
               SELECT n, g.name || ' ' || f.name AS name,
                      lower(unaccent(g.name || '.' || f.name)) || '.' || n || '@post.example' AS email,
                      '+420 7' || lpad(n::text, 8, '0') AS phone
                 FROM generate_series(1, %(count)s) n
                 JOIN given_names g ON g.i = 1 + abs(hashint4(n)::bigint) %% %(given)s
                 JOIN family_names f ON f.i = 1 + abs(hashint4(-n)::bigint) %% %(family)s""",
            {"count": self.count, "given": len(given), "family": len(families)},
        )
        cr.execute("CREATE UNIQUE INDEX ON people (n)")
        cr.execute("ANALYZE people")

    # -- the copies ----------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _bare_tables(self, model):
        """Take foreign keys and plain indexes off while rows come in: checked and built once, they cost far less."""
        cr = self.env.cr
        tables = {record._table for record in model.values()}
        tables |= {"account_move_line", "sale_order_line", "mail_followers"}
        cr.execute(
            "SELECT conrelid::regclass::text, quote_ident(conname), pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE contype = 'f' AND conrelid::regclass::text = ANY(%s)",
            [list(tables)],
        )
        keys = cr.fetchall()
        cr.execute(
            "SELECT quote_ident(c.relname), pg_get_indexdef(c.oid)"
            "  FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
            " WHERE NOT i.indisunique AND i.indrelid::regclass::text = ANY(%s)",
            [list(tables)],
        )
        indexes = cr.fetchall()
        for table, name, _definition in keys:
            cr.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        for name, _definition in indexes:
            cr.execute(f"DROP INDEX {name}")
        yield
        for _name, definition in indexes:
            cr.execute(definition)
        for table, name, definition in keys:
            cr.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")

    def _copy_all(self, model):
        email_formatted = SQL("'\"' || q.name || '\" <' || q.email || '>'")
        partners = self._copy(
            model["partner"],
            name=SQL("q.name"),
            complete_name=SQL("q.name"),
            email=SQL("q.email"),
            email_normalized=SQL("q.email"),
            phone=SQL("q.phone"),
            phone_sanitized=SQL("replace(q.phone, ' ', '')"),
            commercial_partner_id=SQL("p.id + q.n"),
            street=SQL("'Lipová ' || q.n"),
        )
        partner = {"partner_id": partners, "commercial_partner_id": partners}
        self._copy(
            model["said"],
            res_id=partners,
            author_id=partners,
            email_from=email_formatted,
            message_id=self._message_id("said"),
            body=SQL("'<p>Please call me about the order.</p><p>' || q.name || '</p>'"),
        )
        self._copy(model["noted"], res_id=partners, message_id=self._message_id("noted"))
        number = SQL("'INV/2026/' || lpad((100000 + q.n)::text, 8, '0')")
        invoices = self._copy(
            model["invoice"],
            **partner,
            partner_shipping_id=partners,
            name=number,
            payment_reference=number,
            sequence_number=SQL("100000 + q.n"),
            invoice_partner_display_name=SQL("q.name"),
        )
        for line in model["invoice"].line_ids:
            self._copy(line, **partner, move_id=invoices, move_name=number)
        messages = self._copy(model["sent"], res_id=invoices, message_id=self._message_id("sent"))
        self._copy(model["notification"], mail_message_id=messages, res_partner_id=partners)
        for follower in model["partner"].message_follower_ids:
            self._copy(follower, res_id=partners)
        for follower in model["invoice"].message_follower_ids:
            own = {"partner_id": partners} if follower.partner_id == model["partner"] else {}
            self._copy(follower, res_id=invoices, **own)
        orders = self._copy(
            model["order"],
            every=2,
            partner_id=partners,
            partner_invoice_id=partners,
            partner_shipping_id=partners,
            name=SQL("'S' || lpad(q.n::text, 8, '0')"),
        )
        for line in model["order"].order_line:
            self._copy(line, every=2, order_id=orders, order_partner_id=partners)
        self._copy(
            model["lead"],
            every=2,
            first=1,
            **partner,
            email_from=SQL("q.email"),
            email_normalized=SQL("q.email"),
            contact_name=SQL("q.name"),
            phone=SQL("q.phone"),
            phone_sanitized=SQL("replace(q.phone, ' ', '')"),
        )
        self._copy(model["file"], every=10, res_id=partners)
        self._copy(model["trace"], res_id=partners, email=SQL("q.email"))

    @staticmethod
    def _message_id(kind):
        return SQL("%s || q.n || '@benchmark.example>'", f"<{kind}.")

    def _copy(self, record, every=1, first=0, **changed):
        """Copy a row once for each of the people, or for every so manieth of them.

        :param changed: column → SQL over ``p`` (the row) and ``q`` (the person: n, name, email, phone), or the
            numbers of other copies as returned here
        :return: SQL of the copy's id, for rows that hang on it
        """
        cr, table = self.env.cr, SQL.identifier(record._table)
        cr.execute(SQL("SELECT max(id) FROM %s", table))
        [last] = cr.fetchone()
        cr.execute(
            "SELECT column_name FROM information_schema.columns"
            " WHERE table_schema = current_schema AND table_name = %s AND is_generated = 'NEVER'",
            [record._table],
        )
        columns = {name: SQL.identifier("p", name) for (name,) in cr.fetchall()}
        columns |= {name: value for name, value in changed.items() if name in columns}
        if record._name == "res.partner":
            columns["commercial_partner_id"] = SQL("%s + q.n", last)
        columns["id"] = SQL("%s + q.n", last)
        for start in range(0, self.count, CHUNK):
            cr.execute(
                SQL(
                    "INSERT INTO %s (%s) SELECT %s FROM %s p, people q"
                    " WHERE p.id = %s AND q.n > %s AND q.n <= %s AND q.n %% %s = %s",
                    table,
                    SQL(", ").join(map(SQL.identifier, columns)),
                    SQL(", ").join(columns.values()),
                    table,
                    record.id,
                    start,
                    start + CHUNK,
                    every,
                    first,
                )
            )
        cr.execute(SQL("SELECT setval(pg_get_serial_sequence(%s, 'id'), %s)", record._table, last + self.count))
        _logger.info("%s: copied", record._table)
        return SQL("%s + q.n", last)


def build(env, count):
    """Populate the shell's database."""
    Population(env, count).build()
