"""Every queue is watched, so that no work can grow old without an alarm."""

from importlib import import_module

from common.claims import Queue
from config import celery_settings
from tests.architecture.test_style import FILES, ROOT
from watching import canaries
from watching.looks.unfinished import WATCHED


def _queues() -> dict[str, Queue]:
    """Every queue of rows that a module of the program defines or imports, by its table's name
    and the state of what is in hand: one table may serve two.
    """
    modules = [
        import_module(".".join(file.relative_to(ROOT).with_suffix("").parts))
        for file in FILES
        if "common.claims import" in file.read_text()
    ]
    found = [value for module in modules for value in vars(module).values()]
    return {_name(queue): queue for queue in found if isinstance(queue, Queue)}


def _name(queue: Queue) -> str:
    return f"{queue.table} {queue.working_state}"


def test_every_queue_of_rows_has_an_alarm_for_what_is_overdue() -> None:
    queues = _queues()
    assert len(queues) >= 4
    assert set(queues) == {_name(watched.queue) for watched in WATCHED}


def test_a_canary_goes_through_every_queue_of_celery() -> None:
    routed = {route["queue"] for route in celery_settings.task_routes.values()}
    assert set(canaries.QUEUES) == routed | {celery_settings.task_default_queue}
