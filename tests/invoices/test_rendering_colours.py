"""A seller's colour is kept where it can be read, and darkened where it cannot."""

from dataclasses import replace

import pytest

from invoices.rendering.colours import contrast_to_white, readable
from invoices.rendering.composing import lay_out
from tests.invoices.documents import SELLER, a_document


@pytest.mark.parametrize("colour", ["#000000", "#0b5d57", "#1d4ed8", "#767676", "#cc0000"])
def test_colour_that_can_be_read_is_kept(colour: str) -> None:
    assert readable(colour) == colour
    assert contrast_to_white(colour) >= 4.5


@pytest.mark.parametrize(
    "colour", ["#ffffff", "#ffff00", "#f5d90a", "#00ffcc", "#ff0000", "#c0c0c0", "#777777"]
)
def test_colour_too_light_for_text_is_darkened(colour: str) -> None:
    """Also in grey print: contrast is one of lightness alone."""
    darker = readable(colour)

    assert darker != colour
    assert 4.5 <= contrast_to_white(darker) < 6


def test_darkened_colour_stays_the_sellers() -> None:
    red, green, blue = (int(readable("#ffff00")[at : at + 2], 16) for at in (1, 3, 5))

    assert red == green > blue


def test_contrast_is_that_of_wcag() -> None:
    assert contrast_to_white("#000000") == pytest.approx(21)
    assert contrast_to_white("#ffffff") == pytest.approx(1)
    assert contrast_to_white("#ff0000") == pytest.approx(4.0, abs=0.01)


def test_document_is_printed_in_the_readable_colour() -> None:
    light = replace(SELLER, colour="#ffff00")

    assert lay_out(a_document(1, seller=light)).colour == readable("#ffff00")
    assert lay_out(a_document(1, seller=replace(SELLER, colour=""))).colour == ""
