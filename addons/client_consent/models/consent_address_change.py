import hashlib

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import SQL


class ConsentAddressChange(models.Model):
    """A yes that was given for an address the contact has no longer. A new address is never covered by itself.

    The purpose says what may become of it. *Carry over*: a user confirms that it is the same person's corrected
    address. *Ask again*: only the person can say yes for the new one. *Stop*: nothing is opened at all.
    """

    _name = "consent.address.change"
    _description = "Consent for an Earlier Address"
    _order = "id desc"
    _rec_name = "purpose_id"

    partner_id = fields.Many2one("res.partner", "Contact", required=True, readonly=True, index=True, ondelete="cascade")
    event_id = fields.Many2one("consent.event", "Answer", required=True, readonly=True, index=True, ondelete="restrict")
    company_id = fields.Many2one("res.company", required=True, readonly=True, ondelete="restrict")
    state = fields.Selection(
        [("open", "To decide"), ("carried", "Carried over"), ("asked", "Asked again"), ("stopped", "Stopped")],
        required=True,
        readonly=True,
        default="open",
    )
    purpose_id = fields.Many2one(related="event_id.purpose_id")
    channel = fields.Selection(related="event_id.channel")
    old_address = fields.Char(related="event_id.address", string="Given for")
    new_address = fields.Char("Now", compute="_compute_new_address")
    rule = fields.Selection(related="event_id.purpose_id.on_new_address", string="Rule of the purpose")

    @api.depends("partner_id", "event_id")
    def _compute_new_address(self):
        for channel, changes in self.grouped("channel").items():
            addresses = changes.partner_id._consent_addresses(channel) if channel else {}
            for change in changes:
                change.new_address = addresses.get(change.partner_id.id) or False

    # -- finding -------------------------------------------------------------------------------------

    @api.model
    def _open_for(self, partners=None):
        """Note the answers that changed addresses left behind; of everybody when no contacts are named."""
        if partners is not None and not self.env["consent.subject"]._of_partners(partners):
            return self.browse()
        self.env.flush_all()
        rows = self.env.execute_query(self._left_behind_sql(partners.ids if partners is not None else None))
        return self.sudo().create(
            [{"partner_id": partner, "event_id": event, "company_id": company} for partner, event, company in rows]
        )

    @api.model
    def _address_sql(self):
        """The present address of contact ``p`` for the channel of basis ``b``."""
        return self.env["consent.gate"]._present_address_sql("p")

    def _left_behind_sql(self, partner_ids, decided=False):
        """Living answers for another address than the present one: contact, event, company.

        What the person turned down since, or on a record that was merged, is not offered for carrying over.

        :param decided: also those about which somebody decided already
        """
        return SQL(
            """SELECT p.id, b.event_ref, b.company_id
                 FROM consent_basis b
                 JOIN consent_subject s ON s.id = b.subject_id
                 JOIN res_partner p ON p.id = s.partner_id
                 JOIN consent_purpose u ON u.id = b.purpose_id
                WHERE b.state = 'active' AND (b.until IS NULL OR b.until >= %(today)s)
                  AND u.state = 'active' AND u.on_new_address <> 'stop' %(only)s
                  AND b.address <> %(address)s
                  %(undecided)s
                  AND NOT EXISTS (
                      SELECT FROM consent_basis o JOIN consent_subject os ON os.id = o.subject_id
                       WHERE os.partner_id = p.id AND o.purpose_id = b.purpose_id
                         AND o.channel = b.channel AND o.company_id = b.company_id
                         AND (o.address = %(address)s
                              OR (o.state IN ('refused', 'withdrawn', 'objected')
                                  AND (o.since >= b.since OR o.subject_id <> b.subject_id))))""",
            today=fields.Date.today(),
            only=SQL("AND p.id = ANY(%s)", partner_ids) if partner_ids is not None else SQL(),
            address=self._address_sql(),
            undecided=SQL()
            if decided
            else SQL(
                """AND NOT EXISTS (SELECT FROM consent_address_change c
                                    WHERE c.event_id = b.event_ref AND c.partner_id = p.id)"""
            ),
        )

    # -- deciding ------------------------------------------------------------------------------------

    def action_carry(self):
        """Let the answers hold for the new address: the user confirms that it is a correction."""
        changes = self._decidable()
        if changes.filtered(lambda change: change.rule != "carry"):
            raise UserError(self.env._("For this purpose only the person can allow the new address: ask again."))
        entries = []
        for change in changes:
            # the subject behind the answer is not the user's to read, only to write on
            event = change.event_id.sudo()
            entries.append(
                {
                    "subject": event.subject_id,
                    "purpose": event.purpose_id,
                    "company": event.company_id,
                    "notice": event.notice_id,
                    "kind": event.kind,
                    "source": event.source,
                    "channel": event.channel,
                    "address": change.new_address,
                    "at": fields.Datetime.now(),
                    "until": event.until,
                    "detail": {"carried_from": self._digest(event.address), "operator": self.env.uid},
                }
            )
        # _decidable checked the caller; the ledger is written by nobody else
        self.env["consent.event"].sudo()._append(entries)
        changes.sudo().state = "carried"

    def action_ask(self):
        """Leave the new address without permission and see to it that the person is asked."""
        changes = self._decidable()
        for (partner, company), of_person in changes.grouped(lambda c: (c.partner_id, c.company_id)).items():
            if partner not in of_person._request_mail(partner.with_company(company)):
                partner.activity_schedule(
                    "mail.mail_activity_data_todo",
                    summary=self.env._("New address: ask this person again"),
                    user_id=(partner.user_id or self.env.user).id,
                )
        # _decidable checked the caller
        changes.sudo().state = "asked"

    def _request_mail(self, partner):
        """Write to the person with a link that answers; nobody where no mail could be sent."""
        recording = self.env["consent.recording"].with_company(partner.env.company)
        return recording._request(partner, [(purpose, None) for purpose in self.purpose_id])["asked"]

    def action_stop(self):
        """Leave the new address without permission for good."""
        self._decidable(any_address=True).sudo().state = "stopped"

    def _decidable(self, any_address=False):
        """Those still open, once the caller is one who may decide.

        :raises UserError: when meanwhile the answer ended or the person spoke about the new address
        """
        if not self.env.user.has_group("client_consent.group_consent_user"):
            raise AccessError(
                self.env._("Only users who may record consents do this. Ask an administrator for Privacy / Consents.")
            )
        self.check_access("read")
        changes = self.filtered(lambda change: change.state == "open")
        if not any_address and changes - changes._still_left_behind():
            raise UserError(
                self.env._("This is decided already: the answer ended, or the person spoke since. Press Stop.")
            )
        return changes

    def _still_left_behind(self):
        """Those that would be opened again now."""
        self.env.flush_all()
        rows = self.env.execute_query(self._left_behind_sql(self.partner_id.ids, decided=True))
        found = {(partner, event) for partner, event, _company in rows}
        return self.filtered(lambda change: (change.partner_id.id, change.event_id.id) in found)

    @staticmethod
    def _digest(address):
        return hashlib.sha256((address or "").encode()).hexdigest()
