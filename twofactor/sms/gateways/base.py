"""What every gateway of text messages does."""

from typing import Protocol


class GatewayRefused(Exception):
    """The gateway will not send this message, now or later; it costs nothing.

    ``code`` is the gateway's own, for whoever looks it up in its documents. ``is_about_number``:
    the same message may reach another number.
    """

    def __init__(self, code: str, says: str, *, is_about_number: bool) -> None:
        super().__init__(f"{code} {says}".strip())
        self.code = code
        self.is_about_number = is_about_number


class GatewayUnavailable(Exception):
    """The gateway did not answer, or not now. ``may_have_sent``: the message left, perhaps."""

    def __init__(self, says: str, *, may_have_sent: bool) -> None:
        super().__init__(says)
        self.may_have_sent = may_have_sent


class Gateway(Protocol):
    """Hands over one message at a time, and never the same one twice."""

    def send(self, number: str, text: str) -> str:
        """Have ``text`` sent to ``number`` (E.164); what the gateway calls the message.

        Answers within a few seconds. Raises GatewayRefused, GatewayUnavailable.
        """
        ...
