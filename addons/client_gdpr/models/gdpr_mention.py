from odoo import api, fields, models
from odoo.exceptions import AccessError

from .gdpr_request import ANSWER_GROUPS, OPEN

#: Records whose words are shown at a time, and mentions of each.
MOST_RECORDS = 30
MOST_EACH = 3


class GdprMention(models.Model):
    """A place in which others wrote about the person of a request: which column, and the records' numbers.

    The words themselves are read when somebody looks, and kept nowhere.
    """

    _name = "gdpr.mention"
    _description = "Place Where Others Wrote About a Person"
    _order = "sure desc, model, field_name, id"

    request_id = fields.Many2one("gdpr.request", required=True, readonly=True, index=True, ondelete="cascade")
    company_id = fields.Many2one(related="request_id.company_id")
    model = fields.Char(required=True, readonly=True)
    field_name = fields.Char("Field", required=True, readonly=True)
    sure = fields.Boolean(readonly=True, help="By an address, number or code of this person alone, not by the name.")
    record_count = fields.Integer("Records", readonly=True)
    record_ids = fields.Json("Numbers of the records", readonly=True)
    place = fields.Char("Where", compute="_compute_words")
    found_by = fields.Char("Found by", compute="_compute_words")
    excerpts_html = fields.Html("Words", compute="_compute_excerpts_html", sanitize=False, groups=ANSWER_GROUPS)

    @api.depends("model", "field_name", "sure")
    @api.depends_context("lang")
    def _compute_words(self):
        for line in self:
            model = self.env.get(line.model)
            field = model._fields.get(line.field_name) if model is not None else None
            line.place = line.model
            if field is not None:
                label = field.get_description(self.env, ["string"])["string"]
                line.place = f"{self.env['ir.model']._get(line.model).name}: {label}"
            line.found_by = (
                self.env._("address, number or code of this person alone")
                if line.sure
                else self.env._("name alone: may be somebody else")
            )

    @api.depends("record_ids")
    @api.depends_context("lang")
    def _compute_excerpts_html(self):
        for line in self:
            line.excerpts_html = False
            if line.request_id.state in OPEN and line.model in self.env:
                values = {"line": line, "records": line._read_excerpts(), "most": MOST_RECORDS}
                line.excerpts_html = self.env["ir.qweb"]._render("client_gdpr.mention_excerpts", values)

    def _read_excerpts(self):
        """The words around the mentions in the first records: list of dicts ``id, label, url, excerpts``."""
        identity = self.request_id._identity_now()
        words = identity.sure if self.sure else identity.all
        ids = (self.record_ids or [])[:MOST_RECORDS]
        # sudo: what others wrote about the person is part of the answer; the handler judges it without their rights
        # without prefetching: a long text would come along with the field that names the document
        records = (
            self.env[self.model].sudo().with_context(active_test=False, prefetch_fields=False).browse(ids).exists()
        )
        found = dict(self.env["gdpr.data.text"]._excerpts(self.model, self.field_name, records.ids, words, MOST_EACH))
        label = self.env["ir.model"]._get(self.model).name
        return [
            {
                "id": record.id,
                "label": f"{label} {record.id}",
                "url": self._document_url(record),
                "excerpts": found[record.id],
            }
            for record in records
            if found.get(record.id)
        ]

    @staticmethod
    def _document_url(record):
        """The page on which the words stand, of the document that a message or file belongs to."""
        model, id_ = record._name, record.id
        if {"model", "res_id"} <= record._fields.keys():
            model, id_ = record.model, record.res_id
        elif {"res_model", "res_id"} <= record._fields.keys():
            model, id_ = record.res_model, record.res_id
        return f"/odoo/{model}/{id_}" if model and id_ else ""

    def action_show(self):
        """Show the words around the mentions, to those who answer the person."""
        self.ensure_one()
        if not self.env.user.has_groups(ANSWER_GROUPS):
            raise AccessError(
                self.env._("Only a privacy handler or the data protection officer reads what others wrote.")
            )
        return {
            "type": "ir.actions.act_window",
            "name": self.place,
            "res_model": self._name,
            "res_id": self.id,
            "view_mode": "form",
            "views": [(False, "form")],
            "target": "new",
        }
