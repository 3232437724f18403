import hashlib
from contextlib import contextmanager
from dataclasses import dataclass

from odoo import api, models, tools
from odoo.tools import SQL, sql

from ..tools import discovery, identity
from .gdpr_data_map import PERSON

#: The first address in a column that may also hold a name, as ``Jana <jana@post.example>`` does.
ADDRESS_PATTERN = r'[^][\s<>,;:()"]+@[^][\s<>,;:()"]+'
#: Roles of columns by whose content records are found.
ADDRESSED = ("email", "phone")
#: Above this an index is built by the cron, beside readers and writers.
MANY_ROWS = 1_000_000
#: No address is longer (RFC 5321); a longer value is told from another by its beginning.
LONGEST_VALUE = 320
#: Contact columns by which somebody else is recognised who shares an address or a number.
SHARED = ("email_normalized", "phone_sanitized", "phone")
TRACKING = "mail_tracking_value"
#: Fields of a contact whose earlier values the chatter remembers: field → kind of identifier.
TRACKED = {"name": "earlier", "email": "emails", "phone": "phones", "vat": "codes"}
#: Always over the indexes: what statistics say of a column with few different
#: values, or of one that was never analysed, is no reason to read a table from end to end. The same is why each
#: statement looks rows up for one entry after the other: a LATERAL subquery that OFFSET 0 keeps whole.
#: Plans are generic: a statement asked thousands of times in one transaction is planned once.
PLANNING = {"enable_seqscan": "off", "jit": "off", "plan_cache_mode": "force_generic_plan"}
#: Two arrays of equal length: the records from which to look.
OWN = SQL("own (model, id, n) AS MATERIALIZED (SELECT * FROM unnest($1::text[], $2::int[]) WITH ORDINALITY)")
#: Two arrays: kinds of identifiers and the values to look for.
IDENTIFIERS = SQL(
    "given (kind, value, n) AS MATERIALIZED (SELECT * FROM unnest($1::text[], $2::text[]) WITH ORDINALITY)"
)
#: So many records share a value at most, as far as anybody wants to choose among them.
MOST_NAMESAKES = 200
#: One array: the values to look for.
VALUES = SQL("given (value, n) AS MATERIALIZED (SELECT * FROM unnest($1::text[]) WITH ORDINALITY)")


@dataclass(frozen=True)
class Place:
    """A column in which an identifier of a person is looked up.

    :ivar kind: ``email``, ``phone``, ``name``, ``tax``, ``account`` or ``login``
    :ivar key: the identifier in the one spelling in which it is looked up
    :ivar where: what else must hold, and the condition of the index
    :ivar found: the column that gives the record; without one it is the contact whose chatter tracked the value
    """

    model: str
    kind: str
    table: str
    field: str
    key: SQL
    where: tuple[SQL, ...]
    found: str | None


class GdprDataPath(models.AbstractModel):
    """How data is reached from a person: the paths of the data map as SQL.

    Each statement asks all paths at once. Planning a hundred branches costs many times what executing them does, and
    Odoo's connections forget what they planned between two requests: so a statement leaves out the tables that are
    empty, and within a transaction it is prepared once.
    """

    _name = "gdpr.data.path"
    _description = "Paths from a Person to Data"

    # -- what leads somewhere ------------------------------------------------------------------------

    @api.model
    @tools.ormcache()
    def _ways(self):
        """Declarations that lead to records, and discovered fields nobody decided, as a tuple."""
        data_map = self.env["gdpr.data.map"]
        rows = [*data_map._declarations().values(), *data_map._undecided().values()]
        return tuple(row for row in rows if row.leads_to_records and self._has_table(row.model))

    def _has_table(self, name):
        model = self.env[name]
        if model._abstract or model._transient:
            return False
        # some models make their table themselves, to have a column that no field shows
        return model._auto or sql.table_kind(self.env.cr, model._table) == sql.TableKind.Regular

    def _model_column(self, field):
        """Name of the stored column that says which model an id column points to, by name or by the model's own id."""
        model_fields = self.env[field.model_name]._fields
        names = [getattr(field, "model_field", None), *discovery.model_names(field.name)]
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
        """Plan what is asked within as :data:`PLANNING` says, and look again which tables are empty."""
        settings = SQL("; ").join(SQL("SET LOCAL %s = %s", SQL(name), SQL(value)) for name, value in PLANNING.items())
        [(prepared, empty)] = self.env.execute_query(SQL("%s; %s", settings, self._state_sql()))
        self.env.cr.cache[self._name] = set(prepared), frozenset(empty)
        yield
        # after an error the transaction, or its savepoint, is rolled back and these settings with it
        self.env.cr.cache.pop(self._name)
        self.env.cr.execute("; ".join(f"SET LOCAL {name} = DEFAULT" for name in PLANNING))

    def _state_sql(self):
        """The statements that this connection has prepared, and the tables without a single page.

        A page is there as soon as anybody inserts, before he commits: what has none holds nothing to be found.
        """
        return SQL(
            r"""SELECT ARRAY(SELECT name FROM pg_prepared_statements WHERE name LIKE 'gdpr\_path\_%%'),
                       ARRAY(SELECT table_id FROM unnest(%s::oid[]) table_id WHERE pg_relation_size(table_id) = 0)""",
            list(self._table_ids().values()),
        )

    @api.model
    @tools.ormcache()
    def _table_ids(self):
        """The tables that the statements read, without partitioned ones: name → PostgreSQL's id of it."""
        rows = self.env.execute_query(
            SQL(
                """SELECT relname, oid FROM pg_class
                    WHERE relnamespace = current_schema()::regnamespace AND relname = ANY(%s)
                      AND relkind = 'r' AND NOT relhassubclass""",
                sorted({self._table_of(row) for row in self._ways()}),
            )
        )
        return dict(rows)

    def _table_of(self, row):
        """Name of the table in which a declared field is stored."""
        field = self.env[row.model]._fields[row.field]
        return field.relation if field.type == "many2many" else self.env[row.model]._table

    def _is_filled(self, row, empty):
        return self._table_ids().get(self._table_of(row)) not in empty

    @api.model
    def _ask(self, kind, *arrays):
        """Run one of the statements below, within :meth:`_indexes_only`.

        :param kind: ``contact_links`` (contact ids) and ``record_links`` (models, ids) → (way, n, id); ``identity``
            (models, ids) → (kind, n, value); ``sharing`` (values) → (n, contact id); ``addresses`` (values) →
            (way, n, id); ``candidates`` (kinds, values) → (place, n, id), ``place`` counts
            :meth:`_candidate_places`. ``way`` counts :meth:`_ways`, ``n`` the entries given, from 1.
        """
        if not arrays[0]:
            return []
        prepared, empty = self.env.cr.cache[self._name]
        name, statement = self._statement(kind, empty)
        if not statement:
            return []
        given = SQL(", ").join(SQL("%s", list(array)) for array in arrays)
        ask = SQL("EXECUTE %s(%s)", SQL.identifier(name), given)
        if name not in prepared:
            ask = SQL("PREPARE %s AS %s; %s", SQL.identifier(name), statement, ask)
        rows = self.env.execute_query(ask)
        prepared.add(name)
        return rows

    @api.model
    @tools.ormcache("kind", "empty")
    def _statement(self, kind, empty):
        """(name, SQL) of a statement that leaves out empty tables; without SQL where nothing is left of it."""
        given, parts = getattr(self, f"_{kind}_sql")(empty)
        statement = SQL("WITH %s %s", given, SQL(" UNION ALL ").join(parts)) if parts else None
        digest = hashlib.sha256(repr((statement.code, statement.params) if parts else "").encode()).hexdigest()
        return f"gdpr_path_{digest[:32]}", statement

    # Each gives the SQL of what is given and the parts of a union.

    def _contact_links_sql(self, empty):
        """From contacts to everything that points to them."""
        own = SQL("own (id, n) AS MATERIALIZED (SELECT * FROM unnest($1::int[]) WITH ORDINALITY)")
        return own, self._links_sql(empty, lambda name: name == PERSON, SQL("%s", PERSON))

    def _record_links_sql(self, empty):
        """From records of other models to everything that points to them."""
        return OWN, self._links_sql(empty, lambda name: name != PERSON, SQL("own.model"))

    def _links_sql(self, empty, wanted, model):
        """The links to wanted models; ``model`` is SQL of the model looked from."""
        parts = [
            self._link_sql(number, row, wanted, model)
            for number, row in enumerate(self._ways())
            if row.role == "link" and self._is_filled(row, empty)
        ]
        return [part for part in parts if part]

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
            wanted_model = model
            if self.env[row.model]._fields[model_column].type == "many2one":
                wanted_model = SQL("(SELECT m.id FROM ir_model m WHERE m.model = %s)", model)
            condition = SQL("%s = %s AND %s = own.id", SQL.identifier("t", model_column), wanted_model, column)
        else:
            return None
        return SQL(
            "SELECT %s, own.n, f.id FROM own, LATERAL (SELECT %s AS id FROM %s t WHERE %s OFFSET 0) f",
            number,
            found,
            table,
            condition,
        )

    def _identity_sql(self, _empty):
        """From a person's own records to the names, addresses, numbers and codes that stand in them."""
        parts = [
            SQL(
                "SELECT v.kind, own.n, v.value FROM own JOIN %s t ON t.id = own.id"
                " CROSS JOIN LATERAL (VALUES %s) v (kind, value) WHERE own.model = %s AND v.value IS NOT NULL",
                SQL.identifier(self.env[model]._table),
                SQL(", ").join(
                    SQL("(%s, %s)", kind, self._identifier_sql(model, name))
                    for kind, names in kinds.items()
                    for name in names
                ),
                model,
            )
            for model, kinds in self._get_identity_sources().items()
            if model in self.env
        ]
        return OWN, [*parts, self._earlier_values_sql()]

    def _identifier_sql(self, model, name):
        """An identifier as it stands in a column, unless it is somebody else's."""
        column = SQL("%s::text", SQL.identifier("t", name))
        if (model, name) == (PERSON, "vat"):
            # a company's contacts carry its number, too
            return SQL("CASE WHEN t.commercial_partner_id = t.id THEN %s END", column)
        return column

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
        known = {self._field_id(name): kind for name, kind in TRACKED.items()}
        return SQL(
            """SELECT k.kind, own.n, v.value
                 FROM own
                 JOIN mail_message m ON m.model = own.model AND m.res_id = own.id
                 JOIN mail_tracking_value t ON t.mail_message_id = m.id
                 JOIN unnest(%s::int[], %s::text[]) AS k (field, kind) ON k.field = t.field_id
           CROSS JOIN LATERAL (VALUES (t.old_value_char), (t.new_value_char)) AS v (value)
                WHERE own.model = %s AND v.value IS NOT NULL""",
            list(known),
            list(known.values()),
            PERSON,
        )

    def _field_id(self, name):
        """Number of a contact's field, as the tracking keeps it."""
        # sudo: a number that says nothing
        return self.env["ir.model.fields"].sudo()._get(PERSON, name).id

    # -- who may be the same person ------------------------------------------------------------------

    @api.model
    @tools.ormcache()
    def _candidate_places(self):
        """Where records stand that may be about one person, as a tuple of :class:`Place`."""
        places = [
            self._place(model, kind, self.env[model]._table, field, where=self._unowned_sql(model))
            for model, kinds in self._get_candidate_sources().items()
            if model in self.env and self._has_table(model)
            for kind, field in kinds.items()
            if field in self.env[model]._fields
        ]
        places += [
            self._place(PERSON, "tax", "res_partner", "vat"),
            self._place(PERSON, "login", "res_users", "login", found="partner_id"),
            self._place(PERSON, "account", "res_partner_bank", "sanitized_acc_number", found="partner_id"),
        ]
        for field, kind in {"name": "name", "email": "email", "phone": "phone"}.items():
            tracked = SQL("field_id = %s", SQL(str(self._field_id(field))))
            places.append(self._place(PERSON, kind, TRACKING, "old_value_char", found=None, where=[tracked]))
        return tuple(places)

    def _get_candidate_sources(self):
        """Models whose records may be about a person without saying so: model → kind → column to look in."""
        return {
            PERSON: {"email": "email_normalized", "phone": "phone", "name": "name"},
            "crm.lead": {"email": "email_from", "phone": "phone", "name": "contact_name"},
            "mailing.contact": {"email": "email", "phone": "phone", "name": "name"},
        }

    def _place(self, model, kind, table, field, found="id", where=()):
        column = SQL.identifier(field)
        if kind == "email":
            key = self._short_sql(self._first_address_sql(field))
        elif kind == "phone":
            key = SQL(r"right(regexp_replace(%s, '\D', '', 'g'), %s)", column, SQL(str(identity.NUMBER_END)))
        elif kind == "name":
            key = self._name_key_sql(column)
        else:
            key = column
        return Place(model, kind, table, field, key, (SQL("%s IS NOT NULL", column), *where), found)

    @staticmethod
    def _name_key_sql(column):
        """What :func:`identity.name_key` gives, as the database computes it."""
        return SQL(
            "left(lower(btrim(regexp_replace(translate(regexp_replace("
            "normalize(%s, NFKD), '%s', '', 'g'), '%s', '%s'), '%s', ' ', 'g'), ' ')), %s)",
            column,
            SQL(identity.MARKS_PATTERN),
            *map(SQL, identity.STROKES),
            SQL(identity.BETWEEN_PATTERN),
            SQL(str(identity.LONGEST_KEY)),
        )

    def _candidates_sql(self, empty):
        """From identifiers to records that bear them, or bore them."""
        return IDENTIFIERS, [
            SQL(
                "SELECT %s, given.n, f.id FROM given, LATERAL (SELECT %s AS id FROM %s WHERE %s LIMIT %s) f"
                " WHERE given.kind = %s",
                number,
                SQL.identifier(place.found) if place.found else SQL("m.res_id"),
                SQL.identifier(place.table)
                if place.found
                else SQL("%s JOIN mail_message m ON m.id = mail_message_id AND m.model = %s", SQL(TRACKING), PERSON),
                SQL(" AND ").join([SQL("%s = given.value", place.key), *place.where]),
                MOST_NAMESAKES,
                place.kind,
            )
            for number, place in enumerate(self._candidate_places())
            if self._table_ids().get(place.table) not in empty
        ]

    def _sharing_sql(self, _empty):
        """From addresses and numbers to all contacts that use them."""
        same = SQL(" OR ").join(SQL("%s = given.value", self._shared_sql(name, "t")) for name in SHARED)
        return VALUES, [
            SQL("SELECT given.n, f.id FROM given, LATERAL (SELECT t.id FROM res_partner t WHERE %s OFFSET 0) f", same)
        ]

    def _shared_sql(self, field, *alias):
        return self._short_sql(SQL.identifier(*alias, field))

    def _addresses_sql(self, empty):
        """From e-mail addresses and digits of numbers to records that hold them and belong to no contact."""
        return VALUES, [
            SQL(
                "SELECT %s, given.n, f.id FROM given, LATERAL (SELECT t.id FROM %s t WHERE %s OFFSET 0) f",
                number,
                SQL.identifier(self.env[row.model]._table),
                SQL(" AND ").join(
                    [SQL("%s = given.value", self._address_sql(row, "t")), *self._unowned_sql(row.model, "t")]
                ),
            )
            for number, row in enumerate(self._ways())
            if row.role in ADDRESSED and self._is_filled(row, empty)
        ]

    def _address_sql(self, row, *alias):
        """The address in a column, in lower case; of a phone number the digits."""
        if row.role == "phone":
            text = SQL(r"regexp_replace(%s, '\D', '', 'g')", SQL.identifier(*alias, row.field))
        else:
            text = self._first_address_sql(row.field, *alias)
        return self._short_sql(text)

    @staticmethod
    def _first_address_sql(field, *alias):
        column = SQL.identifier(*alias, field)
        if field.endswith("normalized"):
            return column
        return SQL("lower(substring(%s from '%s'))", column, SQL(ADDRESS_PATTERN))

    @staticmethod
    def _short_sql(text):
        """A text that an index can hold: one refuses long values, and with them the row that somebody saves."""
        return SQL("left(%s, %s)", text, SQL(str(LONGEST_VALUE)))

    def _unowned_sql(self, model, *alias):
        """Conditions under which a record of a model belongs to no contact."""
        return [SQL("%s IS NULL", SQL.identifier(*alias, name)) for name in self._owner_columns(model)]
