import functools
from collections import Counter, defaultdict
from importlib import resources
from pathlib import Path

from odoo import api, fields, models, tools
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.modules import Manifest
from odoo.tools import SQL

from ..tools import catalogue, discovery, map_picture
from ..tools.errors import CatalogueError

PERSON = "res.partner"
USER = "res.users"
#: Who created or changed a record is a fact about staff, kept with the record itself.
AUTHORSHIP = frozenset({"create_uid", "write_uid"})
#: A record shows its files by a field of its own, but what the files are about says the file's own link.
SHOWN = frozenset({"ir.attachment"})
#: Kept by the ORM itself, and names of tables.
INTERNAL = frozenset({"id", "parent_path", "display_name", *discovery.MODEL_NAMES})
LINK_TYPES = frozenset({"many2one", "many2many"})
PAIR_TYPES = frozenset({"many2one_reference", "reference"})
PLACEHOLDER_TYPES = frozenset({"char", "text", "html"})
CATALOGUE_FILE = "gdpr_catalogue.csv"


@functools.lru_cache(maxsize=512)
def _parsed(text, source):
    return tuple(catalogue.parse(text, source))


class GdprDataMap(models.Model):
    """The fields of this installation that hold, or may hold, something about a person.

    Declarations of the catalogues live in files, are read once per registry, and stand here as rows to be read. Rows
    that no catalogue declares are for the DPO to decide: those decisions are read back.
    """

    _name = "gdpr.data.map"
    _description = "Personal Data Map: Field"
    _order = "state desc, model_name, field_name"
    _rec_name = "field_name"

    model_name = fields.Char("Model", required=True, readonly=True)
    field_name = fields.Char("Field", required=True, readonly=True)
    model_label = fields.Char("Where", compute="_compute_labels")
    field_label = fields.Char("What", compute="_compute_labels")
    role = fields.Selection(
        [
            ("link", "Link to a person"),
            ("email", "E-mail address"),
            ("phone", "Phone number"),
            ("value", "Data about a person"),
            ("text", "Free text"),
        ],
        required=True,
        readonly=True,
    )
    kind = fields.Selection(
        [
            ("link", "Points to a person, or to what is about one"),
            ("pair", "Points to any record by its number"),
            ("email", "Named like an e-mail address"),
            ("phone", "Named like a phone number"),
            ("address", "Named like a postal address"),
            ("identity", "Named like what tells who somebody is"),
            ("network", "Named like a trace of a device or a place"),
            ("special", "Named like a special category of data"),
            ("words", "Text on a record about a person"),
            ("content", "File or data on a record about a person"),
            ("custom", "Own field on a record about a person"),
        ],
        "Why it was noticed",
        readonly=True,
    )
    path = fields.Char("How it is reached", readonly=True, help="The fields that lead from the record to the person.")
    state = fields.Selection(
        [("declared", "Declared"), ("decided", "Decided"), ("undecided", "Undecided")],
        default="undecided",
        required=True,
        readonly=True,
        help="Declared: known to the product, with a reason. Decided: by your data protection officer. "
        "Undecided: nobody has said yet what it holds.",
    )
    action = fields.Selection(
        [
            ("delete", "Delete the record"),
            ("anonymise", "Keep the record without the person's data"),
            ("redact", "Take the person out of its texts"),
            ("cut", "Remove the link, keep the record"),
            ("clear", "Empty the field"),
            ("replace", "Put a placeholder in its place"),
            ("keep", "Keep it as it is"),
            ("none", "Nothing personal"),
        ],
        "When the person is erased",
    )
    reason = fields.Char(help="Why this is right. Stands in the plan and, for what is kept, in the certificate.")
    category = fields.Selection(
        "_selection_categories", help="The category of personal data, as the register names it."
    )
    special = fields.Selection(
        "_selection_special", "Special category", help="What kind of data of Art. 9 or 10 stands or may stand here."
    )
    proposed_action = fields.Selection(selection=lambda self: self._fields["action"].selection, readonly=True)
    proposed_reason = fields.Char("Why we propose this", readonly=True)
    topic = fields.Selection("_selection_topics", "Shown to the person under", readonly=True)
    export = fields.Selection(
        [("access", "Shown"), ("portability", "Shown and taken along")], "On request", readonly=True
    )
    origin = fields.Selection(
        [("given", "Given by the person"), ("observed", "Observed"), ("derived", "Derived by us")], readonly=True
    )
    third_party = fields.Selection(
        [("possible", "Others may stand there"), ("always", "Others stand there")], "Third parties", readonly=True
    )
    tracked = fields.Boolean("Old values kept in the chatter", readonly=True)
    custom = fields.Boolean("Own field", readonly=True, help="Made by an administrator, not by a module.")
    module = fields.Char(readonly=True)
    source = fields.Char("Declared in", readonly=True)
    delta_id = fields.Many2one("gdpr.data.delta", "Came with", readonly=True, index="btree_not_null")
    filled = fields.Integer("Records filled in", readonly=True, help="When it was last counted.")
    share = fields.Float("Share filled in", readonly=True, aggregator="avg")
    counted_at = fields.Datetime("Counted on", readonly=True)
    need = fields.Selection(
        [("needed", "Needed"), ("unneeded", "Not needed")],
        "Do we need it?",
        help="Data may be held only as far as its purpose needs it, Art. 5(1)(c). "
        "What is filled in but not needed should be emptied.",
    )
    decided_by_id = fields.Many2one("res.users", "Decided by", readonly=True)
    decided_at = fields.Datetime("Decided on", readonly=True)

    _field_once = models.Constraint(
        "unique(model_name, field_name)", "This field already stands in the data map: open its line instead."
    )

    def _selection_categories(self):
        words = {
            "identity": self.env._("Who somebody is"),
            "contact": self.env._("Contact details"),
            "location": self.env._("Places"),
            "preferences": self.env._("Choices and consents"),
            "transactions": self.env._("Enquiries, offers and orders"),
            "financial": self.env._("Invoices, payments, bank details"),
            "content": self.env._("Messages, notes and files"),
            "behaviour": self.env._("What somebody did or answered"),
            "relations": self.env._("Links between records"),
            "staff": self.env._("Data of employees"),
            "technical": self.env._("Technical traces"),
        }
        return [(code, words[code]) for code in catalogue.CATEGORIES]

    def _selection_topics(self):
        words = {
            "contact": self.env._("Contact details"),
            "consent": self.env._("Consents"),
            "sales": self.env._("Sales"),
            "accounting": self.env._("Invoices and payments"),
            "messages": self.env._("Messages"),
            "calendar": self.env._("Meetings"),
            "marketing": self.env._("Marketing"),
            "events": self.env._("Events"),
            "website": self.env._("Website"),
            "staff": self.env._("Employees"),
            "privacy": self.env._("Privacy requests"),
            "technical": self.env._("Technical records"),
        }
        return [(code, words[code]) for code in catalogue.TOPICS]

    def _selection_special(self):
        words = {
            "possible": self.env._("May stand in free text"),
            "racial": self.env._("Racial or ethnic origin"),
            "political": self.env._("Political opinions"),
            "religious": self.env._("Religious or philosophical beliefs"),
            "union": self.env._("Trade union membership"),
            "genetic": self.env._("Genetic data"),
            "biometric": self.env._("Biometric data that identifies"),
            "health": self.env._("Health"),
            "sexual": self.env._("Sex life or sexual orientation"),
            "criminal": self.env._("Criminal convictions and offences"),
        }
        return [(code, words[code]) for code in catalogue.SPECIAL]

    @api.depends("model_name", "field_name")
    def _compute_labels(self):
        for row in self:
            model = self.env.get(row.model_name)
            field = model._fields.get(row.field_name) if model is not None else None
            row.model_label = model._description if model is not None else row.model_name
            row.field_label = field.get_description(self.env, ["string"])["string"] if field else row.field_name

    @api.constrains("state", "action", "reason", "role")
    def _check_decision(self):
        # the catalogues were checked when they were read
        for row in self.filtered(lambda row: row.state != "declared"):
            if row.state == "decided" and not row.action:
                raise ValidationError(self.env._("Choose what happens with the field when a person is erased."))
            if row.state == "decided" and row.action in ("keep", "none") and not row.reason:
                raise ValidationError(
                    self.env._("Keeping something, or calling it not personal, needs a reason: type it in.")
                )
            if row.action == "cut" and row.role == "email":
                raise ValidationError(self.env._("An e-mail address has no link to remove: choose another action."))
            if row.action and row.action not in catalogue.ROLES[row.role]:
                raise ValidationError(
                    self.env._(
                        "This does not fit what the field is: delete or unlink records, empty or replace values."
                    )
                )
            field = self.env[row.model_name]._fields.get(row.field_name) if row.model_name in self.env else None
            if row.action == "cut" and field is not None and field.required:
                raise ValidationError(
                    self.env._("The link is required, so it cannot be removed: delete or keep the record.")
                )
            if field is not None and (problem := self._misfit(row.role, row.action, field)):
                raise ValidationError(self.env._("Choose another action: %s.", problem))

    @api.model_create_multi
    def create(self, vals_list):
        rows = super().create(vals_list)
        self.env.registry.clear_cache()
        return rows

    def write(self, vals):
        if not self.env.su and "need" not in vals and any(row.state == "declared" for row in self):
            raise AccessError(self.env._("The catalogue says what this field holds: it is not decided here."))
        res = super().write(vals)
        self.env.registry.clear_cache()
        return res

    def unlink(self):
        res = super().unlink()
        self.env.registry.clear_cache()
        return res

    def action_decide(self):
        """Make the decision on this field valid; it counts from the next plan on."""
        self._check_dpo()
        self.write({"state": "decided", "decided_by_id": self.env.uid, "decided_at": fields.Datetime.now()})

    def action_accept_proposal(self):
        """Decide as proposed, with the proposal's reason unless another was typed in."""
        self._check_dpo()
        for row in self:
            row.write({"action": row.proposed_action, "reason": row.reason or row.proposed_reason})
        self.action_decide()

    def _check_dpo(self):
        if not self.env.user.has_group("client_gdpr.group_gdpr_dpo"):
            raise AccessError(self.env._("Only the data protection officer decides what a field holds."))

    def action_needed(self):
        """Say that the purposes need what stands in these fields."""
        self._check_dpo()
        self.write({"need": "needed"})

    def action_unneeded(self):
        """Say that no purpose needs what stands in these fields."""
        self._check_dpo()
        self.write({"need": "unneeded"})

    @api.model
    def action_open_map(self):
        """Open every field of the map."""
        self._record_map()
        return self.env["ir.actions.act_window"]._for_xml_id("client_gdpr.action_gdpr_data_map")

    @api.model
    def action_open_filled(self):
        """Count what is filled in, and open it, the least used first."""
        self._check_reader()
        self._record_map()
        self._count_filled()
        return self.env["ir.actions.act_window"]._for_xml_id("client_gdpr.action_gdpr_data_map_filled")

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
        self._check_reader()
        discovered = self._discover()
        unclassified = sorted(".".join(key) for key in discovered.keys() - self._declarations().keys())
        return {"declared": len(discovered) - len(unclassified), "unclassified": unclassified}

    @api.model
    def entries(self):
        """The whole map of this installation: what is declared, decided, and noticed but undecided.

        :return: list of dicts with the cells of a catalogue row and ``kind``, ``path``, ``tracked``, ``custom``,
            ``state`` (declared, decided, undecided), ``module`` (of the field), sorted by model and field
        """
        self._check_reader()
        return self._entries()

    def _entries(self):
        discovered, declared, undecided = self._discover(), self._declarations(), self._undecided()
        result = []
        for key in sorted({*discovered, *declared}):
            found = discovered.get(key)
            row = declared.get(key) or undecided[key].filled()
            state = "decided" if row.source == "decision" else "declared" if key in declared else "undecided"
            cells = {name: getattr(row, name) for name in (*catalogue.REQUIRED, *catalogue.OPTIONAL, "source")}
            result.append(
                cells
                | {
                    "kind": found.kind if found else "",
                    "path": found.path if found else "",
                    "tracked": bool(getattr(self.env[row.model]._fields[row.field], "tracking", False)),
                    "custom": bool(found and found.custom),
                    "state": state,
                    "module": (self.env[row.model]._fields[row.field]._modules or ("",))[0],
                }
            )
        return result

    @api.model
    def picture(self):
        """The map as a picture, from the person outwards.

        :return: ``{"svg": str, "coverage": percent, "declared", "decided", "undecided", "models": counts}``
        """
        self._check_reader()
        entries = self.entries()
        states = Counter(entry["state"] for entry in entries)
        places = self._places(entries)
        words = map_picture.Words(
            person=self.env._("The person"),
            steps=(
                self.env._("One step away"),
                self.env._("Two steps away"),
                self.env._("Three steps away"),
                self.env._("Further away"),
            ),
            apart=self.env._("Found by name or number"),
            fields=self.env._("%s fields"),
            undecided=self.env._("%s undecided"),
            special=self.env._("sensitive"),
        )
        known = states["declared"] + states["decided"]
        return {
            "svg": map_picture.draw(places, dict(self._selection_topics()), words),
            # never rounded up to a hundred while something waits
            "coverage": known * 100 // len(entries) if entries else 100,
            "models": len(places),
            **{state: states[state] for state in ("declared", "decided", "undecided")},
        }

    def _places(self, entries):
        """The models that hold something, as values for the picture."""
        by_model = defaultdict(list)
        for entry in entries:
            if entry["action"] != "none" or entry["state"] == "undecided":
                by_model[entry["model"]].append(entry)
        places = []
        for name, of_model in by_model.items():
            paths = sorted((entry["path"] for entry in of_model if entry["path"]), key=lambda path: path.count("."))
            via = self._target_of(name, paths[0]) if paths else None
            topics = Counter(entry["topic"] for entry in of_model)
            places.append(
                map_picture.Place(
                    model=name,
                    label=self.env[name]._description,
                    steps=0 if name == PERSON else paths[0].count(".") + 1 if paths else None,
                    via=via,
                    path=paths[0] if paths else "",
                    topic=topics.most_common(1)[0][0],
                    fields=len(of_model),
                    undecided=sum(entry["state"] == "undecided" for entry in of_model),
                    special=any(entry["special"] not in ("", "possible") for entry in of_model),
                )
            )
        return places

    def _target_of(self, model, path):
        """The model to which the first field of a path leads; a number without a model leads to the person."""
        field = self.env[model]._fields[path.partition(".")[0]]
        return field.comodel_name or PERSON

    def _check_reader(self):
        if not self.env.user.has_group("client_gdpr.group_gdpr_user"):
            raise AccessError(
                self.env._("The data map is for privacy staff. Ask an administrator for a Privacy group.")
            )

    # -- declared ------------------------------------------------------------------------------------

    @api.model
    @tools.ormcache()
    def _declarations(self):
        """What is declared for the installed modules and decided by the DPO: (model, field) → Declaration.

        :raises UserError: when a row of an installed module matches no field
        """
        declared, _rests = self._rows()
        covered = {key: self._rest_row(*key) for key in self._discover().keys() - declared.keys()}
        return dict(declared) | {
            (model, name): catalogue.Declaration(
                model,
                name,
                self._discover()[model, name].role,
                "none",
                reason=rest.reason,
                source=rest.source,
                line=rest.line,
            ).filled(rest)
            for (model, name), rest in covered.items()
            if rest
        }

    @api.model
    @tools.ormcache()
    def _rows(self):
        """What catalogues and decisions name: (declarations by key, the rows for what nobody names by model)."""
        try:
            declared, rests = self._read_catalogues()
        except CatalogueError as error:
            raise UserError(
                self.env._(
                    "The data map cannot be read: %(problem)s. Correct the row and upgrade the module.",
                    problem=str(error),
                )
            ) from error
        # decisions are the DPO's word for everybody, whoever asks
        for row in self.sudo().search([("state", "=", "decided")]):
            # a decision waits while the module of its field is away
            if row.model_name in self.env and row.field_name in self.env[row.model_name]._fields:
                declared[row.model_name, row.field_name] = catalogue.Declaration(
                    row.model_name,
                    row.field_name,
                    row.role,
                    row.action,
                    bond=("own" if row.action in ("delete", "anonymise") else "part")
                    if row.role in ("link", "email", "phone")
                    else "",
                    reason=row.reason or "",
                    category=row.category or "",
                    special=row.special or "",
                    source="decision",
                ).filled()
        of_model = defaultdict(list)
        for rest in rests:
            of_model[rest.model].append(rest)
        return declared, dict(of_model)

    def _read_catalogues(self):
        rows = []
        for source, text in self._catalogue_texts():
            for row in _parsed(text, source):
                if row.model not in self.env:
                    raise CatalogueError(source, row.line, f"there is no model {row.model}")
                if row.field != catalogue.REST:
                    field = self.env[row.model]._fields.get(row.field)
                    if field is None:
                        raise CatalogueError(source, row.line, f"there is no field {row.model}.{row.field}")
                    if problem := self._misfit(row.role, row.action, field):
                        raise CatalogueError(source, row.line, f"{row.model}.{row.field}: {problem}")
                rows.append(row)
        return catalogue.join(rows)

    def _misfit(self, role, action, field):
        """Say why a role and an action contradict what the field is, or an empty string."""
        if action == "none":
            return ""
        if not field.store:
            return "the field is not stored, declare the one it is computed from"
        if role == "link" and not self._is_link(field):
            return f"a {field.type} leads to no record"
        if role in ("email", "phone") and field.type not in PLACEHOLDER_TYPES:
            return f"a {field.type} holds no address or number"
        if field.required and action in ("clear", "cut") and field.type not in ("boolean", "many2many"):
            return "the field is required, it cannot be emptied: replace, keep or delete"
        if action == "replace" and field.type not in PLACEHOLDER_TYPES:
            return f"a placeholder does not fit into a {field.type}: clear or keep"
        return ""

    def _is_link(self, field):
        return (
            field.type in LINK_TYPES
            or field.type in PAIR_TYPES
            or bool(field.type == "integer" and self.env["gdpr.data.path"]._model_column(field))
        )

    @api.model
    def _rest_row(self, model, name):
        """The row that declares a field nobody names, if there is one.

        It speaks for its own module, and if that makes the model for what it builds on too; what later modules add, or
        an administrator, is for them.
        Nor does it speak for what leads straight to a person: that has to be named.
        """
        _declared, rests = self._rows()
        field = self.env[model]._fields[name]
        if field.comodel_name == PERSON or self._is_pair(field) or discovery.shape_of(name, field.type) == "email":
            return None
        for row in rests.get(model, ()):
            module = self._module_of(row.source)
            spoken_for = self._with_dependencies(module) if module == self.env[model]._original_module else {module}
            if not spoken_for.isdisjoint(field._modules):
                return row
        return None

    @staticmethod
    def _is_pair(field):
        """Whether a field points to records of any model, by their number."""
        return field.type in PAIR_TYPES or discovery.is_pair(field.name, field.type)

    @staticmethod
    def _module_of(source):
        """The module for which a catalogue speaks: ``catalogue/crm.csv`` → crm."""
        folder, _separator, file = source.partition("/")
        return folder if file == CATALOGUE_FILE else Path(source).stem

    @api.model
    @tools.ormcache("name")
    def _with_dependencies(self, name):
        manifest = Manifest.for_addon(name, display_warning=False)
        found = {name}
        for other in manifest["depends"] if manifest else ():
            found |= self._with_dependencies(other)
        return frozenset(found)

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

    # -- discovered ----------------------------------------------------------------------------------

    @api.model
    @tools.ormcache()
    def _discover(self):
        """Walk the registry for what may hold something about a person: (model, field) → Found.

        Links to contacts and to records that are about a person, step by step as the map says they are; numbers of
        records without a relation; every column of words, files and data of a record so reached, whatever its name;
        and columns anywhere whose names tell. SQL views hold no data, abstract models have no table and wizards are
        emptied by Odoo within hours.
        """
        path = self.env["gdpr.data.path"]
        durable = {name: model for name, model in self.env.registry.items() if path._has_table(name)}
        passed_over = AUTHORSHIP | INTERNAL
        stored = {
            name: [f for f in model._fields.values() if f.store and f.name not in passed_over]
            for name, model in durable.items()
        }
        found = {}
        reached = self._reach(durable, stored, found)
        for name, fields_ in stored.items():
            for field in fields_:
                key = name, field.name
                kind = discovery.shape_of(field.name, field.type)
                if not kind and name in reached:
                    kind = discovery.content_of(field.type) or ("custom" if field.manual else "")
                if kind and key not in found:
                    found[key] = self._found(field, kind, reached.get(name, ""))
        return found

    def _reach(self, durable, stored, found):
        """Follow links from contacts and note them; return the models whose records hang on a person, with the path.

        From a declared link the walk goes on as far as the map says that the record is the person's own; an
        undeclared one is followed to its own columns, and if it points to a contact by one more step. Users are mostly
        staff: a record that names one is noticed by that link alone, until the map says whose it is.
        """
        declared, _rests = self._rows()
        to_model, anywhere = defaultdict(list), []
        for name, fields_ in stored.items():
            for field in fields_:
                if field.type in LINK_TYPES and field.comodel_name not in SHOWN:
                    to_model[field.comodel_name].append(field)
                elif self._is_pair(field):
                    anywhere.append(field)
                elif discovery.shape_of(field.name, field.type) == "email":
                    row = declared.get((name, field.name))
                    if row and row.leads_to_records:
                        anywhere.append(field)
        for row in declared.values():
            # fixed entries: who created a device's key is whose key it is
            if row.field in AUTHORSHIP and row.leads_to_records and row.model in durable:
                field = durable[row.model]._fields[row.field]
                to_model[field.comodel_name].append(field)
        reached, waiting = {PERSON: ""}, [PERSON]
        while waiting:
            target = waiting.pop(0)
            for field in [*to_model[target], *(anywhere if target == PERSON else ())]:
                model, row = field.model_name, declared.get((field.model_name, field.name))
                path = ".".join(filter(None, [field.name, reached[target]]))
                is_link = field.type in LINK_TYPES
                if row is None or row.role == "link":
                    found.setdefault((model, field.name), self._found(field, "link" if is_link else "pair", path))
                if self._stays_outside(row) if row else (target == USER or self._rest_row(model, field.name)):
                    continue
                goes_on = row.bond == "own" if row else target == PERSON and is_link
                if model not in reached:
                    reached[model] = path
                    if goes_on:
                        waiting.append(model)
        return reached

    @staticmethod
    def _stays_outside(row):
        """Whether a link says nothing about its record: it holds nothing, or the person is only taken out of it."""
        return row.action == "none" or (row.action == "cut" and row.bond == "part")

    @staticmethod
    def _found(field, kind, path):
        return discovery.Found(
            field.model_name, field.name, kind, path, bool(getattr(field, "tracking", False)), bool(field.manual)
        )

    @api.model
    @tools.ormcache()
    def _undecided(self):
        """Discovered but neither declared nor decided: (model, field) → Declaration that asks for a review."""
        declared = self._declarations()
        return {
            key: catalogue.Declaration(
                *key,
                found.role,
                "keep",
                bond="part" if found.role in ("link", "email") else "",
                reason="undecided",
                source="discovery",
            )
            for key, found in self._discover().items()
            if key not in declared
        }

    @api.model
    def _record_undecided(self):
        """Bring the rows up to date, so that the DPO sees what waits; return the undecided ones."""
        self._record_map()
        return self.sudo().search([("state", "=", "undecided")])

    @api.model
    def _record_map(self):
        """Make the rows what the catalogues and the installation say now, and note what came and went.

        A decision stays while the module of its field is away. The first time nothing is noted: everything is new.
        """
        rows = self.sudo().search([])  # pylint: disable=no-search-all
        known = {(row.model_name, row.field_name): row for row in rows}
        wanted = {(entry["model"], entry["field"]): entry for entry in self._entries()}
        gone = rows.filtered(lambda row: row.state != "decided" and (row.model_name, row.field_name) not in wanted)
        delta = self.env["gdpr.data.delta"]
        fresh = [key for key in wanted if key not in known]
        if rows and (fresh or gone):
            delta = delta.sudo().create(
                {
                    "added_count": len(fresh),
                    "undecided_count": sum(wanted[key]["state"] == "undecided" for key in fresh),
                    "gone": "\n".join(sorted(f"{row.model_name}.{row.field_name}" for row in gone)),
                    "gone_count": len(gone),
                }
            )
        gone.unlink()
        same = defaultdict(self.browse)
        for key, row in known.items():
            if key in wanted and row.state != "decided":
                values = self._prepare_row(wanted[key])
                changed = {name: value for name, value in values.items() if (row[name] or False) != (value or False)}
                if changed:
                    same[tuple(sorted(changed.items()))] |= row
        for changed, of_change in same.items():
            of_change.sudo().write(dict(changed))
        self.sudo().create([self._prepare_row(wanted[key]) | {"delta_id": delta.id} for key in fresh])
        delta._tell_dpo()

    def _prepare_row(self, entry):
        """Values of a row; what nobody declared comes with a proposal."""
        same = ("role", "kind", "path", "tracked", "custom", "state", "topic", "category", "special", "export")
        values = {name: entry[name] for name in (*same, "origin", "third_party", "module", "source")}
        values = {name: value or False for name, value in values.items()}
        values |= {"model_name": entry["model"], "field_name": entry["field"]}
        if entry["state"] == "declared":
            return values | {"action": entry["action"], "reason": entry["reason"]}
        found = self._discover()[entry["model"], entry["field"]]
        action, reason = self._propose(found)
        return values | {
            "proposed_action": action,
            "proposed_reason": reason,
            "category": catalogue.Declaration(found.model, found.field, found.role, action).filled().category,
            "special": "possible" if found.role == "text" else False,
        }

    @api.model
    def _count_filled(self):
        """Count the records in which a declared value stands, table by table, each read once."""
        self.env.flush_all()
        rows = self.sudo().search(
            [("role", "=", "value"), ("action", "in", ("clear", "replace")), ("state", "!=", "undecided")]
        )
        by_model = defaultdict(list)
        for row in rows:
            field = self.env[row.model_name]._fields.get(row.field_name) if row.model_name in self.env else None
            if field is not None and field.store and field.column_type:
                by_model[row.model_name].append((row, field))
        now = fields.Datetime.now()
        for name, of_model in by_model.items():
            filled = [
                SQL("count(*) FILTER (WHERE %s)", self._is_filled_sql(field, SQL.identifier(field.name)))
                for _row, field in of_model
            ]
            # a number of the table's own counts the records: what is a column in both is asked in one reading
            [(total, *counts)] = self.env.execute_query(
                SQL("SELECT count(*), %s FROM %s", SQL(", ").join(filled), SQL.identifier(self.env[name]._table))
            )
            for (row, _field), count in zip(of_model, counts, strict=True):
                row.write({"filled": count, "share": count / total if total else 0.0, "counted_at": now})

    @staticmethod
    def _is_filled_sql(field, column):
        if field.company_dependent or field.translate:
            return SQL("%s IS NOT NULL", column)
        if field.type == "boolean":
            return SQL("%s", column)
        if field.type in ("char", "text", "html", "selection"):
            return SQL("%s <> ''", column)
        if field.type in ("integer", "float", "monetary"):
            return SQL("%s <> 0", column)
        return SQL("%s IS NOT NULL", column)

    def _propose(self, found):
        """What an experienced officer would most likely say about a field nobody declared: (action, reason)."""
        field = self.env[found.model]._fields[found.field]
        if found.kind == "link" and field.comodel_name == "res.users":
            return "none", self.env._("names the member of staff who works on the record")
        if found.kind == "link" and (field.type == "many2many" or not field.required):
            return "cut", self.env._("the record stays, without the person")
        if found.kind == "pair" and not self._is_link(field):
            return "none", self.env._("numbers of records whose model is not named lead nowhere")
        if found.role == "link":
            return "delete", self.env._("the record exists for the person it points to")
        if found.role == "email":
            return "delete", self.env._("the record belongs to whoever has the address")
        if not field.required:
            return "clear", self.env._("the record stays, without what this field says")
        if field.type in PLACEHOLDER_TYPES:
            return "replace", self.env._("the field cannot be empty: a placeholder takes its place")
        return "keep", self.env._("the field cannot be empty and goes with its record")

    @api.model
    def _check_catalogues(self):
        """Refuse an installation that leaves a row without its field, or one that contradicts it."""
        self.env.registry.clear_cache()
        self._rows()
        self._record_map()
