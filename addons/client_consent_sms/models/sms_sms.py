from odoo import api, fields, models


class SmsSms(models.Model):
    """A text message with a purpose is asked for again when it leaves the queue."""

    _inherit = "sms.sms"

    consent_purpose_id = fields.Many2one(
        "consent.purpose",
        "Purpose",
        compute="_compute_consent_purpose_id",
        store=True,
        readonly=False,
        precompute=True,
        index="btree_not_null",
        ondelete="restrict",
    )

    @api.depends("mail_message_id")
    def _compute_consent_purpose_id(self):
        for sms in self:
            # sudo: the message stands on a record that the sender of the queue need not read
            sms.consent_purpose_id = sms.consent_purpose_id or sms.mail_message_id.sudo().consent_purpose_id

    def _send(self, *args, **kwargs):
        left = self - self._consent_stop()
        return super(SmsSms, left)._send(*args, **kwargs) if left else None

    def _consent_stop(self):
        """Cancel what waits for people who do not allow its purpose now, all of a purpose and company at once.

        :return: the cancelled messages
        """
        stopped = self.browse()
        # sudo: who may send a message need not be who may read consents
        waiting = self.sudo().filtered(lambda sms: sms.state == "outgoing" and sms.consent_purpose_id)
        groups = waiting.grouped(lambda sms: (sms.consent_purpose_id.code, sms._get_consent_company()))
        for (code, company), messages in groups.items():
            partners = messages.partner_id.with_company(company)._may_process(code, "sms")
            gate = self.env["consent.gate"].with_company(company)
            numbers = gate._allowed_addresses(code, "sms", set(messages.mapped("number")))
            stopped |= messages.filtered(
                lambda sms, who=partners, where=numbers: not sms._consent_is_allowed(who, where)
            )
        if stopped:
            stopped._update_sms_state_and_trackers("canceled", failure_type="sms_optout")
        return stopped.with_env(self.env)

    def _consent_is_allowed(self, partners, numbers):
        """Whether the number may be written to: a consent belongs to a number, not to whoever else stands there."""
        return self.number in numbers or (
            self.partner_id in partners and self.number == self.partner_id.phone_sanitized
        )

    def _get_consent_company(self):
        return self.mail_message_id.record_company_id or self.env.company
