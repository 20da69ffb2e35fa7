"""No document shows a glyph that stands for nothing: what no font has is printed as another sign.

A font answers for a character that it lacks with ``.notdef``, which prints as a box, cannot be
copied as text, and is forbidden in PDF/A and PDF/UA (ISO 19005-3, 6.2.11.8; ISO 14289-1, 7.21.8).
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from html import escape
from itertools import groupby
from pathlib import Path

from fontTools.ttLib import TTFont, TTLibError

# White square, the usual sign for a character that could not be set. Inter has it, so it is there
# whatever else is missing.
STAND_IN = "\N{WHITE SQUARE}"
# Inter has every character up to this one, so these need no look at the coverage.
_ALWAYS_COVERED = "\x7f"
# Whatever the fonts say: WeasyPrint 70 fails at ends of lines and paragraphs, and Pango has no
# glyph for the marks of annotations.
_NEVER = {"\u2028": " ", "\u2029": " ", "\ufff9": "", "\ufffa": "", "\ufffb": ""}
# Characters that are not seen (Default_Ignorable_Code_Point of Unicode): joiners, selectors of
# variants, marks of direction, fillers. Where no font knows them they change nothing.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


@dataclass(frozen=True, slots=True)
class Coverage:
    """The characters that a set of fonts has glyphs for, as ranges of code points in order."""

    firsts: tuple[int, ...]
    lasts: tuple[int, ...]

    @classmethod
    def of_fonts(cls, files: Iterable[Path]) -> "Coverage":
        """Read from the fonts themselves, which takes some tenths of a second.

        One that is broken covers nothing; fontconfig leaves it out too.
        """
        points: set[int] = set()
        for file in files:
            # Of a collection the first: the others hold the same characters in another form.
            with file.open("rb") as stream, suppress(TTLibError):
                points.update(TTFont(stream, fontNumber=0, lazy=True).getBestCmap())
        # What a private use character looks like, each font decides; PDF/A-3a does not take it.
        printed = (point for point in points if unicodedata.category(chr(point)) != "Co")
        return cls._of_ranges(_ranges(sorted(printed)))

    @classmethod
    def read(cls, file: Path) -> "Coverage":
        ranges = (line.split() for line in file.read_text().splitlines())
        return cls._of_ranges((int(first, 16), int(last, 16)) for first, last in ranges)

    @classmethod
    def _of_ranges(cls, ranges: Iterable[tuple[int, int]]) -> "Coverage":
        firsts, lasts = zip(*ranges, strict=True)
        return cls(firsts, lasts)

    def write(self, file: Path) -> None:
        lines = (
            f"{first:x} {last:x}\n" for first, last in zip(self.firsts, self.lasts, strict=True)
        )
        file.write_text("".join(lines))

    def __contains__(self, character: str) -> bool:
        point = ord(character)
        place = bisect_right(self.firsts, point) - 1
        return place >= 0 and point <= self.lasts[place]

    def has_all(self, text: str) -> bool:
        return all(character in self for character in text)


def _ranges(points: list[int]) -> Iterator[tuple[int, int]]:
    for _, run in groupby(enumerate(points), key=lambda item: item[1] - item[0]):
        together = [point for _, point in run]
        yield together[0], together[-1]


def legible(html: str, coverage: Coverage) -> str:
    """``html`` with every character that ``coverage`` lacks written in another way.

    First in its plainer form if Unicode has one ("𝗔" as "A", "㎏" as "kg"), else by the stand-in,
    one for each, so that the reader sees that something stands there and how much.
    """
    missing = {
        ord(character): _instead(character, coverage)
        for character in set(html)
        if character > _ALWAYS_COVERED and (character not in coverage or character in _NEVER)
    }
    return html.translate(missing) if missing else html


def _instead(character: str, coverage: Coverage) -> str:
    if character in _NEVER:
        return _NEVER[character]
    if _INVISIBLE.match(character):
        return ""
    plainer = unicodedata.normalize("NFKC", character)
    if plainer != character and coverage.has_all(plainer):
        # A plainer form of "＜" is "<", which must not become markup.
        return escape(plainer)
    return STAND_IN
