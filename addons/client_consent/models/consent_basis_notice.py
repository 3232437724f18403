from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL


class ConsentBasis(models.Model):
    """What a newer text means for consents that were given under an older one."""

    _inherit = "consent.basis"

    notice_id = fields.Many2one("consent.notice", "Text seen", compute="_compute_notice_id", search="_search_notice_id")
    ask_again = fields.Boolean(
        "To be asked again",
        compute="_compute_ask_again",
        search="_search_ask_again",
        help="It holds, but was given under an older text, and the purpose says that people are asked again then.",
    )

    @api.depends("event_ref")
    def _compute_notice_id(self):
        for basis in self:
            basis.notice_id = self.env["consent.event"].browse(basis.event_ref).notice_id

    def _search_notice_id(self, operator, value):
        if operator != "in":
            return NotImplemented
        return Domain(
            "id",
            "in",
            SQL(
                """(SELECT b.id FROM consent_basis b JOIN consent_event e ON e.id = b.event_ref
                     WHERE e.notice_id = ANY(%s))""",
                [id_ for id_ in value if id_],
            ),
        )

    def _compute_ask_again(self):
        outdated = set(self.search([("id", "in", self.ids), ("ask_again", "=", True)]).ids)
        for basis in self:
            basis.ask_again = basis.id in outdated

    def _search_ask_again(self, operator, value):
        if operator != "in":
            return NotImplemented
        outdated = Domain("id", "in", self._ask_again_sql(fields.Date.today()))
        wanted = Domain.FALSE
        if True in value:
            wanted |= outdated
        if False in value:
            wanted |= ~outdated
        return wanted

    @api.model
    def _ask_again_sql(self, today):
        """Ids of consents in force whose text has a later published version that asks again."""
        for name in ("consent.notice", "consent.purpose"):
            self.env[name].flush_model()
        return SQL(
            """(SELECT b.id
                  FROM consent_basis b
                  JOIN consent_purpose p ON p.id = b.purpose_id AND p.ask_again
                  JOIN consent_event e ON e.id = b.event_ref
                  JOIN consent_notice seen ON seen.id = e.notice_id
                 WHERE b.state = 'active' AND (b.until IS NULL OR b.until >= %(today)s)
                   AND EXISTS (
                       SELECT FROM consent_notice later
                        WHERE later.code = seen.code AND later.lang = seen.lang
                          AND later.company_id = seen.company_id AND later.version > seen.version
                          AND later.state <> 'draft' AND later.asks_again))""",
            today=today,
        )
