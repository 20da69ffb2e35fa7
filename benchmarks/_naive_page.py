"""The page as one would first write it: with flex boxes and the fonts of the system."""

from functools import cache
from pathlib import Path

from django.template import Context, Engine
from django.template.base import Template

from invoices.rendering.composing import lay_out
from invoices.rendering.document import InvoiceDocument

_TEMPLATES = Path(__file__).resolve().parent / "templates"


def naive_page(document: InvoiceDocument, *, style: str) -> str:
    """The page as HTML, with ``style`` in it if there is any."""
    context = Context({"sheet": lay_out(document), "style": style})
    return str(_template("naive_invoice.html").render(context))


def naive_style(*, family: str) -> str:
    return str(_template("naive_invoice.css").render(Context({"family": family})))


@cache
def _template(name: str) -> Template:
    return Engine(dirs=[str(_TEMPLATES)]).get_template(name)
