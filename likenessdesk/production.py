"""What `PRODUCTION=1` asks of the environment. No Django here: the settings begin with it."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

NEEDED = {
    "SECRET_KEY": "a long random text, the same for every process",
    "KEY_ENCRYPTION_KEY": "another long random text, the same for every process and for good",
    "ALLOWED_HOSTS": "the desk's host names, with commas between them",
    "DATABASE_URL": "postgres://user:password@host:5432/name",
    "REDIS_URL": "redis://:password@host:6379/0",
    "EMAIL_URL": "smtp://user:password@host:587",
}
SHORTEST_KEY = 40


def faults(environment: Mapping[str, str], *, debug: bool, missing: Sequence[str]) -> list[str]:
    """Return what keeps this environment from serving people, a sentence each."""
    found = [f"{name} is not set: it is {NEEDED[name]}." for name in missing]
    if debug:
        found.append("DEBUG is on: its error pages show settings and people's data.")
    keys = [environment.get(name, "").strip() for name in ("SECRET_KEY", "KEY_ENCRYPTION_KEY")]
    found += [
        f"{name} is shorter than {SHORTEST_KEY} characters."
        for name, key in zip(("SECRET_KEY", "KEY_ENCRYPTION_KEY"), keys, strict=True)
        if key and len(key) < SHORTEST_KEY
    ]
    if keys[0] and keys[0] == keys[1]:
        found.append("SECRET_KEY and KEY_ENCRYPTION_KEY are the same: make two.")
    if "*" in environment.get("ALLOWED_HOSTS", ""):
        found.append("ALLOWED_HOSTS holds “*”: name the hosts, or mails lead anywhere.")
    if urlsplit(environment.get("EMAIL_URL", "")).scheme == "console":
        found.append("EMAIL_URL is console: invitations would be written into the log.")
    return found


def refusal(found: Sequence[str]) -> str:
    """Return the text with which a process ends."""
    return "\n  ".join(["PRODUCTION=1, and the desk does not start:", *found])
