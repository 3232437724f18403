"""How often one caller may use a public page."""

import ipaddress

from odoo import SUPERUSER_ID, api, tools

#: Options of a route whose forms are short: larger ones are refused before they are read.
SMALL = {"max_content_length": 1 << 20}


def allowed(request, name, per_minute=10):
    """Count this call of a page and say whether the caller may go on.

    Counted in the database, for all workers together, and in a transaction of its own, so that a page that
    fails counts too. The network address is kept as a keyed digest, for an hour.

    :param name: of the page, or of pages that share a limit
    """
    registry = request.env.registry
    with registry.cursor() as cr:
        env = api.Environment(cr, SUPERUSER_ID, {})
        digest = tools.hmac(env, "client_consent.limit", f"{name}|{caller(request.httprequest.remote_addr)}")
        return env["consent.limit"]._allowed(digest, per_minute)


def caller(address):
    """Who calls from a network address: of IPv6 the network, of which one caller has all 2^64 addresses.

    >>> caller("192.0.2.7"), caller("::ffff:192.0.2.7"), caller("2001:db8:1:2:3::4")
    ('192.0.2.7', '192.0.2.7', '2001:db8:1:2::/64')
    """
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return address
    if parsed.version == 4:
        return str(parsed)
    return str(parsed.ipv4_mapped or ipaddress.IPv6Network((int(parsed), 64), strict=False))
