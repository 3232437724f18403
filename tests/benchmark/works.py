"""The works that are measured: ours and the peers', each in a transaction that is rolled back.

Every method takes ``number``, the round, so that no two rounds ask for the same person.
"""

import contextlib
import hashlib
import json
import threading
import time
from datetime import date, datetime

from lxml import etree
from odoo import fields, http, sql_db
from odoo.fields import Domain
from odoo.tools import SQL
from werkzeug.test import Client

#: Tables that grow with the customers and carry indexes of ours.
GROWING = ("res_partner", "mail_message", "crm_lead", "mailing_trace", "ir_attachment")
INSERTED = 10_000
#: What the chatter of a form asks for.
CHATTER = ["activities", "attachments", "contact_fields", "followers", "scheduledMessages", "suggestedRecipients"]


#: Where the browser is.
ADDRESS = {"REMOTE_ADDR": "127.0.0.1"}


class Side:
    """What both do: the forms and the inserts of an Odoo with other add-ons installed."""

    def __init__(self, env):
        self.env = env
        self.people = env["res.partner"].search([("email", "=like", "%@post.example")], order="id").ids
        self.user = self._user("bench", self.groups)
        self.views = {}
        env.cr.commit()
        self.browser = Client(http.root)
        login = {"db": env.cr.dbname, "login": self.user.login, "password": self.user.login}
        self._post({}, "/web/session/authenticate", **login)

    groups = ()

    def _user(self, login, groups):
        users = self.env["res.users"].with_context(no_reset_password=True)
        group_ids = [self.env.ref(group).id for group in ("base.group_user", *groups)]
        found = users.search([("login", "=", login)])
        return found or users.create({"name": login, "login": login, "password": login, "group_ids": group_ids})

    def _person(self, number):
        """A person far from the one before: neighbours lie on the same pages."""
        return self.env["res.partner"].browse(self.people[number * 7919 % len(self.people)])

    @contextlib.contextmanager
    def _measured(self, result):
        """Measure seconds and queries of what is done within, from an empty cache; the transaction is rolled back."""
        cr = self.env.cr
        cr.rollback()
        self.env.invalidate_all()
        queries, started = cr.sql_log_count, time.perf_counter()
        yield
        self.env.flush_all()
        result["seconds"] = time.perf_counter() - started
        result["queries"] = cr.sql_log_count - queries
        cr.rollback()
        self.env.invalidate_all()

    def _post(self, result, path, **parameters):
        """Add seconds and queries of one request of a browser, as Odoo serves it: session, transaction, JSON."""
        queries, started = sql_db.sql_counter, time.perf_counter()
        body = json.dumps({"jsonrpc": "2.0", "method": "call", "params": parameters})
        answer = self.browser.post(path, data=body, content_type="application/json", environ_base=ADDRESS)
        result["seconds"] = result.get("seconds", 0) + time.perf_counter() - started
        result["queries"] = result.get("queries", 0) + sql_db.sql_counter - queries
        content = json.loads(answer.get_data())
        if "error" in content:
            raise AssertionError(content["error"])
        return content["result"]

    def _call(self, result, model, method, *arguments, **named):
        path = f"/web/dataset/call_kw/{model}/{method}"
        return self._post(result, path, model=model, method=method, args=arguments, kwargs=named)

    # -- the contact's form and list -----------------------------------------------------------------

    def open_form(self, number):
        """Do what the web client asks for when it opens a contact: the record, its chatter's data, its messages."""
        id_, result = self._person(number).id, {}
        thread = {"thread_model": "res.partner", "thread_id": id_}
        self._call(result, "res.partner", "web_read", [id_], specification=self._view("form"))
        self._post(result, "/mail/data", fetch_params=[["mail.thread", thread | {"request_list": CHATTER}]])
        self._post(result, "/mail/thread/messages", **thread)
        return result

    def open_list(self, number):
        """Read a page of contacts as the web client does when it opens the list."""
        domain, result = [["id", ">", self._person(number).id]], {}
        named = {"domain": domain, "specification": self._view("list"), "limit": 80, "count_limit": 10_001}
        self._call(result, "res.partner", "web_search_read", **named)
        return result

    def _view(self, kind):
        if kind not in self.views:
            views = self.env["res.partner"].with_user(self.user).get_views([(False, kind)])
            arch = etree.fromstring(views["views"][kind]["arch"])
            self.views[kind] = self._specification(arch, views["models"], "res.partner")
        return self.views[kind]

    def _specification(self, arch, models, model):
        """What the web client asks for, given a view: fields, names of links, the rows of embedded lists."""
        result = {}
        level = arch.xpath("count(ancestor::field)")
        for node in arch.xpath(f".//field[count(ancestor::field) = {level}]"):
            info = models[model]["fields"][node.get("name")]
            asked = result[node.get("name")] = {}
            if info["type"] in ("many2one", "reference"):
                asked["fields"] = {"display_name": {}}
            elif info["type"] in ("one2many", "many2many"):
                views = {child.tag: child for child in node if child.tag in ("list", "kanban")}
                mode = next((m for m in (node.get("mode") or "list,kanban").split(",") if m in views), None)
                if mode:
                    asked["fields"] = self._specification(views[mode], models, info["relation"])
                elif "tags" in (node.get("widget") or ""):
                    asked["fields"] = {"display_name": {}}
        return result

    # -- inserts -------------------------------------------------------------------------------------

    def insert(self, number):
        """Copy rows within tables that carry indexes of ours."""
        result = {}
        cr = self.env.cr
        with self._measured(result):
            for table in GROWING:
                cr.execute(
                    "SELECT string_agg(quote_ident(column_name), ', ') FROM information_schema.columns"
                    " WHERE table_schema = current_schema AND table_name = %s AND column_name <> 'id'",
                    [table],
                )
                [names] = cr.fetchone()
                columns, name = SQL(names.replace("%", "%%")), SQL.identifier(table)
                cr.execute(
                    SQL("INSERT INTO %s (%s) SELECT %s FROM %s LIMIT %s", name, columns, columns, name, INSERTED)
                )
        return result

    def indexes(self):
        """The definitions of our indexes."""
        cr = self.env.cr
        cr.execute(r"SELECT tablename, indexdef FROM pg_indexes WHERE indexname LIKE 'gdpr\_\_%'")
        return {"indexes": cr.fetchall()}

    def build_indexes(self, indexes):
        """Build indexes that were made elsewhere, where there is such a table."""
        cr = self.env.cr
        for table, definition in indexes:
            cr.execute("SELECT to_regclass(%s)", [table])
            if cr.fetchone()[0]:
                cr.execute(definition)
                cr.execute(SQL("ANALYZE %s", SQL.identifier(table)))
        cr.commit()
        return {}


class Ours(Side):
    """With the add-ons."""

    groups = ("client_consent.group_consent_user",)

    def find_one(self, number):
        """Find everything about one person."""
        person, result = self._person(number), {}
        with self._measured(result):
            [(located, _identity)] = self.env["gdpr.finder"]._locate_records([person.ids])
        result["found"] = sum(len(hit.ids) for hit in located.hits)
        return result

    def find_many(self, number, people):
        """Find everything about many people in one call."""
        start = number * people % max(1, len(self.people) - people)
        asked, result = [[id_] for id_ in self.people[start : start + people]], {}
        with self._measured(result):
            answered = sum(1 for _answer in self.env["gdpr.finder"]._locate_records(asked))
        if answered != len(asked):
            raise AssertionError(f"asked for {len(asked)} people, answered {answered}")
        return result | {"seconds_each": result["seconds"] / answered}

    def erase_one(self, number):
        """Plan the erasure of one person and, once it is approved, carry it out."""
        handler = self._user("bench-handler", ["client_gdpr.group_gdpr_handler"])
        approver = self._user("bench-approver", ["client_gdpr.group_gdpr_approver"])
        self.env.cr.commit()
        person, plan = self._person(number), {}
        requests = self.env["gdpr.request"].with_user(handler)
        request = requests.browse(requests.request_open("erasure", person.ids, fields.Datetime.now(), "email"))
        request.action_confirm_identity()
        self.env.flush_all()
        self.env.invalidate_all()
        started = time.perf_counter()
        request.action_plan()
        self.env.flush_all()
        plan["seconds"] = time.perf_counter() - started
        request.plan_id.line_ids.filtered(lambda line: line.action == "review").action_leave()
        request.action_submit()
        as_approver = request.with_user(approver)
        as_approver.action_approve()
        self.env.flush_all()
        self.env.invalidate_all()
        started = time.perf_counter()
        as_approver.action_execute()
        self.env.flush_all()
        seconds = time.perf_counter() - started
        if request.state != "executed":
            raise AssertionError(f"the erasure ended as {request.state}: {request.failure}")
        self.env.cr.rollback()
        self.env.invalidate_all()
        return {"seconds": seconds, "plan_seconds": plan["seconds"]}

    # -- the ledger ----------------------------------------------------------------------------------

    def _entries(self, number, count):
        """Consents of so many people, ready to be appended; their subjects are there already."""
        start = number * count % max(1, len(self.people) - count)
        people = self.env["res.partner"].browse(self.people[start : start + count])
        subjects = self.env["consent.subject"]._of_partners(people, create=True)
        self.env.cr.commit()
        return [
            {
                "subject": subjects[person.id],
                "purpose": self.env.ref("client_consent.purpose_offers"),
                "company": self.env.company,
                "kind": "given",
                "source": "in_person",
                "channel": "email",
                "address": person.email_normalized,
                "at": datetime(2026, 2, 3, 10),
                "until": date(2028, 2, 3),
            }
            for person in people
        ]

    def append(self, number, events):
        """Append consents of many people in one call: hashed, folded into the answers."""
        entries, result = self._entries(number, events), {}
        with self._measured(result):
            self.env["consent.event"]._append(entries)
        return result

    def append_plain(self, number, events):
        """The same rows, ready made, by one plain INSERT."""
        cr, result = self.env.cr, {}
        made = self.env["consent.event"]._append(self._entries(number, events))
        cr.execute("SELECT * FROM consent_event WHERE id = ANY(%s)", [made.ids])
        names = [column.name for column in cr.description]
        rows = [tuple(row) for row in cr.fetchall()]
        columns = SQL(", ").join(map(SQL.identifier, names))
        with self._measured(result):
            values = SQL(", ").join(SQL("%s", row) for row in rows)
            cr.execute(SQL("INSERT INTO consent_event (%s) VALUES %s", columns, values))
        return result

    def append_beside_others(self, number, events, writers):
        """Append from several connections at once; tell the longest wait for a lock and the longest commit."""
        entries = self._entries(number, events * writers)
        waits, commits, errors = [0.0], [], []
        stop = threading.Event()

        def watch():
            with self.env.registry.cursor() as cr:
                while not stop.is_set():
                    cr.execute(
                        "SELECT max(extract(epoch FROM clock_timestamp() - waitstart)) FROM pg_locks WHERE NOT granted"
                    )
                    waits.append(float(cr.fetchone()[0] or 0))
                    cr.rollback()
                    time.sleep(0.001)

        def write(part):
            try:
                with self.env.registry.cursor() as cr:
                    env = self.env(cr=cr)
                    env["consent.event"]._append(
                        [{k: v.with_env(env) if hasattr(v, "with_env") else v for k, v in e.items()} for e in part]
                    )
                    started = time.perf_counter()
                    cr.commit()
                    commits.append(time.perf_counter() - started)
            except Exception as error:  # told below: a thread's own end is heard by nobody
                errors.append(error)

        threads = [threading.Thread(target=write, args=(entries[n::writers],)) for n in range(writers)]
        watcher = threading.Thread(target=watch)
        watcher.start()
        started = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        seconds = time.perf_counter() - started
        stop.set()
        watcher.join()
        if errors:
            raise errors[0]
        return {"seconds": seconds, "waits_per_commit": max(waits) / max(commits)}

    def verify(self, number):
        """Verify every hash, the tree and the signatures of the ledger."""
        result = {}
        with self._measured(result):
            ledger = self.env["consent.verifier"]._check_tree()
        if ledger.problems():
            raise AssertionError(f"the ledger has problems: {ledger.problems()[:3]}")
        return result

    def verify_columns(self, number):
        """Compare the columns of every event with its canonical bytes: the second pass of a verification."""
        verifier, result = self.env["consent.verifier"], {}
        ledger = verifier._check_tree()
        with self._measured(result):
            verifier._check_columns(ledger)
        return result

    def read_and_hash(self, number):
        """Read the same rows and hash each once."""
        cr, result, last = self.env.cr, {}, 0
        with self._measured(result):
            while True:
                cr.execute("SELECT id, salt, payload FROM consent_event WHERE id > %s ORDER BY id LIMIT 10000", [last])
                rows = cr.fetchall()
                if not rows:
                    break
                last = rows[-1][0]
                for _id, salt, payload in rows:
                    hashlib.sha256(bytes(salt) + bytes(payload)).digest()
        return result

    # -- the gate ------------------------------------------------------------------------------------

    def allows(self, number):
        """Ask for one person whether something may be sent."""
        person, result = self._person(number), {}
        with self._measured(result):
            person.consent_allows("newsletter", "email")
        return result

    def search_gated(self, number):
        """Search all people to whom the newsletter may be sent."""
        partners, result = self.env["res.partner"].with_user(self.user), {}
        with self._measured(result):
            found = partners.search(partners._may_process_domain("newsletter", "email") & Domain("email", "!=", False))
        return result | {"found": len(found)}

    def search_all(self, number):
        """Search all people with an address."""
        partners, result = self.env["res.partner"].with_user(self.user), {}
        with self._measured(result):
            found = partners.search(Domain("email", "!=", False))
        return result | {"found": len(found)}


class Peer(Side):
    """Without the add-ons; what Odoo and OCA offer instead."""

    groups = ()

    def find_one(self, number):
        """Odoo's privacy_lookup."""
        person, result = self._person(number), {}
        values = {"name": person.name, "email": person.email}
        with self._measured(result):
            wizard = self.env["privacy.lookup.wizard"].create(values)
            wizard.action_lookup()
        return result

    def erase_one(self, number):
        """OCA's privacy_partner_to_be_forgotten."""
        eraser = self._user("bench-eraser", ["privacy_partner_to_be_forgotten.group_partner_anonymize"])
        eraser.group_ids |= self.env.ref("base.group_partner_manager")
        self.env.cr.commit()
        person, result = self._person(number), {}
        wizards = self.env["partner.anonymize.wizard"].with_user(eraser).with_context(active_ids=person.ids)
        with self._measured(result):
            wizards.create({}).action_confirm()
        self.env["res.partner"].invalidate_model()
        return result


SIDES = {"ours": Ours, "peer": Peer}
