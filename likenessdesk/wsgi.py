"""The door for web servers: `gunicorn likenessdesk.wsgi`."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "likenessdesk.settings")

application = get_wsgi_application()
