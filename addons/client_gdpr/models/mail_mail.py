from odoo import models
from odoo.tools.mail import email_normalize


class MailMail(models.Model):
    """Nothing leaves the queue to a sealed person, whatever it is about, but answers to their own requests."""

    _inherit = "mail.mail"

    def _consent_ask_again(self):
        result = super()._consent_ask_again()
        self._gdpr_stop_for_sealed()
        return result

    def _gdpr_stop_for_sealed(self):
        """Take sealed people out of waiting mails; a mail without recipients is cancelled, Art. 18(2)."""
        # sudo: who may send a mail need not be who may read requests
        waiting = self.sudo().filtered(lambda mail: mail.state == "outgoing" and mail.model != "gdpr.request")
        partners = self.env["res.partner"]
        sealed = partners.browse(partners._gdpr_sealed_among(waiting.recipient_ids.ids))
        typed = {mail: mail._consent_typed_addresses() for mail in waiting}
        foreign = set(partners._gdpr_sealed_at(set().union(*typed.values()))) if waiting else set()
        gone = {
            mail: (mail.recipient_ids & sealed, typed[mail] & foreign)
            for mail in waiting
            if mail.recipient_ids & sealed or typed[mail] & foreign
        }
        stopped = self.browse().union(*(mail for mail, who in gone.items() if who == (mail.recipient_ids, typed[mail])))
        stopped = stopped.sudo()
        self.sudo()._consent_take_out({mail: who for mail, who in gone.items() if mail not in stopped})
        if stopped:
            reason = self.env._("Not sent: the person's data is sealed after a privacy request.")
            stopped.write({"state": "cancel", "failure_type": "mail_optout", "failure_reason": reason})
        if gone:
            self._gdpr_tell_notifications(gone)

    def _gdpr_tell_notifications(self, gone):
        """Say on the messages that the mail did not go to sealed people."""
        # sudo: as above
        notifications = (
            self.env["mail.notification"]
            .sudo()
            .search(
                [
                    ("notification_type", "=", "email"),
                    ("mail_mail_id", "in", [mail.id for mail in gone]),
                    ("notification_status", "not in", ("sent", "canceled")),
                ]
            )
        )
        notifications.filtered(
            lambda told: (
                told.res_partner_id in gone[told.mail_mail_id][0]
                or email_normalize(told.mail_email_address) in gone[told.mail_mail_id][1]
            )
        ).write({"notification_status": "canceled", "failure_type": "mail_optout"})
