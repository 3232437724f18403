from collections import defaultdict

from odoo import api, fields, models
from odoo.tools import format_list

from .gdpr_data_map import PERSON

#: Who decides, or checks, whose record it is; others see numbers and codes.
WHO_GROUPS = "client_gdpr.group_gdpr_handler,client_gdpr.group_gdpr_approver,client_gdpr.group_gdpr_dpo"


class GdprIdentityMixin(models.AbstractModel):
    """A record that may be about the person of a request, why, and whether it is taken along.

    It holds the record's number and codes. Names are read afresh for whoever decides, and go with the record.
    """

    _name = "gdpr.identity.mixin"
    _description = "Record That May Be About the Same Person"
    _order = "sequence, id"

    sequence = fields.Integer(readonly=True)
    model = fields.Char(required=True, readonly=True)
    res_id = fields.Many2oneReference("Number", model_field="model", required=True, readonly=True)
    grade = fields.Selection(
        [("certain", "Certain"), ("likely", "Likely"), ("name_only", "Same name only")],
        "How sure",
        required=True,
        readonly=True,
    )
    reasons = fields.Char(required=True, readonly=True, help="Codes of what both records share.")
    included = fields.Boolean(
        "Same person", help="What is ticked is shown, changed and erased with the person. Nothing is merged."
    )
    name = fields.Char("Record", compute="_compute_name", groups=WHO_GROUPS)
    explanation = fields.Char("Why", compute="_compute_explanation")

    @api.depends("model", "res_id")
    @api.depends_context("lang")
    def _compute_name(self):
        for line in self:
            # sudo: who decides whose record it is need not have the rights of the app that it stands in
            record = self.env[line.model].sudo().browse(line.res_id).exists() if line.model in self.env else None
            if not record:
                line.name = self.env._("%(model)s %(number)s, deleted", model=line.model, number=line.res_id)
                continue
            parts = [record.display_name]
            if line.model == PERSON:
                parts = [record.display_name or self.env._("without a name"), record.city]
            else:
                parts[0] = f"{self.env['ir.model']._get(line.model).name} “{record.display_name}”"
            if "active" in record._fields and not record.active:
                parts.append(self.env._("archived"))
            line.name = ", ".join(filter(None, parts))

    @api.depends("reasons", "grade")
    @api.depends_context("lang")
    def _compute_explanation(self):
        marks = {
            "email": self.env._("e-mail address"),
            "phone": self.env._("phone number"),
            "tax": self.env._("tax number"),
            "account": self.env._("bank account"),
            "login": self.env._("login"),
        }
        names = {
            "name_same": self.env._("same name"),
            "name_earlier": self.env._("same name as before"),
            "name_similar": self.env._("similar name"),
            "name_other": self.env._("other name"),
            "name_none": self.env._("no other name"),
        }
        for line in self:
            *shared, relation = (line.reasons or "").split(",")
            words = names.get(relation, "")
            if shared:
                what = format_list(self.env, [marks[mark] for mark in shared])
                text = self.env._("Same %(what)s, %(name)s", what=what, name=words)
            else:
                text = self.env._("%s only: often somebody else", words.capitalize())
            line.explanation = f"{text}. {line._get_obstacle()}".strip()

    def _get_obstacle(self):
        """Why this record cannot be taken along, or nothing."""
        return ""

    def _why_not_erasable(self):
        """Why this contact, if it is one, cannot be erased as a client, or nothing."""
        # sudo: the reason names no data of the contact
        contact = self.env[PERSON].sudo().browse(self.res_id if self.model == PERSON else False).exists()
        return contact._gdpr_why_not_erasable() if contact else ""

    @api.model
    def _prepare_lines(self, found, asked=False):
        """Values of a line for every record that may be the same person's, the surest first.

        :param found: the candidates, as the finder gives them and :meth:`_of_company` leaves them
        :param asked: whether a person looks at the ticks before they count. If so, contacts that are certainly the
            same are ticked; else only what is found by an address that nobody else uses, as ever.
        """
        lines = []
        for candidate in found:
            lines.append(
                {
                    "sequence": len(lines),
                    "model": candidate.model,
                    "res_id": candidate.res_id,
                    "grade": candidate.grade,
                    "reasons": ",".join(candidate.reasons),
                    "included": self._is_proposed(candidate, found, asked),
                }
            )
        return lines

    @api.model
    def _of_company(self, people, company):
        """Candidates of some people without the records of other companies: there somebody else answers for them.

        :param people: a list of candidates for each
        """
        ids, allowed, nobody = defaultdict(set), set(), company.browse()
        for found in people:
            for candidate in found:
                ids[candidate.model].add(candidate.res_id)
        for model, some in ids.items():
            # sudo: which records there are is the finder's to say; only their company is read
            records = self.env[model].sudo().browse(sorted(some)).exists()
            if "company_id" in records._fields:
                records = records.filtered(lambda record: record.company_id in (nobody, company))
            allowed.update((model, id_) for id_ in records.ids)
        return [[one for one in found if (one.model, one.res_id) in allowed] for found in people]

    @staticmethod
    def _is_proposed(candidate, found, asked):
        if candidate.model == PERSON:
            return asked and candidate.grade == "certain"
        shared = any(
            other.model == PERSON and "email" in other.reasons and not (asked and other.grade == "certain")
            for other in found
        )
        if shared and "name_none" in candidate.reasons:
            return False
        if asked and candidate.grade == "certain":
            return True
        return "email" in candidate.reasons and "name_other" not in candidate.reasons
