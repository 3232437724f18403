"""The company, its books and the people who work there."""

NAME = "Kolo a káva s.r.o."
DOMAIN = "kolo-a-kava.example"

#: login → (name, groups). The password is the login: this is for trying out only.
STAFF = {
    "sales1": (
        "Tereza Malá",
        [
            "sales_team.group_sale_salesman_all_leads",
            "client_consent.group_consent_user",
            "mass_mailing.group_mass_mailing_user",
        ],
    ),
    "sales2": ("Filip Beneš", ["sales_team.group_sale_salesman", "client_consent.group_consent_user"]),
    "accountant": (
        "Hana Účetní",
        ["account.group_account_manager", "account.group_account_user", "client_gdpr.group_gdpr_accounting"],
    ),
    "handler": ("Monika Vyřizující", ["client_gdpr.group_gdpr_handler", "sales_team.group_sale_salesman_all_leads"]),
    "approver": ("Robert Majitel", ["client_gdpr.group_gdpr_approver", "sales_team.group_sale_manager"]),
    "dpo": ("Ivana Pověřená", ["client_gdpr.group_gdpr_dpo", "client_gdpr.group_gdpr_auditor"]),
}


def found(env):
    """Make the company with a Czech chart of accounts and hashed customer invoices."""
    firm = env["res.company"].create(
        {
            "name": NAME,
            "street": "Veveří 12",
            "zip": "602 00",
            "city": "Brno",
            "country_id": env.ref("base.cz").id,
            "vat": "CZ12345679",
            "email": f"info@{DOMAIN}",
            "phone": "+420 541 000 100",
            "currency_id": env.ref("base.CZK").id,
        }
    )
    env.ref("base.CZK").active = True
    env["account.chart.template"].try_loading("cz", firm, install_demo=False)
    for user in (env.ref("base.user_admin"), env.user):
        user.company_ids |= firm
    sales_journal(env, firm).restrict_mode_hash_table = True
    return firm


def sales_journal(env, firm):
    return env["account.journal"].search([("company_id", "=", firm.id), ("type", "=", "sale")], limit=1)


def hire(env, firm):
    """Make the staff: login → user."""
    staff = {}
    for login, (name, groups) in STAFF.items():
        staff[login] = (
            env["res.users"]
            .with_context(no_reset_password=True)
            .create(
                {
                    "name": name,
                    "login": login,
                    "password": login,
                    "email": f"{login}@{DOMAIN}",
                    "company_id": firm.id,
                    "company_ids": [(6, 0, firm.ids)],
                    "group_ids": [(4, env.ref("base.group_user").id), *((4, env.ref(group).id) for group in groups)],
                    "tz": "Europe/Prague",
                }
            )
        )
    firm.partner_id.user_id = staff["approver"]
    return staff
