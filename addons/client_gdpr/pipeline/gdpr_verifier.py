from odoo import api, models

from ..tools import redact
from ..tools.plan import Leftover

TEXT_TYPES = frozenset({"char", "text", "html", "json", "properties", "selection", "reference"})
#: The request's own file: it names rows by number, and its encrypted parts are no text.
OWN_MODELS = ("gdpr.", "consent.")


class GdprVerifier(models.AbstractModel):
    """Looks again from the outside, in every text column of every table, for the person's old identifiers.

    It does not ask the executor what it did. It knows only what the plan declared to be kept.
    """

    _name = "gdpr.verifier"
    _description = "Verifier of an Erasure"

    @api.model
    def _leftovers(self, cases):
        """Places in which old identifiers still stand without a ground.

        Identifiers that name a person alone are looked for everywhere; names, which strangers may
        share, in the rows that were the person's and in the free text nobody decided to leave.

        :param cases: list of :class:`Case` that were executed
        :return: list of tuples of :class:`Leftover` in the same order
        """
        self.env.flush_all()
        return [self._leftovers_of(case) for case in cases]

    def _leftovers_of(self, case):
        identity = case.identity
        sure, any_ = redact.pattern(identity.sure), redact.pattern(identity.all)
        if any_ is None:
            return ()
        kept = self._kept(case)
        result = []
        for model, names in sorted(self._text_columns().items()):
            ours = set(case.located.ids(model)) - kept.get(model, set())
            words = self._word_fields(model)
            found = {}
            for id_, texts in self.env["gdpr.data.path"]._read_mentions(model, names, identity.all):
                if id_ in kept.get(model, ()):
                    continue
                for name, text in texts.items():
                    strict = any_ if id_ in ours or name in words else sure
                    if strict is not None and strict.search(text):
                        found.setdefault(name, []).append(id_)
            result += [Leftover(model, name, tuple(sorted(ids))) for name, ids in sorted(found.items())]
        return tuple(result)

    @api.model
    def _looked_at(self):
        """How many columns of how many tables a verification reads, for the certificate."""
        columns = self._text_columns()
        return {"tables": len(columns), "columns": sum(map(len, columns.values()))}

    def _kept(self, case):
        """Rows in which the plan says the identity stays: model → ids."""
        kept = {}
        for ruling in (*case.earlier, *case.rulings):
            left = ruling.action == "review" and case.decisions.get(ruling.rule) == "leave"
            if ruling.action == "keep" or left:
                kept.setdefault(ruling.model, set()).update(ruling.ids)
        return kept

    def _word_fields(self, model):
        """Columns of free text in which anybody may be mentioned."""
        declared = self.env["gdpr.data.map"]._declarations()
        return {row.field for row in declared.values() if row.model == model and row.role == "text"}

    def _text_columns(self):
        """Every stored column that can hold words: model → field names."""
        result = {}
        for name, model in self.env.registry.items():
            if model._abstract or model._transient or not model._auto or name.startswith(OWN_MODELS):
                continue
            fields_ = [
                field.name
                for field in model._fields.values()
                if field.store and field.column_type and field.type in TEXT_TYPES and not self._is_code(field)
            ]
            if fields_:
                result[name] = sorted(fields_)
        return result

    @staticmethod
    def _is_code(field):
        """Whether a selection offers fixed codes only, which cannot name a person."""
        return field.type == "selection"
