from collections import defaultdict

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL, email_normalize

from ..models.gdpr_data_map import PERSON
from ..tools import capability, copies
from ..tools.copies import Place

#: Types of fields that a person can put right by saying what is true.
CORRECTABLE = frozenset({"char", "text", "html", "date", "selection", "many2one"})


class GdprCorrector(models.AbstractModel):
    """Puts right what is wrong about a person, in the contact and in every copy, Art. 16.

    What was sent, signed, paid or posted says what happened then and is not rewritten. Nothing is tracked: a
    tracked change would keep the wrong value beside the right one.
    """

    _name = "gdpr.corrector"
    _description = "Corrector of a Person's Data"

    # -- what may be corrected -----------------------------------------------------------------------

    @api.model
    def _get_copies(self):
        """Columns that hold the same as a field of the contact: model → column → field. Add-ons add theirs."""
        return copies.COPIES

    @api.model
    def _correctable(self):
        """Names of the contact's fields that hold something about the person and that somebody can type in."""
        contact = self.env[PERSON]
        return [
            row.field
            for row in self.env["gdpr.data.map"]._declarations().values()
            if row.model == PERSON and row.role in ("value", "text", "email") and row.export
            if (field := contact._fields[row.field]).store and field.type in CORRECTABLE
            if not field.company_dependent and not (field.compute and field.readonly)
        ]

    @api.model
    def _read_values(self, partner, values):
        """Check what somebody says is true about a contact, and give it as ``write`` takes it: field → value.

        :param values: field → text, ISO date, or code of a country, state, language; empty to clear
        :raises UserError: naming the field that is unknown, not personal, malformed or right already
        """
        if not isinstance(values, dict) or not values:
            raise UserError(self.env._("Say what is to be corrected: at least one field and its true value."))
        partner, read = partner.sudo(), {}
        # the country first: states, phone and tax numbers are read by it
        for name in sorted(values, key=lambda name: (name != "country_id", name)):
            read[name] = self._read_value(partner, name, values[name], read)
        self._check_together(partner, read)
        changed = {name: value for name, value in read.items() if value != self._plain(partner, name)}
        if not changed:
            raise UserError(self.env._("Nothing to correct: the contact says this already."))
        return changed

    def _read_value(self, partner, name, value, read):
        field = partner._fields.get(name)
        if field is None:
            raise UserError(self.env._("A contact has no field “%s”: check its name.", name))
        if name not in self._correctable():
            self._refuse(name, self.env._("it holds nothing about the person that could be corrected."))
        if partner.commercial_partner_id != partner and name in partner._commercial_fields():
            self._refuse(name, self.env._("it belongs to the company this contact stands under: correct it there."))
        if value in (None, False, ""):
            if field.required or (name == "name" and partner.type == "contact"):
                self._refuse(name, self.env._("it cannot be empty."))
            return False
        if field.type != "many2one" and not isinstance(value, str):
            self._refuse(name, self.env._("its value must be a text."))
        reader = getattr(self, f"_read_{name}", None) or getattr(self, f"_read_type_{field.type}")
        return reader(partner, name, value.strip() if isinstance(value, str) else value, read)

    def _read_type_char(self, partner, name, value, read):
        if not value or "\n" in value:
            self._refuse(name, self.env._("it is one line of text."))
        return value

    def _read_type_text(self, partner, name, value, read):
        return value

    def _read_type_html(self, partner, name, value, read):
        return partner._fields[name].convert_to_cache(value, partner)

    def _read_type_date(self, partner, name, value, read):
        try:
            return fields.Date.to_date(value)
        except ValueError:
            self._refuse(name, self.env._("it is no date. Write it as year-month-day, for example 1980-12-31."))

    def _read_type_selection(self, partner, name, value, read):
        if value not in dict(partner._fields[name]._description_selection(self.env)):
            self._refuse(name, self.env._("there is no such choice; use the code of one that is offered."))
        return value

    def _read_type_many2one(self, partner, name, value, read):
        records = self.env[partner._fields[name].comodel_name].sudo()
        key = "code" if "code" in records._fields else records._rec_name
        found = records.search([(key, "=ilike", str(value).replace("\\", "").replace("%", r"\%").replace("_", r"\_"))])
        if len(found) != 1 and name == "country_id":
            self._refuse(name, self.env._("there is no such code. Use the two letters of a country, for example CZ."))
        if len(found) != 1:
            self._refuse(name, self.env._("there is no such choice; use the name of one that is offered."))
        return found.id

    def _read_state_id(self, partner, name, value, read):
        country_id = read.get("country_id", partner.country_id.id)
        state = self.env["res.country.state"].search([("country_id", "=", country_id), ("code", "=", str(value))])
        if not state:
            self._refuse(name, self.env._("the country has no state with this code."))
        return state.id

    def _read_email(self, partner, name, value, read):
        if not email_normalize(value):
            self._refuse(name, self.env._("it is no e-mail address. Write one address, for example name@post.example."))
        return value

    def _read_phone(self, partner, name, value, read):
        country = self.env["res.country"].browse(read.get("country_id") or partner.country_id.id)
        if not partner._phone_format(number=value, country=country or None):
            self._refuse(name, self.env._("it is no phone number. Write it with its country, for example +420 …"))
        return value

    def _read_vat(self, partner, name, value, read):
        """As the countries' own check reads it, where the add-on that knows it is installed."""
        check = getattr(partner, "_run_vat_checks", None)
        country = self.env["res.country"].browse(read.get("country_id") or partner.country_id.id)
        if check:
            value, _country = check(country, value, validation="setnull")
            if not value:
                self._refuse(name, self.env._("it is no valid tax number of this country: check each digit."))
        return value

    def _check_together(self, partner, read):
        """A state lies in its country: whoever moves a contact abroad says what becomes of the state."""
        country_id = read.get("country_id", partner.country_id.id)
        state = self.env["res.country.state"].browse(read.get("state_id", partner.state_id.id))
        if state and state.country_id.id != country_id:
            self._refuse("state_id", self.env._("it lies in another country: correct or empty it too."))

    def _refuse(self, name, why):
        label = self.env[PERSON]._fields[name].get_description(self.env, ["string"])["string"]
        raise UserError(self.env._("%(label)s (%(name)s) stays as it is: %(why)s", label=label, name=name, why=why))

    # -- where it stands -----------------------------------------------------------------------------

    @api.model
    def _plain(self, record, column):
        """A field's value as ``write`` and JSON take it."""
        field, value = record._fields[column], record[column]
        if field.type == "many2one":
            return value.id
        return value and (field.to_string(value) if field.type == "date" else value)

    @api.model
    def _places(self, partners, new, choice=None):
        """Every place at which the old values stand, and where something else stands that may be the same misspelt.

        :param partners: contacts that are the person; of the first the old values are taken
        :param new: field → value, see :meth:`_read_values`
        :param choice: what the handler said of records that belong to no contact
        :return: list of :class:`Place`, the contact first
        """
        partners = partners.sudo()
        main = partners[0]
        [(located, _identity)] = self.env["gdpr.finder"].sudo()._locate_records([partners.ids], [choice])
        places = self._places_in(main, located.partner_ids, {name: name for name in new}, new, partners.ids)
        for model, columns in self._get_copies().items():
            if model in self.env and (ids := located.ids(model)):
                asked = {column: name for column, name in columns.items() if name in new}
                places += self._places_in(main, ids, asked, new, located.ids(model, "own"), model)
        return sorted(places, key=lambda place: not place.fixed)

    def _places_in(self, main, ids, columns, new, own, model=PERSON):
        """The places in records of one model.

        :param columns: column → field of the contact
        :param own: the records that are about the person alone
        """
        if not columns:
            return []
        records = self.env[model].sudo().with_context(active_test=False).browse(ids).exists()
        if model == PERSON:
            records = records.filtered(lambda record: record.gdpr_state == "active")
        if waiting := copies.WAITING.get(model):
            records = records.filtered(lambda record: record[waiting[0]] in waiting[1])
        address_of = {field: column for column, field in self._get_copies().get(model, {}).items()}
        places = []
        for record in records:
            whole = all(
                copies.same(part, self._plain(main, part), self._plain(record, address_of.get(part, part)))
                for part in copies.ADDRESS
                if address_of.get(part, part) in record._fields
            )
            for column, name in columns.items():
                before, after = self._plain(record, column), self._there(record, column, new[name])
                fixed = record == main
                stands = copies.same(name, before, self._plain(main, name)) and (whole or name not in copies.ADDRESS)
                # what is missing is filled in where the person was said to stand, not in every copy
                completes = not before and model == PERSON and record.id in own
                misspelt = model in copies.OFTEN_MISSPELT and record.id in own and name not in copies.ADDRESS
                if before == after or not (fixed or (before and (stands or misspelt)) or (completes and stands)):
                    continue
                places.append(Place(model, record.id, column, name, before, after, fixed or stands, fixed))
        return places

    def _there(self, record, column, value):
        """The new value as it is written in that column."""
        if record._name == "sms.sms":
            return value and (record.env.user._phone_format(number=value) or value)
        return value

    # -- correcting ----------------------------------------------------------------------------------

    @api.model
    def _correct(self, partners, new, decided=None, choice=None):
        """Write the new values in the contact and in the places wanted, in the transaction of the caller.

        :param decided: place key → whether it is corrected; by default it is where the old value stands
        :return: the places that were corrected
        """
        self = self.sudo().with_context(
            **{capability.KEY: capability.SWEEP}, tracking_disable=True, mail_notrack=True, active_test=False
        )
        partners = partners.with_env(self.env)
        places = self._places(partners, new, choice)
        wanted = self._wanted(places, decided)
        self._check_logins(wanted)
        self._carry_suppression(partners[0], new)
        target = {place: place.after for place in wanted if place.model != PERSON}
        kept = {place: place.before for place in places if place.model != PERSON and place not in target}
        # a bank account under the contact's name would be renamed, with a note that keeps the old name
        parked = {place: False for place in kept if place.model == "res.partner.bank"}
        # the copies first: what Odoo finds right already it does not carry on, nor note down, by itself
        self._set(target | parked)
        self._write_contacts(partners, wanted)
        # where the new value was not wanted and came all the same, the old one is put back
        self._set(target | kept)
        self.env.flush_all()
        self.env.invalidate_all()
        return wanted

    @api.model
    def _wanted(self, places, decided=None):
        """The places that are corrected: the contact, and each other one as decided, else as ticked beforehand."""
        decided = decided or {}
        return [place for place in places if place.fixed or decided.get(place.key, place.ticked)]

    def _write_contacts(self, partners, wanted):
        """Correct the contacts by the ORM, so that whoever listens to them knows: consents first of all."""
        for id_ in dict.fromkeys(place.id for place in wanted if place.model == PERSON):
            partner = self.env[PERSON].browse(id_)
            partner.write({p.column: p.after for p in wanted if p.model == PERSON and p.id == id_})
        self.env.flush_all()

    def _set(self, values):
        """Write copies that say something else, place → value.

        By SQL, but for logins: an inverse of the ORM would carry a value that stays back to the contact.
        """
        groups = defaultdict(list)
        for place, value in values.items():
            groups[place.model, place.column, value].append(place.id)
        for (model, column, value), ids in groups.items():
            records = self.env[model].browse(ids).filtered(lambda r, c=column, v=value: self._plain(r, c) != v)
            if model == "res.users":
                records.write({column: value})
            elif records:
                self.env.flush_all()
                self.env.cr.execute(
                    SQL(
                        "UPDATE %s SET %s = %s WHERE id = ANY(%s)",
                        SQL.identifier(records._table),
                        SQL.identifier(column),
                        value or None,
                        records.ids,
                    )
                )
                records.invalidate_recordset([column], flush=False)
                records.modified([column])
        self.env.flush_all()

    def _check_logins(self, places):
        """Two people cannot sign in with one address."""
        for place in places:
            if place.model == "res.users" and self.env["res.users"].search_count(
                [("login", "=", place.after), ("id", "!=", place.id)]
            ):
                self._refuse("email", self.env._("another login uses the new address. Leave the login unticked."))

    def _carry_suppression(self, partner, new):
        """Whoever is on a list of those not to be written to stays on it under the new address."""
        for name, model, column in (("email", "mail.blacklist", "email"), ("phone", "phone.blacklist", "number")):
            if not new.get(name):
                continue
            lists = self.env[model].with_context(active_test=True)
            old = partner.email_normalized if name == "email" else partner.phone_sanitized
            if not old or not lists.search_count([(column, "=", old)]):
                continue
            if name == "email":
                lists._add(new[name])
            else:
                lists._add([partner._phone_format(number=new[name])])
