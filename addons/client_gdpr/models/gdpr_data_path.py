import json
from contextlib import contextmanager

from odoo import api, models, tools
from odoo.sql_db import db_connect
from odoo.tools import SQL, sql
from psycopg2.extensions import ISOLATION_LEVEL_AUTOCOMMIT

from .gdpr_data_map import PERSON

#: The first address in a column that may also hold a name, as ``Jana <jana@post.example>`` does.
ADDRESS_PATTERN = r'[^][\s<>,;:()"]+@[^][\s<>,;:()"]+'
#: Above this an index is built by the cron, beside readers and writers.
MANY_ROWS = 1_000_000
#: Contact columns by which somebody else is recognised who shares an address or a number.
SHARED = ("email_normalized", "phone_sanitized", "phone")
#: Always over the indexes: what statistics say of a column with few different
#: values, or of one that was never analysed, is no reason to read a table from end to end. The same is why each
#: statement looks rows up for one entry after the other: a LATERAL subquery that OFFSET 0 keeps whole.
PLANNING = {"enable_seqscan": "off", "jit": "off"}
#: Two arrays of equal length: the records from which to look.
OWN = SQL("own (model, id, n) AS MATERIALIZED (SELECT * FROM unnest($1::text[], $2::int[]) WITH ORDINALITY)")
#: One array: the values to look for.
VALUES = SQL("given (value, n) AS MATERIALIZED (SELECT * FROM unnest($1::text[]) WITH ORDINALITY)")


class GdprDataPath(models.AbstractModel):
    """How data is reached from a person: the paths of the data map as SQL, and the indexes they need.

    Each statement asks all paths at once; it is prepared (``consent.statement``), for planning a hundred branches
    costs many times what executing them does.
    """

    _name = "gdpr.data.path"
    _description = "Paths from a Person to Data"

    # -- what leads somewhere ------------------------------------------------------------------------

    @api.model
    @tools.ormcache()
    def _ways(self):
        """Declarations that lead to records, and discovered fields nobody decided, as a tuple."""
        data_map = self.env["gdpr.data.map"]
        declared = [row for row in data_map._declarations().values() if row.leads_to_records]
        return tuple(row for row in [*declared, *data_map._undecided().values()] if self._has_table(row.model))

    def _has_table(self, name):
        model = self.env[name]
        return model._auto and not model._abstract and not model._transient

    def _model_column(self, field):
        """Name of the stored column that says which model an id column points to."""
        model_fields = self.env[field.model_name]._fields
        names = [getattr(field, "model_field", None), "res_model", "model"]
        return next((n for n in names if n and n in model_fields and model_fields[n].store), None)

    def _owner_columns(self, model):
        """Links that say whose record it is, so that an address alone does not."""
        return [
            row.field
            for row in self._ways()
            if row.model == model and row.role == "link" and row.bond == "own" and self._is_person_link(row)
        ]

    def _is_person_link(self, row):
        field = self.env[row.model]._fields[row.field]
        return field.comodel_name == PERSON and field.type == "many2one"

    # -- statements ----------------------------------------------------------------------------------

    @contextmanager
    def _indexes_only(self):
        """Plan what is asked within as :data:`PLANNING` says; without it answers are the same, and may come late."""
        self._plan_with(PLANNING)
        yield
        # after an error the transaction, or its savepoint, is rolled back and these settings with it
        self._plan_with(dict.fromkeys(PLANNING, "DEFAULT"))

    def _plan_with(self, values):
        settings = (SQL("SET LOCAL %s = %s", SQL(name), SQL(value)) for name, value in values.items())
        self.env.cr.execute(SQL("; ").join(settings))

    @api.model
    def _ask(self, kind, *arrays):
        """Run one of the statements below.

        :param kind: ``contact_links`` (contact ids) and ``record_links`` (models, ids) → (way, n, id); ``identity``
            (models, ids) → (kind, n, value); ``sharing`` (values) → (n, contact id); ``addresses`` (values) →
            (way, n, id). ``way`` counts :meth:`_ways`, ``n`` the entries given, from 1.
        """
        return self.env["consent.statement"]._ask(self._name, f"_{kind}_sql", *arrays)

    def _contact_links_sql(self):
        """From contacts to everything that points to them."""
        own = SQL("own (id, n) AS MATERIALIZED (SELECT * FROM unnest($1::int[]) WITH ORDINALITY)")
        return SQL("WITH %s %s", own, self._all_links_sql(lambda name: name == PERSON, SQL("%s", PERSON)))

    def _record_links_sql(self):
        """From records of other models to everything that points to them."""
        return SQL("WITH %s %s", OWN, self._all_links_sql(lambda name: name != PERSON, SQL("own.model")))

    def _all_links_sql(self, wanted, model):
        """The links to wanted models, as a union; ``model`` is SQL of the model looked from."""
        parts = [self._link_sql(n, row, wanted, model) for n, row in enumerate(self._ways()) if row.role == "link"]
        return SQL(" UNION ALL ").join(part for part in parts if part)

    def _link_sql(self, number, row, wanted, model):
        field = self.env[row.model]._fields[row.field]
        table, column = SQL.identifier(self.env[row.model]._table), SQL.identifier("t", row.field)
        found = SQL.identifier("t", "id")
        if field.type in ("many2one", "many2many") and not wanted(field.comodel_name):
            return None
        if field.type == "many2many":
            table, found = SQL.identifier(field.relation), SQL.identifier("t", field.column1)
            condition = SQL("%s = own.id AND %s = %s", SQL.identifier("t", field.column2), model, field.comodel_name)
        elif field.type == "many2one":
            condition = SQL("%s = own.id AND %s = %s", column, model, field.comodel_name)
        elif field.type == "reference":
            condition = SQL("%s = %s || ',' || own.id", column, model)
        elif model_column := self._model_column(field):
            condition = SQL("%s = %s AND %s = own.id", SQL.identifier("t", model_column), model, column)
        else:
            return None
        return SQL(
            "SELECT %s, own.n, f.id FROM own, LATERAL (SELECT %s AS id FROM %s t WHERE %s OFFSET 0) f",
            number,
            found,
            table,
            condition,
        )

    def _identity_sql(self):
        """From a person's own records to the names, addresses, numbers and codes that stand in them."""
        parts = [
            SQL(
                "SELECT %(kind)s, own.n, %(column)s FROM own JOIN %(table)s t ON t.id = own.id"
                " WHERE own.model = %(model)s AND %(column)s IS NOT NULL",
                kind=kind,
                column=SQL.identifier("t", name),
                table=SQL.identifier(self.env[model]._table),
                model=model,
            )
            for model, kinds in self._get_identity_sources().items()
            if model in self.env
            for kind, names in kinds.items()
            for name in names
        ]
        return SQL("WITH %s %s", OWN, SQL(" UNION ALL ").join([*parts, self._earlier_values_sql()]))

    def _get_identity_sources(self):
        """Columns that tell who a record is about: model → kind → fields."""
        return {
            PERSON: {
                "emails": ["email", "email_normalized"],
                "phones": ["phone", "phone_sanitized"],
                "codes": ["vat"],
                "names": ["name"],
            },
            "res.users": {"emails": ["login"]},
            "res.partner.bank": {"codes": ["acc_number"], "names": ["acc_holder_name"]},
            "crm.lead": {"emails": ["email_from"], "phones": ["phone"], "names": ["contact_name"]},
            "mailing.contact": {"emails": ["email"], "names": ["name"]},
        }

    def _earlier_values_sql(self):
        """What the contact was called and how it was reached before, as the chatter remembers it."""
        return SQL(
            """SELECT k.kind, own.n, v.value
                 FROM own
                 JOIN mail_message m ON m.model = own.model AND m.res_id = own.id
                 JOIN mail_tracking_value t ON t.mail_message_id = m.id
                 JOIN ir_model_fields f ON f.id = t.field_id
                 JOIN (VALUES ('name', 'names'), ('email', 'emails'), ('phone', 'phones'), ('vat', 'codes'))
                      AS k (field, kind) ON k.field = f.name
           CROSS JOIN LATERAL (VALUES (t.old_value_char), (t.new_value_char)) AS v (value)
                WHERE own.model = %s AND v.value IS NOT NULL""",
            PERSON,
        )

    def _sharing_sql(self):
        """From addresses and numbers to all contacts that use them."""
        parts = [
            SQL(
                "SELECT given.n, f.id FROM given,"
                " LATERAL (SELECT t.id FROM res_partner t WHERE %s = given.value OFFSET 0) f",
                SQL.identifier("t", name),
            )
            for name in SHARED
        ]
        return SQL("WITH %s %s", VALUES, SQL(" UNION ALL ").join(parts))

    def _addresses_sql(self):
        """From e-mail addresses to records that hold them and belong to no contact."""
        parts = [
            SQL(
                "SELECT %s, given.n, f.id FROM given, LATERAL (SELECT t.id FROM %s t WHERE %s OFFSET 0) f",
                number,
                SQL.identifier(self.env[row.model]._table),
                SQL(" AND ").join([SQL("%s = given.value", self._address_sql(row, "t")), *self._unowned_sql(row, "t")]),
            )
            for number, row in enumerate(self._ways())
            if row.role == "email"
        ]
        return SQL("WITH %s %s", VALUES, SQL(" UNION ALL ").join(parts))

    def _address_sql(self, row, *alias):
        """The address in a column, in lower case."""
        column = SQL.identifier(*alias, row.field)
        if row.field.endswith("normalized"):
            return column
        return SQL("lower(substring(%s from '%s'))", column, SQL(ADDRESS_PATTERN))

    def _unowned_sql(self, row, *alias):
        return [SQL("%s IS NULL", SQL.identifier(*alias, name)) for name in self._owner_columns(row.model)]

    # -- words ---------------------------------------------------------------------------------------

    @api.model
    def _read_mentions(self, model, names, values):
        """Rows of a model in which one of the values stands anywhere in some columns, whatever its case.

        No index helps here: the table is read from end to end, once for all columns and values together. It is a
        coarse look, also for values with something between their words; callers look again, exactly.

        :return: iterator of (id, {column: its text}), empty columns left out
        """
        columns = [SQL.identifier(name) for name in names]
        rows = self.env.execute_query(
            SQL(
                "SELECT id, %(columns)s FROM %(table)s WHERE lower(concat_ws(chr(10), %(texts)s))"
                " LIKE ANY((SELECT array_agg(lower(p)) FROM unnest(%(patterns)s) p)::text[])",
                columns=SQL(", ").join(columns),
                table=SQL.identifier(self.env[model]._table),
                texts=SQL(", ").join(SQL("%s::text", column) for column in columns),
                patterns=[self._pattern(value) for value in values],
            )
        )
        for id_, *contents in rows:
            filled = {name: content for name, content in zip(names, contents, strict=True) if content is not None}
            yield (
                id_,
                {
                    name: content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
                    for name, content in filled.items()
                },
            )

    @staticmethod
    def _pattern(value):
        """A LIKE pattern for the words of a value with anything between them; % and _ are letters."""
        escaped = value.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
        return "%" + "%".join(escaped.split()) + "%"

    # -- indexes -------------------------------------------------------------------------------------

    @api.model
    def _missing_indexes(self):
        """Indexes that the statements need and the database lacks: name → (table, definition as SQL)."""
        known = self._existing_indexes()
        missing = {}
        for row in self._ways():
            field = self.env[row.model]._fields[row.field]
            table, column = self.env[row.model]._table, SQL.identifier(row.field)
            served = {sql.make_identifier(f"gdpr__{table}__{row.field}")}
            if row.role == "email":
                where = SQL(" AND ").join([SQL("%s IS NOT NULL", column), *self._unowned_sql(row)])
                definition = SQL("((%s)) WHERE %s", self._address_sql(row), where)
            elif field.type == "many2one":
                served |= {(table, row.field)}
                definition = SQL("(%s) WHERE %s IS NOT NULL", column, column)
            elif field.type in ("many2one_reference", "integer") and (other := self._model_column(field)):
                served |= {(table, row.field, other), (table, other, row.field)}
                definition = SQL("(%s, %s)", SQL.identifier(other), column)
            else:
                continue
            if not served & known:
                missing[sql.make_identifier(f"gdpr__{table}__{row.field}")] = (table, definition)
        for field in SHARED:
            name, column = f"gdpr__res_partner__{field}", SQL.identifier(field)
            if not {name, ("res_partner", field)} & known:
                missing[name] = ("res_partner", SQL("(%s) WHERE %s IS NOT NULL", column, column))
        return missing

    def _existing_indexes(self):
        """Names of valid indexes, and of those without a narrower condition their (table, column[, column]) too."""
        rows = self.env.execute_query(
            SQL(
                """SELECT c.relname, t.relname, a.attname, b.attname,
                          am.amname = 'btree' AND (i.indpred IS NULL
                              OR pg_get_expr(i.indpred, i.indrelid) = '(' || quote_ident(a.attname) || ' IS NOT NULL)')
                     FROM pg_index i
                     JOIN pg_class c ON c.oid = i.indexrelid
                     JOIN pg_am am ON am.oid = c.relam
                     JOIN pg_class t ON t.oid = i.indrelid
                     JOIN pg_namespace s ON s.oid = t.relnamespace AND s.nspname = current_schema
                LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = i.indkey[0]
                LEFT JOIN pg_attribute b ON b.attrelid = t.oid AND b.attnum = i.indkey[1]
                    WHERE i.indisvalid"""
            )
        )
        known = set()
        for name, table, first, second, whole in rows:
            known.add(name)
            if whole and first:
                known.add((table, first))
                if second:
                    known.add((table, first, second))
        return known

    @api.model
    def _build_indexes(self):
        """Build what is missing on tables of less than a million rows, in this transaction; return the names left."""
        left = []
        for name, (table, definition) in self._missing_indexes().items():
            [[rows]] = self.env.execute_query(SQL("SELECT reltuples FROM pg_class WHERE oid = %s::regclass", table))
            if rows >= MANY_ROWS:
                left.append(name)
            else:
                self.env.cr.execute(self._create_index_sql(name, table, definition))
        return left

    @staticmethod
    def _create_index_sql(name, table, definition, concurrently=False):
        return SQL(
            "CREATE INDEX %s %s ON %s %s",
            SQL("CONCURRENTLY" if concurrently else ""),
            SQL.identifier(name),
            SQL.identifier(table),
            definition,
        )

    @api.model
    def _cron_build_indexes(self):
        """Build the indexes that large tables, new modules and new fields need, while everybody goes on working.

        On a connection of its own: inside a transaction PostgreSQL refuses to build an index beside readers and
        writers, and this transaction's own snapshot would make the build wait for ever.
        """
        missing = self._missing_indexes()
        self.env["ir.cron"]._commit_progress(remaining=len(missing))
        if not missing:
            return
        with db_connect(self.env.cr.dbname).cursor() as cr:
            cr.connection.set_isolation_level(ISOLATION_LEVEL_AUTOCOMMIT)
            for name, (table, definition) in missing.items():
                # left over, and not valid, where an earlier run was killed
                cr.execute(SQL("DROP INDEX IF EXISTS %s", SQL.identifier(name)))
                cr.execute(self._create_index_sql(name, table, definition, concurrently=True))

    @api.model
    def _drop_indexes(self):
        """Drop all of them, for the uninstallation."""
        rows = self.env.execute_query(
            SQL(
                "SELECT indexname FROM pg_indexes WHERE schemaname = current_schema AND indexname LIKE %s", r"gdpr\_\_%"
            )
        )
        for (name,) in rows:
            self.env.cr.execute(SQL("DROP INDEX IF EXISTS %s", SQL.identifier(name)))
