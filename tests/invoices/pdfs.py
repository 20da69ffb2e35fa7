"""Looking into a PDF: its text as a reader copies it, and the glyphs that it draws."""

import io
from collections.abc import Iterator
from contextlib import closing

import pikepdf
import pypdfium2

# Text-showing operators (ISO 32000-1, 9.4.3).
_SHOWING = {"Tj", "TJ", "'", '"'}


def pages_of(pdf: bytes) -> list[str]:
    """The text of each page, lines ended by line feeds."""
    with closing(pypdfium2.PdfDocument(pdf)) as document:
        return [
            document[number].get_textpage().get_text_range().replace("\r\n", "\n")
            for number in range(len(document))
        ]


def text_of(pdf: bytes) -> str:
    return "\n".join(pages_of(pdf))


def glyphs_of(pdf: bytes) -> set[tuple[str, int]]:
    """Font and glyph id of everything drawn. Glyph 0 is .notdef, the box for "no such glyph"."""
    with pikepdf.open(io.BytesIO(pdf)) as document:
        return {glyph for page in document.pages for glyph in _drawn(page)}


def _drawn(page: pikepdf.Page) -> Iterator[tuple[str, int]]:
    names = {str(name): str(font.BaseFont) for name, font in page.Resources.Font.items()}
    font = ""
    for operands, operator in pikepdf.parse_content_stream(page):
        if str(operator) == "Tf":
            font = names[str(operands[0])]
        elif str(operator) in _SHOWING:
            shown = operands[-1]
            parts = list(shown) if isinstance(shown, pikepdf.Array) else [shown]
            for part in parts:
                if isinstance(part, pikepdf.String):
                    codes = bytes(part)
                    # Two bytes a glyph: fonts are embedded with Identity-H.
                    pairs = zip(codes[::2], codes[1::2], strict=True)
                    yield from ((font, high << 8 | low) for high, low in pairs)
