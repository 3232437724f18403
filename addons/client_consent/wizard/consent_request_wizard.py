from odoo import api, fields, models
from odoo.exceptions import UserError


class ConsentRequestWizard(models.TransientModel):
    """Asks people by mail, once, for their consent; each answers on a page of their own."""

    _name = "consent.request.wizard"
    _description = "Ask for Consent"

    partner_ids = fields.Many2many("res.partner", string="Contacts", required=True)
    purpose_ids = fields.Many2many(
        "consent.purpose",
        string="For",
        required=True,
        domain=[("state", "=", "active"), ("lawful_basis", "=", "consent")],
    )
    own_address = fields.Boolean(
        "They gave us their address themselves",
        help="In an enquiry, a purchase, a visiting card. To ask anybody else by e-mail is unsolicited advertising.",
    )
    result = fields.Text(readonly=True)

    @api.model
    def default_get(self, fields_list):
        """Take the contacts that were selected in the list."""
        values = super().default_get(fields_list)
        if "partner_ids" in fields_list and self.env.context.get("active_model") == "res.partner":
            values.setdefault("partner_ids", [fields.Command.set(self.env.context.get("active_ids", []))])
        return values

    def action_send(self):
        """Send the letters and say who got one, and who did not and why."""
        self.ensure_one()
        self.partner_ids._consent_check_caller()
        if wrong := self.purpose_ids.filtered(lambda purpose: purpose.lawful_basis != "consent"):
            raise UserError(self.env._("“%s” does not rest on consent: there is nothing to ask.", wrong[0].name))
        if not self.purpose_ids:
            raise UserError(self.env._("Choose what you ask for."))
        if not self.own_address:
            raise UserError(
                self.env._(
                    "Confirm that these people gave you their address themselves. Asking others by e-mail is "
                    "unsolicited advertising: speak to them first."
                )
            )
        answers = [(purpose, None) for purpose in self.purpose_ids]
        done = self.env["consent.recording"]._request(self.partner_ids, answers)
        if not done["asked"] and done["left_out"].get("no_text"):
            raise UserError(
                self.env._("There is no published text in the language of these people: publish a notice first.")
            )
        self.result = "\n".join(self._result_lines(done))
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Ask for consent"),
            "res_model": self._name,
            "res_id": self.id,
            "view_mode": "form",
            "target": "new",
        }

    def _result_lines(self, done):
        why = {
            "sealed": self.env._("%s not asked: their data must not be used after a privacy request"),
            "no_address": self.env._("%s without an e-mail address"),
            "quarantined": self.env._("%s not asked: the address came from a list and not from the person"),
            "no_text": self.env._("%s not asked: there is no published text in their language"),
            "answered": self.env._("%s not asked: they answered already, were asked before, or said no"),
        }
        yield self.env._("%s asked by e-mail", len(done["asked"]))
        for reason, partners in done["left_out"].items():
            yield why[reason] % len(partners)
        recording, languages = self.env["consent.recording"], set(done["asked"].mapped("lang"))
        untold = self.purpose_ids.filtered(
            lambda purpose: not all(recording._present_notice(purpose, lang) for lang in languages)
        )
        if untold:
            names = ", ".join(untold.mapped("name"))
            yield self.env._("Not all were asked about %s: publish its text in their language first", names)
