"""Installs the system libraries that PDFs need: `python -m likenessdesk.libraries`."""

import ctypes
import os
import shutil
import subprocess
import sys

PANGO = {
    "libpango-1.0-0": ("libpango-1.0.so.0", "libpango-1.0.0.dylib"),
    "libpangoft2-1.0-0": ("libpangoft2-1.0.so.0", "libpangoft2-1.0.0.dylib"),
    "libharfbuzz-subset0": ("libharfbuzz-subset.so.0", "libharfbuzz-subset.0.dylib"),
}
HOMEBREW = ("/opt/homebrew/lib", "/usr/local/lib")
QUIETLY = {"DEBIAN_FRONTEND": "noninteractive"}


def missing() -> list[str]:
    """Return the Debian package names of the libraries that this machine lacks."""
    return [package for package, (linux, mac) in PANGO.items() if not _loads(linux, mac)]


def _loads(linux: str, mac: str) -> bool:
    if sys.platform == "darwin":
        return any(os.path.exists(f"{folder}/{mac}") for folder in HOMEBREW) or _opens(mac)
    return _opens(linux)


def _opens(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def hint() -> str:
    """Say how to install the libraries on this kind of machine."""
    if sys.platform == "darwin":
        return "Run `brew install pango`."
    if shutil.which("apt-get"):
        return f"Run `sudo apt-get install {' '.join(PANGO)}`."
    return "Install Pango 1.44 or newer and HarfBuzz with its subset library."


def install() -> None:
    """Install the libraries if the user is root and apt-get exists; else do nothing."""
    if os.geteuid() != 0 or not (apt := shutil.which("apt-get")):
        return
    print(f"Installing {', '.join(PANGO)} …", flush=True)  # noqa: T201
    for arguments in (["update"], ["install", "--yes", "--no-install-recommends", *PANGO]):
        subprocess.run(  # noqa: S603 - apt-get with names from above
            [apt, "--quiet", "--quiet", *arguments],
            stdin=subprocess.DEVNULL,
            env=os.environ | QUIETLY,
            check=False,
        )


def main() -> int:
    if missing():
        install()
    if absent := missing():
        print(f"Statements need {', '.join(absent)}. {hint()}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
