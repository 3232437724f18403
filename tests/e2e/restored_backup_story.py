"""Told inside ``odoo shell`` by ``test_restored_backup.py``: people come, and are erased. Needs ACT and PEOPLE."""

import os

from odoo import fields

env = globals()["env"]
firm = env["res.company"].search([("name", "=", "Kolo a káva s.r.o.")])
env = env(context={**env.context, "allowed_company_ids": firm.ids})
count = int(os.environ["PEOPLE"])
emails = [f"obnova{number:03}@post.example" for number in range(count)]
users = env["res.users"]
handler, approver = (users.search([("login", "=", login)]) for login in ("handler", "approver"))

match os.environ["ACT"]:
    case "come":
        people = env["res.partner"].create(
            [
                {
                    "name": f"Osoba Obnovená {number:03}",
                    "email": email,
                    "phone": f"+420 605 {number:03} 777",
                    "street": "Obnovená 7",
                    "company_id": firm.id,
                }
                for number, email in enumerate(emails)
            ]
        )
        for person in people:
            person.message_post(body=f"{person.name} called")
        env["crm.lead"].create(
            [{"name": "Kolo", "partner_id": person.id, "email_from": person.email} for person in people]
        )
        people.consent_give("newsletter", ["email"], "web_form")
    case "erase":
        for person in env["res.partner"].search([("email_normalized", "in", emails)]):
            requests = env["gdpr.request"].with_user(handler)
            request = requests.browse(requests.request_open("erasure", person.ids, fields.Datetime.now(), "email"))
            request.action_submit()
            request.with_user(approver).action_approve_and_execute()
            assert request.state == "executed", request.failure
            env.cr.commit()
env.cr.commit()
print("TOLD")
