"""Show me, Change me, Stop using me and Delete me from the open contact card, in a real browser: clicks and seconds."""

import base64
import json
import logging
import os
from pathlib import Path
from unittest.mock import patch

from odoo.tests import HttpCase, tagged
from odoo.tests.common import ChromeBrowser

_logger = logging.getLogger(__name__)

#: Set to a folder to keep a picture of the last page of each tour, as the README shows them.
PICTURES = "TOUR_PICTURES"


@tagged("post_install", "-at_install")
class TestHalfMinute(HttpCase):
    def setUp(self):
        super().setUp()
        self.firm = self.env["res.company"].search([("name", "=", "Kolo a káva s.r.o.")])
        self.jana = self.env["res.partner"].search([("name", "=", "Jana Nováková"), ("company_id", "=", self.firm.id)])

    def walk(self, path, tour, login):
        """Run a tour, keep its picture when asked, and return what it measured: what, clicks, seconds."""
        wait = ChromeBrowser._wait_code_ok
        measured = {}

        def wait_and_ask(browser, *args, **kwargs):
            result = wait(browser, *args, **kwargs)
            answer = browser._websocket_request(
                "Runtime.evaluate", params={"expression": "JSON.stringify(window.halfMinute || {})"}
            )
            measured.update(json.loads(answer["result"]["value"]))
            if folder := os.environ.get(PICTURES):
                shot = browser._websocket_request("Page.captureScreenshot")
                Path(folder, f"{tour}.png").write_bytes(base64.b64decode(shot["data"]))
            return result

        with patch.object(ChromeBrowser, "_wait_code_ok", wait_and_ask):
            self.start_tour(path, tour, login=login)
        return measured

    def assertHalfMinute(self, measured, clicks):
        self.assertEqual(measured["clicks"], clicks)
        self.assertLess(measured["seconds"], 30)
        _logger.info("%(what)s: %(clicks)s clicks, %(seconds).1f s", measured)

    def test_show_me_takes_two_clicks_and_less_than_half_a_minute(self):
        self.assertHalfMinute(self.walk(f"/odoo/contacts/{self.jana.id}", "client_gdpr_show_me", "handler"), 2)

    def test_change_me_takes_four_clicks_and_less_than_half_a_minute(self):
        lead = self.env["crm.lead"].search([("name", "=", "Dotaz z webu")])
        self.assertHalfMinute(self.walk(f"/odoo/contacts/{self.jana.id}", "client_gdpr_change_me", "handler"), 4)
        self.env.invalidate_all()
        self.assertEqual({self.jana.email, lead.email_from}, {"jana.mala@post.example"})

    def test_stop_using_me_takes_four_clicks_and_less_than_half_a_minute(self):
        measured = self.walk(f"/odoo/contacts/{self.jana.id}", "client_gdpr_stop_using_me", "handler")
        self.assertHalfMinute(measured, 4)
        self.env.invalidate_all()
        self.assertEqual((self.jana.gdpr_state, self.jana.name), ("restricted", f"Contact {self.jana.id}"))

    def test_delete_me_takes_five_clicks_of_two_people_and_less_than_half_a_minute_each(self):
        self.assertHalfMinute(self.walk(f"/odoo/contacts/{self.jana.id}", "client_gdpr_delete_me", "handler"), 3)
        self.assertHalfMinute(self.walk("/odoo/privacy-approvals", "client_gdpr_approve", "approver"), 2)
        self.jana.invalidate_recordset()
        self.assertEqual(self.jana.gdpr_state, "blocked")

    def test_salesperson_records_and_withdraws_a_consent(self):
        tomas = self.env["res.partner"].search([("name", "=", "Tomáš Procházka")])
        self.walk(f"/odoo/contacts/{tomas.id}", "client_gdpr_consent", "sales1")
        self.assertEqual([line["state"] for line in tomas.consent_status()], ["withdrawn"])
