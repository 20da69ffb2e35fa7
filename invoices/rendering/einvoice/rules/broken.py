"""What a check of these rules finds."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from common.visible import has_visible_character
from invoices.rendering.document import InvoiceDocument


@dataclass(frozen=True, slots=True)
class BrokenRule:
    """One rule of EN 16931 that a document breaks.

    ``words`` are a sentence for staff, in English: what is wrong and where to mend it.
    """

    rule: str
    words: str


Check = Callable[[InvoiceDocument], Iterator[BrokenRule]]


def broken(words: str, *rules: str) -> Iterator[BrokenRule]:
    """The same fault under each of ``rules``: some of the standard's say the same twice."""
    for rule in rules:
        yield BrokenRule(rule, words)


def is_blank(text: str) -> bool:
    """Whether nothing of ``text`` can be seen: white space, control characters, zero width."""
    return not has_visible_character(text)
