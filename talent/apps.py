from django import forms
from django.apps import AppConfig
from django.core.exceptions import ValidationError
from django.db.backends.signals import connection_created

from talent.database.sessions import prepare_session
from talent.plain_text import UNSEEN_CHARACTERS, has_unseen


def _refuse_what_nobody_sees(text: object) -> None:
    if isinstance(text, str) and has_unseen(text):
        raise ValidationError(UNSEEN_CHARACTERS, "unseen_characters")


class TalentConfig(AppConfig):
    name = "talent"
    verbose_name = "Talent"

    def ready(self) -> None:
        # Every form of the desk, and those of libraries: the admin's, the portal's, sign-in's.
        forms.CharField.default_validators = [_refuse_what_nobody_sees]
        connection_created.connect(prepare_session, dispatch_uid="talent.prepare_session")
