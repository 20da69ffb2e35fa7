from datetime import timedelta

from celery import shared_task

from common import bell
from invoices.producing import render_due

# Shorter than a worker's soft shutdown (30 s): a stopped worker ends between two documents.
_BUDGET = timedelta(seconds=20)


@shared_task(name=bell.RENDER_DOCUMENTS)
def render_documents() -> None:
    """Render documents that are due. Takes no payload: the rows say what is to be done."""
    bell.answered(bell.RENDER_DOCUMENTS)
    if not render_due(budget=_BUDGET):
        bell.ring(bell.RENDER_DOCUMENTS)
