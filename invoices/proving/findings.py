"""What a check found, in words for whoever has to look into it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """``about`` is a document's number or a series' prefix. A note is told and is no error."""

    about: str
    words: str
    is_note: bool = False

    def __str__(self) -> str:
        return f"{'note: ' if self.is_note else ''}{self.about}: {self.words}"
