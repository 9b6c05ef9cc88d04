"""Documents of a consent: receipt, ODRL policy and CAWG assertion, derived on each request."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.urls import reverse

from talent.consent import consents, exports, matrix
from talent.errors import Refused
from talent.models import (
    Agency,
    ConsentMatrix,
    ConsentVersion,
    DigitalTwin,
    Performer,
    Representation,
)
from talent.words import Owner, Right, Use

URN = "urn:likenessdesk:"


class NotAPersonsConsent(Refused):
    """A document is wanted for a guild's floor or an agency's default: those are rules."""

    code = "no_consent"

    def __init__(self) -> None:
        super().__init__(
            "A guild's floor and an agency's default are rules and nobody's consent. Take the "
            "papers of a performer's or a twin's version."
        )


def receipt_of(version: ConsentVersion, *, controller: Agency | None) -> dict[str, Any]:
    """Return a person's receipt for a version; `controller` is the agency that keeps it.

    Raises NotAPersonsConsent for a guild's floor and an agency's default.
    """
    consent = version.matrix
    person = consent.performer or _twin_of(consent).performer
    portal = settings.DESK_URL + reverse("portal:consents")
    later = consent.versions.filter(in_force_from__gt=version.in_force_from)
    return exports.receipt(
        exports.RecordedConsent(
            id=str(version.pk),
            principal=_principal(person, portal) if person else _persona(_twin_of(consent), portal),
            controller=_controller(controller),
            cells=consents.cells_of(version),
            in_force_from=version.in_force_from,
            recorded_at=version.recorded_at,
            text_shown=version.text_shown,
            text_sha256=version.text_sha256,
            method=version.method,
            represented_by=version.represented_by,
            representative=version.representative,
            signed_on=version.signed_on,
            guild=person.guild if person else "",
            ended_at=min((row.in_force_from for row in later), default=None),
            text_language=version.text_language,
            storage=tuple(settings.STORAGE_LOCATIONS),
        )
    )


def _principal(person: Performer, portal: str) -> exports.Party:
    return exports.Party(
        _iri(person), person.name, country=person.domicile, isni=person.isni, url=portal
    )


def _persona(twin: DigitalTwin, portal: str) -> exports.Party:
    return exports.Party(f"{URN}twin:{twin.pk}", twin.name, url=portal)


def _controller(agency: Agency | None) -> exports.Party:
    if agency is None:
        return exports.Party(f"{URN}desk", "Likeness Desk", url=settings.DESK_URL)
    return exports.Party(
        f"{URN}agency:{agency.pk}",
        agency.name,
        address=agency.address,
        country=agency.country,
        isni=agency.isni,
        url=settings.DESK_URL,
    )


def policy_of(
    version: ConsentVersion, *, agencies: QuerySet[Agency], at: datetime, known_at: datetime
) -> dict[str, Any]:
    """Return an ODRL policy of what a version's owner may be used for, by all layers together.

    `agencies` are those whose defaults the reader may see. Raises NotAPersonsConsent.
    """
    consent = version.matrix
    if consent.twin is not None:
        return policy_of_twin(consent.twin, agencies=agencies, at=at, known_at=known_at)
    if consent.performer is None:
        raise NotAPersonsConsent
    person = consent.performer
    parties = _parties(None, [person], agencies, at, known_at)
    return exports.policy(twin=_iri(person), title=person.name, people=parties, at=at)


def training_of(
    version: ConsentVersion, *, agencies: QuerySet[Agency], at: datetime, known_at: datetime
) -> dict[str, Any]:
    """Return the CAWG training and data mining assertion, all layers together.

    Raises NotAPersonsConsent.
    """
    consent = version.matrix
    people = [consent.performer] if consent.performer else _people(_twin_of(consent), None)
    parties = _parties(consent.twin, people, agencies, at, known_at)
    return exports.training_mining(parties)


def policy_of_twin(
    twin: DigitalTwin,
    *,
    agencies: QuerySet[Agency],
    at: datetime,
    known_at: datetime,
    only: Performer | None = None,
) -> dict[str, Any]:
    """Return an ODRL policy of a twin; `only` limits it to the one source the reader may see."""
    parties = _parties(twin, _people(twin, only), agencies, at, known_at)
    return exports.policy(twin=f"{URN}twin:{twin.pk}", title=twin.name, people=parties, at=at)


def _twin_of(consent: ConsentMatrix) -> DigitalTwin:
    if consent.twin is None:
        raise NotAPersonsConsent
    return consent.twin


def _iri(person: Performer) -> str:
    return f"{URN}performer:{person.pk}"


def _people(twin: DigitalTwin, only: Performer | None) -> list[Performer]:
    if only is not None:
        return [only]
    if twin.performer is not None:
        return [twin.performer]
    return list(Performer.objects.filter(composite_sources__twin=twin).order_by("pk"))


def _parties(
    twin: DigitalTwin | None,
    people: Sequence[Performer],
    agencies: QuerySet[Agency],
    at: datetime,
    known_at: datetime,
) -> list[exports.ConsentingParty]:
    """Combine, for each person in a twin, all layers that count for them, in two queries.

    A persona without human sources consents through its owner: its agency and its own matrix.
    """
    terms = Representation.objects.filter(performer__in=people).on(at.date())
    inherited = agencies.filter(pk__in=terms.values("agency"))
    if twin is not None and twin.agency_id is not None:
        inherited |= agencies.filter(pk=twin.agency_id)
    versions = consents.versions_of(
        guilds={person.guild for person in people},
        agencies=list(inherited.values_list("pk", flat=True)),
        performers={person.pk for person in people},
        twins=[twin.pk] if twin else [],
        known_at=known_at,
    )
    in_force = {key: matrix.in_force(rows, at, known_at) for key, rows in versions.items()}
    shared = {key for key in versions if key[0] in (Owner.AGENCY.value, Owner.TWIN.value)}
    if twin is not None and not people:
        cells = _cells(in_force, shared, matrix.VOICES)
        return [exports.ConsentingParty(f"{URN}twin:{twin.pk}:owner", cells)]
    is_composite = twin is not None and twin.performer_id is None
    voices = matrix.VOICES_IN_A_COMPOSITE if is_composite else matrix.VOICES
    return [
        exports.ConsentingParty(
            _iri(person), _cells(in_force, shared | _own_layers(person), voices)
        )
        for person in people
    ]


def _own_layers(person: Performer) -> set[consents.Layer]:
    return {(Owner.GUILD.value, person.guild), (Owner.PERFORMER.value, person.pk)}


def _cells(
    in_force: dict[consents.Layer, matrix.Version | None],
    keys: Iterable[consents.Layer],
    voices: frozenset[str],
) -> exports.Cells:
    layers = [version for key in keys if (version := in_force.get(key))]
    return {
        (right, use): matrix.combined_cell(layers, right, use, voices=voices)
        for right in Right.codes()
        for use in Use.codes()
    }
