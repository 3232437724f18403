from array import array
from collections import defaultdict

from odoo import api, models

from ..tools.discovery import content_of
from ..tools.mentions import Haystack
from ..tools.plan import Leftover

TEXT_TYPES = frozenset({"char", "text", "html", "json", "properties", "reference"})
_ID_BITS = 40
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

        :param cases: the :class:`Case` of each who was executed; many of them may come, so they are let go one by one
        :return: list of tuples of :class:`Leftover` in the same order
        """
        index = {model: number for number, model in enumerate(sorted(self._text_columns()))}
        identities, theirs, kept = [], [], []
        for case in cases:
            identities.append(case.identity)
            theirs.append(self._pack(index, ((hit.model, id_) for hit in case.located.hits for id_ in hit.ids)))
            kept.append(self._pack(index, self._kept(case)))
        haystack, people, words, found = Haystack(identities), len(identities), self._words(), defaultdict(set)
        del identities
        for model, id_, texts, needles in self.env["gdpr.data.text"]._look(self._text_columns(), haystack):
            place = index[model] << _ID_BITS | id_
            for needle in needles:
                for number, sure in needle.people:
                    if place in kept[number]:
                        continue
                    strict = sure or place in theirs[number]
                    for name, text in texts.items():
                        if (strict or name in words[model]) and haystack.stands_in(needle, text):
                            found[number, model, name].add(id_)
        result = [()] * people
        for (number, model, name), ids in sorted(found.items()):
            result[number] += (Leftover(model, name, tuple(sorted(ids))),)
        return result

    @staticmethod
    def _pack(index, places):
        """Places (model, id) as numbers side by side: of ten thousand people they take little room."""
        return array("q", sorted({index[model] << _ID_BITS | id_ for model, id_ in places if model in index}))

    @api.model
    def _looked_at(self):
        """How many columns of how many tables a verification reads, for the certificate."""
        columns = self._text_columns()
        return {"tables": len(columns), "columns": sum(map(len, columns.values()))}

    def _kept(self, case):
        """Rows in which the plan says the identity stays: a set of (model, id)."""
        return {
            (ruling.model, id_)
            for ruling in (*case.earlier, *case.rulings)
            if ruling.action == "keep" or (ruling.action == "review" and case.decisions.get(ruling.rule) == "leave")
            for id_ in ruling.ids
        }

    def _words(self):
        """Columns of free text in which anybody may be mentioned: model → field names."""
        words = defaultdict(set)
        for row in self.env["gdpr.data.map"]._declarations().values():
            if row.role == "text":
                words[row.model].add(row.field)
        return words

    def _text_columns(self):
        """Every stored column that can hold words: model → field names."""
        result = {}
        for name, model in self.env.registry.items():
            if model._abstract or model._transient or not model._auto or name.startswith(OWN_MODELS):
                continue
            fields_ = [
                field.name
                for field in model._fields.values()
                if field.store and field.column_type and self._may_hold_words(field)
            ]
            if fields_:
                result[name] = sorted(fields_)
        return result

    @staticmethod
    def _may_hold_words(field):
        """Whether a column can name a person: a selection has fixed codes, a type that nobody knows may hold words."""
        return field.type in TEXT_TYPES or (field.type != "binary" and content_of(field.type) == "content")
