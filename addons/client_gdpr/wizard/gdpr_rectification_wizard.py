import json

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tools import format_date

from ..models.gdpr_request import SOURCES

#: What people ask to have corrected, in the order of the form. The names are those of the contact's fields.
ASKED = (
    "name",
    "function",
    "email",
    "phone",
    "street",
    "street2",
    "zip",
    "city",
    "state_id",
    "country_id",
    "vat",
    "lang",
    "consent_birthdate",
    "gdpr_statement",
)

#: More places than this nobody looks at one by one; those beyond are corrected where the old value stands.
LONGEST_IN_DIALOG = 80


class GdprRectificationWizard(models.TransientModel):
    """The *Change me* dialog: the handler types what is true and sees every place in which the old value stands.

    It lives as long as the dialog: it goes when the correction is done, so that no second copy of the old and the
    new values stays behind.
    """

    _name = "gdpr.rectification.wizard"
    _inherit = ["gdpr.identity.dialog"]
    _description = "Correct a Person's Data"

    request_id = fields.Many2one("gdpr.request", readonly=True, ondelete="cascade")
    received_at = fields.Datetime("Asked on", required=True, default=fields.Datetime.now)
    source = fields.Selection(SOURCES, "How", required=True, default="in_person")
    due = fields.Char("Answer due", compute="_compute_due")
    shown = fields.Text(readonly=True, help="What the contact said when the form was opened.")
    name = fields.Char()
    function = fields.Char("Job position")
    email = fields.Char("E-mail")
    phone = fields.Char()
    street = fields.Char()
    street2 = fields.Char("Street 2")
    zip = fields.Char("ZIP")
    city = fields.Char()
    state_id = fields.Many2one("res.country.state", domain="[('country_id', '=?', country_id)]")
    country_id = fields.Many2one("res.country")
    vat = fields.Char("Tax ID")
    lang = fields.Selection(lambda self: self.env["res.lang"].get_installed(), "Language")
    consent_birthdate = fields.Date("Birth date")
    gdpr_statement = fields.Text(
        "Statement of the person",
        help="Where the data alone would give a wrong picture, the person may add a statement. It stands beside the "
        "data and goes with every answer about it (Art. 16).",
    )
    identity_ids = fields.One2many(
        "gdpr.rectification.wizard.identity",
        "wizard_id",
        "Who is it?",
        compute="_compute_identity_ids",
        store=True,
        readonly=False,
    )
    line_ids = fields.One2many("gdpr.rectification.wizard.line", "wizard_id", "Where it stands")
    recipient_ids = fields.Many2many(
        "res.partner",
        "gdpr_rectification_wizard_recipient_rel",
        string="Tell these recipients",
        help="Those to whom you gave the wrong data: they get a letter with what is true now (Art. 19).",
    )
    recipients_hint = fields.Char(compute="_compute_recipients_hint")
    more_count = fields.Integer("More places", readonly=True)
    problem = fields.Char(readonly=True)
    company_name = fields.Char("Belongs to", related="partner_id.parent_id.name")
    shares_address = fields.Boolean(compute="_compute_shares_address")

    @api.model
    def default_get(self, fields_list):
        """What the contact says now, with what a waiting request asks for typed in."""
        self.env["gdpr.request"]._check_group("handler")
        values = super().default_get(fields_list)
        partner = self.env["res.partner"].browse(values.get("partner_id")).exists()
        if not partner:
            raise UserError(self.env._("Open the contact and press Change me there."))
        partner.check_access("read")
        corrector = self.env["gdpr.corrector"]
        now = {name: corrector._plain(partner, name) for name in ASKED}
        values |= now | {"shown": json.dumps(now)}
        request = self.env["gdpr.request"].browse(values.get("request_id")).exists()
        if request:
            request.check_access("read")
            asked = request._asked()
            new = corrector._read_values(partner, asked["values"])
            values |= {name: value for name, value in new.items() if name in ASKED}
            values |= {"received_at": request.received_at, "source": request.source}
            values["line_ids"], values["more_count"] = self._line_commands(
                partner | request.partner_ids, request._choice(), new
            )
        return values

    @api.depends("partner_id", "request_id")
    def _compute_identity_ids(self):
        for wizard in self:
            wizard._check_may_look()
            said = {(line.model, line.res_id): line.included for line in wizard.request_id.identity_ids}
            wizard.identity_ids = [Command.clear(), *map(Command.create, wizard._gathered(asked=True))]
            for line in wizard.identity_ids:
                line.included = said.get((line.model, line.res_id), line.included) and not line._get_obstacle()

    @api.depends("received_at")
    def _compute_due(self):
        for wizard in self:
            wizard.due = False
            if wizard.received_at:
                received = fields.Datetime.context_timestamp(wizard, wizard.received_at).date()
                deadline = self.env["consent.country"]._due(self.env.company, received)
                wizard.due = format_date(self.env, deadline.day, date_format="EEEE d MMMM y")

    @api.depends("partner_id")
    def _compute_recipients_hint(self):
        for wizard in self:
            wizard._check_may_look()
            wizard.recipients_hint = self.env["gdpr.reporter"]._recipients_hint(wizard.partner_id)

    @api.depends("partner_id")
    def _compute_shares_address(self):
        for wizard in self:
            wizard.shares_address = bool(wizard.partner_id.parent_id) and wizard.partner_id.type == "contact"

    @api.onchange("identity_ids", *ASKED)
    def _onchange_asked(self):
        """Show every place of what was typed, or what is wrong with it; ticks that somebody took away stay away."""
        if self.country_id and self.state_id and self.state_id.country_id != self.country_id:
            self.state_id = False
        self._check_may_look()
        self.problem, ticks = False, {line.place_key: line.ticked for line in self.line_ids}
        partner, values = self.partner_id._origin, self._asked_values()
        self.line_ids, self.more_count = [Command.clear()], 0
        if values:
            contacts, choice = self._chosen()
            try:
                new = self.env["gdpr.corrector"]._read_values(partner, values)
                self.line_ids, self.more_count = self._line_commands(partner.browse(contacts), choice, new, ticks)
            except UserError as error:
                self.problem = str(error)

    def action_correct(self):
        """Register what the person asked, correct it in every ticked place, and show the request."""
        self.ensure_one()
        values = self._asked_values()
        partner = self.partner_id
        requests = self.env["gdpr.request"]
        request = self.request_id or requests.browse(
            requests.request_open("rectification", partner.ids, self.received_at, self.source, values=values)
        )
        request._check_group("handler")
        request.check_access("write")
        decided = [[*json.loads(line.place_key), line.ticked] for line in self.line_ids]
        shown = json.loads(self.shown)
        before = {name: shown.get(name, request._shown(partner, [name])["before"][name]) for name in values}
        request._keep_asked(
            {"values": values, "main": partner.id, "before": before, "decided": decided, "tell": self.recipient_ids.ids}
        )
        request._choose(self._said())
        if request.state == "received":
            request.action_confirm_identity()
        request.action_execute()
        self.unlink()
        return request._get_form_action()

    # -- helpers -------------------------------------------------------------------------------------

    def _asked_values(self):
        """What was typed in place of what was shown, and what a request asks beyond this form: field → text or code."""
        asked = self.request_id._asked()["values"] if self.request_id else {}
        corrector, shown = self.env["gdpr.corrector"], json.loads(self.shown or "{}")
        values = {name: value for name, value in asked.items() if name not in ASKED}
        for name in ASKED:
            value = corrector._plain(self, name)
            if (value or False) != (shown.get(name) or False):
                values[name] = (self[name].code if self._fields[name].type == "many2one" else value) or False
        return values

    def _line_commands(self, partners, choice, new, ticks=()):
        """The first places as lines, ticked as they were before where they were there before, and how many more."""
        corrector = self.env["gdpr.corrector"]
        places = corrector._places(partners, new, choice)
        lines = self.env["gdpr.reporter"]._correction_lines(places[:LONGEST_IN_DIALOG], corrector._wanted(places))
        commands = [Command.clear()]
        for line in lines:
            key = json.dumps(line["place"].key)
            commands.append(
                Command.create(
                    {
                        "place_key": key,
                        "fixed": line["place"].fixed,
                        "ticked": dict(ticks).get(key, line["ticked"]),
                        **{name: line[name] for name in ("where", "what", "before", "after")},
                    }
                )
            )
        return commands, len(places) - len(lines)
