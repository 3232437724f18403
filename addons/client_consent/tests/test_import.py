import base64
import csv
import io
from unittest.mock import patch

import openpyxl
from dateutil.relativedelta import relativedelta
from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, new_test_user, tagged

from ..models import consent_import
from .common import ConsentCase
from .recording_common import details, keep_evidence

HEAD = "Name;E-mail;Purpose;Answer;Source;Date;Evidence"


@tagged("post_install", "-at_install")
class TestImport(ConsentCase):
    def job(self, text, codec="utf-8", **values):
        data = text if isinstance(text, bytes) else text.encode(codec)
        form = Form(self.env["consent.import"].with_user(self.recorder))
        form.file_data = base64.b64encode(data).decode()
        form.date_format = "%d.%m.%Y"
        job = form.save()
        job.write(values)
        return job

    def run_(self, text, **values):
        job = self.job(text, **values)
        job.action_check()
        job.action_import()
        return job

    def counts(self):
        return tuple(
            self.env[model].with_context(active_test=False).search_count([])
            for model in ("res.partner", "consent.event", "consent.source", "consent.subject")
        )

    def line(
        self, answer="yes", mailbox="eliska", date="01.02.2026", source="in_person", purpose="newsletter", evidence="f7"
    ):
        return f"Somebody;{mailbox}@post.example;{purpose};{answer};{source};{date};{evidence}"

    def found(self, mailbox):
        return self.env["res.partner"].search([("email_normalized", "=", f"{mailbox}@post.example")])

    # -- may lower, never raise ----------------------------------------------------------------------

    def test_imported_yes_over_nothing_counts_with_source_date_basis_and_evidence(self):
        job = self.run_(f"{HEAD}\n{self.line()}")
        self.assertEqual((job.state, job.event_count, job.new_count), ("done", 1, 0))
        self.assertTrue(self.person.consent_allows("newsletter", "email"))
        [line] = self.person.consent_status()
        self.assertEqual((line["source"], line["since"]), ("import", "2026-02-01 00:00:00"))
        self.assertEqual(self.person.consent_source_ids.mapped("kind"), ["in_person"])

    def test_imported_yes_never_raises_what_the_person_turned_down(self):
        for act in ("consent_withdraw", "consent_object"):
            person = self.env["res.partner"].create(self.person_values(act, act))
            getattr(person, act)("newsletter", source="email", at=fields.Datetime.now() - relativedelta(years=1))
            self.run_(f"{HEAD}\n{self.line(mailbox=act)}")
            self.assertFalse(person.consent_allows("newsletter", "email"))

    def test_imported_no_lowers_a_yes(self):
        for number, answer in enumerate(("no", "refused", "objected", "unsubscribed")):
            person = self.env["res.partner"].create(self.person_values("P", f"p{number}"))
            person.consent_give("newsletter", ["email"], "web_form")
            self.run_(f"{HEAD}\nX;p{number}@post.example;newsletter;{answer};;;")
            with self.subTest(answer=answer):
                self.assertFalse(person.consent_allows("newsletter", "email"))

    def test_no_of_a_day_counts_to_its_end_and_an_older_one_yields_to_a_later_own_yes(self):
        today = fields.Date.today()
        self.person.consent_give("newsletter", ["email"], "web_form")
        self.run_(f"{HEAD}\n{self.line('no', date=today.strftime('%d.%m.%Y'))}")
        self.assertFalse(self.person.consent_allows("newsletter", "email"))
        other = self.env["res.partner"].create(self.person_values("P", "later"))
        other.consent_give("newsletter", ["email"], "web_form")
        self.run_(f"{HEAD}\n{self.line('no', 'later', '01.02.2020')}")
        self.assertTrue(other.consent_allows("newsletter", "email"))

    def test_no_stands_over_yes_within_one_file_in_either_order(self):
        lines = [self.line("yes"), self.line("no", date="")]
        for ordered in (lines, lines[::-1]):
            self.run_("\n".join([HEAD, *ordered]))
            self.assertFalse(self.person.consent_allows("newsletter", "email"))

    def test_no_without_a_purpose_stops_every_purpose(self):
        self.person.consent_give("offers", ["email"], "web_form")
        self.run_("E-mail;Answer\neliska@post.example;no")
        self.assertFalse(self.person.consent_allows("offers", "email"))

    def test_no_on_one_record_vetoes_the_other_of_the_same_address_in_both_directions(self):
        twin = self.env["res.partner"].create(self.person_values("Twin", "ELISKA"))
        for answered in (self.person, twin):
            answered.consent_give("newsletter", ["email"], "web_form")
        self.run_(f"{HEAD}\n{self.line('no', date='')}")
        for record in (self.person, twin):
            self.assertFalse(record.consent_allows("newsletter", "email"))
        fresh = self.env["res.partner"].create(self.person_values("A", "both"))
        other = self.env["res.partner"].create(self.person_values("B", "both"))
        other.consent_withdraw("newsletter", source="email", at=fields.Datetime.now() - relativedelta(years=1))
        self.run_(f"{HEAD}\n{self.line(mailbox='both')}")
        self.assertFalse(fresh.consent_allows("newsletter", "email") or other.consent_allows("newsletter", "email"))

    def test_yes_for_a_new_address_of_somebody_who_said_no_waits(self):
        self.person.consent_withdraw("newsletter", source="email")
        self.person.email = "new@post.example"
        self.run_(f"{HEAD}\n{self.line(mailbox='new')}")
        self.assertFalse(self.person.consent_allows("newsletter", "email"))
        self.assertIn("pending", {line["state"] for line in self.person.consent_status()})

    def test_yes_from_a_file_ends_no_quarantine(self):
        self.env["consent.source"]._record(
            [{"partner_id": self.person.id, "kind": "public", "url": "https://page.example"}]
        )
        self.run_(f"{HEAD}\n{self.line(source='import')}")
        self.assertFalse(self.person.consent_allows("newsletter", "email"))
        self.assertTrue(self.person.consent_quarantined)

    def test_yes_for_what_replaces_a_withdrawn_purpose_waits_also_at_a_new_address(self):
        self.person.consent_withdraw("newsletter", source="email")
        self.person.email = "new@post.example"
        new = self.env["consent.purpose"].create(
            {
                "code": "digest",
                "name": "Digest",
                "lawful_basis": "consent",
                "validity_months": 24,
                "replaces_id": self.env.ref("client_consent.purpose_newsletter").id,
            }
        )
        new.action_activate()
        self.run_(f"{HEAD}\n{self.line(mailbox='new', purpose='digest')}")
        self.assertFalse(self.person.consent_allows("digest", "email"))
        self.assertEqual(self.waiting(), [("digest", "confirmation")])

    # -- what recording would let wait ---------------------------------------------------------------

    def waiting(self, person=None):
        """What waits of a person, and for what."""
        pending = self.env["consent.event"].search(
            [("partner_id", "=", (person or self.person).id), ("kind", "=", "pending")]
        )
        return [
            (event.purpose_id.code, said["waits_for"]) for event, said in zip(pending, details(pending), strict=True)
        ]

    def test_yes_of_a_minor_waits_for_the_guardian(self):
        self.person.write(
            {
                "consent_birthdate": fields.Date.today() - relativedelta(years=12),
                "country_id": self.env.ref("base.cz").id,
            }
        )
        self.run_(f"{HEAD}\n{self.line()}")
        self.assertFalse(self.person.consent_allows("newsletter", "email"))
        self.assertEqual(self.waiting(), [("newsletter", "guardian")])

    def test_file_stands_for_no_confirmation_and_no_evidence(self):
        newsletter = self.env.ref("client_consent.purpose_newsletter")
        self.run_(f"{HEAD}\n{self.line(source='paper')}")
        self.assertEqual(self.waiting(), [("newsletter", "evidence")])
        self.assertFalse(self.person.consent_allows("newsletter", "email"))
        [line] = self.person.consent_status()
        last_day = fields.Date.today() + relativedelta(days=newsletter.pending_days)
        self.assertEqual(line["until"], fields.Date.to_string(last_day), "it waits from now on")
        event = self.env["consent.event"].search([("partner_id", "=", self.person.id)]).sudo()
        with keep_evidence():
            self.env["consent.recording"]._confirm(event, "paper", evidence=[{"name": "a.pdf", "content": "eA=="}])
        self.assertTrue(self.person.consent_allows("newsletter", "email"))
        newsletter.double_opt_in = True
        other = self.env["res.partner"].create(self.person_values("P", "doi"))
        self.run_(f"{HEAD}\n{self.line(mailbox='doi')}")
        self.assertEqual(self.waiting(other), [("newsletter", "confirmation")])
        self.assertFalse(other.consent_allows("newsletter", "email"))

    def test_waiting_import_lowers_nothing(self):
        self.person.consent_give("newsletter", ["email"], "web_form")
        self.run_(f"{HEAD}\n{self.line(source='paper')}")
        self.assertTrue(self.person.consent_allows("newsletter", "email"))

    def test_archived_contact_is_found_and_not_made_a_second_time(self):
        self.person.active = False
        job = self.run_(f"{HEAD}\n{self.line()}")
        self.assertEqual(job.new_count, 0)
        self.assertFalse(self.found("eliska"))
        self.assertEqual(len(self.person.consent_status()), 1)

    def test_yes_that_ended_already_is_history_only(self):
        self.run_(f"{HEAD}\n{self.line(date='01.02.2020')}")
        self.assertFalse(self.person.consent_allows("newsletter", "email"))

    def test_end_in_the_file_shortens_and_never_lengthens(self):
        for number, until in enumerate(("01.03.2026", "01.01.2090")):
            self.run_(f"{HEAD};Until\n{self.line(mailbox=f'u{number}')};{until}")
        ends = [self.found(f"u{number}").consent_status()[0]["until"] for number in range(2)]
        self.assertEqual(ends, ["2026-03-01", "2028-02-01"])

    # -- no ground, bought lists ---------------------------------------------------------------------

    def test_row_without_source_date_purpose_or_evidence_lands_with_no_ground(self):
        lines = [
            self.line(mailbox="a", source=""),
            self.line(mailbox="b", date=""),
            self.line(mailbox="c", purpose=""),
            self.line(mailbox="d", evidence=""),
            self.line("", mailbox="e"),
        ]
        job = self.run_("\n".join([HEAD, *lines]))
        self.assertEqual((job.no_ground_count, job.new_count, job.event_count), (5, 5, 0))
        for mailbox in "abcde":
            self.assertEqual(self.found(mailbox).consent_status(), [])
            self.assertFalse(self.found(mailbox).consent_allows("newsletter", "email"))
            self.assertTrue(self.found(mailbox).consent_source_ids)

    def test_bought_list_needs_seller_contract_and_proof_in_every_row_and_waits(self):
        head = f"{HEAD};Seller;Contract;Proof"
        good = self.line(mailbox="good", source="bought", evidence="") + ";Seller Ltd;K-7;form 12"
        bad = self.line(mailbox="bad", source="bought") + ";Seller Ltd;;form 12"
        job = self.job(f"{head}\n{good}\n{bad}")
        job.action_check()
        self.assertEqual(self.wrong_rows(job), [("3", "Contract with the seller")])
        job = self.run_(f"{head}\n{good}")
        person = self.found("good")
        self.assertTrue(person.consent_quarantined)
        self.assertFalse(person.consent_allows("newsletter", "email"))
        self.assertEqual([line["state"] for line in person.consent_status()][:1], ["pending"])
        source = person.consent_source_ids
        self.assertEqual((source.seller, source.contract, source.proof), ("Seller Ltd", "K-7", "form 12"))
        self.assertEqual(source.inform_by, fields.Date.to_date("2026-03-01"))

    # -- nothing half-imported -----------------------------------------------------------------------

    def wrong_rows(self, job):
        text = base64.b64decode(job.with_context(bin_size=False).bad_file).decode("utf-8-sig")
        return [tuple(row[:2]) for row in list(csv.reader(io.StringIO(text), delimiter=";"))[1:]]

    def test_one_wrong_row_stops_everything_unless_the_user_takes_the_good_ones(self):
        before = self.counts()
        text = "\n".join(
            [HEAD, self.line(mailbox="good"), self.line(source="silence"), self.line(mailbox="x", date="31.02.2026")]
        )
        job = self.job(text)
        job.action_check()
        self.assertEqual((job.good_count, job.bad_count), (1, 2))
        self.assertEqual(self.wrong_rows(job), [("3", "How obtained"), ("4", "Date")])
        self.assertNotIn("post", job.bad_file_name)
        with self.assertRaises(UserError):
            job.action_import()
        self.assertEqual(self.counts(), before)
        job.skip_bad = True
        job.action_import()
        self.assertTrue(self.found("good").consent_allows("newsletter", "email"))
        self.assertFalse(self.found("x"))
        self.assertEqual(len(self.wrong_rows(job)), 2, "the bad ones come back")
        self.assertFalse(job.file_data, "the file goes when the import ends")

    def test_bad_files_name_the_row_and_change_nothing(self):
        before = self.counts()
        mixed = f"{HEAD}\nŽaneta;a@post.example;;;;;\n".encode() + "Šárka;b@post.example;;;;;\n".encode("cp1250")
        cases = [
            (mixed, {}, "Row 3"),
            (f"{HEAD}\nŠárka;b@post.example;;;;;\n".encode("cp1250"), {"encoding": "utf-8"}, "Row 2"),
            (f'{HEAD}\n"open;b@post.example;;;;;\n'.encode(), {}, "Row 2"),
            (b"PK\x03\x04 broken", {}, "XLSX"),
            (b" ", {}, "empty"),
            (f"{HEAD}\n{self.line()}".encode(), {"date_format": False}, "dates"),
        ]
        for data, values, words in cases:
            with self.subTest(words=words):
                job = self.job(data, **values)
                with self.assertRaises(UserError) as refused:
                    job.action_check()
                self.assertIn(words, str(refused.exception))
        self.assertEqual(self.counts(), before)

    def test_every_kind_of_wrong_row_names_its_field(self):
        head = "E-mail;Phone;Purpose;Channel;Answer;Source;Date;Lawful basis"
        cases = [
            ("nobody;;;;;;;", "E-mail"),
            (";12;;;;;;", "Phone"),
            (";;;;;;;", "E-mail"),
            ("a@post.example;;nothing;;;;;", "Purpose"),
            ("a@post.example;;invoice;;yes;;;", "Purpose"),
            ("a@post.example;;newsletter;sms;yes;;;", "Channel"),
            ("a@post.example;;offers;;yes;;;", "Channel"),
            ("a@post.example;;offers;post;yes;;;", "Channel"),
            ("a@post.example;;newsletter;;perhaps;;;", "Answer"),
            ("a@post.example;;newsletter;;yes;scrolling;;", "How obtained"),
            ("a@post.example;;newsletter;;yes;paper;01.01.2090;", "Date"),
            ("a@post.example;;newsletter;;yes;paper;2026-01-01;", "Date"),
            ("a@post.example;;newsletter;;yes;paper;;contract", "Lawful basis"),
        ]
        before = self.counts()
        job = self.job("\n".join([head, *(line if any(line.split(";")) else "x;;;;;;;" for line, _f in cases)]))
        job.action_check()
        self.assertEqual([field for _row, field in self.wrong_rows(job)], [field for _line, field in cases])
        self.assertEqual(self.counts(), before)

    def test_foreign_encodings_and_workbooks_come_in_right(self):
        for codec in ("utf-8-sig", "utf-16", "cp1250"):
            mailbox = f"z{codec.replace('-', '')}"
            self.run_(
                f"{HEAD}\nŽaneta Šťastná;{mailbox}@post.example;newsletter;ano;in_person;01.02.2026;f", codec=codec
            )
            self.assertEqual(self.found(mailbox).name, "Žaneta Šťastná")
        book = openpyxl.Workbook()
        book.active.append(HEAD.split(";"))
        book.active.append(["Žaneta", "xlsx@post.example", "newsletter", "yes", "in_person", fields.Date.today(), "f"])
        target = io.BytesIO()
        book.save(target)
        self.run_(target.getvalue(), date_format=False)
        self.assertTrue(self.found("xlsx").consent_allows("newsletter", "email"))

    # -- many rows, again, resumed -------------------------------------------------------------------

    def test_second_import_of_the_same_file_adds_nothing(self):
        text = "\n".join([HEAD, self.line(), self.line("no", mailbox="n", date=""), self.line(mailbox="b", purpose="")])
        self.run_(text)
        before = self.counts()
        job = self.run_(text)
        self.assertEqual(self.counts(), before)
        self.assertEqual((job.event_count, job.known_count), (0, 2))

    def test_long_import_runs_in_the_background_and_goes_on_where_it_was(self):
        with patch.object(consent_import, "CHUNK", 10):
            job = self.job("\n".join([HEAD, *(self.line(mailbox=f"m{i}") for i in range(25))]))
            job.action_check()
            job.action_import()
            self.assertEqual((job.state, job.progress), ("running", 0))
            with patch.object(consent_import.ConsentImport, "_checkpoint", lambda self, done, remaining: 0):
                self.env["consent.import"]._cron_import()
            self.assertEqual((job.state, job.done_count, job.progress), ("running", 10, 40))
            with patch.object(consent_import.ConsentImport, "_checkpoint", lambda self, done, remaining: 60):
                self.env["consent.import"]._cron_import()
        self.assertEqual((job.state, job.done_count, job.event_count, job.progress), ("done", 25, 25, 100))
        made = self.env["res.partner"].search([("email", "in", [f"m{i}@post.example" for i in range(25)])])
        self.assertEqual(len(made), 25)
        self.assertEqual(self.found("m24").consent_source_ids.create_uid, self.recorder)

    def test_thousand_rows_need_a_handful_of_statements(self):
        small = self.job("\n".join([HEAD, *(self.line(mailbox=f"s{i}") for i in range(20))]))
        large = self.job("\n".join([HEAD, *(self.line(mailbox=f"l{i}") for i in range(500))]))
        spent = []
        for job in (small, large):
            job.action_check()
            partners = self.env["res.partner"].create(
                [{"name": "X", "email": row.email} for row in job._checked_rows()[0]]
            )
            self.env.flush_all()
            before = self.env.cr.sql_log_count
            job.action_import()
            self.env.flush_all()
            spent.append(self.env.cr.sql_log_count - before)
            self.assertTrue(partners[-1].consent_allows("newsletter", "email"))
        self.assertLess(spent[1], spent[0] * 3, "statements grow with chunks, not with rows")

    # -- what Odoo knows already ---------------------------------------------------------------------

    def odoo_job(self, origin, **values):
        job = self.env["consent.import"].with_user(self.recorder).create({"origin": origin, **values})
        job.action_check()
        job.action_import()
        return job

    def test_blacklists_lower(self):
        self.person.consent_give("newsletter", ["email"], "web_form")
        self.person.consent_give("offers", ["email", "sms", "phone", "post"], "web_form")
        self.env["mail.blacklist"].create({"email": "Eliska@post.example"})
        self.odoo_job("blacklist")
        self.assertFalse(self.person.consent_allows("newsletter", "email"))
        self.assertFalse(self.person.consent_allows("offers", "email"))
        self.assertTrue(self.person.consent_allows("offers", "sms"))
        self.env["phone.blacklist"].create({"number": "+420601234567"})
        self.odoo_job("phone_blacklist")
        self.assertFalse(self.person.consent_allows("offers", "sms") or self.person.consent_allows("offers", "phone"))
        self.assertTrue(self.person.consent_allows("offers", "post"))
        before = self.counts()
        self.odoo_job("blacklist")
        self.assertEqual(self.counts(), before)

    def test_people_who_left_a_mailing_list(self):
        if "mailing.subscription" not in self.env:
            with self.assertRaises(ValueError):
                self.odoo_job("subscription")
            return
        self.person.consent_give("newsletter", ["email"], "web_form")
        mailing_list = self.env["mailing.list"].create({"name": "L"})
        self.env["mailing.contact"].create(
            {
                "email": "eliska@post.example",
                "subscription_ids": [fields.Command.create({"list_id": mailing_list.id, "opt_out": True})],
            }
        )
        with self.assertRaises(UserError):
            self.odoo_job("subscription")
        self.odoo_job("subscription", purpose_id=self.env.ref("client_consent.purpose_newsletter").id)
        self.assertFalse(self.person.consent_allows("newsletter", "email"))

    def test_tick_box_of_the_contact_in_both_meanings(self):
        self.env["ir.model.fields"].create(
            {
                "name": "x_news",
                "model_id": self.env["ir.model"]._get_id("res.partner"),
                "ttype": "boolean",
                "field_description": "News",
            }
        )
        purpose = self.env.ref("client_consent.purpose_newsletter")
        ticked = self.env["res.partner"].create({**self.person_values("T", "ticked"), "x_news": True})
        self.odoo_job("field", tick_box="x_news", ticked_means="given", purpose_id=purpose.id)
        self.assertEqual(ticked.consent_status(), [], "without source, date and evidence it is no ground")
        self.odoo_job(
            "field",
            tick_box="x_news",
            ticked_means="given",
            purpose_id=purpose.id,
            default_source="in_person",
            default_date="2026-02-01",
            default_evidence="folder 7",
        )
        self.assertTrue(ticked.consent_allows("newsletter", "email"))
        self.assertEqual(self.person.consent_status(), [], "an empty box says nothing")
        self.odoo_job("field", tick_box="x_news", ticked_means="withdrawn", purpose_id=purpose.id)
        self.assertFalse(ticked.consent_allows("newsletter", "email"))

    # -- rights --------------------------------------------------------------------------------------

    def test_only_users_of_consents_import_and_only_their_own(self):
        outsider = new_test_user(self.env, "outsider", "base.group_user,base.group_partner_manager")
        with self.assertRaises(AccessError):
            self.env["consent.import"].with_user(outsider).create({})
        job = self.job(f"{HEAD}\n{self.line()}")
        second = new_test_user(self.env, "second", "client_consent.group_consent_user")
        for act in ("action_check", "action_import", "action_cancel"):
            with self.assertRaises(AccessError):
                getattr(job.with_user(second), act)()
        without_contacts = (
            self.env["consent.import"]
            .with_user(second)
            .create(
                {
                    "file_data": base64.b64encode(f"{HEAD}\n{self.line(mailbox='new')}".encode()),
                    "date_format": "%d.%m.%Y",
                }
            )
        )
        without_contacts.action_check()
        with self.assertRaises(AccessError):
            without_contacts.action_import()

    def test_import_counts_for_its_company_only(self):
        other = self.env["res.company"].create({"name": "Another"})
        self.run_(f"{HEAD}\n{self.line()}")
        self.assertFalse(self.person.with_company(other).consent_allows("newsletter", "email"))

    def test_forgotten_files_go(self):
        job = self.job(f"{HEAD}\n{self.line()}")
        self.env.flush_all()
        self.env.cr.execute("UPDATE consent_import SET write_date = now() - interval '9 days' WHERE id = %s", [job.id])
        self.env.invalidate_all()
        self.env["consent.import"]._gc_files()
        self.assertEqual((job.state, job.file_data), ("cancelled", False))

    def test_preview_shows_text_and_no_markup_of_the_file(self):
        job = self.job(f"{HEAD}\n<b>x</b>;a@post.example;;;;;")
        self.assertIn("&lt;b&gt;x&lt;/b&gt;", job.preview)
