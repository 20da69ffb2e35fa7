"""The WSGI application that gunicorn serves."""

import logging
import os

from django.core.wsgi import get_wsgi_application

from config.logs import MaskedLinks

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()
# On the logger: its handlers are gunicorn's own, made from the command line.
logging.getLogger("gunicorn.access").addFilter(MaskedLinks())
