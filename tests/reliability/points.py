"""The named points at which a process can be made to kill itself, and how that is asked for.

A point lies before or after a function of the program, named by where it is looked up. The program
knows nothing of it: ``tests.reliability.killing`` wraps the function in the process that is to die.
"""

from dataclasses import dataclass
from enum import Enum, auto


class When(Enum):
    BEFORE = auto()
    # Calls that found nothing to do (an empty claim, a lost lease) are not counted.
    AFTER = auto()


@dataclass(frozen=True, slots=True)
class Point:
    """``targets`` are ``module:name``. ``may_copy``: dying here may give a second copy of mail."""

    says: str
    when: When
    targets: tuple[str, ...]
    may_copy: bool = False


@dataclass(frozen=True, slots=True)
class KillAt:
    """Die at the ``call``-th call in each process, ``times`` times in all processes together."""

    point: str
    call: int = 1
    times: int = 1


POINTS = {
    # --- Any queue ------------------------------------------------------------------------------
    "before claim": Point(
        "about to lease rows",
        When.BEFORE,
        ("common.claims:claim",),
    ),
    "claimed": Point(
        "rows are leased, no attempt is counted yet",
        When.AFTER,
        ("common.claims:claim",),
    ),
    "begun": Point(
        "an attempt is counted, nothing is done",
        When.AFTER,
        ("billing.working:begin", "invoices.producing:begin"),
    ),
    "before commit": Point(
        "everything is written in a transaction, which is lost",
        When.BEFORE,
        ("django.db.backends.base.base:BaseDatabaseWrapper._commit",),
        may_copy=True,
    ),
    "committed": Point(
        "a transaction is committed, nobody has been told",
        When.AFTER,
        ("django.db.backends.base.base:BaseDatabaseWrapper._commit",),
    ),
    "before ring": Point(
        "rows are committed, the bell has not rung for them",
        When.BEFORE,
        ("common.bell:_send",),
    ),
    # --- Billing --------------------------------------------------------------------------------
    "before draft": Point(
        "about to draft an account",
        When.BEFORE,
        ("billing.working:draft_account",),
    ),
    "drafted": Point(
        "an account is drafted, its charges consumed, nothing committed",
        When.AFTER,
        ("billing.working:draft_account",),
    ),
    "before number": Point(
        "a document is prepared and about to lock its series",
        When.BEFORE,
        ("invoices.issuing:lock_next_number",),
    ),
    "numbered": Point(
        "the series has counted on, its document does not carry the number yet",
        When.AFTER,
        ("invoices.issuing:take",),
    ),
    "issued": Point(
        "an account's documents are numbered and frozen, nothing committed",
        When.AFTER,
        ("billing.working:issue_locked",),
    ),
    "issue committed": Point(
        "an account's documents are committed",
        When.AFTER,
        ("billing.working:_issue",),
    ),
    # --- Rendering ------------------------------------------------------------------------------
    "checked": Point(
        "both e-invoices are made and checked, in memory alone",
        When.AFTER,
        ("invoices.producing:check_ubl",),
    ),
    "before render": Point(
        "a document is read and about to be rendered",
        When.BEFORE,
        ("invoices.producing:render_pdf",),
    ),
    "mid render": Point(
        "a document is laid out and not yet a PDF",
        When.BEFORE,
        ("weasyprint.document:Document.write_pdf",),
    ),
    "rendered": Point(
        "a PDF is in memory alone",
        When.AFTER,
        ("invoices.producing:render_pdf",),
    ),
    "before write": Point(
        "a file is open under a passing name, and empty",
        When.BEFORE,
        ("common.storage.filesystem:_write_through",),
    ),
    "before rename": Point(
        "a file is whole and on disk under a passing name",
        When.AFTER,
        ("common.storage.filesystem:_write_through",),
    ),
    # The first call stores the PDF, the second the UBL: half of the files, and all of them.
    "stored": Point(
        "a file has its name, its row does not say so",
        When.AFTER,
        ("invoices.producing:store_document",),
    ),
    "second file recorded": Point(
        "the rows of both files are written, nothing committed",
        When.AFTER,
        ("invoices.producing:_record_ubl",),
    ),
    "mail queued": Point(
        "a document's row and its messages are written, nothing committed",
        When.AFTER,
        ("invoices.producing:queue_emails",),
    ),
    "document finished": Point(
        "a document and its messages are committed",
        When.AFTER,
        ("invoices.producing:_finish",),
    ),
    # --- Mail -----------------------------------------------------------------------------------
    "before offer": Point(
        "a message is begun, the server knows nothing of it",
        When.BEFORE,
        ("mail.transport:Transport._offer",),
    ),
    "offered": Point(
        "the server waits for the content",
        When.AFTER,
        ("mail.transport:Transport._offer",),
    ),
    "after content": Point(
        "the content has left, no answer is read",
        When.BEFORE,
        ("mail.transport:Transport._last_answer",),
        may_copy=True,
    ),
    "accepted": Point(
        "the server took the message, nothing says so here",
        When.AFTER,
        ("mail.transport:Transport._last_answer",),
        may_copy=True,
    ),
    "before sent mark": Point(
        "about to mark a message as sent",
        When.BEFORE,
        ("mail.settling:_mark_sent",),
        may_copy=True,
    ),
    "marked sent": Point(
        "a message is marked as sent, nothing committed",
        When.AFTER,
        ("mail.settling:_mark_sent",),
        may_copy=True,
    ),
    "settled": Point(
        "what became of a message is committed and the next one begun",
        When.AFTER,
        ("mail.sending:settle",),
    ),
}
