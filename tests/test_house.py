"""The drawing of docs/house.md is the house: its contracts, its folders, and what is pure in it."""

import re
import tomllib
from pathlib import Path

import pytest
from django.conf import settings

BASE = Path(settings.BASE_DIR)
PROJECT = tomllib.loads((BASE / "pyproject.toml").read_text())
CONTRACTS = PROJECT["tool"]["importlinter"]["contracts"]
SECTION = re.compile(r"^## (?P<package>[a-z./]+)[^\n]*\n(?P<text>.*?)(?=^## |\Z)", re.M | re.S)
ROW = re.compile(r"^\| (?P<rooms>`[^|]+`[^|]*) \|", re.MULTILINE)
NAME = re.compile(r"`(?P<name>[a-z_./]+)`(?P<pure>∎?)")


def drawn():
    """Return the rooms of each package, line by line from the highest, as the page draws them."""
    page = (BASE / "docs" / "house.md").read_text()
    return {
        section["package"].replace("/", "."): [
            {found["name"] for found in NAME.finditer(row["rooms"])}
            for row in ROW.finditer(section["text"])
        ]
        for section in SECTION.finditer(page)
    }


def contracted():
    """Return the same from the contracts."""
    return {
        contract["containers"][0]: [
            {room.strip() for room in layer.split("|")} for layer in contract["layers"]
        ]
        for contract in CONTRACTS
        if "containers" in contract
    }


def folders(package):
    inside = (BASE / package.replace(".", "/")).iterdir()
    return {
        path.stem
        for path in inside
        if (path.suffix == ".py" and path.stem != "__init__")
        or (path.is_dir() and (path / "__init__.py").exists())
    }


@pytest.mark.parametrize("package", contracted())
class TestThePicture:
    def test_has_the_layers_of_the_contract(self, package):
        assert drawn()[package] == contracted()[package]

    def test_has_each_room_once(self, package):
        rooms = [room for layer in drawn()[package] for room in layer]

        assert sorted(rooms) == sorted(folders(package))


def test_what_is_marked_pure_is_held_to_it():
    page = (BASE / "docs" / "house.md").read_text()
    marked = {
        f"{section['package'].replace('/', '.')}.{found['name'].replace('/', '.')}"
        for section in SECTION.finditer(page)
        for found in NAME.finditer(section["text"])
        if found["pure"]
    }
    (pure,) = (c for c in CONTRACTS if c["name"] == "Arithmetic knows no framework")

    assert marked == set(pure["source_modules"])
