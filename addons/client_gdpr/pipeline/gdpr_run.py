import logging
import random
import time
from dataclasses import replace

import psycopg2
from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import split_every

from ..models.gdpr_data_map import PERSON
from ..models.gdpr_tombstone import TombstoneRefused
from ..tools import plan as plans

_logger = logging.getLogger(__name__)

#: More people than these are not carried out while somebody waits for a button.
FEW = 20
#: People executed in one savepoint, and committed together.
CHUNK = 100
#: People whose identifiers are looked for in one reading of all texts.
BATCH = 10_000
#: How often a chunk begins anew when others wrote to the same rows.
TRIES = 5


class GdprRun(models.AbstractModel):
    """Takes requests through the rooms, many together, and says whether anything is left.

    A few are carried out in the transaction of whoever pressed the button. More wait in the queue that the scheduled
    job works off, with a commit per chunk: erased people are verified in a transaction of its own, once all texts are
    read for a whole batch of them. Killed at any moment, a person is whole or erased, and the next run goes on.
    """

    _name = "gdpr.run"
    _description = "Run of Privacy Requests"

    # -- ways in -------------------------------------------------------------------------------------

    @api.model
    def _start(self, requests, what):
        """Plan or erase: a few at once, more by the scheduled job.

        :param what: ``plan`` or ``erase``
        """
        if len(requests) > FEW:
            # sudo: the field is the machine's; callers checked who may do this with the requests
            requests.sudo().write({"queue": what})
            self._wake(requests)
        else:
            self._carry_out(requests, what)

    @api.model
    def _carry_out(self, requests, what):
        """Plan, or erase and verify, in the transaction of the caller."""
        requests.lock_for_update()
        done = getattr(self, f"_{what}")(requests)
        if what == "erase":
            self._verify(done)

    @api.model
    def _wake(self, requests):
        """Let somebody work off what was put into the queue; a short override point."""
        # sudo: whoever may put requests into the queue may have them worked off
        self.env.ref("client_gdpr.ir_cron_run").sudo()._trigger()

    @api.model
    def _work(self, ids=None):
        """Work off the queue until it is empty or the time is over: the one job function.

        May be called again at any time, and by several at once: what another one works on is passed over.

        :param ids: only these requests
        :return: how many are left
        """
        requests = self.env["gdpr.request"]
        domain = [("queue", "!=", False), *([("id", "in", ids)] if ids is not None else [])]
        # what was erased and not verified comes first, then plans, then erasures
        while batch := requests.search(domain, order="queue desc, id", limit=BATCH):
            what = batch[0].queue
            before = requests.search_count(domain)
            in_time = getattr(self, f"_{what}_batch")(batch.filtered(lambda request, w=what: request.queue == w))
            if not in_time:
                break
            left = requests.search_count(domain)
            if left == before and not requests.search_count([*domain, ("queue", "=", "verify")]):
                # all of them are in the hands of somebody else
                break
        return requests.search_count(domain)

    @api.model
    def _checkpoint(self, done):
        """Commit what was done; the seconds that are left to go on. The one place that commits."""
        left = self.env["gdpr.request"].search_count([("queue", "!=", False)])
        return self.env["ir.cron"]._commit_progress(done, remaining=left)

    # -- batches -------------------------------------------------------------------------------------

    def _plan_batch(self, requests):
        readings = dict(zip(requests.ids, requests._read_texts(anew=True), strict=True))
        return self._chunks(requests.ids, "plan", lambda some: self._plan(some, [readings[id_] for id_ in some.ids]))

    def _erase_batch(self, requests):
        readings = dict(zip(requests.ids, requests._read_texts(), strict=True))
        return self._chunks(requests.ids, "erase", lambda some: self._erase(some, [readings[id_] for id_ in some.ids]))

    def _verify_batch(self, requests):
        leftovers = dict(zip(requests.ids, self._leftovers(requests), strict=True))
        return self._chunks(
            requests.ids, "verify", lambda some: self._certify(some, [leftovers[id_] for id_ in some.ids])
        )

    def _chunks(self, ids, what, work):
        """Do the work chunk by chunk, a commit each; false when the time is over or nothing can be done now."""
        self.env.invalidate_all()
        return all(self._chunk(chunk, what, work) for chunk in split_every(CHUNK, ids, list))

    def _chunk(self, ids, what, work):
        """One chunk in a transaction of its own, begun anew when others wrote to the same rows."""
        for attempt in range(1, TRIES + 1):
            requests = self.env["gdpr.request"].browse(ids)
            try:
                # one who is taken back, or worked on by somebody else, is passed over
                requests = requests.try_lock_for_update().filtered(lambda request: request.queue == what)
                work(requests)
                return self._checkpoint(len(requests))
            except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
                self._begin_anew()
                if attempt == TRIES:
                    raise
                time.sleep(random.uniform(0, 2**attempt / 10))
            except TombstoneRefused as error:
                self._begin_anew()
                _logger.error("privacy requests wait: %s", error)
                requests.write({"failure": str(error)})
                self._checkpoint(0)
                return False

    def _begin_anew(self):
        self.env.cr.rollback()
        self.env.invalidate_all()

    # -- the line of rooms ---------------------------------------------------------------------------

    @api.model
    def _plan(self, requests, readings=None):
        """Find the people's data and plan what happens to it; nothing is touched."""
        readings = requests._read_texts(anew=True) if readings is None else readings
        cases = requests._look(readings)
        self.env["gdpr.plan"]._make_all(requests, [case.rulings for case in cases], readings)
        if any(ruling.reason == "undecided" for case in cases for ruling in case.rulings):
            self.env["gdpr.data.map"]._record_undecided()
        self._note(requests, {"state": "planned", "queue": False})
        return requests

    @api.model
    def _erase(self, requests, readings=None):
        """Look again, compare with what was approved, and execute: the first half of a run.

        What the verification needs waits, encrypted, in the request: both halves need not be one transaction.
        What fails is halved until the guilty one stands alone with its error.

        :return: the requests that were erased; the others went back for approval or failed, and nothing of theirs
            was touched
        """
        if not requests:
            return requests
        readings = requests._read_texts() if readings is None else readings
        try:
            with self.env.cr.savepoint():
                return self._erase_together(requests, readings)
        except (TombstoneRefused, *PG_CONCURRENCY_EXCEPTIONS_TO_RETRY):
            # nobody's data is at fault: the whole transaction ends, and its owner begins anew
            raise
        except Exception as error:
            if len(requests) == 1:
                self.env.invalidate_all()
                self._fail(requests, error)
                return requests.browse()
        half = len(requests) // 2
        return self._erase(requests[:half], readings[:half]) | self._erase(requests[half:], readings[half:])

    def _erase_together(self, requests, readings):
        cases = []
        for request, case, reading in zip(requests, requests._look(readings), readings, strict=True):
            drift = plans.drift(request.plan_id._counts(), case.rulings)
            if drift.must_go_back:
                request._plan_again(case.rulings, drift, reading)
            else:
                cases.append(replace(case, later=drift.later))
        if not cases:
            return requests.browse()
        chosen = requests.browse(case.request_id for case in cases)
        # first: what nothing would remember after a restore is not erased
        self.env["gdpr.tombstone"].sudo()._intend(
            [
                (request, case.located.partner_ids, case.identity, self._living(case))
                for request, case in zip(chosen, cases, strict=True)
            ]
        )
        self.env["gdpr.executor"]._execute(cases)
        chosen._store_cases(cases)
        self._note(chosen, {"state": "executing", "queue": "verify", "erased_at": fields.Datetime.now()})
        return chosen

    @staticmethod
    def _living(case):
        """Kinds of addresses that stay in use, for the plan keeps the contact with them."""
        kept = [ruling for ruling in case.rulings if ruling.model == PERSON and ruling.action == "keep"]
        held = any(ruling.reason == "hold" for ruling in kept)
        return [kind for kind in ("email", "phone") if held or any(kind in ruling.fields for ruling in kept)]

    def _fail(self, request, error):
        """Leave a request with what went wrong, without the values that an error quotes."""
        values = {"state": "failed", "queue": False, "failure": request._describe_error(error)}
        if not isinstance(error, UserError | psycopg2.Error):
            # a fault of the program; its message may quote data, so only its kind and place are told
            trace = error.__traceback__
            while trace.tb_next:
                trace = trace.tb_next
            place = f"{trace.tb_frame.f_code.co_qualname}, line {trace.tb_lineno}"
            _logger.error("privacy request %s: %s in %s", request.id, type(error).__name__, place)
        request.sudo().write(values)
        _logger.warning("privacy request %s failed and changed nothing", request.id)

    @api.model
    def _verify(self, requests):
        """Look for what is left of erased people, and certify or fail: the second half of a run."""
        self._certify(requests, self._leftovers(requests))

    def _leftovers(self, requests):
        """What is left of each; the cases are given one by one, for they are too large to be held all together."""
        verifier = self.env["gdpr.verifier"].sudo()
        return verifier._leftovers(
            case for some in split_every(CHUNK, requests.ids, requests.browse) for case in some._stored_cases()
        )

    def _certify(self, requests, leftovers):
        """Give the verdicts on erased people; with them goes what they were found by."""
        done, certificates, kept = requests.browse(), [], []
        facts, key = self.env["gdpr.reporter"]._certificate_facts()
        for request, case, left in zip(requests, requests._stored_cases(), leftovers, strict=True):
            if left:
                places = [f"{x.model}.{x.field}: {', '.join(map(str, x.ids[:20]))}" for x in left]
                failure = "\n".join([self.env._("The person still stands in:"), *places])
                request.sudo().write({"state": "failed", "queue": False, "failure": failure})
                _logger.warning("privacy request %s left something over in %s places", request.id, len(left))
                continue
            certificates.append((request, self.env["gdpr.reporter"]._certificate(request, case, facts, key)))
            waits = any(ruling.reason == "tax_period_open" for ruling in case.rulings)
            kept.append((request, case.located.partner_ids, waits))
            done |= request
        self.env["gdpr.certificate"]._store_all(certificates)
        self._note(
            done,
            {
                "state": "executed",
                "executed_at": fields.Datetime.now(),
                "queue": False,
                "failure": False,
                "identity_payload": False,
            },
        )
        self.env["gdpr.deferred"].sudo()._note(kept)

    @staticmethod
    def _note(requests, values):
        """Write what the machine did: the request and its certificate tell when, so the chatter need not."""
        # sudo: of these fields nobody but the machine writes some
        requests.sudo().with_context(tracking_disable=True).write(values)
