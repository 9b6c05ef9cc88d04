from django.apps import AppConfig
from django.db.backends.signals import connection_created

from talent.database.sessions import prepare_session


class TalentConfig(AppConfig):
    name = "talent"
    verbose_name = "Talent"

    def ready(self) -> None:
        connection_created.connect(prepare_session, dispatch_uid="talent.prepare_session")
