import os
import uuid
from collections import Counter
from datetime import date, datetime

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import SQL

from ..tools import canonical, commitment, fold
from ..tools.errors import NotCanonical

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
#: Who signs and verifies; groups of add-ons that are not installed have no users.
LEDGER_READERS = "client_consent.group_consent_manager,client_gdpr.group_gdpr_dpo,client_gdpr.group_gdpr_auditor"
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
INSERT = f"INSERT INTO consent_event ({', '.join(COLUMNS)}) VALUES %s RETURNING id"
#: What an event commits to. Other keys would be another algorithm.
PAYLOAD = canonical.Shape(
    "version",
    "receipt",
    "subject",
    "kind",
    "purpose",
    "lawful_basis",
    "channel",
    "address",
    "company",
    "source",
    "notice",
    "note",
    "at",
    "until",
    "recorded_at",
    "recorded_by",
    "detail",
    "evidence",
)
KNOWN = {
    "kind": frozenset(fold.STATE_OF_KIND),
    "source": frozenset(fold.SOURCES),
    "channel": frozenset(dict(CHANNEL_NAMES)),
}


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
    evidence_ids = fields.Many2many("consent.evidence", compute="_compute_evidence_ids")

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

    def _compute_evidence_ids(self):
        of_events = self.env["consent.evidence"]._of_events(self)
        for event in self:
            event.evidence_ids = of_events[event.id]

    # -- refused by the ORM too ----------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):  # pylint: disable=method-required-super
        raise UserError(self.env._("Consent events are appended by recording a consent, never made by hand."))

    def write(self, vals):  # pylint: disable=method-required-super
        raise UserError(self.env._("The consent ledger is append-only: record a new event that corrects the old one."))

    @api.ondelete(at_uninstall=False)
    def _refuse_unlink(self):
        raise UserError(self.env._("The consent ledger is append-only: nothing in it is deleted."))

    # -- receipts ------------------------------------------------------------------------------------

    def action_receipt(self):
        """Open the receipt in a tab of its own, to be read or printed."""
        self.ensure_one().check_access("read")
        return {"type": "ir.actions.act_url", "url": f"/consent/receipt/{self.id}", "target": "new"}

    def action_receipt_file(self):
        """Save the receipt for machines."""
        self.ensure_one().check_access("read")
        return {"type": "ir.actions.act_url", "url": f"/consent/receipt/{self.id}.json", "target": "self"}

    def action_send_receipt(self):
        """Mail the receipt to the person."""
        self.check_access("read")
        mails = self.env["consent.receipt"]._mail_by_hand(self)
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success",
                "message": self.env._("%s mail(s) with receipts are on their way.", len(mails)),
            },
        }

    # -- append --------------------------------------------------------------------------------------

    @api.model
    def _append(self, entries):
        """Append events with one statement and fold them into the bases with another.

        :param entries: dicts with records ``subject``, ``purpose``, ``company`` and optional ``notice``; texts
            ``kind``, ``source``, ``channel``, ``address`` and optional ``note``; moment ``at`` (UTC, no zone) and
            optional date ``until``; optional ``detail``, a dict of plain JSON values, and ``evidence``, records
        :return: the events, in the order of the entries
        :raises UserError: naming row and field, before anything is written
        """
        entries = list(entries)
        if not entries:
            return self
        self.env.flush_all()
        rows = self._prepare_rows(entries, fields.Datetime.now())
        ids = self.env.cr.execute_values(INSERT, rows, page_size=len(rows), fetch=True)
        events = self.browse(id_ for (id_,) in ids)
        self.env["consent.basis"]._fold(events)
        return events

    def _prepare_rows(self, entries, now):
        """The columns of the events, in the order of ``COLUMNS``; the payload holds everything, also what has none.

        What entries share is looked up and written in canonical form once.
        """
        for number, entry in enumerate(entries, 1):
            self._check_entry(entry, number, now)
        subjects = self._subject_numbers(entries)
        shared = {}

        def written(value):
            # the type too: True and 1 are equal
            key = (type(value), value)
            if key not in shared:
                shared[key] = canonical.canonical(value)
            return shared[key]

        by_user, version = self.env.uid, written(commitment.ALGORITHM)
        fixed = {
            "version": version,
            "recorded_at": written(f"{now.isoformat()}Z"),
            "recorded_by": written(by_user),
        }
        purposes, notices, rows = {}, {}, []
        for number, entry in enumerate(entries, 1):
            try:
                purpose, company, notice = entry["purpose"], entry["company"], entry.get("notice")
                at, until, receipt, salt = entry["at"], entry.get("until") or None, str(uuid.uuid4()), os.urandom(32)
                at = at.replace(microsecond=0) if at.microsecond else at
                if purpose.id not in purposes:
                    purposes[purpose.id] = (written(purpose.code), written(purpose.lawful_basis or None))
                code, lawful_basis = purposes[purpose.id]
                notice_key = (notice.id, company.id) if notice else None
                if notice_key not in notices:
                    notices[notice_key] = self._notice_bytes(notice, company, number)
                detail, evidence = entry.get("detail"), entry.get("evidence")
                payload = PAYLOAD(
                    {
                        **fixed,
                        "receipt": b'"%b"' % receipt.encode(),
                        "subject": subjects[entry["subject"].id],
                        "kind": written(entry["kind"]),
                        "purpose": code,
                        "lawful_basis": lawful_basis,
                        "channel": written(entry["channel"]),
                        "address": canonical.canonical(entry["address"]),
                        "company": written(company.id),
                        "source": written(entry["source"]),
                        "notice": notices[notice_key],
                        "note": written(entry.get("note") or None),
                        "at": written(f"{at.isoformat()}Z"),
                        "until": written(until and until.isoformat()),
                        "detail": canonical.canonical(detail) if detail else b"{}",
                        "evidence": canonical.canonical(evidence.sudo().mapped("sha256")) if evidence else b"[]",
                    }
                )
            except NotCanonical as error:
                raise UserError(
                    self.env._(
                        "Row %(row)s, detail %(where)s: only texts, whole numbers, yes or no and lists are kept.",
                        row=number,
                        where=error.where,
                    )
                ) from error
            rows.append(
                (
                    receipt,
                    entry["subject"].id,
                    purpose.id,
                    company.id,
                    notice.id if notice else None,
                    entry["kind"],
                    entry["source"],
                    entry["channel"],
                    entry["address"],
                    at,
                    until,
                    now,
                    by_user,
                    payload,
                    salt,
                    commitment.commit(salt, payload),
                    commitment.ALGORITHM,
                )
            )
        return rows

    def _subject_numbers(self, entries):
        """The subjects' random numbers in canonical form, read once: id → bytes."""
        ids = list({entry["subject"].id for entry in entries})
        rows = self.env.execute_query(SQL("SELECT id, uuid FROM consent_subject WHERE id = ANY(%s)", ids))
        return {id_: canonical.canonical(number) for id_, number in rows}

    def _notice_bytes(self, notice, company, number):
        """What the payload says about the text that was seen, in canonical form; refuses one nobody can have seen."""
        if not notice:
            return canonical.canonical(None)
        # the reader of an event may not be allowed to read every notice; its code, version and hash are no secret
        notice = notice.sudo()
        if notice.company_id and notice.company_id != company:
            raise UserError(
                self.env._("Row %s, notice: it belongs to another company. Choose one of this company.", number)
            )
        if notice.state == "draft":
            raise UserError(self.env._("Row %s, notice: it is a draft. Publish it first.", number))
        return canonical.canonical(
            {"code": notice.code, "version": notice.version, "lang": notice.lang, "sha256": notice.sha256}
        )

    def _check_entry(self, entry, number, now):
        """Refuse an entry the ledger could not keep, naming the row and the field."""
        for name, known in KNOWN.items():
            if entry[name] not in known:
                raise UserError(
                    self.env._(
                        "Row %(row)s, %(field)s: “%(value)s” is none of %(known)s.",
                        row=number,
                        field=name,
                        value=entry[name],
                        known=", ".join(sorted(known)),
                    )
                )
        address, at, until = entry["address"], entry["at"], entry.get("until")
        if not isinstance(address, str) or not address or "\0" in address or "\0" in (entry.get("note") or ""):
            raise UserError(self.env._("Row %s, address: it is missing, or holds signs that cannot be stored.", number))
        if not isinstance(at, datetime) or at.tzinfo or at > now:
            raise UserError(
                self.env._(
                    "Row %s, at: give a moment in UTC that has passed; record a consent when it was given.", number
                )
            )
        if until and (not isinstance(until, date) or isinstance(until, datetime)):
            raise UserError(self.env._("Row %s, until: give the last day as a date.", number))
        for name in ("subject", "purpose", "company"):
            if len(entry[name]) != 1 or not entry[name].id:
                raise UserError(self.env._("Row %(row)s, %(field)s: name exactly one.", row=number, field=name))

    @api.model
    def _clear(self, subjects):
        """Take the person out of the ledger: the one allowed transition, and their bases with it."""
        if not subjects:
            return
        self.env.flush_all()
        self.env["consent.evidence"]._erase(subjects)
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
    def ledger_sign(self):
        """Give every committed event its place, sign the ledger and return the checkpoint, a signed note.

        What the caller's own transaction appended is not committed yet, and so is not in it.
        """
        self._check_ledger_reader()
        # the checkpoint says how many events there are and nothing about them
        return self.env["consent.checkpoint"].sudo()._sign()

    @api.model
    def ledger_verify(self):
        """Compare the whole ledger with what was signed.

        :return: ``{"ok": bool, "size": int, "root": hex, "problems": [{"event": id or None, "why": str,
            "entry": place or None, "checkpoint": size or None}]}``
        """
        self._check_ledger_reader()
        # every company's events stand in one ledger; the answer has numbers only
        ledger = self.env["consent.verifier"].sudo()._verify()
        problems = ledger.problems()
        return {
            "ok": not problems,
            "size": ledger.size,
            "root": ledger.root,
            "problems": [
                {"event": found.event, "why": found.why, "entry": found.entry, "checkpoint": found.checkpoint}
                for found in problems
            ],
        }

    def action_verify(self):
        """Verify the ledger and show the result."""
        result = self.ledger_verify()
        if result["ok"]:
            message = self.env._("%s entries, each of them as it was signed.", result["size"])
        else:
            shown = [
                self.env._("Event %(event)s: %(why)s", event=problem["event"], why=problem["why"])
                if problem["event"]
                else problem["why"]
                for problem in result["problems"][:5]
            ]
            advice = self.env._(
                "%s problems. Do not sign and do not erase; keep a copy of the database.", len(result["problems"])
            )
            message = " · ".join([advice, *shown])
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success" if result["ok"] else "danger",
                "title": self.env._("The ledger verifies") if result["ok"] else self.env._("The ledger was changed"),
                "message": message,
                "sticky": not result["ok"],
            },
        }

    def _check_ledger_reader(self):
        if not self.env.user.has_groups(LEDGER_READERS):
            raise AccessError(self.env._("Only a consent manager or an auditor signs and verifies the ledger."))

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
