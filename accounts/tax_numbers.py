"""Tax numbers of customers, as far as this package can say: the rules are known above it."""

from collections.abc import Callable

# Text and country (ISO 3166-1) to the one form of that number, or None if it is no tax number.
Rules = Callable[[str, str], str | None]

_rules: list[Rules] = []


def provide(rules: Rules) -> None:
    """Set the rules by which numbers are read; at start, by ``AppConfig``."""
    _rules[:] = [rules]


def in_form(text: str, *, country: str) -> str | None:
    """``text`` in the form in which numbers are stored; None if it can be no tax number."""
    (rules,) = _rules
    return rules(text, country)
