"""Programs that judge the desk from outside and that `make setup` does not bring.

Tests that need a missing one are left out by name, with the way to get it. JUDGES=required, as in
CI, makes it an error.
"""

import os
import shutil
from dataclasses import dataclass

CHROMIUM = "chromium"


@dataclass(frozen=True)
class Judge:
    """A program by any of its names, and the Debian package that brings it."""

    package: str
    programs: tuple[str, ...]
    variable: str = ""

    def path(self) -> str | None:
        """Return where the program is, or None where there is none."""
        named = os.environ.get(self.variable) if self.variable else None
        return named or next(filter(None, map(shutil.which, self.programs)), None)

    def beside(self, program: str) -> str:
        """Return another program that the package brings."""
        return shutil.which(program) or program

    def left_out(self) -> str:
        elsewhere = f"; elsewhere set {self.variable}= to its path" if self.variable else ""
        return (
            f"Tests that need {self.package} were left out: it was not found. "
            f"On Debian: apt-get install {self.package}{elsewhere}."
        )


JUDGES = {
    judge.package: judge
    for judge in (
        Judge(
            CHROMIUM,
            ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"),
            "CHROMIUM",
        ),
        Judge("hledger", ("hledger",)),
        Judge("curl", ("curl",)),
        Judge("pgbouncer", ("pgbouncer",)),
        Judge("poppler-utils", ("pdfsig",)),
        Judge("qpdf", ("qpdf",)),
        Judge("age", ("age",)),
        Judge("softhsm2", ("softhsm2-util",)),
    )
}


def missing() -> dict[str, Judge]:
    return {name: judge for name, judge in JUDGES.items() if judge.path() is None}


def are_required() -> bool:
    return os.environ.get("JUDGES") == "required"
