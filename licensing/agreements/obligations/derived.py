"""The obligations of agreements as they stand now: duties, and what fulfils them.

Nothing of them is stored but what people say, so an amendment, an early end or a fact that is taken
back counts at once.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Q
from django.utils.translation import gettext as _

from licensing.models import Agreement, DealTerms, ObligationTick, ReportedPeriod, RuleSet
from licensing.wire.names import Prefix, name_of, number_in
from licensing.words import (
    ObligationKind,
    ObligationState,
    RetentionEnds,
    TickKind,
)
from talent import locales
from talent.periods import Days, local_day

from ..rules.rulesets import rule_of
from . import duties
from .duties import AdvanceDue, AgreedTerms, Duty, Fulfilment, RuleFact, Title
from .facts import KnownFacts, UsedMonth, facts_about

YEAR = timedelta(days=366)
WAITING = (ObligationState.LATE, ObligationState.DUE)
INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Obligation:
    """A duty of an agreement, how it stands, and what fulfils it."""

    agreement: Agreement
    duty: Duty
    state: ObligationState
    fulfilment: Fulfilment | None
    tick: ObligationTick | None

    @property
    def waits(self) -> bool:
        return self.state in WAITING

    @property
    def may_be_ticked(self) -> bool:
        """Whether somebody's word decides it: no fact of the desk does, and it is possible."""
        by_fact = self.fulfilment is not None and self.fulfilment.is_fact
        return not by_fact and self.state != ObligationState.LAPSED

    @property
    def what(self) -> str:
        """The duty in words, without anybody's name."""
        label = str(self.duty.kind.label)
        return f"{label}: {self.duty.about}" if self.duty.about else label

    @property
    def source(self) -> str:
        """The term or the rule, with its clause and how sure the desk is of it."""
        source = self.duty.source
        if not source.is_rule:
            return source.text
        clause = f", {source.clause}" if source.clause else ""
        return f"{source.text}{clause} ({source.confidence.lower()})"


def obligations_of(
    agreements: Collection[int], *, at: datetime, within: timedelta = YEAR
) -> list[Obligation]:
    """Return the obligations of agreements that are due by then, in a fixed number of queries.

    `agreements` are the numbers of those that the reader may see. By day; those without one last.
    """
    numbers = list(agreements)
    if not numbers:
        return []
    facts, reports, ticks = facts_about(numbers), _reports(numbers), _last_ticks(numbers)
    rules = _rules()
    rows = Agreement.objects.filter(pk__in=numbers, signed_at__isnull=False)
    parts = rows.select_related("agency", "licensee", "twin__performer", "deal")
    found = [
        obligation
        for agreement in parts.prefetch_related("productions", "advances")
        for obligation in _of_agreement(agreement, rules, facts, reports, ticks, at, within)
    ]
    return sorted(found, key=lambda one: (one.duty.due_on or date.max, one.agreement.reference))


def waiting_among(agreements: Collection[int], *, at: datetime) -> list[Obligation]:
    """Return those that are late or due within fourteen days."""
    soon = duties.SOON + timedelta(days=2)  # zones apart
    return [one for one in obligations_of(agreements, at=at, within=soon) if one.waits]


def _of_agreement(
    agreement: Agreement,
    rules: Sequence[RuleFact],
    facts: KnownFacts,
    reports: Mapping[int, Sequence[Days]],
    ticks: Mapping[tuple[int, str], ObligationTick],
    at: datetime,
    within: timedelta,
) -> Iterator[Obligation]:
    known = _Known(
        facts.used.get(agreement.pk, frozenset()),
        facts.stated.get(agreement.pk, {}),
        reports.get(agreement.pk, ()),
        local_day(at, agreement.time_zone),
    )
    terms = _terms_of(agreement, known)
    for duty in duties.duties_of(terms, rules, until=known.today + within):
        dated = _dated_by_its_statement(duty, known, terms)
        tick = ticks.get((agreement.pk, duty.key))
        fulfilment = _fact(dated, known) or _word(tick)
        state = duties.state_of(dated, fulfilment, at)
        yield Obligation(agreement, dated, state, fulfilment, tick)


def _terms_of(agreement: Agreement, known: "_Known") -> AgreedTerms:
    zone = agreement.time_zone
    deal = getattr(agreement, "deal", None) or DealTerms()
    person = agreement.twin.performer
    return AgreedTerms(
        time_zone=zone,
        starts_on=local_day(agreement.starts_at, zone),
        last_on=_last_on(agreement),
        status=agreement.status,
        signed_on=agreement.signed_on,
        rating_period=agreement.rating_period,
        fiscal_year_start_month=agreement.fiscal_year_start_month,
        guild=agreement.guild,
        places=frozenset({deal.governing_law, person.domicile if person else ""} - {""}),
        titles=tuple(
            Title(
                name_of(Prefix.PRODUCTION, row.pk),
                row.title,
                row.kind,
                row.photography_starts_on,
                row.released_on,
            )
            for row in sorted(agreement.productions.all(), key=lambda row: row.pk)
        ),
        advances=tuple(
            AdvanceDue(row.pk, row.label, row.due_on) for row in agreement.advances.all()
        ),
        captures=frozenset(deal.captures),
        capture_notice_hours=deal.capture_notice_hours,
        ai_label=deal.ai_label and deal.pk is not None,
        usage_report_days=deal.usage_report_days,
        statement_days=deal.statement_days,
        payment_days=deal.payment_days,
        audit_years_back=deal.audit_years_back,
        renewal_notice_days=deal.renewal_notice_days,
        retention_ends=deal.retention_ends or RetentionEnds.WITH_THE_AGREEMENT.value,
        retention_days=deal.retention_days,
        last_used_on=max((one.month_on for one in known.used), default=None),
    )


def _last_on(agreement: Agreement) -> date | None:
    """Return the term's last day; one of the last year of all calendars is as good as none."""
    ends_at = agreement.ends_at
    if ends_at is None or ends_at.year == date.max.year:
        return None
    return local_day(ends_at - INSTANT, agreement.time_zone)


# What fulfils them


@dataclass(frozen=True, slots=True)
class _Known:
    """What the desk knows of one agreement on a day of its zone."""

    used: frozenset[UsedMonth]
    stated: Mapping[date, date]
    reports: Sequence[Days]
    today: date

    def uses_in(self, days: Days) -> bool:
        return any(_first(days) <= one.month_on < days.ends_on for one in self.used)

    def reported(self, days: Days) -> bool:
        return self.uses_in(days) or any(
            report.starts_on < days.ends_on and days.starts_on < report.ends_on
            for report in self.reports
        )

    def issued_on(self, days: Days) -> date | None:
        """Return when a statement last showed use of a period, once that was over."""
        issued = (
            on
            for month_on, on in self.stated.items()
            if _first(days) <= month_on < days.ends_on and on >= days.ends_on
        )
        return max(issued, default=None)


def _first(days: Days) -> date:
    return days.starts_on.replace(day=1)


def _dated_by_its_statement(duty: Duty, known: _Known, terms: AgreedTerms) -> Duty:
    if duty.kind is not ObligationKind.PAYMENT or duty.about_days is None:
        return duty
    issued_on = known.issued_on(duty.about_days)
    return duties.payable_since(duty, issued_on, terms) if issued_on else duty


def _fact(duty: Duty, known: _Known) -> Fulfilment | None:
    """Return the fact of the desk that fulfils a duty, if there is one."""
    days = duty.about_days
    if duty.kind is ObligationKind.USAGE_REPORT:
        return _release_report(duty, known) if days is None else _period_report(days, known)
    if days is None or days.ends_on > known.today:
        return None
    issued_on = known.issued_on(days)
    if duty.kind is ObligationKind.STATEMENT and issued_on:
        text = _("A statement that shows it was issued on %s.")
        return Fulfilment(text % locales.day(issued_on, "en"), issued_on)
    owed = duty.kind in (ObligationKind.STATEMENT, ObligationKind.PAYMENT)
    if owed and not known.uses_in(days) and not known.reported(days):
        return Fulfilment(_("No use of it is known, so nothing is owed for use."))
    return None


def _period_report(days: Days, known: _Known) -> Fulfilment | None:
    if days.ends_on > known.today or not known.reported(days):
        return None
    return Fulfilment(_("Use of it was reported."))


def _release_report(duty: Duty, known: _Known) -> Fulfilment | None:
    _kind, _colon, subject = duty.key.partition(":")
    number = number_in(subject, Prefix.PRODUCTION)
    if not any(one.production_id == number for one in known.used):
        return None
    return Fulfilment(_("Use in this production was reported."))


def _word(tick: ObligationTick | None) -> Fulfilment | None:
    if tick is None or tick.kind != TickKind.DONE:
        return None
    return Fulfilment(tick.note, tick.at.date(), is_fact=False)


# Rows


def _last_ticks(agreements: Collection[int]) -> dict[tuple[int, str], ObligationTick]:
    rows = ObligationTick.objects.filter(agreement__in=agreements).select_related("by")
    last = rows.order_by("agreement", "key", "-pk").distinct("agreement", "key")
    return {(row.agreement_id, row.key): row for row in last}


def _reports(agreements: Collection[int]) -> dict[int, list[Days]]:
    found: dict[int, list[Days]] = {}
    rows = ReportedPeriod.objects.filter(agreement__in=agreements)
    for number, starts_on, ends_on in rows.values_list("agreement", "starts_on", "ends_on"):
        found.setdefault(number, []).append(Days(starts_on, ends_on))
    return found


def _rules() -> list[RuleFact]:
    rules = (rule_of(row) for row in RuleSet.objects.filter(code__in=duties.CODES))
    return [
        RuleFact(
            rule.code,
            rule.title,
            f"{rule.instrument}, {rule.clause}" if rule.clause else rule.instrument,
            rule.confidence.value,
            rule.values,
            rule.effective_from,
            rule.effective_to,
            rule.may_be_relied_on,
        )
        for rule in rules
    ]


def oblige(at: datetime) -> Q:
    """Return which agreements still oblige: signed, and not over for longer than records are kept.

    Data that must be destroyed, and years that can be audited, reach ten years past an end.
    """
    return Q(signed_at__isnull=False) & (Q(ends_at=None) | Q(ends_at__gt=at - 10 * YEAR))
