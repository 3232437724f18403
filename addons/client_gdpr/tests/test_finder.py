import json
import re
from contextlib import nullcontext
from unittest.mock import patch

from odoo.tests import tagged
from odoo.tools import SQL

from ..tools.mentions import Haystack
from .common import GdprCase

STATEMENTS = r"SELECT name FROM pg_prepared_statements WHERE name LIKE 'gdpr\_path\_%%' ORDER BY name"

#: An index condition that something given, or found by it, narrows; one with constants alone may read half the table.
ASKED = re.compile(r"= \(*(given|own|t|m|mail_tracking_value|mail_message)(_\d+)?\.\w+|= ANY|= [0-9]+\)")


@tagged("post_install", "-at_install")
class TestFinder(GdprCase):
    """Where people are, one or thousands at a time, whatever the tables look like."""

    def setUp(self):
        super().setUp()
        self.finder = self.env["gdpr.finder"]
        self.path = self.env["gdpr.data.path"]
        self.people = self.env["res.partner"].create(
            [self.person_values(f"Person {n}", f"person{n}", f"+420 602 100 {n:03}") for n in range(12)]
        )
        for person in self.people:
            person.message_post(body="Said by the person.", author_id=person.id, email_from=person.email)
        self.people[1].email = self.people[0].email  # a couple with one address
        self.people[3].parent_id = self.people[2]
        self.people[3].type = "invoice"

    def test_many_at_once_are_found_like_one_by_one(self):
        asked = [[id_] for id_ in self.people.ids]
        together = list(self.finder._locate_records(asked))
        alone = [next(self.finder._locate_records([ids])) for ids in asked]
        self.assertEqual(together, alone)
        self.assertEqual(len(together), len(asked))
        for (located, identity), person in zip(together, self.people, strict=True):
            self.assertIn(person.id, located.partner_ids)
            own = {person.email_normalized} - {self.people[0].email_normalized}
            self.assertLessEqual(own, identity.emails)

    def test_statements_are_prepared_once(self):
        self.finder._locate(self.person.ids)
        prepared = self.env.execute_query(SQL(STATEMENTS))
        self.assertTrue(prepared)
        self.finder._locate(self.people[5].ids)
        self.assertEqual(self.env.execute_query(SQL(STATEMENTS)), prepared)

    def test_statements_made_on_the_connection_earlier_are_used(self):
        self.finder._locate(self.person.ids)
        self.env.cr.cache.clear()
        located, _identity = self.finder._locate(self.person.ids)
        self.assertTrue(located.hits)

    def test_table_that_was_empty_before_is_looked_into(self):
        self.env.cr.execute("TRUNCATE mail_blacklist CASCADE")
        self.assertNotIn("mail.blacklist", self.models_of(self.person))
        self.env["mail.blacklist"].create({"email": self.person.email})
        self.assertIn("mail.blacklist", self.models_of(self.person))

    def test_second_address_in_a_column_finds_what_belongs_to_nobody_else(self):
        both = f"Other <other@post.example>, {self.person.email}"
        messages = self.env["mail.message"].create(
            [
                {"email_from": both, "author_id": False},
                {"email_from": both, "author_id": self.people[5].id},
                {"email_from": f"Other <other@post.example>, x{self.person.email}", "author_id": False},
            ]
        )
        # its creation gave every message an author
        messages[0::2].author_id = False
        located, _identity = self.finder._locate(self.person.ids)
        self.assertEqual(set(located.ids("mail.message", "own")) & set(messages.ids), {messages[0].id})

    def test_name_is_found_and_taken_out_as_json_writes_it(self):
        who = self.env["res.partner"].create(self.person_values("Žofie Říčařová", "zofie.r", "+420 602 100 777"))
        message = json.dumps({"type": "note", "payload": {"body": f"Call {who.name}", "quote": '"'}})
        self.assertNotIn(who.name, message)
        row = self.env["bus.bus"].sudo().create({"channel": '"x"', "message": message})
        located, identity = self.finder._locate(who.ids)
        self.assertIn(row.id, located.ids("bus.bus", "text"))
        self.env["gdpr.executor"].sudo()._redact("bus.bus", "message", {row.id: {0}}, Haystack([identity]))
        self.assertEqual(json.loads(row.message)["payload"], {"body": "Call [redacted]", "quote": '"'})

    def models_of(self, partner):
        located, _identity = self.finder._locate(partner.ids)
        return {hit.model for hit in located.hits}

    def plant_many(self):
        """More than ten thousand rows in the tables that grow with the customers; returns the tables with so many."""
        rows = 12_000
        for statement in (
            "INSERT INTO res_partner (name, email, email_normalized, phone, type, active, gdpr_state, autopost_bills)"
            " SELECT 'Planted ' || n, n || '@x.example', n || '@x.example', '+420 6' || n, 'contact', true, 'active',"
            " 'ask' FROM generate_series(1, %s) n",
            "INSERT INTO mail_message (model, res_id, author_id, email_from, message_type, body)"
            " SELECT 'res.partner', n, CASE WHEN n %% 2 = 0 THEN %s END, n || '@x.example', 'comment', 'x'"
            " FROM generate_series(1, %s) n",
            "INSERT INTO ir_attachment (name, type, res_model, res_id)"
            " SELECT 'planted', 'url', 'res.partner', n FROM generate_series(1, %s) n",
            "INSERT INTO mail_tracking_value (field_id, old_value_char, mail_message_id)"
            " SELECT f.id, 'Planted ' || m.id, m.id FROM (SELECT id FROM mail_message LIMIT %s) m, ir_model_fields f"
            " WHERE f.model = 'res.partner' AND f.name = 'name'",
        ):
            values = [self.person.id, rows] if statement.count("%s") == 2 else [rows]
            self.env.cr.execute(statement, values)
        self.env.cr.execute("ANALYZE res_partner, mail_message, ir_attachment, mail_tracking_value")
        found = self.env.execute_query(SQL("SELECT relname FROM pg_class WHERE relkind = 'r' AND reltuples > 10000"))
        return {name for (name,) in found}

    def plans_of(self, work):
        """What PostgreSQL does for every statement of the finder: list of (statement, its plan)."""
        asked = []
        execute = self.env.cr.execute

        def note(query, params=None, log_exceptions=True):
            asked.append((query.code, query.params) if isinstance(query, SQL) else (query, params))
            return execute(query, params, log_exceptions)

        with patch.object(self.env.cr, "execute", note):
            work()
        plans = []
        for code, params in asked:
            if code.startswith("DECLARE"):
                code = code.partition(" CURSOR FOR ")[2]
            if code.startswith("PREPARE"):
                code = "EXECUTE" + code.rpartition("; EXECUTE")[2]
                params = params[len(params) - code.count("%s") :]
            if code.lstrip().startswith(("SELECT", "EXECUTE", "WITH")) and "pg_" not in code:
                with self.path._indexes_only() if code.startswith("EXECUTE") else nullcontext():
                    execute(f"EXPLAIN (FORMAT JSON) {code}", params or None)
                    plans.append((code, self.env.cr.fetchall()[0][0][0]["Plan"]))
        return plans

    def tables_read_whole(self, plan, fair="nothing else"):
        """Tables of which a plan reads every row: in order, or by an index that nothing of what is asked narrows."""
        read = set()
        condition = plan.get("Index Cond", plan.get("Recheck Cond", ""))
        if "Relation Name" in plan and not ASKED.search(condition) and fair not in condition:
            read.add(plan["Relation Name"])
        for part in plan.get("Plans", ()):
            read |= self.tables_read_whole(part, fair)
        return read

    def assertReadByIndex(self, plans, tables):
        for code, plan in plans:
            with self.subTest(code[:60]):
                self.assertEqual(self.tables_read_whole(plan) & tables, set())

    def test_no_large_table_is_read_from_end_to_end_for_the_records_or_the_candidates(self):
        self.path._build_indexes()
        large = self.plant_many()
        self.assertGreaterEqual(large, {"res_partner", "mail_message", "ir_attachment", "mail_tracking_value"})
        self.person.message_post(body="x")
        plans = self.plans_of(
            lambda: (list(self.finder._locate_records([self.person.ids])), self.finder._candidates([self.person.ids]))
        )
        self.assertGreaterEqual(sum(code.startswith("EXECUTE") for code, _plan in plans), 6)
        self.assertReadByIndex(plans, large)

    def test_words_alone_are_looked_for_from_end_to_end(self):
        """No index finds an identifier in the middle of a text: that is asked for, and nothing else is."""
        self.path._build_indexes()
        large = self.plant_many()
        plans = self.plans_of(lambda: self.finder._locate(self.person.ids))
        words = [code for code, _plan in plans if "LIKE ANY" in code]
        self.assertTrue(words)
        self.assertReadByIndex([pair for pair in plans if pair[0] not in words], large)

    def test_no_branch_of_a_statement_needs_a_sequential_scan_even_of_a_small_table(self):
        given = {
            "contact_links": SQL("array[1]"),
            "record_links": SQL("array['crm.lead'], array[1]"),
            "identity": SQL("array['res.partner'], array[1]"),
            "sharing": SQL("array['a@post.example']"),
            "addresses": SQL("array['a@post.example']"),
            "candidates": SQL("array['email'], array['a@post.example']"),
        }
        self.path._build_indexes()
        with self.path._indexes_only():
            prepared, _empty = self.env.cr.cache[self.path._name]
            # no table left out as empty: every branch that there can be
            self.env.cr.cache[self.path._name] = prepared, frozenset()
            for kind, arrays in given.items():
                name, statement = self.path._statement(kind, frozenset())
                if name not in prepared:
                    self.env.cr.execute(SQL("PREPARE %s AS %s", SQL.identifier(name), statement))
                explain = SQL("EXPLAIN (FORMAT JSON) EXECUTE %s(%s)", SQL.identifier(name), arrays)
                [[[plan]]] = self.env.execute_query(explain)
                with self.subTest(kind):
                    # of a table this small, records of nobody may be had sooner by that
                    self.assertEqual(self.tables_read_whole(plan["Plan"], "IS NULL"), set())

    def test_planning_is_as_before_afterwards(self):
        settings = SQL("SELECT current_setting('enable_seqscan'), current_setting('jit')")
        before = self.env.execute_query(settings)
        self.finder._locate(self.person.ids)
        self.assertEqual(self.env.execute_query(settings), before)
