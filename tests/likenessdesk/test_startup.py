"""Starting is quick: what is heavy is imported by those who use it."""

import subprocess
import sys

HEAVY = ("weasyprint", "vl_convert", "numpy", "scipy", "redis", "language_tags")


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
