from collections import defaultdict

from odoo import api, models
from odoo.exceptions import UserError
from odoo.tools import SQL
from odoo.tools.mail import email_normalize

from ..tools import capability
from .gdpr_data_map import PERSON

#: Columns of numbers; those of e-mail addresses are what the data map says.
PHONES = ("phone", "mobile")


class Base(models.AbstractModel):
    """What every model gets: no new record about a sealed person, no change of a sealed copy (Art. 18(2), 17(3)),
    and no file that brings back who was erased.

    The data map names the models. All others pay a look into a cached table.
    """

    _inherit = "base"

    @api.model_create_multi
    def create(self, vals_list):
        records = super().create(vals_list)
        records._gdpr_refuse_new_documents(None)
        return records

    def write(self, vals):
        self._gdpr_refuse_sealed_copies(vals)
        res = super().write(vals)
        self._gdpr_refuse_new_documents(vals)
        return res

    def unlink(self):
        self._gdpr_refuse_sealed_copies(None)
        return super().unlink()

    def copy_data(self, default=None):
        self._gdpr_refuse_sealed_copies(None)
        return super().copy_data(default)

    def _gdpr_refuse_new_documents(self, vals):
        """Refuse records that point to a sealed person, where the data map says so.

        :param vals: what was written, or nothing for new records
        :raises UserError: naming the contacts by number
        """
        if not self._gdpr_is_guarded():
            return
        links = [link for link in self.env["gdpr.vault"]._refusing_links(self._name) if vals is None or link[0] in vals]
        documents = self.sudo()._gdpr_get_documents() if links else self
        if not links or not documents:
            return
        ids = set()
        for name, model_field in links:
            field = self._fields[name]
            if field.relational:
                ids.update(documents[name].ids)
            else:
                ids.update(r[name] for r in documents if r[name] and r[model_field] == PERSON)
        self.env[PERSON].browse(ids)._gdpr_refuse_new(self._description)

    def _gdpr_get_documents(self):
        """Those of the records that are documents about a person; a short override point."""
        return self

    def _gdpr_refuse_sealed_copies(self, vals):
        """Refuse to change rows whose values are in the vault.

        :param vals: what is written; nothing where the whole row is copied or goes
        :raises UserError: naming the records by number
        """
        if not self._gdpr_is_guarded() or self._name == PERSON:
            return
        vault = self.env["gdpr.vault"]
        names = vault._sealed_names(self._name)
        # a row that is no copy of the person, only holds something of them, may change otherwise
        if not names or not (vault._is_copy(self._name) or set(names).intersection(vals or ())):
            return
        rows = self.env.execute_query(
            SQL("SELECT res_id FROM gdpr_vault WHERE model_name = %s AND res_id = ANY(%s)", self._name, self.ids)
        )
        if rows:
            raise UserError(
                self.env._(
                    "%(count)s record(s) of “%(document)s” are sealed after a privacy request and cannot be changed, "
                    "copied or deleted: %(numbers)s. The data protection officer can tell you more.",
                    count=len(rows),
                    document=self._description,
                    numbers=", ".join(str(id_) for (id_,) in sorted(rows)),
                )
            )

    def _gdpr_is_guarded(self):
        """Whether the guards look at all: not at wizards, not while modules are loaded, not at our own sweep."""
        return not (
            self._transient
            or self._abstract
            or not self.ids
            or not self.pool.ready
            or capability.is_sweep(self.env.context)
        )

    @api.model
    def load(self, fields, data):
        """Refuse a file that would bring an erased person back, naming its rows; the other rows are left as well."""
        if rows := self._gdpr_rows_of_erased(fields, data):
            message = self.env._(
                "The person with this address was erased at their own request: take the row out. Only they themselves "
                "can come back, by a form they fill in."
            )
            messages = [
                {"type": "error", "message": message, "record": row, "rows": {"from": row, "to": row}, "field": name}
                for row, name in sorted(rows.items())
            ]
            return {"ids": False, "messages": messages, "nextrow": 0}
        return super().load(fields, data)

    def _gdpr_rows_of_erased(self, names, data):
        """Rows that hold an address of an erased person whom no contact is any more: row number → column."""
        columns = {number: kind for number, name in enumerate(names) if (kind := self._gdpr_address_kind(name))}
        # sudo: that there are any at all
        if not columns or not self.env["gdpr.suppression"].sudo().search_count([], limit=1):
            return {}
        places = defaultdict(list)
        for row, cells in enumerate(data):
            for number, kind in columns.items():
                cell = cells[number]
                address = isinstance(cell, str) and self._gdpr_address(cell, kind)
                if address:
                    places[address].append((row, names[number]))
        gone = self.env["gdpr.suppression"]._not_ours(places)
        return {row: name for address in gone for row, name in places[address]}

    def _gdpr_address(self, cell, kind):
        return email_normalize(cell) if kind == "email" else self.env.user._phone_format(number=cell)

    def _gdpr_address_kind(self, path):
        """Whether a column of a file, ``child_ids/email``, holds e-mail addresses or numbers of people."""
        model, *names = self, *(path or "").split("/")
        for name in names[:-1]:
            field = model._fields.get(name)
            if field is None or not field.relational:
                return None
            model = self.env[field.comodel_name]
        name = names[-1]
        if name in PHONES and name in model._fields:
            return "phone"
        row = self.env["gdpr.data.map"]._declarations().get((model._name, name))
        return "email" if row and row.action != "none" and (row.role == "email" or name == "email") else None
