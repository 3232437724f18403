from odoo import api, models
from odoo.tools import SQL

from ..tools.mentions import plain

#: Up to so many identifiers the database sorts out the rows itself; more are looked for here, all in one look.
FEW = 40
#: Rows fetched, and rows looked at exactly, at a time: this bounds the memory.
ROWS = 2000


class GdprDataText(models.AbstractModel):
    """How words are searched: every table from end to end, once for all columns and all people together.

    No index helps: an identifier may stand anywhere in a text.
    """

    _name = "gdpr.data.text"
    _description = "Search for Identifiers in Texts"

    @api.model
    def _look(self, columns, haystack):
        """Find rows in which identifiers may stand; callers look again, exactly.

        :param columns: model → names of stored columns
        :param haystack: a :class:`Haystack`
        :return: iterator of (model, id, {column: its text}, needles), empty columns left out
        """
        if not haystack:
            return
        self.env.flush_all()
        for model, names in sorted(self._filled(columns).items()):
            found = {}
            for id_, text in self._texts(model, names, haystack):
                if text and (needles := haystack.candidates(text)):
                    found[id_] = needles
                if len(found) == ROWS:
                    yield from self._read(model, names, found)
                    found = {}
            yield from self._read(model, names, found)

    def _filled(self, columns):
        """The models whose tables have a page at least: what has none holds nothing to be found."""
        rows = self.env.execute_query(
            SQL(
                "SELECT name FROM unnest(%s::text[]) name WHERE pg_relation_size(to_regclass(quote_ident(name))) > 0",
                [self.env[model]._table for model in columns],
            )
        )
        filled = {name for (name,) in rows}
        return {model: names for model, names in columns.items() if self.env[model]._table in filled}

    def _texts(self, model, names, haystack):
        """Yield (id, all texts of a row in one); for few identifiers of rows only that the database chose."""
        table = SQL.identifier(self.env[model]._table)
        texts = SQL("concat_ws(chr(10), %s)", SQL(", ").join(self._text_sql(model, name) for name in names))
        if len(haystack.values) <= FEW:
            # COLLATE: only ASCII becomes lower case, at a fraction of the cost; the patterns leave other letters open
            query = SQL(
                "SELECT id, %(texts)s FROM %(table)s"
                ' WHERE lower((%(texts)s) COLLATE "C") LIKE ANY(%(patterns)s) %(numbers)s',
                texts=texts,
                table=table,
                patterns=haystack.patterns(),
                numbers=SQL('OR (%s) COLLATE "C" ~ %s', texts, haystack.numbers()) if haystack.numbers() else SQL(),
            )
            yield from self.env.execute_query(query)
            return
        self.env.cr.execute(SQL("DECLARE gdpr_words NO SCROLL CURSOR FOR SELECT id, %s FROM %s", texts, table))
        while rows := self.env.execute_query(SQL("FETCH %s FROM gdpr_words", ROWS)):
            yield from rows
        self.env.cr.execute("CLOSE gdpr_words")

    def _text_sql(self, model, name):
        """A column as text. In JSON a line break is written as two signs, of which the second is a letter."""
        column = SQL.identifier(name)
        if self.env[model]._fields[name].column_type[0] == "jsonb":
            return SQL("replace(replace(replace(%s::text, %s, ' '), %s, ' '), %s, ' ')", column, r"\n", r"\r", r"\t")
        return column

    def _read(self, model, names, found):
        """Yield what :meth:`_look` does for the ids found."""
        if not found:
            return
        rows = self.env.execute_query(
            SQL(
                "SELECT id, %s FROM %s WHERE id = ANY(%s)",
                SQL(", ").join(map(SQL.identifier, names)),
                SQL.identifier(self.env[model]._table),
                list(found),
            )
        )
        for id_, *contents in rows:
            texts = {name: plain(content) for name, content in zip(names, contents, strict=True) if content is not None}
            yield model, id_, texts, found[id_]
