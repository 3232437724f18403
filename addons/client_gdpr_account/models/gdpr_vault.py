from odoo import api, models
from odoo.addons.client_gdpr.models.gdpr_data_map import PERSON
from odoo.tools import SQL


class GdprVault(models.Model):
    _inherit = "gdpr.vault"

    @api.model
    def _get_attached(self, partner_ids):
        """A contact that itself stands on journal items stays below its company: account would rewrite them all."""
        rows = self.env.execute_query(
            SQL(
                """SELECT partner_id FROM account_move WHERE partner_id = ANY(%(ids)s)
             UNION SELECT partner_id FROM account_move_line WHERE partner_id = ANY(%(ids)s)""",
                ids=list(partner_ids),
            )
        )
        return super()._get_attached(partner_ids) | {id_ for (id_,) in rows}

    def _places(self, located):
        """Files of posted documents are not renamed: they open only for those who must see them, once it is frozen."""
        places = super()._places(located)
        if files := places.get("ir.attachment"):
            files = self.env["ir.attachment"].browse(files).filtered(lambda file: file.res_model != "account.move")
            places["ir.attachment"] = files.ids
        return places

    def _get_more_places(self, places):
        moves = self.env["account.move"].search(
            [("partner_id", "in", places[PERSON]), ("state", "=", "posted")], order="id"
        )
        return super()._get_more_places(places) | ({"account.move": moves.ids} if moves else {})

    def _prepare_restriction(self, places):
        """Freeze the buyer as printed on posted documents: their files then open only for those who must see them."""
        res = super()._prepare_restriction(places)
        self.env["account.move"].browse(places.get("account.move", ()))._gdpr_freeze_buyer()
        self.env.flush_all()
        return res
