from django.apps import AppConfig


class ValuationConfig(AppConfig):
    name = "valuation"
    verbose_name = "Valuation"

    def ready(self):
        from licensing.agreements.obligations.facts import learn_facts

        from .reports.obligation_facts import known_of

        learn_facts(known_of)
