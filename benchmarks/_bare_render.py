"""Renders a part of the issued documents and says what the rendering alone cost, as JSON.

``python -m benchmarks._bare_render 0 4`` takes the first, fifth …, ``1 4`` the second, sixth …
What is read from the database is not counted, nor is the first render, which loads fonts and
templates.
"""

import json
import sys
import time

import django

django.setup()

from common.scoping import account_scope, all_accounts_scope  # noqa: E402 - after the set-up
from invoices.documents import document_of  # noqa: E402
from invoices.models import Invoice  # noqa: E402
from invoices.rendering.document import InvoiceDocument  # noqa: E402
from invoices.rendering.pdf import render_pdf  # noqa: E402


def main(part: int, parts: int) -> None:
    with all_accounts_scope("a benchmark renders every document"):
        issued = Invoice.objects.filter(state=Invoice.State.ISSUED).order_by("pk")
        keys = list(issued.values_list("pk", "account_id"))[part::parts]
    if keys:
        render_pdf(_document(*keys[0]))
    cpu = wall = 0.0
    for pk, account_pk in keys:
        document = _document(pk, account_pk)
        cpu_before, wall_before = time.process_time(), time.perf_counter()
        render_pdf(document)
        cpu += time.process_time() - cpu_before
        wall += time.perf_counter() - wall_before
    print(json.dumps({"documents": len(keys), "cpu": cpu, "wall": wall}))


def _document(pk: int, account_pk: int) -> InvoiceDocument:
    with account_scope(account_pk):
        invoice = Invoice.objects.select_related("account", "preceding").get(pk=pk)
        return document_of(invoice)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
