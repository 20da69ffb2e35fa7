"""Parts of the installation that have not been heard for too long."""

from collections.abc import Iterator
from datetime import datetime

from watching.alarms import Alarm, Code, in_words
from watching.canaries import QUEUES
from watching.reaching import bell_answers
from watching.signs import BEAT, WATCHMAN, Sign, latest_signs, worker_of


def silent_processes(at: datetime) -> Iterator[Alarm]:
    """What does not answer, named where the trouble is and not where it shows.

    Beat is heard through Redis and workers through beat, so each is judged only while what stands
    before it works; a worker, once beat has called it for as long as its silence may last.
    """
    signs = latest_signs()
    beat = signs[BEAT]
    if not bell_answers():
        yield Alarm(code=Code.BELL_AWAY, says="Redis does not answer.")
    elif beat.is_silent(at):
        yield Alarm(
            code=Code.BEAT_SILENT,
            says=f"Beat has sent nothing {_for_so_long(beat, at)}.",
            since=beat.heard_at,
        )
    elif beat.is_steady(at):
        for queue in QUEUES:
            worker = signs[worker_of(queue)]
            if worker.is_silent(at):
                yield Alarm(
                    code=Code.WORKER_SILENT,
                    subject=queue,
                    says=f"No worker of the queue “{queue}” has answered"
                    f" {_for_so_long(worker, at)}.",
                    since=worker.heard_at,
                )
    watchman = signs[WATCHMAN]
    if watchman.is_silent(at):
        yield Alarm(
            code=Code.WATCHMAN_SILENT,
            says=f"The watchman has not looked {_for_so_long(watchman, at)}.",
            since=watchman.heard_at,
        )


def _for_so_long(sign: Sign, at: datetime) -> str:
    return "so far" if sign.heard_at is None else f"for {in_words(at - sign.heard_at)}"
