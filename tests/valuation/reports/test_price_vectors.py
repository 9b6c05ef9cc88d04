"""Vectors: cases that others published, and ours by hand, through the desk's own arithmetic."""

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from valuation.reports.price_vectors import run_vectors

VECTORS = Path(__file__).parents[1] / "vectors"
BY_HAND = json.loads((VECTORS / "by_hand.json").read_text())
CASE = {
    "id": "one",
    "model": "unit",
    "price": {"unit": "2"},
    "phases": [{"cumulative_qty": "3", "expect_total": "6"}],
}


@pytest.mark.parametrize("case", BY_HAND["rating"], ids=lambda case: case["id"])
def test_a_case_worked_by_hand_comes_out(case):
    (outcome,) = run_vectors({"rating": [case]})

    assert outcome.passed, outcome.differs


def run(tmp_path, file):
    path, out = tmp_path / "vectors.json", StringIO()
    path.write_text(file if isinstance(file, str) else json.dumps(file))
    try:
        call_command("price", vectors=path, stdout=out)
    except CommandError as failure:
        return failure.returncode, out.getvalue().splitlines()
    return 0, out.getvalue().splitlines()


def test_the_command_says_a_line_for_each_case_and_how_many_passed(tmp_path):
    code, lines = run(tmp_path, {"about": "…", "rating": [CASE]})

    assert (code, lines) == (
        0,
        ["rating one: passed", "1 passed, 0 failed, 0 by a named convention"],
    )


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"phases": [{"cumulative_qty": "3", "expect_total": "7"}]}, "3 adds 6, expected 7"),
        ({"prorate": True}, "unknown key “prorate”"),
        ({"price": {"unit": "2", "tax": "1"}}, "unknown key “tax”"),
        ({"model": "auction"}, "model “auction” is not known"),
        ({"rounding": "3dp"}, "rounding “3dp” is not known"),
        ({"phases": []}, "no phase is priced"),
        ({"phases": [{"cumulative_qty": "-1", "expect_total": "0"}]}, "cannot be -1"),
        ({"phases": [{"cumulative_qty": "NaN", "expect_total": "0"}]}, "InvalidOperation"),
        ({"phases": [{"cumulative_qty": None, "expect_total": "0"}]}, "TypeError"),
        ({"model": "graduated", "price": {"tiers": [{"up_to": "5", "unit": "1"}]}}, "must be open"),
        ({"price": {"unit": "2", "minimum": "9", "maximum": "1"}}, "minimum of a period is above"),
    ],
)
def test_what_it_does_not_know_fails_by_name_and_the_rest_runs(tmp_path, change, told):
    code, lines = run(tmp_path, {"rating": [{**CASE, **change}, CASE]})

    assert code == 1
    assert told in lines[0]
    assert lines[1:] == ["rating one: passed", "1 passed, 1 failed, 0 by a named convention"]


def test_a_list_that_it_does_not_know_fails_by_name(tmp_path):
    code, lines = run(tmp_path, {"taxes": [CASE], "rating": [7]})

    assert code == 1
    assert lines == [
        "taxes: it is not a list of cases that this desk knows",
        "rating: a case is an object, not 7",
        "0 passed, 2 failed, 0 by a named convention",
    ]


def test_rounding_none_is_exact_and_figures_are_read_as_written(tmp_path):
    exact = {**CASE, "price": {"unit": 0.1}, "rounding": "none"}
    exact["phases"] = [{"cumulative_qty": 0.025, "expect_total": "0.0025"}]

    assert run(tmp_path, {"rating": [exact]})[0] == 0


@pytest.mark.parametrize("file", ["no JSON", "[1, 2]"])
def test_a_file_that_cannot_be_run_is_no_failure_of_a_case(tmp_path, file):
    assert run(tmp_path, file) == (2, [])
