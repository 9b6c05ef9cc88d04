"""The page on running a desk: every command on it is run, in its order, in a folder of its own."""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from django.conf import settings

from likenessdesk import embedded

ROOT = settings.BASE_DIR
PAGE = ROOT / "docs" / "running.md"
BLOCKS = re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
UNITS = sorted((ROOT / "docs" / "examples" / "service").glob("*.service"))
LANES = settings.LANES
# In seconds, of two minutes of work: static files are packed twice, and the machine may be busy.
PATIENCE = 1_800

# What would change the machine is asked what it would do, or stands for what a test has already.
MACHINE = """
set -euo pipefail
runuser() { shift 3; "$@"; }                                  # the test's servers know no users
apt-get() { ! command -v dpkg >/dev/null || command apt-get --simulate "$@" >/dev/null; }
useradd() { echo "useradd $*" >> "$SAID"; }
chown() { echo "chown $*" >> "$SAID"; }
systemctl() { echo "systemctl $*" >> "$SAID"; }
git() { case $1 in clone) cp -a "$CODE" "$3";; pull) true;; esac; }
make() { test -x "$DESK/app/.venv/bin/python"; }              # `make test-deep` ran it
the_night() { psql --tuples-only --command "SELECT max(id) FROM valuation_nightrun" likenessdesk; }
export DJANGO_SUPERUSER_PASSWORD=harbour-lights-42
"""


def script(sandbox, place):
    """Return the page's commands as one script, on this folder and these servers."""
    text = "\n".join(BLOCKS)
    # Asks twice for a password, which nobody can type here.
    text = re.sub(r"^\.venv/bin/python manage.py changepassword.*\n", "", text, flags=re.MULTILINE)
    for there, here in {
        "/srv/likenessdesk": f"{sandbox}/srv/likenessdesk",
        "/etc/": f"{sandbox}/etc/",
        "127.0.0.1:5432": place.database_url.split("@")[1].rpartition("/")[0],
        "redis://127.0.0.1:6379/0": place.redis_url,
        '"$DATABASE_URL"': '"${DATABASE_URL/postgres:/postgresql:}"',
        # A restore leaves numbers out, so which night ran is what the night says.
        'month ahead." 1': 'month ahead." $(the_night)',
    }.items():
        text = text.replace(there, here)
    return MACHINE + text


def copy_of_the_code(folder):
    """Copy the code without what runs and tests leave beside it, and link its environment."""
    left_behind = shutil.ignore_patterns(".git", ".venv", "var", "__pycache__", ".*_cache")
    shutil.copytree(ROOT, folder, symlinks=True, ignore=left_behind)
    (folder / ".venv").symlink_to((ROOT / ".venv").resolve())


@pytest.mark.deep
def test_every_command_of_the_page_runs():
    with tempfile.TemporaryDirectory(prefix="page") as folder:
        sandbox = Path(folder)
        sandbox.chmod(0o755)
        for path in ("srv", "servers", "etc/systemd/system", "etc/nginx/sites-available"):
            (sandbox / path).mkdir(parents=True)
        copy_of_the_code(sandbox / "code")
        place = embedded.place_of(sandbox / "servers")
        with embedded.servers(place, ["postgresql", "valkey"]) as _running:
            programs = embedded.postgresql_programs()
            done = subprocess.run(  # noqa: S603
                ["bash", "-c", f"dropdb {embedded.DATABASE}\n{script(sandbox, place)}"],  # noqa: S607
                env={
                    "PATH": f"{programs}:{os.environ['PATH']}",
                    "PGHOST": str(place.sockets),
                    "PGUSER": embedded.SUPERUSER,
                    "SAID": f"{sandbox}/said",
                    "CODE": f"{sandbox}/code",
                    "DESK": f"{sandbox}/srv/likenessdesk",
                },
                cwd=sandbox,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
                timeout=PATIENCE,
            )

        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        assert "This database is the desk's now." in done.stdout
        assert "is taken back" in done.stdout
        # It ran, was taken back, and ran anew.
        assert done.stdout.count("\nNight ") == 3
        said = (sandbox / "said").read_text()
        assert {f"likenessdesk-worker@{lane}" in said for lane in LANES} == {True}


def test_the_page_and_the_service_files_name_every_lane_and_no_other_command():
    page = PAGE.read_text()

    for lane in LANES:
        assert f"| `{lane}` |" in page
        assert f"likenessdesk-worker@{lane}" in page
    commands = set(re.findall(r"manage\.py (\w+)", page))
    known = {path.stem for path in ROOT.glob("*/management/commands/*.py")}
    of_django = {"migrate", "collectstatic", "createsuperuser", "changepassword", "check"}
    assert commands <= known | of_django | {"usage_partitions", "prepare"}


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_service_file_starts_what_the_page_installs(unit):
    said = dict(re.findall(r"^(\w+)=(.*)$", unit.read_text(), re.MULTILINE))

    assert said["EnvironmentFile"] == "/etc/likenessdesk.env"
    assert said["User"] == "likenessdesk"
    program = Path(said["ExecStart"].split()[0])
    assert program.is_relative_to("/srv/likenessdesk/app/.venv/bin")
    assert (ROOT / ".venv" / "bin" / program.name).exists()


@pytest.mark.deep
@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="There is no systemd here.")
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_systemd_understands_a_service_file(unit, tmp_path):
    copy = tmp_path / unit.name.replace("@.", "@small.")
    text = unit.read_text().replace("/srv/likenessdesk/app", str(ROOT))
    copy.write_text(text.replace("User=likenessdesk\n", ""))

    judged = subprocess.run(  # noqa: S603
        ["systemd-analyze", "verify", copy],  # noqa: S607
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert unit.stem.partition("@")[0] not in judged.stderr, judged.stderr
