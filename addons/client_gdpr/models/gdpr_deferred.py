from collections import defaultdict

from odoo import api, fields, models
from odoo.tools import split_every

from .gdpr_data_map import PERSON

#: People looked at together.
AT_A_TIME = 100


class GdprDeferred(models.Model):
    """The rest of an erasure: what a law, a hold or an open tax period kept goes by itself when that has ended.

    It was approved with the plan that kept it for so long and no longer.
    """

    _name = "gdpr.deferred"
    _description = "Rest of an Erasure"
    _rec_name = "request_id"
    _order = "until, id"

    request_id = fields.Many2one("gdpr.request", required=True, readonly=True, index=True, ondelete="restrict")
    company_id = fields.Many2one(related="request_id.company_id", store=True, index=True)
    partner_ids = fields.Many2many(PERSON, string="Person", readonly=True)
    grounds = fields.Json("Kept because of", readonly=True, help="Code and document of each reason; names nobody.")
    waits_for_tax = fields.Boolean("Waits for the tax period", readonly=True)
    until = fields.Date("Kept until", readonly=True, help="End of the last reason; empty while nobody knows it.")
    state = fields.Selection(
        [("open", "Kept"), ("failed", "Failed"), ("done", "Nothing is left")],
        default="open",
        required=True,
        readonly=True,
    )
    follow_up_ids = fields.One2many("gdpr.request", "deferred_id", "Finished by", readonly=True)

    _unfinished = models.Index("(id) WHERE state != 'done'")

    # -- noting --------------------------------------------------------------------------------------

    @api.model
    def _note(self, finished):
        """Remember what erasures had to keep, or that nothing is kept any more.

        :param finished: list of (request, contact ids, whether the contact waits for its tax period)
        """
        present = set(self.env[PERSON].browse({id_ for _request, ids, _waits in finished for id_ in ids}).exists().ids)
        grounds = defaultdict(list)
        for ground in self.env["gdpr.ground"]._grounds(sorted(present), "obliging"):
            grounds[ground.partner_id].append(ground)
        new = []
        for request, partner_ids, waits in finished:
            held = [ground for id_ in partner_ids for ground in grounds[id_]]
            deferred = request.deferred_id
            if held or waits:
                values = {
                    "partner_ids": [fields.Command.set(sorted(present.intersection(partner_ids)))],
                    "grounds": self._plain(held),
                    "waits_for_tax": waits,
                    "until": self._end(held),
                    "state": "open",
                }
                if deferred:
                    deferred.write(values)
                else:
                    new.append({"request_id": request.id, **values})
            elif deferred:
                deferred.write({"state": "done", "grounds": [], "waits_for_tax": False, "until": False})
        self.create(new)

    @staticmethod
    def _plain(grounds):
        """Grounds without anybody's name: [[code, model, id]]."""
        return sorted({(ground.code, ground.model, ground.res_id) for ground in grounds})

    @staticmethod
    def _end(grounds):
        ends = [ground.until for ground in grounds]
        return max(ends) if ends and all(ends) else False

    # -- finishing -----------------------------------------------------------------------------------

    @api.model
    def _cron_finish(self):
        """Nightly: finish what may be finished, and report."""
        return self._finish(checkpoint=self._checkpoint)

    @api.model
    def _checkpoint(self, done, remaining):
        """Commit after some people, in the scheduled job: whether there is time for more."""
        return self.env["ir.cron"]._commit_progress(done, remaining=remaining) > 0

    @api.model
    def _release(self, partner_ids):
        """A reason to keep these contacts has ended: the next run, soon, looks at them."""
        if self.sudo().search_count([("partner_ids", "in", partner_ids), ("state", "!=", "done")], limit=1):
            self.env.ref("client_gdpr.ir_cron_deferred")._trigger()

    @api.model
    def _finish(self, checkpoint=None):
        """Erase what no reason keeps any more.

        :param checkpoint: called after some people with their number and that of those still to come; False stops
        :return: the report
        """
        waiting = self.search([("state", "!=", "done")])
        report = self.env["gdpr.deferred.run"].create({})
        remaining = len(waiting)
        for ids in split_every(AT_A_TIME, waiting.ids, list):
            rows = self.browse(ids)
            due = rows._due()
            if due:
                due._carry_out()
            done = due.filtered(lambda row: row.state == "done")
            failed = due.filtered(lambda row: row.state == "failed")
            report.done_count += len(done)
            report.failed_count += len(failed)
            report.kept_count += len(rows - done - failed)
            remaining -= len(rows)
            if checkpoint and not checkpoint(len(rows), remaining):
                break
        report._tell()
        return report

    def _due(self):
        """Those of which at least one reason has ended; of the others the reasons are noted as they now are."""
        partners = self.with_context(active_test=False).partner_ids
        held = self.env["gdpr.ground"]._grounds(partners.ids, "obliging")
        reading = self.env["gdpr.planner"]._waiting_for_tax_period(
            self.filtered("waits_for_tax").with_context(active_test=False).partner_ids.ids
        )
        due = self.browse()
        for row in self.with_context(active_test=False):
            ids = set(row.partner_ids.ids)
            present = [ground for ground in held if ground.partner_id in ids]
            gone = set(map(tuple, row.grounds or ())) - {(g.code, g.model, g.res_id) for g in present}
            locked = row.waits_for_tax and ids.isdisjoint(reading)
            if gone or locked or row.state == "failed":
                due |= row
            elif present:
                row._note_ends(present)
        return due.with_env(self.env)

    def _note_ends(self, grounds):
        """Follow a term that a new rule made longer or shorter, in the vault too."""
        until = self._end(grounds)
        if until != self.until:
            self.until = until
            self.env["gdpr.vault"].search(
                [("model_name", "=", PERSON), ("res_id", "in", self.partner_ids.ids)]
            ).until = until

    def _carry_out(self):
        """Run the pipeline again on these people, without a new approval: the plan said until when."""
        requests = self.env["gdpr.request"]
        decisions = {}
        for row in self:
            request = requests._open_rest(row)
            decisions[request.id] = row.request_id.plan_id._decisions()
            requests |= request
        requests._run_again(decisions)
        for request in requests:
            if request.state != "executed":
                request.deferred_id.state = "failed"
