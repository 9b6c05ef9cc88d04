"""Two at once: what one does, the other waits for, and then finds that it is done."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection

from licensing.agreements.signing import deadlines, rounds
from licensing.models import Agreement, SigningEvent, SigningRound
from talent.errors import Refused
from talent.models import OutboxMessage
from tests.factories import NOW
from tests.licensing.agreements.signing import rounds_of_tests as flow

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("light_papers"),
]
AT_ONCE = 4


def at_once(act):
    """Run an act on several connections; return what each came to, a refusal by its code."""

    def run(_number):
        try:
            return act()
        except Refused as refusal:
            return refusal.code
        finally:
            connection.close()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(run, range(AT_ONCE)))


def test_one_signature_comes_of_many_clicks(out, star):
    flow.prepare(out, "performer", flow.signed_in(star))
    shown = flow.digest_now(out)

    came = at_once(lambda: flow.sign(out, "performer", flow.signed_in(star), shown=shown).pk)

    assert came.count(out.pk) == 1
    assert came.count("not_their_turn") == AT_ONCE - 1
    assert SigningEvent.objects.filter(kind="signed").count() == 1
    pdf = bytes(SigningRound.objects.get().pdf)
    assert pdf.count(b"signature-1") == 1


def test_one_agreement_comes_of_many_last_signatures(out, star, lawyer):
    flow.do_all(out, "performer", flow.signed_in(star))
    flow.do_all(out, "agency", flow.signed_in(lawyer))
    flow.prepare(out, "licensee", flow.BY_LINK)
    shown = flow.digest_now(out)

    at_once(lambda: flow.sign(out, "licensee", flow.BY_LINK, shown=shown).pk)

    assert Agreement.objects.get(pk=out.agreement_id).steps.filter(kind="signed").count() == 1


def test_cancelling_and_signing_at_once_come_one_after_the_other(out, star, lawyer):
    flow.prepare(out, "performer", flow.signed_in(star))
    shown = flow.digest_now(out)
    acts = iter(
        [
            lambda: flow.sign(out, "performer", flow.signed_in(star), shown=shown).pk,
            lambda: rounds.cancel(round_id=out.pk, reason="x", at=NOW, by=lawyer).pk,
        ]
        * (AT_ONCE // 2)
    )

    came = at_once(lambda: next(acts)())

    assert SigningRound.objects.get().state == "cancelled"
    assert "round_is_over" in came
    kinds = list(SigningEvent.objects.order_by("pk").values_list("kind", flat=True))
    assert kinds[-1] == "cancelled"


def test_two_sweeps_at_once_remind_once(out, star):
    at = NOW + timedelta(days=3)

    came = at_once(lambda: deadlines.sweep(at=at)["reminded"])

    assert sum(came) == 1
    assert OutboxMessage.objects.filter(subject__startswith="Still").count() == 1
