"""What every checkout holds: its lists of packages, its habits, its decisions."""

import re
import tomllib

import pytest
from django.conf import settings

ROOT = settings.BASE_DIR
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
TOOLS = PROJECT["dependency-groups"]["dev"]
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("20*.md"))
INDEX = (ROOT / "docs" / "decisions" / "README.md").read_text()


def names(requirements):
    """Return the packages' names in lines such as `django>=5.2`, as registries spell them."""
    found = (re.match(r"[\w.-]+", line) for line in requirements)
    return {re.sub(r"[._]", "-", match[0].lower()) for match in found if match}


def locked(file):
    return names(line for line in (ROOT / file).read_text().splitlines() if "==" in line)


@pytest.mark.parametrize("file", ["requirements.txt", "requirements-dev.txt"])
def test_a_list_of_packages_names_no_registry(file):
    assert "://" not in (ROOT / file).read_text()


def test_a_desk_that_runs_downloads_no_tool_of_the_tests():
    assert names(PROJECT["project"]["dependencies"]) <= locked("requirements.txt")
    assert names(TOOLS) <= locked("requirements-dev.txt")
    needed_by_both = {"jsonschema"}  # drf-spectacular's too
    assert names(TOOLS) & locked("requirements.txt") <= needed_by_both


def test_a_commit_is_put_right_as_make_fix_does_it():
    hooks = (ROOT / ".pre-commit-config.yaml").read_text()
    recipe = re.search(r"^fix:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    tools = [re.search(r"(ruff \w+|djade)", line)[1] for line in recipe[1].splitlines()]

    assert tools == re.findall(r"entry: \S*?(?:python -m )?(ruff \w+|djade)", hooks)


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.stem)
def test_a_decision_is_dated_has_a_status_and_stands_in_the_index(page):
    title, _, dated, *_ = page.read_text().split("\n")
    day, status = dated.split(" · ", 1)

    assert re.fullmatch(r"\d{1,2} \w+ 2\d{3}", day)
    assert re.fullmatch(r"in force|withdrawn|replaced by \[.+\]\(.+\.md\)", status)
    assert f"| {page.name[:10]} | [{title[2:]}]({page.name}) | {status} |" in INDEX


PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
PLACE = re.compile(
    r"`((?:talent|licensing|valuation|likenessdesk|tests)[./][a-z_./]+)(?:\([^`]*\))?`"
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_names_files_that_exist(page):
    """A place is a folder, a file with or without its ending, or a name in a module."""
    for place in PLACE.findall(page.read_text()):
        path = ROOT / (place if "/" in place else place.replace(".", "/"))
        module = path.with_suffix("").with_suffix(".py")
        assert path.exists() or module.exists() or path.parent.with_suffix(".py").exists(), place
