import tracemalloc

from markupsafe import Markup
from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from ..models.gdpr_data_text import GdprDataText
from .common import GdprCase


@tagged("post_install", "-at_install")
class TestMentions(GdprCase):
    """What others wrote about the person: looked for when asked, shown to who answers, kept nowhere."""

    def setUp(self):
        super().setUp()
        self.other = self.env["res.partner"].create(self.person_values("Someone Else", "other", "+420 777 111 000"))
        self.said = self.other.message_post(body="Please ask eliska@post.example before you call")
        self.named = self.other.message_post(body=Markup("Met ELIŠKA&nbsp;Testovaná at the fair. <b>Nice</b> talk."))
        self.file = self.env["ir.attachment"].create(
            {"name": "minutes.txt", "raw": b"x", "res_model": "res.partner", "res_id": self.other.id}
        )
        self.file.index_content = "present: Eliška Testovaná, Someone Else"
        self.near = self.other.message_post(
            body="joeliska@post.example, eliska@post.example.net, Eliška Testovaná-Nová"
        )

    def look(self, kind="access"):
        request = self.open_request(kind, received=fields.Datetime.now())
        request.action_look_in_words()
        return request

    def lines(self, request):
        return {(line.model, line.field_name, line.sure): line.record_ids for line in request.mention_ids}

    def test_mentions_are_counted_by_place_and_a_look_alike_in_none(self):
        request = self.look()
        self.assertEqual(
            self.lines(request),
            {
                ("mail.message", "body", True): self.said.ids,
                ("mail.message", "body", False): self.named.ids,
                ("ir.attachment", "index_content", False): self.file.ids,
            },
        )
        self.assertEqual(request.words_state, "done")
        self.assertEqual(sum(request.mention_ids.mapped("record_count")), 3)

    def test_words_around_are_read_when_somebody_looks_and_never_stored(self):
        request = self.look()
        texts = [line.with_user(self.handler).excerpts_html for line in request.mention_ids]
        self.assertTrue(any("Please ask <mark>eliska@post.example</mark> before you call" in t for t in texts), texts)
        self.assertTrue(any("Met <mark>ELIŠKA Testovaná</mark> at the fair. Nice talk." in t for t in texts), texts)
        for table in ("gdpr_mention", "gdpr_request"):
            self.env.cr.execute(f"SELECT t::text FROM {table} t")
            stored = " ".join(row for (row,) in self.env.cr.fetchall())
            self.assertNotIn("eliska@", stored)
            self.assertNotIn("at the fair", stored)
        self.assertNotIn("eliska@", " ".join(request.message_ids.mapped("body")))

    def test_words_of_others_are_shown_as_words_not_as_markup(self):
        self.other.message_post(body="<script>alert(1)</script> eliska@post.example <img src=x>")
        texts = " ".join(line.with_user(self.handler).excerpts_html for line in self.look().mention_ids)
        self.assertNotIn("<script>", texts)
        self.assertNotIn("<img", texts)

    def test_text_that_changed_since_shows_nothing(self):
        request = self.look()
        line = request.mention_ids.filtered("sure")
        self.said.body = "nothing"
        line.invalidate_recordset()
        self.assertIn("Nothing stands there any more", line.with_user(self.handler).excerpts_html)

    def test_only_who_answers_reads_and_only_while_the_request_is_open(self):
        request = self.look()
        line = request.mention_ids[0]
        for user in (self.auditor, self.approver, self.outsider):
            for read in ("record_ids", "excerpts_html"):
                with self.assertRaises(AccessError):
                    line.with_user(user).read([read])
            with self.assertRaises(AccessError):
                line.with_user(user).action_show()
            with self.assertRaises(AccessError):
                request.with_user(user).action_look_in_words()
        self.assertTrue(line.with_user(self.dpo).excerpts_html)
        for user in (self.handler, self.dpo):
            with self.assertRaises(AccessError):
                line.with_user(user).write({"sure": False})
        request.with_user(self.handler).action_cancel("Taken back.")
        line.invalidate_recordset()
        self.assertFalse(line.with_user(self.handler).excerpts_html)
        with self.assertRaises(UserError):
            request.with_user(self.handler).action_look_in_words()

    def test_looking_again_replaces_what_was_noted(self):
        request = self.look()
        self.said.unlink()
        request.action_look_in_words()
        self.assertNotIn(("mail.message", "body", True), self.lines(request))

    def test_very_much_text_is_read_by_the_job(self):
        self.patch(GdprDataText, "_is_much", lambda text, columns: True)
        requests = self.env["gdpr.request"]
        self.patch(type(requests), "_words_checkpoint", lambda request, done, remaining: 1.0)
        request = self.look()
        self.assertEqual((request.words_state, request.mention_ids.ids), ("waiting", []))
        self.assertTrue(
            self.env["ir.cron.trigger"].search([("cron_id", "=", self.env.ref("client_gdpr.ir_cron_look_in_words").id)])
        )
        requests._cron_look_in_words()
        self.assertEqual(request.words_state, "done")
        self.assertEqual(len(request.mention_ids), 3)

    def test_body_of_forty_megabytes_is_found_and_never_in_memory_as_a_whole(self):
        self.env.cr.execute(
            "UPDATE mail_message SET body = repeat('lorem ipsum ', 2000000) || %s || repeat(' dolor sit am', 1500000)"
            " WHERE id = %s RETURNING octet_length(body)",
            ["and then eliska@post.example said", self.near.id],
        )
        self.assertGreater(self.env.cr.fetchone()[0], 40_000_000)
        self.near.invalidate_recordset()
        request = self.open_request("access", received=fields.Datetime.now())
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)
        request.action_look_in_words()
        line = request.mention_ids.filtered("sure")
        self.assertIn("and then <mark>eliska@post.example</mark> said", line.with_user(self.handler).excerpts_html)
        self.assertLess(tracemalloc.get_traced_memory()[1], 20_000_000)
        self.assertEqual(line.record_ids, (self.said | self.near).ids)
