import json
from collections import defaultdict

from odoo import api, models
from odoo.exceptions import UserError
from odoo.tools import SQL, sql

from ..models.gdpr_data_map import PERSON
from ..tools import capability, redact
from ..tools.mentions import Haystack, plain
from ..tools.plan import Sealing

#: Deleted by the ORM, so that their own rules and caches hold; everything else by SQL. Bank accounts too go by
#: SQL: their ``unlink`` writes the number into the contact's chatter and archives instead.
ORM_MODELS = frozenset({PERSON, "payment.token", "crm.lead", "calendar.event", "sale.order", "mailing.contact"})
#: What others depend on goes last.
LAST = ("mail.message", "crm.lead", "sale.order", "calendar.event", "mailing.contact", "res.partner.bank", "res.users")


class GdprExecutor(models.AbstractModel):
    """Carries out an approved plan, set-based, in the transaction of the caller.

    It tracks nothing: a tracked change would copy the old value into the chatter.
    """

    _name = "gdpr.executor"
    _description = "Executor of an Erasure"

    @api.model
    def _execute(self, cases):
        """Do what the rulings say to the records of some people, each step for all of them together.

        :param cases: list of :class:`Case` whose plans are approved
        """
        self = self.sudo().with_context(
            **{capability.KEY: capability.SWEEP}, tracking_disable=True, mail_notrack=True, active_test=False
        )
        self.env.flush_all()
        self._refuse_restricted(cases)
        self._prepare_erasure(cases)
        self._take_out(cases)
        doomed = defaultdict(set)
        for case in cases:
            for ruling in case.rulings:
                file = ruling.reason == "mention_in_file" and case.decisions.get(ruling.rule) == "redact"
                if (ruling.action == "delete" and ruling.model != PERSON) or file:
                    doomed[ruling.model].update(ruling.ids)
        for model in sorted(doomed, key=self._delete_order):
            self._delete(model, sorted(doomed[model]))
        # looked up before the contact goes: the ledger has no other way back to the person
        partner_ids = [id_ for case in cases for id_ in case.located.partner_ids]
        subjects = self.env["consent.subject"].search([("partner_id", "in", partner_ids)])
        self._erase_partners(cases)
        self._erase_consents(subjects)
        self.env["gdpr.trace"]._sweep(cases)
        self._clear_notes(cases)
        self._finish_erasure(cases)
        self.env.flush_all()
        self._forget_what_was_logged(doomed, cases)
        self.env.invalidate_all()

    def _prepare_erasure(self, cases):
        """Hook: freeze what a law wants kept before anything changes."""

    def _finish_erasure(self, cases):
        """Hook: take away what an earlier erasure froze and no law wants kept any more."""

    @api.model
    def _get_orm_models(self):
        """Models that are deleted by the ORM; glue add-ons add theirs."""
        return ORM_MODELS

    @staticmethod
    def _delete_order(model):
        return LAST.index(model) + 1 if model in LAST else 0, model

    # -- delete --------------------------------------------------------------------------------------

    def _delete(self, model, ids):
        if model in self._get_orm_models():
            records = self.env[model].browse(ids).exists()
            if model == "sale.order":
                self._cancel_sent_quotations(records)
            records.unlink()
            return
        self.env.flush_all()
        if model == "ir.attachment":
            self._release_files(ids)
        self.env.cr.execute(SQL("DELETE FROM %s WHERE id = ANY(%s)", SQL.identifier(self.env[model]._table), list(ids)))
        self.env.invalidate_all()

    def _forget_what_was_logged(self, doomed, cases):
        """Take out what OCA's auditlog, where it is installed, noted of what the ORM deleted: all its old values."""
        if "auditlog.log" not in self.env:
            return
        gone = {(model, id_) for model in doomed.keys() & self._get_orm_models() for id_ in doomed[model]}
        gone.update((PERSON, id_) for case in cases for id_ in case.located.partner_ids)
        self.env.cr.execute(
            SQL(
                "DELETE FROM auditlog_log l USING unnest(%s::text[], %s::int[]) AS gone (model, id)"
                " WHERE l.model_model = gone.model AND l.res_id = gone.id",
                [model for model, _id in gone],
                [id_ for _model, id_ in gone],
            )
        )

    def _cancel_sent_quotations(self, orders):
        """A quotation that was sent may be deleted once it is cancelled; without mails to anybody."""
        self.env.flush_all()
        self.env.cr.execute(
            SQL("UPDATE sale_order SET state = 'cancel' WHERE id = ANY(%s) AND state = 'sent'", orders.ids)
        )
        orders.invalidate_recordset(["state"])

    def _release_files(self, ids):
        """Hand the files to Odoo's collector, which deletes those that no other attachment shares."""
        rows = self.env.execute_query(
            SQL(
                "SELECT DISTINCT store_fname FROM ir_attachment WHERE id = ANY(%s) AND store_fname IS NOT NULL",
                list(ids),
            )
        )
        for (name,) in rows:
            self.env["ir.attachment"]._mark_for_gc(name)

    # -- anonymise -----------------------------------------------------------------------------------

    def _refuse_restricted(self, cases):
        """Refuse people restricted since the plan was made: it was made of what now stands in the vault."""
        partner_ids = [id_ for case in cases for id_ in case.located.partner_ids]
        for partner in self.env[PERSON].browse(partner_ids).exists():
            if partner.gdpr_state == "restricted":
                raise UserError(partner._gdpr_why_not_erasable())

    def _take_out(self, cases):
        """Carry out what anonymises records of others and records that stay."""
        mentions, takes_part, blanks = defaultdict(lambda: defaultdict(set)), defaultdict(set), defaultdict(set)
        for number, case in enumerate(cases):
            for ruling in case.rulings:
                redacted = ruling.action == "review" and case.decisions.get(ruling.rule) == "redact"
                if (ruling.model == PERSON and ruling.field == "id") or ruling.reason == "mention_in_file":
                    continue
                if redacted or (ruling.action == "anonymise" and ruling.reason in ("mention", "redacted")):
                    # beside an address that is the person's alone, the name means the person too
                    for name in ruling.fields:
                        for id_ in ruling.ids:
                            mentions[ruling.model, name][id_].add(number)
                elif ruling.action == "anonymise" and ruling.reason == "takes_part":
                    for name in ruling.fields:
                        others = case.located.ids(self.env[ruling.model]._fields[name].comodel_name, "self", "own")
                        takes_part[ruling.model, name].update((id_, other) for id_ in ruling.ids for other in others)
                elif ruling.action == "anonymise":
                    blanks[ruling.model, ruling.fields].update(ruling.ids)
        haystack = Haystack([case.identity for case in cases] if mentions else [])
        for (model, name), people in sorted(mentions.items()):
            self._redact(model, name, people, haystack)
        for (model, name), pairs in sorted(takes_part.items()):
            self._cut(model, name, sorted(pairs))
        for (model, names), ids in sorted(blanks.items()):
            self._blank(model, sorted(ids), names)

    def _cut(self, model, name, pairs):
        """Take people out of records of others: pairs (record, contact)."""
        field = self.env[model]._fields[name]
        ids, others = [id_ for id_, _other in pairs], [other for _id, other in pairs]
        if field.type == "many2many":
            query = SQL(
                "DELETE FROM %(table)s t USING unnest(%(ids)s::int[], %(others)s::int[]) AS c (id, other)"
                " WHERE t.%(own)s = c.id AND t.%(other)s = c.other",
                table=SQL.identifier(field.relation),
                own=SQL.identifier(field.column1),
                other=SQL.identifier(field.column2),
                ids=ids,
                others=others,
            )
        else:
            query = SQL(
                "UPDATE %s SET %s = NULL WHERE id = ANY(%s)",
                SQL.identifier(self.env[model]._table),
                SQL.identifier(name),
                ids,
            )
        self.env.cr.execute(query)
        self.env.invalidate_all()

    def _redact(self, model, name, people, haystack):
        """Take people out of somebody else's words, in every language of a translated text.

        :param people: id of the record → numbers of the people, as the haystack knows them
        """
        table, column = SQL.identifier(self.env[model]._table), SQL.identifier(name)
        rows = self.env.execute_query(SQL("SELECT id, %s FROM %s WHERE id = ANY(%s)", column, table, list(people)))
        is_json = self.env[model]._fields[name].column_type[0] == "jsonb"
        for id_, value in rows:
            found = haystack.candidates(plain(value))
            theirs = {n.value for n in found if any(number in people[id_] for number, _sure in n.people)}
            new = redact.redact_all(value, theirs) if theirs else value
            if new != value:
                new = SQL("%s::jsonb", json.dumps(new, ensure_ascii=False)) if is_json else SQL("%s", new)
                self.env.cr.execute(SQL("UPDATE %s SET %s = %s WHERE id = %s", table, column, new, id_))
        self.env.invalidate_all()

    @api.model
    def _blank(self, model, ids, names):
        """Clear the fields, or put the placeholder where the data map says so; nothing else of the row changes."""
        declared = self.env["gdpr.data.map"]._declarations()
        records = self.env[model].browse(ids)
        assignments, changed = [], []
        for name in names:
            field = records._fields[name]
            if field.type == "binary" and field.attachment:
                files = self._field_attachments(model, name, ids)
                if not files:
                    # smaller pictures would be computed again of nothing, one by one
                    continue
                self._delete("ir.attachment", files)
            elif field.type == "many2many":
                self.env.cr.execute(
                    SQL(
                        "DELETE FROM %s WHERE %s = ANY(%s)",
                        SQL.identifier(field.relation),
                        SQL.identifier(field.column1),
                        list(ids),
                    )
                )
            elif field.store and field.column_type:
                row = declared.get((model, name))
                value = self._blank_value(field, bool(row and row.action == "replace"))
                assignments.append(SQL("%s = %s", SQL.identifier(name), value))
            changed.append(name)
        if assignments:
            self.env.flush_all()
            self.env.cr.execute(
                SQL(
                    "UPDATE %s SET %s WHERE id = ANY(%s)",
                    SQL.identifier(records._table),
                    SQL(", ").join(assignments),
                    list(ids),
                )
            )
        self.env.invalidate_all()
        records.modified(changed)
        self.env.flush_all()
        if model == "res.users":
            self._close_logins(ids)

    def _close_logins(self, ids):
        """Take secrets that have no field of their own: password, second factor, API keys, trusted devices."""
        for column in ("password", "totp_secret"):
            if sql.column_exists(self.env.cr, "res_users", column):
                self.env.cr.execute(
                    SQL("UPDATE res_users SET %s = NULL WHERE id = ANY(%s)", SQL.identifier(column), list(ids))
                )
        for table in ("res_users_apikeys", "auth_totp_device"):
            if sql.table_exists(self.env.cr, table):
                self.env.cr.execute(SQL("DELETE FROM %s WHERE user_id = ANY(%s)", SQL.identifier(table), list(ids)))
        self.env.registry.clear_cache()

    def _blank_value(self, field, replace):
        if field.type == "boolean":
            return SQL("false")
        if not replace:
            return SQL("NULL")
        placeholder = self._placeholder_sql(field.model_name, field.name)
        if field.translate:
            return SQL("jsonb_build_object('en_US', %s)", placeholder)
        return placeholder

    def _placeholder_sql(self, model, name):
        """What stands where a required text stood: it tells nothing but the row's number."""
        if model == PERSON:
            return SQL("%s || id", self._placeholder_word())
        return SQL("'erased-' || id")

    def _placeholder_word(self):
        return self.env._("Contact") + " "

    def _field_attachments(self, model, name, ids):
        rows = self.env.execute_query(
            SQL(
                "SELECT id FROM ir_attachment WHERE res_model = %s AND res_field = %s AND res_id = ANY(%s)",
                model,
                name,
                list(ids),
            )
        )
        return [id_ for (id_,) in rows]

    # -- the contact ---------------------------------------------------------------------------------

    def _erase_partners(self, cases):
        """Seal what a law needs, wipe the rest, delete contacts that nothing holds."""
        rulings = [(case, ruling) for case in cases for ruling in case.rulings if ruling.model == PERSON]
        sealings = [
            Sealing(id_, ruling.fields, case.request_id, ruling.law, ruling.until)
            for case, ruling in rulings
            if ruling.action == "seal"
            for id_ in ruling.ids
        ]
        self.env["gdpr.vault"]._seal(PERSON, self._not_yet_sealed(sealings), "block")
        blanks, states, gone = defaultdict(list), defaultdict(list), []
        states["blocked"] = [sealing.res_id for sealing in sealings]
        for _case, ruling in rulings:
            if ruling.action == "anonymise":
                blanks[ruling.fields] += ruling.ids
                if ruling.reason == "shell":
                    states["erased"] += ruling.ids
            elif ruling.action == "delete":
                gone += ruling.ids
        for names, ids in blanks.items():
            self._blank(PERSON, ids, names)
        for state, ids in states.items():
            self.env[PERSON].browse(ids).write({"gdpr_state": state})
        # nothing holds them any more: what an earlier erasure sealed ends too
        self.env["gdpr.vault"]._destroy([*states["erased"], *gone])
        if states["erased"]:
            self._archive(self.env[PERSON].browse(states["erased"]))
        if gone:
            self._delete(PERSON, gone)

    def _not_yet_sealed(self, sealings):
        """Those that an earlier run of the same request, which left something over, did not seal."""
        rows = self.env["gdpr.vault"].search(
            [("model_name", "=", PERSON), ("request_id", "in", [sealing.request_id for sealing in sealings])]
        )
        sealed = {(row.res_id, row.request_id.id) for row in rows}
        return [sealing for sealing in sealings if (sealing.res_id, sealing.request_id) not in sealed]

    def _archive(self, partners):
        """Take empty shells out of sight; their logins were closed with the user."""
        self.env.cr.execute(SQL("UPDATE res_partner SET active = false WHERE id = ANY(%s)", partners.ids))
        partners.invalidate_recordset(["active"])

    def _clear_notes(self, cases):
        """What handlers wrote into the requests of the people: that they asked stays, their words go."""
        requests = self.env["gdpr.request"]
        about = requests.search([("partner_ids", "in", [id_ for case in cases for id_ in case.located.partner_ids])])
        (about | requests.browse(case.request_id for case in cases)).write({"note": False})

    def _erase_consents(self, subjects):
        """Clear the person out of the ledger; a subject lives on only while the vault needs its key."""
        self.env["consent.event"]._clear(subjects)
        in_vault = self.env["gdpr.vault"].search([("subject_id", "in", subjects.ids)]).subject_id
        (subjects - in_vault).unlink()
