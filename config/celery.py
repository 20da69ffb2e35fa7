"""The Celery application: workers and beat start with ``celery -A config``.

Tasks are the ``tasks`` modules of the packages. A message carries a task's name and no payload;
what there is to do, the database says (``common.claims``).
"""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("counterfoil")
app.config_from_object("config.celery_settings")
app.autodiscover_tasks()
