"""Plant a person, ask for everything, erase her through the real pipeline, and write down what an outsider sees.

Run by ``odoo shell`` on a database of its own, because ``pg_dump`` sees what is committed only:
``SETTING`` is plain, hashed or audit, ``RESULT`` the file for the findings as JSON.
"""

import hashlib
import json
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, os.environ["HERE"])

import planted_person
import residue
from odoo import fields
from odoo.tools import SQL, config

SETTING, RESULT = os.environ["SETTING"], Path(os.environ["RESULT"])
FIRM = "Kolo a káva s.r.o."
LOGINS = ("sales1", "sales2", "handler", "approver", "dpo", "accountant")


def keramika(env, firm):
    """A journal of her own, whose setting no document of the demo has fixed."""
    journals = env["account.journal"].search([("company_id", "=", firm.id), ("type", "=", "sale")], limit=1)
    income = [("company_ids", "in", firm.ids), ("account_type", "=", "income")]
    return journals.copy(
        {
            "name": "Keramika",
            "code": "KER",
            "default_account_id": env["account.account"].search(income, limit=1).id,
            "restrict_mode_hash_table": SETTING == "hashed",
        }
    )


def outside(env):
    """What an intruder would copy: (dump, files)."""
    env.cr.commit()
    store = Path(config["data_dir"]) / "filestore" / env.cr.dbname
    return residue.Dump.of(env.cr.dbname), residue.files(store)


#: Files read already: a file's name says its content.
FILES_READ = {}


def hits(dump, files):
    marks = planted_person.MARKS
    unread = {name: content for name, content in files.items() if name not in FILES_READ}
    FILES_READ.update({name: set() for name in unread})
    for place, mark in residue.places_in_files(unread, marks):
        FILES_READ[place.key].add((place, mark))
    found = dump.places(marks).union(*(FILES_READ[name] for name in files))
    return sorted([place.table, place.column, place.key, mark] for place, mark in found)


def books(env, firm, plant, accountant):
    """What an accountant would compare: balances by account and partner, tax by tag, hashes, and the papers."""
    lines = env["account.move.line"].with_context(active_test=False)
    posted = [("company_id", "=", firm.id), ("parent_state", "=", "posted")]
    report = firm.with_user(accountant)._check_hash_integrity()
    papers = {}
    for move in env["account.move"].search([("company_id", "=", firm.id), ("posted_before", "=", True)]):
        for name in ("invoice_pdf_report_id", "ubl_cii_xml_id"):
            if attachment := move[name]:
                papers[f"{move.id} {name}"] = hashlib.sha256(attachment.raw).hexdigest()
    return {
        "accounts": sorted(
            [account.id, balance] for account, balance in lines._read_group(posted, ["account_id"], ["balance:sum"])
        ),
        "partners": sorted(
            [partner.id, account.id, balance]
            for partner, account, balance in lines._read_group(posted, ["partner_id", "account_id"], ["balance:sum"])
        ),
        "taxes": sorted(
            [tag.id, balance, base]
            for tag, balance, base in lines._read_group(
                [*posted, ("tax_tag_ids", "!=", False)], ["tax_tag_ids"], ["balance:sum", "tax_base_amount:sum"]
            )
        ),
        "integrity": sorted(
            [line["journal_name"], line["status"], str(line.get("last_move_name"))] for line in report["results"]
        ),
        "hashes": {str(m.id): m.inalterable_hash for m in plant.invoice | plant.old_invoice},
        "papers": papers,
    }


def as_lists(located, rulings):
    """The finder's hits and the planner's rulings as plain values."""
    return {
        "hits": [[hit.model, hit.field, list(hit.ids), hit.bond, hit.sure] for hit in located.hits],
        "rulings": [
            [r.model, r.field, list(r.ids), r.action, r.reason, r.law, str(r.until or ""), list(r.fields)]
            for r in rulings
        ],
    }


def relations(env):
    """Tables of many2many fields: name → the tables of its first two columns, nothing where there is none."""
    rows = env.execute_query(
        SQL(
            """SELECT c.relname, array_agg(coalesce(r.relname, '') ORDER BY a.attnum)
                 FROM pg_class c
                 JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
            LEFT JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype = 'f' AND k.conkey = ARRAY[a.attnum]
            LEFT JOIN pg_class r ON r.oid = k.confrelid
                WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace
                  AND NOT EXISTS (SELECT FROM pg_attribute i WHERE i.attrelid = c.oid AND i.attname = 'id')
             GROUP BY c.relname"""
        )
    )
    return dict(rows)


def cascades(dump, env):
    """Rows that go with another one: table → key → [(table, key) it hangs on], as the database's keys say."""
    rows = env.execute_query(
        SQL(
            """SELECT c.relname, a.attname, r.relname
                 FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_class r ON r.oid = k.confrelid
                 JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.conkey[1]
                WHERE k.contype = 'f' AND k.confdeltype IN ('c', 'n')"""
        )
    )
    found = {}
    for table, column, of_table in rows:
        for key, row in dump.tables.get(table, {}).items():
            if row.get(column):
                found.setdefault(table, {}).setdefault(key, []).append([of_table, row[column]])
    return found


def say_who(request, hers, others):
    """The handler's word on who is meant: what stands under no contact and is hers, and who only bears her name.

    :return: what the request asked: [model, id, grade]
    """
    lines = request.identity_ids
    lines.filtered(lambda line: (line.model, line.res_id) in hers).action_include()
    lines.filtered(lambda line: (line.model, line.res_id) in others).action_exclude()
    return [[line.model, line.res_id, line.grade, line.included] for line in lines]


def tell(env):
    firm = env["res.company"].search([("name", "=", FIRM)])
    env = env(context={**env.context, "allowed_company_ids": firm.ids, "lang": "en_US"})
    staff = {login: env["res.users"].search([("login", "=", login)]) for login in LOGINS}
    # what browsers load is made again when they ask, and is megabytes that look like encoded data
    env["ir.attachment"].search([("url", "=like", "/web/assets/%")]).unlink()
    env.cr.commit()
    env["ir.attachment"]._gc_file_store()
    firm.restrictive_audit_trail = SETTING == "audit"
    bystanders = planted_person.Bystanders(env, firm, staff)
    told = {"setting": SETTING, "seconds": {}}
    told["baseline"] = hits(*outside(env))

    plant = planted_person.Plant(env, firm, staff, keramika(env, firm), bystanders)
    told["steps"] = plant.all(env.cr.commit)
    firm.tax_lock_date = fields.Date.today()
    env.flush_all()
    before = outside(env)
    told["before"] = hits(*before)
    told["books"] = [books(env, firm, plant, staff["accountant"])]
    told["tables"] = {name: model._table for name, model in env.registry.items() if not model._abstract}
    told["transient"] = sorted(model._table for model in env.registry.values() if model._transient)
    told["relations"] = relations(env)
    told["people"] = plant.people.ids + plant.address.ids
    told["bystanders"] = {
        name: value.ids for name, value in vars(bystanders).items() if getattr(value, "_name", "") == "res.partner"
    } | {"child": plant.child.ids}

    requests = env["gdpr.request"].with_user(staff["handler"]).with_context(allowed_company_ids=firm.ids)
    note = f"paní {planted_person.NAME} {plant.private()} píše z {planted_person.EMAIL}"
    hers, others = {("crm.lead", plant.phone_lead.id)}, {("res.partner", bystanders.homonym.id)}
    access = requests.browse(requests.request_open("access", plant.people.ids, fields.Datetime.now(), "email", note))
    say_who(access, hers, others)
    access.action_confirm_identity()
    access.action_execute()
    told["answer"] = access._answer_values()
    access.action_answer()

    request = requests.browse(requests.request_open("erasure", plant.people.ids, fields.Datetime.now(), "email", note))
    told["candidates"] = say_who(request, hers, others)
    request.action_confirm_identity()
    started = time.monotonic()
    request.action_plan()
    told["seconds"]["plan"] = time.monotonic() - started
    request.plan_line_ids.filtered(
        lambda line: line.reason_code in ("mention_by_name", "mention_in_file")
    ).action_redact()
    [case] = request._look(request._read_texts())
    told |= as_lists(case.located, case.rulings)
    request.action_submit()
    started = time.monotonic()
    approver = request.with_user(staff["approver"])
    approver.action_approve()
    approver.action_execute()
    told["seconds"]["run"] = time.monotonic() - started
    told["state"], told["failure"] = request.state, request.failure
    told["certificates"] = [json.loads(certificate.document) for certificate in request.certificate_ids.sudo()]
    if request.state == "executed":
        request.action_answer()
    env.cr.commit()
    env["ir.attachment"]._gc_file_store()
    env.invalidate_all()
    after = outside(env)
    told["after"] = hits(*after)
    told["changed"] = sorted(
        [table, key, sorted(columns)] for (table, key), columns in before[0].differences(after[0]).items()
    )
    told["cascades"] = cascades(before[0], env)
    told["files_gone"] = sorted(set(before[1]) - set(after[1]))
    told["files_changed"] = sorted(name for name in set(before[1]) & set(after[1]) if before[1][name] != after[1][name])
    told["must_be_told"] = plant.must_be_told
    told["files_of_rows"] = {
        row["store_fname"]: [] for row in before[0].tables["ir_attachment"].values() if row["store_fname"]
    }
    for key, row in before[0].tables["ir_attachment"].items():
        if row["store_fname"]:
            told["files_of_rows"][row["store_fname"]].append(int(key))
    told["books"].append(books(env, firm, plant, staff["accountant"]))
    told["plant"] = {
        name: value.ids for name, value in vars(plant).items() if hasattr(value, "_name") and hasattr(value, "ids")
    }
    RESULT.write_text(json.dumps(told, ensure_ascii=False, default=str))


tell(env)  # noqa: F821 - odoo shell provides `env`
