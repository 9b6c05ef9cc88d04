"""Dated duties, from an agreement's terms and the rules that count for it.

A duty of a day is late once that day is over in the agreement's zone. A period or term ends on its
last day, so that “within 90 days” of one that ends on 30 September is 29 December.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from licensing.words import (
    AgreementStatus,
    CapturedKind,
    Confidence,
    ObligationKind,
    ObligationParty,
    ObligationState,
    ProductionKind,
    RetentionEnds,
)
from talent.periods import Days, label, local_day, next_period, period_containing, starts_at
from talent.words import Guild, Period

SOON = timedelta(days=14)
DAY = timedelta(days=1)
# What is taken of a person's body and voice, which statutes have destroyed.
BIOMETRIC = frozenset(CapturedKind.codes()) - {CapturedKind.ARCHIVE.value}
# No period begins later: a calendar that ends in 9999 has no day after it.
LAST_PERIOD_ON = date(9998, 1, 1)
# After their day these are possible no more, which is nobody's fault.
CHANCES = frozenset({ObligationKind.AUDIT_WINDOW, ObligationKind.RENEWAL_NOTICE})

CREATION_NOTICE = "theatrical.creation_notice"
GAME_REPORT = "interactive.usage_report"
# The clocks of retention: the rule, the place whose law it is, its value in years, counted from
# the last use or from the end of the purpose, which is the term's at the latest.
CLOCKS = (
    ("retention.illinois", "US-IL", "years_after_last_interaction"),
    ("retention.texas", "US-TX", "years_after_purpose"),
)
CODES = (CREATION_NOTICE, GAME_REPORT, *(code for code, _place, _value in CLOCKS))


@dataclass(frozen=True, slots=True)
class RuleFact:
    """A rule that some obligation may follow from: where it stands, and how sure it is."""

    code: str
    title: str
    clause: str
    confidence: str
    values: Mapping[str, object]
    effective_from: date
    effective_to: date | None
    may_be_relied_on: bool

    def counts_on(self, day: date) -> bool:
        ends = self.effective_to
        return self.effective_from <= day and (ends is None or day <= ends)


@dataclass(frozen=True, slots=True)
class Title:
    """A production of an agreement: its name (P5), title, kind and days."""

    id: str
    title: str
    kind: str
    photography_starts_on: date | None = None
    released_on: date | None = None


@dataclass(frozen=True, slots=True)
class AdvanceDue:
    """An advance that an agreement promises by a day."""

    number: int
    label: str
    due_on: date


@dataclass(frozen=True, slots=True)
class AgreedTerms:
    """All of an agreement that obliges somebody. A None number was not agreed.

    `last_on` is the term's last day, `last_used_on` that of the last use that the desk knows, both
    in the agreement's zone. `places` are those whose law looks at it.
    """

    time_zone: str
    starts_on: date
    last_on: date | None
    status: str = AgreementStatus.SIGNED.value
    signed_on: date | None = None
    rating_period: str = Period.QUARTER.value
    fiscal_year_start_month: int = 1
    guild: str = Guild.NONE.value
    places: frozenset[str] = frozenset()
    titles: tuple[Title, ...] = ()
    advances: tuple[AdvanceDue, ...] = ()
    captures: frozenset[str] = frozenset()
    capture_notice_hours: int | None = None
    ai_label: bool = False
    usage_report_days: int | None = None
    statement_days: int | None = None
    payment_days: int | None = None
    audit_years_back: int | None = None
    renewal_notice_days: int | None = None
    retention_ends: str = RetentionEnds.WITH_THE_AGREEMENT.value
    retention_days: int | None = None
    last_used_on: date | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """The term or the rule that a duty follows from; a term is as sure as the signature."""

    text: str
    clause: str = ""
    confidence: str = ""

    @property
    def is_rule(self) -> bool:
        return bool(self.confidence)


@dataclass(frozen=True, slots=True)
class Duty:
    """What somebody must do by an instant, or may do until then.

    `key` names it for good among its agreement's: the same duty keeps it when its day moves.
    `due_on` is the last day in the agreement's zone, `due_at` the instant from which it is late.
    Both are None where the desk does not know the day yet; `missing` says what would tell.
    """

    key: str
    kind: ObligationKind
    whose: ObligationParty
    about: str
    source: Source
    due_on: date | None
    due_at: datetime | None
    about_days: Days | None = None
    missing: str = ""


@dataclass(frozen=True, slots=True)
class Fulfilment:
    """What fulfils a duty: a fact of the desk, or somebody's word. `on` None is a day not known."""

    text: str
    on: date | None = None
    is_fact: bool = True


def duties_of(terms: AgreedTerms, rules: Sequence[RuleFact], *, until: date) -> list[Duty]:
    """Return an agreement's duties that are due by a day, by their day; those without one last.

    An agreement that nobody signed obliges to nothing.
    """
    if terms.signed_on is None or terms.status == AgreementStatus.DRAFT:
        return []
    found = [
        *_of_periods(terms, until),
        *_of_titles(terms, rules),
        *_capture_notices(terms, rules),
        *_advances(terms),
        *_audit_windows(terms, until),
        *_renewal_notice(terms),
        *_destruction(terms, rules),
    ]
    wanted = [duty for duty in found if duty.due_on is None or duty.due_on <= until]
    return sorted(wanted, key=lambda duty: (duty.due_on or date.max, duty.kind.value, duty.key))


def state_of(duty: Duty, fulfilment: Fulfilment | None, now: datetime) -> ObligationState:
    """Tell how a duty stands at an instant."""
    if fulfilment is not None:
        return ObligationState.DONE
    if duty.due_at is None:
        return ObligationState.UNDATED
    if now >= duty.due_at:
        return ObligationState.LAPSED if duty.kind in CHANCES else ObligationState.LATE
    return ObligationState.DUE if now >= duty.due_at - SOON else ObligationState.AHEAD


def payable_since(duty: Duty, issued_on: date, terms: AgreedTerms) -> Duty:
    """Return a payment whose days count from the statement that was issued, not from its limit."""
    due_on = _later(issued_on, terms.payment_days or 0)
    return replace(duty, due_on=due_on, due_at=_over(due_on, terms.time_zone))


# Periods


def _of_periods(terms: AgreedTerms, until: date) -> Iterator[Duty]:
    for days in _periods(terms, terms.rating_period, 1, until):
        last, about = days.ends_on - DAY, label(days)
        made = _Subject(terms.time_zone, f"{days.starts_on}", about, days).duty
        if terms.usage_report_days is not None:
            yield made(
                ObligationKind.USAGE_REPORT,
                ObligationParty.LICENSEE,
                _within(terms.usage_report_days, "after each period"),
                _later(last, terms.usage_report_days),
            )
        if terms.statement_days is not None:
            yield made(
                ObligationKind.STATEMENT,
                ObligationParty.AGENCY,
                _within(terms.statement_days, "after each period"),
                _later(last, terms.statement_days),
            )
        if terms.payment_days is not None:
            yield made(
                ObligationKind.PAYMENT,
                ObligationParty.LICENSEE,
                _within(terms.payment_days, "after its invoice"),
                _later(last, terms.payment_days + (terms.statement_days or 0)),
            )


def _audit_windows(terms: AgreedTerms, until: date) -> Iterator[Duty]:
    if terms.audit_years_back is None:
        return
    for days in _periods(terms, Period.YEAR.value, terms.fiscal_year_start_month, until):
        last = days.ends_on - DAY
        made = _Subject(terms.time_zone, f"{days.starts_on}", label(days), days).duty
        source = Source(f"Agreed: records can be audited {terms.audit_years_back} years back.")
        due_on = _years_later(last, terms.audit_years_back)
        yield made(ObligationKind.AUDIT_WINDOW, ObligationParty.AGENCY, source, due_on)


def _periods(terms: AgreedTerms, period: str, first_month: int, until: date) -> Iterator[Days]:
    """Yield the term's periods that have ended by a day, cut to the term."""
    last_on = min(terms.last_on or until, until, LAST_PERIOD_ON)
    if terms.starts_on > last_on:
        return
    whole = period_containing(terms.starts_on, period, first_month)
    while whole.starts_on <= last_on:
        last = whole.ends_on - DAY
        ends_on = min(last, terms.last_on or last) + DAY
        yield Days(max(whole.starts_on, terms.starts_on), ends_on)
        whole = next_period(whole.starts_on, period, first_month)


# Productions


def _of_titles(terms: AgreedTerms, rules: Sequence[RuleFact]) -> Iterator[Duty]:
    for title in terms.titles:
        released = title.released_on
        if released is None or released < terms.starts_on:
            continue
        if terms.last_on is not None and released > terms.last_on:
            continue
        made = _Subject(terms.time_zone, title.id, title.title).duty
        report = _earliest(_report_limits(terms, title, released, rules))
        if report:
            source, due_on = report
            yield made(ObligationKind.USAGE_REPORT, ObligationParty.LICENSEE, source, due_on)
        if terms.ai_label:
            source = Source("Agreed: the audience is told that a digital twin performs.")
            yield made(ObligationKind.DISCLOSURE, ObligationParty.LICENSEE, source, released)


def _report_limits(
    terms: AgreedTerms, title: Title, released: date, rules: Sequence[RuleFact]
) -> Iterator[tuple[Source, date | None]]:
    if terms.usage_report_days is not None:
        source = _within(terms.usage_report_days, "after each release")
        yield source, _later(released, terms.usage_report_days)
    rule = _rule(rules, GAME_REPORT, released)
    is_game = title.kind == ProductionKind.GAME and terms.guild == Guild.SAG_AFTRA
    if rule and is_game and (days := _number(rule, "due_days")) is not None:
        yield _by(rule), _later(released, days)


def _capture_notices(terms: AgreedTerms, rules: Sequence[RuleFact]) -> Iterator[Duty]:
    """Yield the notice before each capture; it counts from the first day of photography."""
    if not terms.captures & BIOMETRIC:
        return
    for title in terms.titles or (None,):
        begins_on = title.photography_starts_on if title else None
        hours = dict(_notice_hours(terms, rules, begins_on or terms.signed_on or terms.starts_on))
        if not hours:
            continue
        source = max(hours, key=lambda one: hours[one])
        made = _Subject(
            terms.time_zone, title.id if title else "", title.title if title else ""
        ).duty
        duty = made(ObligationKind.CAPTURE_NOTICE, ObligationParty.LICENSEE, source, None)
        if begins_on is None:
            text = "The day is known once the production's start of photography is entered."
            yield replace(duty, missing=text)
            continue
        due_at = starts_at(begins_on, terms.time_zone) - timedelta(hours=hours[source])
        yield replace(
            duty,
            due_at=due_at,
            due_on=local_day(due_at - timedelta(microseconds=1), terms.time_zone),
        )


def _notice_hours(
    terms: AgreedTerms, rules: Sequence[RuleFact], on: date
) -> Iterator[tuple[Source, int]]:
    if terms.capture_notice_hours is not None:
        hours = terms.capture_notice_hours
        yield Source(f"Agreed: {hours} hours before the capture."), hours
    rule = _rule(rules, CREATION_NOTICE, on)
    if rule and terms.guild == Guild.SAG_AFTRA:
        rule_hours = _number(rule, "notice_hours")
        if rule_hours is not None:
            yield _by(rule), rule_hours


# Once


def _advances(terms: AgreedTerms) -> Iterator[Duty]:
    for advance in terms.advances:
        made = _Subject(terms.time_zone, str(advance.number), advance.label).duty
        source = Source("Agreed: an advance by its day.")
        yield made(ObligationKind.ADVANCE, ObligationParty.LICENSEE, source, advance.due_on)


def _renewal_notice(terms: AgreedTerms) -> Iterator[Duty]:
    ended_early = terms.status == AgreementStatus.ENDED
    if terms.renewal_notice_days is None or terms.last_on is None or ended_early:
        return
    made = _Subject(terms.time_zone).duty
    source = Source(f"Agreed: {terms.renewal_notice_days} days before the end.")
    due_on = terms.last_on - timedelta(days=terms.renewal_notice_days)
    yield made(ObligationKind.RENEWAL_NOTICE, ObligationParty.EITHER, source, due_on)


def _destruction(terms: AgreedTerms, rules: Sequence[RuleFact]) -> Iterator[Duty]:
    """Yield when biometric data must be gone: by the earliest of what was agreed and the law."""
    earliest = _earliest(_retention_limits(terms, rules))
    if earliest:
        made = _Subject(terms.time_zone).duty
        source, due_on = earliest
        yield made(ObligationKind.DESTRUCTION, ObligationParty.EITHER, source, due_on)


def _retention_limits(
    terms: AgreedTerms, rules: Sequence[RuleFact]
) -> Iterator[tuple[Source, date | None]]:
    last_use = terms.last_used_on or terms.last_on
    if terms.retention_days is not None:
        after_use = terms.retention_ends == RetentionEnds.LAST_INTERACTION
        event = "after the last interaction" if after_use else "after the agreement's end"
        since = last_use if after_use else terms.last_on
        yield _within(terms.retention_days, event), _later(since, terms.retention_days)
    if not terms.captures & BIOMETRIC:
        return
    for code, place, value in CLOCKS:
        rule = _rule(rules, code, terms.signed_on or terms.starts_on)
        if rule is None or place not in terms.places:
            continue
        years = _number(rule, value)
        since = last_use if value == "years_after_last_interaction" else terms.last_on
        if years is not None and since is not None:
            yield _by(rule), _years_later(since, years)


# Days and sources


def _earliest(limits: Iterable[tuple[Source, date | None]]) -> tuple[Source, date] | None:
    dated = [(source, day) for source, day in limits if day is not None]
    return min(dated, key=lambda limit: limit[1], default=None)


@dataclass(frozen=True, slots=True)
class _Subject:
    """What some duties of an agreement are about: a period, a production, or all of it."""

    zone: str
    name: str = ""
    about: str = ""
    days: Days | None = None

    def duty(
        self, kind: ObligationKind, whose: ObligationParty, source: Source, due_on: date | None
    ) -> Duty:
        key, due_at = f"{kind.value}:{self.name}", _over(due_on, self.zone)
        return Duty(key, kind, whose, self.about, source, due_on, due_at, self.days)


def _within(days: int, event: str) -> Source:
    return Source(f"Agreed: within {days} days {event}.")


def _by(rule: RuleFact) -> Source:
    return Source(rule.title, rule.clause, Confidence(rule.confidence).label)


def _rule(rules: Sequence[RuleFact], code: str, on: date) -> RuleFact | None:
    """Return the rule of a code on a day, if the desk may rely on it."""
    found = (one for one in rules if one.code == code and one.counts_on(on))
    return next((one for one in found if one.may_be_relied_on), None)


def _number(rule: RuleFact, name: str) -> int | None:
    value = rule.values.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _later(day: date | None, days: int) -> date | None:
    """Return a day so many days later; None for no day, and for one that no calendar reaches."""
    try:
        return None if day is None else day + timedelta(days=days)
    except OverflowError:
        return None


def _years_later(day: date, years: int) -> date | None:
    """Return the same day so many years later; 29 February is then the 28th."""
    if day.year + years > date.max.year:
        return None
    last = 28 if (day.month, day.day) == (2, 29) else day.day
    return day.replace(year=day.year + years, day=last)


def _over(day: date | None, zone: str) -> datetime | None:
    """Return the instant at which a day is over in a zone."""
    if day is None:
        return None
    if day >= date.max - DAY:
        return datetime.max.replace(tzinfo=UTC)
    return starts_at(day + DAY, zone)
