"""What text messages would have been sent, and numbers that they go to."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

GB = "+447400123456"
GB_OTHER = "+447400123457"
FR = "+33612345678"


@dataclass
class RememberingGateway:
    """Keeps what it is given. ``before`` is called first, and may refuse."""

    sent: list[tuple[str, str]] = field(default_factory=list)
    before: Callable[[], None] = lambda: None

    def send(self, number: str, text: str) -> str:
        self.before()
        self.sent.append((number, text))
        return f"reference {len(self.sent)}"

    @property
    def codes(self) -> list[str]:
        """The code of each message, as a reader takes it out of the first words."""
        return [re.findall(r"^(\d{6}) ", text)[0] for _number, text in self.sent]
