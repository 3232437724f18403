from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain
from odoo.tools import SQL, email_normalize, format_date

from ..tools import capability
from .gdpr_request import UNFINISHED

SEALED = ("restricted", "blocked", "erased")


class ResPartner(models.Model):
    _inherit = "res.partner"

    gdpr_state = fields.Selection(
        [
            ("active", "In use"),
            ("restricted", "Restricted"),
            ("blocked", "Sealed by law"),
            ("erased", "Erased"),
        ],
        "Privacy state",
        default="active",
        required=True,
        readonly=True,
        copy=False,
    )
    gdpr_statement = fields.Text(
        "Statement of the person",
        copy=False,
        help="What the person wants to be read beside their data, because the data alone are incomplete.",
    )
    gdpr_request_ids = fields.Many2many("gdpr.request", string="Privacy requests", readonly=True, copy=False)
    gdpr_request_count = fields.Integer(compute="_compute_gdpr_request_count", groups="client_gdpr.group_gdpr_user")

    _gdpr_sealed = models.Index("(gdpr_state) WHERE gdpr_state != 'active'")

    @api.depends("gdpr_request_ids")
    def _compute_gdpr_request_count(self):
        for partner in self:
            partner.gdpr_request_count = len(partner.gdpr_request_ids)

    # -- create, write, unlink -----------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        if not capability.is_sweep(self.env.context):
            for vals in vals_list:
                if vals.get("gdpr_state", "active") != "active":
                    raise AccessError(self.env._("Only a privacy request changes the privacy state of a contact."))
            # a person who writes themself, or signs up, is not refused
            if self.env.user._is_internal():
                self._gdpr_refuse_second_contact(vals_list, "restriction")
        return super().create(vals_list)

    def write(self, vals):
        if capability.is_passing_on(self.env.context):
            self -= self._gdpr_sealed()
        elif not capability.is_sweep(self.env.context):
            self._gdpr_refuse_sealed()
            if vals.get("gdpr_state", "active") != "active":
                raise AccessError(self.env._("Only a privacy request changes the privacy state of a contact."))
        return super().write(vals)

    def _fields_sync(self, values):
        """A correction is of this one person: its address goes neither to the company nor to the colleagues."""
        if capability.is_sweep(self.env.context):
            values = {name: value for name, value in values.items() if name not in self._address_fields()}
        return super()._fields_sync(values)

    def _load_records_create(self, vals_list):
        """An import does not bring back as a second contact who is restricted, or was erased."""
        self._gdpr_refuse_second_contact(vals_list)
        return super()._load_records_create(vals_list)

    def copy_data(self, default=None):
        self._gdpr_refuse_sealed()
        return super().copy_data(default)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_sealed(self):
        if not capability.is_sweep(self.env.context):
            self._gdpr_refuse_sealed()

    def _update_address(self, vals):
        """Leave sealed contacts out when a company passes its address on: nobody asked to change them."""
        return super(ResPartner, self - self._gdpr_sealed())._update_address(vals)

    def _commercial_sync_to_descendants(self, fields_to_sync=None):
        """The same for the tax number."""
        if not capability.is_sweep(self.env.context):
            self = self.with_context(**{capability.KEY: capability.PASSING_ON})
        return super()._commercial_sync_to_descendants(fields_to_sync)

    def _gdpr_sealed(self):
        """Those of the contacts whose data is sealed."""
        return self.sudo().filtered(lambda partner: partner.gdpr_state in SEALED).with_env(self.env)

    @api.model
    def _gdpr_sealed_among(self, ids):
        """Those of the ids whose contact is sealed, by the index of the few that are."""
        if not ids:
            return set()
        rows = self.env.execute_query(
            SQL(
                "SELECT id FROM res_partner WHERE id = ANY(%s) AND gdpr_state != 'active' AND gdpr_state = ANY(%s)",
                list(ids),
                list(SEALED),
            )
        )
        return {id_ for (id_,) in rows}

    def _gdpr_refuse_new(self, document):
        """Refuse a new document for contacts that are sealed, naming them by number.

        :param document: what it is, as the user knows it
        """
        if sealed := self._gdpr_sealed_among(self.ids):
            raise UserError(
                self.env._(
                    "%(numbers)s: sealed after a privacy request, so there can be no new “%(document)s” for them. "
                    "The data protection officer can tell you more.",
                    numbers=", ".join(self.env._("Contact %s", id_) for id_ in sorted(sealed)),
                    document=document,
                )
            )

    @api.ondelete(at_uninstall=False)
    def _unlink_except_held(self):
        """A contact on hold is evidence; our own sweep never gets so far, for its plan keeps it."""
        if held := self.env["gdpr.hold"]._held_among(self.ids):
            raise UserError(
                self.env._(
                    "%s: on hold because of a dispute or an order, so it cannot be deleted or merged. The data "
                    "protection officer can tell you more.",
                    ", ".join(self.env._("Contact %s", id_) for id_ in sorted(held)),
                )
            )

    def _gdpr_refuse_sealed(self):
        """Refuse to change contacts that are sealed, naming them by number and saying why."""
        sealed = self._gdpr_sealed()
        if not sealed:
            return
        raise UserError(
            self.env._(
                "%(count)s contact(s) are sealed after a privacy request "
                "and cannot be changed, copied, merged or deleted: "
                "%(numbers)s. The data protection officer can tell you more.",
                count=len(sealed),
                numbers=", ".join(self.env._("Contact %s", id_) for id_ in sealed.ids),
            )
        )

    # -- sealed addresses ----------------------------------------------------------------------------

    @api.model
    def find_or_create(self, email, assert_valid_email=False):
        """Also find a contact whose address is sealed."""
        return self._gdpr_sealed_at([email]).get(email_normalize(email)) or super().find_or_create(
            email, assert_valid_email
        )

    @api.model
    def _find_or_create_from_emails(self, emails, ban_emails=None, filter_found=None, no_create=False, **options):
        """Also find contacts whose address is sealed: a mail from them makes no second contact."""
        sealed = self._gdpr_sealed_at(set(emails) - set(ban_emails or ()))
        if filter_found:
            sealed = {address: partner for address, partner in sealed.items() if filter_found(partner)}
        found = super()._find_or_create_from_emails(
            emails,
            ban_emails=[*(ban_emails or ()), *sealed],
            filter_found=filter_found,
            no_create=no_create,
            **options,
        )
        return [
            partner or sealed.get(email_normalize(email), partner) for email, partner in zip(emails, found, strict=True)
        ]

    @api.model
    def _gdpr_sealed_at(self, emails, kind=None):
        """Sealed contacts by normalised address, for addresses that no contact in use has."""
        addresses = {address for email in emails if (address := email_normalize(email))}
        # sudo: whoever knows the address may learn that it is somebody's who must be left alone
        sealed = self.env["gdpr.vault"].sudo()._partners_at(addresses, kind)
        if not sealed:
            return {}
        used = self.sudo().search([("email_normalized", "in", list(sealed))]).mapped("email_normalized")
        return {address: self.browse(id_) for address, id_ in sealed.items() if address not in used}

    def _gdpr_refuse_second_contact(self, vals_list, kind=None):
        """Refuse to make a contact with the address of a sealed one."""
        sealed = self._gdpr_sealed_at([vals["email"] for vals in vals_list if vals.get("email")], kind)
        if sealed:
            raise UserError(
                self.env._(
                    "%s has this e-mail address and is sealed after a privacy request: do not enter the person again. "
                    "The data protection officer can tell you more.",
                    ", ".join(sorted({self.env._("Contact %s", partner.id) for partner in sealed.values()})),
                )
            )

    # -- buttons -------------------------------------------------------------------------------------

    def action_gdpr_show_me(self):
        """Show everything held about this person: open today's access request, or register one."""
        return self._gdpr_answer("access")

    def action_gdpr_take_along(self):
        """Show what this person may take along (Art. 20): open today's request, or register one."""
        return self._gdpr_answer("portability")

    def _gdpr_answer(self, kind):
        self.ensure_one()
        requests = self.env["gdpr.request"]
        request = requests.search(
            [("kind", "=", kind), ("state", "=", "executed"), ("partner_ids", "=", self.id)],
            limit=1,
            order="id desc",
        )
        if not request:
            request = requests.browse(requests.request_open(kind, self.ids, fields.Datetime.now(), "in_person"))
            request.action_confirm_identity()
            request.action_execute()
        return request._get_form_action()

    def action_gdpr_change_me(self):
        """Open the form in which the person's data is put right in every place, or the request that waits already."""
        self.ensure_one()
        self.env["gdpr.request"]._check_group("handler")
        self._gdpr_check_correctable()
        action = self.env["ir.actions.act_window"]._for_xml_id("client_gdpr.action_gdpr_rectification_wizard")
        waiting = self.env["gdpr.request"].search(
            [("kind", "=", "rectification"), ("state", "in", UNFINISHED), ("partner_ids", "=", self.id)], limit=1
        )
        action["context"] = {"default_partner_id": self.id, "default_request_id": waiting.id}
        return action

    def action_gdpr_stop_using_me(self):
        """Open the dialog that restricts, Art. 18."""
        self.ensure_one()
        self.env["gdpr.request"]._check_group("handler")
        self._gdpr_check_restrictable()
        action = self.env["ir.actions.act_window"]._for_xml_id("client_gdpr.action_gdpr_restriction_wizard")
        action["context"] = {"default_partner_id": self.id}
        return action

    def action_gdpr_delete_me(self):
        """Open the dialog that shows what would happen before anything happens, or the request that runs already."""
        self.ensure_one()
        self.env["gdpr.request"]._check_group("handler")
        running = self.env["gdpr.request"].search(
            [("kind", "=", "erasure"), ("state", "in", UNFINISHED), ("partner_ids", "=", self.id)], limit=1
        )
        if running:
            return running._get_form_action()
        self._gdpr_check_erasable()
        action = self.env["ir.actions.act_window"]._for_xml_id("client_gdpr.action_gdpr_erasure_wizard")
        action["context"] = {"default_partner_id": self.id}
        return action

    def action_gdpr_requests(self):
        """Open the privacy requests of this person."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("client_gdpr.action_gdpr_request")
        action["domain"] = [("partner_ids", "in", self.ids)]
        return action

    # -- answers -------------------------------------------------------------------------------------

    def gdpr_why(self):
        """Say why these people's data is kept.

        :return: ``[{reason, kind: permitting|obliging, law, until, scope: [fields], source: 'model,id'}]``,
            obliging grounds first; ``until`` is an ISO date or nothing
        :raises AccessError: for users without a privacy or consent group
        """
        user = self.env.user
        if not (user.has_group("client_gdpr.group_gdpr_user") or user.has_group("client_consent.group_consent_user")):
            raise AccessError(self.env._("Only privacy and consent users may ask why data is kept."))
        self.check_access("read")
        return [
            {
                "reason": ground.code,
                "kind": ground.kind,
                "law": ground.law,
                "until": ground.until.isoformat() if ground.until else None,
                "scope": sorted(ground.scope),
                "source": f"{ground.model},{ground.res_id}",
                "label": ground.label,
            }
            for ground in self.env["gdpr.ground"].sudo()._grounds(self.ids)
        ]

    @api.model
    def _may_process_domain(self, purpose, channel):
        """Nothing is sent to a sealed contact, whatever was allowed before (Art. 18(2), 17(1))."""
        return super()._may_process_domain(purpose, channel) & Domain("gdpr_state", "not in", SEALED)

    @api.model
    def _get_consent_writing_refusals(self, partners):
        """Nobody writes to sealed contacts, not even by hand."""
        # sudo: that a contact is sealed is what its own form says in red
        sealed = partners.sudo().filtered(lambda partner: partner.gdpr_state in SEALED)
        reason = self.env._("Contact %s must not be written to: it is sealed after a privacy request.")
        return super()._get_consent_writing_refusals(partners) | {id_: reason % id_ for id_ in sealed.ids}

    def _get_consent_held(self):
        """An erasure takes the person out of the ledger by itself."""
        return self.browse() if capability.is_sweep(self.env.context) else super()._get_consent_held()

    def _get_consent_erase_action(self):
        """Whoever handles privacy requests erases; others withdraw, and tell the handler."""
        if self.env.user.has_group("client_gdpr.group_gdpr_handler"):
            return self.action_gdpr_delete_me()
        return super()._get_consent_erase_action()

    def _consent_banner_parts(self, lines, card):
        """Say in the banner why the contact is kept, or that it is sealed."""
        parts = super()._consent_banner_parts(lines, card)
        if self.gdpr_state in SEALED:
            text = {
                "restricted": self._gdpr_restriction_words(),
                "blocked": self.env._("Erased at the person's request; the law keeps the invoices. Do not use."),
                "erased": self.env._("Erased at the person's request. Do not use."),
            }[self.gdpr_state]
            return [{"kind": "deny", "text": text}]
        suppression, addresses = self.env["gdpr.suppression"], {self.email_normalized, self.phone_sanitized}
        erased = card.get("erasures") and suppression._erased(addresses)
        if erased and suppression._suppressed(addresses) == erased.keys():
            text = self.env._(
                "The person with this address was erased on %s at their own request. Nothing is sent to them; only "
                "what they fill in themselves counts.",
                format_date(self.env, max(erased.values()).date()),
            )
            parts.insert(0, {"kind": "deny", "text": text})
        obliging = self.env["gdpr.ground"]._from_rows(
            row for row in card.get("grounds", ()) if row["partner_id"] == self.id
        )
        if obliging:
            latest = obliging[0]
            what = self.env["gdpr.reporter"]._ground_words(latest.code, latest.label)
            until = self.env["consent.basis"]._day(latest.until) if latest.until else self.env._("further notice")
            text = self.env._(
                "Kept because: %(what)s until %(until)s (%(law)s)", what=what, until=until, law=latest.law
            )
            if len(obliging) > 1:
                text += " " + self.env._("and %s more", len(obliging) - 1)
            parts.append({"kind": "note", "text": text})
        return parts

    def _gdpr_restriction_words(self):
        """In one line that the contact is restricted, why, until when, and what that means."""
        request = self._gdpr_restriction().sudo()
        if self.gdpr_state != "restricted" or not request:
            return self.env._("Restricted: this person's data must not be used.")
        reasons = dict(request._fields["restriction_reason"]._description_selection(self.env))
        until = request.restricted_until
        return self.env._(
            "Restricted since %(since)s, until %(until)s. %(reason)s. "
            "Keep, but do not use, change, print or write. %(request)s brings it back.",
            since=format_date(self.env, request.executed_at, date_format="d MMM y"),
            until=format_date(self.env, until, date_format="d MMM y") if until else self.env._("further notice"),
            reason=reasons[request.restriction_reason],
            request=request.name,
        )

    # -- who cannot be erased ------------------------------------------------------------------------

    def _gdpr_check_erasable(self):
        """Refuse people whose data the company holds as employer, or that the system needs.

        :raises UserError: with the reason
        """
        for partner in self.sudo().with_context(active_test=False):
            if why := partner._gdpr_why_not_erasable():
                raise UserError(why)

    def _gdpr_check_correctable(self):
        """Refuse to correct those who are no clients, and who is sealed: nothing of them is to be used or shown.

        :raises UserError: with the reason
        """
        self._gdpr_refuse_sealed()
        for partner in self.sudo().with_context(active_test=False):
            if why := partner._gdpr_why_no_client():
                raise UserError(why)

    def _gdpr_check_restrictable(self):
        """Refuse people whose data cannot be restricted as a client's, and those who are restricted already.

        :raises UserError: with the reason
        """
        self._gdpr_check_erasable()

    def _gdpr_restriction(self):
        """The request by which this contact is restricted, or nothing."""
        request = self._gdpr_sealing_request()
        return request if request.kind == "restriction" else request.browse()

    def _gdpr_sealing_request(self):
        """The request by which this contact was sealed, or nothing."""
        self.ensure_one()
        # sudo: its reason and end stand on the contact's form; nothing of the person is in it
        vault = self.env["gdpr.vault"].sudo()
        return vault.search([("model_name", "=", self._name), ("res_id", "=", self.id)]).request_id

    def _gdpr_why_not_erasable(self):
        """Why this contact cannot be erased as a client, or nothing. A short override point."""
        if why := self._gdpr_why_no_client():
            return why
        if self.gdpr_state in ("blocked", "erased"):
            return self.env._("This person was erased already; what is left is kept by law.")
        if self.gdpr_state == "restricted":
            return self.env._(
                "Contact %(number)s is restricted by request %(request)s. Tell the person, end the restriction there, "
                "then go on here.",
                number=self.id,
                request=self._gdpr_restriction().name,
            )
        return ""

    def _gdpr_why_no_client(self):
        """Why what this contact asks is no client's request, or nothing. A short override point."""
        if self == self.env.ref("base.partner_root"):
            return self.env._("This is OdooBot, the system's own contact: it is nobody's personal data.")
        if self == self.env.ref("base.public_partner"):
            return self.env._("This is the contact of all anonymous visitors: it is nobody's personal data.")
        if self.env["res.company"].sudo().search_count([("partner_id", "=", self.id)]):
            return self.env._("This is the contact of your own company, not a client.")
        if self.user_ids.filtered(lambda user: not user.share):
            return self.env._(
                "This person has an internal login: staff data follows employment law, not a client's request. "
                "Ask those who keep the staff files; a former employee's login is closed first."
            )
        if "hr.employee" in self.env and self.env["hr.employee"].sudo().with_context(active_test=False).search_count(
            [("work_contact_id", "=", self.id)]
        ):
            return self.env._("This person is an employee: staff data follows employment law, not a client's request.")
        return ""
