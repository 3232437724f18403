from collections import defaultdict

from odoo import models
from odoo.tools import SQL
from odoo.tools.mail import email_normalize, email_normalize_all, email_split_and_format_normalize


class MailMail(models.Model):
    """A mail with a purpose is asked for again when it leaves: between choosing and sending lie minutes or weeks."""

    _inherit = "mail.mail"

    def _send(self, *args, **kwargs):
        self._consent_ask_again()
        return super()._send(*args, **kwargs)

    def _consent_ask_again(self):
        """Take out of waiting mails whoever does not allow their purpose now; a mail without recipients is cancelled.

        All mails of a purpose and company are asked about at once.
        """
        # sudo: who may send a mail need not be who may read consents
        waiting = self.sudo().filtered(lambda mail: mail.state == "outgoing" and mail.consent_purpose_id)
        groups = waiting.grouped(lambda mail: (mail.consent_purpose_id, mail.record_company_id or self.env.company))
        for (purpose, company), mails in groups.items():
            mails.with_company(company)._consent_keep_allowed(purpose)

    def _consent_keep_allowed(self, purpose):
        code = purpose.code
        allowed = self.recipient_ids._may_process(code, "email")
        typed = {address for mail in self for address in mail._consent_typed_addresses()}
        addresses = self.env["consent.gate"]._allowed_addresses(code, "email", typed)
        stopped, gone = self.browse(), {}
        for mail in self:
            refused = mail.recipient_ids - allowed
            if mail.message_type != "email_outgoing":
                # colleagues who follow the record read what was written there
                refused = refused.filtered("partner_share")
            foreign = mail._consent_typed_addresses() - addresses
            if not refused and not foreign:
                continue
            gone[mail] = (refused, foreign)
            if refused == mail.recipient_ids and foreign == mail._consent_typed_addresses():
                stopped |= mail
        if gone:
            self._consent_take_out({mail: who for mail, who in gone.items() if mail not in stopped})
            stopped._consent_cancel(purpose)
            self._consent_tell_notifications(gone)

    def _consent_typed_addresses(self):
        """The normalised addresses that stand in the mail as text."""
        return {*email_normalize_all(self.email_to or ""), *email_normalize_all(self.email_cc or "")}

    def _consent_take_out(self, gone):
        """Leave the mails to those who are left."""
        pairs = [(mail.id, partner.id) for mail, (refused, _foreign) in gone.items() for partner in refused]
        if pairs:
            field = self._fields["recipient_ids"]
            self.env.cr.execute(
                SQL(
                    """DELETE FROM %s USING unnest(%s, %s) AS gone (mail_id, partner_id)
                        WHERE %s = gone.mail_id AND %s = gone.partner_id""",
                    SQL.identifier(field.relation),
                    [mail_id for mail_id, _partner_id in pairs],
                    [partner_id for _mail_id, partner_id in pairs],
                    SQL.identifier(field.relation, field.column1),
                    SQL.identifier(field.relation, field.column2),
                )
            )
            self.invalidate_recordset(["recipient_ids"], flush=False)
        for mail, (_refused, foreign) in gone.items():
            for name in ("email_to", "email_cc"):
                if foreign and mail[name]:
                    kept = email_split_and_format_normalize(mail[name])
                    mail[name] = ", ".join(address for address in kept if email_normalize(address) not in foreign)

    def _consent_cancel(self, purpose):
        """Cancel mails that nobody may get. Add-ons that keep score of mails extend it."""
        if self:
            reason = self._consent_reason(purpose)
            self.write({"state": "cancel", "failure_type": "mail_optout", "failure_reason": reason})

    def _consent_reason(self, purpose):
        return self.env._(
            "Not sent: no consent for “%s” when it was to leave (withdrawn, ended or never given).", purpose.name
        )

    def _consent_tell_notifications(self, gone):
        """Say on the messages for whom the mail was not sent."""
        notifications = self.env["mail.notification"].search(
            [
                ("notification_type", "=", "email"),
                ("mail_mail_id", "in", [mail.id for mail in gone]),
                ("notification_status", "not in", ("sent", "canceled")),
            ]
        )
        told = defaultdict(lambda: self.env["mail.notification"])
        for notification in notifications:
            mail = notification.mail_mail_id
            refused, foreign = gone[mail]
            if notification.res_partner_id in refused or email_normalize(notification.mail_email_address) in foreign:
                told[mail.consent_purpose_id] |= notification
        for purpose, of_purpose in told.items():
            of_purpose.write(
                {
                    "notification_status": "canceled",
                    "failure_type": "mail_optout",
                    "failure_reason": self._consent_reason(purpose),
                }
            )
