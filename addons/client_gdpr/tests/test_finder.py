from odoo.tests import tagged
from odoo.tools import SQL

from .common import GdprCase

STATEMENTS = r"SELECT name FROM pg_prepared_statements WHERE name LIKE 'gdpr\_path\_%%' ORDER BY name"


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

    def models_of(self, partner):
        located, _identity = self.finder._locate(partner.ids)
        return {hit.model for hit in located.hits}

    def test_every_path_has_its_index(self):
        self.path._build_indexes()
        self.assertFalse(self.path._missing_indexes())

    def test_no_table_is_read_from_end_to_end_whatever_the_statistics_say(self):
        given = {
            "contact_links": SQL("array[1]"),
            "record_links": SQL("array['crm.lead'], array[1]"),
            "identity": SQL("array['res.partner'], array[1]"),
            "sharing": SQL("array['a@post.example']"),
            "addresses": SQL("array['a@post.example']"),
        }
        self.finder._locate(self.person.ids)
        with self.path._indexes_only():
            _prepared, empty = self.env.cr.cache[self.path._name]
            for kind, arrays in given.items():
                name, _statement = self.path._statement(kind, empty)
                explain = SQL("EXPLAIN EXECUTE %s(%s)", SQL.identifier(name), arrays)
                plan = [line for (line,) in self.env.execute_query(explain)]
                with self.subTest(kind):
                    self.assertEqual([line.strip() for line in plan if "Seq Scan" in line], [])

    def test_planning_is_as_before_afterwards(self):
        settings = SQL("SELECT current_setting('enable_seqscan'), current_setting('jit')")
        before = self.env.execute_query(settings)
        self.finder._locate(self.person.ids)
        self.assertEqual(self.env.execute_query(settings), before)
