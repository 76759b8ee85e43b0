"""The Celery app of the mini LMS."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "demo.minilms.settings")
app = Celery("minilms")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
