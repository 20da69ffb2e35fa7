"""What a soak lost, doubled, left out or altered, counted by itself: four figures to be nought.

Each customer has one document and each charge one line. Nothing here knows of the program's states:
what was handed in, what has a number, what files say and what a mail server accepted is compared.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from tests.reliability.charges import ChargeRow, Scene
from tests.reliability.installation import Installation
from tests.reliability.invariants import Witness
from tests.reliability.mailbox import Copy


@dataclass(frozen=True, slots=True)
class Losses:
    """How many of each. Second copies of one message are not doubles: they have figures apart."""

    lost_charges: int
    lost_files: int
    lost_messages: int
    double_charges: int
    double_documents: int
    double_messages: int
    gaps: int
    altered_rows: int
    altered_files: int
    altered_messages: int

    @property
    def lost(self) -> int:
        return self.lost_charges + self.lost_files + self.lost_messages

    @property
    def double(self) -> int:
        return self.double_charges + self.double_documents + self.double_messages

    @property
    def altered(self) -> int:
        return self.altered_rows + self.altered_files + self.altered_messages


def count_losses(
    installation: Installation,
    *,
    scene: Scene,
    charges: Sequence[ChargeRow],
    copies: Sequence[Copy],
    witness: Witness,
) -> Losses:
    billed = Counter(reference for (reference,) in installation.sql(_LINES))
    documents = Counter(account for (account,) in installation.sql(_DOCUMENTS))
    files = _files(installation)
    messages = _messages(copies)
    wanted = {recipient for account in scene.accounts for recipient in scene.recipients_of(account)}
    return Losses(
        lost_charges=sum(not billed[charge.reference] for charge in charges),
        lost_files=files["missing"] + sum(not documents[account] for account in scene.accounts),
        lost_messages=len(wanted - set(messages)),
        double_charges=sum(count - 1 for count in billed.values()),
        double_documents=sum(count - 1 for count in documents.values()),
        double_messages=sum(len(by_id) - 1 for by_id in messages.values()),
        gaps=sum(gaps for (gaps,) in installation.sql(_GAPS)),
        altered_rows=len(witness.altered),
        altered_files=files["altered"],
        altered_messages=sum(
            len(contents) - 1 for by_id in messages.values() for contents in by_id.values()
        ),
    )


def _files(installation: Installation) -> Counter[str]:
    found: Counter[str] = Counter()
    for key, digest in installation.sql(_FILES):
        path = installation.documents / key
        if not key or not path.is_file():
            found["missing"] += 1
        elif hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            found["altered"] += 1
    return found


def _messages(copies: Sequence[Copy]) -> dict[str, dict[str, set[str]]]:
    """By recipient and Message-ID, the hashes of what was accepted."""
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for copy in copies:
        found[copy.recipient][copy.message_id].add(copy.sha256)
    return found


_LINES = """
    SELECT line.source_reference FROM invoices_invoiceline line
    JOIN invoices_invoice document ON document.id = line.invoice_id
    WHERE document.number IS NOT NULL
"""
_DOCUMENTS = """
    SELECT account.external_reference FROM invoices_invoice document
    JOIN accounts_account account ON account.id = document.account_id
    WHERE document.number IS NOT NULL
"""
_FILES = """
    SELECT coalesce(file.storage_key, ''), file.sha256 FROM invoices_invoice document
    CROSS JOIN (VALUES ('pdf'), ('ubl')) AS wanted (kind)
    LEFT JOIN invoices_document file
        ON file.invoice_id = document.id AND file.kind = wanted.kind
    WHERE document.number IS NOT NULL
"""
# Numbers that a series has counted and no document carries.
_GAPS = """
    SELECT series.last_sequence - count(DISTINCT document.sequence)
    FROM invoices_numberseries series
    LEFT JOIN invoices_invoice document
        ON document.series_id = series.id AND document.number IS NOT NULL
    GROUP BY series.id
"""
