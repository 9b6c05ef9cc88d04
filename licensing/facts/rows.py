"""The rows that requests name, with their consents, caps and holds, read in one round trip.

Nothing is kept from one request to the next: a withdrawal counts at once.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

import msgspec
from django.db.models import Q, QuerySet

from licensing.models import (
    Agreement,
    Brand,
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
from talent.consent import decision_rows
from talent.consent.consents import Layer
from talent.consent.matrix import Version, keys_needed
from talent.database.json_rows import JsonRows, Rows, gather, point, prefetched
from talent.database.sql import sql_file
from talent.models import Build, DigitalTwin

# By what else than its number a row may be named. A build goes by its version within its twin.
TWIN_NAMES = ("hand_id", "name")
AGREEMENT_NAMES = ("reference",)
PRODUCTION_NAMES = ("eidr", "isan", "title")


class NamesRows(Protocol):
    """Something that names rows the way the API does: T7, a HAND ID, a reference, a title."""

    @property
    def twin(self) -> str: ...
    @property
    def agreement(self) -> str | None: ...
    @property
    def build(self) -> str | None: ...
    @property
    def production(self) -> str | None: ...
    @property
    def brand(self) -> str | None: ...


class NamesUse(NamesRows, Protocol):
    """Something that also names a right and a use: what is asked for, or was reported."""

    @property
    def right(self) -> str: ...
    @property
    def use(self) -> str: ...


@dataclass(frozen=True, slots=True)
class NamedRows:
    """The rows that one request or event names; None where it names none, or one not known.

    `brand` is the slug of a brand that the desk knows, or else what was sent.
    """

    twin: DigitalTwin | None
    agreement: Agreement | None
    build: Build | None
    production: Production | None
    brand: str | None = None


@dataclass(frozen=True, slots=True)
class FactRows:
    """The rows that a batch names, of one agency and licensee, each with what it points to.

    The twins are those named, and those that the named agreements are about.
    """

    twins: list[DigitalTwin]
    agreements: list[Agreement]
    builds: list[Build]
    marks: tuple[decision_rows.BuildMark, ...]
    answers: tuple[decision_rows.BuildAnswer, ...]
    productions: list[Production]
    versions: dict[Layer, list[Version]]
    caps: list[Cap]
    holds: list[Hold]
    brands: list[Brand]
    signing: SigningRow

    def named_in(self, batch: Sequence[NamesRows]) -> list[NamedRows]:
        """Return for each of a batch the rows it names, as far as the desk knows them."""
        sent = names_sent(batch)
        twins = sent["twin"].matched(self.twins, TWIN_NAMES)
        agreements = sent["agreement"].matched(self.agreements, AGREEMENT_NAMES)
        productions = sent["production"].matched(self.productions, PRODUCTION_NAMES)
        builds = {(build.twin_id, build.version): build for build in self.builds}
        brands = {brand.name: brand.slug for brand in self.brands}
        return [
            NamedRows(
                twin := twins.get(naming.twin),
                agreements.get(naming.agreement or ""),
                builds.get((twin.pk, naming.build or "")) if twin else None,
                productions.get(naming.production or ""),
                brands.get(naming.brand or "", naming.brand),
            )
            for naming in batch
        ]


def names_sent(batch: Sequence[NamesRows]) -> dict[str, NamesSent]:
    """Return the names that a batch sends for twins, agreements, builds and productions."""
    return {
        "twin": NamesSent.of({naming.twin for naming in batch}, Prefix.TWIN),
        "agreement": NamesSent.of({naming.agreement for naming in batch}, Prefix.AGREEMENT),
        "build": NamesSent.of({naming.build for naming in batch}, Prefix.BUILD),
        "production": NamesSent.of({naming.production for naming in batch}, Prefix.PRODUCTION),
    }


def known_twins(terms: LicenseeTerms) -> QuerySet[DigitalTwin]:
    """Return the twins an agency has or had to do with; others are unknown to its licensees.

    `fact_rows` looks for twins among the same ones.
    """
    known = DigitalTwin.objects.known_to(terms.agency_id)
    licensed = Agreement.objects.filter(agency=terms.agency_id)
    return DigitalTwin.objects.filter(
        Q(pk__in=known.values("pk")) | Q(pk__in=licensed.values("twin"))
    )


def fact_rows(
    batch: Sequence[NamesUse], terms: LicenseeTerms, known_at: datetime, *, count: int = 0
) -> FactRows:
    """Return the rows that a batch names, with consents, caps and holds, as known at an instant.

    Also takes `count` numbers for new decisions, and reads the key that signs their permits. One
    query.
    """
    sent = names_sent(batch)
    kinds = {(naming.right, naming.use) for naming in batch}
    keys = {key for kind in kinds for key in keys_needed(*kind)}
    ((answer,),) = fetch_prepared(
        STATEMENT,
        {
            "agency": terms.agency_id,
            "licensee": terms.licensee_id,
            "known_at": known_at,
            "count": count,
            "no_guild": sorted(decision_rows.NO_GUILD),
            "rights": sorted({right for right, _use in keys}),
            "uses": sorted({use for _right, use in keys}),
            "brand_names": sorted({naming.brand for naming in batch if naming.brand}),
            **{f"{kind}_names": sorted(names.names) for kind, names in sent.items()},
            **{f"{kind}_ids": sorted(names.numbers.values()) for kind, names in sent.items()},
        },
    )
    return _joined(_DECODER.decode(answer))


# Two columns that no decision looks at: one is long, the other secret.
_AGREEMENTS = JsonRows(Agreement, without=["description", "tag_key"])
_LICENSEES = JsonRows(Licensee)
_GRANTS = JsonRows(Grant)
_PRODUCTIONS = JsonRows(Production)
_CAPS = JsonRows(Cap)
_YEARS = JsonRows(CapYear)
_HOLDS = JsonRows(Hold)
_BRANDS = JsonRows(Brand)

STATEMENT = sql_file(
    __file__,
    "rows.sql",
    signing=SIGNING,
    talent_relations=decision_rows.relations(
        licensed="SELECT twin_id FROM licensing_agreement WHERE agency_id = %(agency)s::bigint",
        agreed="SELECT twin_id FROM agreement",
        guilds="SELECT guild FROM agreement",
    ),
    talent_rows=decision_rows.ROWS,
    agreements=_AGREEMENTS.sql("agreement"),
    licensees=_LICENSEES.sql("licensee"),
    grants=_GRANTS.sql("granted"),
    productions=_PRODUCTIONS.sql("production"),
    caps=_CAPS.sql("cap"),
    years=_YEARS.sql(
        "year",
        order="starts_on",
        also=lapsed_units("year.id", "%(known_at)s::timestamptz"),
    ),
    holds=_HOLDS.sql("hold", order="starts_at, hold.id"),
    brands=_BRANDS.sql("brand"),
)


class _Answer(msgspec.Struct):
    """What rows.sql returns."""

    signing: SigningRow
    talent: decision_rows.DecisionRows
    agreements: Rows
    licensees: Rows
    grants: Rows
    productions: Rows
    agreement_productions: list[tuple[int, int]]
    caps: Rows
    years: Rows
    holds: Rows
    brands: Rows


_DECODER = msgspec.json.Decoder(_Answer, float_hook=Decimal)


def _joined(answer: _Answer) -> FactRows:
    """Return the rows as models, each with its related models in place."""
    known = decision_rows.read_rows(answer.talent)
    agreements = _agreements(answer)
    point(agreements, twin={row.pk: row for row in known.twins})
    caps, holds = _CAPS.read(answer.caps), _HOLDS.read(answer.holds)
    for subjects in (caps, holds):
        point(
            subjects,
            agreement={row.pk: row for row in agreements},
            twin={row.pk: row for row in known.twins},
            performer=known.performers,
        )
    gather(caps, "years", _years(answer.years), "cap_id")
    return FactRows(
        known.twins,
        agreements,
        known.builds,
        known.marks,
        known.answers,
        _PRODUCTIONS.read(answer.productions),
        known.versions,
        caps,
        holds,
        _BRANDS.read(answer.brands),
        answer.signing,
    )


def _agreements(answer: _Answer) -> list[Agreement]:
    """Return the agreements with their licensee, grants and the numbers of their productions."""
    agreements = _AGREEMENTS.read(answer.agreements)
    point(agreements, licensee={row.pk: row for row in _LICENSEES.read(answer.licensees)})
    gather(agreements, "grants", _GRANTS.read(answer.grants), "agreement_id")
    for agreement in agreements:
        prefetched(agreement)["productions"] = [
            Production(pk=production)
            for of, production in answer.agreement_productions
            if of == agreement.pk
        ]
    return agreements


def _years(rows: Rows) -> Iterable[CapYear]:
    """Yield the years of caps with `still_reserved`: `reserved` without lapsed reservations."""
    for year, row in zip(_YEARS.read(rows), rows, strict=True):
        year.still_reserved = year.reserved - row[-1]
        yield year
