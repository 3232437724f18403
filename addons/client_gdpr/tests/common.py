"""What tests of requests share; add-ons that build on this one use it too."""

import tempfile
from pathlib import Path
from unittest.mock import patch

from odoo import fields
from odoo.addons.client_consent.tests.common import ConsentCase, within
from odoo.tests import new_test_user

from ..models.gdpr_tombstone import GdprTombstone


class GdprCase(ConsentCase):
    """A person, and one user per role. Nothing here needs more than this add-on and its dependencies."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = tempfile.TemporaryDirectory(prefix="tombstones-")
        cls.addClassCleanup(folder.cleanup)
        cls.tombstones = Path(folder.name)
        cls.startClassPatcher(patch.object(GdprTombstone, "_folder", lambda self: cls.tombstones))
        cls.startClassPatcher(patch.object(GdprTombstone, "_own_transaction", within))
        cls.env.company.country_id = cls.env.ref("base.cz")
        cls.handler = new_test_user(cls.env, "t_handler", "client_gdpr.group_gdpr_handler,base.group_partner_manager")
        cls.approver = new_test_user(cls.env, "t_approver", "client_gdpr.group_gdpr_approver")
        cls.dpo = new_test_user(cls.env, "t_dpo", "client_gdpr.group_gdpr_dpo")
        cls.auditor = new_test_user(cls.env, "t_auditor", "client_gdpr.group_gdpr_auditor")
        cls.outsider = new_test_user(cls.env, "t_outsider", "base.group_user,base.group_partner_manager")

    def open_request(self, kind="erasure", partner=None, received="2026-11-23 09:00:00", user=None):
        requests = self.env["gdpr.request"].with_user(user or self.handler)
        return requests.browse(requests.request_open(kind, (partner or self.person).ids, received, "email"))

    def approve_many(self, partners):
        """Erasures of some people, planned together and approved: one request each."""
        requests = self.env["gdpr.request"].browse(
            self.open_request(partner=partner, received=fields.Datetime.now()).id for partner in partners
        )
        requests.with_user(self.handler).action_confirm_identity()
        requests.with_user(self.handler).action_plan()
        requests.plan_line_ids.filtered(lambda line: line.action == "review").with_user(self.handler).action_leave()
        requests.with_user(self.handler).action_submit()
        requests.with_user(self.approver).action_approve()
        return requests.with_user(self.approver)

    def erase(self, partner=None):
        """Take an erasure from its arrival to its certificate."""
        request = self.open_request(partner=partner, received=fields.Datetime.now())
        request.action_submit()
        request.with_user(self.approver).action_approve()
        request.with_user(self.approver).action_execute()
        return request
