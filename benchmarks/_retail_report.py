"""What a run of the retail month must show, beside what it showed, and what each step cost."""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from benchmarks._ledger import Expected
from benchmarks._processes import Peaks
from benchmarks._retail import Month

# What no process may exceed.
_MOST_KILOBYTES = 400 * 1024
# How much more than bare rendering the whole of rendering and delivering may cost, as a goal.
_GOAL_RATIO = 1.15


class Fact(NamedTuple):
    """Something that must hold: what the file says, what was found, and whether it holds."""

    name: str
    wanted: object
    found: object
    holds: bool


def facts(month: Month, expected: Expected, peaks: Peaks) -> Iterator[Fact]:
    """The file's own sums against the books, the documents and the mail."""
    books = month.books
    wanted_recipients = sum(books.recipients.values())
    pairs: list[tuple[str, object, object]] = [
        ("rows read", expected.rows, _number_before(month.said, "rows")),
        (
            "refused, naming no account",
            expected.without_account,
            _number_before(month.said, "name no account"),
        ),
        ("refused in all", expected.without_account, _number_before(month.said, "refused:")),
        ("charges taken", expected.taken, books.entries),
        ("accounts", expected.accounts, books.accounts),
        ("invoices", expected.invoices, books.invoices),
        ("credit notes", expected.credit_notes, books.credit_notes),
        ("net, GBP", expected.net, books.net),
        ("documents at 17.5 %", expected.taxed_documents, books.taxed_documents),
        ("  net, GBP", expected.taxed_net, books.taxed_net),
        ("  tax, GBP", expected.tax, books.tax),
        ("exports at zero (G)", expected.export_documents, books.export_documents),
        ("  net, GBP", expected.export_net, books.export_net),
        ("documents stored", books.documents, books.stored),
        ("messages accepted", wanted_recipients, sum(month.accepted.values())),
        ("most copies of a message", 1, month.most_copies),
    ]
    for name, wanted, found in pairs:
        yield Fact(name, wanted, found, wanted == found)
    same = month.accepted_by_recipient == books.recipients
    yield Fact("each recipient got what was frozen", "yes", "yes" if same else "NO", same)
    for prefix, (count, first, last) in books.series.items():
        is_whole = books.numbers_have_no_gap
        yield Fact(f"numbers {prefix}", f"1…{count}", f"{first}…{last}", is_whole)
    most = max(peaks.found.values())
    yield Fact("largest process, MB", "≤ 400", most // 1024, most <= _MOST_KILOBYTES)


def table(month: Month, expected: Expected, peaks: Peaks) -> Iterator[str]:
    """Lines to print."""
    yield f"{'':34} {'must be':>14} {'is':>14}"
    for fact in facts(month, expected, peaks):
        mark = "" if fact.holds else "   <—"
        yield f"{fact.name:34} {_shown(fact.wanted):>14} {_shown(fact.found):>14}{mark}"
    yield ""
    yield from _costs(month)
    yield ""
    yield f"{'peak memory (VmHWM)':26} {'MB':>6}"
    for name, kilobytes in sorted(peaks.found.items()):
        yield f"{name:26} {kilobytes / 1024:6.0f}"


def _costs(month: Month) -> Iterator[str]:
    documents = month.books.documents
    yield f"{'step':18} {'wall s':>8} {'CPU s':>8} {'PostgreSQL s':>13} {'CPU ms/document':>16}"
    for name, cost in month.costs.items():
        each = 1000 * cost.cpu / documents
        yield f"{name:18} {cost.wall:8.1f} {cost.cpu:8.1f} {cost.postgres_cpu:13.1f} {each:16.1f}"
    if month.bare_cpu is not None:
        each = 1000 * month.bare_cpu / documents
        yield f"{'bare render':18} {'':8} {month.bare_cpu:8.1f} {'':13} {each:16.1f}"
    yield "(render and deliver run at once: PostgreSQL's time serves both)"
    yield ""
    if month.bare_cpu is not None:
        render, deliver = month.costs["render"].cpu, month.costs["deliver"].cpu
        yield f"render : bare render             {render / month.bare_cpu:.2f}"
        ratio = (render + deliver) / month.bare_cpu
        yield f"render + deliver : bare render   {ratio:.2f}   (goal {_GOAL_RATIO})"
    issued = month.costs["draft and issue"]
    a_second = documents / (issued.cpu + issued.postgres_cpu)
    yield f"documents issued a CPU second    {a_second:.0f}"


def _shown(value: object) -> str:
    if isinstance(value, Decimal):
        return f"{value:,.2f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _number_before(said: str, words: str) -> int | None:
    found = re.search(rf"([\d,]+) {words}", said)
    return int(found[1].replace(",", "")) if found else None
