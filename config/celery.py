"""The Celery application: workers and beat start with ``celery -A config``.

Tasks are the ``tasks`` modules of the packages. A message carries a task's name and no payload;
what there is to do, the database says (``common.claims``).
"""

import logging
import os
from typing import Any

from celery import Celery, bootsteps

from invoices.rendering.fonts import missing_fonts

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

logger = logging.getLogger(__name__)

app = Celery("counterfoil")
app.config_from_object("config.celery_settings")
app.autodiscover_tasks()


class FontCheck(bootsteps.StartStopStep):
    """A worker that renders tells at its start what is missing, and does not start without fonts.

    Without any font the PDF engine does not fail but crash, document after document.
    """

    def start(self, parent: Any) -> None:
        if "render" not in parent.app.amqp.queues.consume_from:
            return
        for message in missing_fonts():
            logger.warning(message)


app.steps["worker"].add(FontCheck)
