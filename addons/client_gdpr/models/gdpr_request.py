import base64
import json
import logging

import psycopg2
from markupsafe import Markup
from odoo import api, fields, models
from odoo.addons.client_consent.models.consent_purpose import BY_EVENT
from odoo.addons.client_consent.tools import keys
from odoo.exceptions import AccessError, UserError
from odoo.tools import format_date

from ..tools.identity import Choice
from ..tools.plan import Case, Reading
from .gdpr_data_map import PERSON

_logger = logging.getLogger(__name__)

STATES = [
    ("received", "Received"),
    ("identified", "Identified"),
    ("planned", "Planned"),
    ("submitted", "Waits for approval"),
    ("approved", "Approved"),
    ("executing", "Executing"),
    ("executed", "Executed"),
    ("answered", "Answered"),
    ("refused", "Refused"),
    ("cancelled", "Cancelled"),
    ("failed", "Failed"),
]
#: Nothing was carried out yet, or not all of it; and: the answer is still owed.
UNFINISHED = ("received", "identified", "planned", "submitted", "approved", "executing", "failed")
OPEN = (*UNFINISHED, "executed")
#: Whose records are taken along may be said until somebody approves the plan, or the answer goes out.
STATES_OF_CHOICE = ("received", "identified", "planned", "executed")
#: What destroys needs a second pair of eyes; the other rights are carried out once it is clear who asks.
APPROVED_KINDS = ("erasure",)
#: What is answered by a copy of the person's data.
ANSWERED_KINDS = ("access", "portability")
#: Art. 18(1): on which of its grounds a person may have the use of their data stopped.
RESTRICTION_REASONS = [
    ("accuracy", "(a) The person says that the data is wrong"),
    ("unlawful", "(b) The use is unlawful, and the person does not want it erased"),
    ("claims", "(c) We need it no longer, the person needs it for a legal claim"),
    ("objection", "(d) The person objected, and it is not yet clear whose interest prevails"),
    ("other", "Another reason"),
]
#: How the person was told that the restriction ends, Art. 18(3).
TOLD_BY = [("email", "By e-mail"), ("paper", "By letter"), ("phone", "By phone"), ("in_person", "In person")]
#: Who reads what is held about the person of an access request.
ANSWER_GROUPS = "client_gdpr.group_gdpr_handler,client_gdpr.group_gdpr_dpo"
#: Records of a model on the page; the file has them all.
LONGEST_ON_SCREEN = 50
#: What the ledger calls a way in which a request came, where it has another word.
OBJECTION_SOURCES = {"sms": "sms_keyword", "other": "in_person"}
SOURCES = [
    ("in_person", "In person"),
    ("phone", "By phone"),
    ("email", "By e-mail"),
    ("paper", "By letter"),
    ("portal", "In the portal"),
    ("web_form", "Web form"),
    ("sms", "By SMS"),
    ("api", "Another system"),
    ("other", "Otherwise"),
]


#: Art. 12(6): more is asked for only where there are reasonable doubts.
PROOFS = [
    ("login", "Portal login"),
    ("known", "Known to us in person"),
    ("address", "Wrote from the address we hold"),
    ("callback", "Called back on the number we hold"),
    ("document", "Showed a document"),
]


class GdprRequest(models.Model):
    """One person's exercise of a right, from arrival to answer.

    The states and the way between them: received → identified → planned → submitted → approved →
    executing → executed → answered for an erasure; identified → executed → answered for access and
    restriction, which holds until it is lifted.
    """

    _name = "gdpr.request"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _description = "Privacy Request"
    _order = "deadline, id"

    name = fields.Char("Number", required=True, readonly=True, copy=False, default="/")
    kind = fields.Selection(
        [
            ("access", "Show me"),
            ("rectification", "Change me"),
            ("objection", "I object"),
            ("portability", "Take my data along"),
            ("restriction", "Stop using me"),
            ("erasure", "Delete me"),
        ],
        "Right",
        required=True,
        readonly=True,
        tracking=True,
    )
    state = fields.Selection(STATES, default="received", required=True, readonly=True, copy=False, tracking=True)
    partner_ids = fields.Many2many(PERSON, string="Person", readonly=True, copy=False, context={"active_test": False})
    subject_label = fields.Char("Concerns", readonly=True, help="The contact's number; it stays when the name is gone.")
    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, default=lambda self: self.env.company, index=True
    )
    received_at = fields.Datetime("Received", required=True, readonly=True)
    source = fields.Selection(SOURCES, "Came", required=True, readonly=True, default="in_person")
    note = fields.Text(readonly=True)
    handler_id = fields.Many2one("res.users", readonly=True, tracking=True)
    submitter_id = fields.Many2one("res.users", "Submitted by", readonly=True)
    approver_id = fields.Many2one("res.users", "Approved by", readonly=True, tracking=True)
    approved_at = fields.Datetime("Approved on", readonly=True)
    erased_at = fields.Datetime("Erased on", readonly=True, copy=False, help="The verification may still be under way.")
    queue = fields.Selection(
        [("plan", "to be planned"), ("erase", "to be erased"), ("verify", "to be verified")],
        "Waits for the scheduled job",
        readonly=True,
        copy=False,
    )
    executed_at = fields.Datetime("Executed on", readonly=True)
    answered_at = fields.Datetime("Answered on", readonly=True)
    deadline = fields.Date("Due", readonly=True, tracking=True)
    extended_deadline = fields.Date("Due after extension", readonly=True, tracking=True)
    extension_reason = fields.Char("Reason of the extension", readonly=True)
    deadline_explained = fields.Char("How the date is counted", readonly=True)
    days_left = fields.Integer(compute="_compute_days_left")
    closing_reason = fields.Char("Reason of refusal or cancellation", readonly=True)
    failure = fields.Text(readonly=True, help="What went wrong or is left over, by place and number.")
    plan_id = fields.Many2one("gdpr.plan", readonly=True, copy=False, index="btree_not_null", ondelete="set null")
    plan_line_ids = fields.One2many(related="plan_id.line_ids", string="What happens")
    review_line_ids = fields.Many2many("gdpr.plan.line", string="To decide", compute="_compute_plan_html")
    plan_html = fields.Html("What happens", compute="_compute_plan_html", sanitize=False)
    undecided_count = fields.Integer(related="plan_id.undecided_count")
    certificate_ids = fields.One2many("gdpr.certificate", "request_id", readonly=True)
    certificate_html = fields.Html(compute="_compute_certificate_html", sanitize=False)
    answer_html = fields.Html("Answer", compute="_compute_answer_html", sanitize=False, groups=ANSWER_GROUPS)
    answer_gaps = fields.Html(
        "Gaps in the answer", compute="_compute_answer_html", sanitize=False, groups=ANSWER_GROUPS
    )
    package_ids = fields.One2many("gdpr.package", "request_id", "Packages", readonly=True)
    package_id = fields.Many2one("gdpr.package", readonly=True, copy=False, index="btree_not_null")
    package_state = fields.Selection(related="package_id.state", string="State of the package")
    package_progress = fields.Float(related="package_id.progress", string="Progress of the package", aggregator=None)
    package_failure = fields.Text(related="package_id.failure", string="Why the package failed")
    package_size = fields.Char(related="package_id.size_shown", string="Size of the package")
    package_files = fields.Integer(related="package_id.file_count", string="Files in the package")
    package_missing = fields.Integer(related="package_id.missing_count", string="Files that are gone")
    package_ends_at = fields.Datetime(related="package_id.ends_at", string="The package is deleted on")
    package_link_sent_at = fields.Datetime(related="package_id.link_sent_at", string="Link sent on")
    package_downloads = fields.Integer(related="package_id.download_count", string="Downloads of the package")
    package_mentions = fields.Integer(related="package_id.mention_count", string="Mentions by others in the package")
    package_withheld = fields.Integer(related="package_id.withheld_count", string="Places taken out of the package")
    package_passphrase_seen_at = fields.Datetime(related="package_id.passphrase_seen_at", string="Pass phrase shown on")
    identity_ids = fields.One2many("gdpr.identity.candidate", "request_id", "Who is it?", readonly=True)
    open_identity_count = fields.Integer(compute="_compute_open_identity_count")
    index_note = fields.Char(compute="_compute_index_note")
    identity_proof = fields.Selection(
        PROOFS, "Identity", readonly=True, help="How we know that the person who asks is the person concerned."
    )
    mention_ids = fields.One2many(
        "gdpr.mention", "request_id", "In conversations and files", readonly=True, groups=ANSWER_GROUPS
    )
    words_state = fields.Selection([("waiting", "Being read"), ("done", "Read")], "Texts", readonly=True, copy=False)
    words_at = fields.Datetime("Texts read on", readonly=True, copy=False)
    identity_payload = fields.Binary(attachment=False, readonly=True, copy=False, groups=fields.NO_ACCESS)
    take_out_payload = fields.Binary(attachment=False, readonly=True, copy=False, groups=fields.NO_ACCESS)
    asked_payload = fields.Binary(attachment=False, readonly=True, copy=False, groups=fields.NO_ACCESS)
    correction_html = fields.Html(
        "What is corrected", compute="_compute_correction_html", sanitize=False, groups=ANSWER_GROUPS
    )
    corrected = fields.Json(readonly=True, copy=False, help="Which fields of how many records, never the values.")
    recipient_ids = fields.Many2many(
        PERSON,
        "gdpr_request_recipient_rel",
        string="Recipients told",
        readonly=True,
        copy=False,
        help="Those to whom the wrong data had been given. They were written to when it was corrected (Art. 19); "
        "tell the person who they are when they ask.",
    )
    purpose_id = fields.Many2one(
        "consent.purpose",
        "Objects to",
        readonly=True,
        ondelete="restrict",
        help="Empty: to all advertising and everything else that needs no more than an interest of the company.",
    )
    replay_id = fields.Many2one(
        "gdpr.replay", "Erased again after a restore", readonly=True, index="btree_not_null", ondelete="restrict"
    )
    deferred_id = fields.Many2one(
        "gdpr.deferred", "Finishes", readonly=True, index="btree_not_null", ondelete="restrict"
    )
    replay_reference = fields.Char("Tombstone", readonly=True, help="The erasure that this one repeats.")
    may_approve = fields.Boolean(compute="_compute_may_approve")
    restriction_reason = fields.Selection(
        RESTRICTION_REASONS, "Why the use stops", readonly=True, tracking=True, help="Art. 18(1)"
    )
    restricted_until = fields.Date(
        readonly=True,
        help="Nothing is lifted by itself: on this day the handler is reminded to look at it again.",
    )
    lift_told_on = fields.Date("Person told that it ends", readonly=True, tracking=True, help="Art. 18(3)")
    lift_told_by = fields.Selection(TOLD_BY, "Told", readonly=True)
    lifted_at = fields.Datetime("Lifted on", readonly=True, tracking=True)
    lifted_by_id = fields.Many2one("res.users", "Lifted by", readonly=True)
    lift_letter = fields.Html("Text to the person", compute="_compute_lift_letter", sanitize=False)
    lift_reason = fields.Char("Why it was lifted", readonly=True)
    sealed_count = fields.Integer("Sealed records", compute="_compute_sealed_count")
    may_weigh = fields.Boolean(compute="_compute_may_weigh")

    _due = models.Index("(deadline) WHERE state NOT IN ('answered', 'refused', 'cancelled')")
    _queued = models.Index("(queue, id) WHERE queue IS NOT NULL")
    _number_once = models.Constraint("unique(name, company_id)", "This number is taken already.")

    # -- computes ------------------------------------------------------------------------------------

    @api.depends("deadline", "extended_deadline", "state")
    def _compute_days_left(self):
        today = fields.Date.context_today(self)
        for request in self:
            due = request.extended_deadline or request.deadline
            request.days_left = (due - today).days if due and request.state in OPEN else 0

    @api.depends("state")
    @api.depends_context("lang")
    def _compute_index_note(self):
        note = self.env["gdpr.data.path"]._indexes_note()
        for request in self:
            request.index_note = note if request.state in OPEN else False

    @api.depends("identity_ids.included", "identity_ids.decided_by_id", "state")
    def _compute_open_identity_count(self):
        for request in self:
            open_ = request.identity_ids.filtered(lambda line: line.grade != "name_only" and not line.included)
            waiting = open_.filtered(lambda line: not line.decided_by_id)
            request.open_identity_count = len(waiting) if request._may_choose() else 0

    @api.depends("plan_id.line_ids.decision")
    @api.depends_context("lang")
    def _compute_plan_html(self):
        for request in self:
            lines = request.plan_id.line_ids
            request.review_line_ids = lines.filtered(lambda line: line.action == "review")
            request.plan_html = False
            if lines:
                planned = self.env["gdpr.reporter"]._plan_lines(lines._rulings())
                request.plan_html = self.env["ir.qweb"]._render("client_gdpr.plan_preview", {"lines": planned})

    @api.depends("certificate_ids.document")
    @api.depends_context("lang")
    def _compute_certificate_html(self):
        for request in self:
            request.certificate_html = request.certificate_ids[:1].readable or False

    @api.depends("kind", "state", "partner_ids", "identity_ids.included")
    @api.depends_context("lang")
    def _compute_answer_html(self):
        """The answer is written afresh each time it is read: the request keeps no copy of the person's data."""
        for request in self:
            request.answer_html = request.answer_gaps = False
            if request.kind in ANSWERED_KINDS and request.state in ("executed", "answered") and request.partner_ids:
                if any(partner.gdpr_state == "restricted" for partner in request.partner_ids):
                    request.answer_html = self.env["ir.qweb"]._render("client_gdpr.answer_restricted", {})
                    continue
                values = request._answer_values(LONGEST_ON_SCREEN)
                request.answer_html = self.env["gdpr.reporter"]._answer_page(values)
                if values["gaps"]:
                    request.answer_gaps = Markup("<ul class='mb-0'>%s</ul>") % Markup().join(
                        Markup("<li>%s</li>") % gap for gap in values["gaps"]
                    )

    @api.depends("state", "corrected", "asked_payload")
    @api.depends_context("lang")
    def _compute_correction_html(self):
        """What would be corrected, looked up afresh, and afterwards what was: fields and counts, no values."""
        for request in self:
            lines = counts = hindrance = None
            if request.kind == "rectification" and request.state in UNFINISHED:
                try:
                    places, wanted = request._asked_places()
                    lines = self.env["gdpr.reporter"]._correction_lines(places[:LONGEST_ON_SCREEN], wanted)
                    more = len(places) - len(lines)
                except UserError as error:
                    # the page opens all the same, and says why this cannot be carried out as it was asked
                    hindrance = str(error)
            elif request.corrected:
                counts = self.env["gdpr.reporter"]._corrected_lines(request.corrected)
            request.correction_html = (lines or counts or hindrance) and self.env["ir.qweb"]._render(
                "client_gdpr.correction",
                {"places": lines, "more": lines and more, "counts": counts, "hindrance": hindrance},
            )

    @api.depends("kind", "executed_at")
    @api.depends_context("lang")
    def _compute_lift_letter(self):
        for request in self:
            request.lift_letter = request.kind == "restriction" and self.env["ir.qweb"]._render(
                "client_gdpr.restriction_end_letter",
                {
                    "number": request.name,
                    "since": format_date(self.env, request.executed_at, date_format="d MMMM y"),
                    "company": request.company_id.name,
                },
            )

    @api.depends("state", "lifted_at")
    def _compute_sealed_count(self):
        # sudo: a number of records tells nothing of what is in them
        groups = (
            self.env["gdpr.vault"]
            .sudo()
            ._read_group([("request_id", "in", self.ids), ("kind", "=", "restriction")], ["request_id"], ["__count"])
        )
        counted = {request.id: count for request, count in groups}
        for request in self:
            request.sealed_count = counted.get(request.id, 0)

    @api.depends("kind", "purpose_id")
    def _compute_may_weigh(self):
        """Whether compelling grounds may outweigh an objection: never for advertising, Art. 21(1) and (3)."""
        for request in self:
            purpose = request.purpose_id
            request.may_weigh = (
                request.kind == "objection"
                and purpose.lawful_basis == "legitimate_interest"
                and purpose != self.env.ref("client_consent.purpose_all_advertising")
                and not (purpose.family or purpose.own_customers)
            )

    @api.depends_context("uid")
    @api.depends("state", "handler_id", "submitter_id")
    def _compute_may_approve(self):
        for request in self:
            request.may_approve = request.state == "submitted" and not request._why_not_approve()

    # -- create --------------------------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            if vals.get("name", "/") == "/":
                vals["name"] = self.env["ir.sequence"].sudo().next_by_code("gdpr.request")
        requests = super().create(vals_list)
        for request in requests:
            request._freeze_deadlines()
        return requests

    @api.ondelete(at_uninstall=False)
    def _unlink_never(self):
        raise UserError(self.env._("A privacy request is evidence and is never deleted. Cancel it instead."))

    def _freeze_deadlines(self):
        """Fix the dates at receipt: a later change of the clock does not move a running request."""
        countries = self.env["consent.country"]
        received = fields.Datetime.context_timestamp(self, self.received_at).date()
        first = countries._due(self.company_id, received)
        number = first.period.number
        length = {
            "month": self.env._("one month") if number == 1 else self.env._("%s months", number),
            "calendar_day": self.env._("%s days", number),
            "working_day": self.env._("%s working days", number),
        }[first.period.unit]
        explained = self.env._(
            "%(day)s: %(length)s from receipt on %(start)s (Art. 12(3)).",
            length=length,
            start=format_date(self.env, received),
            day=format_date(self.env, first.day, date_format="EEEE d MMMM y"),
        )
        if first.moved:
            explained += " " + self.env._(
                "The period ends on %s, a day off, so the next working day counts (Regulation 1182/71 Art. 3(4)).",
                format_date(self.env, first.nominal, date_format="EEEE d MMMM y"),
            )
        self.write({"deadline": first.day, "deadline_explained": explained})

    # -- the promised way in -------------------------------------------------------------------------

    @api.model
    def request_open(
        self,
        kind,
        partner_ids,
        received_at,
        source,
        note=None,
        addresses=None,
        values=None,
        until=None,
        reason=None,
    ):
        """Register a person's request.

        :param kind: access, rectification, portability, objection, restriction or erasure
        :param partner_ids: ids of the contacts that are this person
        :param received_at: when it arrived, UTC (datetime or ``YYYY-MM-DD HH:MM:SS``)
        :param source: how it came, see the field ``source``
        :param values: of a rectification, what is true: field of the contact → text, ISO date or code; the old values
            are those of the first contact. Of an objection ``{"purpose": code}``, or nothing to mean all
        :param until: of a restriction: the day on which the handler looks at it again
        :param reason: of a restriction: see the field ``restriction_reason``; without one the note says why
        :return: id of the request
        :raises AccessError: when the caller is no privacy handler
        :raises UserError: when the person cannot make such a request, saying why
        """
        self._check_group("handler")
        kinds = dict(self._fields["kind"].selection)
        if kind not in kinds:
            raise UserError(
                self.env._(
                    "There is no request of the kind %(kind)s. Use one of: %(all)s.", kind=kind, all=", ".join(kinds)
                )
            )
        if source not in dict(SOURCES):
            raise UserError(
                self.env._(
                    "There is no source %(code)s. Use one of: %(all)s.", code=source, all=", ".join(dict(SOURCES))
                )
            )
        received = fields.Datetime.to_datetime(received_at)
        if not received or received > fields.Datetime.now():
            raise UserError(self.env._("Say when the request arrived: a moment that has passed."))
        partners = self.env[PERSON].browse(partner_ids).exists()
        if not partner_ids:
            raise UserError(self.env._("Say whose request it is: open the contact, or give the number of one."))
        if len(partners) != len(set(partner_ids)):
            raise UserError(self.env._("One of the contacts does not exist any more: open it again from the list."))
        partners.check_access("read")
        partners = partners.sorted(lambda partner: partner_ids.index(partner.id))
        asked = {
            name: value
            for name, value in (("addresses", addresses), ("values", values), ("until", until), ("reason", reason))
            if value
        }
        request = self.create(
            getattr(self, f"_prepare_{kind}")(partners, asked)
            | {
                "kind": kind,
                "partner_ids": [fields.Command.set(partners.ids)],
                "subject_label": self._label(partners),
                "company_id": self.env.company.id,
                "received_at": received,
                "source": source,
                "note": note,
                "handler_id": self.env.uid,
            }
        )
        if kind == "rectification":
            request._keep_asked({"values": values, **self._shown(partners, values)})
        if request.restriction_reason == "other" and not note:
            raise UserError(self.env._("Say why the use must stop: choose a reason of Art. 18, or write it as a note."))
        request._gather_identity()
        return request.id

    def _label(self, partners):
        return ", ".join(self.env._("Contact %s", id_) for id_ in partners.ids)

    # What each kind needs: `_prepare_<kind>(partners, asked)` refuses what this person cannot ask for and gives the
    # values of the request that the kind alone has; `_run_<kind>()` carries out what `action_execute` starts.

    def _prepare_access(self, partners, asked):
        self._refuse_asked(asked)
        return {}

    def _prepare_portability(self, partners, asked):
        self._refuse_asked(asked)
        return {}

    def _prepare_erasure(self, partners, asked):
        self._refuse_asked(asked)
        partners._gdpr_check_erasable()
        return {}

    def _prepare_rectification(self, partners, asked):
        self._refuse_asked(asked, "values")
        partners._gdpr_check_correctable()
        self.env["gdpr.corrector"]._read_values(partners[0], asked.get("values"))
        return {}

    def _prepare_restriction(self, partners, asked):
        """Art. 18(1): a reason, and if known a day on which to look at it again."""
        self._refuse_asked(asked, "until", "reason")
        partners._gdpr_check_restrictable()
        reason = asked.get("reason", "other")
        if reason not in dict(RESTRICTION_REASONS):
            raise UserError(
                self.env._(
                    "There is no reason %(code)s. Use one of: %(all)s.",
                    code=reason,
                    all=", ".join(dict(RESTRICTION_REASONS)),
                )
            )
        try:
            until = fields.Date.to_date(asked.get("until"))
        except ValueError as error:
            raise UserError(self.env._("Write the day as year-month-day.")) from error
        if until and until <= fields.Date.context_today(self):
            raise UserError(
                self.env._("The restriction must last until a day that is still to come, or be open-ended.")
            )
        return {"restriction_reason": reason, "restricted_until": until}

    def _prepare_objection(self, partners, asked):
        """Art. 21: to one purpose, ``values={"purpose": code}``, or to all that may be objected to."""
        self._refuse_asked(asked, "values")
        for partner in partners.sudo():
            if why := partner._gdpr_why_no_client():
                raise UserError(why)
        values = asked.get("values", {})
        if not isinstance(values, dict) or set(values) - {"purpose"}:
            raise UserError(self.env._("An objection names a purpose by its code, or nothing to mean all of them."))
        purpose = self.env["consent.purpose"]
        if code := values.get("purpose"):
            purpose = purpose.search([("code", "=", code), ("state", "=", "active")], limit=1)
            if purpose.lawful_basis not in BY_EVENT:
                raise UserError(
                    self.env._(
                        "purpose: there is no purpose %s that a person can object to. Use the code of one that rests "
                        "on a legitimate interest or a consent.",
                        code,
                    )
                )
        return {"purpose_id": purpose.id}

    def _refuse_asked(self, asked, *allowed):
        """Refuse what belongs to other rights: a request that ignored it would not do what was asked."""
        if foreign := set(asked) - set(allowed):
            raise UserError(self.env._("This right takes no %s: leave it out.", ", ".join(sorted(foreign))))

    # -- steps ---------------------------------------------------------------------------------------

    def action_confirm_identity(self, proof=None):
        """Say that the person who asks is the person concerned, Art. 12(6).

        :param proof: how that is known, see the field ``identity_proof``
        """
        self._step("handler", ("received",))
        if proof and proof not in dict(PROOFS):
            raise UserError(
                self.env._("There is no proof %(code)s. Use one of: %(all)s.", code=proof, all=", ".join(dict(PROOFS)))
            )
        self.write({"state": "identified", "identity_proof": proof or False})

    def action_identity_settled(self):
        """Say that the records nobody ticked are other people's."""
        self._step("handler", STATES_OF_CHOICE)
        for request in self:
            left = request.identity_ids.filtered(lambda line: not line.decided_by_id)
            request._choose({(line.model, line.res_id): line.included for line in left})

    def action_plan(self):
        """Find the person's data and plan what happens to it; nothing is touched."""
        self._step("handler", ("identified", "planned"))
        self._only("erasure")
        self.env["gdpr.run"]._start(self, "plan")

    def action_submit(self):
        """Hand the plan to the approvers; on screen the step before is done on the way."""
        for request in self:
            if request.state == "received":
                request.action_confirm_identity()
            if request.state == "identified":
                request.action_plan()
        self._step("handler", ("planned",))
        for request in self:
            waiting = request.plan_id._undecided_lines()
            if fields_ := waiting.filtered(lambda line: line.reason_code == "undecided"):
                names = ", ".join(sorted({f"{line.model}.{line.field_name}" for line in fields_}))
                raise UserError(
                    self.env._(
                        "Nobody has decided yet what these fields hold about a person: %(names)s. The data protection "
                        "officer decides under Privacy › Data map › Undecided fields; then plan again.",
                        names=names,
                    )
                )
            if waiting:
                raise UserError(
                    self.env._("Decide the %s line(s) in which the name stands in others' words first.", len(waiting))
                )
        self.write({"state": "submitted", "submitter_id": self.env.uid})
        for request in self:
            request._ask_approvers()

    def action_send_back(self):
        """Give a submitted plan back to the handler."""
        self._step("approver", ("submitted",))
        self.write({"state": "planned"})
        self.activity_unlink(["client_gdpr.activity_approve"])

    def action_approve(self):
        """Approve the plan: the second pair of eyes."""
        self._step("approver", ("submitted",))
        for request in self:
            if why := request._why_not_approve():
                raise AccessError(why)
        self.write({"state": "approved", "approver_id": self.env.uid, "approved_at": fields.Datetime.now()})
        self.activity_feedback(["client_gdpr.activity_approve"])

    def action_approve_and_execute(self):
        """What *Approve* does on screen."""
        self.action_approve()
        self.action_execute()

    def action_execute(self):
        """Carry out what the person asked for: an approved erasure, a correction, a restriction, a copy of the data."""
        if not (self._has_group("handler") or self._has_group("approver")):
            self._check_group("handler")
        self.check_access("write")
        for kind, requests in self.grouped("kind").items():
            requests._require_state(("approved",) if kind in APPROVED_KINDS else ("identified",))
            getattr(requests, f"_run_{kind}")()

    def action_stop_use(self):
        """What *Stop the use* does on screen: the identity is confirmed and the objection counts."""
        self._only("objection")
        self.filtered(lambda request: request.state == "received").action_confirm_identity()
        self.action_execute()

    def action_open_correction(self):
        """Open the form in which the handler looks at every place before it is corrected."""
        self.ensure_one()
        self._step("handler", ("received", "identified"))
        self._only("rectification")
        action = self.env["ir.actions.act_window"]._for_xml_id("client_gdpr.action_gdpr_rectification_wizard")
        action["context"] = {"default_partner_id": self._asked()["main"], "default_request_id": self.id}
        return action

    def action_answer(self):
        """Say that the answer went out to the person."""
        self._step("handler", ("executed",))
        self.write({"state": "answered", "answered_at": fields.Datetime.now()})

    def action_refuse(self, reason=None):
        """Close the request without doing what it asks; the person must be told why, Art. 12(4)."""
        self._step("handler", ("received", "identified", "planned", "submitted"))
        for request in self:
            if request.kind == "objection" and not request.may_weigh:
                raise UserError(
                    self.env._(
                        "Nobody weighs an objection to advertising, or a consent taken back: press Stop the use "
                        "(Art. 21(3), 7(3))."
                    )
                )
        self._close("refused", reason)

    def action_cancel(self, reason=None):
        """Close the request because the person took it back or it was opened by mistake."""
        self._step("handler", ("received", "identified", "planned", "submitted", "approved", "failed"))
        self._close("cancelled", reason)

    def action_extend(self, reason=None):
        """Prolong the time by the law's extension, inside the first period and with a reason, Art. 12(3)."""
        self._step("handler", ("received", "identified", "planned", "submitted", "approved"))
        if not reason:
            raise UserError(self.env._("Say why the answer takes longer: the person must be told."))
        for request in self:
            received = fields.Datetime.context_timestamp(request, request.received_at).date()
            longer = self.env["consent.country"]._due(request.company_id, received, extended=True)
            if fields.Date.context_today(request) > request.deadline:
                raise UserError(self.env._("The first period is over: it can no longer be extended."))
            if longer.day <= request.deadline:
                raise UserError(self.env._("The law of this country knows no extension."))
            request.write({"extended_deadline": longer.day, "extension_reason": reason})

    def action_retry(self):
        """Go on with a failed erasure under the plan that was approved."""
        self._step("handler", ("failed",))
        self.failure = False
        self._run_erasure()

    def action_prepare_package(self):
        """Put the answer into an encrypted archive; an earlier one of this request is deleted."""
        self.ensure_one()
        self._step("handler", ("executed", "answered"))
        self._only(*ANSWERED_KINDS)
        self.env["gdpr.package"]._prepare_for(self)

    def action_tell_lifting(self, told_on=None, told_by="email"):
        """Record that the person was told that the restriction ends: it must come before, Art. 18(3)."""
        self._check_restriction_in_force()
        told = fields.Date.to_date(told_on) or fields.Date.context_today(self)
        if told_by not in dict(TOLD_BY):
            raise UserError(
                self.env._(
                    "Nobody is told by %(code)s. Use one of: %(all)s.", code=told_by, all=", ".join(dict(TOLD_BY))
                )
            )
        for request in self:
            since = fields.Datetime.context_timestamp(request, request.executed_at).date()
            if told > fields.Date.context_today(request) or told < since:
                raise UserError(self.env._("The person was told between the restriction and today: correct the day."))
        self.write({"lift_told_on": told, "lift_told_by": told_by})

    def action_lift(self, reason=None):
        """End the restriction and bring every value back, after the person was told, Art. 18(3)."""
        self._check_restriction_in_force()
        if not reason:
            raise UserError(self.env._("Say why the restriction ends: it stands in the file of the request."))
        for request in self:
            if not request.lift_told_on:
                raise UserError(
                    self.env._("Tell the person first that the restriction ends (Art. 18(3)), and record when you did.")
                )
            request.lock_for_update()
            request._check_restriction_in_force()
            # the handler lifts what he may not read: the values go back without his seeing them
            vault = self.env["gdpr.vault"].sudo()
            sealed = vault.search([("request_id", "=", request.id), ("kind", "=", "restriction")])
            count, lost = len(sealed), sealed._lift()
            request.write({"lifted_at": fields.Datetime.now(), "lifted_by_id": self.env.uid, "lift_reason": reason})
            request.activity_unlink(["client_gdpr.activity_restriction"])
            body = self.env._("Restriction lifted: %s record(s) are as they were.", count)
            if lost:
                body += " " + self.env._("%s value(s) pointed to records that were deleted meanwhile.", lost)
            request.message_post(body=body)

    def _check_restriction_in_force(self):
        self._step("handler", ("executed", "answered"))
        self._only("restriction")
        if lifted := self.filtered("lifted_at"):
            raise UserError(self.env._("The restriction of request %s was lifted already.", lifted[0].name))

    def action_take_out(self):
        """Open the dialog in which names are typed that the package must not hold."""
        self.ensure_one()
        self._step("handler", ("executed", "answered"))
        self._only(*ANSWERED_KINDS)
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Take out more"),
            "res_model": "gdpr.take.out.wizard",
            "view_mode": "form",
            "views": [(False, "form")],
            "target": "new",
            "context": {"default_request_id": self.id},
        }

    def action_download_package(self):
        """Hand out the archive."""
        return self.package_id.action_download()

    def action_show_passphrase(self):
        """Show the pass phrase of the archive, once."""
        return self.package_id.action_show_passphrase()

    def action_send_link(self):
        """Open the dialog that sends the person a link to the archive."""
        return self.package_id.action_send_link()

    def action_purge_package(self):
        """Delete the archive now."""
        self._check_group("handler")
        self.package_id.action_purge()

    # -- again after a restore -----------------------------------------------------------------------

    @api.model
    def _open_again(self, partner_ids, record, replay):
        """Register the repetition of an erasure that a restore undid; requests for the same person end with it."""
        failed = self.search([("replay_reference", "=", record.reference), ("state", "=", "failed")], limit=1)
        if failed:
            failed.write({"replay_id": replay.id, "failure": False})
            return failed
        company = self.env["res.company"].browse(record.intent.get("company") or []).exists() or self.env.company
        request = self._open_by_system(
            partner_ids,
            company,
            replay_id=replay.id,
            replay_reference=record.reference,
            note=self.env._("Erased on %s already; a restore of the database undid it.", record.intent["at"]),
        )
        overtaken = self.search(
            [
                ("kind", "=", "erasure"),
                ("state", "in", UNFINISHED),
                ("partner_ids", "in", partner_ids),
                ("id", "!=", request.id),
            ]
        )
        if overtaken:
            overtaken._close(
                "cancelled", self.env._("Carried out before the restore and repeated by %s.", request.name)
            )
        return request

    @api.model
    def _open_rest(self, deferred):
        """Register the rest of an erasure, or take up the request that failed with it."""
        if failed := deferred.follow_up_ids.filtered(lambda request: request.state == "failed")[:1]:
            failed.failure = False
            return failed
        return self._open_by_system(
            deferred.with_context(active_test=False).partner_ids.ids,
            deferred.company_id,
            deferred_id=deferred.id,
            note=self.env._("What %s had to keep for a time.", deferred.request_id.name),
        )

    def _open_by_system(self, partner_ids, company, **values):
        """An erasure that needs no approval any more, for it follows from one that had it."""
        return self.create(
            {
                "kind": "erasure",
                "state": "identified",
                "partner_ids": [fields.Command.set(partner_ids)],
                "subject_label": ", ".join(self.env._("Contact %s", id_) for id_ in partner_ids),
                "company_id": company.id,
                "received_at": fields.Datetime.now(),
                "source": "other",
                **values,
            }
        )

    def _run_again(self, decisions):
        """Plan and carry out without a new approval; what nobody decided about others' words is left as it is.

        :param decisions: request id → {rule: redact or leave}, as decided the first time
        """
        run = self.env["gdpr.run"]
        run._carry_out(self, "plan")
        for request in self:
            for line in request.plan_id.line_ids:
                if line.action == "review":
                    line.decision = decisions[request.id].get(line._rule(), "leave")
        self.write({"state": "executing"})
        run._carry_out(self, "erase")

    # -- the pipeline --------------------------------------------------------------------------------

    def _run_access(self):
        """The answer is written afresh each time it is read."""
        self.write({"state": "executed", "executed_at": fields.Datetime.now()})

    def _run_portability(self):
        """The data is put together when it is packed."""
        self._run_access()

    def _run_rectification(self):
        """Correct the contact and the copies chosen, tell the recipients; what was asked is forgotten, Art. 5(1)(c)."""
        self._check_group("handler")
        self.lock_for_update()
        for request in self:
            recipients = self.env[PERSON].browse(request._asked().get("tell", ())).exists()
            request._check_recipients(recipients)
            places = self.env["gdpr.corrector"]._correct(*request._asked_correction())
            self.env["gdpr.reporter"]._tell_recipients(request, recipients, places)
            # sudo: nobody writes this field
            request.sudo().asked_payload = False
            request.write(
                {
                    "state": "executed",
                    "executed_at": fields.Datetime.now(),
                    "corrected": self.env["gdpr.reporter"]._count_places(places),
                    "recipient_ids": [fields.Command.set(recipients.ids)],
                }
            )

    def _check_recipients(self, recipients):
        """Art. 19: each recipient is told, so each can be reached, and none is the person."""
        recipients.check_access("read")
        if without := recipients.filtered(lambda recipient: not recipient.email_normalized):
            raise UserError(
                self.env._(
                    "These recipients have no e-mail address: %s. Add one, or take them out and write a letter.",
                    ", ".join(without.mapped("display_name")),
                )
            )
        if recipients & self.partner_ids:
            raise UserError(self.env._("The person is no recipient of their own data: take them out."))

    def _run_objection(self):
        """Record in the ledger that the person objects, from the moment they said so."""
        self._check_group("handler")
        self.lock_for_update()
        for request in self:
            source = OBJECTION_SOURCES.get(request.source, request.source)
            request.partner_ids.with_company(request.company_id).consent_object(
                request.purpose_id.code or None, source=source, at=request.received_at
            )
            request.write({"state": "executed", "executed_at": fields.Datetime.now()})

    @api.model
    def _shown(self, partners, values):
        """The contact whose values are wrong, and what they are: whoever changes them meanwhile is noticed."""
        corrector, main = self.env["gdpr.corrector"], partners[0].sudo()
        return {"main": main.id, "before": {name: corrector._plain(main, name) for name in values}}

    def _asked_correction(self):
        """The contacts, the one whose values are wrong first; field → value; place key → what was decided of it;
        and what was said of records of no contact.

        :raises UserError: when somebody changed the contact since, or it may not be corrected any more
        """
        asked = self._asked()
        main = self.env[PERSON].browse(asked["main"])
        partners = main | self.partner_ids
        partners._gdpr_check_correctable()
        now = self._shown(main, asked["values"])["before"]
        if changed := [name for name in now if now[name] != asked["before"][name]]:
            labels = [main._fields[name].get_description(self.env, ["string"])["string"] for name in changed]
            raise UserError(
                self.env._(
                    "Somebody changed the contact since this was opened: %s. Nothing was corrected. Close this, "
                    "look at the contact, and press Change me again.",
                    ", ".join(labels),
                )
            )
        new = self.env["gdpr.corrector"]._read_values(main, asked["values"])
        return partners, new, {tuple(key): wanted for *key, wanted in asked.get("decided", ())}, self._choice()

    def _asked_places(self):
        """The places of the correction that waits, and those of them that would be corrected."""
        partners, new, decided, choice = self._asked_correction()
        places = self.env["gdpr.corrector"]._places(partners, new, choice)
        return places, self.env["gdpr.corrector"]._wanted(places, decided)

    def _tell_of_restriction(self):
        """Write to the recipients, Art. 19, while the person still has a name; the letters are deleted once sent."""
        self.ensure_one()
        if not self.sudo().asked_payload:
            return
        recipients = self.env[PERSON].browse(self._asked().get("tell", ())).exists()
        self._check_recipients(recipients)
        self.env["gdpr.reporter"]._tell_recipients_of_restriction(self, recipients)
        # sudo: nobody writes this field
        self.sudo().asked_payload = False
        self.recipient_ids = recipients

    def _send_lift_letter(self):
        """Write to the person that the restriction ends, at the sealed address that the handler does not see.

        :raises UserError: when no e-mail address is sealed
        """
        self.ensure_one()
        # sudo: the letter goes to the person, and nobody is shown where
        rows = self.env["gdpr.vault"].sudo().search([("request_id", "=", self.id), ("model_name", "=", PERSON)])
        address = next((row._open().get("email_normalized") for row in rows.sorted("res_id")), None)
        if not address:
            raise UserError(self.env._("No e-mail address of the person is known: write a letter, or call."))
        company = self.company_id.sudo()
        self.env["mail.mail"].sudo().create(
            {
                "model": self._name,
                "res_id": self.id,
                "subject": self.env._("Your request %s: the restriction ends", self.name),
                "body_html": self.lift_letter,
                "email_from": company.email_formatted or self.env.user.email_formatted,
                "author_id": company.partner_id.id,
                "email_to": address,
                "auto_delete": True,
            }
        )

    def _run_restriction(self):
        """Seal the person at once; the answer says so, Art. 18(1). All or nothing, in the caller's transaction."""
        self.lock_for_update()
        for request in self:
            request.partner_ids._gdpr_check_restrictable()
            request._tell_of_restriction()
            # the vault is closed to the handler, who stops the use of what he does not need to read
            self.env["gdpr.vault"].sudo()._restrict(request)
            request.write({"state": "executed", "executed_at": fields.Datetime.now()})
            if request.restricted_until:
                request.activity_schedule(
                    "client_gdpr.activity_restriction",
                    date_deadline=request.restricted_until,
                    user_id=request.handler_id.id,
                    summary=self.env._("Does %s still hold? If not: tell the person, then lift.", request.name),
                )

    def _look(self, readings):
        """Run finder and planner: a :class:`Case` for each request, with what an unfinished run knew before.

        :param readings: the :class:`Reading` of each request
        """
        self._gather_identity()
        earlier = self._stored_cases()
        found = self.env["gdpr.finder"].sudo()._locate_all(*self._people(earlier), readings)
        rulings = self.env["gdpr.planner"].sudo()._plan_all([located for located, _identity in found])
        return [
            Case(
                request.id,
                located,
                identity,
                request.plan_id._spare(ruled),
                request.plan_id._decisions(),
                earlier=case.carried_out(ruled) if case and request.erased_at else (),
            )
            for request, (located, identity), ruled, case in zip(self, found, rulings, earlier, strict=True)
        ]

    def _read_texts(self, anew=False):
        """Where no index leads: a :class:`Reading` for each request.

        :param anew: read everything; else only what was written since the plan was made
        """
        earlier = [not anew and request.plan_id.reading for request in self]
        return (
            self.env["gdpr.finder"]
            .sudo()
            ._read_texts(
                *self._people(self._stored_cases()),
                [Reading.from_dict(values) if values else None for values in earlier],
            )
        )

    def _people(self, cases):
        """Whom the requests are about, as the finder wants it: contacts, identifiers known earlier, choices."""
        return (
            [request.partner_ids.ids for request in self],
            [request._known_identity(case) for request, case in zip(self, cases, strict=True)],
            [request._choice() for request in self],
        )

    def _known_identity(self, case):
        """What an unfinished run knew of the person, and what is sealed of them; nothing for most people."""
        sealed = self.env["gdpr.vault"].sudo()._identity(self.with_context(active_test=False).partner_ids)
        return case.identity | sealed if case and sealed else case.identity if case else sealed

    def _run_erasure(self):
        """Erase and verify: a few in the caller's transaction, more by the scheduled job."""
        self.with_context(tracking_disable=True).write({"state": "executing"})
        self.env["gdpr.run"]._start(self, "erase")

    def _plan_again(self, rulings, drift, reading):
        self.env["gdpr.plan"]._make_all(self, [rulings], [reading])
        # sudo: of these fields nobody but the machine writes one
        self.sudo().write({"state": "planned", "queue": False, "approver_id": False, "approved_at": False})
        self.message_post(
            body=self.env._(
                "The data changed since the approval: %(new)s new rule(s), %(grown)s grown to more than twice. "
                "Nothing was touched; submit the new plan.",
                new=len(drift.new_rules),
                grown=len(drift.grown),
            )
        )

    def _describe_error(self, error):
        """What failed, without the values that a database error quotes."""
        if isinstance(error, UserError):
            return str(error)
        if not isinstance(error, psycopg2.Error):
            return self.env._(
                "The program failed (%s); its log says where. Nothing was changed. Tell whoever maintains it.",
                type(error).__name__,
            )
        return self.env._(
            "The database refused a step (%(code)s, %(table)s, %(constraint)s). Nothing was changed.",
            code=error.pgcode or "-",
            table=error.diag.table_name or "-",
            constraint=error.diag.constraint_name or "-",
        )

    def _encrypt(self, values, what="", key=None):
        """Plain values as bytes that only this request opens, for fields that are open to nobody."""
        plain = json.dumps(values, separators=(",", ":")).encode()
        return base64.b64encode(keys.encrypt(key or self._payload_key(), plain, self._associated(what)))

    def _decrypt(self, payload, what="", key=None):
        plain = keys.decrypt(key or self._payload_key(), base64.b64decode(payload), self._associated(what))
        return json.loads(plain)

    def _payload_key(self):
        return self.env["consent.key"]._ring().derive("request")

    def _associated(self, what=""):
        return "/".join(filter(None, ("gdpr.request", str(self.id), what))).encode()

    def _keep_asked(self, asked):
        """Keep what is asked, encrypted, until it is done."""
        # sudo: nobody reads or writes this field; callers opened the request
        self.sudo().asked_payload = self._encrypt(asked, "asked")

    def _asked(self):
        """What :meth:`_keep_asked` kept."""
        # sudo: callers check who may see or do what is asked
        payload = self.sudo().asked_payload
        if not payload:
            raise UserError(self.env._("What this request asked for is not kept any more: open a new one."))
        return self._decrypt(payload, "asked")

    def _store_cases(self, cases):
        """Keep what a verification, or a run after a failure, has to know, encrypted until the verdict."""
        key = self._payload_key()
        for request, case in zip(self, cases, strict=True):
            # sudo: the field is open to nobody
            request.sudo().with_context(tracking_disable=True).identity_payload = request._encrypt(
                case.to_dict(), key=key
            )

    def _stored_cases(self):
        """The case of each that was erased and did not come to its verdict, else nothing."""
        # sudo: the field is open to nobody
        payloads = [request.sudo().identity_payload for request in self]
        key = self._payload_key() if any(payloads) else None
        return [
            (payload and Case.from_dict(request.id, request._decrypt(payload, key=key), request.plan_id._decisions()))
            or None
            for request, payload in zip(self, payloads, strict=True)
        ]

    def _answer_values(self, longest=None):
        """The answer as plain values for the page, up to ``longest`` records a model."""
        self.ensure_one()
        self._only(*ANSWERED_KINDS)
        if not self.env.user.has_groups(ANSWER_GROUPS):
            self._check_group("handler")
        self.check_access("read")
        self._check_contacts()
        return self.env["gdpr.reporter"]._answer(self, longest)

    def _take_out(self, words):
        """Keep other people's names, encrypted, until the package is deleted, and prepare it without them."""
        # sudo: nobody reads or writes this field
        self.sudo().take_out_payload = words and self._encrypt(words, "take out")
        self.action_prepare_package()

    def _taken_out(self):
        """Names and words that a handler took out by hand."""
        payload = self.sudo().take_out_payload
        return self._decrypt(payload, "take out") if payload else []

    def _check_contacts(self):
        """Refuse to answer about nobody: the contacts may have been deleted since the request came."""
        if not self.partner_ids:
            raise UserError(
                self.env._(
                    "%s is not there any more, so there is nothing to show. Tell the person so, and find out who "
                    "deleted the contact and why; if it is another contact now, open a new request there.",
                    self.subject_label,
                )
            )

    # -- what others wrote ---------------------------------------------------------------------------

    def action_look_in_words(self):
        """Look for the person in what others wrote: at once, or by the job where there is very much to read."""
        self._step("handler", OPEN)
        if self.env["gdpr.data.text"]._is_much(self.env["gdpr.finder"]._read_columns()):
            # sudo: of these fields nobody but the machine writes one
            self.sudo().words_state = "waiting"
            self.env.ref("client_gdpr.ir_cron_look_in_words").sudo()._trigger()
        else:
            self._look_in_words()

    @api.model
    def _cron_look_in_words(self):
        """Read for the requests that wait; a commit each."""
        waiting = self.search([("words_state", "=", "waiting")], order="id")
        left = len(waiting)
        self._words_checkpoint(0, left)
        for request in waiting:
            request._look_in_words()
            left -= 1
            if not self._words_checkpoint(1, left):
                return

    def _words_checkpoint(self, done, remaining):
        """Keep what was read and say whether there is time for more; tests override it."""
        return self.env["ir.cron"]._commit_progress(done, remaining=remaining)

    def _look_in_words(self):
        """Note by number where others wrote about the person; what was noted earlier goes."""
        readings = self._read_texts(anew=True)
        for request, reading in zip(self, readings, strict=True):
            hits = [hit for hit in reading.hits if hit.bond == "text"]
            # sudo: of these lines nobody but the machine writes one
            request.sudo().write(
                {
                    "words_state": "done",
                    "words_at": fields.Datetime.now(),
                    "mention_ids": [
                        fields.Command.clear(),
                        *(
                            fields.Command.create(
                                {
                                    "model": hit.model,
                                    "field_name": hit.field,
                                    "sure": hit.sure,
                                    "record_count": len(hit.ids),
                                    "record_ids": list(hit.ids),
                                }
                            )
                            for hit in hits
                        ),
                    ],
                }
            )
            request.message_post(
                body=self.env._(
                    "Looked in conversations and files: %(count)s record(s) in %(places)s place(s).",
                    count=sum(len(hit.ids) for hit in hits),
                    places=len(hits),
                )
            )

    def _identity_now(self):
        """The identifiers by which the person is looked for."""
        self.ensure_one()
        [(_located, identity)] = (
            self.env["gdpr.finder"].sudo()._locate_records([self.partner_ids.ids], [self._choice()])
        )
        sealed = self._known_identity(None)
        return identity | sealed if sealed else identity

    # -- who it is -----------------------------------------------------------------------------------

    def _gather_identity(self):
        """List the records that may be about the same person; what was said of one earlier stays."""
        vals_list, identities = [], self.env["gdpr.identity.candidate"]
        for company, requests in self.grouped("company_id").items():
            found = self.env["gdpr.finder"].sudo()._candidates([request.partner_ids.ids for request in requests])
            for request, theirs in zip(requests, identities._of_company(found, company), strict=True):
                known = {(line.model, line.res_id) for line in request.identity_ids}
                lines = identities._prepare_lines(theirs)
                vals_list += [
                    {**line, "request_id": request.id} for line in lines if (line["model"], line["res_id"]) not in known
                ]
        # sudo: staff read these lines and change them by the buttons alone
        identities.sudo().create(vals_list)

    def _may_choose(self):
        """Whether it may still be said whose records these are; an approved plan, or an answer, is for somebody."""
        self.ensure_one()
        return self.state in STATES_OF_CHOICE and (self.state != "executed" or self.kind in ANSWERED_KINDS)

    def _choose(self, said):
        """Take records along, or leave them out, as the handler says; only those that the finder gathered.

        :param said: (model, id) → whether it is the same person
        """
        self.ensure_one()
        self.check_access("write")
        if not self._may_choose():
            raise UserError(
                self.env._("Whose records these are was settled with the plan: send it back before you change it.")
            )
        lines = self.identity_ids.filtered(lambda line: (line.model, line.res_id) in said)
        contacts = lines.filtered(lambda line: line.model == PERSON)
        taken = self.env[PERSON].browse([line.res_id for line in contacts if said[line.model, line.res_id]]).exists()
        taken.check_access("read")
        if self.kind == "erasure":
            taken._gdpr_check_erasable()
        changed = lines.filtered(lambda line: line.included != said[line.model, line.res_id])
        for answer, some in lines.grouped(lambda line: said[line.model, line.res_id]).items():
            # sudo: staff read these lines and change them by the buttons alone
            some.sudo().write({"included": answer, "decided_by_id": self.env.uid, "decided_at": fields.Datetime.now()})
        if changed:
            self._follow_choice(changed)

    def _follow_choice(self, changed):
        """Let the contacts of the request, and a plan made already, follow what was said; leave a trace by number."""
        contacts = self.identity_ids.filtered(lambda line: line.model == PERSON)
        asked = self.partner_ids - self.env[PERSON].browse(contacts.mapped("res_id"))
        partners = asked | self.env[PERSON].browse(contacts.filtered("included").mapped("res_id"))
        self.write({"partner_ids": [fields.Command.set(partners.ids)], "subject_label": self._label(partners)})
        for included, lines in changed.grouped("included").items():
            records = ", ".join(f"{line.model} {line.res_id} ({line.reasons})" for line in lines)
            self.message_post(
                body=self.env._("The same person: %s", records)
                if included
                else self.env._("Somebody else: %s", records)
            )
        # sudo: staff make packages by the buttons alone; one that was made for somebody else must not go out
        self.sudo().package_ids.filtered(lambda package: package.state != "purged")._purge()
        if self.state == "planned":
            self.action_plan()
        else:
            self._gather_identity()

    def _locate_records(self):
        """The records that are, name or point to the person, as the handler chose."""
        self.ensure_one()
        [(located, _identity)] = (
            self.env["gdpr.finder"].sudo()._locate_records([self.partner_ids.ids], [self._choice()])
        )
        return located

    def _choice(self):
        """What was said about records that belong to no contact, as the finder takes it."""
        others = self.identity_ids.filtered(lambda line: line.model != PERSON and line.model in self.env)
        also = others.filtered("included")
        return Choice(
            frozenset((line.model, line.res_id) for line in also),
            frozenset((line.model, line.res_id) for line in others - also),
        )

    # -- helpers -------------------------------------------------------------------------------------

    def _has_group(self, role):
        return self.env.user.has_group(f"client_gdpr.group_gdpr_{role}")

    def _check_group(self, role):
        if not self._has_group(role):
            raise AccessError(
                {
                    "handler": self.env._(
                        "Only a privacy handler does this. Ask an administrator for Privacy / Handler."
                    ),
                    "approver": self.env._(
                        "Only an approver decides this. Ask an administrator for Privacy / Approver."
                    ),
                }[role]
            )

    def _step(self, role, states):
        self._check_group(role)
        self.check_access("write")
        self._require_state(states)

    def _require_state(self, states):
        labels = dict(self._fields["state"]._description_selection(self.env))
        for request in self:
            if request.state not in states:
                raise UserError(
                    self.env._(
                        "Request %(number)s is “%(now)s”; this step needs “%(needed)s”.",
                        number=request.name,
                        now=labels[request.state],
                        needed=" / ".join(labels[state] for state in states),
                    )
                )

    def _only(self, *kinds):
        if any(request.kind not in kinds for request in self):
            raise UserError(self.env._("This step does not belong to this kind of request."))

    def _why_not_approve(self):
        """Why the user may not approve this request, or nothing. Nobody decides on their own plan or data."""
        user = self.env.user
        if not self._has_group("approver"):
            return self.env._("Only an approver decides this. Ask an administrator for Privacy / Approver.")
        planners = self.handler_id | self.submitter_id | self.create_uid
        if user in planners or user.partner_id in planners.partner_id:
            return self.env._("You planned or submitted this request: another approver must decide.")
        if user.partner_id in self.partner_ids:
            return self.env._("This request concerns your own contact: another approver must decide.")
        return ""

    def _approvers(self):
        group = self.env.ref("client_gdpr.group_gdpr_approver").sudo()
        return group.all_user_ids.filtered(
            lambda user: self.company_id in user.company_ids and user not in (self.handler_id | self.submitter_id)
        )

    def _ask_approvers(self):
        approvers = self._approvers()
        if not approvers:
            raise UserError(
                self.env._("Nobody else may approve this plan. Give a second person the group Privacy / Approver.")
            )
        for approver in approvers:
            self.activity_schedule(
                "client_gdpr.activity_approve",
                date_deadline=self.extended_deadline or self.deadline,
                user_id=approver.id,
                summary=self.env._("Approve %s", self.name),
            )

    def _close(self, state, reason):
        if not reason:
            raise UserError(self.env._("Give the reason: it stands in the file and the person may ask for it."))
        self.write({"state": state, "closing_reason": reason})
        # sudo: nobody writes this field; a closed request keeps nothing of what was asked
        self.sudo().asked_payload = False
        self.activity_unlink(["client_gdpr.activity_approve"])

    def _get_form_action(self):
        """The window that shows this request."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.name,
            "res_model": self._name,
            "res_id": self.id,
            "view_mode": "form",
            "views": [(False, "form")],
        }
