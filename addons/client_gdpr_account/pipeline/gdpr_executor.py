from odoo import models


class GdprExecutor(models.AbstractModel):
    _inherit = "gdpr.executor"

    def _get_orm_models(self):
        return super()._get_orm_models() | {"account.move"}

    def _prepare_erasure(self, cases):
        """Freeze the printed buyer of every kept document before its contact is sealed."""
        res = super()._prepare_erasure(cases)
        rulings = [ruling for case in cases for ruling in case.rulings]
        sealed = {id_ for r in rulings if r.model == "res.partner" and r.action == "seal" for id_ in r.ids}
        kept = {id_ for r in rulings if r.model == "account.move" and r.action == "keep" for id_ in r.ids}
        moves = self.env["account.move"].browse(sorted(kept))
        moves.filtered(lambda move: move.partner_id.id in sealed)._gdpr_freeze_buyer()
        self.env.flush_all()
        return res

    def _finish_erasure(self, cases):
        """The frozen buyer of a document whose term is over goes with the rest."""
        res = super()._finish_erasure(cases)
        rulings = [ruling for case in cases for ruling in case.rulings]
        over = {id_ for r in rulings if r.model == "account.move" and r.action == "anonymise" for id_ in r.ids}
        moves = self.env["account.move"].browse(sorted(over)).exists().filtered("printed_buyer")
        moves.write({"printed_buyer": False})
        return res
