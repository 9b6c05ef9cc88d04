from django.apps import AppConfig


class LikenessDeskConfig(AppConfig):
    name = "likenessdesk"
    verbose_name = "Likeness Desk"

    def ready(self):
        # Tasks sent from a page must find the desk's broker; checks register by import.
        from likenessdesk import celery, checks  # noqa: F401
