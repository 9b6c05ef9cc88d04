"""Reported uses with the twins, agreements, builds and productions that they name."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import msgspec

from licensing.decision.request import Request, request_about
from licensing.facts.rows import FactRows, NamedRows
from licensing.models import Agreement, Production, UsageEvent
from licensing.usage.events.reported import ReportedUse
from licensing.wire.faults import Fault, NotUnderstood
from licensing.wire.names import Prefix, name_of
from licensing.words import NO_BRAND_STATED, Meter
from talent.models import Build, DigitalTwin
from talent.periods import period_containing, starts_at

LAST_INSTANT = timedelta(microseconds=1)  # before a period ends


class KnownUse(msgspec.Struct, frozen=True, gc=False):
    """A reported use whose names the desk knows."""

    reported: ReportedUse
    twin: DigitalTwin
    agreement: Agreement | None
    build: Build | None
    production: Production | None
    replaced: UsageEvent | None = None
    brand: str | None = None


def known_uses(uses: Sequence[ReportedUse], rows: FactRows) -> list[KnownUse | NotUnderstood]:
    """Return each use with the rows that it names, or every name that the desk does not know."""
    return [
        _report(use, named, named.agreement) if use.period and named.agreement else _use(use, named)
        for use, named in zip(uses, rows.named_in(uses), strict=True)
    ]


def _use(use: ReportedUse, named: NamedRows) -> KnownUse | NotUnderstood:
    faults = [
        *_unknown("twin", sent=use.twin, found=named.twin),
        *_unknown("agreement", sent=use.agreement, found=named.agreement),
        *_unknown("production", sent=use.production, found=named.production),
        *(_unknown("build", sent=use.build, found=named.build) if named.twin else ()),
        *_wrong_currency(use, named.agreement),
    ]
    if faults or named.twin is None:
        return NotUnderstood(tuple(faults))
    return KnownUse(
        use, named.twin, named.agreement, named.build, named.production, brand=named.brand
    )


def request_of(use: KnownUse, licensee: str) -> Request:
    """Return a reported use as the request that a decision judges; `licensee` is a slug."""
    reported = use.reported
    return request_about(
        twin=use.twin.pk,
        agreement=use.agreement.pk if use.agreement else None,
        build=use.build.pk if use.build else None,
        production=use.production.pk if use.production else None,
        right=reported.right,
        use=reported.use,
        licensee=licensee,
        at=reported.occurred_at,
        territory=reported.territory,
        language=reported.language,
        channel=reported.channel,
        prompt_class=reported.prompt_class or "",
        real_time=bool(reported.real_time),
        # A report counts money or days of uses that state their content and brand themselves.
        content=() if reported.period else reported.content,
        brand=NO_BRAND_STATED if reported.period else use.brand,
        units=tuple(_units(reported).items()),
        approval=reported.approval,
    )


def request_of_event(event: UsageEvent, licensee: str) -> Request:
    """Return a recorded event as the request that was judged; `licensee` is a slug."""
    return request_about(
        twin=event.twin_id,
        agreement=event.agreement_id,
        build=event.build_id,
        production=event.production_id,
        right=event.right,
        use=event.use,
        licensee=licensee,
        at=event.occurred_at,
        territory=event.territory,
        language=event.language or None,
        channel=event.channel,
        prompt_class=event.prompt_class,
        real_time=event.real_time,
        content=None if event.content is None else tuple(event.content),
        brand=event.brand or None,
        units=tuple((meter.value, quantity) for meter, quantity in event.quantities().items()),
    )


def _units(reported: ReportedUse) -> dict[str, Decimal]:
    """Return what a use counts. A report counts its one meter, and nothing of the others."""
    if reported.period is None:
        return reported.quantities
    return dict.fromkeys(Meter.codes(), Decimal(0)) | reported.quantities


def _report(use: ReportedUse, named: NamedRows, agreement: Agreement) -> KnownUse | NotUnderstood:
    """Return a report as a use of its agreement's twin, at its last instant within the term.

    A report lies within one rating period, since it is rated where that instant lies.
    """
    days = use.period
    if days is None:
        raise ValueError("A report is of a period.")
    faults = [
        *_unknown("production", sent=use.production, found=named.production),
        *_wrong_currency(use, agreement),
    ]
    month = agreement.fiscal_year_start_month
    if days.ends_on > period_containing(days.starts_on, agreement.rating_period, month).ends_on:
        detail = "A report lies within one rating period of its agreement; report each by itself."
        faults.append(Fault("/data/period", detail, "period_too_long"))
    if faults:
        return NotUnderstood(tuple(faults))
    begins, ends = (starts_at(day, agreement.time_zone) for day in days)
    last = min(ends, agreement.ends_at or ends) - LAST_INSTANT
    reported = replace(
        use, occurred_at=max(begins, last), twin=name_of(Prefix.TWIN, agreement.twin_id)
    )
    return KnownUse(reported, agreement.twin, agreement, None, named.production)


def _wrong_currency(use: ReportedUse, agreement: Agreement | None) -> list[Fault]:
    if agreement is None or not use.currency or use.currency == agreement.currency:
        return []
    detail = f"This agreement counts money in {agreement.currency}."
    return [Fault("/data/currency", detail, "wrong_currency")]


def _unknown(name: str, *, sent: str | None, found: object) -> list[Fault]:
    if not sent or found:
        return []
    return [Fault(f"/data/{name}", f"The desk does not know this {name}.", f"unknown_{name}")]
