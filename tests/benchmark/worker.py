"""Runs in `odoo shell` on one of the two databases and measures what it is told to, one line of JSON after the other.

A line in: ``{"work": name, …}``. A line out: ``{"seconds": …, "queries": …, …}`` or ``{"error": …}``.
"""

import json
import os
import socket
import traceback
from pathlib import Path

import works


def serve(env):
    """Answer until the other side hangs up."""
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(os.environ["BENCHMARK_SOCKET"])
    side = works.SIDES[os.environ["BENCHMARK_SIDE"]](env)
    with connection, connection.makefile("rw", encoding="utf-8") as stream:
        for line in stream:
            order = json.loads(line)
            try:
                _forget_peak()
                answer = getattr(side, order.pop("work"))(**order)
                answer["peak_megabytes"] = _megabytes("VmHWM")
            except Exception:  # of every kind: the other side ends the run with it
                answer = {"error": traceback.format_exc()}
                env.cr.rollback()
            stream.write(json.dumps(answer) + "\n")
            stream.flush()


def _forget_peak():
    Path("/proc/self/clear_refs").write_text("5")


def _megabytes(name):
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) / 1024
    raise LookupError(name)
