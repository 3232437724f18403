from odoo import api, fields, models
from odoo.exceptions import UserError

INVITE_DAYS = 30


class ConsentInviteWizard(models.TransientModel):
    """Makes a link that a contact passes on to a friend himself.

    We never write to the friend, and nothing about the friend is stored before his own click and submit.
    """

    _name = "consent.invite.wizard"
    _description = "Invitation to Pass On"

    referrer_id = fields.Many2one("res.partner", "From", required=True, readonly=True, ondelete="cascade")
    purpose_ids = fields.Many2many(
        "consent.purpose",
        string="The friend may choose",
        domain=[("lawful_basis", "=", "consent"), ("state", "=", "active"), ("channel_email", "=", True)],
    )
    text = fields.Text(store=False, help="Copy it, or mail it to the person, who passes it on.")

    def action_make(self):
        """Make the link and show the text with it, which nobody can read again later."""
        self.ensure_one()
        self.referrer_id._consent_check_caller()
        wrong = self.purpose_ids.filtered(
            lambda p: p.lawful_basis != "consent" or p.state != "active" or not p.channel_email
        )
        if not self.purpose_ids or wrong:
            raise UserError(self.env._("Choose what the friend may agree to: active purposes for consent by e-mail."))
        action = self.env["ir.actions.act_window"]._for_xml_id("client_consent.action_consent_invite_wizard")
        # shown once and stored nowhere: whoever holds the link may use it
        action["context"] = {
            "default_referrer_id": self.referrer_id.id,
            "default_purpose_ids": self.purpose_ids.ids,
            "default_text": self._invitation(self.referrer_id, self.purpose_ids),
        }
        return action

    @api.model
    def _invitation(self, referrer, purposes):
        token = self.env["consent.token"]._issue(
            "invite",
            INVITE_DAYS,
            subject=referrer._consent_subject(create=True),
            purposes=purposes.mapped("code"),
            company=self.env.company.id,
        )
        # the address of this server is no secret
        base = self.env["ir.config_parameter"].sudo().get_param("web.base.url")
        return self.env._(
            "I am a customer of %(company)s and think this may interest you. If you like, choose here yourself what "
            "they may send you: %(link)s\n\nThe link is good for %(days)s days. They know nothing about you unless you "
            "fill it in.",
            company=self.env.company.name,
            link=f"{base}/privacy/invite/{token}",
            days=INVITE_DAYS,
        )
