"""The glossary knows every kind of record that the desk keeps."""

import re
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings

APPS = ["talent", "licensing", "valuation"]
WORDS = re.compile(r"^\| \*\*(?P<words>[^*]+)\*\* \|", re.MULTILINE)


def kept_models():
    """The models that are not through tables and not the history of others."""
    models = (model for label in APPS for model in apps.get_app_config(label).get_models())
    return [m for m in models if not m._meta.auto_created and not hasattr(m, "pgh_id")]


def glossary():
    page = Path(settings.BASE_DIR, "docs", "glossary.md").read_text()
    entries = ",".join(found["words"] for found in WORDS.finditer(page))
    return {word.strip() for word in re.split(r"[,()]", entries)}


@pytest.mark.parametrize("model", kept_models(), ids=lambda model: model._meta.label)
def test_every_kind_of_record_is_in_the_glossary(model):
    assert str(model._meta.verbose_name) in glossary()
