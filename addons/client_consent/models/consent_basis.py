from collections import defaultdict

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL, format_date

from ..tools import fold
from .consent_event import CHANNEL_NAMES, SOURCES

STATES = [
    ("requested", "Asked, no answer"),
    ("pending", "Waits for confirmation"),
    ("active", "Yes"),
    ("expired", "Expired"),
    ("refused", "Refused"),
    ("withdrawn", "Withdrawn"),
    ("objected", "Objected"),
]
KEY = ("subject_id", "purpose_id", "channel", "address", "company_id")


class ConsentBasis(models.Model):
    """The present answer to "may we, for this purpose, through this channel, to this address?".

    Rows are folded from the ledger by SQL and never written otherwise. Expiry is a date compared when
    asked: ``state`` says what the ledger says, ``answer`` what it means today.
    """

    _name = "consent.basis"
    _description = "Consent"
    _order = "purpose_id, channel, id"
    _log_access = False

    subject_id = fields.Many2one("consent.subject", required=True, readonly=True, index=True, ondelete="restrict")
    partner_id = fields.Many2one(related="subject_id.partner_id", string="Contact")
    purpose_id = fields.Many2one("consent.purpose", required=True, readonly=True, ondelete="restrict")
    company_id = fields.Many2one("res.company", required=True, readonly=True, ondelete="restrict")
    channel = fields.Selection(CHANNEL_NAMES, required=True, readonly=True)
    address = fields.Char(required=True, readonly=True)
    state = fields.Selection(STATES, "Recorded state", required=True, readonly=True)
    since = fields.Datetime(required=True, readonly=True)
    until = fields.Date(readonly=True, help="Last day on which it holds.")
    source = fields.Selection(SOURCES, "How obtained", readonly=True)
    voice = fields.Integer(required=True, readonly=True)
    event_ref = fields.Integer("Event", required=True, readonly=True)
    answer = fields.Selection(STATES, "May we?", compute="_compute_answer")
    lawful_basis = fields.Selection(related="purpose_id.lawful_basis")

    _one_per_key = models.Constraint(
        "unique(subject_id, purpose_id, channel, address, company_id)", "There is one answer per purpose and address."
    )
    _gate = models.Index("(purpose_id, channel, company_id, subject_id, address, until) WHERE state = 'active'")
    _vetoes = models.Index(
        "(purpose_id, channel, company_id, address) WHERE state IN ('refused', 'withdrawn', 'objected')"
    )

    @api.depends("state", "until")
    def _compute_answer(self):
        today = fields.Date.today()
        for basis in self:
            past = basis.state in fold.ENDING_STATES and basis.until and basis.until < today
            basis.answer = "expired" if past else basis.state

    @api.model_create_multi
    def create(self, vals_list):  # pylint: disable=method-required-super
        raise UserError(self.env._("A consent changes only by recording an event."))

    def write(self, vals):  # pylint: disable=method-required-super
        raise UserError(self.env._("A consent changes only by recording an event."))

    @api.ondelete(at_uninstall=False)
    def _refuse_unlink(self):
        raise UserError(self.env._("A consent changes only by recording an event."))

    # -- fold ----------------------------------------------------------------------------------------

    @api.model
    def _fold(self, events):
        """Fold events into the rows, set-based: ``tools.fold`` is the specification.

        :param events: events just appended, or nothing for the whole ledger
        """
        only = SQL("AND id = ANY(%s)", events.ids) if events is not None else SQL()
        self.env.cr.execute(
            SQL(
                """WITH spoken AS (
                       SELECT *, CASE WHEN kind IN ('requested', 'pending') THEN 0
                                      WHEN kind = 'informed' OR (kind = 'given' AND NOT source = ANY(%(own)s)) THEN 1
                                      ELSE 2 END AS voice
                         FROM consent_event WHERE subject_id IS NOT NULL %(only)s
                   ), winner AS (
                       SELECT DISTINCT ON (subject_id, purpose_id, channel, address, company_id)
                              subject_id, purpose_id, channel, address, company_id, kind, at, until, source, voice, id,
                              CASE kind WHEN 'given' THEN 'active' WHEN 'informed' THEN 'active' ELSE kind END AS state
                         FROM spoken
                     ORDER BY subject_id, purpose_id, channel, address, company_id, voice DESC, at DESC, id DESC
                   )
                   INSERT INTO consent_basis
                          (subject_id, purpose_id, channel, address, company_id,
                            state, since, until, source, voice, event_ref)
                   SELECT subject_id, purpose_id, channel, address, company_id, state, at,
                          CASE WHEN state = ANY(%(ending)s) THEN until END, source, voice, id
                     FROM winner
                   ON CONFLICT (subject_id, purpose_id, channel, address, company_id) DO UPDATE
                      SET state = EXCLUDED.state, since = EXCLUDED.since, until = EXCLUDED.until,
                          source = EXCLUDED.source, voice = EXCLUDED.voice, event_ref = EXCLUDED.event_ref
                    WHERE (EXCLUDED.voice, EXCLUDED.since, EXCLUDED.event_ref)
                          > (consent_basis.voice, consent_basis.since, consent_basis.event_ref)""",
                own=list(fold.OWN_SOURCES),
                ending=list(fold.ENDING_STATES),
                only=only,
            )
        )
        self.env["consent.basis"].invalidate_model()
        self.env["res.partner"].invalidate_model(
            ["consent_basis_ids", "consent_banner", "consent_quarantined", "consent_address_changed"]
        )

    def _stored_rows(self):
        """Every row as a tuple without its id, to compare two folds."""
        return self.env.execute_query(
            SQL(
                """SELECT subject_id, purpose_id, channel, address, company_id,
                          state, since, until, source, voice, event_ref
                     FROM consent_basis"""
            )
        )

    # -- reading -------------------------------------------------------------------------------------

    @api.model
    def _of_people(self, partner_ids):
        """What contacts allowed in the allowed companies, and whether the same address said no on another record.

        One query, whose rows are in the cache afterwards: every contact that is opened asks it.

        :return: contact id → [(basis, vetoed)], by purpose and channel
        """
        for name in ("consent.subject", "consent.purpose"):
            self.env[name].flush_model()
        rows = self.env.execute_query(self._of_people_sql(list(partner_ids))) if partner_ids else []
        bases = self.browse(id_ for _partner_id, _vetoed, id_, *_values in rows)
        for number, field in enumerate(self._stored_fields(), 3):
            field._insert_cache(bases, [row[number] for row in rows])
        place = {id_: number for number, id_ in enumerate(self.env["consent.purpose"]._names(self.env.lang))}
        found = defaultdict(list)
        for basis, (partner_id, vetoed, *_values) in zip(bases, rows, strict=True):
            found[partner_id].append((basis, vetoed))
        for of_person in found.values():
            of_person.sort(key=lambda row: (place[row[0].purpose_id.id], row[0].channel, row[0].id))
        return found

    def _of_people_sql(self, partner_ids):
        return SQL(
            """SELECT s.partner_id,
                      b.state = 'active' AND EXISTS (
                          SELECT FROM consent_basis v
                           WHERE v.purpose_id = b.purpose_id AND v.channel = b.channel
                             AND v.company_id = b.company_id AND v.address = b.address
                             AND v.state IN ('refused', 'withdrawn', 'objected')),
                      b.id, %(columns)s
                 FROM consent_subject s
                 JOIN consent_basis b ON b.subject_id = s.id
                WHERE s.partner_id = ANY(%(partner_ids)s) AND b.company_id = ANY(%(company_ids)s)""",
            columns=SQL(", ").join(SQL.identifier("b", field.name) for field in self._stored_fields()),
            partner_ids=partner_ids,
            company_ids=self.env.companies.ids,
        )

    def _stored_fields(self):
        return [field for field in self._fields.values() if field.store and field.name != "id"]

    # -- words ---------------------------------------------------------------------------------------

    def _sentence(self):
        """One line of the banner: what may be done, or not, and why."""
        self.ensure_one()
        channel = dict(self._fields["channel"]._description_selection(self.env))[self.channel]
        what = self.env._("%(purpose)s (%(channel)s)", purpose=self.purpose_id.display_name, channel=channel)
        since = format_date(self.env, self.since.date(), date_format="d MMM y")
        how = dict(self._fields["source"]._description_selection(self.env)).get(self.source, "").lower()
        match self.answer:
            case "active" if self.until:
                return self.env._(
                    "%(what)s until %(until)s",
                    what=what,
                    until=format_date(self.env, self.until, date_format="d MMM y"),
                )
            case "active":
                return what
            case "withdrawn":
                return self.env._("%(what)s: withdrawn %(since)s", what=what, since=since)
            case "objected":
                return self.env._("%(what)s: objected %(since)s", what=what, since=since)
            case "refused":
                return self.env._("%(what)s: refused %(since)s", what=what, since=since)
            case "expired":
                return self.env._(
                    "%(what)s: ended %(until)s",
                    what=what,
                    until=format_date(self.env, self.until, date_format="d MMM y"),
                )
            case _:
                return self.env._("%(what)s: asked %(since)s, no answer yet (%(how)s)", what=what, since=since, how=how)

    # -- buttons -------------------------------------------------------------------------------------

    def action_add_evidence(self):
        """Open the dialog that hands in the evidence this answer waits for."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("client_consent.action_consent_evidence_wizard")
        action["context"] = {"default_basis_id": self.id}
        return action
