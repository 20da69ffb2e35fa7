"""What each judge said of how many files, and every refusal."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

_MOST_REFUSALS_SHOWN = 60


@dataclass
class Record:
    files: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    refusals: list[str] = field(default_factory=list)

    def note(self, judge: str, file: str, wrong: Iterable[str]) -> None:
        """One file before one judge; ``wrong`` is what it found, nothing if it passed."""
        self.files[judge] += 1
        found = list(wrong)
        if found:
            self.refused[judge] += 1
            self.refusals += [f"{judge} of {file}: {one}" for one in found]

    def table(self, versions: Mapping[str, str]) -> Iterator[str]:
        yield f"{'judge':<44}{'files':>7}{'passed':>8}{'failed':>8}"
        for judge, files in self.files.items():
            name = next((f" {n}" for t, n in versions.items() if judge.startswith(t)), "")
            named = f"{judge}{name and ' ('}{name.strip()}{name and ')'}"
            refused = self.refused[judge]
            yield f"{named:<44}{files:>7,}{files - refused:>8,}{refused:>8,}"

    def worst(self) -> str:
        """The refusals as text, the first of them if there are many."""
        shown = self.refusals[:_MOST_REFUSALS_SHOWN]
        left = len(self.refusals) - len(shown)
        return "\n".join([*shown, *([f"… and {left:,} more"] if left else [])])
