"""Stored documents and mail: bytes against rows, and what was attached against both."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain

from common.storage import DocumentAltered, DocumentMissing, StorageUnavailable, read_document
from invoices.documents import currencies_of
from invoices.models import Delivery, Document, FurtherDelivery
from invoices.proving.findings import Finding
from invoices.proving.reading import Bundle
from invoices.rendering.einvoice.currencies import too_fine_currency

# A bucket answers several at once; each holds one document in memory.
_AT_ONCE = 4


class Files:
    """Looks at the files of lot after lot. Once the storage is ``away`` it looks at none."""

    def __init__(self) -> None:
        self.away = ""
        self.read = 0
        self.bytes = 0
        # By series: what is still to come, and documents from before there was UBL. No faults.
        self.to_be_rendered: Counter[str] = Counter()
        self.without_ubl: Counter[str] = Counter()

    def check(self, bundles: list[Bundle], *, prefix: str) -> Iterator[Finding]:
        """Rows of files and mail of a lot, then the bytes themselves."""
        for bundle in bundles:
            yield from _rows(bundle)
            self.to_be_rendered[prefix] += _waits(bundle)
            self.without_ubl[prefix] += _lacks_ubl(bundle)
        if not self.away:
            yield from self._read(bundles)

    def notes(self) -> Iterator[Finding]:
        """What is no error, by series; to be asked for at the end."""
        for counted_by_series, words in (
            (self.to_be_rendered, "{:,} of its PDFs are still to be rendered"),
            (self.without_ubl, "{:,} of its documents have no UBL, as older ones do not"),
        ):
            for prefix, number in sorted(counted_by_series.items()):
                if number:
                    yield Finding(prefix, words.format(number), is_note=True)

    def _read(self, bundles: list[Bundle]) -> Iterator[Finding]:
        stored = [
            (bundle.number, file)
            for bundle in bundles
            for file in bundle.files
            if file.state == Document.State.STORED
        ]
        with ThreadPoolExecutor(_AT_ONCE) as readers:
            try:
                for (number, file), words in zip(
                    stored, readers.map(_differs, [file for _, file in stored]), strict=True
                ):
                    self.read += 1
                    self.bytes += file.size or 0
                    if words:
                        yield Finding(number, words)
            except StorageUnavailable as outage:
                self.away = str(outage)
                readers.shutdown(cancel_futures=True)


def _differs(file: Document) -> str:
    """How the bytes differ from what the row says; empty when they do not. Asks no database."""
    name = f"its {file.kind} ({file.storage_key})"
    try:
        content = read_document(file.storage_key, sha256=file.sha256)
    except DocumentMissing:
        return f"{name} is missing from the storage"
    except DocumentAltered:
        return f"{name} is not the file whose hash was recorded"
    if len(content) != file.size:
        return f"{name} has {len(content)} bytes and not {file.size}"
    return ""


def _rows(bundle: Bundle) -> Iterator[Finding]:
    files = {file.kind: file for file in bundle.files}
    pdf = files.get(Document.Kind.PDF)
    if pdf is None:
        yield Finding(bundle.number, "it has no PDF, and none is being made")
    elif pdf.state == Document.State.PARKED:
        yield Finding(bundle.number, f"it has no PDF: rendering was given up ({pdf.last_error})")
    for file in bundle.files:
        named = file.storage_key.rpartition("/")[2].partition(".")[0]
        if file.state == Document.State.STORED and named != file.sha256:
            yield Finding(bundle.number, f"its {file.kind} is not stored under its hash")
    known = {(file.storage_key, file.sha256) for file in bundle.files if file.sha256}
    deliveries: Iterator[Delivery | FurtherDelivery] = chain(bundle.deliveries, bundle.further)
    for delivery in deliveries:
        for words in _mail(delivery, known):
            yield Finding(bundle.number, words)


def _mail(delivery: Delivery | FurtherDelivery, known: set[tuple[str, str]]) -> Iterator[str]:
    email = delivery.email
    if email is None:
        return
    if email.recipient_address != delivery.address:
        yield f"its mail for {delivery.address} is addressed to {email.recipient_address}"
    if (email.attachment_key, email.attachment_sha256) not in known:
        yield f"its mail to {delivery.address} carries another file than the stored document"


def _waits(bundle: Bundle) -> bool:
    waiting = (Document.State.PENDING, Document.State.RENDERING)
    return any(file.kind == Document.Kind.PDF and file.state in waiting for file in bundle.files)


def _lacks_ubl(bundle: Bundle) -> bool:
    stored = {file.kind for file in bundle.files if file.state == Document.State.STORED}
    is_due = not too_fine_currency(*currencies_of(bundle.invoice))
    return is_due and Document.Kind.PDF in stored and Document.Kind.UBL not in stored
