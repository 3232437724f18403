import hashlib
import logging
import threading

import psycopg2
from odoo import api, models
from odoo.sql_db import connection_info_for
from odoo.tools import SQL, sql

from .gdpr_data_path import ADDRESSED, MANY_ROWS, SHARED

_logger = logging.getLogger(__name__)

#: Bytes that a row takes at least in a table nobody counted yet.
SHORT_ROW = 100
#: Two builders at once would only wait for each other: the number of the lock that one holds.
BUILDER_LOCK = 0x67647072


class GdprDataPath(models.AbstractModel):
    """The indexes that the paths need and Odoo lacks.

    Small tables get theirs at the installation. For large ones, and for what modules and fields add later, a cron
    builds them beside readers and writers; until then everything is found all the same, only slower.
    """

    _inherit = "gdpr.data.path"

    # -- which ---------------------------------------------------------------------------------------

    @api.model
    def _missing_indexes(self):
        """Indexes that the statements need and the database lacks: name → (table, definition as SQL)."""
        valid = {name for name, is_valid in self._own_indexes().items() if is_valid}
        return {name: wanted for name, wanted in self._wanted_indexes().items() if name not in valid}

    def _wanted_indexes(self):
        """Indexes of our own: name → (table, definition as SQL). The name tells one definition from the next."""
        served, wanted = self._served_columns(), {}

        def want(table, field, definition):
            digest = hashlib.sha256(repr((definition.code, definition.params)).encode()).hexdigest()
            wanted[sql.make_identifier(f"gdpr__{digest[:8]}__{table}__{field}")] = (table, definition)

        for row in self._ways():
            field = self.env[row.model]._fields[row.field]
            table, column = self.env[row.model]._table, SQL.identifier(row.field)
            if row.role in ADDRESSED:
                where = SQL(" AND ").join([SQL("%s IS NOT NULL", column), *self._unowned_sql(row.model)])
                want(table, row.field, SQL("((%s)) WHERE %s", self._address_sql(row), where))
            elif field.type in ("many2one", "reference") and (table, row.field) not in served:
                want(table, row.field, SQL("(%s) WHERE %s IS NOT NULL", column, column))
            elif (
                field.type in ("many2one_reference", "integer")
                and (other := self._model_column(field))
                and not {(table, row.field, other), (table, other, row.field)} & served
            ):
                want(table, row.field, SQL("(%s, %s)", SQL.identifier(other), column))
        for place in self._candidate_places():
            # of a plain column Odoo's own index does
            if place.kind in ("email", "phone", "name") or (place.table, place.field) not in served:
                where = SQL(" AND ").join(place.where)
                want(place.table, place.field, SQL("((%s)) WHERE %s", place.key, where))
        for field in SHARED:
            where = SQL("%s IS NOT NULL", SQL.identifier(field))
            want("res_partner", field, SQL("((%s)) WHERE %s", self._shared_sql(field), where))
        return wanted

    def _own_indexes(self):
        """Our indexes that are there: name → whether the building came to its end."""
        return dict(
            self.env.execute_query(
                SQL(
                    """SELECT c.relname, i.indisvalid
                         FROM pg_index i
                         JOIN pg_class c ON c.oid = i.indexrelid
                        WHERE c.relnamespace = current_schema()::regnamespace AND c.relname LIKE %s""",
                    r"gdpr\_\_%",
                )
            )
        )

    def _served_columns(self):
        """Columns that an index of others begins with: (table, column) and (table, column, column)."""
        rows = self.env.execute_query(
            SQL(
                """SELECT t.relname, a.attname, b.attname
                     FROM pg_index i
                     JOIN pg_class c ON c.oid = i.indexrelid AND c.relname NOT LIKE %s
                     JOIN pg_am am ON am.oid = c.relam AND am.amname = 'btree'
                     JOIN pg_class t ON t.oid = i.indrelid
                     JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = i.indkey[0]
                LEFT JOIN pg_attribute b ON b.attrelid = t.oid AND b.attnum = i.indkey[1]
                    WHERE i.indisvalid AND t.relnamespace = current_schema()::regnamespace
                      AND (i.indpred IS NULL
                           OR pg_get_expr(i.indpred, i.indrelid) = '(' || quote_ident(a.attname) || ' IS NOT NULL)')""",
                r"gdpr\_\_%",
            )
        )
        return {columns for table, *names in rows for columns in ((table, names[0]), (table, *names))}

    # -- building ------------------------------------------------------------------------------------

    @api.model
    def _build_indexes(self):
        """Build what is missing on tables of less than a million rows, in this transaction; return the names left."""
        left = []
        for name, (table, definition) in self._missing_indexes().items():
            if self._count_rows(table) >= MANY_ROWS:
                left.append(name)
            else:
                self.env.cr.execute(SQL("DROP INDEX IF EXISTS %s", SQL.identifier(name)))
                self.env.cr.execute(self._create_index_sql(name, table, definition))
        return left

    def _count_rows(self, table):
        """How many rows a table has, about; for one that was never counted as many as may be in it."""
        [[rows]] = self.env.execute_query(
            SQL(
                """SELECT CASE WHEN reltuples < 0 THEN pg_relation_size(oid) / %s ELSE reltuples END
                     FROM pg_class WHERE oid = %s::regclass""",
                SHORT_ROW,
                table,
            )
        )
        return rows

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

        Such a build waits for every transaction that began before it, that of the job's own lock included. So a job
        leaves the building to a thread, which goes on when the job is over; whoever calls this from a script waits.
        What a stopped server left half built is dropped and built anew by the next run.
        """
        missing, known = self._missing_indexes(), self._own_indexes()
        stale = [name for name, valid in known.items() if not valid or name not in self._wanted_indexes()]
        work = [
            *(SQL("DROP INDEX CONCURRENTLY IF EXISTS %s", SQL.identifier(name)) for name in stale),
            *(
                self._create_index_sql(name, table, definition, concurrently=True)
                for name, (table, definition) in missing.items()
            ),
        ]
        # outside a job this ends the caller's own transaction, for which the build would wait, too
        self.env["ir.cron"]._commit_progress()
        if not work:
            return
        builder = threading.Thread(
            target=self._build_beside_others,
            args=(self.env.cr.dbname, [(step.code, step.params) for step in work]),
            name="privacy indexes",
            daemon=True,
        )
        builder.start()
        if "cron_id" not in self.env.context:
            builder.join()

    @staticmethod
    def _build_beside_others(dbname, work):
        """Run statements that PostgreSQL refuses inside a transaction, on a connection that is nobody else's."""
        _name, parameters = connection_info_for(dbname)
        connection = psycopg2.connect(**parameters)
        try:
            connection.autocommit = True
            with connection.cursor() as cr:
                cr.execute("SELECT pg_try_advisory_lock(%s)", [BUILDER_LOCK])
                if cr.fetchone()[0]:
                    for code, values in work:
                        cr.execute(code, values or None)
        except psycopg2.Error as error:
            # the text of the error would quote a row
            _logger.error("An index for finding people was not built (%s); the next run tries again.", error.pgcode)
        finally:
            connection.close()

    @api.model
    def _drop_indexes(self):
        """Drop all of them, for the uninstallation."""
        for name in self._own_indexes():
            self.env.cr.execute(SQL("DROP INDEX IF EXISTS %s", SQL.identifier(name)))

    @api.model
    def _indexes_note(self):
        """A sentence for whoever waits longer than usual, or nothing."""
        if missing := self._missing_indexes():
            return self.env._(
                "%s index(es) for finding people are still being built: everything is found, but looking takes "
                "longer until then.",
                len(missing),
            )
        return ""
