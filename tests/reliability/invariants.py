"""What must hold after any fault, judged from outside.

From the rows (plain SQL as the superuser, none of the program's models or sums), from the files on
disk, from what a mail server accepted, and from what was handed in. Every test of faults calls
``check_invariants``; the numbers I1 to I8 are those of docs/reliability.md. I7 (one successful
charge for each invoice, never above what is due) has its place here once there are payments.
"""

import hashlib
import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

from psycopg.rows import namedtuple_row
from pypdfium2 import PdfDocument

from common.embedded import postgres
from tests.reliability.charges import ChargeRow, Scene
from tests.reliability.installation import Installation
from tests.reliability.mailbox import Copy

_EXAMPLES = 5
# What a second look (beat's sweep, every 20 s) may be late by.
_LATE = timedelta(seconds=60)
_DIGITS_OF = {"JPY": 0, "KRW": 0, "KWD": 3, "BHD": 3}
# Thousands and decimal mark by language.
_MARKS = {"en": (",", "."), "de": (".", ","), "fr": (" ", ",")}
_FINAL = ("sent", "failed", "withheld", "bounced")

# Called with the facts; says each violation in a sentence.
Check = Callable[["Facts"], Iterator[str]]


@dataclass(frozen=True, slots=True)
class Figures:
    """What was counted, for a table. ``leftovers`` are passing files of killed processes."""

    charges: int
    documents: int
    credit_notes: int
    stored: int
    deliveries: int
    accepted: int
    second_copies: int
    most_copies: int
    failed: int
    parked: int
    kills: int
    kills_of_mail: int
    leftovers: int


@dataclass(frozen=True)
class Expectation:
    """What a test expects beside the rule. Accounts are given by their external references."""

    scene: Scene | None
    charges: Sequence[ChargeRow] | None
    # Accounts whose work stopped for people to see: none of their rows need be finished.
    parked: frozenset[str]
    most_copies: int
    texts: int | None


@dataclass
class Facts:
    """Everything that the checks look at, read once."""

    expectation: Expectation
    documents: list[Any]
    lines: dict[int, list[Any]]
    tax_lines: dict[int, list[Any]]
    allowances: dict[int, list[Any]]
    entries: list[Any]
    series: list[Any]
    files: list[Any]
    deliveries: list[Any]
    emails: list[Any]
    unfinished: list[Any]
    folder: Path
    copies: dict[tuple[str, str], list[Copy]]
    altered: list[str]
    kills: int
    kills_of_mail: int
    # Messages that the server kept without being able to say so.
    answers_lost: int

    @property
    def issued(self) -> list[Any]:
        return [document for document in self.documents if document.state != "draft"]

    def is_parked(self, row: Any) -> bool:
        return row.account in self.expectation.parked

    @property
    def second_copies(self) -> int:
        return sum(len(copies) - 1 for copies in self.copies.values())

    @property
    def excuses(self) -> int:
        """How many second copies there may be: nobody could know that the first had arrived."""
        return self.kills_of_mail + self.answers_lost

    @property
    def leftovers(self) -> list[Path]:
        """Passing names, under which a file is written before it has its own."""
        return list(self.folder.rglob(".*"))


@dataclass
class Witness:
    """Remembers issued rows as they first were: look during a run, compare at its end.

    Digests of whole rows, so that a column added later is held as well. Left out is what may
    change: which email a recipient's row got, and a file's row until it is stored.
    """

    installation: Installation
    # Digests by what the row is, as people call it.
    seen: dict[str, str] = field(default_factory=dict)
    altered: list[str] = field(default_factory=list)

    def look(self) -> int:
        """Compare what was seen before and remember what is new; returns how many rows are known.

        Raises psycopg.OperationalError while PostgreSQL is away.
        """
        now = dict(self.installation.sql(_FROZEN_ROWS))
        for name, digest in self.seen.items():
            if name not in now:
                self.altered.append(f"{name} is gone")
            elif now[name] != digest:
                self.altered.append(f"{name} has changed")
        self.seen |= {name: digest for name, digest in now.items() if name not in self.seen}
        return len(self.seen)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was counted, and by each check its violations as sentences: none where it holds."""

    figures: Figures
    violations: dict[str, list[str]]


def check_invariants(
    installation: Installation,
    *,
    scene: Scene | None = None,
    charges: Sequence[ChargeRow] | None = None,
    witness: Witness | None = None,
    parked: Collection[str] = (),
    most_copies: int = 2,
    texts: int | None = None,
) -> Figures:
    """Raise AssertionError naming every invariant that does not hold, with examples.

    ``scene`` and ``charges`` are what was handed in: with them, recipients and amounts are compared
    with it, and not only with the program's own rows. ``parked`` are the external references of
    accounts that a test expects to be left for people. ``most_copies`` of one message, kills
    permitting. ``texts`` limits how many PDFs and attachments are opened; all unless given.
    """
    expectation = Expectation(scene, charges, frozenset(parked), most_copies, texts)
    judgement = judge(installation, expectation, witness=witness)
    found: list[str] = []
    for name, violations in judgement.violations.items():
        if violations:
            found.append(f"{name}: {len(violations)} violations")
            found += [f"    {violation}" for violation in violations[:_EXAMPLES]]
    if found:
        raise AssertionError("\n".join(["Not everything holds.", *found]))
    return judgement.figures


def judge(
    installation: Installation, expectation: Expectation, *, witness: Witness | None = None
) -> Judgement:
    """Every check by its name, whether it holds or not."""
    if witness:
        witness.look()
    facts = _read(installation, expectation, altered=witness.altered if witness else [])
    return Judgement(_figures(facts), {name: list(check(facts)) for name, check in _CHECKS})


# --- I1: billed once, and added up rightly --------------------------------------------------------


def _billed_once(facts: Facts) -> Iterator[str]:
    """Every due charge is on one line of one issued document, with its own figures."""
    for entry in facts.entries:
        if facts.is_parked(entry):
            continue
        name = f"charge {entry.id} ({entry.source_reference}) of {entry.account}"
        if entry.line is None:
            yield f"{name} was not billed"
        elif entry.document_state != "issued":
            yield f"{name} is on a document that is {entry.document_state}"
        elif entry.document_account != entry.account_id:
            yield f"{name} is on another account's document"
        elif (entry.sign * entry.line_quantity, entry.line_price) != (
            entry.quantity,
            entry.unit_price,
        ):
            yield f"{name} is billed with other figures"
    of_lines = Counter(entry.line for entry in facts.entries if entry.line is not None)
    for document in facts.issued:
        for line in facts.lines[document.id]:
            if of_lines[line.id] != 1:
                yield f"line {line.position} of {document.number} has {of_lines[line.id]} charges"


def _as_handed_in(facts: Facts) -> Iterator[str]:
    """The same from the file's side: what was handed in is on one line each, to the penny."""
    if facts.expectation.charges is None:
        return
    billed: dict[str, list[Decimal]] = defaultdict(list)
    for document in facts.issued:
        for line in facts.lines[document.id]:
            billed[line.source_reference].append(_sign(document) * line.net_amount)
    for row in facts.expectation.charges:
        amounts = billed.pop(row.reference, [])
        if row.account in facts.expectation.parked and not amounts:
            continue
        if amounts != [row.net]:
            yield f"{row.reference} of {row.net} is billed as {amounts or 'nothing'}"
    for reference, amounts in billed.items():
        yield f"nobody handed in {reference}, billed as {amounts}"


def _adds_up(facts: Facts) -> Iterator[str]:
    """Totals from the lines: rounded half away from zero, tax once for each rate."""
    for document in facts.issued:
        lines, allowances = facts.lines[document.id], facts.allowances[document.id]
        rounded = _rounding(document.currency)
        for line in lines:
            on_line = sum((_signed(each) for each in allowances if each.line == line.id), Decimal())
            net = rounded(line.quantity * line.unit_price / line.price_base_quantity + on_line)
            if net != line.net_amount:
                yield f"{document.number}, line {line.position}: {line.net_amount} and not {net}"
        taxed: dict[tuple[str, Decimal], Decimal] = defaultdict(Decimal)
        for line in lines:
            taxed[line.tax_category, line.tax_rate] += line.net_amount
        for each in allowances:
            if each.line is None:
                taxed[each.tax_category, each.tax_rate] += _signed(each)
        wanted = {key: (net, rounded(net * key[1] / 100)) for key, net in taxed.items()}
        told = {
            (line.category, line.rate): (line.taxable_amount, line.tax_amount)
            for line in facts.tax_lines[document.id]
        }
        net = sum(taxed.values(), Decimal())
        tax = sum((amount for _, amount in wanted.values()), Decimal())
        if told != wanted:
            yield f"{document.number}: tax {told} and not {wanted}"
        totals = (document.net_total, document.tax_total, document.gross_total)
        if totals != (net, tax, net + tax):
            yield f"{document.number}: net, tax, gross {totals} and not {(net, tax, net + tax)}"


# --- I2: numbers ----------------------------------------------------------------------------------


def _numbers_have_no_gap(facts: Facts) -> Iterator[str]:
    by_series: dict[int | None, list[Any]] = defaultdict(list)
    for document in facts.issued:
        by_series[document.series_id].append(document)
    for series in facts.series:
        documents = sorted(by_series.pop(series.id, []), key=lambda each: each.sequence)
        found = [document.sequence for document in documents]
        if found != list(range(1, series.last_sequence + 1)):
            yield (
                f"series {series.prefix} counts to {series.last_sequence} and has {_runs(found)}"
            )
        previous = ""
        for document in documents:
            wanted = f"{series.prefix}{document.sequence:0{series.digits}d}"
            if document.number != wanted:
                yield f"{document.number} should be {wanted}"
            if document.previous_hash != previous:
                yield f"{document.number} does not follow the document before it in the chain"
            previous = document.content_hash
        if series.last_hash != previous:
            yield f"series {series.prefix} does not end with its newest document"
        dates = [document.issue_date for document in documents]
        if dates != sorted(dates):
            yield f"issue dates of series {series.prefix} go back"
    for documents in by_series.values():
        yield f"{documents[0].number} belongs to no series"


# --- I3: frozen rows ------------------------------------------------------------------------------


def _nothing_changed(facts: Facts) -> Iterator[str]:
    yield from facts.altered


# --- I4: files ------------------------------------------------------------------------------------

_KINDS_OF_FILE = {"pdf", "ubl"}


def _documents_are_stored(facts: Facts) -> Iterator[str]:
    of_document: dict[int, list[Any]] = defaultdict(list)
    for file in facts.files:
        of_document[file.invoice_id].append(file)
    for document in facts.issued:
        files = {file.kind: file for file in of_document.pop(document.id, [])}
        pdf = files.get("pdf")
        if pdf is None:
            yield f"{document.number} has no PDF"
        elif pdf.state != "stored":
            if not facts.is_parked(document):
                yield f"{document.number} is {pdf.state}: {pdf.last_error or 'no error'}"
            elif len(files) > 1:
                yield f"{document.number} is {pdf.state}, but has another file"
        elif set(files) != _KINDS_OF_FILE:
            yield f"{document.number} has the files {sorted(files)}"
        else:
            for file in files.values():
                yield from _file_is_whole(document, file, facts.folder)
    for strays in of_document.values():
        yield f"file {strays[0].id} belongs to no issued document"
    keys = Counter(file.storage_key for file in facts.files if file.storage_key)
    yield from (f"{key} belongs to {count} documents" for key, count in keys.items() if count > 1)


def _is_stored_pdf(file: Any) -> bool:
    return bool(file.kind == "pdf" and file.state == "stored")


def _file_is_whole(document: Any, file: Any, folder: Path) -> Iterator[str]:
    path = folder / file.storage_key
    if not path.is_file():
        yield f"{document.number}: {file.storage_key} is missing"
        return
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != file.sha256 or len(content) != file.size:
        yield f"{document.number}: {file.storage_key} is not what its row says"


def _texts_say_number_and_total(facts: Facts) -> Iterator[str]:
    stored = {file.invoice_id: file for file in facts.files if _is_stored_pdf(file)}
    documents = [document for document in facts.issued if document.id in stored]
    for document in _sample(documents, facts.expectation.texts):
        path = facts.folder / stored[document.id].storage_key
        if not path.is_file():
            continue  # told above
        text = text_of(path.read_bytes())
        total = _written(document.gross_total, document.locale, document.currency)
        for wanted in (document.number, total):
            if wanted not in text:
                yield f"the PDF of {document.number} does not say {wanted}"


def _no_other_files_stay(facts: Facts) -> Iterator[str]:
    """But those that a process was writing when it was killed: it cannot take them along."""
    known = {facts.folder / file.storage_key for file in facts.files if file.storage_key}
    for path in facts.folder.rglob("*.*"):
        if path.suffix in {".pdf", ".xml"} and path not in known:
            yield f"{path.name} belongs to no document"
    if len(facts.leftovers) > facts.kills:
        yield f"{len(facts.leftovers)} passing files for {facts.kills} kills"


def text_of(pdf: bytes) -> str:
    """All pages, with every run of spaces as one."""
    document = PdfDocument(pdf)
    try:
        pages = [page.get_textpage().get_text_range() for page in document]
    finally:
        document.close()
    return re.sub(r"\s+", " ", "\n".join(pages))


# --- I5 and I6: mail ------------------------------------------------------------------------------


def _mail_arrived_or_failed(facts: Facts) -> Iterator[str]:
    emails = {email.id: email for email in facts.emails}
    recipients: dict[int, set[str]] = defaultdict(set)
    for delivery in facts.deliveries:
        recipients[delivery.invoice_id].add(delivery.address)
        if facts.is_parked(delivery) and delivery.document_state != "stored":
            continue
        name = f"{delivery.number} to {delivery.address}"
        if (email := emails.pop(delivery.email_id, None)) is None:
            yield f"{name}: no message was made"
        elif email.state == "sent":
            if (delivery.address, email.message_id) not in facts.copies:
                yield f"{name} is marked as sent, but no server has it"
        elif email.state not in _FINAL:
            yield f"{name} is {email.state}"
        elif not (email.last_error or email.server_response) and email.state != "withheld":
            yield f"{name} is {email.state} and nothing says why"
    for document in facts.issued:
        wanted = _wanted_recipients(facts, document) or recipients[document.id]
        if not wanted or recipients[document.id] != wanted:
            yield f"{document.number} goes to {recipients[document.id]} and not to {wanted}"


def _wanted_recipients(facts: Facts, document: Any) -> set[str]:
    scene = facts.expectation.scene
    return scene.recipients_of(document.account) if scene else set()


def _copies_are_few_and_the_same(facts: Facts) -> Iterator[str]:
    known = {(email.recipient_address, email.message_id) for email in facts.emails}
    for (recipient, message_id), copies in facts.copies.items():
        name = f"{message_id} to {recipient}"
        if (recipient, message_id) not in known:
            yield f"{name} was accepted, but nobody queued it"
        if len({copy.sha256 for copy in copies}) > 1:
            yield f"{name}: {len(copies)} copies that differ"
        if len(copies) > min(facts.expectation.most_copies, 1 + facts.excuses):
            yield f"{name}: {len(copies)} copies, with {facts.kills_of_mail} kills of mail workers"
    if facts.second_copies > facts.excuses:
        yield f"{facts.second_copies} second copies for {facts.kills_of_mail} kills of mail workers"


def _mail_carries_its_document(facts: Facts) -> Iterator[str]:
    """The attachment that was accepted is the stored file, for those messages that were kept."""
    numbers = {email.message_id: email for email in facts.emails if email.attachment_sha256}
    kept = [copies[0] for copies in facts.copies.values() if copies[0].content]
    for copy in _sample(kept, facts.expectation.texts):
        message = message_from_bytes(copy.content, policy=policy.SMTP)
        attached = [
            hashlib.sha256(part.get_content()).hexdigest()
            for part in message.walk()
            if part.get_content_type() == "application/pdf"
        ]
        email = numbers.get(copy.message_id)
        if email is not None and attached != [email.attachment_sha256]:
            yield f"{copy.message_id} to {copy.recipient} does not carry its document"


# --- I8: nothing stuck ----------------------------------------------------------------------------


def _nothing_is_stuck(facts: Facts) -> Iterator[str]:
    for row in facts.unfinished:
        if facts.is_parked(row):
            continue
        name = f"{row.what} {row.id} of {row.account}"
        if row.state in ("parked", "draft"):
            yield f"{name} is {row.state}: {row.last_error or 'no error'}"
        elif row.late is not None and row.late > _LATE:
            yield f"{name} is {row.state}, {row.late} after its time, attempts {row.attempts}"


_CHECKS: tuple[tuple[str, Check], ...] = (
    ("I1, every charge is billed once", _billed_once),
    ("I1, what was handed in is billed", _as_handed_in),
    ("I1, documents add up", _adds_up),
    ("I2, numbers are 1 to N in one chain", _numbers_have_no_gap),
    ("I3, issued rows never change", _nothing_changed),
    ("I4, each document has its file", _documents_are_stored),
    ("I4, each file says number and total", _texts_say_number_and_total),
    ("I4, no other files stay", _no_other_files_stay),
    ("I5, mail arrived or visibly failed", _mail_arrived_or_failed),
    ("I6, copies are few and the same", _copies_are_few_and_the_same),
    ("I6, mail carries its document", _mail_carries_its_document),
    ("I8, nothing is stuck", _nothing_is_stuck),
)


# --- Reading --------------------------------------------------------------------------------------


def _read(installation: Installation, expectation: Expectation, *, altered: list[str]) -> Facts:
    kills = installation.kills.all()
    with postgres.connect(installation.places) as connection:
        # One moment for all tables, should anything still be moving.
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")

        def rows(query: str) -> list[Any]:
            cursor = connection.cursor(row_factory=namedtuple_row)
            return cursor.execute(query.encode()).fetchall()

        return Facts(
            expectation=expectation,
            documents=rows(_DOCUMENTS),
            lines=_by_document(rows("SELECT * FROM invoices_invoiceline ORDER BY position")),
            tax_lines=_by_document(rows("SELECT * FROM invoices_invoicetaxline")),
            allowances=_by_document(
                rows("SELECT *, line_id AS line FROM invoices_invoiceallowance")
            ),
            entries=rows(_ENTRIES),
            series=rows("SELECT * FROM invoices_numberseries"),
            files=rows("SELECT * FROM invoices_document"),
            deliveries=rows(_DELIVERIES),
            emails=rows(_EMAILS),
            unfinished=rows(_UNFINISHED),
            folder=installation.documents,
            copies=_copies(installation.mailbox.copies),
            altered=altered,
            kills=len(kills),
            kills_of_mail=sum(kill.may_copy for kill in kills),
            answers_lost=installation.mailbox.answers_lost,
        )


def _figures(facts: Facts) -> Figures:
    return Figures(
        charges=len(facts.entries),
        documents=len(facts.issued),
        credit_notes=sum(document.kind == "credit_note" for document in facts.issued),
        stored=sum(map(_is_stored_pdf, facts.files)),
        deliveries=len(facts.deliveries),
        accepted=sum(map(len, facts.copies.values())),
        second_copies=facts.second_copies,
        most_copies=max(map(len, facts.copies.values()), default=0),
        failed=sum(email.state == "failed" for email in facts.emails),
        parked=sum(row.state == "parked" for row in facts.unfinished),
        kills=facts.kills,
        kills_of_mail=facts.kills_of_mail,
        leftovers=len(facts.leftovers),
    )


def _by_document(rows: Iterable[Any]) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        found[row.invoice_id].append(row)
    return found


def _copies(accepted: Iterable[Copy]) -> dict[tuple[str, str], list[Copy]]:
    found: dict[tuple[str, str], list[Copy]] = defaultdict(list)
    for copy in accepted:
        found[copy.recipient, copy.message_id].append(copy)
    return dict(found)


_DOCUMENTS = """
    SELECT document.*, account.external_reference AS account
    FROM invoices_invoice document JOIN accounts_account account ON account.id = document.account_id
    ORDER BY document.id
"""
_ENTRIES = """
    SELECT entry.id, entry.account_id, account.external_reference AS account,
           entry.source_reference, entry.quantity, entry.unit_price,
           line.id AS line, line.quantity AS line_quantity, line.unit_price AS line_price,
           document.state AS document_state, document.account_id AS document_account,
           CASE document.kind WHEN 'credit_note' THEN -1 ELSE 1 END AS sign
    FROM billing_billingentry entry
    JOIN accounts_account account ON account.id = entry.account_id
    LEFT JOIN invoices_invoiceline line ON line.id = entry.invoice_line_id
    LEFT JOIN invoices_invoice document ON document.id = line.invoice_id
    WHERE entry.due_on <= current_date OR entry.invoice_line_id IS NOT NULL
    ORDER BY entry.id
"""
_DELIVERIES = """
    SELECT delivery.invoice_id, delivery.address, delivery.email_id, document.number,
           account.external_reference AS account, file.state AS document_state
    FROM invoices_delivery delivery
    JOIN accounts_account account ON account.id = delivery.account_id
    JOIN invoices_invoice document ON document.id = delivery.invoice_id
    LEFT JOIN invoices_document file ON file.invoice_id = document.id AND file.kind = 'pdf'
    ORDER BY delivery.id
"""
_EMAILS = """
    SELECT id, message_id, recipient_address, state, last_error, server_response, attachment_sha256
    FROM mail_outgoingemail
"""
# ``late`` is how long ago somebody should have taken the row up, by the database's clock.
_UNFINISHED = """
    SELECT what, work.id, coalesce(account.external_reference, 'no account') AS account,
           work.state, attempts, late, last_error
    FROM (
        SELECT 'account' AS what, id::text, account_id, state, attempts, last_error,
               now() - coalesce(leased_until, next_attempt_at) AS late
        FROM billing_billingrunitem
        WHERE state IN ('pending', 'drafting', 'approved', 'issuing', 'parked')
        UNION ALL
        SELECT 'document', id::text, account_id, state, attempts, last_error,
               now() - coalesce(leased_until, next_attempt_at)
        FROM invoices_document WHERE state IN ('pending', 'rendering', 'parked')
        UNION ALL
        SELECT 'message', id::text, account_id, state, attempts, last_error,
               now() - coalesce(leased_until, next_attempt_at)
        FROM mail_outgoingemail WHERE state IN ('queued', 'sending', 'deferred', 'uncertain')
        UNION ALL
        SELECT 'run', run.id::text, NULL, run.state, 0, '', now() - run.created_at
        FROM billing_billingrun run
        WHERE run.state IN ('drafting', 'issuing') AND NOT EXISTS (
            SELECT 1 FROM billing_billingrunitem item WHERE item.run_id = run.id
            AND item.state IN ('pending', 'drafting', 'approved', 'issuing'))
        UNION ALL
        SELECT 'document', public_id, account_id, state, 0, '', NULL
        FROM invoices_invoice WHERE state = 'draft'
    ) work LEFT JOIN accounts_account account ON account.id = work.account_id
"""
_FROZEN_ROWS = """
    SELECT 'document ' || number, md5(to_jsonb(document)::text)
    FROM invoices_invoice document WHERE state <> 'draft'
    UNION ALL
    SELECT format('line %s of %s', line.position, number), md5(to_jsonb(line)::text)
    FROM invoices_invoiceline line JOIN invoices_invoice document ON document.id = invoice_id
    WHERE state <> 'draft'
    UNION ALL
    SELECT format('tax %s %s of %s', category, rate, number), md5(to_jsonb(tax)::text)
    FROM invoices_invoicetaxline tax JOIN invoices_invoice document ON document.id = invoice_id
    WHERE state <> 'draft'
    UNION ALL
    SELECT format('allowance %s of %s', position, number), md5(to_jsonb(allowance)::text)
    FROM invoices_invoiceallowance allowance
    JOIN invoices_invoice document ON document.id = invoice_id WHERE state <> 'draft'
    UNION ALL
    SELECT format('recipient %s of %s', address, number),
           md5((to_jsonb(delivery) - 'email_id')::text)
    FROM invoices_delivery delivery JOIN invoices_invoice document ON document.id = invoice_id
    WHERE state <> 'draft'
    UNION ALL
    SELECT format('%s of %s', file.kind, number), md5(to_jsonb(file)::text)
    FROM invoices_document file JOIN invoices_invoice document ON document.id = invoice_id
    WHERE file.state = 'stored'
"""


# --- Amounts and texts ----------------------------------------------------------------------------


def _sign(document: Any) -> int:
    return -1 if document.kind == "credit_note" else 1


def _signed(allowance: Any) -> Decimal:
    amount: Decimal = allowance.amount
    return amount if allowance.is_charge else -amount


def _rounding(currency: str) -> Callable[[Decimal], Decimal]:
    smallest = Decimal(1).scaleb(-_DIGITS_OF.get(currency, 2))
    return lambda amount: amount.quantize(smallest, rounding=ROUND_HALF_UP)


def _written(amount: Decimal, locale: str, currency: str) -> str:
    """As the document's language writes it, spaces plain."""
    thousands, mark = _MARKS[re.split("[-_]", locale)[0]]
    written = f"{amount:,.{_DIGITS_OF.get(currency, 2)}f}"
    return written.translate(str.maketrans(",.", thousands + mark))


def _runs(numbers: Sequence[int]) -> str:
    """1…5, 7…9"""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ", ".join(f"{first}…{last}" for first, last in runs) or "none"


def _sample(rows: Sequence[Any], size: int | None) -> Sequence[Any]:
    if size is None or size >= len(rows):
        return rows
    # The same ones each time, so that a failure repeats.
    return random.Random(size).sample(rows, size)  # noqa: S311 - no secret
