"""Targets: a webhook goes to public addresses over HTTPS, whatever it is told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensing.webhooks import targets
from licensing.webhooks.targets import TargetRefused, allowed_addresses, may_go_to, target_in

PUBLIC = ["93.184.216.34", "2606:2800:220:1::1"]
PRIVATE = ["10.0.0.7", "172.16.3.4", "192.168.1.1", "127.0.0.1", "127.9.9.9", "fd12::1", "::1"]
CLOSED = [
    "0.1.2.3", "100.64.0.1", "100.100.100.200", "169.254.169.254", "192.0.0.192", "198.18.0.1",
    "224.0.0.1", "255.255.255.255", "168.63.129.16", "240.0.0.1", "192.0.2.1", "::",
    "::ffff:127.0.0.1", "::ffff:93.184.216.34", "::127.0.0.1", "64:ff9b::7f00:1",
    "64:ff9b:1::a00:1", "2002:7f00:1::", "2001:0:53aa:64c::1", "2001:db8::1", "fe80::1",
    "fe80::1%eth0", "fd00:ec2::254", "fec0::1", "ff02::1", "not an address", "",
]  # fmt: skip


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_open(address):
    assert may_go_to(address)


@pytest.mark.parametrize("address", [*PRIVATE, *CLOSED])
def test_every_other_address_is_closed(address):
    assert not may_go_to(address)


@pytest.mark.parametrize("address", PRIVATE)
def test_the_operator_may_open_the_houses_own_network(address):
    assert may_go_to(address, private=True)


@pytest.mark.parametrize(
    "address",
    ["169.254.169.254", "168.63.129.16", "fd00:ec2::254", "fe80::1", "224.0.0.1",
     "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "0.1.2.3", "192.0.0.192", "192.88.99.1",
     "240.0.0.1", "255.255.255.255", "::", "::127.0.0.1", "64:ff9b:1::a00:1", "fec0::1", "ff02::1",
     "2001:0:53aa:64c::1", "2002:7f00:1::"],
)  # fmt: skip
def test_nobody_opens_what_clouds_tell_their_secrets_at(address):
    assert not may_go_to(address, private=True)


@given(st.ip_addresses(v=4, network="127.0.0.0/8") | st.ip_addresses(v=4, network="10.0.0.0/8"))
def test_no_way_of_writing_an_inner_address_is_open(inner):
    number = int(inner)
    for written in (
        f"::ffff:{inner}",
        f"::{inner}",
        f"64:ff9b::{inner}",
        f"2002:{number >> 16:x}:{number & 0xFFFF:x}::1",
    ):
        assert not may_go_to(written)
        assert not may_go_to(written, private=True)


@pytest.mark.parametrize(
    "url",
    [
        "http://studio.example/hooks",
        "ftp://studio.example/",
        "//studio.example/",
        "studio.example",
        "https://",
        "https:///path",
        "https://user:secret@studio.example/",
        "https://user@studio.example/",
        "https://@studio.example/",
        "https://studio.example/#part",
        "https://studio.example/a b",
        "https://studio.example:22/",
        "https://studio.example:99999/",
        "https://stüdio.example/",
        "https://①②⑦.⓪.⓪.①/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0x7f.1/",
        "https://0177.0.0.1/",
        "https://127.1/",
        "https://127.0.0.1./",
        "https://[::1%25lo]/",
        "https://[::1",
        "https://[v1.x]/",
        "https://-/" + "a" * 500,
        "https://a..b/",
        "https://stu\x00dio.example/",
    ],
)
def test_an_address_that_could_mislead_is_refused(url):
    with pytest.raises(TargetRefused):
        target_in(url)


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://studio.example", "https://studio.example/"),
        (" https://Studio.Example:443/Hooks?a=1 ", "https://studio.example/Hooks?a=1"),
        ("https://studio.example:8443/h", "https://studio.example:8443/h"),
        ("https://[2606:2800:0220:1::1]/", "https://[2606:2800:220:1::1]/"),
        ("https://xn--stdio-kva.example/", "https://xn--stdio-kva.example/"),
    ],
)
def test_an_address_has_one_form(url, kept):
    assert target_in(url).url == kept
    assert target_in(kept).url == kept


def test_plain_http_is_the_operators_to_allow():
    assert target_in("http://10.0.0.7:8000/h", private=True).url == "http://10.0.0.7:8000/h"


def test_one_inner_address_among_many_refuses_all():
    with pytest.raises(TargetRefused):
        allowed_addresses("studio.example", 443, resolve=lambda *_: [*PUBLIC, "10.0.0.7"])

    assert allowed_addresses("studio.example", 443, resolve=lambda *_: PUBLIC) == PUBLIC


@pytest.mark.parametrize("failure", [OSError("no such name"), UnicodeError("label too long")])
def test_a_name_that_leads_nowhere_is_refused(failure):
    def fail(*_):
        raise failure

    with pytest.raises(TargetRefused):
        allowed_addresses("studio.example", 443, resolve=fail)
    with pytest.raises(TargetRefused):
        allowed_addresses("studio.example", 443, resolve=lambda *_: [])


def test_what_old_resolvers_read_as_loopback_is_seen_as_such():
    """Should such a host get past the form, the address it leads to is judged."""
    for host in ("127.1", "2130706433", "0x7f.1", "localhost"):
        with pytest.raises(TargetRefused):
            allowed_addresses(host, 443, resolve=targets.look_up)
