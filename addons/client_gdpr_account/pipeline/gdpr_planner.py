from collections import defaultdict

from odoo import models
from odoo.tools import SQL

#: What may go from a posted document whose term is over, hashed or not: odoo refuses none of them.
AROUND_THE_DOCUMENT = ("narration", "ref", "invoice_source_email")


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
        """Lines follow their document: those of a draft that was never posted go with it."""
        posted, drafts = self._split(ids, "account.move.line", [("move_id.posted_before", "=", True)])
        return [self._with_ids(ruling, posted), self._with_ids(ruling, drafts, action="delete", reason="no_ground")]

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
        rows = self.env.execute_query(
            SQL(
                """SELECT a.id, m.gdpr_keep_law, m.gdpr_keep_until
                     FROM ir_attachment a JOIN account_move m ON a.res_model = 'account.move' AND a.res_id = m.id
                    WHERE a.id = ANY(%s) AND m.state = 'posted'
                      AND (m.gdpr_keep_until IS NULL OR m.gdpr_keep_until >= (now() AT TIME ZONE 'UTC')::date)""",
                list(ids),
            )
        )
        return self._keep_rows(rows, ids, ruling, "statute")

    def _judge_mail_message(self, ids, ruling, people):
        """Messages that the restrictive audit trail protects are kept and dated, never bypassed."""
        messages = self.env["mail.message"].sudo().with_context(active_test=False)
        protected = messages.search([("id", "in", list(ids)), ("account_audit_log_restricted", "=", True)])
        rows = []
        for id_ in protected.ids:
            obliging = [g for g in people.grounds_of("mail.message", id_) if g.kind == "obliging"]
            latest = next((g for g in obliging if g.until is None), None)
            latest = latest or max(obliging, key=lambda g: g.until, default=None)
            rows.append((id_, latest.law, latest.until) if latest else (id_, "", None))
        return self._keep_rows(rows, ids, ruling, "audit_trail")

    def _judge_mail_tracking_value(self, ids, ruling, people):
        """Recorded changes follow the message they stand in."""
        values = self.env["mail.tracking.value"].sudo().browse(ids)
        protected = values.mail_message_id.filtered("account_audit_log_restricted")
        rows = [(value.id, "", None) for value in values if value.mail_message_id in protected]
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
