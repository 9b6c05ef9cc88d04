"""The whole story, told once, through the doors: consent → clearance → use → money → statement.

An agent records what Ada allows; business affairs signs the agreement; the studio asks, uses
and reports; the night rates; accounting records the money and two people see the statement out;
Ada reads it. Nothing here calls a capability: only the admin, the API, the portal and a command.

By hand, for July to September 2026, at 60.00 a line up to 100 lines and 45.00 above:

    90 + 46 = 136 lines of French and German dubbing     100 × 60 + 36 × 45 = 7,620.00
    13 lines of advertising, which Ada refused                        held,      0.00
    earned                                                                   7,620.00
    received from the studio                                                 5,000.00
    commission of 10 %                                                        −500.00
    payable                                                                  4,500.00
    earned and not yet received                          7,620 − 5,000 =     2,620.00
"""

import json
from datetime import UTC, date, datetime
from decimal import Decimal as D
from io import StringIO

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from licensing.models import (
    Agreement,
    Bracket,
    DealTerms,
    Grant,
    Licensee,
    LicenseeTerms,
    Production,
    RateCard,
    RateLine,
    SigningRound,
)
from licensing.usage.events.event_types import USAGE_TYPE
from talent.models import (
    Agency,
    Beneficiary,
    ConsentMatrix,
    DigitalTwin,
    Membership,
    Performer,
    Representation,
    User,
)
from talent.words import Role
from tests import signing
from tests.factories import messages_of, shown_once, sign_in, take_step
from valuation.models import Statement

PASSWORD = "a-long-enough-one"  # noqa: S105 (of people who do not exist)
BEFORE = datetime(2026, 6, 1, tzinfo=UTC)


def person(email, agency=None, role=None):
    user = User.objects.create_user(email, PASSWORD, is_staff=agency is not None)
    if agency:
        Membership.objects.create(
            agency=agency, user=user, role=role.value, starts_on=date(2026, 1, 1)
        )
    return user


@pytest.fixture
def cast(db, settings, tmp_path, sealing):
    settings.MEDIA_ROOT = tmp_path
    agency = Agency.objects.create(
        name="Harbour Example", slug="harbour", country="US", address="1 Quay"
    )
    other = Agency.objects.create(name="Elsewhere Example", slug="elsewhere", country="US")
    ada = Performer.objects.create(name="Ada Example", user=person("ada@example.com"))
    Beneficiary.objects.create(name="Ada Example", performer=ada)
    Representation.objects.create(
        agency=agency, performer=ada, commission_percent=D(10), starts_on=date(2026, 1, 1)
    )
    twin = DigitalTwin.objects.create(
        name="Ada's voice",
        performer=ada,
        tier="dynamic_behavioral_emulator",
        legal_class="employment_based",
    )
    studio = Licensee.objects.create(
        name="Orbit Post",
        slug="orbit",
        kind="post",
        country="US",
        billing_email="rights@orbit.example",
    )
    LicenseeTerms.objects.create(agency=agency, licensee=studio)
    Production.objects.create(
        licensee=studio,
        title="Harbor Nine",
        kind="series",
        eidr="10.5240/7791-8534-2C23-9030-8610-5",
    )
    return {
        "agent": person("agent@harbour.example", agency, Role.AGENT),
        "lawyer": person("lawyer@harbour.example", agency, Role.BUSINESS_AFFAIRS),
        "books": person("books@harbour.example", agency, Role.ACCOUNTING),
        "second": person("second@harbour.example", agency, Role.ACCOUNTING),
        "stranger": person("books@elsewhere.example", other, Role.ACCOUNTING),
        "ada": ada.user,
        "twin": twin,
        "agency": agency,
        "studio": studio,
        "performer": ada,
    }


def test_from_consent_to_a_statement_that_its_performer_reads(cast):
    record_consent(cast)
    sign_agreement(cast)
    studio = the_studio(cast)

    ask_first(studio, cast)
    report_usage(studio, cast)
    night()
    receive(cast, "5000.00")
    night()
    statement = see_out(cast)

    assert (statement.earned, statement.received) == (D("7620"), D("5000"))
    assert (statement.deductions, statement.closing) == (D("-500"), D("4500"))
    assert statement.outstanding == D("2620")
    read_by_ada(cast, statement)
    nobody_else_reads(cast, studio, statement)


def record_consent(cast):
    """The agent enters what Ada signed: dubbing yes, into two languages; advertising no."""
    matrix = ConsentMatrix.objects.create(performer=cast["performer"])
    form = {
        "stance.voice.dubbing": "allow",
        "held.voice.dubbing": "scope-languages=fr, de",
        "stance.voice.advertising": "deny",
        "in_force_from": "2026-06-01T00:00:00",
        "text_shown": "My voice may be dubbed into French and German.",
        "method": "written",
        "represented_by": "counsel",
        "representative": "Example Counsel",
        "signed_on": "2026-05-29",
        "reason": "First consent",
        "save": "1",
    }
    editor = reverse("admin:talent_consentmatrix_edit", args=[matrix.pk])
    answer = sign_in(cast["agent"]).post(editor, form)

    assert answer.status_code == 302
    version = matrix.versions.get()
    assert (version.number, version.cells.count()) == (1, 2)
    assert version.cells.get(use="dubbing").languages == ["de", "fr"]
    assert version.cells.get(use="dubbing").territories is None


def sign_agreement(cast):
    agreement = Agreement.objects.create(
        agency=cast["agency"],
        licensee=cast["studio"],
        twin=cast["twin"],
        reference="HAR-1",
        starts_at=datetime(2026, 7, 1, tzinfo=UTC),
        currency="USD",
    )
    card = RateCard.objects.create(agreement=agreement, effective_from=date(2026, 7, 1))
    line = RateLine.objects.create(
        card=card, code="dub", label="Dubbed line", meter="lines", pricing="graduated"
    )
    Bracket.objects.create(line=line, up_to=D(100), unit_price=D(60))
    Bracket.objects.create(line=line, up_to=None, unit_price=D(45))
    too_much = Grant.objects.create(agreement=agreement, right="voice", use="advertising")
    enter_deal_terms(agreement)
    lawyer = sign_in(cast["lawyer"])
    studio = {"licensee_name": "Sam Studio", "licensee_email": "sam@orbit.example", "days": 30}

    refused = take_step(lawyer, "send", agreement, **studio)
    assert "Advertising" in refused.text
    too_much.delete()
    Grant.objects.create(agreement=agreement, right="voice", use="dubbing", languages=["fr", "de"])
    sent = take_step(lawyer, "send", agreement, **studio)
    assert "HAR-1 is out for signature" in messages_of(sent)

    found = SigningRound.objects.get()
    assert "The next one is asked now" in messages_of(
        signing.sign_in_the_portal(cast["ada"], found)
    )
    assert "Your signature stands" in messages_of(
        signing.sign_for_the_agency(cast["lawyer"], found)
    )
    last = signing.sign_by_link("sam@orbit.example", found)
    assert "the agreement holds from now on" in messages_of(last)
    agreement.refresh_from_db()
    assert agreement.status == "signed"


def enter_deal_terms(agreement):
    """Enter what the document says beside grants, rates and caps."""
    Agreement.objects.filter(pk=agreement.pk).update(
        description="Dubbing the part of Ines in Harbor Nine into French and German."
    )
    DealTerms.objects.create(
        agreement=agreement, kind="dubbing_adr", governing_law="US-CA", represented_by="counsel",
        counsel_name="Cleo Counsel", counsel_firm="Example Counsel", retention_days=30,
        withdrawal_notice_days=14, audit_notice_days=20, audit_years_back=3,
        audit_shortfall_percent=5, confidential_years=2, usage_report_days=90, statement_days=60,
        payment_days=45, renewal_notice_days=75, transfer_answer_days=21, cure_days=10,
    )  # fmt: skip


def the_studio(cast):
    """Business affairs issues the studio's key; it is shown once."""
    terms = LicenseeTerms.objects.get()
    secret = shown_once(take_step(sign_in(cast["lawyer"]), "issue_key", terms))
    return Client(headers={"authorization": f"Bearer {secret}"})


def post(studio, path, body, content_type="application/json"):
    return studio.post(f"/api/v1/{path}", json.dumps(body), content_type=content_type)


def ask_first(studio, cast):
    asked = {
        "twin": f"T{cast['twin'].pk}",
        "agreement": "HAR-1",
        "right": "voice",
        "use": "dubbing",
        "territory": "FR",
        "language": "fr",
        "channel": "streaming",
        "production": "Harbor Nine",
        "at": "2026-07-15T12:00:00Z",
        "quantities": {"lines": "90"},
    }
    cleared = post(studio, "clearances", asked).json()
    refused = post(studio, "clearances", asked | {"use": "advertising"}).json()

    assert cleared["outcome"] == "cleared", cleared
    assert refused["outcome"] == "refused"
    assert "Voice in Advertising" in json.dumps(refused)


def event(cast, key, lines, language="fr", use="dubbing", on="2026-07-15"):
    return {
        "specversion": "1.0",
        "id": key,
        "source": "https://orbit.example/dub",
        "type": USAGE_TYPE,
        "time": f"{on}T12:00:00Z",
        "data": {
            "twin": f"T{cast['twin'].pk}",
            "agreement": "HAR-1",
            "production": "10.5240/7791-8534-2C23-9030-8610-5",
            "right": "voice",
            "use": use,
            "territory": "FR",
            "language": language,
            "channel": "streaming",
            "quantities": {"lines": lines},
        },
    }


def report_usage(studio, cast):
    batch = [
        event(cast, "reel-1", "90"),
        event(cast, "reel-2", "46", language="de", on="2026-09-30"),
        event(cast, "spot-1", "13", use="advertising", on="2026-08-10"),
    ]
    answer = post(studio, "usage/events", batch)
    again = post(studio, "usage/events", batch)

    assert [one["status"] for one in answer.json()["results"]] == [201, 201, 201]
    assert [one["status"] for one in again.json()["results"]] == [200, 200, 200]


def night():
    out = StringIO()
    call_command("night", "--json", stdout=out)
    return json.loads(out.getvalue())


def receive(cast, amount):
    form = {
        "agency": cast["agency"].pk,
        "licensee": cast["studio"].pk,
        "amount": amount,
        "currency": "USD",
        "received_on": "2026-09-20",
        "reference": "WIRE-77",
    }
    answer = sign_in(cast["books"]).post(reverse("admin:valuation_remittance_add"), form)

    assert answer.status_code == 302, answer.context["errors"]


def see_out(cast):
    statement = Statement.objects.get(kind="beneficiary")
    first, second = sign_in(cast["books"]), sign_in(cast["second"])

    assert "is reviewed" in messages_of(take_step(first, "review", statement))
    assert "cannot approve" in take_step(first, "approve", statement).text
    assert "is approved" in messages_of(take_step(second, "approve", statement))
    assert "is issued" in messages_of(take_step(second, "issue", statement))
    return Statement.objects.get(pk=statement.pk)


def read_by_ada(cast, statement):
    ada = sign_in(cast["ada"])
    usage = ada.get(reverse("portal:usage")).content.decode()
    statements = ada.get(reverse("portal:statements")).content.decode()
    earnings = ada.get(reverse("portal:earnings")).content.decode()
    pdf = ada.get(reverse("portal:statement-pdf", args=[statement.pk]))

    assert "Orbit Post" in usage
    assert "Advertising" in usage
    assert statement.number in statements
    assert "4,500.00" in earnings
    assert b"".join(pdf).startswith(b"%PDF-")


def nobody_else_reads(cast, studio, statement):
    stranger = sign_in(cast["stranger"])

    assert (
        stranger.get(reverse("admin:valuation_statement_pdf", args=[statement.pk])).status_code
        == 404
    )
    assert stranger.get(reverse("portal:statement-pdf", args=[statement.pk])).status_code == 404
    assert stranger.get(f"/api/v1/statements/{statement.pk}").status_code == 404
    assert studio.get(f"/api/v1/statements/{statement.pk}").status_code in {401, 403}
    assert (
        sign_in(cast["agent"])
        .get(reverse("admin:valuation_statement_pdf", args=[statement.pk]))
        .status_code
        == 404
    )
