"""Run by `odoo shell`: runs every active cron with connections to anything but this machine refused.

Prints one line, `CRONS {"<name>": {"attempts": [...], "error": ...}}`. Not inside a test on purpose: several crons of
Odoo notice that and leave out just the call that matters here.
"""

import ipaddress
import json
import socket


def _is_local(address):
    if not isinstance(address, tuple):
        return True  # a socket file
    host = address[0]
    if host in ("localhost", "", None):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _refusing(original, address_of):
    def replacement(*args, **kwargs):
        address = address_of(args)
        if not _is_local(address):
            attempts.append(str(address))
            raise ConnectionRefusedError(f"refused: {address}")
        return original(*args, **kwargs)

    return replacement


attempts = []
socket.socket.connect = _refusing(socket.socket.connect, lambda args: args[1])
socket.socket.connect_ex = _refusing(socket.socket.connect_ex, lambda args: args[1])
socket.socket.sendto = _refusing(socket.socket.sendto, lambda args: args[-1])
socket.getaddrinfo = _refusing(socket.getaddrinfo, lambda args: args[:2])
socket.gethostbyname = _refusing(socket.gethostbyname, lambda args: args[:1])

outcome = {}
for cron in env["ir.cron"].search([]):
    name, error = cron.with_context(lang=None).cron_name, None
    attempts.clear()
    try:
        cron.method_direct_trigger()
    except Exception as exception:  # every kind is a finding, and the next cron is to run all the same
        error = repr(exception.__cause__ or exception)
        env.cr.rollback()
    outcome[name] = {"attempts": list(attempts), "error": error}
print("CRONS " + json.dumps(outcome))
