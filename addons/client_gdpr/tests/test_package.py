import base64
import csv
import io
import json
import os
import re
import tracemalloc
from contextlib import contextmanager
from datetime import timedelta
from unittest.mock import patch

import pypdf
import pyzipper
from markupsafe import Markup
from odoo import fields
from odoo.addons.client_consent.tests.common import note_seller
from odoo.addons.client_consent.tests.test_evidence import PNG
from odoo.addons.client_gdpr.models import gdpr_package
from odoo.addons.client_gdpr.models.gdpr_package import GdprPackage
from odoo.addons.client_gdpr.tools.schema import SCHEMA
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import HttpCase, new_test_user, tagged
from PIL import Image

from . import json_schema
from .common import GdprCase


def scaled():
    """A picture as Odoo stores one, larger than its smallest copies."""
    target = io.BytesIO()
    Image.new("RGB", (300, 200), "navy").save(target, "PNG")
    return base64.b64encode(target.getvalue())


class PackageCase(GdprCase):
    def setUp(self):
        super().setUp()
        self.folder = self.env["gdpr.package"]._folder()
        self.before = self.on_disk()
        self.addCleanup(self.sweep)

    def on_disk(self):
        return set(os.listdir(self.folder)) if os.path.isdir(self.folder) else set()

    def sweep(self):
        for name in self.on_disk() - self.before:
            os.remove(os.path.join(self.folder, name))

    def answered(self, kind="access", partner=None):
        request = self.open_request(kind, partner)
        request.action_confirm_identity()
        request.action_execute()
        return request

    def packed(self, kind="access", partner=None):
        request = self.answered(kind, partner)
        request.action_prepare_package()
        return request

    def attach(self, name, raw, record=None, **values):
        record = record or self.person
        return self.env["ir.attachment"].create(
            {"name": name, "raw": raw, "res_model": record._name, "res_id": record.id, **values}
        )

    def passphrase(self, request):
        return request.action_show_passphrase()["context"]["default_passphrase"]

    @contextmanager
    def built_by_cron(self, goes_on=lambda: True, **constants):
        """Leave every package to the cron, without real commits; a file a piece unless said otherwise."""
        with (
            patch.multiple(gdpr_package, **{"SMALL_BYTES": -1, "CHUNK_FILES": 1, **constants}),
            patch.object(GdprPackage, "_checkpoint", lambda record, done, remaining: goes_on()),
            patch.object(GdprPackage, "_roll_back", lambda record: record.env.invalidate_all()),
        ):
            yield

    def opened(self, request, secret=None):
        """The open archive of a request."""
        secret = secret or self.passphrase(request)
        archive = pyzipper.AESZipFile(request.package_id.sudo()._path())
        self.addCleanup(archive.close)
        archive.setpassword(secret.encode())
        return archive

    def data(self, request):
        return json.loads(self.opened(request).read("data.json"))


@tagged("post_install", "-at_install")
class TestPackage(PackageCase):
    def test_package_holds_document_data_tables_and_files_and_fits_its_schema(self):
        self.person.consent_give("newsletter", ["email"], "web_form")
        self.person.message_post(body="Asked about opening hours.")
        self.attach("Service sheet Eliška.txt", b"Blue bicycle, front brake.")
        request = self.packed()
        self.assertEqual((request.package_state, request.package_progress, request.package_files), ("ready", 100, 1))
        archive = self.opened(request)
        names = set(archive.namelist())
        self.assertLessEqual({"answer.pdf", "data.json", "schema.json", "files.csv", "tables/res.partner.csv"}, names)
        self.assertTrue(all(info.flag_bits & 1 and info.wz_aes_strength == 3 for info in archive.infolist()))
        data, schema = json.loads(archive.read("data.json")), json.loads(archive.read("schema.json"))
        self.assertEqual(list(json_schema.problems(schema, data)), [])
        [file] = data["files"]
        self.assertEqual((file["name"], file["state"]), ("Service sheet Eliška.txt", "included"))
        self.assertEqual(archive.read(file["path"]), b"Blue bicycle, front brake.")
        [contact] = next(table for table in data["tables"] if table["model"] == "res.partner")["records"]
        self.assertEqual(contact["values"]["email"], "eliska@post.example")
        rows = list(csv.DictReader(io.StringIO(archive.read("tables/res.partner.csv").decode("utf-8-sig"))))
        self.assertEqual((rows[0]["name"], rows[0]["phone"]), ("Eliška Testovaná", "+420 601 234 567"))
        pages = pypdf.PdfReader(io.BytesIO(archive.read("answer.pdf"))).pages
        text = " ".join(" ".join(page.extract_text() for page in pages).split())
        for words in ("Eliška Testovaná", "Asked about opening hours.", "Newsletter", "Service sheet Eliška.txt"):
            self.assertIn(words, text)

    def test_names_in_the_archive_and_its_own_name_tell_nothing(self):
        self.attach("Eliška Testovaná.pdf", b"%PDF-1.4 nothing")
        request = self.packed()
        with pyzipper.AESZipFile(request.package_id.sudo()._path()) as archive:
            self.assertFalse([name for name in archive.namelist() if "Test" in name or "Eli" in name])
        self.assertEqual(request.package_id._download_name(), f"{request.name.replace('/', '-')}-access.zip")

    def test_without_the_pass_phrase_nothing_is_read(self):
        request = self.packed()
        with pyzipper.AESZipFile(request.package_id.sudo()._path()) as archive:
            for secret in (None, b"", b"lusab-lusab-lusab-lusab-lusab-lusab"):
                with self.subTest(secret), self.assertRaises(RuntimeError):
                    archive.read("data.json", pwd=secret)
        with open(request.package_id.sudo()._path(), "rb") as file:
            self.assertNotIn(b"eliska@post", file.read())

    def test_pass_phrase_is_stored_encrypted_and_shown_once(self):
        request = self.packed()
        self.env.flush_all()
        stored = bytes(request.package_id.sudo().passphrase)
        secret = self.passphrase(request)
        self.assertEqual(len(secret.split("-")), 6)
        self.assertNotIn(secret.encode(), stored)
        self.opened(request, secret).read("data.json")
        with self.assertRaises(UserError):
            request.action_show_passphrase()
        self.env.flush_all()
        self.env.cr.execute("SELECT passphrase FROM gdpr_package WHERE id = %s", request.package_id.ids)
        self.assertEqual(self.env.cr.fetchone(), (None,))
        self.assertNotIn(secret, "".join(request.message_ids.mapped("body")))

    def test_preparing_again_deletes_the_first_package(self):
        request = self.packed()
        first, path = request.package_id, request.package_id.sudo()._path()
        request.action_prepare_package()
        self.env.cr.postcommit.run()
        self.assertEqual((first.state, os.path.exists(path)), ("purged", False))
        self.assertNotEqual(request.package_id, first)
        self.assertEqual(len(self.on_disk() - self.before), 1)

    def test_file_that_is_gone_is_listed_and_the_rest_is_complete(self):
        gone, kept = self.attach("gone.txt", b"lost on the way"), self.attach("kept.txt", b"still here")
        os.remove(gone._full_path(gone.store_fname))
        request = self.packed()
        self.assertEqual((request.package_state, request.package_files, request.package_missing), ("ready", 1, 1))
        archive = self.opened(request)
        files = {file["name"]: file for file in json.loads(archive.read("data.json"))["files"]}
        self.assertEqual((files["gone.txt"]["state"], files["gone.txt"]["path"]), ("missing", None))
        self.assertIn("not known", files["gone.txt"]["note"])
        self.assertEqual(archive.read(files["kept.txt"]["path"]), b"still here")
        self.assertEqual(kept.raw, b"still here")

    def test_file_that_changed_on_disk_is_packed_and_said_to_differ(self):
        changed = self.attach("changed.txt", b"as it was")
        with open(changed._full_path(changed.store_fname), "wb") as file:
            file.write(b"as it is now")
        [file] = self.data(self.packed())["files"]
        self.assertEqual((file["state"], file["size"]), ("changed", 12))

    def test_file_kept_in_the_database_and_link_are_packed_as_what_they_are(self):
        self.env["ir.config_parameter"].set_param("ir_attachment.location", "db")
        self.attach("row.bin", b"0123456789" * 200_000)
        self.env["ir.attachment"].create(
            {"name": "page", "type": "url", "url": "https://a.example", "res_model": "res.partner"}
            | {"res_id": self.person.id}
        )
        request = self.packed()
        archive = self.opened(request)
        files = {file["name"]: file for file in json.loads(archive.read("data.json"))["files"]}
        self.assertEqual(archive.read(files["row.bin"]["path"]), b"0123456789" * 200_000)
        self.assertEqual(files["page"]["state"], "link")

    def test_failing_build_leaves_nothing_behind_and_says_why_by_numbers(self):
        self.attach("a.txt", b"first")
        request = self.answered()

        def disk_full(*_args):
            raise OSError(28, "No space left on device", "/srv/secret/path")

        with patch.object(GdprPackage, "_put_answer", disk_full):
            with self.assertRaisesRegex(UserError, "No space left"):
                request.action_prepare_package()
            self.env.cr.postrollback.run()
            self.assertEqual(self.on_disk(), self.before)
            with self.built_by_cron():
                request.action_prepare_package()
                self.env["gdpr.package"]._cron_build()
        self.assertEqual(request.package_state, "failed")
        self.assertIn("No space left", request.package_failure)
        self.assertNotIn("secret", request.package_failure)
        self.assertEqual(self.on_disk(), self.before)
        self.assertFalse(request.package_id.sudo().passphrase)
        request.action_prepare_package()
        self.assertEqual(request.package_state, "ready")

    def test_large_package_is_built_piece_by_piece_and_goes_on_after_a_pause(self):
        for number in range(5):
            self.attach(f"{number}.txt", b"x" * 1000 * (number + 1))
        request = self.answered()
        left = [3]

        def goes_on():
            left[0] -= 1
            return left[0] > 0

        with self.built_by_cron(goes_on):
            request.action_prepare_package()
            self.assertEqual((request.package_state, request.package_progress), ("building", 0))
            seen = []
            while request.package_state != "ready":
                left[0] = 3
                self.env["gdpr.package"]._cron_build()
                seen.append(request.package_progress)
        self.assertEqual(seen, sorted(seen))
        self.assertGreater(len(set(seen)), 2)
        self.assertEqual({file["state"] for file in self.data(request)["files"]}, {"included"})
        self.assertEqual(request.package_files, 5)

    def test_memory_does_not_grow_with_the_files(self):
        raw = os.urandom(1 << 20) * 60
        self.attach("video.mp4", raw, mimetype="video/mp4")
        del raw
        self.env.invalidate_all()
        request = self.answered()
        with self.built_by_cron():
            request.action_prepare_package()
            tracemalloc.start()
            self.addCleanup(tracemalloc.stop)
            self.env["gdpr.package"]._cron_build()
            _now, peak = tracemalloc.get_traced_memory()
        self.assertEqual(request.package_state, "ready")
        self.assertGreater(request.package_id.size, 60 << 20)
        self.assertLess(peak, 24 << 20)

    def test_build_that_was_killed_begins_anew_and_gives_up_after_some_times(self):
        for number in range(3):
            self.attach(f"{number}.txt", b"x" * 1000)
        request = self.answered()
        rounds = [True, True, False]
        with self.built_by_cron(lambda: rounds.pop(0)):
            request.action_prepare_package()
            self.env["gdpr.package"]._cron_build()
        path = request.package_id.sudo()._path()
        with open(path, "ab") as file:
            file.write(b"half a file")
        with self.built_by_cron():
            self.env["gdpr.package"]._cron_build()
        self.assertEqual((request.package_state, os.path.exists(path)), ("ready", False))
        self.assertEqual(len(self.data(request)["files"]), 3)
        with self.built_by_cron():
            request.action_prepare_package()
            record = request.package_id.sudo()
            record.work = record.work | {"written": 1, "attempts": 3}
            self.env["gdpr.package"]._cron_build()
        self.assertEqual(request.package_state, "failed")
        self.assertIn("interrupted 3 times", request.package_failure)

    def test_file_that_comes_or_goes_while_the_package_is_built_is_told(self):
        first = self.attach("first.txt", b"x" * 1000)
        second = self.attach("second.txt", b"x" * 1000)
        request = self.answered()
        rounds = [True, False]
        with self.built_by_cron(lambda: rounds.pop(0)):
            request.action_prepare_package()
            self.env["gdpr.package"]._cron_build()
        second.unlink()
        late = self.attach("late.txt", b"came late")
        with self.built_by_cron():
            self.env["gdpr.package"]._cron_build()
        archive = self.opened(request)
        files = json.loads(archive.read("data.json"))["files"]
        self.assertEqual([file["state"] for file in files], ["included", "deleted", "included"])
        self.assertEqual([file["name"] for file in files], ["first.txt", "", "late.txt"])
        self.assertEqual(archive.read(files[2]["path"]), late.raw)
        self.assertTrue(first.exists())

    def test_part_of_the_system_removed_meanwhile_leaves_a_note(self):
        self.attach("a.txt", b"x" * 1000)
        request = self.answered()
        with self.built_by_cron():
            request.action_prepare_package()
            record = request.package_id.sudo()
            record.work = record.work | {"models": [*record.work["models"], "gone.model"]}
            self.env["gdpr.package"]._cron_build()
        self.assertIn("gone.model", " ".join(self.data(request)["notes"]))

    def test_contact_that_is_gone_gets_a_clear_answer_and_no_package(self):
        self.attach("a.txt", b"x")
        request = self.answered()
        with self.built_by_cron():
            request.action_prepare_package()
            request.partner_ids = False
            self.env["gdpr.package"]._cron_build()
        self.assertEqual(request.package_state, "failed")
        self.assertIn(f"Contact {self.person.id}", request.package_failure)
        with self.assertRaises(UserError):
            request.action_prepare_package()
        self.assertEqual(self.on_disk(), self.before)

    def test_package_of_a_merged_contact_holds_the_one_it_became(self):
        other = self.env["res.partner"].create(self.person_values("Eliška Testovaná", "eliska.second"))
        request = self.answered()
        self.env["base.partner.merge.automatic.wizard"].create({})._merge((self.person + other).ids, other)
        request.invalidate_recordset()
        self.assertEqual(request.partner_ids, other)
        request.action_prepare_package()
        tables = {table["model"]: table["records"] for table in self.data(request)["tables"]}
        self.assertEqual([record["id"] for record in tables["res.partner"]], other.ids)

    def test_archive_ends_after_its_days(self):
        request = self.packed()
        record, path = request.package_id, request.package_id.sudo()._path()
        self.assertEqual((record.ends_at - record.ready_at).days, 14)
        record.sudo().ends_at = fields.Datetime.now() - timedelta(minutes=1)
        with self.assertRaises(UserError):
            request.action_download_package()
        self.env["gdpr.package"]._gc_packages()
        self.env.cr.postcommit.run()
        self.assertEqual((record.state, os.path.exists(path)), ("purged", False))
        self.assertFalse(record.sudo().passphrase or record.sudo().stored)

    def test_file_without_a_record_is_swept_when_it_is_old(self):
        os.makedirs(self.folder, exist_ok=True)
        old, fresh = (os.path.join(self.folder, name) for name in ("old.zip", "fresh.zip"))
        for path in (old, fresh):
            with open(path, "wb") as file:
                file.write(b"x")
        os.utime(old, (0, 0))
        self.env["gdpr.package"]._gc_packages()
        self.assertEqual((os.path.exists(old), os.path.exists(fresh)), (False, True))

    def test_only_handler_and_dpo_open_packages(self):
        request = self.packed()
        for user in (self.approver, self.auditor, self.outsider):
            theirs = request.with_user(user)
            for act in (
                lambda theirs=theirs: theirs.action_prepare_package(),
                lambda theirs=theirs: theirs.action_download_package(),
                lambda theirs=theirs: theirs.action_show_passphrase(),
                lambda theirs=theirs: theirs.action_purge_package(),
                lambda theirs=theirs: theirs.package_id.read(["passphrase"]),
                lambda theirs=theirs: theirs.package_id.write({"state": "purged"}),
                lambda theirs=theirs: theirs.package_id.unlink(),
            ):
                with self.subTest(user.login), self.assertRaises(AccessError):
                    act()
        for user in (self.handler, self.dpo):
            with self.assertRaises(AccessError):
                request.package_id.with_user(user).read(["passphrase"])
        self.assertTrue(request.with_user(self.dpo).action_download_package())
        with self.assertRaises(AccessError):
            request.with_user(self.dpo).action_prepare_package()

    def test_handler_of_another_company_finds_no_package(self):
        request = self.packed()
        company = self.env["res.company"].create({"name": "Elsewhere"})
        stranger = new_test_user(
            self.env, "t_stranger", "client_gdpr.group_gdpr_handler", company_id=company.id, company_ids=company.ids
        )
        packages = self.env["gdpr.package"].with_user(stranger)
        self.assertFalse(packages.search([("id", "=", request.package_id.id)]))
        with self.assertRaises(AccessError):
            packages.browse(request.package_id.id).action_download()


@tagged("post_install", "-at_install")
class TestKeptElsewhere(PackageCase):
    """What the privacy add-ons keep encrypted is the person's too."""

    def test_evidence_of_a_consent_is_in_the_package(self):
        scan = base64.b64encode(PNG).decode()
        self.person.consent_give("newsletter", ["email"], "paper", evidence=[{"name": "form.png", "content": scan}])
        archive = self.opened(self.packed())
        [file] = json.loads(archive.read("data.json"))["files"]
        self.assertEqual((file["kind"], file["state"]), ("image/png", "included"))
        self.assertEqual(archive.read(file["path"]), PNG)
        self.assertEqual(list(json_schema.problems(SCHEMA, json.loads(archive.read("data.json")))), [])

    def test_restricted_person_gets_what_was_sealed_and_nobody_else_sees_it(self):
        self.person.write({"image_1920": scaled(), "comment": "Likes blue."})
        picture = base64.b64decode(self.person.image_1920)
        requests = self.env["gdpr.request"].with_user(self.handler)
        opened = requests.request_open(
            "restriction", self.person.ids, fields.Datetime.now(), "email", reason="accuracy"
        )
        restriction = requests.browse(opened)
        restriction.action_confirm_identity()
        restriction.action_execute()
        self.env.invalidate_all()
        self.assertNotEqual(self.person.name, "Eliška Testovaná")
        request = self.answered()
        self.assertIn("nobody reads the data on screen", request.answer_html)
        self.assertNotIn("Eliška Testovaná", request.answer_html)
        request.action_prepare_package()
        archive = self.opened(request)
        data = json.loads(archive.read("data.json"))
        [contact] = next(table for table in data["tables"] if table["model"] == "res.partner")["records"]
        self.assertEqual(contact["values"]["email"], "eliska@post.example")
        self.assertEqual(contact["values"]["comment"], "Likes blue.")
        self.assertIn(picture, [archive.read(file["path"]) for file in data["files"] if file["path"]])
        self.env.invalidate_all()
        self.assertNotEqual(self.person.name, "Eliška Testovaná")


@tagged("post_install", "-at_install")
class TestOtherPeople(PackageCase):
    """Art. 15(4): what one person gets to see names nobody else, and says where and why something is missing."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other = cls.env["res.partner"].create(cls.person_values("Petr Svoboda", "petr", "+420 603 222 333"))
        cls.handler.name = "Hana Vyřizovatelka"

    def body(self, data, words):
        [table] = [table for table in data["tables"] if table["model"] == "mail.message"]
        [record] = [record for record in table["records"] if words in record["values"].get("body", "")]
        return record["id"], record["values"]["body"]

    def test_others_in_a_message_are_replaced_and_listed_with_their_reason(self):
        message = self.person.message_post(
            body="Gift for Petr Svoboda, petr@post.example, 603 222 333; Hana Vyřizovatelka asked eliska@post.example."
        )
        data = self.data(self.packed())
        id_, body = self.body(data, "Gift")
        self.assertEqual(id_, message.id)
        self.assertEqual(
            body,
            "Gift for [somebody else], [somebody else], [somebody else]; [our staff] asked eliska@post.example.",
        )
        rows = {(row["field"], row["reason"]): row["count"] for row in data["withheld"] if row["id"] == id_}
        for reason in ("name", "address", "number", "staff"):
            self.assertEqual(rows["body", reason], 1)

    def test_names_that_nobody_bears_are_taken_out_by_hand_and_kept_from_everybody(self):
        self.person.message_post(body="Gift for Novákové, her neighbour.")
        request = self.packed()
        self.assertIn("Novákové", request.answer_html)
        dialog = request.action_take_out()
        wizards = self.env["gdpr.take.out.wizard"].with_user(self.handler).with_context(**dialog["context"])
        wizard = wizards.create({"words": "Novákové\n\n"})
        wizard.action_take_out()
        self.assertFalse(wizard.exists())
        request.invalidate_recordset()
        self.assertNotIn("Novákové", request.answer_html)
        data = self.data(request)
        self.assertNotIn("Novákové", json.dumps(data, ensure_ascii=False))
        self.assertIn("hand", {row["reason"] for row in data["withheld"]})
        self.assertEqual(wizards.create({}).words, "Novákové")
        self.env.flush_all()
        self.env.cr.execute("SELECT gdpr_request::text FROM gdpr_request WHERE id = %s", request.ids)
        self.assertNotIn("Novákov", self.env.cr.fetchone()[0])
        request.action_purge_package()
        self.assertFalse(request.sudo().take_out_payload)
        for user in (self.dpo, self.approver, self.auditor, self.outsider):
            with self.subTest(user.login), self.assertRaises(AccessError):
                request.with_user(user).action_take_out()

    def test_own_words_stay_as_the_person_wrote_them(self):
        self.person.message_post(body="My friend Petr Svoboda sent me.", author_id=self.person.id)
        self.assertIn("Petr Svoboda", self.body(self.data(self.packed()), "My friend")[1])

    def test_page_and_document_are_redacted_too(self):
        self.person.message_post(body="Gift for Petr Svoboda, call 603 222 333.")
        request = self.packed()
        archive = self.opened(request)
        pages = pypdf.PdfReader(io.BytesIO(archive.read("answer.pdf"))).pages
        document = " ".join(" ".join(page.extract_text() for page in pages).split())
        csvs = "".join(archive.read(name).decode() for name in archive.namelist() if name.endswith(".csv"))
        for text in (request.answer_html, document, csvs):
            self.assertIn("Gift for", text)
            self.assertNotIn("Svoboda", text)
            self.assertNotIn("603 222 333", text)
        self.assertIn("names of other people: 1", request.answer_html)

    def test_mention_in_others_conversation_comes_as_its_line_without_the_others(self):
        body = Markup("<p>Secret of Petr Svoboda.</p><p>Ask eliska@post.example or petr@post.example.</p>")
        self.other.message_post(body=body)
        self.other.message_post(body="far " * 500 + "eliska@post.example" + " away" * 500)
        data = self.data(self.packed())
        texts = [mention["text"] for mention in data["mentions"]]
        self.assertIn("Ask eliska@post.example or [somebody else].", texts)
        self.assertNotIn("Secret", json.dumps(data, ensure_ascii=False))
        [long] = [text for text in texts if "far" in text]
        self.assertIn("eliska@post.example", long)
        self.assertLess(len(long), 800)

    def test_very_long_text_is_whole_in_the_data_and_short_on_the_page(self):
        words = "Long story about petr@post.example. " * 30_000
        self.person.message_post(body=words)
        request = self.packed()
        _id, body = self.body(self.data(request), "Long story")
        self.assertEqual(body.count("Long story about [somebody else]."), 30_000)
        self.assertIn("the whole text is in the package", request.answer_html)
        self.assertLess(len(request.answer_html), 100_000)
        self.assertNotIn("petr@", request.answer_html)

    def test_every_place_where_a_page_cuts_a_text_hides_who_stands_there(self):
        for shift in range(0, 40, 7):
            self.person.message_post(body="x" * (3280 + shift) + " petr@post.example " + "y " * 3000)
        self.assertNotIn("petr@", self.answered().answer_html)

    def test_requests_and_consents_are_part_of_the_copy(self):
        self.person.consent_give("newsletter", ["email"], "web_form")
        self.person.consent_withdraw("newsletter", source="phone")
        tables = {table["model"]: table["records"] for table in self.data(self.packed())["tables"]}
        self.assertEqual(len(tables["consent.event"]), 2)
        self.assertEqual(len(tables["gdpr.request"]), 1)


@tagged("post_install", "-at_install")
class TestPackageDownload(PackageCase, HttpCase):
    def test_archive_streams_to_who_may_and_leaves_a_line_that_names_nobody(self):
        request = self.packed()
        path = f"/gdpr/package/{request.package_id.id}"
        new_test_user(self.env, "t_portal", "base.group_portal")
        for login in ("t_outsider", "t_portal", "t_approver", "t_auditor"):
            self.authenticate(login, login)
            self.assertEqual(self.url_open(path).status_code, 404, login)
        self.assertFalse(request.package_id.download_ids)
        self.authenticate("t_handler", "t_handler")
        opened = self.url_open(path)
        self.assertEqual(opened.status_code, 200)
        self.assertEqual(opened.headers["Cache-Control"], "no-store")
        self.assertIn(request.name.replace("/", "-"), opened.headers["Content-Disposition"])
        archive = pyzipper.AESZipFile(io.BytesIO(opened.content))
        archive.setpassword(self.passphrase(request).encode())
        self.assertEqual(json.loads(archive.read("data.json"))["request"], request.name)
        [line] = request.package_id.download_ids
        self.assertEqual((line.user_id, line.way), (self.handler, "staff"))
        self.assertNotIn("127.0.0.1", line.caller)

    def link(self, request, partner=None):
        """Send the link and return its path as the mail has it."""
        before = self.env["mail.mail"].search([])
        dialog = request.action_send_link()
        wizard = self.env["gdpr.link.wizard"].with_user(self.handler).with_context(**dialog["context"]).create({})
        if partner:
            wizard.partner_id = partner
        wizard.action_send()
        [mail] = self.env["mail.mail"].search([]) - before
        self.assertEqual(mail.email_to, "eliska@post.example")
        return re.search(r"/privacy/package/[\w-]+", mail.body_html)[0], mail

    def test_link_shows_by_get_and_hands_out_by_post_and_ends(self):
        request = self.packed()
        path, mail = self.link(request)
        secret = self.passphrase(request)
        self.assertNotIn(secret, mail.body_html)
        self.env.flush_all()
        self.env.cr.execute("SELECT consent_token::text FROM consent_token")
        self.assertFalse([row for (row,) in self.env.cr.fetchall() if path.rsplit("/", 1)[1] in row])
        self.assertNotIn(path, "".join(request.message_ids.mapped("body")))
        page = self.url_open(path)
        self.assertEqual((page.status_code, page.headers["Referrer-Policy"]), (200, "no-referrer"))
        self.assertIn("Download", page.text)
        self.assertNotIn("Testovan", page.text)
        self.assertFalse(request.package_id.download_ids)
        opened = self.post(path, page)
        self.assertEqual(opened.status_code, 200)
        archive = pyzipper.AESZipFile(io.BytesIO(opened.content))
        archive.setpassword(secret.encode())
        self.assertEqual(json.loads(archive.read("data.json"))["request"], request.name)
        line = request.package_id.download_ids
        self.assertEqual((line.way, line.user_id), ("link", self.env["res.users"]))
        request.package_id.sudo().ends_at = fields.Datetime.now() - timedelta(seconds=1)
        self.assertEqual(self.post(path, page).status_code, 404)

    def post(self, path, page):
        token = re.search(r'name="csrf_token" value="(\w+)"', page.text)[1]
        return self.url_open(path, data={"csrf_token": token})

    def test_links_that_are_forged_replaced_used_up_or_purged_look_alike(self):
        request = self.packed()
        first, _mail = self.link(request)
        second, _mail = self.link(request)
        over = self.url_open(first)
        self.assertEqual(over.status_code, 404)

        def look(response):
            return re.sub(r'csrf_token: "\w+"', "", response.text)

        self.assertEqual(look(self.url_open(f"{second}x")), look(over))
        page = self.url_open(second)
        with patch.object(gdpr_package, "MOST_DOWNLOADS", 1):
            self.assertEqual(self.post(second, page).status_code, 200)
            self.assertEqual(look(self.post(second, page)), look(over))
        self.assertEqual(self.url_open(second).status_code, 200)
        request.action_purge_package()
        self.assertEqual(look(self.url_open(second)), look(over))

    def test_link_pages_are_limited(self):
        path = "/privacy/package/nobody"
        statuses = [self.url_open(path).status_code for _ in range(32)]
        self.assertEqual((statuses[0], statuses[-1]), (404, 429))

    def test_link_goes_to_the_person_only(self):
        other = self.env["res.partner"].create(self.person_values("Petr Svoboda", "petr"))
        request = self.packed()
        with self.assertRaises(UserError):
            self.link(request, other)
        self.assertFalse(request.package_link_sent_at)
        for user in (self.approver, self.auditor, self.outsider):
            with self.subTest(user.login), self.assertRaises(AccessError):
                request.with_user(user).action_send_link()
        self.person.email = False
        with self.assertRaises(UserError):
            request.action_send_link()


@tagged("post_install", "-at_install")
class TestInformation(PackageCase):
    """What Art. 15(1) and (2) ask for stands in page, document and data, with actual names."""

    def part(self, code, request=None):
        request = request or self.answered()
        [part] = [part for part in request._answer_values()["information"] if part["code"] == code]
        return " | ".join([part["text"], *part["items"]])

    def test_every_letter_of_the_law_has_its_part(self):
        request = self.answered()
        laws = " ".join(part["law"] for part in request._answer_values()["information"])
        for letter in "abcdefgh":
            self.assertIn(f"15(1)({letter})", laws)
        self.assertIn("(2)", laws)
        for part in request._answer_values()["information"]:
            self.assertIn(f'data-part="{part["code"]}"', request.answer_html)

    def test_recipients_are_named(self):
        self.env["gdpr.recipient"].create(
            {"name": "Serverovna s.r.o.", "what_for": "runs our servers", "country_id": self.env.ref("base.cz").id}
        )
        newsletter = self.env.ref("client_consent.purpose_newsletter")
        newsletter.recipients = "Rozesílač a.s."
        self.person.consent_give("newsletter", ["email"], "web_form")
        carrier = self.env["res.partner"].create({"name": "Dopravce s.r.o.", "is_company": True})
        driver = self.env["res.partner"].create(
            {"name": "Karel Řidič", "parent_id": carrier.id, "email": "karel@dopravce.example"}
        )
        self.person.message_post(body="Deliver to her.", partner_ids=(driver + self.handler.partner_id).ids)
        said = self.part("recipients")
        for name in ("Serverovna s.r.o.", "Rozesílač a.s.", "Dopravce s.r.o."):
            self.assertIn(name, said)
        self.assertNotIn(self.handler.name, said)

    def test_transfer_to_a_third_country_comes_with_its_safeguard_or_is_a_gap(self):
        recipients = self.env["gdpr.recipient"]
        values = {"name": "Cloud Inc.", "what_for": "mail", "country_id": self.env.ref("base.us").id}
        with self.assertRaises(ValidationError):
            recipients.create(values)
        newsletter = self.env.ref("client_consent.purpose_newsletter")
        newsletter.recipient_country_ids = self.env.ref("base.us")
        self.person.consent_give("newsletter", ["email"], "web_form")
        request = self.answered()
        self.assertIn("United States", request.with_user(self.handler).answer_gaps)
        self.assertNotIn("The answer has gaps", request.answer_html)
        recipients.create(values | {"safeguard": "clauses", "safeguard_note": "cloud.example/scc"})
        said = self.part("transfers", request)
        self.assertIn("Cloud Inc., United States: Standard contractual clauses", said)
        self.assertIn("cloud.example/scc", said)
        request.invalidate_recordset()
        self.assertNotIn("United States", request.answer_gaps or "")

    def test_purposes_sources_and_periods_are_told(self):
        note_seller(self.person)
        self.person.consent_give("newsletter", ["email"], "web_form")
        request = self.answered()
        self.assertIn("Newsletter", self.part("purposes", request))
        self.assertIn("Art. 6(1)(a)", self.part("purposes", request))
        self.assertIn("Seller Ltd", self.part("sources", request))
        self.assertIn("months at most", self.part("periods", request))

    def test_only_the_dpo_writes_the_list_of_recipients(self):
        recipients = self.env["gdpr.recipient"]
        values = {"name": "X", "what_for": "y", "country_id": self.env.ref("base.cz").id}
        for user in (self.handler, self.approver, self.auditor, self.outsider):
            with self.subTest(user.login), self.assertRaises(AccessError):
                recipients.with_user(user).create(values)
        self.assertTrue(recipients.with_user(self.dpo).create(values))
        with self.assertRaises(AccessError):
            recipients.with_user(self.outsider).search([])


@tagged("post_install", "-at_install")
class TestPortability(PackageCase):
    def test_given_data_and_given_files_go_along_and_nothing_else(self):
        self.person.consent_give("newsletter", ["email"], "web_form")
        self.person.comment = "Difficult, pays late."
        portal = self.env.ref("base.group_portal")
        login = self.env["res.users"].create(
            {"login": "t_own", "partner_id": self.person.id, "group_ids": [fields.Command.set(portal.ids)]}
        )
        ours = self.attach("ours.txt", b"what we noted")
        given = (
            self.env["ir.attachment"]
            .with_user(login)
            .sudo()
            .create(
                {"name": "given.txt", "raw": b"what she uploaded", "res_model": "res.partner", "res_id": self.person.id}
            )
        )
        self.assertEqual(given.create_uid, login)
        request = self.packed("portability")
        archive = self.opened(request)
        data = json.loads(archive.read("data.json"))
        self.assertEqual(list(json_schema.problems(json.loads(archive.read("schema.json")), data)), [])
        self.assertEqual([file["name"] for file in data["files"]], ["given.txt"])
        self.assertNotIn("answer.pdf", archive.namelist())
        self.assertNotIn("Difficult", json.dumps(data, ensure_ascii=False))
        self.assertIn("eliska@post.example", archive.read("tables/res.partner.csv").decode())
        self.assertTrue(ours.exists())
        self.assertIn("Art. 20(1)", archive.read("read-me.txt").decode())
        self.assertIn("Left out", " ".join(data["notes"]))

    def test_without_consent_and_contract_the_package_says_that_there_is_nothing(self):
        data = self.data(self.packed("portability"))
        self.assertEqual((data["tables"], data["files"], data["consents"]), ([], [], []))
        self.assertIn("Nothing can be taken along", " ".join(data["notes"]))

    def test_button_opens_one_request(self):
        first = self.person.with_user(self.handler).action_gdpr_take_along()
        self.assertEqual(self.person.with_user(self.handler).action_gdpr_take_along()["res_id"], first["res_id"])
        request = self.env["gdpr.request"].browse(first["res_id"])
        self.assertEqual((request.kind, request.state), ("portability", "executed"))
        with self.assertRaises(AccessError):
            self.person.with_user(self.outsider).action_gdpr_take_along()
