"""Number series and documents of a database that was set back, and going on from there.

Numbers that are out are not given again: a series that is behind is followed by one with another
prefix, and a prefix that this database has lost altogether is put down as used. What was given out
under them is in the archive and with the customers, and nowhere in this database.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from audit.actions import Action
from audit.parking import parking_recorder
from audit.recording import Actor
from backups.heads import SeriesHead, beyond, heads_from_json
from backups.models import Setback
from backups.setbacks import Acknowledgement, acknowledge, series_heads
from common.claims import Parked
from common.counting import counted
from common.exceptions import DomainError
from common.scoping import all_accounts_scope
from invoices.models import Document, NumberSeries, Seller
from invoices.numbering import start_series
from invoices.queues import RENDER_QUEUE

_PART = "acknowledged restore"
MAY_HAVE_BEEN_MAILED = "It may have been mailed before the database was set back."
_record_parked = parking_recorder(Action.DOCUMENT_PARKED, what="document", part=_PART)


class SeriesUndecided(DomainError):
    """Nobody has said what becomes of a series whose numbers may be out."""


class SeriesUnknown(DomainError):
    """A decision names a series that needs none."""


@dataclass(frozen=True, slots=True)
class Uncertain:
    """A current series whose next numbers may be out; ``out`` is empty where none is known."""

    series: NumberSeries
    out: str

    @property
    def newest(self) -> str:
        """The newest number that this database knows; empty if it has given none."""
        last = self.series.last_sequence
        return self.series.number(last) if last else ""


def current_heads() -> list[SeriesHead]:
    """How far each series has counted that has given out a number (``backups.registry``)."""
    counted_on = NumberSeries.objects.filter(last_sequence__gt=0).select_related("seller")
    return [
        SeriesHead(
            seller=series.seller.code,
            kind=series.kind,
            prefix=series.prefix,
            digits=series.digits,
            last_sequence=series.last_sequence,
            last_hash=series.last_hash,
        )
        for series in counted_on.order_by("prefix")
    ]


def uncertain_series(setback: Setback) -> list[Uncertain]:
    """Current series that must not simply go on; where nothing is known, all of them."""
    out = {head.prefix: head.number for head in _heads_beyond(setback)}
    current = NumberSeries.objects.filter(is_current=True).select_related("seller")
    return [
        Uncertain(series, out.get(series.prefix, ""))
        for series in current.order_by("prefix")
        if series.prefix in out or not setback.knows_heads
    ]


def lost_series(setback: Setback) -> list[SeriesHead]:
    """Series that numbers are out of and that this database has never heard of."""
    known = set(NumberSeries.objects.values_list("prefix", flat=True))
    return [head for head in _heads_beyond(setback) if head.prefix not in known]


def go_on(setback: Setback, decided: Acknowledgement, *, actor: Actor) -> list[str]:
    """Acknowledge ``setback`` and start the series that follow, or change nothing.

    Returns, in sentences, what was done. Raises SeriesUndecided, SeriesUnknown, PrefixUnusable or
    NothingToAcknowledge.
    """
    with all_accounts_scope("acknowledging that the database was set back"):
        uncertain = {each.series.prefix: each.series for each in uncertain_series(setback)}
        _refuse_undecided(uncertain, decided)
        said = [_put_down_as_used(head) for head in lost_series(setback)]
        for prefix, following in decided.followed.items():
            started = start_series(uncertain[prefix], prefix=following, actor=actor)
            said.append(f"{started.prefix} follows {prefix}.")
        said.extend(f"{prefix} goes on: its numbers are given again." for prefix in decided.reused)
        return said + acknowledge(setback, decided, actor=actor)


def count_unrendered() -> int:
    """How many documents wait to be rendered, and then mailed. Needs a scope over all accounts."""
    return Document.objects.filter(RENDER_QUEUE.unfinished()).count()


def park_what_may_have_been_mailed(decided: Acknowledgement) -> str:
    """Leave documents that wait to be rendered, and then mailed, to a person, unless mail goes.

    Needs a scope over all accounts.
    """
    if decided.sends_mail:
        return ""
    waiting = Document.objects.filter(RENDER_QUEUE.unfinished()).select_for_update(no_key=True)
    parked = [
        Parked(pk, account, MAY_HAVE_BEEN_MAILED)
        for pk, account in waiting.values_list("pk", "account")
    ]
    Document.objects.filter(pk__in=[document.pk for document in parked]).update(
        state=RENDER_QUEUE.parked_state,
        lease_token=None,
        leased_until=None,
        last_error=MAY_HAVE_BEEN_MAILED,
    )
    if not parked:
        return ""
    _record_parked(parked)
    documents = counted(len(parked), "document is", plural="documents are")
    return (
        f"{documents} not rendered, since mail would follow that may have been sent: choose in the"
        " admin, among the parked documents, what is rendered and mailed."
    )


def _heads_beyond(setback: Setback) -> list[SeriesHead]:
    return beyond(heads_from_json(setback.heads), series_heads())


def _refuse_undecided(uncertain: Mapping[str, NumberSeries], decided: Acknowledgement) -> None:
    named = [*decided.followed, *decided.reused]
    if unknown := sorted(set(named) - set(uncertain)):
        raise SeriesUnknown(
            f"{', '.join(unknown)}: there is no current series with this prefix that needs a"
            " decision."
        )
    if undecided := sorted(set(uncertain) - set(named)):
        raise SeriesUndecided(
            f"Say what becomes of {', '.join(undecided)}: the prefix of a series that follows, or"
            " that its numbers are given again."
        )


def _put_down_as_used(head: SeriesHead) -> str:
    """An ended series under a lost prefix, so that no series ever gets it again."""
    seller = Seller.objects.filter(code=head.seller).first()
    if seller is None:
        return (
            f"Never use the prefix {head.prefix} again: its numbers are out up to {head.number}, of"
            f" the seller {head.seller}, who is not in this database."
        )
    NumberSeries.objects.create(
        seller=seller, kind=head.kind, prefix=head.prefix, digits=head.digits, is_current=False
    )
    return f"{head.prefix} cannot be used again: its numbers are out up to {head.number}."
