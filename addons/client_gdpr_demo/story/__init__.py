"""The demo company, told in order: company and staff → people → business → consents.

Nothing of it has an external id: consent events are ledger lines, and an update must not touch them.
"""

from . import business, company, consents, people


def tell(env):
    """Make the whole company in one transaction.

    :return: the company
    """
    firm = company.found(env)
    env = env(context={**env.context, "allowed_company_ids": firm.ids, "tracking_disable": False})
    staff = company.hire(env, firm)
    persons = people.meet(env, firm, staff)
    business.trade(env, firm, staff, persons)
    consents.ask(env, staff, persons)
    return firm
