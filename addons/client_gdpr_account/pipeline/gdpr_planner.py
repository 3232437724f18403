from collections import defaultdict

from odoo import models
from odoo.tools import SQL

#: What may go from a posted document whose term is over, hashed or not: odoo refuses none of them.
AROUND_THE_DOCUMENT = ("narration", "ref", "payment_reference", "invoice_source_email")
#: Records of the books that stand or fall with a document: model → the way to it, and what goes when it falls.
FOLLOWERS = {
    "account.payment": ("move_id", ("memo", "payment_reference")),
    "account.bank.statement.line": (
        "move_id",
        ("payment_ref", "partner_name", "account_number", "transaction_details"),
    ),
}
#: Conditions under which a document is kept: posted, and no end known or not reached.
IN_TERM = SQL(
    "m.state = 'posted' AND (m.gdpr_keep_until IS NULL OR m.gdpr_keep_until >= (now() AT TIME ZONE 'UTC')::date)"
)


class GdprPlanner(models.AbstractModel):
    _inherit = "gdpr.planner"

    def _judge_account_move(self, ids, ruling, people):
        """Art. 17(3)(b): inside the term a posted document stays as it is. A draft protects nobody."""
        held = {g.res_id: g for g in people.grounds if g.model == "account.move" and g.kind == "obliging"}
        kept = defaultdict(list)
        for id_ in ids:
            if id_ in held:
                kept[held[id_].law, held[id_].until].append(id_)
        rulings = [
            self._with_ids(ruling, some, action="keep", reason="statute", law=law, until=until, fields=())
            for (law, until), some in kept.items()
        ]
        rest = [id_ for id_ in ids if id_ not in held]
        posted, others = self._split(rest, "account.move", [("state", "=", "posted")])
        never_posted, once_posted = self._split(others, "account.move", [("posted_before", "=", False)])
        around = {"action": "anonymise", "fields": AROUND_THE_DOCUMENT}
        return [
            *rulings,
            self._with_ids(ruling, posted, reason="term_over", **around),
            self._with_ids(ruling, once_posted, reason="no_ground", **around),
            self._with_ids(ruling, never_posted, action="delete", reason="no_ground", fields=()),
        ]

    def _judge_account_move_line(self, ids, ruling, people):
        """Lines follow their document; a label under a hash stays as long as the chain does."""
        kept, rest = self._with_documents("account.move.line", "move_id", ids, ruling)
        posted, drafts = self._split(rest, "account.move.line", [("move_id.posted_before", "=", True)])
        hashed, plain = self._split(posted, "account.move.line", [("move_id.inalterable_hash", "!=", False)])
        return [
            *kept,
            self._with_ids(ruling, hashed, action="keep", reason="hashed", fields=()),
            self._with_ids(ruling, plain, action="anonymise", reason="term_over", fields=("name", "ref")),
            self._with_ids(ruling, drafts, action="delete", reason="no_ground"),
        ]

    def _judge_account_payment(self, ids, ruling, people):
        """A payment follows its entry; one that was never posted is a draft."""
        return self._judge_follower(ids, ruling)

    def _judge_account_bank_statement_line(self, ids, ruling, people):
        """What the bank told stays as long as the entry made of it."""
        return self._judge_follower(ids, ruling)

    def _judge_follower(self, ids, ruling):
        link, names = FOLLOWERS[ruling.model]
        kept, rest = self._with_documents(ruling.model, link, ids, ruling)
        return [*kept, self._with_ids(ruling, rest, action="anonymise", reason="term_over", fields=names)]

    def _judge_payment_transaction(self, ids, ruling, people):
        """A payment that came about follows its entry or invoice; an attempt is nobody's book."""
        if "invoice_ids" not in self.env["payment.transaction"]._fields:
            return [self._with_ids(ruling, ids)]
        done, tried = self._split(ids, "payment.transaction", [("state", "in", ("authorized", "done"))])
        rows = self.env.execute_query(
            SQL(
                """SELECT t.id, max(m.gdpr_keep_law), nullif(max(coalesce(m.gdpr_keep_until, 'infinity')), 'infinity')
                     FROM payment_transaction t
                     JOIN (SELECT transaction_id, invoice_id AS move_id FROM account_invoice_transaction_rel
                     UNION SELECT t.id, p.move_id FROM payment_transaction t
                             JOIN account_payment p ON p.id = t.payment_id) way ON way.transaction_id = t.id
                     JOIN account_move m ON m.id = way.move_id
                    WHERE t.id = ANY(%s) AND %s
                 GROUP BY t.id""",
                list(done),
                IN_TERM,
            )
        )
        held = {id_ for id_, _law, _until in rows}
        fields = self._personal_fields("payment.transaction")
        rest = [id_ for id_ in done if id_ not in held]
        return [
            *self._keep_rows(rows, [id_ for id_ in done if id_ in held], ruling, "statute"),
            self._with_ids(ruling, rest, action="anonymise", reason="term_over", fields=fields),
            self._with_ids(ruling, tried, action="delete", reason="not_paid", fields=()),
        ]

    def _with_documents(self, model, link, ids, ruling):
        """(rulings that keep what hangs on a document within its term, the other ids)."""
        rows = self.env.execute_query(
            SQL(
                "SELECT t.id, m.gdpr_keep_law, m.gdpr_keep_until FROM %s t JOIN account_move m ON m.id = %s"
                " WHERE t.id = ANY(%s) AND %s",
                SQL.identifier(self.env[model]._table),
                SQL.identifier("t", link),
                list(ids),
                IN_TERM,
            )
        )
        kept = {id_ for id_, _law, _until in rows}
        rulings = self._keep_rows(rows, [id_ for id_ in ids if id_ in kept], ruling, "statute")
        return rulings, [id_ for id_ in ids if id_ not in kept]

    def _judge_mentions(self, ids, ruling):
        """What a document says of somebody else stays in it as long as the document itself."""
        ways = {"account.move": "id", "account.move.line": "move_id"} | {m: way for m, (way, _f) in FOLLOWERS.items()}
        if ruling.model in ways:
            kept, ids = self._with_documents(ruling.model, ways[ruling.model], ids, ruling)
            return [*kept, *super()._judge_mentions(ids, ruling)]
        if ruling.model == "ir.attachment":
            rows = self._files_of_documents(ids)
            kept = {id_ for id_, _law, _until in rows}
            return [
                *self._keep_rows(rows, [id_ for id_ in ids if id_ in kept], ruling, "statute"),
                *super()._judge_mentions([id_ for id_ in ids if id_ not in kept], ruling),
            ]
        return super()._judge_mentions(ids, ruling)

    def _judge_res_partner_bank(self, ids, ruling, people):
        """An account that entries or payments point to stays as a row without its number."""
        rows = self.env.execute_query(
            SQL(
                """SELECT partner_bank_id FROM account_move WHERE partner_bank_id = ANY(%(ids)s)
             UNION SELECT partner_bank_id FROM account_payment WHERE partner_bank_id = ANY(%(ids)s)
             UNION SELECT bank_account_id FROM account_journal WHERE bank_account_id = ANY(%(ids)s)""",
                ids=list(ids),
            )
        )
        used = {id_ for (id_,) in rows}
        fields = self._personal_fields("res.partner.bank")
        return [
            self._with_ids(
                ruling, [i for i in ids if i in used], action="anonymise", reason="accounting_entry", fields=fields
            ),
            self._with_ids(ruling, [id_ for id_ in ids if id_ not in used]),
        ]

    def _judge_ir_attachment(self, ids, ruling, people):
        """Files of a kept document stay with it; so do they where the audit trail protects them."""
        return self._keep_rows(self._files_of_documents(ids), ids, ruling, "statute")

    def _files_of_documents(self, ids):
        """Files of documents within their term: (id, law, until)."""
        return self.env.execute_query(
            SQL(
                """SELECT a.id, m.gdpr_keep_law, m.gdpr_keep_until
                     FROM ir_attachment a JOIN account_move m ON a.res_model = 'account.move' AND a.res_id = m.id
                    WHERE a.id = ANY(%s) AND %s""",
                list(ids),
                IN_TERM,
            )
        )

    def _judge_mail_message(self, ids, ruling, people):
        """Messages that the restrictive audit trail protects are kept and dated, never bypassed."""
        messages = self.env["mail.message"].sudo().with_context(active_test=False)
        protected = messages.search([("id", "in", list(ids)), ("account_audit_log_restricted", "=", True)])
        rows = [(id_, *self._latest_hold("mail.message", id_, people)) for id_ in protected.ids]
        return self._keep_rows(rows, ids, ruling, "audit_trail")

    def _latest_hold(self, model, id_, people):
        """Law and last day of what holds a person the longest of whom a record was found; ("", nothing) without one."""
        obliging = [g for g in people.grounds_of(model, id_) if g.kind == "obliging"]
        latest = next((g for g in obliging if g.until is None), None)
        latest = latest or max(obliging, key=lambda g: g.until, default=None)
        return (latest.law, latest.until) if latest else ("", None)

    def _judge_mail_tracking_value(self, ids, ruling, people):
        """Recorded changes follow the message they stand in."""
        values = self.env["mail.tracking.value"].sudo().browse(ids)
        protected = values.mail_message_id.filtered("account_audit_log_restricted")
        rows = [
            (value.id, *self._latest_hold("mail.tracking.value", value.id, people))
            for value in values
            if value.mail_message_id in protected
        ]
        return self._keep_rows(rows, ids, ruling, "audit_trail")

    def _keep_rows(self, rows, ids, ruling, reason):
        """Rule *keep* on the rows (id, law, until) and the default on the rest of the ids."""
        kept = defaultdict(list)
        for id_, law, until in rows:
            kept[law or "", until].append(id_)
        gone = {id_ for id_, _law, _until in rows}
        return [
            *(
                self._with_ids(ruling, some, action="keep", reason=reason, law=law, until=until, fields=())
                for (law, until), some in kept.items()
            ),
            self._with_ids(ruling, [id_ for id_ in ids if id_ not in gone]),
        ]

    def _waiting_for_tax_period(self, partner_ids):
        """VAT statements read the live contact until the tax period of its last document is locked."""
        rows = self.env.execute_query(
            SQL(
                """SELECT p.id
                     FROM res_partner p
               CROSS JOIN LATERAL (SELECT m.date, m.company_id
                                     FROM account_move m
                                    WHERE m.commercial_partner_id = p.commercial_partner_id AND m.state = 'posted'
                                 ORDER BY m.date DESC
                                    LIMIT 1) last
                     JOIN res_company c ON c.id = last.company_id
                    WHERE p.id = ANY(%s) AND p.vat <> ''
                      AND (c.tax_lock_date IS NULL OR c.tax_lock_date < last.date)""",
                partner_ids,
            )
        )
        return super()._waiting_for_tax_period(partner_ids) | {id_ for (id_,) in rows}
