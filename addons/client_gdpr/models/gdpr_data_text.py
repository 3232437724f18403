from odoo import api, models
from odoo.tools import SQL

from ..tools.excerpts import excerpts
from ..tools.mentions import plain

#: Up to so many identifiers the database sorts out the rows itself; more are looked for here, all in one look.
FEW = 40
#: Rows fetched, and rows looked at exactly, at a time: this bounds the memory.
ROWS = 2000
#: Bytes of tables that are read within seconds.
MUCH = 500_000_000
#: Bytes of a text that is taken into memory as it is.
LONG = 100_000
#: Bytes of a long text taken into memory at a time, and how far two such pieces overlap: longer than any identifier.
PIECE, OVERLAP = 1_000_000, 4000
#: PostgreSQL compares transactions over half of their numbers, two thousand millions.
MOST_TRANSACTIONS = 10**9


class GdprDataText(models.AbstractModel):
    """How words are searched: every table from end to end, once for all columns and all people together.

    No index helps: an identifier may stand anywhere in a text.
    """

    _name = "gdpr.data.text"
    _description = "Search for Identifiers in Texts"

    @api.model
    def _is_much(self, columns):
        """Whether reading these columns takes longer than somebody waits before the screen."""
        [[size]] = self.env.execute_query(
            SQL(
                "SELECT coalesce(sum(pg_table_size(to_regclass(quote_ident(name)))), 0) FROM unnest(%s::text[]) name",
                [self.env[model]._table for model in columns],
            )
        )
        return size > MUCH

    @api.model
    def _moment(self):
        """The present, by which later what was written since is told: which database in which life, and a transaction.

        What this transaction does not see, because it was not committed yet, counts as written later.
        """
        tombstones = self.env["gdpr.tombstone"].sudo()
        [(incarnation, number)] = self.env.execute_query(
            SQL("SELECT (%s), pg_snapshot_xmin(pg_current_snapshot())::text", tombstones._incarnation_sql())
        )
        return {"incarnation": tombstones._incarnation_name(incarnation), "transaction": number}

    @staticmethod
    def _is_comparable(earlier, now):
        """Whether the numbers of transactions tell what came first: not after a restore, nor after very many."""
        passed = int(now["transaction"]) - int(earlier["transaction"])
        return earlier["incarnation"] == now["incarnation"] and 0 <= passed < MOST_TRANSACTIONS

    @staticmethod
    def _earlier(one, other):
        """The earlier of two comparable moments, of which one may be nothing."""
        return min(filter(None, (one, other)), key=lambda moment: int(moment["transaction"]))

    @api.model
    def _look(self, columns, haystack, since=None, also=None):
        """Find rows in which identifiers may stand; callers look again, exactly.

        :param columns: model → names of stored columns
        :param haystack: a :class:`Haystack`
        :param since: look only into rows written since that moment, and those of ``also``: model → ids
        :return: iterator of (model, id, {column: its text}, needles), empty columns left out
        """
        if not haystack:
            return
        self.env.flush_all()
        for model, names in sorted(self._filled(columns).items()):
            found = {}
            for id_, text in self._texts(model, names, haystack, self._since_sql(model, since, also)):
                if text is None:
                    needles = self._candidates_in_pieces(model, names, id_, haystack)
                else:
                    needles = haystack.candidates(text)
                if needles:
                    found[id_] = needles
                if len(found) == ROWS:
                    yield from self._read(model, names, found, haystack)
                    found = {}
            yield from self._read(model, names, found, haystack)

    def _since_sql(self, model, since, also):
        """The condition of a row that was written since, or that is to be looked at in any case."""
        if since is None:
            return SQL("true")
        number = str(int(since["transaction"]) % 2**32)
        return SQL("(age(xmin) <= age(%s::xid) OR id = ANY(%s))", number, sorted(also.get(model, ())))

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

    def _texts(self, model, names, haystack, condition):
        """Yield (id, all texts of a row in one, or nothing in place of a long one).

        For few identifiers these are rows only that the database chose.
        """
        texts = SQL("concat_ws(chr(10), %s)", SQL(", ").join(self._text_sql(model, name) for name in names))
        if len(haystack.values) <= FEW:
            # COLLATE: only ASCII becomes lower case, at a fraction of the cost; the patterns leave other letters open
            condition = SQL(
                '%(condition)s AND (lower((%(texts)s) COLLATE "C") LIKE ANY(%(patterns)s) %(numbers)s)',
                texts=texts,
                condition=condition,
                patterns=haystack.patterns(),
                numbers=SQL('OR (%s) COLLATE "C" ~ %s', texts, haystack.numbers()) if haystack.numbers() else SQL(),
            )
        query = SQL(
            "SELECT id, CASE WHEN octet_length(%(texts)s) <= %(long)s THEN %(texts)s END"
            " FROM %(table)s WHERE %(condition)s",
            texts=texts,
            long=LONG,
            table=SQL.identifier(self.env[model]._table),
            condition=condition,
        )
        self.env.cr.execute(SQL("DECLARE gdpr_words NO SCROLL CURSOR FOR %s", query))
        while rows := self.env.execute_query(SQL("FETCH %s FROM gdpr_words", ROWS)):
            yield from rows
        self.env.cr.execute("CLOSE gdpr_words")

    def _text_sql(self, model, name):
        """A column as text. In JSON a line break is written as two signs, of which the second is a letter."""
        column = SQL.identifier(name)
        if self.env[model]._fields[name].column_type[0] == "jsonb":
            return SQL("replace(replace(replace(%s::text, %s, ' '), %s, ' '), %s, ' ')", column, r"\n", r"\r", r"\t")
        return column

    def _read(self, model, names, found, haystack):
        """Yield what :meth:`_look` does for the ids found; of long texts what is around the identifiers."""
        if not found:
            return
        long = SQL(", ").join(SQL("octet_length(%s) > %s", self._text_sql(model, name), LONG) for name in names)
        short = SQL(", ").join(
            SQL("CASE WHEN octet_length(%s) <= %s THEN %s END", self._text_sql(model, name), LONG, SQL.identifier(name))
            for name in names
        )
        rows = self.env.execute_query(
            SQL(
                "SELECT id, %s, %s FROM %s WHERE id = ANY(%s)",
                long,
                short,
                SQL.identifier(self.env[model]._table),
                list(found),
            )
        )
        for id_, *contents in rows:
            texts = {}
            for name, is_long, content in zip(names, contents[: len(names)], contents[len(names) :], strict=True):
                if is_long:
                    texts[name] = self._around(model, name, id_, found[id_], haystack)
                elif content is not None:
                    texts[name] = plain(content)
            yield model, id_, texts, found[id_]

    # -- long texts ----------------------------------------------------------------------------------

    def _pieces(self, model, name, id_):
        """Yield a text in pieces that overlap, so that no text is in memory here as a whole."""
        # MATERIALIZED and bytes: a compressed text is unpacked once, and a piece is cut without counting characters
        query = SQL(
            "WITH t AS MATERIALIZED (SELECT convert_to(%s, 'UTF8') AS text FROM %s WHERE id = %s)"
            " SELECT substring(text FROM start FOR %s) FROM t, generate_series(1, octet_length(text), %s) start",
            self._text_sql(model, name),
            SQL.identifier(self.env[model]._table),
            id_,
            PIECE,
            PIECE - OVERLAP,
        )
        self.env.cr.execute(SQL("DECLARE gdpr_pieces NO SCROLL CURSOR FOR %s", query))
        try:
            while rows := self.env.execute_query(SQL("FETCH 1 FROM gdpr_pieces")):
                # a letter cut in two stands whole in the piece before or after
                yield bytes(rows[0][0]).decode(errors="ignore")
        finally:
            self.env.cr.execute("CLOSE gdpr_pieces")

    def _candidates_in_pieces(self, model, names, id_, haystack):
        """The identifiers whose words stand in a long text."""
        found = {
            needle.value: needle
            for name in names
            for piece in self._pieces(model, name, id_)
            for needle in haystack.candidates(piece)
        }
        return list(found.values())

    def _around(self, model, name, id_, needles, haystack):
        """Of a long text what is around its identifiers, a line each."""
        return "\n".join(
            around
            for piece in self._pieces(model, name, id_)
            for needle in needles
            if (around := haystack.around(needle, piece))
        )

    @api.model
    def _excerpts(self, model, name, ids, identifiers, most):
        """Yield (id, list of :class:`Excerpt`) for records in whose column the identifiers stand."""
        for id_ in ids:
            found = []
            for piece in self._pieces(model, name, id_):
                found += excerpts(piece, identifiers, most - len(found))
                if len(found) >= most:
                    break
            yield id_, found
