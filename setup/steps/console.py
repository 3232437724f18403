"""Numbered steps with their seconds, and the one kind of error a user sees."""

import contextlib
import json
import sys
import time
from pathlib import Path


class Problem(Exception):
    """Something the user can put right: what is wrong, and the remedy, in one line."""

    def __init__(self, what: str, remedy: str):
        self.what, self.remedy = what, remedy
        super().__init__(f"{what.rstrip('.')}. {remedy}")


class Steps:
    """Prints `[2/7] Python packages … 4.1 s` and keeps the seconds.

    Time spent downloading is kept apart (`download`), because it says nothing about this program. A quiet one prints
    only what `say` is told.
    """

    def __init__(self, total: int, stream=sys.stdout, quiet: bool = False):
        self._total, self._number, self._stream, self._quiet = total, 0, stream, quiet
        self._started = time.monotonic()
        self._open_line = False
        self.seconds: dict[str, float] = {}
        self.download_seconds = 0.0

    @contextlib.contextmanager
    def step(self, title: str):
        """One step; its title is printed at once, its seconds when it is done."""
        self._number += 1
        if not self._quiet:
            self._write(f"[{self._number}/{self._total}] {title} … ")
            self._open_line = True
        started = time.monotonic()
        try:
            yield
        except BaseException:
            self._end_line()
            raise
        self.seconds[title] = time.monotonic() - started
        done = f"{self.seconds[title]:.1f} s"
        if not self._quiet:
            self._write(f"{done}\n" if self._open_line else f"      done in {done}\n")
        self._open_line = False

    @contextlib.contextmanager
    def download(self):
        """Marks the time within as downloading."""
        started = time.monotonic()
        try:
            yield
        finally:
            self.download_seconds += time.monotonic() - started

    def say(self, text: str):
        """A line of its own below the running step."""
        self._end_line()
        self._write(f"      {text}\n")

    def total_seconds(self) -> float:
        return time.monotonic() - self._started

    def write_times(self, path: Path, command: str):
        """Keeps the last times of each command, for people and for the test that watches them."""
        times = json.loads(path.read_text()) if path.exists() else {}
        total = self.total_seconds()
        times[command] = {
            "total": round(total, 1),
            "without_downloads": round(total - self.download_seconds, 1),
            "steps": {title: round(seconds, 1) for title, seconds in self.seconds.items()},
        }
        path.write_text(json.dumps(times, indent=2, ensure_ascii=False) + "\n")

    def _end_line(self):
        if self._open_line:
            self._write("\n")
            self._open_line = False

    def _write(self, text: str):
        self._stream.write(text)
        self._stream.flush()
