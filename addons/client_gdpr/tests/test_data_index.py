import threading
from unittest.mock import patch

import psycopg2
from odoo import SUPERUSER_ID, api
from odoo.addons.base.models.ir_cron import IrCron
from odoo.modules.registry import Registry
from odoo.sql_db import connection_info_for
from odoo.tests import BaseCase, get_db_name, tagged
from odoo.tools import SQL

from .common import GdprCase


@tagged("post_install", "-at_install")
class TestDataIndex(GdprCase):
    """The indexes that finding people needs: which, and what they must never stand in the way of."""

    def setUp(self):
        super().setUp()
        self.path = self.env["gdpr.data.path"]
        self.path._build_indexes()

    def test_every_path_has_its_index(self):
        self.assertFalse(self.path._missing_indexes())
        self.assertEqual(self.path._indexes_note(), "")

    def test_missing_index_is_said_and_everything_is_found_all_the_same(self):
        [before] = self.env["gdpr.finder"]._locate_records([self.person.ids])
        self.path._drop_indexes()
        self.assertIn("still being built", self.path._indexes_note())
        [after] = self.env["gdpr.finder"]._locate_records([self.person.ids])
        self.assertEqual(after, before)

    def test_index_of_an_earlier_definition_is_no_index(self):
        [name, *_more] = self.path._wanted_indexes()
        self.env.cr.execute(SQL("ALTER INDEX %s RENAME TO gdpr__0ld", SQL.identifier(name)))
        self.assertIn(name, self.path._missing_indexes())

    def test_index_of_odoos_own_is_used_and_not_made_twice(self):
        names = " ".join(self.path._wanted_indexes())
        self.assertNotIn("res_partner__parent_id", names)
        self.assertNotIn("res_users__login", names)

    def test_sender_that_no_index_holds_can_still_write(self):
        """B-tree rows end at 2,704 bytes; random text does not shrink."""
        noise = "".join(chr(0x4E00 + (n * 7919) % 20000) for n in range(4000))
        message = self.person.message_post(body="x", email_from=f"{noise}@post.example", author_id=False)
        self.env.flush_all()
        self.assertEqual(len(message.email_from), 4013)

    def test_large_tables_wait_for_the_cron(self):
        self.path._drop_indexes()
        count = type(self.path)._count_rows
        with patch.object(
            type(self.path), "_count_rows", lambda path, table: 2e6 if table == "res_partner" else count(path, table)
        ):
            left = self.path._build_indexes()
        self.assertTrue(left)
        self.assertEqual({table for _name, (table, _d) in self.path._missing_indexes().items()}, {"res_partner"})
        self.assertEqual(set(self.path._missing_indexes()), set(left))

    def test_table_nobody_counted_is_judged_by_its_size(self):
        self.env.cr.execute("CREATE TABLE gdpr_uncounted AS SELECT repeat('x', 100) FROM generate_series(1, 20000)")
        self.assertAlmostEqual(self.path._count_rows("gdpr_uncounted"), 20000, delta=15000)


@tagged("post_install", "-at_install")
class TestDataIndexCron(BaseCase):
    """The cron as Odoo runs it: its job holds a lock, and with it a snapshot, that a build would wait for."""

    def work(self, job):
        with Registry(get_db_name()).cursor() as cr:
            return job(api.Environment(cr, SUPERUSER_ID, {}))

    def outside(self, statement):
        _name, parameters = connection_info_for(get_db_name())
        connection = psycopg2.connect(**parameters)
        self.addCleanup(connection.close)
        connection.autocommit = True
        with connection.cursor() as cr:
            cr.execute(statement.code, statement.params or None)

    def test_cron_builds_what_is_missing_and_drops_what_was_left_half_built(self):
        self.work(lambda env: env["gdpr.data.path"]._build_indexes())
        wanted = self.work(lambda env: list(env["gdpr.data.path"]._wanted_indexes()))
        lost = next(name for name in wanted if "res_partner" in name)
        self.work(lambda env: env.cr.execute(SQL("DROP INDEX %s", SQL.identifier(lost))))
        for name in (lost, "gdpr__half_built"):
            # more than one field of a model: the building breaks off and leaves its half
            with self.assertRaises(psycopg2.errors.UniqueViolation):
                self.outside(
                    SQL("CREATE UNIQUE INDEX CONCURRENTLY %s ON ir_model_fields (model)", SQL.identifier(name))
                )
        missing = self.work(lambda env: list(env["gdpr.data.path"]._missing_indexes()))
        self.assertEqual(missing, [lost])

        def run(env):
            job = env.ref("client_gdpr.ir_cron_build_indexes").sudo()
            job._trigger()
            return job.id

        job_id = self.work(run)
        with Registry(get_db_name()).cursor() as cron_cr:
            IrCron._process_jobs_loop(cron_cr, job_ids=[job_id])
        for thread in threading.enumerate():
            if thread.name == "privacy indexes":
                thread.join(60)
                self.assertFalse(thread.is_alive(), "the build waits for something that does not end")
        self.assertEqual(self.work(lambda env: env["gdpr.data.path"]._missing_indexes()), {})
        self.assertEqual(set(self.work(lambda env: env["gdpr.data.path"]._own_indexes())) - set(wanted), set())
