"""Who allowed what, how and when; and who took it back."""

from dateutil.relativedelta import relativedelta
from odoo import fields


def ask(env, staff, persons):
    now = fields.Datetime.now()

    def ago(**length):
        return now - relativedelta(**length)

    seller = staff["sales1"]

    def person(key):
        return persons[key].with_user(seller).with_company(persons[key].company_id)

    person("jana").consent_give("newsletter", ["email"], "web_form", given_at=ago(months=9))
    person("jana").consent_give("offers", ["email", "phone"], "in_person", given_at=ago(months=6))
    person("jana").consent_withdraw("offers", ["phone"], source="phone", at=ago(months=2))
    person("petr").consent_give("newsletter", ["email"], "in_person", given_at=ago(months=22))
    person("marie").consent_give("offers", ["email"], "web_form", given_at=ago(years=1))
    person("marie").consent_withdraw("offers", ["email"], source="email", at=ago(months=1))
    person("anna").consent_object(source="email", at=ago(months=3))
    person("martin").consent_give("newsletter", ["email"], "portal", given_at=ago(months=4))
