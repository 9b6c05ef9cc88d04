from django.apps import AppConfig


class LikenessDeskConfig(AppConfig):
    name = "likenessdesk"
    verbose_name = "Likeness Desk"

    def ready(self):
        # Imported for their effects: the Celery app, so that views can queue tasks; system checks.
        from likenessdesk import celery, checks  # noqa: F401
