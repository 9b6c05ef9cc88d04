"""Starting is quick: what is heavy is imported by those who use it."""

import os
import subprocess
import sys

import pytest
from django.conf import settings

from likenessdesk import production, startup

PYTHON = [sys.executable, "-W", "ignore"]
GUNICORN = [*PYTHON, "-m", "gunicorn", "likenessdesk.wsgi", "--bind=127.0.0.1:0"]
CELERY = [*PYTHON, "-m", "celery", "-A", "likenessdesk"]


@pytest.fixture
def processes(tmp_path):
    return {
        "web": GUNICORN,
        "worker": [*CELERY, "worker", "--pool=solo"],
        "beat": [*CELERY, "beat", f"--schedule={tmp_path / 'timetable'}"],
        "command": [*PYTHON, "manage.py", "night"],
        "check": [*PYTHON, "manage.py", "check", "--deploy"],
    }


HEAVY = ("weasyprint", "pyhanko", "vl_convert", "numpy", "scipy", "redis", "language_tags")


def test_a_check_imports_nothing_heavy(environment):
    seen = "import sys, django; django.setup(); from django.urls import get_resolver; "
    seen += f"get_resolver().url_patterns; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", seen], env=environment, capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"


def test_mails_lead_to_the_port_that_the_desk_serves(environment):
    done = subprocess.run(
        [sys.executable, "-c", "from likenessdesk import settings; print(settings.DESK_URL)"],
        env={**environment, "PORT": "8123"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.strip() == "http://127.0.0.1:8123"


def ended(processes, environment):
    """Start processes side by side; return their texts once all have ended by themselves."""
    started = {
        name: subprocess.Popen(  # noqa: S603 - our own programs
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        for name, command in processes.items()
    }
    try:
        texts = {name: process.communicate(timeout=60)[0] for name, process in started.items()}
    finally:
        for process in started.values():
            process.kill()
    assert all(process.returncode for process in started.values())
    return texts


@pytest.mark.parametrize(
    "names",
    [
        ["web", "check"],
        # All processes begin with the same settings; a start of each takes its time.
        pytest.param(["worker", "beat", "command"], marks=pytest.mark.deep),
    ],
)
def test_no_process_of_a_desk_on_the_internet_starts_without_what_it_needs(names, processes):
    keys = {path: path.stat().st_mtime for path in settings.VAR.glob("*-key")}
    bare = {name: text for name, text in os.environ.items() if name not in production.NEEDED}

    texts = ended({name: processes[name] for name in names}, bare | {"PRODUCTION": "1"})

    for name, text in texts.items():
        for needed in production.NEEDED:
            assert f"{needed} is not set" in text, (name, text)
    assert keys == {path: path.stat().st_mtime for path in settings.VAR.glob("*-key")}


WHOLE = {
    "SECRET_KEY": "s" * 50,
    "KEY_ENCRYPTION_KEY": "k" * 50,
    "ALLOWED_HOSTS": "desk.example",
    "EMAIL_URL": "smtp://mail.example",
}


@pytest.mark.parametrize(
    ("change", "debug", "says"),
    [
        ({}, True, "DEBUG is on"),
        ({"SECRET_KEY": "short"}, False, "SECRET_KEY is shorter"),
        ({"KEY_ENCRYPTION_KEY": "s" * 50}, False, "are the same"),
        ({"ALLOWED_HOSTS": "*"}, False, "ALLOWED_HOSTS holds"),
        ({"EMAIL_URL": "console:"}, False, "EMAIL_URL is console"),
    ],
)
def test_what_is_set_but_unfit_is_refused_too(change, debug, says):
    (fault,) = production.faults(WHOLE | change, debug=debug, missing=[])

    assert says in fault


def test_what_is_whole_is_not_refused():
    assert production.faults(WHOLE, debug=False, missing=[]) == []


@pytest.mark.django_db
def test_a_key_that_did_not_seal_this_database_is_noticed_at_the_start(settings, monkeypatch):
    # It would end the transaction that this test lives in.
    monkeypatch.setattr(startup.connection, "close", lambda: None)
    startup.refuse_wrong_database()
    settings.KEY_ENCRYPTION_KEY = b"another"

    with pytest.raises(startup.NotStarted, match="not the key that sealed"):
        startup.refuse_wrong_database()


@pytest.mark.deep
def test_no_process_starts_with_another_key(environment, processes):
    startup.refuse_wrong_database()
    del processes["check"]

    texts = ended(processes, environment | {"KEY_ENCRYPTION_KEY": "another" * 10})

    for name, text in texts.items():
        assert "not the key that sealed" in text, name


@pytest.mark.deep
def test_no_process_starts_while_the_database_is_away(environment, processes):
    away = environment | {"DATABASE_URL": "postgres://nobody@127.0.0.1:9/none"}

    texts = ended({name: processes[name] for name in ("command", "web")}, away)

    for name, text in texts.items():
        assert "The database does not answer" in text, name
