"""How an account's number is written in an address."""


class AccountNumberConverter:
    """Digits without a leading zero, so that each account has one address and no other."""

    regex = "[1-9][0-9]{5,17}"

    def to_python(self, value: str) -> int:
        return int(value)

    def to_url(self, value: int) -> str:
        return str(value)
