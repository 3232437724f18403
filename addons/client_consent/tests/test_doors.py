"""Ways in that no screen offers: calls over RPC, contexts, hostile files and forms."""

import base64
import csv
import io
import re
import threading
import zipfile
from datetime import timedelta
from unittest.mock import patch

import openpyxl
from odoo import Command, fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import HttpCase, new_test_user, tagged

from ..controllers import limit, notice
from ..tools import import_rows
from .common import ConsentCase
from .recording_common import demand_evidence, keep_evidence, letters

HEAD = "Name;E-mail;Purpose;Answer;Source;Date;Evidence"
CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')


@tagged("post_install", "-at_install")
class TestDoors(ConsentCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.newsletter = cls.env.ref("client_consent.purpose_newsletter")
        cls.manager = new_test_user(cls.env, "manager", "client_consent.group_consent_manager")
        cls.colleague = new_test_user(cls.env, "colleague", "client_consent.group_consent_user")
        cls.outsider = new_test_user(cls.env, "outsider", "base.group_user,base.group_partner_manager")

    def import_(self, *lines, user=None, **values):
        data = "\n".join([HEAD, *lines]).encode()
        jobs = self.env["consent.import"].with_user(user or self.recorder)
        return jobs.create({"file_data": base64.b64encode(data), "date_format": "%d.%m.%Y", **values})

    # -- sources -------------------------------------------------------------------------------------

    def test_nobody_has_a_contact_deleted_by_a_date_in_its_source(self):
        yesterday = fields.Date.today() - timedelta(days=1)
        victim = self.env["res.partner"].create(self.person_values("Victim", "victim"))
        sources = self.env["consent.source"].with_user(self.recorder)
        with self.assertRaises(UserError):
            sources.create({"partner_id": victim.id, "kind": "in_person", "lapses_on": yesterday})
        source = sources.with_context(default_lapses_on=str(yesterday)).create(
            {"partner_id": victim.id, "kind": "in_person"}
        )
        self.assertFalse(source.lapses_on)
        for act in (
            lambda: source.write({"lapses_on": yesterday}),
            lambda: source.with_user(self.manager).write({"lapses_on": yesterday}),
            lambda: source.write({"informed_at": "2026-01-01 00:00:00", "informed_how": "post"}),
        ):
            with self.assertRaises(UserError):
                act()
        self.env["consent.source"]._drop_unconfirmed()
        self.assertTrue(victim.exists())

    def test_default_of_the_context_reaches_no_source_that_is_recorded(self):
        yesterday = str(fields.Date.today() - timedelta(days=1))
        job = self.import_("New;fresh@post.example;newsletter;yes;paper;01.02.2026;f7").with_context(
            default_lapses_on=yesterday
        )
        job.action_check()
        job.action_import()
        partner = self.env["res.partner"].search([("email_normalized", "=", "fresh@post.example")])
        self.assertEqual(partner.consent_source_ids.mapped("lapses_on"), [False])

    # -- imports -------------------------------------------------------------------------------------

    def test_import_is_not_run_in_anothers_name_or_for_another_company(self):
        other = self.env["res.company"].create({"name": "Another"})
        job = self.import_("X;x@post.example;newsletter;yes;paper;01.02.2026;f7")
        stolen = {"state": "running", "user_id": self.env.ref("base.user_admin").id, "company_id": other.id}
        for values in (stolen, *({name: value} for name, value in stolen.items()), {"digest": "0" * 64}):
            with self.assertRaises(UserError):
                job.write(values)
            with self.assertRaises(UserError):
                self.import_(**values)
        context = {f"default_{name}": value for name, value in stolen.items()}
        forged = self.env["consent.import"].with_user(self.recorder).with_context(**context).create({})
        self.assertEqual(
            (forged.state, forged.user_id, forged.company_id), ("draft", self.recorder, self.recorder.company_id)
        )

    def test_what_is_imported_is_what_was_checked(self):
        job = self.import_("X;x@post.example;newsletter;yes;paper;01.02.2026;f7")
        job.action_check()
        digest = job.digest
        for act in (
            lambda: job.write({"file_data": base64.b64encode(b"E-mail\ny@post.example")}),
            lambda: job.write({"default_source": "paper"}),
            lambda: job.column_ids[0].write({"target": "note"}),
            lambda: job.write({"column_ids": [Command.update(job.column_ids[0].id, {"target": "note"})]}),
            lambda: job.column_ids[0].unlink(),
            lambda: job.column_ids.create({"import_id": job.id, "sequence": 9, "name": "X"}),
        ):
            with self.assertRaises(UserError):
                act()
        job.skip_bad = True
        job.action_back()
        job.column_ids[0].target = False
        job.action_check()
        self.assertEqual(job.digest, digest)

    def test_columns_of_anothers_import_are_nobody_elses(self):
        job = self.import_("X;x@post.example;newsletter;yes;paper;01.02.2026;f7")
        job.action_check()
        job.action_back()
        columns = job.column_ids.with_user(self.colleague)
        with self.assertRaises(AccessError):
            columns.read(["name"])
        with self.assertRaises(AccessError):
            columns[0].target = "note"
        own = self.import_("Y;y@post.example;newsletter;yes;paper;01.02.2026;f7", user=self.colleague)
        own.action_check()
        own.action_back()
        with self.assertRaises(AccessError):
            own.column_ids[0].import_id = job.id

    def test_wrong_rows_come_back_without_formulas_and_can_be_corrected(self):
        bad = ["=HYPERLINK(1)", "@SUM(1)", "-2+cmd", "+420 601 234 567"]
        job = self.import_(*(f"{name};not an address;newsletter;yes;paper;01.02.2026;f7" for name in bad))
        job.action_check()
        text = base64.b64decode(job.bad_file).decode("utf-8-sig")
        [_head, *rows] = csv.reader(io.StringIO(text), delimiter=";")
        self.assertEqual([row[3] for row in rows], [f"'{name}" for name in bad[:3]] + bad[3:])
        sheet = import_rows.read(text.encode())
        self.assertEqual([cells[3] for _number, cells in sheet.rows], bad)

    def bomb(self, rows):
        """An XLSX that claims to be larger than it is."""
        book = openpyxl.Workbook()
        book.active.append(["E-mail"])
        plain, bomb = io.BytesIO(), io.BytesIO()
        book.save(plain)
        sheet = (
            '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
            f'<dimension ref="A1:XFD1048576"/><sheetData>{rows}</sheetData></worksheet>'
        )
        with zipfile.ZipFile(plain) as source, zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as target:
            for part in source.infolist():
                known = part.filename != "xl/worksheets/sheet1.xml"
                target.writestr(part.filename, source.read(part) if known else sheet)
        return bomb.getvalue()

    def test_spreadsheet_that_grows_is_refused_and_one_that_boasts_is_read(self):
        cell = '<row r="{0}"><c r="{1}{0}" t="inlineStr"><is><t>a</t></is></c></row>'
        for name, rows in (
            ("rows", cell.format(1, "A") + cell.format(99_999_999, "A")),
            ("cells", "".join(cell.format(number, "XFD") for number in range(1, 600))),
            ("bytes", " " * (import_rows.MAX_UNPACKED + 1)),
        ):
            data = self.bomb(rows)
            self.assertLess(len(data), 1 << 20)
            job = self.env["consent.import"].with_user(self.recorder).create({"file_data": base64.b64encode(data)})
            with self.subTest(bomb=name), self.assertRaises(UserError):
                job.action_check()
            self.assertIn("text-danger", job.preview)
        sheet = import_rows.read(self.bomb(cell.format(1, "A") + cell.format(400_000, "A")))
        self.assertEqual((sheet.header, sheet.rows), (("a",), ((400_000, ("a",)),)))
        with self.assertRaises(UserError):
            self.env["consent.import"].with_user(self.recorder).create(
                {"file_data": base64.b64encode(self.bomb("</broken>"))}
            ).action_check()

    # -- the past ------------------------------------------------------------------------------------

    def test_manager_makes_no_text_or_assessment_of_the_past(self):
        notices = self.env["consent.notice"].with_user(self.manager)
        forged = notices.with_context(
            default_state="published", default_sha256="0" * 64, default_published_at="2020-01-01 00:00:00"
        ).create({"code": "forged", "name": "Never shown", "body": "<p>Text</p>", "lang": "en_US"})
        self.assertEqual((forged.state, forged.sha256, forged.published_at), ("draft", False, False))
        assessments = self.env["consent.assessment"].with_user(self.manager)
        forged = assessments.with_context(default_used_at="2020-01-01 00:00:00").create(
            {"purpose_id": self.env.ref("client_consent.purpose_customer_care").id}
        )
        self.assertFalse(forged.used_at)

    def test_purpose_goes_out_of_use_however_its_successor_comes_into_use(self):
        purposes = self.env["consent.purpose"].with_user(self.manager)
        values = {"name": "News", "lawful_basis": "consent", "validity_months": 12}
        first = purposes.create({**values, "code": "door_1", "state": "active"})
        second = purposes.create({**values, "code": "door_2", "state": "active", "replaces_id": first.id})
        self.assertEqual((first.state, second.state), ("archived", "active"))
        third = purposes.create({**values, "code": "door_3", "replaces_id": second.id})
        third.state = "active"
        self.assertEqual((second.state, third.state), ("archived", "active"))

    # -- contexts ------------------------------------------------------------------------------------

    def test_default_of_the_context_decides_nothing_about_a_changed_address(self):
        self.person.consent_give("newsletter", ["email"], "web_form")
        person = self.person.with_user(self.recorder)
        for number, state in enumerate(("stopped", "sale")):
            person.with_context(default_state=state).email = f"changed{number}@post.example"
        changes = self.env["consent.address.change"].search([("partner_id", "=", self.person.id)])
        self.assertEqual(changes.mapped("state"), ["open"])

    def test_number_of_a_person_is_chosen_by_nobody(self):
        context = {"default_uuid": "eliska@post.example", "default_wrapped_key": "AAAA"}
        self.person.with_user(self.recorder).with_context(**context).consent_give("newsletter", ["email"], "in_person")
        subject = self.person._consent_subject().sudo()
        self.assertRegex(subject.uuid, r"^[0-9a-f-]{36}$")
        self.assertFalse(subject.wrapped_key)

    # -- who sees what -------------------------------------------------------------------------------

    def test_user_without_group_finds_nobody_by_quarantine_or_changed_address(self):
        partners = self.env["res.partner"].with_user(self.outsider)
        for name in ("consent_quarantined", "consent_address_changed", "consent_no_ground"):
            for domain in ([(name, "=", True)], [(name, "!=", True)], [("child_ids", "any", [(name, "=", True)])]):
                with self.subTest(domain=domain), self.assertRaises(AccessError):
                    partners.search(domain)
        with self.assertRaises(AccessError):
            partners.search([("consent_basis_ids.address", "=", "eliska@post.example")])
        self.assertFalse(partners._may_process("newsletter", "email"), "the gate itself asks for nobody's right")

    def test_dialogs_are_open_to_who_opened_them_only(self):
        for name, values in (
            ("consent.record.wizard", {"partner_id": self.person.id, "note": "private"}),
            ("consent.proof.wizard", {"partner_id": self.person.id}),
            ("consent.withdraw.wizard", {"partner_id": self.person.id}),
            ("consent.invite.wizard", {"referrer_id": self.person.id}),
            ("consent.renewal.wizard", {"partner_id": self.person.id}),
            ("consent.request.wizard", {"partner_ids": self.person.ids, "purpose_ids": self.newsletter.ids}),
        ):
            wizard = self.env[name].with_user(self.recorder).create(values)
            self.assertTrue(wizard.read(["create_uid"]))
            with self.subTest(name=name), self.assertRaises(AccessError):
                wizard.with_user(self.colleague).read(["create_uid"])

    def test_manager_sees_no_subject_of_another_companys_contact(self):
        other = self.env["res.company"].create({"name": "Another"})
        foreign = self.env["res.partner"].create({"name": "Foreign", "company_id": other.id})
        theirs, ours = foreign._consent_subject(create=True), self.person._consent_subject(create=True)
        subjects = self.env["consent.subject"].with_user(self.manager)
        self.assertEqual(subjects.search([("id", "in", (theirs | ours).ids)]), ours)

    # -- evidence ------------------------------------------------------------------------------------

    def test_dialog_deletes_its_uploads_and_no_documents_file(self):
        documents = self.env["ir.attachment"].create(
            [
                {"name": "contract.pdf", "raw": b"%PDF-1.4", "res_model": "res.partner", "res_id": self.person.id},
                {"name": "logo.pdf", "raw": b"%PDF-1.4", "public": True},
            ]
        )
        upload = self.env["ir.attachment"].with_user(self.recorder).create({"name": "s.pdf", "raw": b"%PDF-1.4"})
        wizard = (
            self.env["consent.record.wizard"]
            .with_user(self.recorder)
            .create({"partner_id": self.person.id, "evidence_ids": (documents | upload).ids})
        )
        wizard.line_ids.filtered(lambda line: line.purpose_id == self.newsletter).channel_email = True
        with keep_evidence() as kept:
            wizard.action_record()
        self.assertEqual(len(kept), 3)
        self.assertEqual((documents | upload).exists(), documents)

    def test_file_confirms_nothing_that_waits_for_the_person(self):
        self.newsletter.double_opt_in = True
        with letters(self.env), demand_evidence(), keep_evidence():
            [receipt] = self.person.consent_give("newsletter", ["email"], "web_form")
            self.assertEqual(receipt["state"], "pending")
            basis = self.env["consent.basis"].search([("partner_id", "=", self.person.id)])
            upload = self.env["ir.attachment"].with_user(self.recorder).create({"name": "s.pdf", "raw": b"%PDF-1.4"})
            wizards = self.env["consent.evidence.wizard"].with_user(self.recorder)
            for files in ([], upload.ids):
                with self.assertRaises(UserError):
                    wizards.create({"basis_id": basis.id, "evidence_ids": files}).action_confirm()
        self.assertFalse(self.person.consent_allows("newsletter", "email"))

    # -- the caller of a public page -----------------------------------------------------------------

    def test_addresses_of_one_network_are_one_caller(self):
        self.assertEqual(limit.caller("2001:db8:1:2::1"), limit.caller("2001:db8:1:2:ffff::9"))
        self.assertNotEqual(limit.caller("2001:db8:1:2::1"), limit.caller("2001:db8:1:3::1"))
        self.assertNotEqual(limit.caller("::ffff:192.0.2.1"), limit.caller("::ffff:192.0.2.2"))
        self.assertEqual(limit.caller("::ffff:192.0.2.1"), limit.caller("192.0.2.1"))
        for address in ("::1", "", None, "unix"):
            limit.caller(address)


@tagged("post_install", "-at_install")
class TestPublicDoors(ConsentCase, HttpCase):
    def setUp(self):
        super().setUp()
        self.startPatcher(patch.object(limit, "allowed", lambda *args, **kwargs: True))
        for name in ("receipt", "invite"):
            self.startPatcher(
                patch(f"odoo.addons.client_consent.controllers.{name}.allowed", lambda *args, **kwargs: True)
            )

    def csrf(self, path):
        return CSRF.search(self.url_open(path).text)[1]

    def test_hostile_forms_get_an_answer_and_no_error(self):
        token = self.csrf("/privacy/receipt")
        for data, files in (
            ({"file": "a text"}, None),
            ({}, {"text": ("x.txt", b"x"), "number": ("x.txt", b"x")}),
            ({"text": '{"proof": {"payload": "x", "salt": ""}, "header": {"record_id": "x"}}'}, None),
            ({"text": '{"proof": {"payload": "{}", "salt": "' + "0" * 200_000 + '"}}'}, None),
            ({"text": "[" * 100_000}, None),
            ({"text": "<script>alert(1)</script>"}, None),
        ):
            answer = self.url_open("/privacy/receipt", data={"csrf_token": token, **data}, files=files)
            self.assertEqual(answer.status_code, 200)
            self.assertNotIn("<script>alert", answer.text)

    def test_every_public_form_is_refused_before_it_is_read_when_it_is_huge(self):
        # the map is made for the database that the thread serves, and a test's thread serves none
        with patch.object(threading.current_thread(), "dbname", self.env.cr.dbname, create=True):
            routes = {rule.rule: rule.endpoint.routing for rule in self.env["ir.http"].routing_map().iter_rules()}
        forms = {
            path: routing
            for path, routing in routes.items()
            if path.startswith("/privacy/") and routing["auth"] == "public" and "POST" in (routing["methods"] or ())
        }
        self.assertIn("/privacy/receipt/proof", forms)
        self.assertIn("/privacy/confirm/<string:token>", forms)
        for path, routing in forms.items():
            self.assertEqual(routing.get("max_content_length"), 1 << 20, path)

    def test_texts_are_not_compared_as_often_as_somebody_likes(self):
        with patch.object(notice.limit, "allowed", lambda *args: False):
            self.assertEqual(self.url_open(f"/privacy/notice/{'0' * 64}/changes").status_code, 429)

    def test_link_of_an_invitation_is_kept_out_of_caches_and_of_other_sites(self):
        token = self.env["consent.token"]._issue(
            "invite",
            30,
            subject=self.person._consent_subject(create=True),
            purposes=["newsletter"],
            company=self.env.company.id,
        )
        for path in (token, "forged"):
            page = self.url_open(f"/privacy/invite/{path}")
            self.assertEqual(page.headers["Referrer-Policy"], "no-referrer")
            self.assertEqual(page.headers["Cache-Control"], "no-store")
            self.assertIn("noindex", page.headers["X-Robots-Tag"])

    def test_link_of_a_guardian_ends_with_the_guardian(self):
        guardians = self.env["res.partner"].create(
            [{"name": name, "email": f"{name}@post.example"} for name in ("former", "present")]
        )
        self.person.write(
            {
                "consent_birthdate": fields.Date.today() - timedelta(days=3650),
                "consent_guardian_id": guardians[0].id,
            }
        )
        with letters(self.env) as sent:
            self.person.consent_give("newsletter", ["email"], "in_person")
        [path] = sent.paths
        token = self.csrf(path)
        self.person.consent_guardian_id = guardians[1]
        self.env.flush_all()
        answer = self.url_open(path, data={"csrf_token": token, "answer": "yes"})
        self.assertNotIn("Your yes is recorded", answer.text)
        self.assertFalse(self.person.consent_allows("newsletter", "email"))
