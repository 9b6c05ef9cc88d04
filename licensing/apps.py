from django.apps import AppConfig


class LicensingConfig(AppConfig):
    name = "licensing"
    verbose_name = "Licensing"

    def ready(self):
        from talent.consent.party_names import learn_names

        from .models.parties import names_in_scopes

        learn_names(names_in_scopes)
