"""Messages between a process that checks e-invoices and its validator: a length, then the bytes."""

import socket
import struct
from typing import Final

# What an answer begins with, before the report or the reason.
REPORT: Final = b"report"
FAILURE: Final = b"failure"

_LENGTH: Final = struct.Struct("!Q")
_MOST_AT_ONCE: Final = 1 << 20


def send(connection: socket.socket, *messages: bytes) -> None:
    """Raises TimeoutError when nobody reads for as long as the connection allows."""
    for message in messages:
        connection.sendall(_LENGTH.pack(len(message)))
        connection.sendall(message)


def receive(connection: socket.socket) -> bytes:
    """Raises EOFError when the other side is gone, TimeoutError when it is silent for too long."""
    (length,) = _LENGTH.unpack(_exactly(connection, _LENGTH.size))
    return _exactly(connection, length)


def _exactly(connection: socket.socket, length: int) -> bytes:
    parts: list[bytes] = []
    while length:
        part = connection.recv(min(length, _MOST_AT_ONCE))
        if not part:
            raise EOFError("the other side is gone")
        parts.append(part)
        length -= len(part)
    return b"".join(parts)
