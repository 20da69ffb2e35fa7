"""Numbers of things in sentences for terminals and staff."""


def counted(number: int, thing: str, *, plural: str = "") -> str:
    """``1 account``, ``2,000 accounts``; ``plural`` where an s does not make it."""
    return f"{number:,} {thing if number == 1 else plural or f'{thing}s'}"
