"""Names by number: T7 is the twin with number 7, whatever else is called that."""

from dataclasses import dataclass

import pytest

from licensing.wire.names import NamesSent, Prefix, name_of, number_in


@dataclass(frozen=True)
class Twin:
    pk: int
    name: str
    hand_id: str = ""


def test_a_name_is_its_prefix_and_the_number():
    assert name_of(Prefix.TWIN, 7) == "T7"
    assert name_of(Prefix.AGREEMENT, None) is None


@pytest.mark.parametrize(
    ("name", "number"),
    [("T7", 7), ("T007", 7), ("A7", None), ("T", None), ("T7 ", None), ("T-7", None)],
)
def test_a_number_is_read_from_names_with_its_prefix_only(name, number):
    assert number_in(name, Prefix.TWIN) == number


def test_a_number_too_long_for_the_database_is_no_number():
    assert number_in("T" + "9" * 18, Prefix.TWIN) == int("9" * 18)
    assert number_in("T" + "9" * 19, Prefix.TWIN) is None


def test_what_is_not_named_is_left_out():
    sent = NamesSent.of(["T7", "", None, "Ada"], Prefix.TWIN)
    assert (sent.names, sent.numbers) == ({"T7", "Ada"}, {"T7": 7})


def test_rows_go_by_their_number_and_their_texts():
    ada, bo = Twin(7, "Ada", "HAND-1"), Twin(8, "Bo")
    found = NamesSent.of(["T7", "T007", "Bo", "T9"], Prefix.TWIN).matched(
        [ada, bo], ("hand_id", "name")
    )
    assert [found.get(name) for name in ("T7", "T007", "Bo", "HAND-1", "T9")] == [
        ada, ada, bo, ada, None,
    ]  # fmt: skip


def test_a_number_goes_before_a_text_that_looks_like_one():
    named, numbered = Twin(1, "T7"), Twin(7, "Ada")
    assert NamesSent.of(["T7"], Prefix.TWIN).matched([named, numbered], ["name"])["T7"] is numbered


def test_of_two_rows_with_one_text_the_first_is_meant():
    first, second = Twin(1, "Ada"), Twin(2, "Ada")
    assert NamesSent.of(["Ada"], Prefix.TWIN).matched([first, second], ["name"])["Ada"] is first
