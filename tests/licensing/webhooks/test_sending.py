"""Sending: to the very address that was judged, never on from there, and not for long."""

import datetime
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from licensing.webhooks import sending, targets
from licensing.webhooks.targets import Target
from tests.licensing.webhooks.receiver import dripping, listening

HEADERS = {"Content-Type": "application/json"}
INNER = "127.0.0.1"


def send(port, *, scheme="http", host="studio.example", private=False, tls=None):
    where = Target(scheme, host, port, "/hooks")
    return sending.send(where, b"{}", HEADERS, private=private, tls=tls)


@pytest.fixture
def receiver():
    with listening() as one:
        yield one


@pytest.fixture
def names(monkeypatch):
    """A resolver of our own: each look-up gets the next list of addresses, the last for ever."""

    def set_to(*answers):
        left = list(answers)
        asked = []

        def look_up(host, port):
            asked.append(host)
            return left.pop(0) if len(left) > 1 else left[0]

        monkeypatch.setattr(targets, "look_up", look_up)
        return asked

    return set_to


def test_a_message_arrives_under_its_own_host(receiver, names):
    names([INNER])

    answer = send(receiver.port, private=True)

    ((path, headers, body),) = receiver.requests
    assert (answer.status, answer.error, answer.is_delivered) == (204, "", True)
    assert (path, body) == ("/hooks", b"{}")
    assert headers["Host"] == f"studio.example:{receiver.port}"


def test_a_name_that_turns_inward_after_it_was_saved_reaches_nobody(receiver, names):
    """DNS rebinding: public when the endpoint is saved, loopback when it is connected to."""
    names(["93.184.216.34"], [INNER])
    targets.allowed_addresses("studio.example", receiver.port)

    answer = send(receiver.port)

    assert (answer.status, receiver.requests) == (None, [])
    assert "do not go to" in answer.error


def test_a_name_is_looked_up_once_for_a_connection(receiver, names):
    """There is no second look-up that could lead elsewhere than the judged one."""
    asked = names([INNER], ["203.0.113.9"])

    assert send(receiver.port, private=True).is_delivered
    assert asked == ["studio.example"]


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.1", "2130706433"])
def test_an_inner_address_is_not_connected_to(receiver, host):
    answer = send(receiver.port, host=host)

    assert (answer.status, receiver.requests) == (None, [])


def test_a_redirect_is_an_answer_and_not_followed(receiver, names):
    names([INNER])
    with listening() as inner:
        receiver.status, receiver.headers = 307, {"Location": inner.url}

        answer = send(receiver.port, private=True)

    assert (answer.status, answer.is_delivered) == (307, False)
    assert len(receiver.requests) == 1
    assert inner.requests == []


def test_gone_is_understood(receiver, names):
    names([INNER])
    receiver.status = 410

    assert send(receiver.port, private=True).is_gone


def test_of_a_huge_answer_only_the_beginning_is_read(receiver, names):
    names([INNER])
    receiver.status, receiver.body = 500, b"x" * 20_000_000

    answer = send(receiver.port, private=True)

    assert (answer.status, answer.body) == (500, "x" * 500)


def test_an_answer_that_is_no_text_can_still_be_stored(receiver, names):
    names([INNER])
    receiver.status, receiver.body = 200, b"\x00\xff ok"

    assert send(receiver.port, private=True).body == "\N{REPLACEMENT CHARACTER}" * 2 + " ok"


@pytest.mark.parametrize(
    ("pieces", "then"),
    [
        ([], b""),
        ([b"HTTP/1.1 200 OK\r\n"], b"X: y\r\n"),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"], b"x"),
    ],
    ids=["silent", "headers drop by drop", "body drop by drop"],
)
def test_a_slow_answer_is_cut_off(names, monkeypatch, pieces, then):
    """Each drop comes in time, so that the socket's own clock never runs out."""
    names([INNER])
    monkeypatch.setattr(sending, "DEADLINE_SECONDS", 0.5)
    cut, real = [], sending._cut
    monkeypatch.setattr(sending, "_cut", lambda copy: cut.append(copy) or real(copy))
    with dripping(*pieces, pause=0.05, then=then) as port:
        answer = send(port, private=True)

    assert len(cut) == 1
    assert answer.status in (None, 200)
    assert (answer.status is None) == ("No answer within" in answer.error)


def test_what_is_no_http_is_told(names):
    names([INNER])
    with dripping(b"SSH-2.0-OpenSSH\r\n\r\n", pause=0.05) as port:
        answer = send(port, private=True)

    assert (answer.status, bool(answer.error)) == (None, True)


def test_nobody_at_home_is_told(names):
    names([INNER])
    with listening() as left:
        port = left.port

    assert "refused" in send(port, private=True).error


def test_the_next_address_is_tried_when_one_does_not_answer(names):
    names(["127.0.0.2", INNER])
    with listening() as receiver:
        assert send(receiver.port, private=True).is_delivered


# TLS


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """A certificate for studio.example that signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "studio.example")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName("studio.example")]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "studio.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


@pytest.fixture
def secure(authority):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority)
    with listening(context) as one:
        yield one


def test_the_certificate_is_judged_by_the_name_not_the_address(secure, authority, names):
    names([INNER])
    trusting = ssl.create_default_context(cafile=str(authority))

    assert send(secure.port, scheme="https", private=True, tls=trusting).is_delivered
    other = send(secure.port, scheme="https", host="other.example", private=True, tls=trusting)
    assert other.status is None
    assert "certificate" in other.error


def test_a_certificate_that_nobody_vouches_for_is_refused(secure, names):
    names([INNER])

    answer = send(secure.port, scheme="https", private=True)

    assert (answer.status, secure.requests) == (None, [])
    assert "certificate" in answer.error
