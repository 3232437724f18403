"""The one object that lets our own sweep pass the vetoes on held and sealed records.

It travels in the context and is recognised by identity. A context that comes in over RPC is
made of plain JSON and can never hold it, which is why it is an object and not a Boolean.
"""

from collections.abc import Mapping
from typing import Final

KEY: Final = "gdpr_sweep"


class _Token:
    __slots__ = ("name",)

    def __init__(self, name=""):
        self.name = name

    def __repr__(self):
        return f"<gdpr {self.name}>"

    def __deepcopy__(self, memo):
        return self

    def __copy__(self):
        return self


SWEEP: Final = _Token("sweep")
#: Odoo itself passes an address or a tax number on within a company: sealed rows are left out, not an error.
PASSING_ON: Final = _Token("passing on")


def is_sweep(context: Mapping) -> bool:
    """Whether the context carries the capability itself, not something that looks like it."""
    return context.get(KEY) is SWEEP


def is_passing_on(context: Mapping) -> bool:
    """Whether Odoo keeps the contacts of a company alike, and nobody asked to change a sealed one."""
    return context.get(KEY) is PASSING_ON
