"""Papers: the documents of a consent for others to read, derived whenever they are asked for."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from talent.consent import consents, exports, matrix
from talent.errors import Refused
from talent.models import Agency, ConsentVersion, DigitalTwin, Performer
from talent.words import Owner, Right, Use

NAMES = "urn:likenessdesk:"


class NobodysConsent(Refused):
    """A guild's floor and an agency's default are rules; only people consent."""

    code = "no_consent"


def policy_of_twin(
    twin: DigitalTwin, *, only: Performer | None = None, agencies, at: datetime
) -> dict[str, Any]:
    """Return what a twin may be used for at an instant as an ODRL policy.

    `only` is the one source of a composite that a reader may see; `agencies` those whose
    defaults count for the reader.
    """
    people = _consenting(twin, _people(twin, only), agencies, at)
    return exports.policy(twin=f"{NAMES}twin:{twin.pk}", title=twin.name, people=people, at=at)


def training_of_twin(
    twin: DigitalTwin, *, only: Performer | None = None, agencies, at: datetime
) -> dict[str, Any]:
    """Return the CAWG training and data mining assertion of a twin at an instant."""
    return exports.training_mining(_consenting(twin, _people(twin, only), agencies, at))


def receipt_of(version: ConsentVersion, *, controller: Agency | None) -> dict[str, Any]:
    """Return a person's receipt for a version; `controller` is the agency that keeps it.

    Raises NobodysConsent for a guild's floor and an agency's default.
    """
    consent = version.matrix
    person = consent.performer or (consent.twin and consent.twin.performer)
    if person is None and consent.twin is None:
        raise NobodysConsent("A rule is nobody's consent, so there is no receipt for it.")
    later = consent.versions.filter(
        number__gt=version.number, in_force_from__gt=version.in_force_from
    )
    return exports.receipt(
        exports.Recorded(
            id=str(version.pk),
            principal=_iri(person) if person else f"{NAMES}twin:{consent.twin_id}",
            controller=f"{NAMES}agency:{controller.pk}" if controller else f"{NAMES}desk",
            controller_name=controller.name if controller else "Likeness Desk",
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
        )
    )


def _iri(person: Performer) -> str:
    return f"{NAMES}performer:{person.pk}"


def _people(twin: DigitalTwin, only: Performer | None) -> list[Performer]:
    if only is not None:
        return [only]
    if twin.performer is not None:
        return [twin.performer]
    return list(Performer.objects.filter(composite_sources__twin=twin).order_by("pk"))


def _consenting(
    twin: DigitalTwin, people: Sequence[Performer], agencies, at: datetime
) -> list[exports.Consenting]:
    """Combine, for each person in a twin, all layers that count for them, in two queries.

    A persona without human sources consents through its owner: its agency and its own matrix.
    """
    found = consents.versions_of(
        guilds={person.guild for person in people},
        agencies=list(agencies.values_list("pk", flat=True)),
        performers={person.pk for person in people},
        twins=[twin.pk],
        known_at=at,
    )
    shared = {key for key in found if key[0] in (Owner.AGENCY.value, Owner.TWIN.value)}
    if not people:
        return [exports.Consenting(f"{NAMES}twin:{twin.pk}:owner", _cells(found, shared, at))]
    return [
        exports.Consenting(
            _iri(person),
            _cells(
                found,
                shared | {(Owner.GUILD.value, person.guild), (Owner.PERFORMER.value, person.pk)},
                at,
            ),
        )
        for person in people
    ]


def _cells(
    found: dict[consents.Layer, list[matrix.Version]], keys: Iterable[consents.Layer], at: datetime
) -> exports.Cells:
    in_force = (matrix.in_force(found.get(key, []), at, at) for key in keys)
    layers = [version for version in in_force if version]
    return {
        (right, use): matrix.combined(layers, right, use)
        for right in Right.codes()
        for use in Use.codes()
    }
