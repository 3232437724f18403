"""How often one caller may use a public page."""

from odoo import SUPERUSER_ID, api, tools


def allowed(request, name, per_minute=10):
    """Count this call of a page and say whether the caller may go on.

    Counted in the database, for all workers together, and in a transaction of its own, so that a page that
    fails counts too. The network address is kept as a keyed digest, for an hour.

    :param name: of the page, or of pages that share a limit
    """
    registry = request.env.registry
    with registry.cursor() as cr:
        env = api.Environment(cr, SUPERUSER_ID, {})
        digest = tools.hmac(env, "client_consent.limit", f"{name}|{request.httprequest.remote_addr}")
        return env["consent.limit"]._allowed(digest, per_minute)
