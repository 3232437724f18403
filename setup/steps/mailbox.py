"""Takes the running Odoo's mail and keeps it as files, so that none leaves the machine.

Just enough of RFC 5321 for Python's smtplib on the same machine: no authentication, no extensions.
"""

import socketserver
import threading
import time
from pathlib import Path


class _Conversation(socketserver.StreamRequestHandler):
    def handle(self):
        self._say("220 mailbox")
        while line := self.rfile.readline():
            verb = line.strip().upper().split(b" ")[0]
            if verb == b"DATA":
                self._say("354 go on")
                self.server.keep(self._message())
                self._say("250 kept")
            elif verb == b"QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 mailbox" if verb in (b"EHLO", b"HELO", b"MAIL", b"RCPT", b"RSET", b"NOOP") else "502 no")

    def _message(self) -> bytes:
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b".\n", b""):
            lines.append(line[1:] if line.startswith(b"..") else line)
        return b"".join(lines)

    def _say(self, text: str):
        self.wfile.write(text.encode() + b"\r\n")


class Mailbox(socketserver.ThreadingTCPServer):
    """Listens on a free port of 127.0.0.1 from the moment it is made; `folder` fills with .eml files."""

    daemon_threads = True

    def __init__(self, folder: Path):
        super().__init__(("127.0.0.1", 0), _Conversation)
        self._folder, self._lock, self._count = folder, threading.Lock(), 0
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def port(self) -> int:
        return self.server_address[1]

    def keep(self, message: bytes):
        with self._lock:
            self._count += 1
            name = f"{time.strftime('%Y%m%d-%H%M%S')}-{self._count:04}.eml"
        (self._folder / name).write_bytes(message)
