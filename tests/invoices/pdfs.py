"""Looking into a PDF: its text as a reader copies it, and the glyphs that it draws."""

import io
from collections.abc import Iterator
from contextlib import closing

import pikepdf
import pypdfium2
from fontTools.ttLib import TTFont

# Text-showing operators (ISO 32000-1, 9.4.3).
_SHOWING = {"Tj", "TJ", "'", '"'}


def pages_of(pdf: bytes) -> list[str]:
    """The text of each page, lines ended by line feeds."""
    with closing(pypdfium2.PdfDocument(pdf)) as document:
        texts = [page.get_textpage().get_text_range() for page in document]
    # U+FFFE is what PDFium makes of a hyphen at the end of a line.
    return [text.replace("\r\n", "\n").replace("\ufffe", "-") for text in texts]


def text_of(pdf: bytes) -> str:
    return "\n".join(pages_of(pdf))


def fonts_of(pdf: bytes) -> set[str]:
    """The names of the fonts that something is drawn in."""
    with pikepdf.open(io.BytesIO(pdf)) as document:
        return {str(font.BaseFont) for page in document.pages for font, _ in _drawn(page)}


def boxes_of(pdf: bytes) -> set[tuple[str, int]]:
    """Font and glyph id of each character that prints as a box, since the font has no glyph for it.

    That is glyph 0, .notdef, or an id beyond the glyphs of the embedded font.
    """
    with pikepdf.open(io.BytesIO(pdf)) as document:
        drawn = {
            (str(font.BaseFont), _number_of_glyphs(font), glyph)
            for page in document.pages
            for font, glyph in _drawn(page)
        }
    return {(name, glyph) for name, count, glyph in drawn if not 0 < glyph < count}


def _number_of_glyphs(font: pikepdf.Object) -> int:
    program = font.DescendantFonts[0].FontDescriptor.FontFile2.read_bytes()
    return int(TTFont(io.BytesIO(program))["maxp"].numGlyphs)


def _drawn(page: pikepdf.Page) -> Iterator[tuple[pikepdf.Object, int]]:
    """Each glyph shown on ``page``, with its font."""
    font: pikepdf.Object = page.obj
    for instruction in pikepdf.parse_content_stream(page):
        if str(instruction.operator) == "Tf":
            font = page.Resources.Font[str(instruction.operands[0])]
        elif str(instruction.operator) in _SHOWING:
            shown = instruction.operands[-1]
            parts = list(shown) if isinstance(shown, pikepdf.Array) else [shown]
            for part in parts:
                if isinstance(part, pikepdf.String):
                    codes = bytes(part)
                    # Two bytes a glyph: fonts are embedded with Identity-H.
                    pairs = zip(codes[::2], codes[1::2], strict=True)
                    yield from ((font, high << 8 | low) for high, low in pairs)
