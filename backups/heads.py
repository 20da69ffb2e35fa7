"""The last number that each series has given out, as the witness and a setback carry it."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesHead:
    """A series by its prefix, which no other has, and how far it has counted.

    ``seller`` is the seller's code, ``last_hash`` the SHA-256 of the newest document's content.
    """

    seller: str
    kind: str
    prefix: str
    digits: int
    last_sequence: int
    last_hash: str

    @property
    def number(self) -> str:
        """The newest number that is out, as printed."""
        return f"{self.prefix}{self.last_sequence:0{self.digits}d}"

    def is_beyond(self, other: "SeriesHead | None") -> bool:
        """Whether numbers are out that ``other``, the same series elsewhere, does not have."""
        if other is None or self.last_sequence > other.last_sequence:
            return True
        # The same number on another document: both have counted since they were one.
        return self.last_sequence == other.last_sequence and self.last_hash != other.last_hash


def heads_to_json(heads: Iterable[SeriesHead]) -> list[dict[str, Any]]:
    return [asdict(head) for head in heads]


def heads_from_json(stored: Iterable[dict[str, Any]]) -> list[SeriesHead]:
    """Raises TypeError for entries that are no heads."""
    return [SeriesHead(**entry) for entry in stored]


def furthest(*several: Iterable[SeriesHead]) -> list[SeriesHead]:
    """For each prefix the head that has counted furthest, in the order of the prefixes.

    Of two that have counted equally far the first stands.
    """
    found: dict[str, SeriesHead] = {}
    for heads in several:
        for head in heads:
            known = found.get(head.prefix)
            if known is None or head.last_sequence > known.last_sequence:
                found[head.prefix] = head
    return [found[prefix] for prefix in sorted(found)]


def beyond(theirs: Iterable[SeriesHead], ours: Sequence[SeriesHead]) -> list[SeriesHead]:
    """Those of ``theirs`` that ``ours`` have not reached."""
    known = {head.prefix: head for head in ours}
    return [head for head in theirs if head.is_beyond(known.get(head.prefix))]
