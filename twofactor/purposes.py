"""What a code by text message is sent for; it counts for nothing else (docs/decisions/0148)."""

from enum import StrEnum


class Purpose(StrEnum):
    SIGN_IN = "sign-in"
    CONFIRMATION = "confirmation"
    SET_UP = "set-up"

    def of(self, key: str) -> str:
        """The ``bound_to`` of the one sign-in, confirmation or phone that ``key`` names."""
        return f"{self.value}/{key}"
