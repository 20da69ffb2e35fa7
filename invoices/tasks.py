from datetime import timedelta

from celery import shared_task
from django.utils.module_loading import import_string

from common import bell

# Shorter than a worker's soft shutdown (30 s): a stopped worker ends between two documents.
_BUDGET = timedelta(seconds=20)
# By name: the PDF engine takes a second of processor time to import, which beat and the workers of
# other queues need not spend. config.celery imports it in a worker that renders, before it forks.
_RENDER_DUE = "invoices.producing.render_due"


@shared_task(name=bell.RENDER_DOCUMENTS)
def render_documents() -> None:
    """Render documents that are due. Takes no payload: the rows say what is to be done."""
    bell.answered(bell.RENDER_DOCUMENTS)
    if not import_string(_RENDER_DUE)(budget=_BUDGET):
        bell.ring(bell.RENDER_DOCUMENTS)
