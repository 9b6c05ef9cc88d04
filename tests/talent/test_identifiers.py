import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.iso7064 import mod_37_36

from talent.errors import Refused
from talent.identifiers import NotAnIdentifier, eidr, external, hand_id, isan, isni


@pytest.mark.parametrize(
    ("read", "text", "written"),
    [
        (isni, "0000 0001 2150 090X", "000000012150090X"),
        (isni, "https://isni.org/isni/000000012150090x", "000000012150090X"),
        (isni, "ISNI 0000-0001-2150-090X", "000000012150090X"),
        (isan, "0000-0000-D07A-0090-Q", "0000-0000-D07A-0090-Q"),
        (isan, "ISAN 0000 0000 d07a 0090 q", "0000-0000-D07A-0090-Q"),
        (
            isan,
            "0000-0000-D07A-0090-Q-0000-0000-X",
            "0000-0000-D07A-0090-Q-0000-0000-X",
        ),
        (eidr, "10.5240/7791-8534-2C23-9030-8610-5", "10.5240/7791-8534-2C23-9030-8610-5"),
        (eidr, "10.5240/F85A-E100-B068-5B8F-B1C8-T", "10.5240/F85A-E100-B068-5B8F-B1C8-T"),
        (
            eidr,
            " https://doi.org/10.5240/f85a-e100-b068-5b8f-b1c8-t ",
            "10.5240/F85A-E100-B068-5B8F-B1C8-T",
        ),
        (eidr, "doi:10.5240/F85AE100B0685B8FB1C8T", "10.5240/F85A-E100-B068-5B8F-B1C8-T"),
        (hand_id, "10.23/b77c-a6a1-d3e8-1e13-d6c7", "10.23/B77C-A6A1-D3E8-1E13-D6C7"),
        (
            hand_id,
            "https://doi.org/10.23/B77C-A6A1-D3E8-1E13-D6C7",
            "10.23/B77C-A6A1-D3E8-1E13-D6C7",
        ),
    ],
)
def test_an_identifier_has_one_written_form(read, text, written):
    assert read(text) == written
    assert read(written) == written


@pytest.mark.parametrize(
    ("read", "text", "why"),
    [
        (isni, "", "16 digits"),
        (isni, "0000 0001 2150 0909", "check character is 9 and would have to be X"),
        (isni, "0000 0001 2150 09X0", "16 digits"),
        (isni, "\N{ARABIC-INDIC DIGIT ONE}" * 15 + "X", "16 digits"),
        (isan, "0000-0000-D07A-0090", "16 hexadecimal digits and a check character"),
        (isan, "0000-0000-D07A-0090-R", "would have to be Q"),
        (isan, "0000-0000-D07A-0090-Q-0000-0000-Y", "would have to be X"),
        (isan, "0000-0000-G07A-0090-Q", "hexadecimal"),
        (eidr, "10.5240/7791-8534-2C23-9030-8610-6", "would have to be 5"),
        (eidr, "10.5237/7791-8534", "10.5240/"),
        (eidr, "10.5240/7791-8534-2C23-9030-8610", "check character"),
        (hand_id, "10.23/B77C-A6A1-D3E8-1E13", "20 letters or digits"),
        (hand_id, "10.24/B77C-A6A1-D3E8-1E13-D6C7", "10.23/"),
    ],
)
def test_what_is_none_is_refused_and_told_why(read, text, why):
    with pytest.raises(NotAnIdentifier, match=re.escape(why)) as refusal:
        read(text)

    assert isinstance(refusal.value, Refused)
    assert f"“{text}”" in str(refusal.value)


HEX = "0123456789ABCDEF"


@given(
    digits=st.text(HEX, min_size=20, max_size=20),
    place=st.integers(0, 19),
    other=st.sampled_from(HEX),
)
def test_one_mistyped_digit_of_an_eidr_is_always_noticed(digits, place, other):
    check = mod_37_36.calc_check_digit(digits)
    mistyped = digits[:place] + other + digits[place + 1 :]

    assert eidr(f"10.5240/{digits}{check}").replace("-", "") == f"10.5240/{digits}{check}"
    if mistyped != digits:
        with pytest.raises(NotAnIdentifier):
            eidr(f"10.5240/{mistyped}{check}")


@pytest.mark.parametrize(
    ("scheme", "text", "written"),
    [
        ("ipi", "00014 10 73 38", "00014107338"),
        ("imdb", "NM0000001", "nm0000001"),
        ("ipn", " 1234 567 ", "1234567"),
        ("agency's own", " A-7 b ", "A-7 b"),
    ],
)
def test_identifiers_of_other_schemes_are_written_as_there(scheme, text, written):
    assert external(scheme, text) == written


@pytest.mark.parametrize(("scheme", "text"), [("ipi", "123"), ("imdb", "tt0000001"), ("ipn", "x")])
def test_an_identifier_is_refused_that_no_scheme_like_it_has(scheme, text):
    with pytest.raises(NotAnIdentifier, match=text):
        external(scheme, text)
