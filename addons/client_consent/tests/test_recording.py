import base64
from datetime import timedelta

from dateutil.relativedelta import relativedelta
from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, HttpCase, new_test_user, tagged
from odoo.tools import mute_logger

from .common import ConsentCase, note_seller
from .recording_common import demand_evidence, details, keep_evidence, letters

PDF = {"name": "form.pdf", "content": base64.b64encode(b"%PDF-1.4 signed").decode()}


@tagged("post_install", "-at_install")
class TestRecording(ConsentCase):
    def event(self, kind):
        return self.env["consent.event"].search([("partner_id", "=", self.person.id), ("kind", "=", kind)], limit=1)

    # -- evidence ------------------------------------------------------------------------------------

    def test_no_evidence_where_it_is_demanded_waits_and_is_unusable(self):
        with demand_evidence("phone"):
            [receipt] = self.person.consent_give("offers", ["phone"], "phone")
        self.assertEqual(receipt["state"], "pending")
        self.assertEqual(receipt["until"], str(fields.Date.today() + timedelta(days=30)))
        self.assertFalse(self.person.consent_allows("offers", "phone"))
        self.assertEqual(details(self.event("pending"))[0]["waits_for"], "evidence")

    def test_evidence_that_comes_later_counts_from_the_day_of_the_answer(self):
        given_at = fields.Datetime.now() - timedelta(days=10)
        with demand_evidence("paper"), keep_evidence() as kept:
            self.person.consent_give("newsletter", ["email"], "paper", given_at=given_at)
            pending = self.event("pending").sudo()
            with self.assertRaises(UserError):
                self.env["consent.recording"]._confirm(pending, "paper")
            given = self.env["consent.recording"]._confirm(pending, "paper", evidence=[PDF])
        self.assertEqual(kept, [PDF])
        self.assertEqual((given.at, given.until), (pending.at, pending.at.date() + relativedelta(months=24)))
        self.assertTrue(self.person.consent_allows("newsletter", "email"))
        with self.assertRaises(UserError), keep_evidence():
            self.env["consent.recording"]._confirm(pending, "paper", evidence=[PDF])

    def test_evidence_of_then_does_not_undo_a_withdrawal_since(self):
        with demand_evidence("paper"), keep_evidence():
            self.person.consent_give(
                "newsletter", ["email"], "paper", given_at=fields.Datetime.now() - timedelta(days=3)
            )
            pending = self.event("pending").sudo()
            self.person.consent_withdraw("newsletter", source="phone")
            with self.assertRaises(UserError):
                self.env["consent.recording"]._confirm(pending, "paper", evidence=[PDF])
        self.assertFalse(self.person.consent_allows("newsletter", "email"))

    def test_answer_with_its_evidence_counts_at_once(self):
        with demand_evidence("paper"), keep_evidence() as kept:
            [receipt] = self.person.consent_give("newsletter", ["email"], "paper", evidence=[PDF])
        self.assertEqual((receipt["state"], kept), ("active", [PDF]))

    def test_waiting_answer_lapses_without_any_cron_and_cannot_be_confirmed_then(self):
        long_ago = fields.Datetime.now() - timedelta(days=40)
        with demand_evidence("paper"), keep_evidence():
            self.person.consent_give("newsletter", ["email"], "paper", given_at=long_ago)
            self.assertEqual([line["state"] for line in self.person.consent_status()], ["expired"])
            with self.assertRaises(UserError):
                self.env["consent.recording"]._confirm(self.event("pending").sudo(), "paper", evidence=[PDF])

    def test_quarantined_source_never_confirms(self):
        note_seller(self.person)
        self.person.consent_give("newsletter", ["email"], "bought")
        pending = self.event("pending").sudo()
        with self.assertRaises(UserError):
            self.env["consent.recording"]._confirm(pending, "bought")
        self.env["consent.recording"]._confirm(pending, "in_person")
        self.assertTrue(self.person.consent_allows("newsletter", "email"))

    def test_waiting_changes_no_answer_that_stands(self):
        self.person.consent_give("newsletter", ["email"], "in_person")
        with demand_evidence("paper"):
            self.person.consent_give("newsletter", ["email"], "paper")
        self.assertTrue(self.person.consent_allows("newsletter", "email"))

    def test_rebuilding_gives_the_same_rows_after_every_way(self):
        with demand_evidence("paper", "phone"), keep_evidence():
            self.person.consent_give("newsletter", ["email"], "paper")
            self.env["consent.recording"]._confirm(self.event("pending").sudo(), "paper", evidence=[PDF])
            self.person.consent_give("offers", ["phone"], "phone")
        self.env["consent.recording"]._deny("refused", self.person, "offers", ["email"], "in_person")
        self.assertEqual(self.env["consent.event"].basis_rebuild()["differing"], 0)

    # -- bad input -----------------------------------------------------------------------------------

    def test_bad_input_says_what_to_do_and_records_nothing(self):
        other = self.env["res.company"].create({"name": "Another"})
        foreign = self.env["consent.purpose"].create(
            {
                "code": "foreign",
                "name": "Of another company",
                "lawful_basis": "consent",
                "validity_months": 12,
                "company_id": other.id,
            }
        )
        foreign.action_activate()
        self.env["res.lang"]._activate_lang("cs_CZ")
        czech = "<p>Newsletter. Souhlas můžete kdykoli odvolat.</p>"
        english = "<p>Offers. You can withdraw at any time.</p>"
        for code, lang, purpose, body in (
            ("czech", "cs_CZ", "newsletter", czech),
            ("about_offers", "en_US", "offers", english),
        ):
            self.env["consent.notice"].create(
                {
                    "code": code,
                    "name": code,
                    "body": body,
                    "lang": lang,
                    "purpose_ids": self.env.ref(f"client_consent.purpose_{purpose}").ids,
                }
            ).action_publish()
        self.person.lang = "en_US"
        before = self.env["consent.event"].search_count([])
        give, deny = self.person.consent_give, self.person.consent_withdraw
        cases = {
            "purpose of another company": lambda: give("foreign", ["email"], "paper"),
            "notice of another language": lambda: give("newsletter", ["email"], "paper", notice="czech"),
            "notice of another purpose": lambda: give("newsletter", ["email"], "paper", notice="about_offers"),
            "no moment": lambda: give("newsletter", ["email"], "paper", given_at="yesterday"),
            "future": lambda: give("newsletter", ["email"], "paper", given_at="2999-01-01 00:00:00"),
            "evidence without content": lambda: give("newsletter", ["email"], "paper", evidence=[{"name": "a.pdf"}]),
            "evidence that is no file": lambda: give("newsletter", ["email"], "paper", evidence=["a.pdf"]),
            "unknown channel, one purpose": lambda: deny("newsletter", ["fax"]),
            "unknown channel, all purposes": lambda: deny(None, ["fax"]),
            "unknown channel, objection": lambda: self.person.consent_object(channels=["fax"]),
            "channels as a text": lambda: self.person.consent_object(channels="email"),
            "unknown source": lambda: deny("newsletter", ["email"], source="silence"),
        }
        for what, act in cases.items():
            with self.subTest(what=what), self.assertRaises(UserError):
                act()
        self.assertEqual(self.env["consent.event"].search_count([]), before)

    def test_user_without_the_group_records_nothing_by_any_door(self):
        outsider = new_test_user(self.env, "outsider", "base.group_user,base.group_partner_manager")
        person = self.person.with_user(outsider)
        for act in (
            lambda: person.action_consent_renew(),
            lambda: person.action_consent_erase(),
            lambda: person.read(["consent_birthdate"]),
            lambda: self.env["consent.record.wizard"].with_user(outsider).create({"partner_id": person.id}),
            lambda: self.env["consent.request.wizard"].with_user(outsider).create({}),
            lambda: self.env["consent.evidence.wizard"].with_user(outsider).create({}),
            lambda: self.env["consent.reminder"].with_user(outsider).search([]),
            lambda: self.env["consent.token"].with_user(outsider).search([]),
        ):
            with self.assertRaises(AccessError):
                act()

    # -- the dialog ----------------------------------------------------------------------------------

    def wizard(self, **values):
        return (
            self.env["consent.record.wizard"].with_user(self.recorder).create({"partner_id": self.person.id, **values})
        )

    def tick(self, wizard, purpose, *channels):
        line = wizard.line_ids.filtered(lambda line: line.purpose_id.code == purpose)
        line.write({f"channel_{channel}": True for channel in channels})

    def test_dialog_ticks_nothing_and_says_the_consequence_before_saving(self):
        view = "client_consent.view_consent_record_wizard_form"
        action_context = {"default_partner_id": self.person.id}
        wizards = self.env["consent.record.wizard"].with_user(self.recorder).with_context(**action_context)
        with Form(wizards, view=view) as form:
            self.assertFalse(form.consequence)
            with form.line_ids.edit(0) as line:
                self.assertFalse(any(line[f"channel_{c}"] for c in ("email", "sms", "phone", "post", "messenger")))
                self.assertEqual(line.purpose_id.code, "newsletter")
                line.channel_email = True
            self.assertIn("Counts from now until", form.consequence)
            with demand_evidence("paper"):
                form.source = "paper"
                self.assertIn("waits for its evidence until", form.consequence)
        self.assertFalse(self.person.consent_status())
        form.record.action_record()
        self.assertEqual([line["purpose"] for line in self.person.consent_status()], ["newsletter"])

    def test_several_purposes_are_recorded_at_once(self):
        wizard = self.wizard()
        self.tick(wizard, "newsletter", "email")
        self.tick(wizard, "offers", "email", "phone")
        wizard.action_record()
        said = {(line["purpose"], line["channel"]) for line in self.person.consent_status()}
        self.assertEqual(said, {("newsletter", "email"), ("offers", "email"), ("offers", "phone")})

    def test_nothing_ticked_records_nothing(self):
        with self.assertRaises(UserError):
            self.wizard().action_record()
        self.assertFalse(self.person.consent_status())

    def test_each_way_asks_for_what_it_needs_and_keeps_it(self):
        friend = self.env["res.partner"].create({"name": "Friend"})
        cases = {
            "phone": ({"script_version": "v3"}, {"script_version": "v3", "operator": self.recorder.id}),
            "sms_keyword": ({"words": "ANO"}, {"words": "ANO"}),
            "contract": ({"contract": "S 7/2026"}, {"contract": "S 7/2026"}),
            "event": ({"occasion": "Fair Brno"}, {"words": "Fair Brno"}),
            "referral": ({"referrer_id": friend.id}, None),
            "public": ({"url": "https://fair.example"}, {"url": "https://fair.example", "waits_for": "confirmation"}),
            "bought": (
                {"seller": "S", "contract": "K-7", "proof": "f"},
                {"seller": "S", "contract": "K-7", "proof": "f", "waits_for": "confirmation"},
            ),
        }
        for source, (values, expected) in cases.items():
            with self.subTest(source=source):
                bare = self.wizard(source=source)
                self.tick(bare, "offers", "phone")
                with self.assertRaises(UserError):
                    bare.action_record()
                wizard = self.wizard(source=source, **values)
                self.tick(wizard, "offers", "phone")
                wizard.action_record()
                event = self.env["consent.event"].search(
                    [("partner_id", "=", self.person.id)], order="id desc", limit=1
                )
                if source != "bought" and self.env.ref("client_consent.purpose_offers")._evidence_needed(source):
                    expected = {**expected, "waits_for": "evidence"}
                if source == "referral":
                    uuid = friend._consent_subject().sudo().uuid
                    expected = {"referrer": uuid, "waits_for": "confirmation"}
                self.assertEqual((event.source, details(event)[0]), (source, expected))
        noted = {source.kind: source for source in self.person.consent_source_ids}
        self.assertEqual(set(noted), {"referral", "public", "bought"})
        self.assertEqual(noted["referral"].referrer_partner_id, friend)
        self.assertEqual(noted["public"].url, "https://fair.example")
        self.assertEqual((noted["bought"].seller, noted["bought"].contract), ("S", "K-7"))

    def test_text_in_the_language_of_the_person_is_chosen_and_shown(self):
        self.env["res.lang"]._activate_lang("cs_CZ")
        self.person.lang = "cs_CZ"
        newsletter = self.env.ref("client_consent.purpose_newsletter")
        for lang, body in (
            ("en_US", "<p>Newsletter: may we write? You can withdraw at any time.</p>"),
            ("cs_CZ", "<p>Newsletter: smíme psát? Souhlas můžete kdykoli odvolat.</p>"),
        ):
            self.env["consent.notice"].create(
                {"code": "trial", "name": "N", "body": body, "lang": lang, "purpose_ids": newsletter.ids}
            ).action_publish()
        wizard = self.wizard()
        self.assertIn("smíme psát?", wizard.notice_text)
        self.assertNotIn("may we write?", wizard.notice_text)
        self.tick(wizard, "newsletter", "email")
        wizard.action_record()
        self.assertEqual(self.event("given").notice_id.lang, "cs_CZ")

    def test_open_copy_of_the_evidence_goes_when_it_is_kept(self):
        upload = self.env["ir.attachment"].with_user(self.recorder).create({"name": "scan.pdf", "raw": b"%PDF-1.4"})
        wizard = self.wizard(source="paper", evidence_ids=upload.ids)
        self.tick(wizard, "newsletter", "email")
        with keep_evidence() as kept:
            wizard.action_record()
        self.assertEqual([file["name"] for file in kept], ["scan.pdf"])
        self.assertFalse(upload.exists())

    def test_evidence_is_added_to_a_waiting_answer_by_its_button(self):
        with demand_evidence("paper"), keep_evidence() as kept:
            self.person.consent_give("newsletter", ["email"], "paper")
            basis = self.env["consent.basis"].with_user(self.recorder).search([("partner_id", "=", self.person.id)])
            context = basis.action_add_evidence()["context"]
            upload = self.env["ir.attachment"].with_user(self.recorder).create({"name": "s.pdf", "raw": b"%PDF-1.4"})
            wizards = self.env["consent.evidence.wizard"].with_user(self.recorder).with_context(**context)
            wizards.create({"evidence_ids": upload.ids}).action_confirm()
        self.assertEqual(len(kept), 1)
        self.assertTrue(self.person.consent_allows("newsletter", "email"))


@tagged("post_install", "-at_install")
class TestConsentForm(ConsentCase, HttpCase):
    def test_printed_form_comes_back_by_its_code(self):
        self.person.name = "Eliška Příliš-Žluťoučká"
        wizard = self.env["consent.record.wizard"].with_user(self.recorder).create({"partner_id": self.person.id})
        action = wizard.action_print_form()
        self.assertNotIn("Eli", action["url"])
        self.authenticate("recorder", "recorder")
        answer = self.url_open(action["url"])
        self.assertEqual(answer.headers["Content-Type"], "application/pdf")
        self.assertTrue(answer.content.startswith(b"%PDF-"))
        self.assertNotIn("Eli", answer.headers["Content-Disposition"])
        self.assertIn(b"DejaVuSans", answer.content)
        token = self.env["consent.token"].search([("kind", "=", "scan")])
        self.assertEqual(token.subject_id.partner_id, self.person)

    def scan_token(self):
        return self.env["consent.token"]._issue(
            "scan",
            365,
            subject=self.person._consent_subject(create=True),
            partner=self.person.id,
            company=self.env.company.id,
            lines=[[self.env.ref("client_consent.purpose_newsletter").id, False]],
        )

    def test_scan_opens_the_dialog_filled_in_and_unticked(self):
        text = self.scan_token()
        self.authenticate("recorder", "recorder")
        answer = self.url_open(f"/privacy/scan/{text}", allow_redirects=False)
        self.assertEqual(answer.status_code, 303)
        wizard = self.env["consent.record.wizard"].search([], order="id desc", limit=1)
        self.assertTrue(answer.headers["Location"].endswith(f"action_consent_scan/{wizard.id}"))
        self.assertEqual((wizard.partner_id, wizard.source), (self.person, "paper"))
        self.assertEqual(wizard.line_ids.purpose_id.code, "newsletter")
        self.assertFalse(wizard._answers())
        wizard.line_ids.channel_email = True
        opened = wizard.with_user(self.recorder).action_record()
        self.assertEqual((opened["res_model"], opened["res_id"]), ("res.partner", self.person.id))
        self.assertFalse(self.env["consent.token"]._find(text, "scan"), "a signed form is recorded once")

    def test_scan_opens_for_staff_with_the_group_only(self):
        text = self.scan_token()
        new_test_user(self.env, "outsider", "base.group_user,base.group_partner_manager")
        anonymous = self.url_open(f"/privacy/scan/{text}", allow_redirects=False)
        self.assertIn("/web/login", anonymous.headers["Location"])
        before = self.env["consent.record.wizard"].search_count([])
        for login, path in (("outsider", text), ("recorder", "forged")):
            self.authenticate(login, login)
            with mute_logger("odoo.http"):
                self.assertEqual(self.url_open(f"/privacy/scan/{path}").status_code, 404)
        self.assertEqual(self.env["consent.record.wizard"].search_count([]), before)


@tagged("post_install", "-at_install")
class TestRequest(ConsentCase, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.purposes = cls.env["consent.purpose"].search([("code", "in", ("newsletter", "offers"))])
        cls.notice = cls.env["consent.notice"].create(
            {
                "code": "ask",
                "name": "May we?",
                "body": "<p>Newsletter and offers. You can withdraw at any time.</p>",
                "purpose_ids": cls.purposes.ids,
            }
        )
        cls.notice.action_publish()
        cls.person.lang = cls.notice.lang

    def ask(self, partners=None, **values):
        wizard = (
            self.env["consent.request.wizard"]
            .with_user(self.recorder)
            .create(
                {
                    "partner_ids": (partners or self.person).ids,
                    "purpose_ids": self.purposes.ids,
                    "own_address": True,
                    **values,
                }
            )
        )
        with letters(self.env) as sent:
            wizard.action_send()
        return wizard, sent

    def press(self, path, **answers):
        page = self.url_open(path)
        token = page.text.split('name="csrf_token" value="')[1].split('"')[0]
        return self.url_open(path, data={"csrf_token": token, **answers})

    def test_person_answers_yes_and_no_on_a_page_of_their_own(self):
        self.env.ref("client_consent.purpose_newsletter").double_opt_in = True
        _wizard, sent = self.ask()
        [path] = sent.paths
        self.assertEqual({line["state"] for line in self.person.consent_status()}, {"requested"})
        page = self.url_open(path)
        self.assertIn("Newsletter and offers.", page.text)
        self.assertNotIn("checked", page.text.split("o_privacy_page")[1])
        events = {
            (event.purpose_id.code, event.channel): event
            for event in self.env["consent.event"].search([("partner_id", "=", self.person.id)])
        }
        again = self.press(path)
        self.assertIn("Nothing was chosen yet", again.text)
        yes, no = events["newsletter", "email"], events["offers", "email"]
        done = self.press(path, **{f"event_{yes.id}": "yes", f"event_{no.id}": "no"})
        self.assertIn("Your answer is recorded", done.text)
        self.assertTrue(self.person.consent_allows("newsletter", "email"), "the link proved the address already")
        states = {(line["purpose"], line["channel"]): line["state"] for line in self.person.consent_status()}
        self.assertEqual(states["offers", "email"], "refused")
        self.assertEqual(states["offers", "phone"], "requested", "what was not answered is not decided")
        given = self.env["consent.event"].search([("partner_id", "=", self.person.id), ("kind", "=", "given")])
        self.assertEqual((given.source, given.notice_id), ("web_form", self.notice))
        self.assertIn("This link is over", self.url_open(path).text)

    def test_answer_to_what_was_not_asked_is_not_taken(self):
        other = self.env["res.partner"].create(self.person_values("Other", "other"))
        other.consent_withdraw("newsletter", source="phone")
        foreign = self.env["consent.event"].search([("partner_id", "=", other.id)], limit=1)
        _wizard, sent = self.ask()
        self.assertIn("Nothing was chosen yet", self.press(sent.paths[0], **{f"event_{foreign.id}": "yes"}).text)
        self.assertFalse(other.consent_allows("newsletter", "email"))

    def test_answer_counts_for_the_address_that_was_asked(self):
        _wizard, sent = self.ask()
        self.person.email = "new@post.example"
        event = self.env["consent.event"].search(
            [("partner_id", "=", self.person.id), ("purpose_id.code", "=", "newsletter")]
        )
        self.press(sent.paths[0], **{f"event_{event.id}": "yes"})
        self.assertFalse(self.person.consent_allows("newsletter", "email"))

    def test_nobody_is_asked_twice_or_after_a_no_or_from_a_list(self):
        people = self.env["res.partner"].create(
            [self.person_values(f"P{n}", f"p{n}", f"+42060100000{n}") for n in range(4)]
        )
        people.lang = self.notice.lang
        refused, twin_of_refused, bought, silent = people
        twin_of_refused.email = "P0@post.example"
        refused.consent_object(source="email")
        note_seller(bought)
        bought.consent_give("newsletter", ["email"], "bought")
        without = self.env["res.partner"].create({"name": "Without"})
        twin_of_silent = self.env["res.partner"].create(self.person_values("P3 again", "P3", "+420601000003"))
        twin_of_silent.lang = self.notice.lang
        wizard, sent = self.ask(people | without | twin_of_silent)
        self.assertEqual([mail["to"] for mail in sent.mails], ["p3@post.example"])
        self.assertIn("1 asked by e-mail", wizard.result)
        _wizard, sent = self.ask(silent)
        self.assertFalse(sent.mails)

    def test_nobody_is_asked_for_what_replaces_a_purpose_they_withdrew(self):
        new = self.env["consent.purpose"].create(
            {
                "code": "digest",
                "name": "Digest",
                "lawful_basis": "consent",
                "validity_months": 24,
                "replaces_id": self.env.ref("client_consent.purpose_newsletter").id,
            }
        )
        self.env["consent.notice"].create(
            {
                "code": "digest",
                "name": "N",
                "body": "<p>Digest: may we write? You can withdraw at any time.</p>",
                "lang": self.notice.lang,
                "purpose_ids": new.ids,
            }
        ).action_publish()
        self.person.lang = self.notice.lang
        twin = self.env["res.partner"].create(self.person_values("Asked", "asked"))
        twin.lang = self.notice.lang
        self.person.consent_withdraw("newsletter", source="email")
        new.action_activate()
        done = self.env["consent.recording"]._request(self.person | twin, [(new, None)])
        self.assertEqual((done["asked"], done["left_out"]), (twin, {"answered": self.person}))

    def test_own_enquiry_lifts_the_quarantine_of_the_address(self):
        note_seller(self.person)
        self.person.consent_give("newsletter", ["email"], "bought")
        _wizard, sent = self.ask()
        self.assertFalse(sent.mails)
        self.person.consent_give("customer_care", ["email"], "email")
        _wizard, sent = self.ask()
        self.assertEqual(len(sent.mails), 1)

    def test_request_needs_a_text_and_the_assurance(self):
        with self.assertRaises(UserError):
            self.ask(own_address=False)
        self.notice.action_new_version()
        self.notice.sudo()._write({"state": "superseded"})
        self.env.invalidate_all()
        with self.assertRaises(UserError):
            self.ask()
        self.assertFalse(self.person.consent_status())
