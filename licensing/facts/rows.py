"""Records: the rows that questions name and all that lies on them, read in one round trip.

A decision waits for what it stands on, which lies in sixteen tables. One statement brings it,
prepared on its connection, so that it is planned once and not for every question. Nothing is
kept from one question to the next: a withdrawal counts at once.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any, Protocol, TypeVar

import msgspec
from django.db import DEFAULT_DB_ALIAS
from django.db.models import DateField, DateTimeField, Model, Q, QuerySet

from licensing.models import (
    Agreement,
    Cap,
    CapYear,
    Grant,
    Hold,
    Licensee,
    LicenseeTerms,
    Production,
)
from licensing.models.caps import lapsed_units
from licensing.permits.keys import SIGNING, SigningRow
from licensing.prepared_statements import fetch_prepared
from licensing.wire.names import NamesSent, Prefix
from talent.consent.consents import Layer
from talent.consent.matrix import Version
from talent.models import Beneficiary, Build, CompositeSource, DigitalTwin, Performer
from talent.words import Guild, Owner

Row = TypeVar("Row", bound=Model)

NO_GUILD = frozenset({Guild.NONE.value, ""})


class Naming(Protocol):
    """Something that names rows the way the API does."""

    @property
    def twin(self) -> str: ...
    @property
    def agreement(self) -> str | None: ...
    @property
    def build(self) -> str | None: ...
    @property
    def production(self) -> str | None: ...


class Asking(Naming, Protocol):
    """Something that asks for a right and a use besides."""

    @property
    def right(self) -> str: ...
    @property
    def use(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Named:
    """The rows that were named; None is one not named, or not known."""

    twin: DigitalTwin | None
    agreement: Agreement | None
    build: Build | None
    production: Production | None


TWIN_NAMES = ("hand_id", "name")
AGREEMENT_NAMES = ("reference",)
PRODUCTION_NAMES = ("eidr", "isan", "title")


@dataclass(frozen=True, slots=True)
class Records:
    """The rows that a batch names, of one agency and licensee, each with what it points to."""

    twins: list[DigitalTwin]
    agreements: list[Agreement]
    builds: list[Build]
    productions: list[Production]
    versions: dict[Layer, list[Version]]
    caps: list[Cap]
    holds: list[Hold]
    signing: SigningRow

    def named(self, asked: Sequence[Naming]) -> list[Named]:
        """Return for each question the rows that it names, as far as the desk knows them."""
        twins = NamesSent.of((one.twin for one in asked), Prefix.TWIN).matched(
            self.twins, TWIN_NAMES
        )
        agreements = NamesSent.of((one.agreement for one in asked), Prefix.AGREEMENT).matched(
            self.agreements, AGREEMENT_NAMES
        )
        productions = NamesSent.of((one.production for one in asked), Prefix.PRODUCTION).matched(
            self.productions, PRODUCTION_NAMES
        )
        builds = {(build.twin_id, build.version): build for build in self.builds}
        return [
            Named(
                twin := twins.get(one.twin),
                agreements.get(one.agreement or ""),
                builds.get((twin.pk, one.build or "")) if twin else None,
                productions.get(one.production or ""),
            )
            for one in asked
        ]


def twins_of(terms: LicenseeTerms) -> QuerySet[DigitalTwin]:
    """Return the twins an agency has or had to do with; others are unknown to its licensees."""
    licensed = Agreement.objects.filter(agency=terms.agency_id).values("twin")
    represented = Performer.objects.filter(representations__agency=terms.agency_id)
    return DigitalTwin.objects.filter(
        Q(agency=terms.agency_id)
        | Q(performer__in=represented)
        | Q(pk__in=CompositeSource.objects.filter(performer__in=represented).values("twin"))
        | Q(pk__in=licensed)
    )


def read(
    asked: Sequence[Asking], terms: LicenseeTerms, known_at: datetime, *, count: int = 0
) -> Records:
    """Return the rows that questions name and all that lies on them, as known at an instant.

    With numbers for so many decisions, and the key that signs their permits.
    """
    names = {
        "twin": NamesSent.of((one.twin for one in asked), Prefix.TWIN),
        "agreement": NamesSent.of((one.agreement for one in asked), Prefix.AGREEMENT),
        "build": NamesSent.of((one.build for one in asked), Prefix.BUILD),
        "production": NamesSent.of((one.production for one in asked), Prefix.PRODUCTION),
    }
    ((found,),) = fetch_prepared(
        _statement(),
        {
            "agency": terms.agency_id,
            "licensee": terms.licensee_id,
            "known_at": known_at,
            "count": count,
            "no_guild": sorted(NO_GUILD),
            "rights": sorted({one.right for one in asked}),
            "uses": sorted({one.use for one in asked}),
            **{f"{kind}_names": sorted(given.names) for kind, given in names.items()},
            **{f"{kind}_ids": sorted(given.numbers.values()) for kind, given in names.items()},
        },
    )
    return _joined(_DECODER.decode(found))


# The statement. What it looks others up by is an array, for which an index serves.

# No decision stands on these, and they are long, or secret.
_LEFT_OUT = {
    Agreement: {"description", "tag_key"},
    Beneficiary: {"address"},
    Performer: {"external_ids"},
}


@cache
def _fields(model: type[Model]) -> list[Any]:
    left_out = _LEFT_OUT.get(model, set())
    return [field for field in model._meta.concrete_fields if field.attname not in left_out]


def _rows(model: type[Model], table: str, *, order: str = "id", also: str = "") -> str:
    """Return SQL for the rows of a table as a JSON list of lists, the columns in their order."""
    columns = ", ".join(f'{table}."{field.column}"' for field in _fields(model))
    row = f"json_build_array({columns}{also and ', '}{also})"
    return f"(SELECT coalesce(json_agg({row} ORDER BY {table}.{order}), '[]') FROM {table})"  # noqa: S608


_VERSION = """
    json_build_object(
        'of', coalesce(
            to_json(version.agency_id), to_json(version.performer_id), to_json(version.twin_id),
            to_json(version.guild)
        ),
        'version', json_build_object(
            'id', version.id::text,
            'number', version.number,
            'owner_kind', CASE
                WHEN version.agency_id IS NOT NULL THEN 'agency'
                WHEN version.performer_id IS NOT NULL THEN 'performer'
                WHEN version.twin_id IS NOT NULL THEN 'twin'
                ELSE 'guild'
            END,
            'owner', coalesce(agency.name, performer.name, twin.name, version.guild),
            'in_force_from', version.in_force_from,
            'recorded_at', version.recorded_at,
            'recorded_by', coalesce(recorder.email, ''),
            'cells', (
                SELECT coalesce(json_agg(json_build_object(
                    'right', cell."right",
                    'use', cell.use,
                    'stance', cell.stance,
                    'overrules_agency', cell.overrules_agency,
                    'scope', json_build_object(
                        'territories', cell.territories,
                        'languages', cell.languages,
                        'licensees_allowed', cell.licensees_allowed,
                        'licensees_excluded', cell.licensees_excluded,
                        'valid_from', cell.valid_from,
                        'valid_to', cell.valid_to,
                        'notice_hours', cell.notice_hours,
                        'exclusions', cell.exclusions,
                        'real_time', cell.real_time,
                        'maximum_hours', cell.maximum_hours
                    )
                ) ORDER BY cell."right", cell.use), '[]')
                FROM talent_consentcell cell
                WHERE cell.version_id = version.id
                    AND cell."right" = ANY(%(rights)s::text[]) AND cell.use = ANY(%(uses)s::text[])
            )
        )
    )
"""

_LAPSED = lapsed_units("year.id", "%(known_at)s::timestamptz")

_STATEMENT = f"""
WITH twin AS MATERIALIZED (
    SELECT * FROM talent_digitaltwin
    WHERE (
        id = ANY(%(twin_ids)s::bigint[])
        OR name IN (SELECT unnest(%(twin_names)s::text[]))
        OR hand_id IN (SELECT unnest(%(twin_names)s::text[]))
    ) AND id IN (TWINS)
), agreement AS MATERIALIZED (
    SELECT * FROM licensing_agreement
    WHERE agency_id = %(agency)s::bigint AND licensee_id = %(licensee)s::bigint AND (
        id = ANY(%(agreement_ids)s::bigint[])
        OR reference IN (SELECT unnest(%(agreement_names)s::text[]))
    )
), source AS MATERIALIZED (
    SELECT * FROM talent_compositesource WHERE twin_id = ANY(ARRAY(SELECT id FROM twin))
), performer AS MATERIALIZED (
    SELECT * FROM talent_performer WHERE id = ANY(ARRAY(
        SELECT performer_id FROM twin UNION SELECT performer_id FROM source
    ))
), guild AS MATERIALIZED (
    SELECT guild FROM performer UNION SELECT guild FROM agreement
    EXCEPT SELECT unnest(%(no_guild)s::text[])
), version AS MATERIALIZED (
    SELECT version.*, matrix.guild, matrix.agency_id, matrix.performer_id, matrix.twin_id
    FROM talent_consentmatrix matrix
    JOIN talent_consentversion version ON version.matrix_id = matrix.id
    WHERE version.recorded_at <= %(known_at)s::timestamptz AND (
        matrix.guild = ANY(ARRAY(SELECT guild FROM guild))
        OR matrix.agency_id = %(agency)s::bigint
        OR matrix.performer_id = ANY(ARRAY(SELECT id FROM performer))
        OR matrix.twin_id = ANY(ARRAY(SELECT id FROM twin))
    )
), owner AS (
    SELECT * FROM talent_beneficiary WHERE id = ANY(ARRAY(SELECT owner_id FROM twin))
), licensee AS (
    SELECT * FROM licensing_licensee WHERE id = %(licensee)s::bigint
), licensed AS (
    SELECT * FROM licensing_grant WHERE agreement_id = ANY(ARRAY(SELECT id FROM agreement))
), build AS (
    SELECT * FROM talent_build WHERE twin_id = ANY(ARRAY(SELECT id FROM twin)) AND (
        id = ANY(%(build_ids)s::bigint[])
        OR version IN (SELECT unnest(%(build_names)s::text[]))
    )
), bound AS (
    SELECT agreement_id, production_id FROM licensing_agreement_productions
    WHERE agreement_id = ANY(ARRAY(SELECT id FROM agreement))
), production AS (
    SELECT * FROM licensing_production WHERE licensee_id = %(licensee)s::bigint AND (
        id = ANY(%(production_ids)s::bigint[])
        OR eidr IN (SELECT unnest(%(production_names)s::text[]))
        OR isan IN (SELECT unnest(%(production_names)s::text[]))
        OR title IN (SELECT unnest(%(production_names)s::text[]))
    )
), cap AS MATERIALIZED (
    SELECT * FROM licensing_cap
    WHERE agreement_id = ANY(ARRAY(SELECT id FROM agreement))
        OR twin_id = ANY(ARRAY(SELECT id FROM twin))
        OR performer_id = ANY(ARRAY(SELECT id FROM performer))
), year AS (
    SELECT * FROM licensing_capyear WHERE cap_id = ANY(ARRAY(SELECT id FROM cap))
), hold AS (
    SELECT * FROM licensing_hold
    WHERE guild = ANY(ARRAY(SELECT guild FROM guild))
        OR agreement_id = ANY(ARRAY(SELECT id FROM agreement))
        OR twin_id = ANY(ARRAY(SELECT id FROM twin))
        OR performer_id = ANY(ARRAY(SELECT id FROM performer))
)
SELECT json_build_object(
    'signing', {SIGNING},
    'twins', {_rows(DigitalTwin, "twin")},
    'agreements', {_rows(Agreement, "agreement")},
    'performers', {_rows(Performer, "performer")},
    'owners', {_rows(Beneficiary, "owner")},
    'sources', {_rows(CompositeSource, "source")},
    'licensees', {_rows(Licensee, "licensee")},
    'grants', {_rows(Grant, "licensed")},
    'builds', {_rows(Build, "build")},
    'productions', {_rows(Production, "production")},
    'bound', (
        SELECT coalesce(
            json_agg(json_build_array(agreement_id, production_id) ORDER BY production_id), '[]'
        ) FROM bound
    ),
    'caps', {_rows(Cap, "cap")},
    'years', {_rows(CapYear, "year", order="starts_on", also=_LAPSED)},
    'holds', {_rows(Hold, "hold", order="starts_at, hold.id")},
    'versions', (
        SELECT coalesce(json_agg({_VERSION} ORDER BY version.matrix_id, version.number), '[]')
        FROM version
        LEFT JOIN talent_agency agency ON agency.id = version.agency_id
        LEFT JOIN performer ON performer.id = version.performer_id
        LEFT JOIN twin ON twin.id = version.twin_id
        LEFT JOIN talent_user recorder ON recorder.id = version.recorded_by_id
    )
)::text
"""  # noqa: S608 (our own text)


@cache
def _statement() -> str:
    """Return the statement; which twins an agency knows is said once, by `twins_of`."""
    twins, _agency = twins_of(LicenseeTerms(agency_id=0)).values("pk").query.sql_with_params()
    return _STATEMENT.replace("TWINS", twins.replace("%s", "%(agency)s::bigint"))


# What comes back, as rows that know each other.


class _Said(msgspec.Struct):
    """A version with the guild or the id of whose it is."""

    of: int | str
    version: Version

    @property
    def layer(self) -> Layer:
        return self.version.owner_kind, self.of

    @property
    def named(self) -> Version:
        if self.version.owner_kind == Owner.GUILD:
            return replace(self.version, owner=Guild(self.of).label)
        return self.version


_Rows = list[list[Any]]


class _Found(msgspec.Struct):
    """What the statement brings."""

    signing: SigningRow
    twins: _Rows
    agreements: _Rows
    performers: _Rows
    owners: _Rows
    sources: _Rows
    licensees: _Rows
    grants: _Rows
    builds: _Rows
    productions: _Rows
    bound: list[tuple[int, int]]
    caps: _Rows
    years: _Rows
    holds: _Rows
    versions: list[_Said]


_DECODER = msgspec.json.Decoder(_Found, float_hook=Decimal)


def _joined(found: _Found) -> Records:
    performers = {row.pk: row for row in _models(Performer, found.performers)}
    owners = {row.pk: row for row in _models(Beneficiary, found.owners)}
    twins = _models(DigitalTwin, found.twins)
    sources = _models(CompositeSource, found.sources)
    _point(twins, performer=performers, owner=owners)
    _point(sources, performer=performers)
    _gather(twins, "sources", sources, "twin_id")
    agreements = _models(Agreement, found.agreements)
    _point(agreements, licensee={row.pk: row for row in _models(Licensee, found.licensees)})
    _gather(agreements, "grants", _models(Grant, found.grants), "agreement_id")
    for agreement in agreements:
        _prefetched(agreement)["productions"] = [
            Production(pk=pk) for of, pk in found.bound if of == agreement.pk
        ]
    subjects: dict[str, dict[int, Any]] = {
        "agreement": {row.pk: row for row in agreements},
        "twin": {row.pk: row for row in twins},
        "performer": performers,
    }
    caps, holds = _models(Cap, found.caps), _models(Hold, found.holds)
    _point(caps, **subjects)
    _point(holds, **subjects)
    _gather(caps, "years", _years(found.years), "cap_id")
    versions: dict[Layer, list[Version]] = defaultdict(list)
    for said in found.versions:
        versions[said.layer].append(said.named)
    return Records(
        twins,
        agreements,
        _models(Build, found.builds),
        _models(Production, found.productions),
        dict(versions),
        caps,
        holds,
        found.signing,
    )


def _models(model: type[Row], rows: _Rows) -> list[Row]:
    if not rows:
        return []
    fields = _fields(model)
    names = [field.attname for field in fields]
    readers = [_reader(field) for field in fields]
    return [
        model.from_db(
            DEFAULT_DB_ALIAS,
            names,
            [
                value if read is None or value is None else read(value)
                for read, value in zip(readers, row, strict=False)
            ],
        )
        for row in rows
    ]


def _reader(field: Any) -> Callable[[str], object] | None:
    """Return what reads a column from JSON where JSON has no such type."""
    if isinstance(field, DateTimeField):
        return datetime.fromisoformat
    return date.fromisoformat if isinstance(field, DateField) else None


def _years(rows: _Rows) -> list[CapYear]:
    years = _models(CapYear, rows)
    for year, row in zip(years, rows, strict=True):
        year.still_reserved = year.reserved - row[-1]
    return years


def _point(rows: Iterable[Model], **targets: dict[int, Any]) -> None:
    """Let rows know what their foreign keys point to, as `select_related` does."""
    for row in rows:
        for name, found in targets.items():
            row._state.fields_cache[name] = found.get(getattr(row, f"{name}_id"))


def _gather(rows: Iterable[Model], name: str, parts: Iterable[Model], key: str) -> None:
    """Let rows know their parts, as `prefetch_related` does."""
    of = defaultdict(list)
    for part in parts:
        of[getattr(part, key)].append(part)
    for row in rows:
        _prefetched(row)[name] = of[row.pk]


def _prefetched(row: Model) -> dict[str, list[Model]]:
    return row.__dict__.setdefault("_prefetched_objects_cache", {})
