"""The door for web servers: `gunicorn likenessdesk.wsgi`."""

import os

from django.core.wsgi import get_wsgi_application

from likenessdesk.startup import refuse_wrong_database

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "likenessdesk.settings")

application = get_wsgi_application()
refuse_wrong_database()
