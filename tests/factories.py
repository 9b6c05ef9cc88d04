"""Rows for tests: each is complete and plain unless the test says what is different."""

import hashlib
from datetime import UTC, datetime

import pgtrigger
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from licensing import api_keys
from licensing.agreements import document
from licensing.agreements.commissions import fix_commissions
from licensing.agreements.findings import findings
from licensing.models import (
    Agreement,
    AgreementDocument,
    DealTerms,
    Grant,
    Licensee,
    LicenseeTerms,
    SignedScan,
    SignedScanStep,
    UsageBatch,
    UsageEvent,
)
from talent.consent.consents import Evidence, matrix_of, record
from talent.consent.matrix import Cell
from talent.consent.scope import Scope
from talent.models import (
    Agency,
    Build,
    Delegation,
    DigitalTwin,
    Membership,
    Performer,
    Provider,
    Representation,
    User,
)

JANUARY = datetime(2026, 1, 1, tzinfo=UTC)
NEXT_JANUARY = datetime(2027, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
LONG_AGO = "2020-01-01"


# Who


def make_agency(slug="northlight", **fields):
    return Agency.objects.create(
        **{"name": f"{slug.title()} Example", "slug": slug, "country": "US", **fields}
    )


def make_member(agency, role, *, email=None, starts_on=LONG_AGO):
    """Return somebody with a seat at an agency; whoever has the address gets one more seat."""
    email = email or f"{role}@{agency.slug}.example"
    user, _ = User.objects.get_or_create(email=email, defaults={"is_staff": True})
    Membership.objects.create(agency=agency, user=user, role=str(role), starts_on=starts_on)
    return user


def make_user(email, *, performer=None, **fields):
    """Return somebody who signs in, as a performer if one is given."""
    user = User.objects.create_user(email, "x", **fields)
    if performer is not None:
        performer.user = user
        performer.save(update_fields=["user"])
    return user


def make_performer(name="Ada Example", *agencies, commission_percent=10, **fields):
    """Return a performer whom the agencies have represented since long ago."""
    performer = Performer.objects.create(name=name, **fields)
    for agency in agencies:
        represent(agency, performer, commission_percent=commission_percent)
    return performer


def represent(agency, performer, *, commission_percent=10, starts_on=LONG_AGO, **fields):
    return Representation.objects.create(
        agency=agency,
        performer=performer,
        commission_percent=commission_percent,
        starts_on=starts_on,
        **fields,
    )


def make_delegate(performer, kind="counsel", *powers, email="delegate@performers.example"):
    """Return somebody who acts for a performer."""
    user = make_user(email)
    Delegation.objects.create(
        performer=performer, user=user, kind=kind, powers=list(powers), starts_on=LONG_AGO
    )
    return user


def make_twin(performer, **fields):
    return DigitalTwin.objects.create(
        performer=performer,
        **{
            "name": f"{performer.name.split()[0]}'s voice",
            "tier": "dynamic_behavioral_emulator",
            "legal_class": "independently_created",
            **fields,
        },
    )


def make_build(twin, version):
    provider = Provider.objects.create(name="Render Barn")
    return Build.objects.create(
        twin=twin, provider=provider, version=version, built_on="2026-01-01"
    )


def make_persona(agency, **fields):
    """Return a composite twin that has no sources yet."""
    return DigitalTwin.objects.create(
        agency=agency,
        **{
            "name": "Vesper Example",
            "tier": "autonomous_generative_persona",
            "legal_class": "independently_created",
            **fields,
        },
    )


def record_consent(
    stance="allow", *, use="dubbing", scope=None, overrules=False, at=JANUARY, recorded_at=None,
    by=None, **owner,
):  # fmt: skip
    """Record a version of its owner's matrix that says one thing about a voice."""
    return record(
        matrix=matrix_of(**owner),
        cells=[Cell("voice", use, stance, scope or Scope(), overrules)],
        in_force_from=at,
        recorded_at=recorded_at or at,
        by=by,
        evidence=Evidence("A consent for the tests."),
    )


# On what terms


def make_licensee(slug="paper-moon", **fields):
    name = f"{slug.replace('-', ' ').title()} Pictures"
    return Licensee.objects.create(
        **{"name": name, "slug": slug, "kind": "studio", "country": "US", **fields}
    )


def make_terms(agency, licensee):
    return LicenseeTerms.objects.create(agency=agency, licensee=licensee)


def make_agreement(agency, licensee, twin, **fields):
    """Return an agreement that is signed and grants dubbing with a voice for a year."""
    agreement = Agreement.objects.create(
        agency=agency,
        licensee=licensee,
        twin=twin,
        **{
            "reference": "NA-1",
            "status": "signed",
            "signed_at": datetime(2025, 12, 1, tzinfo=UTC),
            "starts_at": JANUARY,
            "ends_at": NEXT_JANUARY,
            "currency": "USD",
            **fields,
        },
    )
    Grant.objects.create(agreement=agreement, right="voice", use="dubbing")
    if agreement.signed_at is not None:
        fix_commissions(agreement, at=agreement.signed_at)
    return agreement


def sign_on_paper(*, agreement, at, by=None, reason=""):
    """Put a draft in force by the scan of its last document."""
    paper = document.latest(agreement) or make_paper(agreement, at=at)
    words = make_scan(agreement, paper, at=at)
    return findings.sign_checked(agreement=agreement, words=words, at=at, by=by, reason=reason)


def make_paper(agreement, *, at, number=1):
    """Return a document to be signed that says nothing."""
    return AgreementDocument.objects.create(
        agreement=agreement, number=number, kind="to_sign", drawn_at=at, pdf=b"%PDF",
        digest=hashlib.sha256(b"%PDF").hexdigest(),
    )  # fmt: skip


def make_scan(agreement, paper, *, at, approved=True):
    """Return the scan of a document that was signed on paper."""
    clerk, _ = User.objects.get_or_create(email="clerk@likeness.example")
    scan = SignedScan.objects.create(
        agreement=agreement, document=paper, pdf=b"%PDF", digest="0" * 64, signed_on=at.date(),
        vouched="A test", handed_in_at=at, handed_in_by=clerk,
    )  # fmt: skip
    if approved:
        SignedScanStep.objects.create(scan=scan, kind="approved", at=at, by=clerk)
    return scan


def change_deal_terms(**fields):
    """Change all deal terms past the trigger, as an approved amendment does."""
    with pgtrigger.ignore("licensing.DealTerms:signed_terms_stay"):
        DealTerms.objects.update(**fields)


def make_uses(terms, twin, *quantities, at, **fields):
    """Write uses into the tables, one for each quantity of lines, past all rules."""
    batch = UsageBatch.objects.create(
        terms=terms, door="api", received_at=at, size=len(quantities) or 1
    )
    row = {
        "agency": terms.agency,
        "licensee": terms.licensee,
        "twin": twin,
        "occurred_at": at,
        "right": "voice",
        "use": "dubbing",
        "territory": "FR",
        "channel": "cinema",
        "standing": "cleared",
        "entry": bytes(65),
        **fields,
    }
    return UsageEvent.objects.bulk_create(
        UsageEvent(batch=batch, seat=seat, lines=quantity, **row)
        for seat, quantity in enumerate(quantities)
    )


# At the doors


def sign_in(user):
    client = Client()
    client.force_login(user)
    return client


def make_studio(terms, *, at, sandbox=False, label="Pipeline"):
    """Return a client that calls the API with a key of the licensee's."""
    issued = api_keys.issue(terms=terms, label=label, at=at, by=None, sandbox=sandbox)
    return Client(headers={"authorization": f"Bearer {issued.secret}"})


def admin_page(model, *args, name=None):
    """Return where a model's row is changed, or added where no key is given."""
    name = name or ("change" if args else "add")
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=args)


def run_action(client, action, *rows, **given):
    """Choose rows of one model in their list, run an action on them and confirm its page."""
    chosen = {"action": action, "_selected_action": [row.pk for row in rows]}
    page = client.post(admin_page(type(rows[0]), name="changelist"), chosen)
    return confirm(client, page, **given) if page.context and "seen" in page.context else page


def take_step(client, name, row, **given):
    """Take a step as a person does: open its page from the row's, and confirm what it says."""
    url = admin_page(type(row), row.pk, name=name)
    page = client.get(url)
    if page.status_code != 200 or not page.context:
        return page
    return client.post(url, {"seen": page.context["seen"], **given})


def confirm(client, page, **given):
    """Confirm the page that a list's step shows, with the rows that it names."""
    sent = {}
    for name, value in page.context["hidden"]:
        sent.setdefault(name, []).append(value)
    return client.post(page.request["PATH_INFO"], {**sent, "seen": page.context["seen"], **given})


def shown_once(response):
    """Return the only secret on a page that shows it once, and is stored nowhere."""
    assert {"no-store", "private"} <= set(response["cache-control"].split(", "))
    (shown,) = response.context["secrets"]
    assert shown.secret in response.text
    assert shown.secret not in messages_of(response)
    return shown.secret


def messages_of(response):
    """Return what a page told its reader, as one text."""
    return " ".join(str(message) for message in get_messages(response.wsgi_request))
