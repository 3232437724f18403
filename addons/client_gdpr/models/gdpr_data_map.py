from importlib import resources
from pathlib import Path

from odoo import api, fields, models, tools
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.modules import Manifest

from ..tools import catalogue
from ..tools.errors import CatalogueError

PERSON = "res.partner"
#: Who created or changed a record is a fact about staff, kept with the record itself.
AUTHORSHIP = frozenset({"create_uid", "write_uid"})
ID_FIELD_NAMES = frozenset({"res_id"})
CATALOGUE_FILE = "gdpr_catalogue.csv"


class GdprDataMap(models.Model):
    """What the DPO decided about fields that no catalogue declares.

    Declarations of the catalogues live in files and are read once per registry; only decisions are rows.
    """

    _name = "gdpr.data.map"
    _description = "Personal Data Map: Decided Field"
    _order = "state desc, model_name, field_name"
    _rec_name = "field_name"

    model_name = fields.Char("Model", required=True, readonly=True)
    field_name = fields.Char("Field", required=True, readonly=True)
    model_label = fields.Char("Where", compute="_compute_labels")
    field_label = fields.Char("What", compute="_compute_labels")
    role = fields.Selection([("link", "Link to a person"), ("email", "E-mail address")], required=True, readonly=True)
    state = fields.Selection(
        [("decided", "Decided"), ("undecided", "Undecided")], default="undecided", required=True, readonly=True
    )
    action = fields.Selection(
        [
            ("delete", "Delete the record"),
            ("cut", "Remove the link, keep the record"),
            ("keep", "Keep the record as it is"),
            ("none", "Nothing personal"),
        ],
        "When the person is erased",
    )
    reason = fields.Char(help="Why this is right. Stands in the plan and, for what is kept, in the certificate.")
    decided_by_id = fields.Many2one("res.users", "Decided by", readonly=True)
    decided_at = fields.Datetime("Decided on", readonly=True)

    _field_once = models.Constraint(
        "unique(model_name, field_name)", "This field already stands in the data map: open its line instead."
    )

    @api.depends("model_name", "field_name")
    def _compute_labels(self):
        for row in self:
            model = self.env.get(row.model_name)
            field = model._fields.get(row.field_name) if model is not None else None
            row.model_label = model._description if model is not None else row.model_name
            row.field_label = field.get_description(self.env, ["string"])["string"] if field else row.field_name

    @api.constrains("state", "action", "reason")
    def _check_decision(self):
        for row in self:
            if row.state == "decided" and not row.action:
                raise ValidationError(self.env._("Choose what happens with the field when a person is erased."))
            if row.state == "decided" and row.action in ("keep", "none") and not row.reason:
                raise ValidationError(
                    self.env._("Keeping something, or calling it not personal, needs a reason: type it in.")
                )
            if row.action == "cut" and row.role == "email":
                raise ValidationError(self.env._("An e-mail address has no link to remove: choose another action."))
            field = self.env[row.model_name]._fields.get(row.field_name) if row.model_name in self.env else None
            if row.action == "cut" and field is not None and field.required:
                raise ValidationError(
                    self.env._("The link is required, so it cannot be removed: delete or keep the record.")
                )

    @api.model_create_multi
    def create(self, vals_list):
        rows = super().create(vals_list)
        self.env.registry.clear_cache()
        return rows

    def write(self, vals):
        res = super().write(vals)
        self.env.registry.clear_cache()
        return res

    def unlink(self):
        res = super().unlink()
        self.env.registry.clear_cache()
        return res

    def action_decide(self):
        """Make the decision on this field valid; it counts from the next plan on."""
        if not self.env.user.has_group("client_gdpr.group_gdpr_dpo"):
            raise AccessError(self.env._("Only the data protection officer decides what a field holds."))
        self.write({"state": "decided", "decided_by_id": self.env.uid, "decided_at": fields.Datetime.now()})

    @api.model
    def action_open_undecided(self):
        """Open the fields that wait for a decision."""
        self._record_undecided()
        return self.env["ir.actions.act_window"]._for_xml_id("client_gdpr.action_gdpr_data_map_undecided")

    @api.model
    def coverage(self):
        """Say how much of this installation is declared.

        :return: ``{"declared": int, "unclassified": ["model.field", …]}``
        """
        if not self.env.user.has_group("client_gdpr.group_gdpr_user"):
            raise AccessError(
                self.env._("The data map is for privacy staff. Ask an administrator for a Privacy group.")
            )
        discovered = self._discover()
        unclassified = sorted(".".join(key) for key in discovered.keys() - self._declarations().keys())
        return {"declared": len(discovered) - len(unclassified), "unclassified": unclassified}

    @api.model
    @tools.ormcache()
    def _declarations(self):
        """What is declared for the installed modules and decided by the DPO: (model, field) → Declaration.

        :raises UserError: when a row of an installed module matches no field
        """
        try:
            declared = self._read_catalogues()
        except CatalogueError as error:
            raise UserError(
                self.env._(
                    "The data map cannot be read: %(problem)s. Correct the row and upgrade the module.",
                    problem=str(error),
                )
            ) from error
        for row in self.sudo().search([("state", "=", "decided")]):
            declared[row.model_name, row.field_name] = catalogue.Declaration(
                row.model_name,
                row.field_name,
                row.role,
                row.action,
                bond="own" if row.action == "delete" else "part",
                reason=row.reason or "",
                source="decision",
            )
        return declared

    def _read_catalogues(self):
        declared = {}
        for source, text in self._catalogue_texts():
            for row in catalogue.parse(text, source):
                if row.model not in self.env or row.field not in self.env[row.model]._fields:
                    raise CatalogueError(source, 0, f"there is no field {row.model}.{row.field}")
                if row.key in declared:
                    raise CatalogueError(
                        source, 0, f"{row.model}.{row.field} stands also in {declared[row.key].source}"
                    )
                declared[row.key] = row
        return declared

    def _catalogue_texts(self):
        """Yield (name, text) of every catalogue of an installed module: ours by name, others from their own file."""
        installed = self.env.registry._init_modules
        for entry in sorted((resources.files(__package__) / ".." / "catalogue").iterdir(), key=lambda e: e.name):
            if entry.name.endswith(".csv") and entry.name.removesuffix(".csv") in installed:
                yield f"catalogue/{entry.name}", entry.read_text(encoding="utf-8")
        for name in sorted(installed):
            manifest = Manifest.for_addon(name, display_warning=False)
            path = Path(manifest.path) / CATALOGUE_FILE if manifest else None
            if path and path.is_file():
                yield f"{name}/{CATALOGUE_FILE}", path.read_text(encoding="utf-8")

    @api.model
    @tools.ormcache()
    def _discover(self):
        """Walk the registry for what may lead to a person: (model, field) → link or email.

        Looked at are stored links to contacts, model/id pairs, and columns that are named like an e-mail address.
        SQL views hold no data, abstract models have no table and wizards are emptied by Odoo within hours.
        """
        found = {}
        for name, model in self.env.registry.items():
            if model._abstract or model._transient or not model._auto:
                continue
            for field in model._fields.values():
                if field.store and field.name not in AUTHORSHIP and (role := self._role_of(field)):
                    found[name, field.name] = role
        return found

    def _role_of(self, field):
        """Tell whether a field looks like a link to a person or an e-mail address."""
        if field.comodel_name == PERSON and field.type in ("many2one", "many2many"):
            return "link"
        if field.type in ("many2one_reference", "reference"):
            return "link"
        if field.type == "integer" and field.name in ID_FIELD_NAMES:
            return "link"
        if field.type == "char" and "email" in field.name and field.name != "email_layout_xmlid":
            return "email"
        return None

    @api.model
    def _undecided(self):
        """Discovered but neither declared nor decided: (model, field) → Declaration that asks for a review."""
        declared = self._declarations()
        return {
            key: catalogue.Declaration(*key, role, "keep", bond="part", reason="undecided", source="discovery")
            for key, role in self._discover().items()
            if key not in declared
        }

    @api.model
    def _record_undecided(self):
        """Make a line for every undecided field, so that the DPO sees what waits; return the lines."""
        rows = self.sudo().search([])  # pylint: disable=no-search-all
        known = {(row.model_name, row.field_name) for row in rows}
        created = self.sudo().create(
            [
                {"model_name": row.model, "field_name": row.field, "role": row.role}
                for key, row in self._undecided().items()
                if key not in known
            ]
        )
        return rows.filtered(lambda row: row.state == "undecided") | created
