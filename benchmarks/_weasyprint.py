"""A process that makes the invoice with WeasyPrint by one recipe.

Recipes are steps from WeasyPrint as one would first use it to what ``invoices.rendering`` does.

    python -m benchmarks._weasyprint "fonts kept"
"""

import gc
import sys
from dataclasses import dataclass

import django

django.setup()

from weasyprint import CSS, HTML, Attachment  # noqa: E402 - after the set-up
from weasyprint.text.fonts import FontConfiguration  # noqa: E402

from benchmarks._naive_page import naive_page, naive_style  # noqa: E402
from benchmarks._press import Press, serve  # noqa: E402
from invoices.rendering import fonts  # noqa: E402
from invoices.rendering.document import InvoiceDocument  # noqa: E402
from invoices.rendering.pdf import render_pdf  # noqa: E402

_COLLECT_EVERY = 10


@dataclass(frozen=True)
class Recipe:
    """What is kept between documents, while the page is made by the naive template."""

    keeps_fonts: bool = False
    keeps_styles: bool = False
    has_own_fonts: bool = False
    pauses_collector: bool = False
    # Whether it is what is compared: tagged, PDF/A-3a, with the e-invoice.
    is_archival: bool = True


RECIPES = {
    "naive": Recipe(),
    "naive, plain PDF": Recipe(is_archival=False),
    "fonts kept": Recipe(keeps_fonts=True),
    "styles kept": Recipe(keeps_fonts=True, keeps_styles=True),
    "own fonts only": Recipe(keeps_fonts=True, keeps_styles=True, has_own_fonts=True),
    "collector paused": Recipe(
        keeps_fonts=True, keeps_styles=True, has_own_fonts=True, pauses_collector=True
    ),
}


def ours(document: InvoiceDocument, einvoice: bytes) -> bytes:
    return render_pdf(document, einvoice=einvoice)


def press_of(recipe: Recipe) -> Press:
    """A function that renders a document by ``recipe``."""
    if recipe.has_own_fonts:
        fonts.prepare()
    css = naive_style(family=fonts.FAMILY if recipe.has_own_fonts else "sans-serif")
    kept_fonts = FontConfiguration() if recipe.keeps_fonts else None
    kept_styles = [CSS(string=css, font_config=kept_fonts)] if recipe.keeps_styles else None
    pictures: dict[str, object] | None = {} if recipe.keeps_styles else None
    if recipe.pauses_collector:
        gc.collect()
        gc.freeze()
        gc.disable()
    rendered = 0

    def press(document: InvoiceDocument, einvoice: bytes) -> bytes:
        nonlocal rendered
        html = naive_page(document, style="" if recipe.keeps_styles else css)
        pdf: bytes = HTML(string=html).write_pdf(
            stylesheets=kept_styles,
            font_config=kept_fonts,
            cache=pictures,
            **(_archival(einvoice) if recipe.is_archival else {}),
        )
        rendered += 1
        if recipe.pauses_collector and rendered % _COLLECT_EVERY == 0:
            gc.collect()
        return pdf

    return press


def _archival(einvoice: bytes) -> dict[str, object]:
    attachment = Attachment(
        string=einvoice.decode(), name="factur-x.xml", relationship="Alternative"
    )
    return {"pdf_variant": "pdf/a-3a", "attachments": [attachment]}


if __name__ == "__main__":
    serve(ours if sys.argv[1] == "ours" else press_of(RECIPES[sys.argv[1]]))
