"""The queue of documents to render."""

from audit.actions import Action
from audit.parking import parking_recorder
from common.claims import Queue
from invoices.models import Document

RENDER_QUEUE = Queue(
    Document,
    due_states=(Document.State.PENDING,),
    working_state=Document.State.RENDERING,
    parked_state=Document.State.PARKED,
    record_parked=parking_recorder(Action.DOCUMENT_PARKED, what="document", part="rendering"),
    # A document takes fifty times as long as a claim.
    batch_size=5,
)
