from odoo import models


class GdprExecutor(models.AbstractModel):
    _inherit = "gdpr.executor"

    def _get_orm_models(self):
        return super()._get_orm_models() | {"account.move"}

    def _prepare_erasure(self, request, located, rulings):
        """Freeze the printed buyer of every kept document before its contact is sealed."""
        res = super()._prepare_erasure(request, located, rulings)
        sealed = {
            id_ for ruling in rulings if ruling.model == "res.partner" and ruling.action == "seal" for id_ in ruling.ids
        }
        kept = [
            id_
            for ruling in rulings
            if ruling.model == "account.move" and ruling.action == "keep"
            for id_ in ruling.ids
        ]
        moves = self.env["account.move"].browse(kept)
        moves.filtered(lambda move: move.partner_id.id in sealed)._gdpr_freeze_buyer()
        self.env.flush_all()
        return res
