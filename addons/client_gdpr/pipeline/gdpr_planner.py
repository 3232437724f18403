from collections import defaultdict

from odoo import api, models
from odoo.tools import SQL

from ..models.gdpr_data_map import PERSON
from ..tools.plan import Ruling

#: Of two links to the same record the stronger decides.
STRENGTH = {"delete": 3, "anonymise": 2, "keep": 1, "cut": 0}
CHANGING = ("clear", "replace")


class GdprPlanner(models.AbstractModel):
    """What is to happen to everything that was found, and why. Judges and never touches.

    A model with a law of its own gets a method ``_judge_<model>`` (dots as underscores) that takes the
    record ids and the default ruling and returns rulings; glue add-ons add theirs.
    """

    _name = "gdpr.planner"
    _description = "Planner of an Erasure"

    @api.model
    def _plan(self, located):
        """Rule on every record located.

        :return: tuple of :class:`Ruling`; each record of a model is in one ruling, participations apart
        """
        grounds = self.env["gdpr.ground"]._grounds(located.partner_ids)
        rulings = []
        for model in sorted({hit.model for hit in located.hits} - {PERSON}):
            rulings += self._rule_on_model(model, located, grounds)
        rulings += self._rule_on_partners(located, grounds, rulings)
        return tuple(sorted((r for r in rulings if r.ids), key=lambda r: (r.rule, r.until is None, str(r.until))))

    def _rule_on_model(self, model, located, grounds):
        declared = self.env["gdpr.data.map"]._declarations()
        best, cuts, texts, undecided = {}, [], [], []
        for hit in located.hits:
            if hit.model != model:
                continue
            row = declared.get((model, hit.field))
            if hit.bond == "text":
                texts.append(hit)
            elif row is None:
                undecided.append(hit)
            elif row.action == "cut":
                cuts.append(hit)
            else:
                for id_ in hit.ids:
                    if id_ not in best or STRENGTH[row.action] > STRENGTH[best[id_].action]:
                        best[id_] = row
        rulings = []
        grouped = defaultdict(list)
        for id_, row in best.items():
            grouped[row].append(id_)
        for row, ids in grouped.items():
            rulings += self._judge(model, tuple(sorted(ids)), self._default_ruling(row), grounds, located)
        gone = {id_ for ruling in rulings if ruling.action == "delete" for id_ in ruling.ids}
        for hit in cuts:
            ids = tuple(id_ for id_ in hit.ids if id_ not in gone)
            rulings.append(Ruling(model, hit.field, ids, "anonymise", "takes_part", fields=(hit.field,)))
        for hit in texts:
            ids = tuple(id_ for id_ in hit.ids if id_ not in gone)
            action, reason = ("anonymise", "mention") if hit.sure else ("review", "mention_by_name")
            rulings.append(Ruling(model, hit.field, ids, action, reason, fields=(hit.field,)))
        for hit in undecided:
            ids = tuple(id_ for id_ in hit.ids if id_ not in gone)
            rulings.append(Ruling(model, hit.field, ids, "review", "undecided"))
        return rulings

    def _default_ruling(self, row):
        """The ruling a declaration asks for, without records."""
        if row.action == "keep":
            return Ruling(row.model, row.field, (), "keep", row.reason)
        if row.action == "anonymise":
            return Ruling(row.model, row.field, (), "anonymise", "no_ground", fields=self._personal_fields(row.model))
        return Ruling(row.model, row.field, (), "delete", "no_ground")

    @api.model
    def _personal_fields(self, model):
        """Names of the fields that are cleared or replaced when a record of the model is anonymised."""
        return tuple(
            sorted(
                row.field
                for row in self.env["gdpr.data.map"]._declarations().values()
                if row.model == model
                and row.role in ("value", "text", "email")
                and row.action in (*CHANGING, "anonymise")
            )
        )

    def _judge(self, model, ids, ruling, grounds, located):
        """Let the model's own law speak, else follow the declaration."""
        judge = getattr(self, f"_judge_{model.replace('.', '_')}", None)
        if judge is None:
            return [self._with_ids(ruling, ids)]
        return judge(ids, ruling, grounds, located)

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

    # -- models with a law of their own --------------------------------------------------------------

    def _judge_sale_order(self, ids, ruling, grounds, located):
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

    def _judge_payment_token(self, ids, ruling, grounds, located):
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

    def _judge_calendar_event(self, ids, ruling, grounds, located):
        """A meeting with others stays theirs: the person is taken out of it."""
        alone, shared = [], []
        for event in self.env["calendar.event"].sudo().with_context(active_test=False).browse(ids):
            others = event.partner_ids.filtered(lambda partner: partner.id not in located.partner_ids)
            outsiders = others.filtered(lambda partner: partner.partner_share)
            (shared if outsiders else alone).append(event.id)
        return [
            self._with_ids(ruling, alone, action="delete", fields=()),
            self._with_ids(ruling, shared, action="anonymise", reason="takes_part", fields=("partner_ids",)),
        ]

    # -- the contact itself --------------------------------------------------------------------------

    def _rule_on_partners(self, located, grounds, rulings):
        """Seal what an obliging ground names, keep an empty shell where rows stay linked, else delete."""
        obliging = [ground for ground in grounds if ground.kind == "obliging"]
        held = {ground.partner_id for ground in obliging}
        linked = self._still_linked(located, rulings)
        result = []
        everything = self._personal_fields(PERSON)
        for partner in self.env[PERSON].sudo().with_context(active_test=False).browse(located.partner_ids):
            if partner.id in held:
                result += self._rule_on_held(partner, [g for g in obliging if g.partner_id == partner.id], everything)
            elif partner.id in linked:
                result.append(Ruling(PERSON, "id", partner.ids, "anonymise", "shell", fields=everything))
            else:
                result.append(Ruling(PERSON, "id", tuple(partner.ids), "delete", "no_ground"))
        return self._join(result)

    def _rule_on_held(self, partner, grounds, everything):
        """Two rulings on a contact that a law protects: what it needs, and the rest."""
        unknown = next((g for g in grounds if g.until is None), None)
        latest = unknown or max(grounds, key=lambda g: g.until)
        needed = frozenset().union(*(ground.scope for ground in grounds))
        named = tuple(sorted(needed.intersection(everything)))
        rest = tuple(name for name in everything if name not in needed)
        if partner.vat and self._waits_for_tax_period(partner):
            kept = Ruling(PERSON, "id", tuple(partner.ids), "keep", "tax_period_open", latest.law, latest.until, named)
        else:
            kept = Ruling(PERSON, "id", tuple(partner.ids), "seal", "statute", latest.law, latest.until, named)
        return [kept, Ruling(PERSON, "id", tuple(partner.ids), "anonymise", "beyond_statute", fields=rest)]

    def _waits_for_tax_period(self, partner):
        """Whether tax statements still read the live contact, so that sealing must wait."""
        return False

    def _still_linked(self, located, rulings):
        """Contacts that a record which stays points to, and contacts with a login."""
        users = self.env["res.users"].sudo().with_context(active_test=False)
        # by number: their own order, by name, would join every contact
        linked = set(users.search([("partner_id", "in", located.partner_ids)], order="id").partner_id.ids)
        declared = self.env["gdpr.data.map"]._declarations()
        gone = {(r.model, id_) for r in rulings if r.action == "delete" for id_ in r.ids}
        for hit in located.hits:
            field = self.env[hit.model]._fields[hit.field]
            row = declared.get((hit.model, hit.field))
            if field.comodel_name != PERSON or field.type != "many2one" or (row and row.action == "cut"):
                continue
            staying = [id_ for id_ in hit.ids if (hit.model, id_) not in gone]
            linked.update(self.env[hit.model].sudo().with_context(active_test=False).browse(staying)[hit.field].ids)
        return linked.intersection(located.partner_ids)

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
