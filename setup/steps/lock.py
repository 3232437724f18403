"""One set-up at a time in an environment folder."""

import contextlib
import fcntl

from .console import Steps
from .settings import Settings


@contextlib.contextmanager
def only_one(settings: Settings, steps: Steps):
    """Waits while another set-up works here. The lock dies with its process, however that ends."""
    settings.home.mkdir(parents=True, exist_ok=True)
    with (settings.home / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            steps.say("waiting for another set-up in this environment to end")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
