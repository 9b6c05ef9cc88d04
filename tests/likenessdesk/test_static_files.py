"""What others wrote is served as they wrote it."""

import hashlib
import shutil

import pytest
from django.conf import settings
from django.core.files.storage import FileSystemStorage

from likenessdesk.static_files import CompressedFiles, HashedFiles

VENDOR = settings.BASE_DIR / "likenessdesk" / "static" / "vendor"
DIGESTS = dict(
    reversed(line.split("  ")) for line in (VENDOR / "SHA256SUMS").read_text().splitlines()
)


def test_every_vendored_script_has_a_digest():
    scripts = {str(path.relative_to(VENDOR)) for path in VENDOR.rglob("*.js")}

    assert scripts == set(DIGESTS)


@pytest.mark.parametrize("name", DIGESTS)
def test_a_vendored_script_is_as_its_makers_published_it(name):
    assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == DIGESTS[name]


@pytest.mark.parametrize("storage_class", [HashedFiles, CompressedFiles])
def test_a_script_that_names_a_source_map_is_collected_unchanged(storage_class, tmp_path):
    script = VENDOR / "vega" / "vega-interpreter.min.js"
    assert b"//# sourceMappingURL=" in script.read_bytes()
    shutil.copy(script, tmp_path)
    storage = storage_class(location=tmp_path, base_url="/static/")

    outcome = list(storage.post_process({script.name: (FileSystemStorage(tmp_path), script.name)}))

    hashed = next(new for name, new, _changed in outcome if name == script.name)
    assert (tmp_path / hashed).read_bytes() == script.read_bytes()


@pytest.mark.django_db
def test_a_page_that_fails_is_drawn_where_no_file_was_collected(client, settings, tmp_path):
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = settings.STORAGES | {"staticfiles": {"BACKEND": settings.HASHED_STATIC}}
    settings.DEBUG = False
    client.raise_request_exception = False

    # The page itself needs them, and so would its own account of what went wrong.
    answer = client.get("/sign-in/")

    assert answer.status_code == 500
    assert "Something went wrong here" in answer.text
    assert 'href="/"' in answer.text
    assert "/static/" not in answer.text


def test_a_request_that_cannot_be_read_is_told_so_on_a_page_of_the_desk(client, settings):
    settings.DEBUG = False

    answer = client.get("/", headers={"host": "elsewhere.example"})

    assert answer.status_code == 400
    assert "The desk could not read this" in answer.text
    assert 'href="/"' in answer.text
    assert "/static/" not in answer.text
