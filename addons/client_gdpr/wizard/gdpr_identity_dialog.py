from odoo import fields, models

from ..models.gdpr_data_map import PERSON
from ..tools.identity import Choice


class GdprIdentityDialog(models.AbstractModel):
    """A dialog about one contact that asks which other records are the same person's. Nothing is stored by it.

    Who inherits it has ``identity_ids``, lines made of ``gdpr.identity.mixin``.
    """

    _name = "gdpr.identity.dialog"
    _description = "Dialog That Asks Who It Is"

    partner_id = fields.Many2one("res.partner", "Contact", required=True, readonly=True, ondelete="cascade")

    def _check_may_look(self):
        self.partner_id.check_access("read")
        self.env["gdpr.request"]._check_group("handler")

    def _gathered(self, asked=False):
        """Values of lines for the records that may be about the same person."""
        found = self.env["gdpr.finder"].sudo()._candidates([self.partner_id.ids])
        [theirs] = self.identity_ids._of_company(found, self.env.company)
        return self.identity_ids._prepare_lines(theirs, asked)

    def _chosen(self):
        """The contacts of the person as ticked, and the choice among other records, as the finder takes them.

        The dialog comes back from the browser: only what the finder itself gathers counts.
        """
        places = {(line["model"], line["res_id"]) for line in self._gathered()}
        ticked = {place for place in places if self._said().get(place)}
        contacts = sorted(id_ for model, id_ in ticked if model == PERSON)
        others = {place for place in places if place[0] != PERSON}
        return [*self.partner_id.ids, *contacts], Choice(frozenset(others & ticked), frozenset(others - ticked))

    def _said(self):
        """What the ticks say: (model, id) → whether it is the same person."""
        return {(line.model, line.res_id): line.included for line in self.identity_ids}
