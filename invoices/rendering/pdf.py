"""A document as PDF bytes: WeasyPrint, used the way that measured fastest (docs/rendering.md).

The same document gives the same bytes, today and in another process: nothing here reads a clock, a
random number or the network. Render in processes, never in threads: Pango's font maps may not be
shared between threads, and the process would crash.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, lru_cache

from django.conf import settings
from django.template.loader import render_to_string
from weasyprint import CSS, HTML
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import FatalURLFetchingError

from invoices.rendering import archival, fonts
from invoices.rendering.composing import lay_out
from invoices.rendering.document import InvoiceDocument
from invoices.rendering.fetcher import DenyingFetcher
from invoices.rendering.formatting import printable
from invoices.rendering.legible import legible

# Raised with every change that alters what the same document prints; stored with each document.
LAYOUT_VERSION = "2"

# Where no seller's colour is given.
_USUAL_COLOUR = "#1f3a5f"
# The collector walks the whole heap, so it pays to let garbage gather. How much there is depends on
# the lines rendered: counted in documents, a few long ones would fill the memory.
_COLLECT_AFTER_LINES = 150
# What a page has besides lines: heading, payment, totals.
_LINES_WORTH_OF_A_PAGE = 5


class RenderingRefused(Exception):
    """The document asked for something outside itself and was not printed."""


class LogoMissing(Exception):
    """The seller's logo is not in LOGOS_DIR of this machine."""


class _Press:
    """What is kept between documents: fonts, parsed styles, pictures. One per process."""

    def __init__(self) -> None:
        self.coverage = fonts.prepare()
        self.fonts = FontConfiguration()
        self.fetcher = DenyingFetcher()
        self.pictures: dict[str, object] = {}
        self.lines_since_collection = 0
        # What exists by now (modules, settings, this) stays: the collector need not look again.
        gc.collect()
        gc.freeze()

    @contextmanager
    def collector_paused(self, *, lines: int) -> Iterator[None]:
        was_enabled = gc.isenabled()
        gc.disable()
        try:
            yield
        finally:
            if was_enabled:
                gc.enable()
            self.lines_since_collection += lines + _LINES_WORTH_OF_A_PAGE
            if self.lines_since_collection >= _COLLECT_AFTER_LINES:
                gc.collect()
                self.lines_since_collection = 0


_press = cache(_Press)


def render_pdf(document: InvoiceDocument, *, einvoice: bytes | None = None) -> bytes:
    """The PDF of ``document``: PDF/A-3a and PDF/UA-1, with ``einvoice`` embedded as factur-x.xml.

    Language, title and every date come from the document alone. Raises FontsMissing, LogoMissing or
    RenderingRefused.
    """
    sheet = lay_out(document)
    press = _press()
    page = render_to_string("invoices/pdf/document.html", {"sheet": sheet})
    html = legible(printable(page), press.coverage)
    if sheet.logo:
        press.fetcher.allow(f"logo:{sheet.logo}", _logo(sheet.logo))
    attachments = []
    if einvoice is not None:
        if document.issue_date is None:
            raise RenderingRefused("a draft carries no e-invoice")
        attachments.append(
            archival.attachment(
                einvoice,
                issue_date=document.issue_date,
                description=f"{sheet.title} (Factur-X, EN 16931)",
                url_fetcher=press.fetcher,
            )
        )
    with press.collector_paused(lines=len(sheet.rows)):
        try:
            pdf: bytes = HTML(string=html, url_fetcher=press.fetcher).write_pdf(
                stylesheets=[_style(sheet.words.page, sheet.colour or _USUAL_COLOUR)],
                font_config=press.fonts,
                cache=press.pictures,
                pdf_variant=archival.VARIANT,
                output_intent=archival.NO_OUTPUT_INTENT,
                attachments=attachments,
                finisher=archival.finisher(has_einvoice=einvoice is not None),
            )
        except FatalURLFetchingError as error:
            # A BaseException, which would end the worker and not only this document.
            raise RenderingRefused("the document tried to load something") from error
    return pdf


@lru_cache(maxsize=64)
def _style(page: str, colour: str) -> CSS:
    """The style sheet, parsed, for one language's page numbers and one seller's colour."""
    before, _, rest = page.partition("{page}")
    between, _, after = rest.partition("{pages}")
    press = _press()
    css = render_to_string(
        "invoices/pdf/document.css",
        {
            "family": fonts.FAMILY,
            "figures": fonts.FIGURES_FAMILY,
            "colour": colour,
            "page_before": before,
            "page_between": between,
            "page_after": after,
        },
    )
    return CSS(string=css, font_config=press.fonts, url_fetcher=press.fetcher)


@cache
def _logo(name: str) -> bytes:
    path = settings.LOGOS_DIR / name
    try:
        return bytes(path.read_bytes())
    except OSError as error:
        raise LogoMissing(f"{path} cannot be read") from error
