import os
import uuid
from collections import Counter

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import SQL

from ..tools import canonical, commitment, fold

KINDS = [
    ("requested", "Asked"),
    ("pending", "Waits for confirmation"),
    ("given", "Given"),
    ("informed", "Informed"),
    ("refused", "Refused"),
    ("withdrawn", "Withdrawn"),
    ("objected", "Objected"),
]
SOURCES = [
    ("paper", "Paper form"),
    ("in_person", "In person"),
    ("phone", "Phone call"),
    ("sms_keyword", "SMS keyword"),
    ("email", "E-mail"),
    ("web_form", "Web form"),
    ("popup", "Pop-up"),
    ("portal", "Portal"),
    ("contract", "Contract"),
    ("event", "Event, business card"),
    ("import", "Import"),
    ("api", "Another system"),
    ("referral", "Referral"),
    ("enrichment", "Enrichment service"),
    ("public", "Public source"),
    ("bought", "Bought list"),
]
CHANNEL_NAMES = [
    ("email", "E-mail"),
    ("sms", "SMS"),
    ("phone", "Phone"),
    ("post", "Post"),
    ("messenger", "Messenger"),
]
#: What an erasure clears together, once; everything else of an event stands for ever.
PERSONAL = ("payload", "salt", "subject_id", "address")
COLUMNS = (
    "uuid",
    "subject_id",
    "purpose_id",
    "company_id",
    "notice_id",
    "kind",
    "source",
    "channel",
    "address",
    "at",
    "until",
    "recorded_at",
    "recorded_by",
    "payload",
    "salt",
    "commitment",
    "algorithm",
)


class ConsentEvent(models.Model):
    """One line of the append-only ledger. Its canonical bytes are the truth, its columns are copies.

    PostgreSQL refuses UPDATE, DELETE and TRUNCATE. One transition is allowed: an erasure clears the
    personal payload, the salt, the subject and the address together, once; the commitment stays.
    """

    _name = "consent.event"
    _description = "Consent Event"
    _order = "at desc, id desc"
    _rec_name = "uuid"
    _log_access = False

    uuid = fields.Char("Receipt", required=True, readonly=True)
    subject_id = fields.Many2one("consent.subject", readonly=True, index="btree_not_null", ondelete="restrict")
    partner_id = fields.Many2one(related="subject_id.partner_id", string="Contact")
    purpose_id = fields.Many2one("consent.purpose", required=True, readonly=True, index=True, ondelete="restrict")
    company_id = fields.Many2one("res.company", required=True, readonly=True, ondelete="restrict")
    notice_id = fields.Many2one("consent.notice", "Text seen", readonly=True, ondelete="restrict")
    kind = fields.Selection(KINDS, "What", required=True, readonly=True)
    source = fields.Selection(SOURCES, "How", required=True, readonly=True)
    channel = fields.Selection(CHANNEL_NAMES, required=True, readonly=True)
    address = fields.Char(readonly=True)
    at = fields.Datetime("When", required=True, readonly=True)
    until = fields.Date(readonly=True)
    recorded_at = fields.Datetime("Recorded", required=True, readonly=True)
    recorded_by = fields.Integer("Recorded by (user number)", required=True, readonly=True)
    payload = fields.Binary(attachment=False, readonly=True, groups=fields.NO_ACCESS)
    salt = fields.Binary(attachment=False, readonly=True, groups=fields.NO_ACCESS)
    commitment = fields.Char(required=True, readonly=True)
    algorithm = fields.Char(required=True, readonly=True)

    _uuid_once = models.Constraint("unique(uuid)", "Two events cannot have one receipt number.")
    _negatives = models.Index(
        "(address, purpose_id) WHERE kind IN ('refused', 'withdrawn', 'objected') AND address IS NOT NULL"
    )

    def init(self):
        """Let the database itself keep the ledger append-only, whoever writes."""
        personal = [SQL("- %s", name) for name in PERSONAL]
        self.env.cr.execute(
            SQL(
                """CREATE OR REPLACE FUNCTION consent_event_guard() RETURNS trigger AS $guard$
                   BEGIN
                       IF TG_OP = 'UPDATE' THEN
                           IF OLD.payload IS NOT NULL AND NEW.payload IS NULL AND NEW.salt IS NULL
                              AND NEW.subject_id IS NULL AND NEW.address IS NULL
                              AND (to_jsonb(OLD) %(personal)s) = (to_jsonb(NEW) %(personal)s) THEN
                               RETURN NEW;
                           END IF;
                       END IF;
                       RAISE EXCEPTION 'consent_event is append-only: %% refused', TG_OP
                             USING ERRCODE = 'restrict_violation';
                   END $guard$ LANGUAGE plpgsql;
                   DROP TRIGGER IF EXISTS consent_event_guard_rows ON consent_event;
                   CREATE TRIGGER consent_event_guard_rows BEFORE UPDATE OR DELETE ON consent_event
                       FOR EACH ROW EXECUTE FUNCTION consent_event_guard();
                   DROP TRIGGER IF EXISTS consent_event_guard_table ON consent_event;
                   CREATE TRIGGER consent_event_guard_table BEFORE TRUNCATE ON consent_event
                       FOR EACH STATEMENT EXECUTE FUNCTION consent_event_guard();""",
                personal=SQL(" ").join(personal),
            )
        )

    # -- refused by the ORM too ----------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):  # pylint: disable=method-required-super
        raise UserError(self.env._("Consent events are appended by recording a consent, never made by hand."))

    def write(self, vals):  # pylint: disable=method-required-super
        raise UserError(self.env._("The consent ledger is append-only: record a new event that corrects the old one."))

    @api.ondelete(at_uninstall=False)
    def _refuse_unlink(self):
        raise UserError(self.env._("The consent ledger is append-only: nothing in it is deleted."))

    # -- append --------------------------------------------------------------------------------------

    @api.model
    def _append(self, entries):
        """Append events with one statement and fold them into the bases with another.

        :param entries: dicts with records ``subject``, ``purpose``, ``company`` and optional ``notice``; texts
            ``kind``, ``source``, ``channel``, ``address`` and optional ``note``; moment ``at`` and
            optional date ``until``
        :return: the events, in the order of the entries
        """
        if not entries:
            return self
        now = fields.Datetime.now()
        rows = [self._prepare_row(entry, now) for entry in entries]
        columns = SQL(", ").join(map(SQL.identifier, COLUMNS))
        values = SQL(", ").join(SQL("(%s)", SQL(", ").join(SQL("%s", row[name]) for name in COLUMNS)) for row in rows)
        self.env.flush_all()
        ids = self.env.execute_query(SQL("INSERT INTO consent_event (%s) VALUES %s RETURNING id", columns, values))
        events = self.browse(id_ for (id_,) in ids)
        self.env["consent.basis"]._fold(events)
        return events

    def _prepare_row(self, entry, now):
        """The columns of one event, from its entry; the payload holds everything, also what has no column."""
        if entry["kind"] not in fold.STATE_OF_KIND or entry["source"] not in fold.SOURCES:
            raise UserError(self.env._("This is no event the consent ledger knows."))
        notice = entry.get("notice") or self.env["consent.notice"]
        number, salt = str(uuid.uuid4()), os.urandom(commitment.SALT_BYTES)
        payload = canonical.canonical(
            {
                "version": commitment.ALGORITHM,
                "receipt": number,
                "subject": entry["subject"].uuid,
                "kind": entry["kind"],
                "purpose": entry["purpose"].code,
                "lawful_basis": entry["purpose"].lawful_basis,
                "channel": entry["channel"],
                "address": entry["address"],
                "company": entry["company"].id,
                "source": entry["source"],
                "notice": {"code": notice.code, "version": notice.version, "lang": notice.lang, "sha256": notice.sha256}
                if notice
                else None,
                "note": entry.get("note") or None,
                "at": canonical.moment(entry["at"]),
                "until": entry.get("until") or None,
                "recorded_at": canonical.moment(now),
                "recorded_by": self.env.uid,
            }
        )
        return {
            "uuid": number,
            "subject_id": entry["subject"].id,
            "purpose_id": entry["purpose"].id,
            "company_id": entry["company"].id,
            "notice_id": notice.id or None,
            "kind": entry["kind"],
            "source": entry["source"],
            "channel": entry["channel"],
            "address": entry["address"],
            "at": entry["at"],
            "until": entry.get("until") or None,
            "recorded_at": now,
            "recorded_by": self.env.uid,
            "payload": payload,
            "salt": salt,
            "commitment": commitment.commit(salt, payload),
            "algorithm": commitment.ALGORITHM,
        }

    @api.model
    def _clear(self, subjects):
        """Take the person out of the ledger: the one allowed transition, and their bases with it."""
        if not subjects:
            return
        self.env.flush_all()
        self.env.cr.execute(SQL("DELETE FROM consent_basis WHERE subject_id = ANY(%s)", subjects.ids))
        self.env.cr.execute(
            SQL(
                """UPDATE consent_event SET payload = NULL, salt = NULL, subject_id = NULL, address = NULL
                    WHERE subject_id = ANY(%s)""",
                subjects.ids,
            )
        )
        self.env.invalidate_all()

    # -- check ---------------------------------------------------------------------------------------

    @api.model
    def basis_rebuild(self):
        """Fold the whole ledger anew and put the result in place of the bases.

        :return: ``{"checked": int, "differing": int}``, differing being 0 unless somebody changed the bases
        """
        if not self.env.user.has_group("client_consent.group_consent_manager"):
            raise AccessError(self.env._("Only a consent manager compares the ledger with the bases."))
        basis = self.env["consent.basis"]
        self.env.flush_all()
        stored = Counter(basis._stored_rows())
        self.env.cr.execute("DELETE FROM consent_basis")
        basis._fold(None)
        folded = Counter(basis._stored_rows())
        self.env.invalidate_all()
        return {"checked": folded.total(), "differing": ((stored - folded) | (folded - stored)).total()}
