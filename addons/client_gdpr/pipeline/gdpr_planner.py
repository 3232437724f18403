from collections import defaultdict
from dataclasses import replace

from odoo import api, models, tools
from odoo.tools import SQL

from ..models.gdpr_data_map import PERSON
from ..tools.plan import People, Ruling

#: Of two links to the same record the stronger decides.
STRENGTH = {"delete": 4, "anonymise": 3, "redact": 2, "keep": 1, "cut": 0}
CHANGING = ("clear", "replace")


class GdprPlanner(models.AbstractModel):
    """What is to happen to everything that was found, and why. Judges and never touches.

    A model with a law of its own gets a method ``_judge_<model>`` (dots as underscores) that takes the
    record ids of some people, the default ruling and the :class:`People`, and returns rulings that share the ids out
    among them; glue add-ons add theirs.
    """

    _name = "gdpr.planner"
    _description = "Planner of an Erasure"

    @api.model
    def _plan(self, located):
        """Rule on every record located of one person; see :meth:`_plan_all`."""
        [rulings] = self._plan_all([located])
        return rulings

    @api.model
    def _plan_all(self, located):
        """Rule on every record located of some people, by few statements for all of them.

        :param located: list of :class:`Located`, one a person
        :return: list of tuples of :class:`Ruling` in the same order; each record of a model is in one ruling of a
            person, participations apart
        """
        self.env.flush_all()
        grounds = self.env["gdpr.ground"]._grounds(sorted({id_ for one in located for id_ in one.partner_ids}))
        people = People(located, grounds)
        rulings = [[] for _one in located]
        hits = defaultdict(list)
        for number, one in enumerate(located):
            for hit in one.hits:
                hits[hit.model].append((number, hit))
        for model in sorted(hits.keys() - {PERSON}):
            for number, ruling in self._rule_on_model(model, hits[model], people):
                rulings[number].append(ruling)
        for number, ruling in self._rule_on_partners(people, rulings):
            rulings[number].append(ruling)
        for number, ruling in self._rule_on_undecided_values(located, rulings):
            rulings[number].append(ruling)
        rulings = self._keep_what_is_held(people, rulings)
        return [
            tuple(sorted((r for r in some if r.ids), key=lambda r: (r.rule, r.until is None, str(r.until))))
            for some in rulings
        ]

    def _keep_what_is_held(self, people, rulings):
        """Nothing of a person on hold is touched, Art. 17(3)(e): a dispute needs more than names."""
        holds = defaultdict(list)
        for ground in people.grounds:
            if ground.code == "hold":
                holds[ground.partner_id].append(ground)
        result = []
        for located, some in zip(people.located, rulings, strict=True):
            of_person = [ground for id_ in located.partner_ids for ground in holds[id_]]
            if of_person:
                longest = next((g for g in of_person if g.until is None), None) or max(of_person, key=lambda g: g.until)
                kept = {"action": "keep", "reason": "hold", "law": longest.law, "until": longest.until, "fields": ()}
                some = [replace(r, **kept) if r.action != "keep" else r for r in some]
            result.append(some)
        return result

    def _rule_on_model(self, model, hits, people):
        """Yield (person, ruling) on the records of a model; ``hits`` are pairs (person, hit)."""
        declared = self.env["gdpr.data.map"]._declarations()
        best, cuts, texts, undecided = defaultdict(dict), [], [], []
        for number, hit in hits:
            row = declared.get((model, hit.field))
            if hit.bond == "text":
                texts.append((number, hit))
            elif row is None:
                undecided.append((number, hit))
            elif row.action == "cut" and hit.bond != "own":
                cuts.append((number, hit))
            else:
                # where nobody else takes part, the record is the person's own
                row = replace(row, action="delete") if row.action == "cut" else row
                of_person = best[number]
                for id_ in hit.ids:
                    if id_ not in of_person or STRENGTH[row.action] > STRENGTH[of_person[id_].action]:
                        of_person[id_] = row
        gone = defaultdict(set)
        for row, owners in self._by_declaration(best).items():
            for ruling in self._judge(model, tuple(sorted(owners)), self._default_ruling(row), people):
                for number, ids in self._by_person(ruling.ids, owners).items():
                    if ruling.action == "delete":
                        gone[number].update(ids)
                    yield number, self._with_ids(ruling, ids)
        for number, hit in cuts:
            ids = tuple(id_ for id_ in hit.ids if id_ not in gone[number])
            yield number, Ruling(model, hit.field, ids, "anonymise", "takes_part", fields=(hit.field,))
        for number, hit in texts:
            ids = tuple(id_ for id_ in hit.ids if id_ not in gone[number])
            action, reason = ("anonymise", "mention") if hit.sure else ("review", "mention_by_name")
            mention = Ruling(model, hit.field, (), action, reason, fields=(hit.field,))
            for ruling in self._judge_mentions(ids, mention):
                yield number, ruling
        for number, hit in undecided:
            ids = tuple(id_ for id_ in hit.ids if id_ not in gone[number])
            yield number, Ruling(model, hit.field, ids, "review", "undecided")

    @staticmethod
    def _by_declaration(best):
        """Declaration → record → people, from person → record → declaration."""
        grouped = defaultdict(lambda: defaultdict(list))
        for number, rows in best.items():
            for id_, row in rows.items():
                grouped[row][id_].append(number)
        return grouped

    @staticmethod
    def _by_person(ids, owners):
        """Person → their records among the ids."""
        grouped = defaultdict(list)
        for id_ in ids:
            for number in owners[id_]:
                grouped[number].append(id_)
        return grouped

    def _default_ruling(self, row):
        """The ruling a declaration asks for, without records."""
        if row.action == "keep":
            return Ruling(row.model, row.field, (), "keep", row.reason)
        if row.action == "redact":
            return Ruling(row.model, row.field, (), "anonymise", "redacted", fields=self._text_fields(row.model))
        if row.action == "anonymise":
            return Ruling(row.model, row.field, (), "anonymise", "no_ground", fields=self._personal_fields(row.model))
        return Ruling(row.model, row.field, (), "delete", "no_ground")

    @api.model
    @tools.ormcache("model")
    def _personal_fields(self, model):
        """Names of the fields that are cleared or replaced when a record of the model is anonymised."""
        return tuple(
            sorted(
                row.field
                for row in self.env["gdpr.data.map"]._declarations().values()
                if row.model == model
                and row.role in ("value", "text", "email", "phone")
                and row.action in (*CHANGING, "anonymise")
            )
        )

    @api.model
    @tools.ormcache("model")
    def _text_fields(self, model):
        """Names of the fields in which anybody may be mentioned."""
        declared = self.env["gdpr.data.map"]._declarations().values()
        return tuple(
            sorted(
                row.field for row in declared if row.model == model and row.role == "text" and row.action in CHANGING
            )
        )

    def _judge(self, model, ids, ruling, people):
        """Let the model's own law speak, else follow the declaration."""
        judge = getattr(self, f"_judge_{model.replace('.', '_')}", None)
        if judge is None:
            return [self._with_ids(ruling, ids)]
        return judge(ids, ruling, people)

    def _judge_mentions(self, ids, ruling):
        """Rule on mentions in somebody else's words; what a record is, may say more than the words.

        A short override point: the ruling, without ids, names model, field and what is done by default.
        """
        if (ruling.model, ruling.field) == ("ir.attachment", "index_content"):
            # nobody can take words out of a file: it goes or it stays, and a person says which
            return [self._with_ids(ruling, ids, action="review", reason="mention_in_file")]
        return [self._with_ids(ruling, ids)]

    @staticmethod
    def _with_ids(ruling, ids, **changes):
        values = {
            name: getattr(ruling, name) for name in ("model", "field", "action", "reason", "law", "until", "fields")
        }
        return Ruling(**{**values, "ids": tuple(ids), **changes})

    def _split(self, ids, model, domain):
        """The ids that meet the domain and those that do not, archived records included."""
        records = self.env[model].sudo().with_context(active_test=False).browse(ids)
        chosen = set(records.filtered_domain(domain).ids)
        return [i for i in ids if i in chosen], [i for i in ids if i not in chosen]

    def _rule_on_undecided_values(self, located, rulings):
        """Yield (person, ruling) on fields of records that stay and that nobody decided: what stands there would
        outlive the erasure unseen."""
        undecided = [row for row in self.env["gdpr.data.map"]._undecided().values() if not row.leads_to_records]
        gone = [{(r.model, id_) for r in some if r.action == "delete" for id_ in r.ids} for some in rulings]
        for row in undecided:
            staying = [
                [id_ for id_ in one.ids(row.model, "self", "own") if (row.model, id_) not in gone[number]]
                for number, one in enumerate(located)
            ]
            everybodys = sorted({id_ for ids in staying for id_ in ids})
            filled = set(self.env[row.model].sudo().browse(everybodys).filtered(row.field).ids)
            for number, ids in enumerate(staying):
                kept = tuple(id_ for id_ in ids if id_ in filled)
                yield number, Ruling(row.model, row.field, kept, "review", "undecided")

    # -- models with a law of their own --------------------------------------------------------------

    def _judge_sale_order(self, ids, ruling, people):
        """A quotation goes; a confirmed order is a business record: it stays and loses the person."""
        confirmed, open_ = self._split(ids, "sale.order", [("state", "not in", ("draft", "sent", "cancel"))])
        return [
            self._with_ids(ruling, open_, action="delete", fields=()),
            self._with_ids(
                ruling,
                confirmed,
                action="anonymise",
                reason="confirmed_order",
                fields=self._personal_fields("sale.order"),
            ),
        ]

    def _judge_payment_token(self, ids, ruling, people):
        """A saved payment method that payments point to stays as an empty row."""
        rows = self.env.execute_query(
            SQL("SELECT DISTINCT token_id FROM payment_transaction WHERE token_id = ANY(%s)", list(ids))
        )
        used = {id_ for (id_,) in rows}
        fields = self._personal_fields("payment.token")
        return [
            self._with_ids(ruling, [i for i in ids if i in used], action="anonymise", reason="shell", fields=fields),
            self._with_ids(ruling, [id_ for id_ in ids if id_ not in used]),
        ]

    def _judge_calendar_event(self, ids, ruling, people):
        """A meeting with others stays theirs: the person is taken out of it."""
        alone, shared = [], []
        for event in self.env["calendar.event"].sudo().with_context(active_test=False).browse(ids):
            holders = people.holders("calendar.event", event.id)
            others = event.partner_ids.filtered("partner_share").ids
            outsiders = set(others).difference(*(located.partner_ids for located in holders))
            (shared if outsiders or len(holders) > 1 else alone).append(event.id)
        return [
            self._with_ids(ruling, alone, action="delete", fields=()),
            self._with_ids(ruling, shared, action="anonymise", reason="takes_part", fields=("partner_ids",)),
        ]

    def _judge_event_registration(self, ids, ruling, people):
        """A ticket goes with who holds it; one that was only booked for somebody else loses the booker."""
        rows = self.env.execute_query(
            SQL(
                """SELECT r.id FROM event_registration r JOIN res_partner p ON p.id = r.partner_id
                    WHERE r.id = ANY(%s) AND coalesce(r.email, r.phone, r.name) IS NOT NULL
                      AND (lower(r.email) = lower(p.email)) IS NOT TRUE
                      AND (r.phone = p.phone) IS NOT TRUE AND (lower(r.name) = lower(p.name)) IS NOT TRUE""",
                list(ids),
            )
        )
        of_others = {id_ for (id_,) in rows}
        return [
            self._with_ids(ruling, [id_ for id_ in ids if id_ not in of_others]),
            self._with_ids(ruling, sorted(of_others), action="anonymise", reason="takes_part", fields=("partner_id",)),
        ]

    # -- the contact itself --------------------------------------------------------------------------

    def _rule_on_partners(self, people, rulings):
        """Yield (person, ruling): seal what an obliging ground names, keep an empty shell where rows stay linked,
        else delete.
        """
        held = defaultdict(list)
        for ground in people.grounds:
            if ground.kind == "obliging":
                held[ground.partner_id].append(ground)
        linked = self._still_linked(people, rulings)
        waiting = self._waiting_for_tax_period(sorted(held))
        sealed = self._sealed_already(sorted(held))
        everything = self._personal_fields(PERSON)
        for number, located in enumerate(people.located):
            result = []
            for id_ in located.partner_ids:
                if id_ in held:
                    result += self._rule_on_held(id_, held[id_], everything, id_ in waiting, id_ in sealed)
                elif id_ in linked:
                    result.append(Ruling(PERSON, "id", (id_,), "anonymise", "shell", fields=everything))
                else:
                    result.append(Ruling(PERSON, "id", (id_,), "delete", "no_ground"))
            for ruling in self._join(result):
                yield number, ruling
            for id_, names in self.env["gdpr.trace"]._copied_fields(located).items():
                yield number, Ruling(PERSON, "parent_id", (id_,), "anonymise", "copied", fields=names)

    def _rule_on_held(self, partner_id, grounds, everything, waits, sealed):
        """Two rulings on a contact that a law protects: what it needs, and the rest."""
        unknown = next((g for g in grounds if g.until is None), None)
        latest = unknown or max(grounds, key=lambda g: g.until)
        needed = frozenset().union(*(ground.scope for ground in grounds))
        named = tuple(sorted(needed.intersection(everything)))
        rest = tuple(name for name in everything if name not in needed)
        action, reason = ("keep", "tax_period_open") if waits else ("keep" if sealed else "seal", "statute")
        kept = Ruling(PERSON, "id", (partner_id,), action, reason, latest.law, latest.until, named)
        return [kept, Ruling(PERSON, "id", (partner_id,), "anonymise", "beyond_statute", fields=rest)]

    def _sealed_already(self, partner_ids):
        """Contacts that an earlier erasure sealed and that a law still needs: a set of ids."""
        rows = self.env["gdpr.vault"].search(
            [("model_name", "=", PERSON), ("res_id", "in", partner_ids), ("kind", "=", "block")]
        )
        return set(rows.mapped("res_id"))

    def _waiting_for_tax_period(self, partner_ids):
        """Contacts with a tax number that tax statements still read live, so that sealing must wait: a set of ids."""
        return frozenset()

    def _still_linked(self, people, rulings):
        """Contacts that a record which stays points to, and contacts with a login."""
        partner_ids = [id_ for located in people.located for id_ in located.partner_ids]
        rows = self.env.execute_query(SQL("SELECT partner_id FROM res_users WHERE partner_id = ANY(%s)", partner_ids))
        linked = {partner_id for (partner_id,) in rows}
        declared = self.env["gdpr.data.map"]._declarations()
        staying = defaultdict(list)
        for number, located in enumerate(people.located):
            gone = {(r.model, id_) for r in rulings[number] if r.action == "delete" for id_ in r.ids}
            cut = {
                (r.model, name, id_)
                for r in rulings[number]
                if r.reason == "takes_part"
                for name in r.fields
                for id_ in r.ids
            }
            for hit in located.hits:
                field = self.env[hit.model]._fields[hit.field]
                row = declared.get((hit.model, hit.field))
                if field.comodel_name == PERSON and field.type == "many2one" and not (row and row.action == "cut"):
                    staying[hit.model, hit.field] += [
                        id_
                        for id_ in hit.ids
                        if (hit.model, id_) not in gone and (hit.model, hit.field, id_) not in cut
                    ]
        for (model, name), ids in staying.items():
            table, column = SQL.identifier(self.env[model]._table), SQL.identifier(name)
            rows = self.env.execute_query(SQL("SELECT DISTINCT %s FROM %s WHERE id = ANY(%s)", column, table, ids))
            linked.update(partner_id for (partner_id,) in rows)
        return linked.intersection(partner_ids)

    @staticmethod
    def _join(rulings):
        """Put equal rulings on several contacts into one."""
        joined = {}
        for r in rulings:
            key = (r.rule, r.law, r.until, r.fields)
            joined[key] = Ruling(
                r.model,
                r.field,
                tuple(joined[key].ids if key in joined else ()) + tuple(r.ids),
                r.action,
                r.reason,
                r.law,
                r.until,
                r.fields,
            )
        return list(joined.values())
