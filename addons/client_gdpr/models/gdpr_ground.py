from datetime import date

from odoo import api, models
from odoo.tools import SQL

from ..tools.plan import Ground


class GdprGround(models.AbstractModel):
    """Why a person's data is kept: the answers of all providers, as values.

    A provider is a method that returns ``SQL`` with the columns partner_id, kind, code, law, until, scope
    (text array), model, res_id, label for the contacts in ``partner_ids``, a list; a row may come twice. Glue add-ons
    add theirs in ``_get_providers``. All providers are asked about all contacts at once, by one statement.
    """

    _name = "gdpr.ground"
    _description = "Grounds for Keeping Data"

    @api.model
    def _get_providers(self):
        """The provider methods: name → kind of its grounds, ``obliging`` or ``permitting``."""
        return {"_consent_ground_sql": "permitting", "_hold_ground_sql": "obliging"}

    @api.model
    def _grounds(self, partner_ids, kind=None):
        """Every ground for the contacts, or those of a kind; obliging ones first, latest end first."""
        query = self._grounds_sql(list(partner_ids), kind)
        if not partner_ids or not query:
            return ()
        self.env.flush_all()
        [(rows,)] = self.env.execute_query(SQL("SELECT json_agg(q) FROM (%s) q", query))
        return self._from_rows(rows or ())

    @api.model
    def _grounds_sql(self, partner_ids, kind=None):
        """What all providers say, or those of a kind, as one query with named columns; nothing without a provider."""
        names = [name for name, of_kind in self._get_providers().items() if kind in (None, of_kind)]
        queries = [SQL("(%s)", getattr(self, name)(partner_ids)) for name in names]
        return queries and SQL(
            "SELECT * FROM (%s) told (partner_id, kind, code, law, until, scope, model, res_id, label)",
            SQL(" UNION ALL ").join(queries),
        )

    @api.model
    def _from_rows(self, rows):
        """Grounds from rows of :meth:`_grounds_sql`, dates as ISO text; obliging ones first, latest end first."""
        grounds = [
            Ground(
                **row
                | {
                    "law": row["law"] or "",
                    "until": row["until"] and date.fromisoformat(row["until"]),
                    "scope": frozenset(row["scope"] or ()),
                    "label": row["label"] or "",
                }
            )
            for row in rows
        ]
        return tuple(
            sorted(
                dict.fromkeys(grounds),
                key=lambda g: (g.kind, -(g.until.toordinal() if g.until else 10**7), g.model, g.res_id),
            )
        )

    def _hold_ground_sql(self, partner_ids):
        """Holds that run, GDPR Art. 17(3)(e) and (b): obliging for everything."""
        return SQL(
            """SELECT r.res_partner_id, 'obliging', 'hold', h.law, h.until, %s::text[], 'gdpr.hold', h.id, h.name
                 FROM gdpr_hold h JOIN gdpr_hold_res_partner_rel r ON r.gdpr_hold_id = h.id
                WHERE r.res_partner_id = ANY(%s) AND h.released_at IS NULL
                  AND (h.until IS NULL OR h.until >= (now() AT TIME ZONE 'UTC')::date)""",
            list(self.env["gdpr.planner"]._personal_fields("res.partner")),
            partner_ids,
        )

    def _consent_ground_sql(self, partner_ids):
        """Consents in force, Art. 6(1)(a) and (f): permitting."""
        return SQL(
            """SELECT s.partner_id, 'permitting', 'consent',
                      CASE p.lawful_basis WHEN 'consent' THEN 'GDPR Art. 6(1)(a)' ELSE 'GDPR Art. 6(1)(f)' END,
                      max(b.until)::date, NULL::text[], 'consent.purpose', p.id, p.code
                 FROM consent_basis b
                 JOIN consent_subject s ON s.id = b.subject_id
                 JOIN consent_purpose p ON p.id = b.purpose_id
                WHERE s.partner_id = ANY(%s) AND b.state = 'active'
                  AND (b.until IS NULL OR b.until >= (now() AT TIME ZONE 'UTC'))
                  AND p.lawful_basis IN ('consent', 'legitimate_interest')
             GROUP BY s.partner_id, p.id""",
            partner_ids,
        )
