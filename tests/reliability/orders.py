"""Orders to die, given one after the other while programs run.

``points.KillAt`` fixes one named point for the life of a process. With orders the same workers can
be sent to every point in turn, and a test need not start them again for each::

    orders = Orders(installation)
    with installation.programs(render=1, through={RENDER: orders.to(RENDER)}):
        orders.give(RENDER, "stored", calls=(1, 2))
        …
        assert not orders.outstanding(RENDER)

The programs know nothing of it: ``tests.reliability.obeying`` wraps the functions.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.reliability.installation import Installation
from tests.reliability.points import POINTS


@dataclass(frozen=True, slots=True)
class Order:
    """Die at the ``call``-th call, counted in each process from the death before."""

    program: str
    point: str
    call: int


@dataclass(frozen=True)
class Orders:
    """Those of one installation. Each program carries out its own, in the order they were given."""

    installation: Installation
    _given: list[Order] = field(default_factory=list)

    @property
    def file(self) -> Path:
        return self.installation.places.var / "orders.json"

    def to(self, program: str) -> Callable[[Sequence[str]], list[str]]:
        """For ``Installation.programs(through=…)``: the program's command, as one that obeys."""
        ledger = str(self.installation.kills.file)

        def obeying(command: Sequence[str]) -> list[str]:
            # python -m celery …
            python, _, _, *rest = command
            told = [str(self.file), ledger, program]
            return [python, "-m", "tests.reliability.obeying", *told, *rest]

        return obeying

    def give(self, program: str, point: str, *, calls: Sequence[int]) -> None:
        """One process of ``program`` is to die for each of ``calls``."""
        assert point in POINTS
        self._given.extend(Order(program, point, call) for call in calls)
        passing = self.file.with_suffix(".new")
        passing.write_text(
            json.dumps([[order.program, order.point, order.call] for order in self._given])
        )
        passing.replace(self.file)

    def outstanding(self, program: str) -> int:
        """How many deaths have been ordered of the program and have not happened yet."""
        ordered = sum(order.program == program for order in self._given)
        return ordered - len(self.installation.kills.of(program))

    def leases_of_the_dead(self, program: str) -> list[str]:
        """Tokens of the last leases that its processes had taken before they died."""
        ledger = self.installation.kills.file
        deaths = map(json.loads, ledger.read_text().splitlines()) if ledger.exists() else ()
        return [
            death["token"] for death in deaths if death["program"] == program and death["token"]
        ]
