from odoo import api, models
from odoo.addons.client_consent.tools import fold
from odoo.exceptions import UserError
from odoo.tools import format_date


class ConsentEvent(models.Model):
    _inherit = "consent.event"

    @api.model
    def _append(self, entries):
        """For the address of an erased person only their own answer of after the erasure is recorded."""
        entries = list(entries)
        self._refuse_for_erased(entries)
        return super()._append(entries)

    def _refuse_for_erased(self, entries):
        """Refuse what would let us write again to somebody who was erased, except their own new word.

        :raises UserError: naming the row
        """
        asked = {entry["address"] for entry in entries if self._speaks_for_us(entry) or entry["kind"] == "given"}
        erased = self.env["gdpr.suppression"]._erased(asked)
        for number, entry in enumerate(entries, 1):
            moment = erased.get(entry["address"])
            if not moment or entry["kind"] not in ("given", "informed", "requested"):
                continue
            if self._speaks_for_us(entry) or entry["at"] < moment:
                raise UserError(
                    self.env._(
                        "Row %(row)s: who had this address was erased on %(day)s at their own request. Only their own "
                        "answer of after that day lets us write to it: a form they fill in, a link they click.",
                        row=number,
                        day=format_date(self.env, moment.date()),
                    )
                )

    @staticmethod
    def _speaks_for_us(entry):
        """Whether it is we who say it, or ask: an import, another system, a notice, an answer carried over."""
        if entry["kind"] in ("informed", "requested"):
            return True
        carried = (entry.get("detail") or {}).get("carried_from")
        return entry["kind"] == "given" and (bool(carried) or fold.voice("given", entry["source"]) < 2)
