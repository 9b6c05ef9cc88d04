"""What every test may ask for; the servers it runs on."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import hypothesis
import pytest
from allauth.account.internal.flows.login import record_authentication
from django.conf import settings
from django.contrib.auth.signals import user_logged_in
from django.db import connection
from django.dispatch import receiver
from redis import Redis

from likenessdesk import embedded
from likenessdesk.celery import app as celery_app
from talent.papers import certificate
from tests import cheaper, judges, remembered, template
from valuation import night

pytest_plugins = ["tests.cast"]
SERVERS = pytest.StashKey[contextlib.ExitStack]()

# A busy machine is slow at drawing examples, which says nothing about the law. `make test-deep`
# takes many more examples.
hypothesis.settings.register_profile(
    "patient", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.register_profile(
    "deep", hypothesis.settings.get_profile("patient"), max_examples=1_000
)
hypothesis.settings.load_profile("patient")


def pytest_configure(config):
    if judges.are_required() and (missing := judges.missing()):
        raise pytest.UsageError("\n".join(judge.left_out() for judge in missing.values()))
    settings.STORAGES["staticfiles"]["BACKEND"] = settings.PLAIN_STATIC
    settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)
    settings.WHITENOISE_AUTOREFRESH = True  # Else each client looks at every static file there is.
    # Slow on purpose elsewhere; here every cast signs in.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    _keep_keys_apart()
    if settings.EMBEDDED and _is_the_only_process(config):
        stack = config.stash[SERVERS] = contextlib.ExitStack()
        stack.enter_context(
            embedded.borrowed_servers(
                settings.EMBEDDED_PLACE, settings.EMBEDDED, say=embedded.say_on_stderr
            )
        )


def pytest_unconfigure(config):
    if SERVERS in config.stash:
        config.stash[SERVERS].close()


def _is_the_only_process(config):
    return not hasattr(config, "workerinput") and not config.option.collectonly


def _keep_keys_apart():
    """Give each xdist worker the prefix that a desk on its test database has."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    name = f"test_{settings.DATABASES['default']['NAME']}" + (f"_{worker}" if worker else "")
    settings.CACHES["redis"]["KEY_PREFIX"] = f"{name}:cache"
    celery_app.conf.broker_transport_options["global_keyprefix"] = f"{name}:"


@receiver(user_logged_in)
def _prove_all_at_once(request, user, **_about):
    """Let who comes by `force_login` have proved all that a sign-in proves, just now.

    That request has no method: who signs in on the page proves what they prove.
    """
    if request.method is None:
        record_authentication(request, user, "mfa", reauthenticated=True)


@pytest.fixture(scope="session", autouse=True)
def _no_keys_stay():
    yield
    prefix = celery_app.conf.broker_transport_options["global_keyprefix"]
    with Redis.from_url(settings.REDIS_URL) as client:
        for key in client.scan_iter(f"{prefix}*"):
            client.delete(key)


@pytest.fixture(scope="session", autouse=True)
def _workers_share_what_they_wrote(request, tmp_path_factory):
    alone = tmp_path_factory.getbasetemp()
    remembered.keep_in(alone.parent if hasattr(request.config, "workerinput") else alone)


@pytest.fixture(scope="session")
def django_test_environment(django_test_environment):
    cheaper.tell_of_pages_only()
    cheaper.empty_what_has_rows()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix, django_db_blocker):
    """Copy test databases from a migrated one."""
    with django_db_blocker.unblock():
        connection.settings_dict["TEST"]["TEMPLATE"] = template.made()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """Spare test databases the wait for the disk: they need not survive a crash.

    What a killed process left may still be under way at the end, and would keep its database.
    """
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        name = connection.ops.quote_name(connection.settings_dict["NAME"])
        cursor.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
        connection.close()
    yield
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        connection.close()


@pytest.fixture
def environment(transactional_db):
    """The environment of another process of the desk that shall see this test's data."""
    return {
        **os.environ,
        "DATABASE_URL": template.url(connection.settings_dict["NAME"]),
        "REDIS_URL": settings.REDIS_URL,
    }


@pytest.fixture
def start_worker(environment):
    """Start real Celery workers on this test's database; each ends with the test."""
    with contextlib.ExitStack() as stack:

        def start(*options):
            process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-m", "celery", "-A", "likenessdesk", "worker", "--concurrency=1",
                 "--loglevel=WARNING", *options],
                env=environment,
                start_new_session=True,
            )  # fmt: skip
            stack.callback(_stop, process)
            _await_worker(process)
            return process

        yield start


@pytest.fixture
def worker(start_worker):
    """A real Celery worker on this test's database."""
    return start_worker()


def _await_worker(process):
    deadline = time.monotonic() + 60
    while not celery_app.control.ping(timeout=0.5):
        assert process.poll() is None, "The Celery worker ended as it started."
        assert time.monotonic() < deadline, "The Celery worker did not start in a minute."


def _stop(process):
    """End a worker and its children at once: a test has seen what it wanted."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.fixture
def without_statements(monkeypatch):
    """Have the night rate and match, and draw no statement."""
    monkeypatch.setattr(night.draw, "draw_due", lambda **_: [])


@pytest.fixture(scope="session")
def trial_seal(tmp_path_factory):
    """A certificate that binds nobody, made once: making its keys takes a while."""
    return certificate.make_trial(tmp_path_factory.mktemp("seal"), at=datetime.now(UTC))


@pytest.fixture
def sealing(settings, trial_seal):
    """Have the desk seal documents."""
    settings.SEAL_CERTIFICATE, settings.SEAL_KEY = map(str, trial_seal)


@pytest.fixture
def short_papers(settings, tmp_path):
    """Keep papers apart, and draw them in no time: drawing them has tests of its own."""
    settings.MEDIA_ROOT = tmp_path
    settings.VAULT_ROOT, settings.VAULT_KEYS = tmp_path / "vault", tmp_path / "vault-keys"
    with remembered.papers_drawn_shortly():
        yield


@pytest.fixture
def demo(db, short_papers, tmp_path):
    """The demo agencies after their first night, one agency's statements issued."""
    remembered.stand_up(tmp_path)


# What depends on the servers' version: SQL by hand, locks, partitions, triggers and queues. CI runs
# these a second time, on the servers of the machine.
ON_SERVERS = (
    "test_migrations.py",
    "test_sql.py",
    "journeys/test_demo_night.py",
    "licensing/agreements/signing/test_races.py",
    "licensing/caps/test_races.py",
    "licensing/caps/test_reservations.py",
    "licensing/clearance/test_ask.py",
    "licensing/clearance/test_replays.py",
    "licensing/facts",
    "licensing/log/test_sequencer.py",
    "licensing/permits/test_draws.py",
    "licensing/usage/archive",
    "licensing/usage/recording",
    "licensing/webhooks/test_deliveries.py",
    "likenessdesk/test_celery.py",
    "valuation/cash/received/test_remittances.py",
    "valuation/night/test_night.py",
    "valuation/test_tasks.py",
)
TESTS = Path(__file__).parent


def pytest_addoption(parser):
    parser.addoption(
        "--on-servers",
        action="store_true",
        help="Run only what depends on the version of PostgreSQL or Redis.",
    )


def pytest_ignore_collect(collection_path, config):
    """With --on-servers do not even import what does not depend on them."""
    is_test = collection_path.match("test_*.py")
    if config.option.on_servers and is_test and not _depends_on_servers(collection_path):
        return True
    return None


def pytest_collection_finish():
    cheaper.leave_what_was_loaded()


def pytest_collection_modifyitems(config, items):
    """Mark what depends on the servers; leave out what has no judge here."""
    if moved := [place for place in ON_SERVERS if not (TESTS / place).exists()]:
        raise pytest.UsageError(f"ON_SERVERS names what is not there: {moved}")
    for item in items:
        if _depends_on_servers(item.path):
            item.add_marker("on_servers")
    missing = judges.missing()
    _leave_out(config, items, lambda item: _judge_of(item) in missing)


def _depends_on_servers(path):
    place = path.relative_to(TESTS)
    return any(place.is_relative_to(given) for given in ON_SERVERS)


def _judge_of(item):
    marker = item.get_closest_marker("judge")
    return marker.args[0] if marker else None


def _leave_out(config, items, unwanted):
    left_out = [item for item in items if unwanted(item)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not unwanted(item)]


def pytest_terminal_summary(terminalreporter):
    for judge in judges.missing().values():
        terminalreporter.write_line(judge.left_out())
