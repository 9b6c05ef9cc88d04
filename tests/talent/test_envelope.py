import pytest
from hypothesis import given
from hypothesis import strategies as st

from talent.envelope import EnvelopeBroken, key_for, open_envelope, seal

KEY = key_for("prompts", key_encryption_key=b"of the house")


@given(content=st.binary(max_size=200), about=st.text(max_size=20))
def test_what_was_sealed_opens_again(content, about):
    assert open_envelope(seal(content, key=KEY, about=about), key=KEY, about=about) == content


def test_two_envelopes_of_the_same_content_differ():
    assert seal(b"same", key=KEY, about="1") != seal(b"same", key=KEY, about="1")


def test_an_envelope_opens_only_for_what_it_is_about():
    with pytest.raises(EnvelopeBroken):
        open_envelope(seal(b"line", key=KEY, about="event 1"), key=KEY, about="event 2")


def test_an_envelope_of_one_purpose_does_not_open_for_another():
    other = key_for("permits", key_encryption_key=b"of the house")

    with pytest.raises(EnvelopeBroken):
        open_envelope(seal(b"line", key=KEY, about="1"), key=other, about="1")


@pytest.mark.parametrize("place", [0, 15, -1])
def test_a_changed_byte_shows(place):
    sealed = bytearray(seal(b"line", key=KEY, about="1"))
    sealed[place] ^= 1

    with pytest.raises(EnvelopeBroken):
        open_envelope(bytes(sealed), key=KEY, about="1")


@pytest.mark.parametrize("sealed", [b"", b"short"])
def test_what_is_no_envelope_does_not_open(sealed):
    with pytest.raises(EnvelopeBroken):
        open_envelope(sealed, key=KEY, about="1")
