from odoo import api, models
from odoo.fields import Domain
from odoo.tools import SQL

from ..models.gdpr_data_map import PERSON
from ..tools import identity as identities
from ..tools import readings
from ..tools.mentions import Haystack

#: Screen notifications older than this reached every screen that was open; Odoo keeps them for a day.
DELIVERED = "1 minute"
FILE_TYPES = ("binary",)
TEXT_TYPES = ("char", "text", "html", "json", "reference")


class GdprTrace(models.AbstractModel):
    """Where a person stands though nothing says so: what the system copied, and what it left lying about.

    Copies are found and planned for like everything else. What lies about, screens that were closed and notifications
    that were delivered, is swept away with every erasure: it comes and goes by the minute, so no plan could name it.
    """

    _name = "gdpr.trace"
    _description = "Copies and Traces of a Person"

    # -- copies --------------------------------------------------------------------------------------

    @api.model
    def _search(self, found):
        """Add to the trails what is each person's alone, and what was copied to the contacts below.

        :param found: list of (trail, identity)
        """
        for trail, identity in found:
            self._search_mails(trail, identity)
            self._search_filters(trail)
            self._search_meetings(trail)
            self._search_copied_changes(trail)

    def _search_mails(self, trail, identity):
        """Mails that went, or wait, to this person and nobody else, with their message when it stands on no record."""
        ids = trail.ids("mail.mail")
        if not ids:
            return
        rows = self.env.execute_query(
            SQL(
                """SELECT m.id, concat_ws(', ', m.email_to, m.email_cc),
                          ARRAY(SELECT r.res_partner_id FROM mail_mail_res_partner_rel r WHERE r.mail_mail_id = m.id)
                     FROM mail_mail m WHERE m.id = ANY(%s)""",
                sorted(ids),
            )
        )
        people = set(trail.partner_ids)
        alone = {
            id_
            for id_, written, recipients in rows
            if (recipients or written.strip())
            and people.issuperset(recipients)
            and identity.emails.issuperset(identities.addresses(written))
        }
        trail.add("mail.mail", "recipient_ids", "own", alone)
        rows = self.env.execute_query(
            SQL(
                """SELECT m.id FROM mail_message m JOIN mail_mail l ON l.mail_message_id = m.id
                    WHERE l.id = ANY(%s) AND m.model IS NULL""",
                sorted(alone),
            )
        )
        trail.add("mail.message", "res_id", "own", {id_ for (id_,) in rows})

    def _search_filters(self, trail):
        """Saved searches of a login and of nobody else; without users they would become everybody's."""
        ids = trail.ids("ir.filters")
        if not ids:
            return
        rows = self.env.execute_query(
            SQL(
                """SELECT ir_filters_id FROM ir_filters_res_users_rel WHERE ir_filters_id = ANY(%s)
                 GROUP BY ir_filters_id HAVING bool_and(res_users_id = ANY(%s))""",
                sorted(ids),
                sorted(trail.ids("res.users")),
            )
        )
        trail.add("ir.filters", "user_ids", "own", {id_ for (id_,) in rows})

    def _search_meetings(self, trail):
        """Meetings of this person with staff alone: with them goes what hangs on them."""
        ids = trail.ids("calendar.event")
        if not ids:
            return
        rows = self.env.execute_query(
            SQL(
                """SELECT e.id FROM unnest(%s::int[]) e (id)
                    WHERE NOT EXISTS (SELECT FROM calendar_event_res_partner_rel r
                                        JOIN res_partner p ON p.id = r.res_partner_id AND p.partner_share
                                       WHERE r.calendar_event_id = e.id AND p.id != ALL(%s))""",
                sorted(ids),
                list(trail.partner_ids),
            )
        )
        trail.add("calendar.event", "partner_ids", "own", {id_ for (id_,) in rows})

    def _search_copied_changes(self, trail):
        """What the chatter of contacts below remembers of the person's address and tax number, which they carried."""
        below = trail.ids(PERSON) - set(trail.partner_ids)
        if not below:
            return
        rows = self.env.execute_query(
            SQL(
                """WITH value AS (
                        SELECT m.res_id, t.id, t.field_id, v.text
                          FROM mail_message m JOIN mail_tracking_value t ON t.mail_message_id = m.id
                    CROSS JOIN LATERAL (VALUES (t.old_value_char), (t.new_value_char)) v (text)
                         WHERE m.model = %(model)s AND m.res_id = ANY(%(all)s) AND v.text <> '')
                   SELECT DISTINCT copy.id FROM value copy
                     JOIN value own ON own.res_id = ANY(%(own)s) AND own.field_id = copy.field_id
                      AND own.text = copy.text
                    WHERE copy.res_id = ANY(%(below)s)""",
                model=PERSON,
                all=[*trail.partner_ids, *sorted(below)],
                own=list(trail.partner_ids),
                below=sorted(below),
            )
        )
        trail.add("mail.tracking.value", "mail_message_id", "own", {id_ for (id_,) in rows})

    @api.model
    def _copied_fields(self, located):
        """Fields that contacts below some people carry as the system copied them: child id → names.

        Odoo copies tax numbers down whatever the type, and the address to contacts of the type *contact*.
        """
        below = set(located.ids(PERSON)).difference(located.partner_ids)
        if not below:
            return {}
        partners = self.env[PERSON].sudo().with_context(active_test=False)
        copied = {
            *partners._commercial_fields(),
            *partners._address_fields(),
            *(name for name in ("peppol_endpoint", "peppol_eas") if name in partners._fields),
        } & set(self.env["gdpr.planner"]._personal_fields(PERSON))
        found = {}
        for child in partners.browse(sorted(below)):
            names = {name for name in copied if child[name] and child[name] == child.parent_id[name]}
            if names:
                found[child.id] = tuple(sorted(names))
        return found

    # -- traces --------------------------------------------------------------------------------------

    @api.model
    def _sweep(self, cases):
        """Delete what lies about: delivered notifications, and closed screens that concern or name the people."""
        haystack = Haystack([case.identity for case in cases])
        partner_ids = [id_ for case in cases for id_ in case.located.partner_ids]
        self._sweep_bus(haystack)
        screens = self._filled_screens()
        doomed = {model: self._screens_about(model, partner_ids) for model in screens}
        words = {model: names for model in screens if (names := self._stored(model, TEXT_TYPES))}
        for model, id_, texts, needles in self.env["gdpr.data.text"]._look(words, haystack):
            if any(haystack.stands_in(needle, text) for needle in needles for text in texts.values()):
                doomed[model].add(id_)
        for model, ids in doomed.items():
            ids |= self._screens_with_files(model, haystack)
            if ids:
                table = SQL.identifier(self.env[model]._table)
                self.env.cr.execute(SQL("DELETE FROM %s WHERE id = ANY(%s)", table, sorted(ids)))
        self.env.invalidate_all()

    def _sweep_bus(self, haystack):
        """Notifications are JSON with escaped letters: those not delivered yet are read one by one."""
        self.env.cr.execute(
            SQL(
                "DELETE FROM bus_bus WHERE create_date < now() AT TIME ZONE 'UTC' - %s::interval",
                DELIVERED,
            )
        )
        rows = self.env.execute_query(SQL("SELECT id, message FROM bus_bus WHERE message IS NOT NULL"))
        ids = [id_ for id_, message in rows if self._stands_in(haystack, message)]
        self.env.cr.execute(SQL("DELETE FROM bus_bus WHERE id = ANY(%s)", ids))

    @staticmethod
    def _stands_in(haystack, value):
        """Whether anybody stands in a value, in one of its readings."""
        return any(
            haystack.stands_in(needle, text) for text in readings.texts(value) for needle in haystack.candidates(text)
        )

    def _filled_screens(self):
        """Transient models whose tables hold anything."""
        tables = {
            model._table: name
            for name, model in self.env.registry.items()
            if model._transient and model._auto and not model._abstract
        }
        rows = self.env.execute_query(
            SQL(
                """SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace
                      AND relkind = 'r' AND relname = ANY(%s) AND pg_relation_size(oid) > 0""",
                sorted(tables),
            )
        )
        return sorted(tables[table] for (table,) in rows)

    def _stored(self, model, types):
        """Names of a model's own columns of some types."""
        stored = (field for field in self.env[model]._fields.values() if field.store and field.column_type)
        return [field.name for field in stored if field.type in types]

    def _screens_about(self, model, partner_ids):
        """Rows that link to the people."""
        screens = self.env[model].sudo().with_context(active_test=False)
        links = [
            [(field.name, "in", partner_ids)]
            for field in screens._fields.values()
            if field.store and field.comodel_name == PERSON and field.type in ("many2one", "many2many")
        ]
        return set(screens.search(Domain.OR(links), order="id").ids) if links else set()

    def _screens_with_files(self, model, haystack):
        """Rows with a file, such as a list to be imported, in which anybody stands."""
        ids, table = set(), SQL.identifier(self.env[model]._table)
        for name in self._stored(model, FILE_TYPES):
            column = SQL.identifier(name)
            rows = self.env.execute_query(SQL("SELECT id, %s FROM %s WHERE %s IS NOT NULL", column, table, column))
            ids.update(id_ for id_, content in rows if self._stands_in(haystack, bytes(content)))
        return ids
