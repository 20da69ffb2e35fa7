"""A mailbox on this machine that speaks as much IMAP (RFC 3501) as reading returned mail needs."""

import re
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import ClassVar

USER, PASSWORD = "returns@billing.example", "p@ss/word"


@dataclass
class Mailbox:
    """What the server holds, and what it is told to do. Messages are named by their UID."""

    port: int = 0
    messages: dict[int, bytes] = field(default_factory=dict)
    flags: dict[int, set[str]] = field(default_factory=dict)
    # Commands as they came, without their tags.
    commands: list[str] = field(default_factory=list)
    # The connection is closed instead of an answer to a command that begins so.
    breaks_at: str = ""
    # What the server answers NO to.
    refuses: str = ""

    def put(self, *contents: bytes) -> None:
        for content in contents:
            uid = max(self.messages, default=0) + 1
            self.messages[uid] = content
            self.flags[uid] = set()


class _Session(socketserver.StreamRequestHandler):
    mailbox: ClassVar[Mailbox]

    def handle(self) -> None:
        self._say("* OK ready")
        while line := self.rfile.readline():
            tag, _space, command = line.decode().rstrip("\r\n").partition(" ")
            self.mailbox.commands.append(command)
            if self.mailbox.breaks_at and command.startswith(self.mailbox.breaks_at):
                return
            is_refused = self.mailbox.refuses and command.startswith(self.mailbox.refuses)
            self._say(f"{tag} {'NO not now' if is_refused else self._answer(command)}")
            if command == "LOGOUT":
                return

    def _answer(self, command: str) -> str:
        mailbox = self.mailbox
        if command == "CAPABILITY":
            self._say("* CAPABILITY IMAP4rev1")
        elif command.startswith("LOGIN"):
            quoted = PASSWORD.replace('"', '\\"')
            return "OK in" if command == f'LOGIN {USER} "{quoted}"' else "NO wrong password"
        elif command.startswith("SELECT"):
            self._say(f"* {len(mailbox.messages)} EXISTS")
            return "OK selected" if command == 'SELECT "INBOX"' else "NO no such mailbox"
        elif command.startswith("UID SEARCH"):
            wanted = [uid for uid, flags in mailbox.flags.items() if not flags]
            self._say(f"* SEARCH {' '.join(map(str, wanted))}".rstrip())
        elif fetch := re.fullmatch(r"UID FETCH (\d+) \(BODY\.PEEK\[\]<0\.(\d+)>\)", command):
            content = mailbox.messages[int(fetch[1])][: int(fetch[2])]
            self._say(f"* 1 FETCH (UID {fetch[1]} BODY[]<0> {{{len(content)}}}")
            self.wfile.write(content)
            self._say(")")
        elif store := re.fullmatch(r"UID STORE (\d+) \+FLAGS\.SILENT \((\S+)\)", command):
            mailbox.flags[int(store[1])].add(store[2])
        elif command == "EXPUNGE":
            for uid in [uid for uid, flags in mailbox.flags.items() if "\\Deleted" in flags]:
                del mailbox.messages[uid], mailbox.flags[uid]
        elif command != "LOGOUT":
            return "BAD unknown"
        return "OK done"

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


@contextmanager
def running_mailbox() -> Iterator[Mailbox]:
    mailbox = Mailbox()
    session = type("Session", (_Session,), {"mailbox": mailbox})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), session) as server:
        mailbox.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield mailbox
        finally:
            server.shutdown()
            thread.join()
