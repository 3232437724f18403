"""The one object that lets our own sweep pass the vetoes on held and sealed records.

It travels in the context and is recognised by identity. A context that comes in over RPC is
made of plain JSON and can never hold it, which is why it is an object and not a Boolean.
"""

from collections.abc import Mapping
from typing import Final

KEY: Final = "gdpr_sweep"


class _Sweep:
    __slots__ = ()

    def __repr__(self):
        return "<gdpr sweep>"

    def __deepcopy__(self, memo):
        return self

    def __copy__(self):
        return self


SWEEP: Final = _Sweep()


def is_sweep(context: Mapping) -> bool:
    """Whether the context carries the capability itself, not something that looks like it."""
    return context.get(KEY) is SWEEP
