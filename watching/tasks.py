from typing import Any

from celery import shared_task

from watching.canaries import TASK
from watching.signs import give_sign, worker_of


@shared_task(name=TASK, bind=True)
def answer_canary(self: Any) -> None:
    """Note that a worker takes what comes through a queue. Which one, the delivery says."""
    request = self.request
    give_sign(worker_of(request.delivery_info["routing_key"]), by=request.hostname)
