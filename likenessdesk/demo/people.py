"""Writes the demo's people into the desk."""

import hashlib
from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache

from django.contrib.auth.hashers import make_password

from likenessdesk.demo.cast import (
    DEFAULTS,
    HOUSES,
    OPERATOR,
    PERSONAL,
    PLAYERS,
    TWINS,
    Allowance,
    House,
    Person,
    Player,
    Twin,
)
from talent.consent import consents
from talent.consent.matrix import Cell
from talent.consent.scope import Limit, Scope
from talent.models import (
    Agency,
    Beneficiary,
    Build,
    CompositeSource,
    ConsentMatrix,
    Delegation,
    DigitalTwin,
    EstateShare,
    Membership,
    Performer,
    Provider,
    Representation,
    TaxCertificate,
    User,
)
from talent.words import ConsentMethod, Meter, RepresentedBy

PASSWORD = "demo-of-the-desk"  # noqa: S105 (printed on purpose; seed refuses a desk with real people)
STARTED_ON = date(2026, 1, 1)
RECORDED_AT = datetime(2026, 5, 29, 9, 0, tzinfo=UTC)
IN_FORCE_FROM = datetime(2026, 6, 1, tzinfo=UTC)


def write_people() -> None:
    """Write agencies, staff, performers, twins and what they allow."""
    operator = sign_in(OPERATOR, is_staff=True)
    operator.is_superuser = True
    operator.save(update_fields=["is_superuser"])
    for house in HOUSES:
        write_house(house)
    for player in PLAYERS:
        write_player(player)
    provider = Provider.objects.create(name="Modelworks Sample Lab")
    for twin in TWINS:
        write_twin(twin, provider)
    write_consents()


@cache
def hashed_password() -> str:
    # Hashed once: thirty slow hashes would be most of the time that seeding takes.
    return make_password(PASSWORD)


def sign_in(person: Person, *, is_staff: bool = False) -> User:
    user, _ = User.objects.get_or_create(
        email=person.email,
        defaults={
            "first_name": person.first_name,
            "last_name": person.last_name,
            "is_staff": is_staff,
            "password": hashed_password(),
        },
    )
    return user


def write_house(house: House) -> None:
    agency = Agency.objects.create(
        slug=house.slug,
        name=house.name,
        address=house.address,
        country=house.country,
        time_zone=house.time_zone,
    )
    for seat in house.seats:
        Membership.objects.create(
            agency=agency,
            user=sign_in(seat.person, is_staff=True),
            role=seat.role.value,
            starts_on=STARTED_ON,
        )


def write_player(player: Player) -> None:
    performer = Performer.objects.create(
        name=player.name,
        life=player.life.value,
        guild=player.guild.value,
        domicile=player.domicile,
        born_on=player.born_on,
        died_on=player.died_on,
        user=sign_in(player.person) if player.portal else None,
    )
    Representation.objects.create(
        agency=Agency.objects.get(slug=player.house),
        performer=performer,
        commission_percent=player.commission,
        starts_on=STARTED_ON,
    )
    beneficiary = Beneficiary.objects.create(name=player.name, performer=performer)
    if player.tax:
        TaxCertificate.objects.create(
            beneficiary=beneficiary,
            form=player.tax.form.value,
            residence=player.tax.residence,
            withholding_percent=player.tax.percent,
            rate_source=player.tax.source,
            signed_on=STARTED_ON,
            expires_on=player.tax.expires_on,
        )
    write_those_beside(player, performer)


def write_those_beside(player: Player, performer: Performer) -> None:
    """Write who acts for a performer, and who inherits."""
    if player.delegate:
        Delegation.objects.create(
            performer=performer,
            user=sign_in(player.delegate.person),
            kind=player.delegate.kind.value,
            powers=[power.value for power in player.delegate.powers],
            authority=player.delegate.authority,
            starts_on=STARTED_ON,
        )
    for heir in player.heirs:
        user = User.objects.filter(email=heir.email).first()
        beneficiary = Beneficiary.objects.create(name=heir.name, user=user)
        EstateShare.objects.create(performer=performer, beneficiary=beneficiary, weight=heir.weight)


def write_twin(twin: Twin, provider: Provider) -> None:
    agency = Agency.objects.filter(slug=twin.house).first()
    written = DigitalTwin.objects.create(
        name=twin.name,
        performer=Performer.objects.filter(name=twin.performer).first(),
        agency=agency,
        owner=owner_of(agency) if agency and twin.owned_by_house else None,
        tier=twin.tier.value,
        legal_class=twin.legal_class.value,
        hand_id=twin.hand_id,
        capture_method=twin.capture.value if twin.capture else "",
        captured_on=twin.captured_on,
        training_hours=twin.training_hours,
        union_notice_on=twin.union_notice_on,
        union_notice_reference="Demo notice 1" if twin.union_notice_on else "",
    )
    for source in twin.sources:
        CompositeSource.objects.create(
            twin=written,
            performer=Performer.objects.get(name=source.performer),
            weight=source.weight,
            ends_on=source.left_on,
        )
    Build.objects.create(
        twin=written,
        provider=provider,
        version=twin.build,
        sha256=hashlib.sha256(twin.name.encode()).hexdigest(),
        built_on=date(2026, 6, 15),
        gpu_hours="120.00",
        # 120 hours at USD 2.95, the median price of an H100 hour in 2026.
        training_cost="354.00",
    )


def owner_of(agency: Agency) -> Beneficiary:
    """Return the beneficiary that is the agency itself: it owns what has no human source."""
    beneficiary, _ = Beneficiary.objects.get_or_create(agency=agency, name=agency.name)
    return beneficiary


def write_consents() -> None:
    for default in DEFAULTS:
        matrix = consents.matrix_of(
            guild=default.guild.value if default.guild else "",
            agency=Agency.objects.filter(slug=default.house).first(),
        )
        record(matrix, default.allows, default.text, ConsentMethod.RULE)
    for personal in PERSONAL:
        matrix = consents.matrix_of(performer=Performer.objects.get(name=personal.performer))
        record(matrix, personal.allows, personal.text, ConsentMethod.WRITTEN)
    for twin in TWINS:
        matrix = consents.matrix_of(twin=DigitalTwin.objects.get(name=twin.name))
        record(matrix, twin.allows, f"What the twin {twin.name} may do.", ConsentMethod.WRITTEN)


def record(
    matrix: ConsentMatrix, allows: Iterable[Allowance], text: str, method: ConsentMethod
) -> None:
    """Record the first version of a matrix, as signed on paper before the desk opened."""
    consents.record(
        matrix=matrix,
        cells=[cell(allowance) for allowance in allows],
        in_force_from=IN_FORCE_FROM,
        recorded_at=RECORDED_AT,
        by=None,
        evidence=consents.Evidence(
            text,
            method=method.value,
            represented_by=RepresentedBy.COUNSEL.value,
            representative="Ruth Recital, counsel",
            signed_on=RECORDED_AT.date(),
            text_language="en",
        ),
        reason="Taken over from paper",
    )


def cell(allowance: Allowance) -> Cell:
    scope = Scope(
        territories=as_set(allowance.territories),
        languages=as_set(allowance.languages),
        licensees_allowed=as_set(allowance.licensees),
        exclusions=frozenset(exclusion.value for exclusion in allowance.exclusions),
        real_time=allowance.real_time,
        limits=(
            (Limit(Meter.SECONDS.value, Decimal(allowance.maximum_hours * 3600)),)
            if allowance.maximum_hours
            else ()
        ),
    )
    return Cell(allowance.right.value, allowance.use.value, allowance.stance.value, scope)


def as_set(codes: tuple[str, ...] | None) -> frozenset[str] | None:
    return None if codes is None else frozenset(codes)
