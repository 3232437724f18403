from odoo import api, fields, models
from odoo.exceptions import AccessError

from ..tools import special_words

#: A model of labels has hardly any fields of its own.
MOST_COLUMNS = 12


class GdprTagFinding(models.TransientModel):
    """A label that may put people into a special category of Art. 9 or 10, with what its name says.

    Labels are free text that staff attach to people: "diabetic", "union member". Whoever needs one of these needs an
    explicit consent or another exception of Art. 9(2).
    """

    _name = "gdpr.tag.finding"
    _description = "Label to Look at"
    _order = "people desc, id"

    model_name = fields.Char("Kind of label", readonly=True)
    model_label = fields.Char("Labels of", readonly=True)
    record_id = fields.Integer(readonly=True)
    label = fields.Char(readonly=True)
    special = fields.Selection(
        selection=lambda self: self.env["gdpr.data.map"]._selection_special(), string="It may tell", readonly=True
    )
    word = fields.Char("Because of the word", readonly=True)
    people = fields.Integer("Attached to records", readonly=True)

    @api.model
    def action_screen(self):
        """Read all labels that can be attached to records about people, and open those to look at."""
        if not self.env.user.has_group("client_gdpr.group_gdpr_user"):
            raise AccessError(self.env._("Labels are screened by privacy staff. Ask for a Privacy group."))
        self.search([("create_uid", "=", self.env.uid)]).unlink()
        self.create(self._find())
        return self.env["ir.actions.act_window"]._for_xml_id("client_gdpr.action_gdpr_tag_finding")

    def action_open_label(self):
        """Open the label itself, to rename it or take it off."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": self.model_name,
            "res_id": self.record_id,
            "view_mode": "form",
            "views": [(False, "form")],
            "target": "new",
        }

    @api.model
    def _find(self):
        """Values of a finding per label and category, with the number of records that carry the label."""
        found = []
        for name, fields_ in self._label_fields().items():
            # sudo: labels and counts, never the people behind them
            labels = self.env[name].sudo().with_context(active_test=False).search([])  # pylint: disable=no-search-all
            for label in labels:
                for special, word in special_words.find(label.display_name or ""):
                    found.append(
                        {
                            "model_name": name,
                            "model_label": self.env[name]._description,
                            "record_id": label.id,
                            "label": label.display_name,
                            "special": special,
                            "word": word,
                            "people": sum(self._count(field, label.id) for field in fields_),
                        }
                    )
        return found

    def _label_fields(self):
        """Fields by which labels are attached to records about people: model of the labels → fields."""
        about = {model for model, _field in self.env["gdpr.data.map"]._declarations()}
        result = {}
        for name in sorted(about):
            for field in self.env[name]._fields.values():
                if field.type == "many2many" and field.store and self._is_label(self.env[field.comodel_name]):
                    result.setdefault(field.comodel_name, []).append(field)
        return result

    @staticmethod
    def _is_label(model):
        """Whether records of the model are hardly more than a name, and belong to nobody."""
        if not model._auto or model._transient or not model._rec_name or model._name in ("res.partner", "res.users"):
            return False
        columns = [f for f in model._fields.values() if f.column_type and f.name not in models.MAGIC_COLUMNS]
        return len(columns) <= MOST_COLUMNS and not any(f.comodel_name == "res.partner" for f in columns)

    def _count(self, field, label_id):
        return (
            self.env[field.model_name]
            .sudo()
            .with_context(active_test=False)
            .search_count([(field.name, "in", [label_id])])
        )
