"""A process that renders by one recipe: reads a number of lines, answers with CPU time and memory.

Recipes are steps from WeasyPrint as one would first use it to what ``invoices.rendering`` does.
"""

import gc
import json
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import django
from django.template import Context, Engine
from weasyprint import CSS, HTML
from weasyprint.text.fonts import FontConfiguration

from invoices.rendering import fonts
from invoices.rendering.composing import lay_out
from invoices.rendering.document import InvoiceDocument
from invoices.rendering.pdf import render_pdf
from tests.invoices.documents import a_document

_TEMPLATES = Path(__file__).resolve().parent / "templates"
_COLLECT_EVERY = 10


@dataclass(frozen=True)
class Recipe:
    """What is kept between documents, while the page is made by the naive template."""

    keeps_fonts: bool = False
    keeps_styles: bool = False
    has_own_fonts: bool = False
    pauses_collector: bool = False


RECIPES = {
    "naive": Recipe(),
    "fonts kept": Recipe(keeps_fonts=True),
    "styles kept": Recipe(keeps_fonts=True, keeps_styles=True),
    "own fonts only": Recipe(keeps_fonts=True, keeps_styles=True, has_own_fonts=True),
    "collector paused": Recipe(
        keeps_fonts=True, keeps_styles=True, has_own_fonts=True, pauses_collector=True
    ),
}
OURS = "ours"


def press_of(recipe: Recipe) -> Callable[[InvoiceDocument], bytes]:
    """A function that renders a document by ``recipe``."""
    if recipe.has_own_fonts:
        fonts.prepare()
    engine = Engine(dirs=[str(_TEMPLATES)])
    page = engine.get_template("naive_invoice.html")
    css = engine.get_template("naive_invoice.css").render(
        Context({"family": fonts.FAMILY if recipe.has_own_fonts else "sans-serif"})
    )
    kept_fonts = FontConfiguration() if recipe.keeps_fonts else None
    kept_styles = [CSS(string=css, font_config=kept_fonts)] if recipe.keeps_styles else None
    pictures: dict[str, object] | None = {} if recipe.keeps_styles else None
    if recipe.pauses_collector:
        gc.collect()
        gc.freeze()
        gc.disable()
    rendered = 0

    def press(document: InvoiceDocument) -> bytes:
        nonlocal rendered
        style = "" if recipe.keeps_styles else css
        html = page.render(Context({"sheet": lay_out(document), "style": style}))
        pdf: bytes = HTML(string=html).write_pdf(
            stylesheets=kept_styles, font_config=kept_fonts, cache=pictures, pdf_tags=True
        )
        rendered += 1
        if recipe.pauses_collector and rendered % _COLLECT_EVERY == 0:
            gc.collect()
        return pdf

    return press


@cache
def sample(lines: int) -> InvoiceDocument:
    return a_document(lines)


def main() -> None:
    """Answer each line of standard input with one of JSON, until there are no more."""
    django.setup()
    recipe = sys.argv[1]
    press = render_pdf if recipe == OURS else press_of(RECIPES[recipe])
    for request in sys.stdin:
        document = sample(int(request))
        start = time.process_time()
        pdf = press(document)
        answer = {
            "cpu": time.process_time() - start,
            "memory": _memory(),
            "size": len(pdf),
        }
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _memory() -> int:
    """Bytes of this process that are in memory now (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


if __name__ == "__main__":
    main()
