"""Signing through the doors, as people do it: in the portal, in the admin, by a mailed link."""

import re

from django.test import Client
from django.urls import reverse

from licensing.models import SigningRound
from talent.models import OutboxMessage
from tests.factories import sign_in, take_step

ACTS = {
    "read": {},
    "agree": {"agreed": "yes"},
    "initial": {"initials": "A. E."},
    "sign": {"name": "Ada Example"},
}


def digest_of(found):
    return SigningRound.objects.get(pk=found.pk).digest


def sign_in_the_portal(user, found):
    """Read, agree, initial and sign, each on the page; return the last answer."""
    client, one = sign_in(user), found.signatories.get(user=user)
    assert client.get(reverse("portal:sign", args=[one.pk])).status_code == 200
    for act, given in ACTS.items():
        sent = {"shown": digest_of(found), **given}
        answer = client.post(reverse("portal:sign-act", args=[one.pk, act]), sent)
    return answer


def sign_for_the_agency(user, found):
    return take_step(
        sign_in(user), "sign_for_agency", found, read="on", agreed="on", full_name="Lena Lawyer"
    )


def link_in_the_mail(address):
    """Return the path of the newest link that was mailed to somebody."""
    bodies = OutboxMessage.objects.filter(recipient=address, body__contains="/signing/")
    body = bodies.order_by("-pk").values_list("body", flat=True).first()
    return re.search(r"/signing/[^/\s]+/", body).group()


def code_in_the_mail(address):
    mails = OutboxMessage.objects.filter(recipient=address, subject__startswith="Your code")
    return mails.order_by("-pk").values_list("subject", flat=True).first().split()[-1]


def prove_by_code(client, link, address):
    client.post(f"{link}mail-code/")
    return client.post(f"{link}code/", {"code": code_in_the_mail(address)}, follow=True)


def sign_by_link(address, found, *, initials=False):
    client, link = Client(), link_in_the_mail(address)
    prove_by_code(client, link, address)
    for act, given in ACTS.items():
        if initials or act != "initial":
            answer = client.post(f"{link}{act}/", {"shown": digest_of(found), **given})
    return answer
