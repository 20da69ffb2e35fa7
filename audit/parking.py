"""Recording rows of work that were given up on (``common.claims``)."""

from collections.abc import Callable, Sequence

from audit.actions import Action
from audit.recording import Actor, Event, record_many
from common.claims import Parked


def parking_recorder(action: Action, *, what: str, part: str) -> Callable[[Sequence[Parked]], None]:
    """What a queue calls as it parks rows: one event each, of ``part`` of the program."""

    def record_parked(parked: Sequence[Parked]) -> None:
        record_many(
            (
                Event(
                    action,
                    account_id=row.account_id,
                    subject=f"{what} {row.pk}",
                    details={"reason": row.reason},
                )
                for row in parked
            ),
            actor=Actor.system(part),
        )

    return record_parked
