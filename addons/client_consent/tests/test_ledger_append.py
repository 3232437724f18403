from datetime import UTC, date, timedelta

from odoo import fields
from odoo.addons.client_consent.models import consent_event
from odoo.addons.client_consent.tools import canonical, commitment
from odoo.exceptions import UserError
from odoo.tests import tagged

from .common import ConsentCase


@tagged("post_install", "-at_install")
class TestLedgerAppend(ConsentCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.events = cls.env["consent.event"]
        cls.newsletter = cls.env.ref("client_consent.purpose_newsletter")
        cls.notice = cls.env["consent.notice"].create({"code": "trial", "name": "May we?", "body": "<p>One</p>"})
        cls.notice.action_publish()

    def entry(self, **values):
        return {
            "subject": self.person._consent_subject(create=True),
            "purpose": self.newsletter,
            "company": self.env.company,
            "kind": "given",
            "source": "paper",
            "channel": "email",
            "address": "eliska@post.example",
            "at": fields.Datetime.now(),
            **values,
        }

    def said(self, event):
        self.env.cr.execute("SELECT payload, salt, commitment FROM consent_event WHERE id = %s", [event.id])
        payload, salt, committed = self.env.cr.fetchone()
        commitment.check(committed, bytes(salt), bytes(payload))
        return bytes(payload)

    def test_bytes_are_exactly_the_canonical_ones(self):
        at = fields.Datetime.now() - timedelta(days=3)
        cases = [
            {},
            {"note": 'quotes " and \\ and \n and ž and \u20ac and 100 % and %s'},
            {"notice": self.notice, "until": date(2031, 2, 28), "at": at},
            {"detail": {"operator": 7, "words": "ano, “prosím”", "nested": {"b": [1, None, True], "a": "x"}}},
            {"kind": "withdrawn", "source": "phone", "address": "Ünïcode\t@post.example"},
        ]
        made = self.events._append([self.entry(**case) for case in cases])
        for event, case in zip(made, cases, strict=True):
            with self.subTest(case=list(case)):
                entry = self.entry(**{"at": event.at, **case})
                notice = case.get("notice")
                self.assertEqual(
                    self.said(event),
                    canonical.canonical(
                        {
                            "version": "c1",
                            "receipt": event.uuid,
                            "subject": entry["subject"].uuid,
                            "kind": entry["kind"],
                            "purpose": "newsletter",
                            "lawful_basis": "consent",
                            "channel": "email",
                            "address": entry["address"],
                            "company": self.env.company.id,
                            "source": entry["source"],
                            "notice": notice
                            and {"code": "trial", "version": 1, "lang": notice.lang, "sha256": notice.sha256},
                            "note": case.get("note"),
                            "at": entry["at"].replace(tzinfo=UTC),
                            "until": case.get("until"),
                            "recorded_at": event.recorded_at.replace(tzinfo=UTC),
                            "recorded_by": self.env.uid,
                            "detail": case.get("detail", {}),
                            "evidence": [],
                        }
                    ),
                )

    def test_bad_row_is_named_with_its_field_and_nothing_is_written(self):
        before = self.events.search_count([])
        draft = self.notice.copy({"code": "draft"})
        now = fields.Datetime.now()
        cases = {
            "kind": {"kind": "agreed"},
            "source": {"source": "silence"},
            "channel": {"channel": "fax"},
            "address": {"address": ""},
            "at": {"at": now + timedelta(days=1)},
            "until": {"until": now},
            "notice": {"notice": draft},
            "subject": {"subject": self.env["consent.subject"]},
            "detail": {"detail": {"amount": 1.5}},
        }
        for field, wrong in cases.items():
            with self.subTest(field=field), self.assertRaisesRegex(UserError, f"Row 2, {field}"):
                self.events._append([self.entry(), self.entry(**wrong), self.entry()])
        self.assertEqual(self.events.search_count([]), before)

    def test_moment_is_kept_to_the_second_in_column_and_bytes(self):
        event = self.events._append([self.entry(at=fields.Datetime.now().replace(microsecond=0) - timedelta(0, 1, 5))])
        self.assertFalse(event.at.microsecond)
        self.assertTrue(self.events.ledger_verify()["ok"])

    def test_events_come_back_in_the_order_of_the_entries(self):
        addresses = [f"p{number}@post.example" for number in range(50)]
        made = self.events._append([self.entry(address=address) for address in addresses])
        self.assertEqual(made.mapped("address"), addresses)

    def test_shape_names_every_key_once(self):
        self.assertEqual(len(set(consent_event.COLUMNS)), len(consent_event.COLUMNS))
        self.assertEqual(self.events._append([]), self.events)
