import base64
from datetime import timedelta

from dateutil.relativedelta import relativedelta
from odoo import fields
from odoo.tests import HttpCase, tagged

from ..tools.fold import SOURCES
from .common import ConsentCase, note_seller
from .recording_common import letters
from .test_evidence import file, form_pdf


@tagged("post_install", "-at_install")
class TestAllPaths(ConsentCase, HttpCase):
    """On a database where every path has run, the ledger alone gives every basis, and verifies."""

    def people(self, *names):
        return self.env["res.partner"].create([self.person_values(name, name.lower()) for name in names])

    def press(self, path, **said):
        page = self.url_open(path)
        token = page.text.split('name="csrf_token" value="')[1].split('"')[0]
        self.url_open(path, data={"csrf_token": token, **said})
        self.env.invalidate_all()

    def walk_give(self):
        for source in SOURCES:
            [person] = self.people(f"By_{source}")
            if source == "bought":
                note_seller(person)
            person.consent_give("newsletter", ["email"], source)
            person.consent_give("customer_care", ["email"], source)
            person.consent_give("offers", ["email", "phone", "post"], source)
        [scanned] = self.people("Scanned")
        scanned.consent_give("newsletter", ["email"], "paper", evidence=[file("form.pdf", form_pdf())])
        self.assertTrue(scanned.consent_allows("newsletter", "email"))

    def walk_confirm(self):
        self.env.ref("client_consent.purpose_newsletter").double_opt_in = True
        yes, no, late = self.people("Yes", "No", "Late")
        with letters(self.env) as sent:
            (yes | no).consent_give("newsletter", ["email"], "web_form")
        self.press(sent.paths[0], answer="yes")
        self.press(sent.paths[1], answer="no")
        late.consent_give("newsletter", ["email"], "web_form", given_at=fields.Datetime.now() - timedelta(days=60))
        self.assertTrue(yes.consent_allows("newsletter", "email"))
        self.assertEqual([line["state"] for line in (no | late).consent_status()], ["refused", "expired"])
        self.env.ref("client_consent.purpose_newsletter").double_opt_in = False

    def walk_guardian(self):
        child, guardian = self.people("Child", "Guardian")
        born = fields.Date.today() - relativedelta(years=12)
        child.write({"consent_birthdate": born, "consent_guardian_id": guardian.id})
        with letters(self.env) as sent:
            child.consent_give("newsletter", ["email"], "in_person")
        self.press(sent.paths[0], answer="yes")
        self.assertTrue(child.consent_allows("newsletter", "email"))

    def walk_request(self):
        newsletter = self.env.ref("client_consent.purpose_newsletter")
        asked = self.people("Agrees", "Declines", "Silent")
        notice = self.env["consent.notice"].create(
            {
                "code": "paths",
                "name": "N",
                "body": "<p>Newsletter: may we write? You can withdraw at any time.</p>",
                "lang": "en_US",
                "purpose_ids": newsletter.ids,
            }
        )
        notice.action_publish()
        asked.lang = "en_US"
        with letters(self.env) as sent:
            self.env["consent.recording"]._request(asked, [(newsletter, None)])
        for person, said in zip(asked[:2], ("yes", "no"), strict=True):
            event = self.env["consent.event"].search([("partner_id", "=", person.id), ("kind", "=", "requested")])
            path = next(
                path for path, mail in zip(sent.paths, sent.mails, strict=True) if mail["to"] == person.email_normalized
            )
            self.press(path, **{f"event_{event.id}": said})
        self.assertEqual(asked._may_process("newsletter", "email"), asked[0])

    def walk_renewal(self):
        newsletter = self.env.ref("client_consent.purpose_newsletter")
        newsletter.renewal_days = 30
        [person] = self.people("Renews")
        given_at = fields.Datetime.now() + timedelta(days=20) - relativedelta(months=newsletter.validity_months)
        person.consent_give("newsletter", ["email"], "in_person", given_at=given_at)
        event = self.env["consent.event"].search([("partner_id", "=", person.id)])
        with letters(self.env) as sent:
            person.action_consent_renew()
        self.press(sent.paths[0], **{f"event_{event.id}": "yes"})
        [line] = person.consent_status()
        self.assertGreater(line["until"], fields.Date.to_string(fields.Date.today() + timedelta(days=300)))

    def walk_import(self):
        lowered, raised, turned_down = self.people("Lowered", "Raised", "Turned")
        lowered.consent_give("newsletter", ["email"], "web_form")
        turned_down.consent_withdraw("newsletter", source="phone", at=fields.Datetime.now() - timedelta(days=900))
        rows = [
            "Name;E-mail;Purpose;Answer;Source;Date;Evidence",
            "L;lowered@post.example;newsletter;no;;;",
            "R;raised@post.example;newsletter;yes;in_person;01.02.2026;f7",
            "T;turned@post.example;newsletter;yes;in_person;01.02.2026;f7",
            "P;fresh@post.example;newsletter;yes;paper;01.02.2026;f7",
        ]
        job = self.env["consent.import"].create(
            {"file_data": base64.b64encode("\n".join(rows).encode()), "date_format": "%d.%m.%Y"}
        )
        job.action_check()
        job.action_import()
        everybody = lowered | raised | turned_down
        self.assertEqual((job.event_count, everybody._may_process("newsletter", "email")), (4, raised))

    def walk_merge(self):
        merge = self.env["base.partner.merge.automatic.wizard"]._merge
        for number in range(2):
            yes, no = self.people(f"MergeYes{number}", f"MergeNo{number}")
            yes.consent_give("newsletter", ["email"], "web_form")
            no.consent_withdraw("newsletter", source="email")
            kept = (yes, no)[number]
            merge((yes | no).ids, kept)
            self.assertFalse(kept.consent_allows("newsletter", "email"))
            kept.consent_give("newsletter", ["email"], "in_person")
            self.assertTrue(kept.consent_allows("newsletter", "email"))

    def walk_address(self):
        self.env.ref("client_consent.purpose_newsletter").on_new_address = "carry"
        [person] = self.people("Moves")
        person.consent_give("newsletter", ["email"], "web_form")
        person.email = "moved@post.example"
        self.env["consent.address.change"].search([("partner_id", "=", person.id)]).action_carry()
        self.assertTrue(person.consent_allows("newsletter", "email"))

    def walk_no(self):
        withdraws, objects = self.people("Withdraws", "Objects")
        both = withdraws | objects
        both.consent_give("newsletter", ["email"], "web_form")
        both.consent_give("customer_care", ["email"], "in_person")
        withdraws.consent_withdraw("newsletter", source="email")
        objects.consent_object(source="email")
        objects.email = "objects.elsewhere@post.example"
        objects.consent_give("customer_care", ["email"], "in_person")
        self.assertFalse(objects.consent_allows("customer_care", "email"))
        self.assertFalse(both._may_process("newsletter", "email"))

    def walk_erasure(self):
        [person] = self.people("Erased")
        person.consent_give("newsletter", ["email"], "paper", evidence=[file("form.pdf", form_pdf())])
        person.consent_withdraw("newsletter", source="email")
        self.env["consent.event"].ledger_sign()
        subject = person._consent_subject()
        number, events = subject.uuid, self.env["consent.event"].search([("partner_id", "=", person.id)])
        self.env["consent.event"]._clear(subject)
        subject.unlink()
        self.env.cr.execute(
            """SELECT count(*) FROM consent_event e WHERE id = ANY(%s)
                AND (to_jsonb(e)::text ILIKE '%%erased@post.example%%' OR to_jsonb(e)::text LIKE '%%' || %s || '%%')""",
            [events.ids, number],
        )
        self.assertEqual((len(events), self.env.cr.fetchone()), (2, (0,)), "nobody is identifiable in it")

    def test_rebuilding_changes_nothing_and_the_ledger_verifies(self):
        walks = [name for name in dir(self) if name.startswith("walk_")]
        for name in walks:
            with self.subTest(path=name):
                getattr(self, name)()
        kinds = set(self.env["consent.event"].search([]).mapped("kind"))
        self.assertEqual(
            kinds, {"requested", "pending", "given", "informed", "refused", "withdrawn", "objected"}, "every kind"
        )
        before = self.env["consent.basis"].search_count([])
        rebuilt = self.env["consent.event"].basis_rebuild()
        self.assertEqual((rebuilt["differing"], rebuilt["checked"]), (0, before))
        self.env["consent.event"].ledger_sign()
        verified = self.env["consent.event"].ledger_verify()
        self.assertEqual((verified["ok"], verified["problems"]), (True, []))
        self.assertEqual(verified["size"], self.env["consent.event"].search_count([]))
