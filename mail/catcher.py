"""A mail server that accepts everything and delivers nothing: embedded mode's stand-in.

It speaks real SMTP on the loopback interface, so that sending is exercised to the last byte, and
keeps what it accepts in a folder (``mail.mailbox``).
"""

import asyncio
import logging
from functools import partial
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from mail import mailbox

logger = logging.getLogger(__name__)

# Base64 of the largest attachment that the mail package sends, with room to spare.
_LARGEST_MESSAGE = 64 * 1024 * 1024


class KeepingHandler:
    """Called by aiosmtpd at the end of DATA; its answer is the server's."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def handle_DATA(  # noqa: N802 - aiosmtpd finds it by this name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        try:
            key = mailbox.keep(
                self._folder,
                sender=envelope.mail_from or "",
                recipients=envelope.rcpt_tos,
                content=bytes(envelope.original_content or b""),
            )
        except OSError:
            # A sender may try again: nothing is said to be kept that is not.
            logger.exception("a message could not be kept in %s", self._folder)
            return "452 4.3.1 Cannot keep the message now"
        return f"250 2.0.0 Kept as {key}"


async def serve(folder: Path, *, host: str, port: int, stop: asyncio.Event) -> None:
    """Accept mail until ``stop`` is set. Raises OSError when the port is taken."""
    server = await asyncio.get_running_loop().create_server(
        partial(
            SMTP,
            KeepingHandler(folder),
            enable_SMTPUTF8=True,
            data_size_limit=_LARGEST_MESSAGE,
            hostname="mail-catcher.localhost",
        ),
        host,
        port,
    )
    async with server:
        await stop.wait()
