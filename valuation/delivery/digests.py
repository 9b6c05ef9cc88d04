"""What performers are told of a month by mail: counted from the facts, once, and only if any."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.db.models import Count, QuerySet, Sum
from django.urls import reverse
from django.utils.translation import gettext as _

from licensing.money import rounded
from talent import locales, outbox
from talent.models import Performer
from talent.periods import months_later
from valuation.models import (
    DigestOptOut,
    MonthlyDigest,
    PayoutStep,
    ResidualLine,
    StatementStep,
    UsageMonth,
)
from valuation.words import PayoutStepKind, StatementStepKind

AT_ONCE = 500


def send_due(*, now: datetime) -> int:
    """Tell each performer of the month that ended last where they are; return how many were told.

    Whoever was told of a month, wants no mail, or has no address is left out, however often and
    late this runs.
    """
    told = 0
    for zone, month_on in _months(now):
        while rows := list(_not_told(zone, month_on)[:AT_ONCE]):
            told += _tell(rows, month_on, now)
    return told


def _months(now: datetime) -> Iterable[tuple[str, date]]:
    """Return each zone that a performer reads in, with the month that ended last there."""
    zones = Performer.objects.filter(user__is_active=True).order_by()
    for zone in sorted(set(zones.values_list("user__time_zone", flat=True))):
        local = now.astimezone(ZoneInfo(zone)).date()
        yield zone, months_later(local.replace(day=1), -1)


def _not_told(zone: str, month_on: date) -> QuerySet[Performer, Performer]:
    return (
        Performer.objects.filter(user__is_active=True, user__time_zone=zone)
        .exclude(pk__in=MonthlyDigest.objects.filter(month_on=month_on).values("performer"))
        .exclude(pk__in=DigestOptOut.objects.values("performer"))
        .select_related("user")
        .order_by("pk")
    )


@transaction.atomic
def _tell(performers: Collection[Performer], month_on: date, now: datetime) -> int:
    """Keep what each is told, and mail it; a row that another worker kept first is not mailed."""
    happened = facts_of(performers, month_on)
    rows = MonthlyDigest.objects.bulk_create(
        [
            MonthlyDigest(performer=one, month_on=month_on, at=now, told=_as_json(happened[one.pk]))
            for one in performers
        ],
        ignore_conflicts=True,
    )
    kept = MonthlyDigest.objects.filter(
        month_on=month_on, at=now, performer__in=[row.performer_id for row in rows]
    )
    ours = set(kept.values_list("performer", flat=True))
    mailed = 0
    for one in performers:
        if one.pk in ours and happened[one.pk]:
            _mail(one, month_on, happened[one.pk], now)
            mailed += 1
    return mailed


Facts = dict[str, Any]


def facts_of(performers: Collection[Performer], month_on: date) -> dict[int, Facts]:
    """Return what happened to performers in a month, in four queries: uses, and money of the books.

    `uses` are those of their own twins that nights have read, by when they happened; `earned` is
    what nights of the month posted, `paid` what banks booked in it, `statements` what was issued.
    """
    ids = [one.pk for one in performers]
    until = months_later(month_on, 1)
    found: dict[int, Facts] = defaultdict(dict)
    uses = UsageMonth.objects.read().filter(month_on=month_on, agreement__twin__performer__in=ids)
    counted = uses.order_by().values_list("agreement__twin__performer").annotate(Sum("events"))
    for performer, events in counted:
        if events:
            found[performer]["uses"] = events
    lines = ResidualLine.objects.filter(
        beneficiary__performer__in=ids, run__as_of__gte=month_on, run__as_of__lt=until
    )
    paid = PayoutStep.objects.filter(
        kind=PayoutStepKind.CONFIRMED.value,
        payment__beneficiary__performer__in=ids,
        line__booked_on__gte=month_on,
        line__booked_on__lt=until,
    )
    _sum(found, "earned", lines, "beneficiary__performer", "currency", "amount")
    whose = "payment__beneficiary__performer"
    _sum(found, "paid", paid, whose, "payment__currency", "payment__amount")
    issued = StatementStep.objects.filter(
        kind=StatementStepKind.ISSUED.value,
        statement__beneficiary__performer__in=ids,
        at__date__gte=month_on,
        at__date__lt=until,
    )
    whose = "statement__beneficiary__performer"
    for performer, count in issued.order_by().values_list(whose).annotate(Count("pk")):
        found[performer]["statements"] = count
    return found


def _sum(
    found: dict[int, Facts], name: str, rows: Any, whose: str, currency: str, amount: str
) -> None:
    sums = rows.order_by(currency).values_list(whose, currency).annotate(Sum(amount))
    for performer, code, total in sums:
        if total:
            found[performer].setdefault(name, {})[code] = rounded(total, code)


def _as_json(facts: Facts) -> Facts:
    return {
        name: {code: str(amount) for code, amount in told.items()}
        if isinstance(told, dict)
        else told
        for name, told in facts.items()
    }


def _mail(performer: Performer, month_on: date, facts: Facts, now: datetime) -> None:
    user = performer.user
    if user is None:
        return
    locale = user.locale or settings.LANGUAGE_CODE
    month = locales.month(month_on, locale)
    earnings, choice = (
        settings.DESK_URL + reverse(f"portal:{page}") for page in ("earnings", "digest")
    )

    def amounts(name: str) -> str:
        told: dict[str, Decimal] = facts[name]
        return ", ".join(locales.money(sum_, code, locale) for code, sum_ in told.items())

    lines = []
    if "uses" in facts:
        uses = locales.quantity(Decimal(facts["uses"]), locale)
        lines.append(_("Uses of your twins: %s") % uses)
    if "earned" in facts:
        lines.append(_("Earned: %s") % amounts("earned"))
    if "paid" in facts:
        lines.append(_("Paid to you: %s") % amounts("paid"))
    if "statements" in facts:
        lines.append(_("Statements issued: %d") % facts["statements"])
    outbox.post(
        recipient=user.email,
        subject=_("Your month: %s") % month,
        body="\n".join(
            [
                _("%(name)s, %(month)s:") % {"name": performer.name, "month": month},
                "",
                *lines,
                "",
                _("What each of it is for: %s") % earnings,
                _("You want no such mail: %s") % choice,
                "",
            ]
        ),
        at=now,
    )


def wants(performer_id: int) -> bool:
    """Tell whether a performer is told of their months by mail."""
    return not DigestOptOut.objects.filter(performer=performer_id).exists()


def choose(*, performer_id: int, wanted: bool, at: datetime) -> None:
    """Have a performer be told of their months by mail, or not."""
    if wanted:
        DigestOptOut.objects.filter(performer=performer_id).delete()
    else:
        DigestOptOut.objects.get_or_create(performer_id=performer_id, defaults={"at": at})
