import re
from collections import defaultdict

from odoo import api, models
from odoo.tools import SQL, split_every

from ..models.gdpr_data_map import PERSON
from ..tools import redact
from ..tools.identity import Identity
from ..tools.plan import Hit, Located

#: Delivery and invoice addresses are rows of the same person; a contact below a contact is somebody else.
OWN_ADDRESS_TYPES = ("invoice", "delivery", "other")
#: One person seldom stands behind more links than this; it bounds a walk through mistaken declarations.
MAX_HOPS = 4
TEXT_BATCH = 2000


class GdprFinder(models.AbstractModel):
    """Where a person is, over everything the data map knows. Collects and never judges.

    Reads by SQL: a record rule must not hide from the person what the company holds about them. Callers
    check rights on the request first.
    """

    _name = "gdpr.finder"
    _description = "Finder of a Person's Data"

    @api.model
    def _locate(self, partner_ids, known=None):
        """Collect where one person is.

        :param partner_ids: ids of contacts that are the same person
        :param known: an :class:`Identity` gathered earlier, for a person whose records are partly gone
        :return: (:class:`Located`, :class:`Identity`)
        """
        self.env.flush_all()
        partner_ids = self._with_own_addresses(partner_ids)
        found = defaultdict(dict)
        self._add(found, PERSON, "id", "self", partner_ids)
        self._walk_links(found, partner_ids)
        identity = self._gather_identity(partner_ids, found)
        if known:
            identity |= known
        self._search_addresses(found, identity, partner_ids)
        self._follow(found)
        self._search_texts(found, identity)
        hits = tuple(
            Hit(model, field, tuple(sorted(ids)), bond, sure)
            for model in sorted(found)
            for (field, bond, sure), ids in sorted(found[model].items())
            if ids
        )
        return Located(tuple(partner_ids), hits), identity

    # -- which contacts ------------------------------------------------------------------------------

    @api.model
    def _with_own_addresses(self, partner_ids):
        """The contacts with the invoice and delivery addresses below them."""
        rows = self.env.execute_query(
            SQL(
                """SELECT id FROM res_partner
                    WHERE id = ANY(%(ids)s)
                       OR (parent_id = ANY(%(ids)s) AND type = ANY(%(types)s)
                           AND NOT EXISTS (SELECT FROM res_users u WHERE u.partner_id = res_partner.id))
                 ORDER BY id""",
                ids=list(partner_ids),
                types=list(OWN_ADDRESS_TYPES),
            )
        )
        return [id_ for (id_,) in rows]

    # -- links ---------------------------------------------------------------------------------------

    def _walk_links(self, found, partner_ids):
        """Follow every declared or undecided link to a contact, then what hangs on the records found."""
        for row in self._ways():
            field = self.env[row.model]._fields[row.field]
            if field.comodel_name == PERSON and field.type in ("many2one", "many2many"):
                if row.model == PERSON and row.action == "none":
                    continue
                self._add(found, row.model, row.field, row.bond, self._linked_ids(field, partner_ids))
        self._follow(found)

    def _ways(self):
        """Declarations that lead to records, and discovered fields nobody decided."""
        data_map = self.env["gdpr.data.map"]
        declared = [
            row for row in data_map._declarations().values() if row.leads_to_records and self._has_table(row.model)
        ]
        return declared + list(data_map._undecided().values())

    def _has_table(self, name):
        model = self.env[name]
        return model._auto and not model._abstract and not model._transient

    def _follow(self, found):
        """Go on from the records that are the person's own to what hangs on them, until nothing new comes."""
        rows = [
            row
            for row in self._ways()
            if row.role == "link" and self.env[row.model]._fields[row.field].comodel_name != PERSON
        ]
        done = defaultdict(set)
        for _hop in range(MAX_HOPS):
            fresh = {}
            for model, ways in found.items():
                own = {id_ for (_f, bond, _s), ids in ways.items() if bond in ("self", "own") for id_ in ids}
                if new := own - done[model]:
                    fresh[model] = list(new)
                    done[model] |= new
            if not fresh:
                return
            for row in rows:
                field = self.env[row.model]._fields[row.field]
                if field.type in ("many2one", "many2many"):
                    if ids := fresh.get(field.comodel_name):
                        self._add(found, row.model, row.field, row.bond, self._linked_ids(field, ids))
                else:
                    for model, ids in fresh.items():
                        self._add(found, row.model, row.field, row.bond, self._soft_linked_ids(field, model, ids))

    def _linked_ids(self, field, ids):
        if field.type == "many2many":
            query = SQL(
                "SELECT DISTINCT %s FROM %s WHERE %s = ANY(%s)",
                SQL.identifier(field.column1),
                SQL.identifier(field.relation),
                SQL.identifier(field.column2),
                list(ids),
            )
        else:
            table = self.env[field.model_name]._table
            query = SQL(
                "SELECT id FROM %s WHERE %s = ANY(%s)", SQL.identifier(table), SQL.identifier(field.name), list(ids)
            )
        return [id_ for (id_,) in self.env.execute_query(query)]

    def _soft_linked_ids(self, field, model, ids):
        """Records that point to (model, id) by a pair of columns or by a ``model,id`` text."""
        table = SQL.identifier(self.env[field.model_name]._table)
        column = SQL.identifier(field.name)
        if field.type == "reference":
            query = SQL("SELECT id FROM %s WHERE %s = ANY(%s)", table, column, [f"{model},{id_}" for id_ in ids])
        elif model_column := self._model_column(field):
            query = SQL(
                "SELECT id FROM %s WHERE %s = %s AND %s = ANY(%s)",
                table,
                SQL.identifier(model_column),
                model,
                column,
                list(ids),
            )
        else:
            return []
        return [id_ for (id_,) in self.env.execute_query(query)]

    def _model_column(self, field):
        """Name of the stored column that says which model an id column points to."""
        model_fields = self.env[field.model_name]._fields
        names = [getattr(field, "model_field", None), "res_model", "model"]
        return next((n for n in names if n and n in model_fields and model_fields[n].store), None)

    @staticmethod
    def _add(found, model, field, bond, ids, sure=True):
        if ids:
            found[model].setdefault((field, bond, sure), set()).update(ids)

    # -- who it is -----------------------------------------------------------------------------------

    @api.model
    def _gather_identity(self, partner_ids, found):
        """The identifiers of the person, from the contact, its accounts, and earlier values in the tracking."""
        identity = Identity()
        sources = {
            "emails": [("res.partner", "email"), ("res.partner", "email_normalized"), ("res.users", "login")],
            "phones": [("res.partner", "phone"), ("res.partner", "phone_sanitized")],
            "codes": [("res.partner", "vat"), ("res.partner.bank", "acc_number")],
            "names": [("res.partner", "name"), ("res.partner.bank", "acc_holder_name")],
        }
        for model, kinds in self._get_identity_sources().items():
            for kind, names in kinds.items():
                sources[kind].extend((model, name) for name in names)
        values = defaultdict(set)
        for kind, columns in sources.items():
            for model, name in columns:
                if model in self.env and (ids := self._own_ids(found, model)):
                    values[kind] |= self._column_values(model, name, ids)
        for kind, earlier in self._earlier_values(partner_ids).items():
            values[kind] |= earlier
        identity |= Identity.gather(**values)
        shared = self._shared_addresses(identity, partner_ids)
        return Identity.gather(identity.emails, identity.phones, identity.codes, identity.names, shared)

    def _get_identity_sources(self):
        """Own records of other models whose values identify the person too: model → kind → fields."""
        return {
            "crm.lead": {"emails": ["email_from"], "phones": ["phone"], "names": ["contact_name"]},
            "mailing.contact": {"emails": ["email"], "names": ["name"]},
        }

    @staticmethod
    def _own_ids(found, model):
        return {id_ for (_f, bond, _s), ids in found.get(model, {}).items() if bond in ("self", "own") for id_ in ids}

    def _column_values(self, model, name, ids):
        rows = self.env.execute_query(
            SQL(
                "SELECT DISTINCT %(column)s FROM %(table)s WHERE id = ANY(%(ids)s) AND %(column)s IS NOT NULL",
                column=SQL.identifier(name),
                table=SQL.identifier(self.env[model]._table),
                ids=list(ids),
            )
        )
        return {value for (value,) in rows if isinstance(value, str)}

    def _earlier_values(self, partner_ids):
        """Names, addresses and numbers the contact had before, as the chatter remembers them."""
        kinds = {"name": "names", "email": "emails", "phone": "phones", "vat": "codes"}
        rows = self.env.execute_query(
            SQL(
                """SELECT f.name, v.old_value_char, v.new_value_char
                     FROM mail_tracking_value v
                     JOIN mail_message m ON m.id = v.mail_message_id
                     JOIN ir_model_fields f ON f.id = v.field_id
                    WHERE m.model = %s AND m.res_id = ANY(%s) AND f.name = ANY(%s)""",
                PERSON,
                list(partner_ids),
                list(kinds),
            )
        )
        earlier = defaultdict(set)
        for name, old, new in rows:
            earlier[kinds[name]].update(value for value in (old, new) if value)
        return earlier

    def _shared_addresses(self, identity, partner_ids):
        """Addresses and numbers that other contacts use too: they do not tell one person from another."""
        rows = self.env.execute_query(
            SQL(
                """SELECT email_normalized, phone, phone_sanitized FROM res_partner
                    WHERE (email_normalized = ANY(%(emails)s) OR phone_sanitized = ANY(%(phones)s)
                           OR phone = ANY(%(phones)s))
                      AND NOT id = ANY(%(ids)s)""",
                emails=list(identity.emails),
                phones=list(identity.phones),
                ids=list(partner_ids),
            )
        )
        used = {value for row in rows for value in row if value}
        return used & (identity.emails | identity.phones)

    # -- by address ----------------------------------------------------------------------------------

    def _search_addresses(self, found, identity, partner_ids):
        """Find records by e-mail address, unless they belong to another contact."""
        if not identity.emails:
            return
        for row in self._ways():
            if row.role != "email":
                continue
            ids = self._ids_by_email(row.model, row.field, identity.emails, partner_ids)
            already = {i for ways in (found.get(row.model) or {}).values() for i in ways}
            self._add(found, row.model, row.field, row.bond or "own", set(ids) - already)

    def _ids_by_email(self, model, name, emails, partner_ids):
        table, column = SQL.identifier(self.env[model]._table), SQL.identifier(name)
        if name.endswith("normalized"):
            condition = SQL("%s = ANY(%s)", column, list(emails))
        else:
            condition = SQL("%s ~* %s", column, self._address_regex(emails))
        others = [
            SQL("(%(c)s IS NULL OR %(c)s = ANY(%(ids)s))", c=SQL.identifier(owner), ids=list(partner_ids))
            for owner in self._owner_columns(model)
        ]
        rows = self.env.execute_query(SQL("SELECT id FROM %s WHERE %s", table, SQL(" AND ").join([condition, *others])))
        return [id_ for (id_,) in rows]

    def _owner_columns(self, model):
        """Links that say whose record it is when an address alone would not."""
        model_fields = self.env[model]._fields
        return [
            name
            for name in ("partner_id", "author_id")
            if name in model_fields and model_fields[name].store and model_fields[name].comodel_name == PERSON
        ]

    @staticmethod
    def _address_regex(values):
        """A PostgreSQL pattern for any of the values, not inside a longer word."""
        alternatives = "|".join(re.escape(value) for value in sorted(values))
        return rf"(^|[^[:alnum:]_.+-])({alternatives})($|[^[:alnum:]_-])"

    # -- in words ------------------------------------------------------------------------------------

    def _search_texts(self, found, identity):
        """Find mentions in free text that is not about the person: by sure identifiers, and by name alone."""
        if not identity.all:
            return
        for row in self.env["gdpr.data.map"]._declarations().values():
            if row.role != "text" or row.action == "none" or not self._has_table(row.model):
                continue
            own = self._own_ids(found, row.model)
            for id_, sure in self._mentions(row.model, row.field, identity, own):
                self._add(found, row.model, row.field, "text", [id_], sure)

    def _mentions(self, model, name, identity, own):
        """Yield (id, sure) of the rows in which one of the identifiers stands as a word of its own."""
        field = self.env[model]._fields[name]
        column = SQL("%s::text" if field.translate else "%s", SQL.identifier(name))
        patterns = [self._like(value) for value in identity.all]
        rows = self.env.execute_query(
            SQL(
                "SELECT id, %(column)s FROM %(table)s WHERE %(column)s ILIKE ANY(%(patterns)s)"
                " AND NOT id = ANY(%(own)s)",
                column=column,
                table=SQL.identifier(self.env[model]._table),
                patterns=patterns,
                own=list(own),
            )
        )
        sure, any_ = redact.pattern(identity.sure), redact.pattern(identity.all)
        for batch in split_every(TEXT_BATCH, rows):
            for id_, text in batch:
                if sure and sure.search(text):
                    yield id_, True
                elif any_.search(text):
                    yield id_, False

    @staticmethod
    def _like(value):
        """A LIKE pattern for the words of a value with anything between them; % and _ are letters."""
        escaped = value.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
        return "%" + "%".join(escaped.split()) + "%"
