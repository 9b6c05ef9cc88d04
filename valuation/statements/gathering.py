"""Gathering: the content of a beneficiary's statement, from residual lines and entries."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from operator import itemgetter

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import translation

from licensing.models import Agreement, Production, RateCard, RuleSet
from licensing.money import rounded
from licensing.words import (
    Confidence,
    ContributionPlan,
    Meter,
    PaidBackFrom,
    PricePart,
    Pricing,
    Standing,
)
from talent import locales
from talent.beneficiaries import twins_paying
from talent.models import Agency, Beneficiary
from talent.periods import Days, label, period_containing
from talent.words import Right, Use
from valuation.models import (
    Contribution,
    JournalEntry,
    NightRun,
    Posting,
    ReleasedPart,
    ResidualLine,
    Statement,
    StatementLine,
    UsageTotal,
)
from valuation.models.residuals import AddedUpQuerySet
from valuation.residuals.rated_use import AgreementTerms
from valuation.residuals.totals import COLUMNS, MonthCell, cell_of, last_day_rated
from valuation.statements import languages, money_in, snapshot, standing
from valuation.statements.priced import priced
from valuation.statements.summary import in_words
from valuation.words import (
    AccountKind,
    EntryKind,
    ReadingKind,
    Section,
    StatementKind,
    StatementStepKind,
)

ZERO = Decimal(0)
HUNDRED = Decimal(100)
DEDUCTED = [
    AccountKind.COMMISSION,
    AccountKind.MINOR_TRUST,
    AccountKind.WITHHOLDING,
    AccountKind.SOURCE_TAX,
    AccountKind.WRITTEN_OFF,
    AccountKind.SELF_BILLED_TAX,
    AccountKind.PASSED_TAX,
    AccountKind.TAX,
]
# Tax beside what was received, and no part of it.
ON_TOP = {AccountKind.SELF_BILLED_TAX, AccountKind.PASSED_TAX, AccountKind.TAX}
# Kept back of what would be payable, for a while; given and taken are told apart.
KEPT_BACK = [AccountKind.ADVANCES, AccountKind.RESERVE]
STATED = (
    EntryKind.RELEASE,
    EntryKind.GIVE_BACK,
    EntryKind.PAYOUT,
    EntryKind.ADVANCE,
    EntryKind.RECOUPMENT,
    EntryKind.RESERVE,
    EntryKind.OPENING,
    EntryKind.SOURCE_TAX,
    EntryKind.WRITE_OFF,
    EntryKind.DIRECTION,
    EntryKind.SELF_BILLED_TAX,
    EntryKind.PASSED_TAX,
    EntryKind.INVOICED_TAX,
)
MOVES = [kind.value for kind in STATED]
SECTIONS = {
    ReadingKind.TRUE_UP: Section.TRUE_UP,
    ReadingKind.ADVANCE: Section.ADVANCE,
    ReadingKind.INTEREST: Section.INTEREST,
}
PRICED_PARTS = {PricePart.UNITS, PricePart.PACKAGES, PricePart.REVENUE, PricePart.FLAT}


@dataclass(frozen=True, slots=True)
class Series:
    """The sequence of one beneficiary's statements from one agency in one currency."""

    agency: Agency
    beneficiary: Beneficiary
    currency: str


@dataclass(frozen=True, slots=True)
class Draft:
    """A statement's content, with the residual lines and entries that it states."""

    content: snapshot.StatementSnapshot
    lines: tuple[ResidualLine, ...]
    entries: tuple[JournalEntry, ...]


def unstated_lines() -> QuerySet[ResidualLine]:
    """Residual lines that no issued statement has shown."""
    shown = StatementLine.objects.filter(
        residual_line=OuterRef("pk"), statement__number__isnull=False
    )
    return ResidualLine.objects.filter(~Exists(shown))


def unstated_entries(beneficiary_id: int | OuterRef) -> QuerySet[JournalEntry]:
    """Entries that moved a beneficiary's money and that no issued statement has shown.

    Payable money, or what use paid back of advances.
    """
    shown = StatementLine.objects.filter(
        entry=OuterRef("pk"),
        statement__number__isnull=False,
        statement__beneficiary=beneficiary_id,
    )
    return JournalEntry.objects.filter(
        ~Exists(shown), Q(kind__in=MOVES) | Q(reverses__kind__in=MOVES)
    )


def gather(
    series: Series,
    days: Days,
    previous: Statement | None,
    *,
    since: date | None,
    known_at: datetime | None = None,
) -> Draft:
    """Read the content of a statement, in a number of queries that does not grow with it.

    A line belongs to the period it was posted in (`period_on`), money to the day it was received.
    The first open period also includes everything older (`since` None); a later one only what is
    from `since` on, so that no two drafts contain the same. `known_at` leaves out what the books
    got from then on.
    """
    lines = _unstated_lines_of(series, days, since, known_at)
    entries = _entries(series, days, since, known_at)
    taken_over = _entries_of(entries, EntryKind.OPENING)
    every_posting = _postings(series, entries)
    opening = _opening_balances(every_posting, taken_over)
    postings = [one for one in every_posting if one.entry_id not in taken_over]
    released = money_in.released_parts(entries, series.beneficiary)
    by_law = money_in.PayBy(series.agency)
    last_day = days.ends_on - timedelta(days=1)
    receipts = tuple(_receipts(entries, postings, released, by_law))
    payouts = tuple(_payouts(entries, postings))
    pay_by = money_in.earliest(
        _owed(entries, every_posting, previous, by_law), sum((one.amount for one in payouts), ZERO)
    )
    content = snapshot.StatementSnapshot(
        previous=(previous.number or "") if previous else "",
        status=StatementStepKind.DRAFT,
        payee=party(series.agency.name, series.agency.address),
        beneficiary=party(series.beneficiary.name, series.beneficiary.address),
        to_performer=series.beneficiary.performer_id is not None,
        period_starts_on=days.starts_on,
        period_ends_on=days.ends_on,
        currency=series.currency,
        locale=_locale(series.beneficiary),
        payable_on=pay_by or due_on(series.agency, days),
        paper=series.agency.paper_format,
        opening_balance=previous.closing if previous else opening[AccountKind.PAYABLE],
        opening_accrued=(previous.outstanding if previous else ZERO) + opening[AccountKind.ACCRUED],
        lines=(
            *_stated_lines(lines, series.agency, days),
            *_paid_back_lines(entries, postings),
            *_held_lines(series, days, previous),
        ),
        receipts=receipts,
        deductions=(
            *_deductions(postings, _entries_of(entries, EntryKind.RECOUPMENT), released),
            *_directed(entries, postings),
            *(_corrected_opening(opening) if previous else ()),
        ),
        paid_out=sum((one.amount for one in payouts), ZERO),
        payouts=payouts,
        agreements=standing.agreements_of(_agreements(lines, entries), last_day),
        tax=standing.tax_standing(series.beneficiary, last_day),
        rules=by_law.applied(),
        beside=_beside(series, days, previous, lines, postings, opening),
        proof=snapshot.Proof(first_index=_index_read_before(previous), end_index=index_read_to()),
        leaves=standing.leaves_of(lines),
    )
    content = replace(
        content, year_to_date=standing.year_to_date(_statements_of(series), days, content)
    )
    custom = standing.custom_of(days.ends_on)
    return Draft(_with_sentences(content, custom), tuple(lines), tuple(entries))


def _statements_of(series: Series) -> QuerySet[Statement]:
    return Statement.objects.filter(
        kind=StatementKind.BENEFICIARY.value,
        agency=series.agency,
        beneficiary=series.beneficiary,
        currency=series.currency,
    )


def _agreements(
    lines: Iterable[ResidualLine], entries: Iterable[JournalEntry]
) -> Iterator[Agreement]:
    """Yield the agreements that a statement is about, some of them more than once."""
    yield from (line.agreement for line in lines)
    yield from (entry.agreement for entry in entries if entry.agreement)


def due_on(agency: Agency, days: Days) -> date:
    """Return the day by which an agency pays what a period's statement says."""
    return days.ends_on + timedelta(days=agency.payment_days - 1)


def index_read_to() -> int:
    """Return the index up to which nights have read the log."""
    return NightRun.objects.order_by("-pk").values_list("to_index", flat=True).first() or 0


def party(name: str, address: str) -> snapshot.Party:
    return snapshot.Party(name=name, address=tuple(address.splitlines()))


def _locale(beneficiary: Beneficiary) -> str:
    reader = beneficiary.user or (beneficiary.performer and beneficiary.performer.user)
    return languages.written((reader and reader.locale) or "en-US")


def _with_sentences(
    content: snapshot.StatementSnapshot, custom: RuleSet | None
) -> snapshot.StatementSnapshot:
    with translation.override(locales.known(content.locale).language):
        return replace(
            content, in_words=in_words(content), objections=standing.objections(content, custom)
        )


# Lines


def _unstated_lines_of(
    series: Series, days: Days, since: date | None, known_at: datetime | None
) -> list[ResidualLine]:
    return list(
        unstated_lines()
        .filter(
            _known("run__started_at", known_at),
            agency=series.agency,
            beneficiary=series.beneficiary,
            currency=series.currency,
            period_on__gte=since or date.min,
            period_on__lt=days.ends_on,
        )
        .select_related("reading__rate_line__production", "reading__advance", "agreement__licensee")
        .order_by("agreement__licensee__name", "reading_id", "pk")
    )


def _known(column: str, at: datetime | None) -> Q:
    """Return the condition that the books had a row before an instant; None: whenever it came."""
    return Q(**{f"{column}__lt": at}) if at else Q()


def is_late(line: ResidualLine, days: Days) -> bool:
    """Tell whether a line stated in a period is about use before it."""
    return line.month_on < days.starts_on


def section_of(line: ResidualLine, days: Days) -> Section:
    """Return the section of a statement for a period in which a residual line stands."""
    if is_late(line, days):
        return Section.ADJUSTMENT
    return SECTIONS.get(ReadingKind(line.reading.kind), Section.USAGE)


def _stated_lines(
    lines: Sequence[ResidualLine], agency: Agency, days: Days
) -> Iterator[snapshot.StatedLine]:
    """Yield one stated line for each reading, adding up its nights; late lines separately."""
    productions = productions_of(lines)
    groups: dict[tuple[int, bool], list[ResidualLine]] = {}
    for line in lines:
        groups.setdefault((line.reading_id, is_late(line, days)), []).append(line)
    for (_, late), group in groups.items():
        yield _stated_line(group, agency, productions, is_late=late)


def productions_of(lines: Iterable[ResidualLine]) -> dict[int, Production]:
    """Return the productions that residual lines refer to, by id."""
    ids = {pk for line in lines for pk in line.explanation.get("production_ids", [])}
    return Production.objects.in_bulk(ids)


def title_of(ids: Iterable[int], productions: Mapping[int, Production]) -> tuple[str, str]:
    """Return title and EIDR of productions; several titles are joined, with an empty EIDR."""
    used = [productions[pk] for pk in ids if pk in productions]
    title = ", ".join(production.title for production in used)
    return title, used[0].eidr if len(used) == 1 else ""


def _stated_line(
    group: Sequence[ResidualLine],
    agency: Agency,
    productions: Mapping[int, Production],
    *,
    is_late: bool,
) -> snapshot.StatedLine:
    last, explanation, how = group[-1], group[-1].explanation, priced(group)
    reading, rate_line = last.reading, last.reading.rate_line
    kind = SECTIONS.get(ReadingKind(reading.kind), Section.USAGE)
    title, eidr = title_of(explanation.get("production_ids", []), productions)
    weight, weights = Decimal(explanation["weight"]), Decimal(explanation["weights"])
    return snapshot.StatedLine(
        section=Section.ADJUSTMENT if is_late else kind,
        licensee=last.agreement.licensee.name,
        production=title,
        eidr=eidr,
        agreement=last.agreement.reference,
        uses=tuple(map(Use, explanation["uses"])),
        rights=tuple(map(Right, explanation["rights"])),
        languages=tuple(code for code in explanation["languages"] if code),
        quantity=sum((line.quantity for line in group), ZERO).normalize(),
        meter=Meter(rate_line.meter) if rate_line else None,
        rates=tuple(_rates(explanation["lines"])),
        pricing=Pricing(rate_line.pricing if rate_line else Pricing.FLAT),
        factor=reading.factor.normalize(),
        parts=how.parts,
        factors=how.factors,
        gross=how.gross,
        share=None if weight == weights else HUNDRED * weight / weights,
        amount=rounded(sum((line.amount for line in group), ZERO), last.currency),
        note=_what_for(kind, last),
        prior_period=_statement_period(last.month_on, agency) if is_late else "",
        reference=f"R{reading.pk}",
    )


def _what_for(kind: Section, line: ResidualLine) -> str:
    """Return what a line is for; of interest, which invoice was late from when to when."""
    if kind is Section.INTEREST:
        return str(line.explanation.get("about", ""))
    if kind is Section.TRUE_UP:
        return ""
    return _note(line.reading.label, line.explanation["lines"])


def _rates(priced: Iterable[Mapping[str, str]]) -> Iterator[Decimal]:
    """Yield the prices of the brackets that were reached, as risen, in their order."""
    for part in priced:
        if part["part"] in PRICED_PARTS:
            price = Decimal(part["unit_price"])
            yield price * Decimal(part["rise"]) if "rise" in part else price


def _note(label: str, priced: Iterable[Mapping[str, str]]) -> str:
    """Return what a line is for, with the escalators that its rates have risen by."""
    names = dict.fromkeys(part["escalator"] for part in priced if "rise" in part)
    return f"{label} ({'; '.join(names)})" if names else label


def _statement_period(day: date, agency: Agency) -> str:
    return label(period_containing(day, agency.statement_period))


# Use outside the consent


def _held_lines(
    series: Series, days: Days, previous: Statement | None
) -> Iterator[snapshot.StatedLine]:
    """Yield lines for held use, which waits for a ruling, by agreement, period and meter.

    Use of earlier periods that nights read after the previous statement is stated as late.
    """
    as_of = last_day_rated()
    rows = _read_of(UsageTotal.objects.all(), series).filter(
        _within(days) | Q(month_on__lt=days.starts_on, last_index__gte=_index_read_before(previous))
    )
    waiting: dict[tuple[int, Days], list[MonthCell]] = {}
    priced = RateCard.objects.agreed().filter(
        agreement=OuterRef("agreement"), effective_from__lte=OuterRef("month_on")
    )
    waits = ~Q(standing=Standing.CLEARED.value) | Q(counts_from__gt=as_of) | ~Exists(priced)
    for row in rows.filter(waits).values(*COLUMNS):
        period = period_containing(row["month_on"], series.agency.statement_period)
        waiting.setdefault((row["agreement_id"], period), []).append(cell_of(row, as_of))
    agreements = (
        Agreement.objects.select_related("licensee")
        .prefetch_related("rate_cards__lines__brackets", "rate_cards__multipliers")
        .in_bulk({agreement_id for agreement_id, _ in waiting})
    )
    for (agreement_id, period), unread in sorted(waiting.items(), key=itemgetter(0)):
        late = label(period) if period.starts_on < days.starts_on else ""
        for line in _held_lines_of(agreements[agreement_id], period, unread):
            yield replace(line, prior_period=late)


def _index_read_before(previous: Statement | None) -> int:
    return previous.to_index if previous else 0


def _within(days: Days) -> Q:
    return Q(month_on__gte=days.starts_on, month_on__lt=days.ends_on)


def _held_lines_of(
    agreement: Agreement, days: Days, cells: Sequence[MonthCell]
) -> Iterator[snapshot.StatedLine]:
    agreed = (card for card in agreement.rate_cards.all() if not card.proposed)
    sums: dict[tuple[str, ...], Decimal] = {}
    for unrated in AgreementTerms(agreement, agreed).rate(days, cells).held():
        cell = unrated.cell
        for meter, quantity in cell.quantities.items():
            key = (cell.use, cell.right, cell.language, meter, unrated.reason)
            sums[key] = sums.get(key, ZERO) + quantity
    held = {key: quantity for key, quantity in sums.items() if quantity}
    for (use, right, language, meter, reason), quantity in sorted(held.items()):
        yield snapshot.StatedLine(
            section=Section.HELD,
            licensee=agreement.licensee.name,
            agreement=agreement.reference,
            uses=(Use(use),),
            rights=(Right(right),),
            languages=(language,) if language else (),
            quantity=quantity.normalize(),
            meter=Meter(meter),
            amount=ZERO,
            note=reason,
        )


def _read_of(added_up: AddedUpQuerySet, series: Series) -> AddedUpQuerySet:
    """Return what nights have read of the uses that a series states."""
    return added_up.read().filter(
        agreement__twin__in=twins_paying(series.beneficiary),
        agreement__currency=series.currency,
        agency=series.agency,
    )


# Money


def _entries(
    series: Series, days: Days, since: date | None, known_at: datetime | None
) -> list[JournalEntry]:
    moved = Posting.objects.filter(
        entry=OuterRef("pk"),
        account__beneficiary=series.beneficiary,
        account__currency=series.currency,
    )
    return list(
        unstated_entries(series.beneficiary.pk)
        .filter(
            Exists(moved),
            _known("recorded_at", known_at),
            agency=series.agency,
            effective_on__gte=since or date.min,
            effective_on__lt=days.ends_on,
        )
        .select_related("remittance__licensee", "agreement__licensee", "reverses")
        .prefetch_related("postings__account")
        .order_by("effective_on", "pk")
    )


def _postings(series: Series, entries: Sequence[JournalEntry]) -> list[Posting]:
    return list(
        Posting.objects.filter(
            entry__in=entries,
            account__beneficiary=series.beneficiary,
            account__currency=series.currency,
        )
        .select_related("account")
        .order_by("pk")
    )


def _receipts(
    entries: Sequence[JournalEntry],
    postings: Sequence[Posting],
    released: Mapping[int, Sequence[ReleasedPart]],
    by_law: money_in.PayBy,
) -> Iterator[snapshot.Receipt]:
    """Yield the beneficiary's part of each remittance: what it moved out of their accrued money."""
    amounts = _sums(postings, [AccountKind.ACCRUED])
    titles = _titles(part for parts in released.values() for part in parts)
    for entry in entries:
        if (amount := amounts.get(entry.pk)) and entry.remittance:
            yield snapshot.Receipt(
                received_on=entry.remittance.received_on,
                licensee=entry.remittance.licensee.name,
                reference=entry.remittance.reference,
                amount=amount,
                parts=money_in.receipt_parts(released.get(entry.pk, ()), amount, titles),
                pay_by=by_law.day(entry.remittance.received_on),
            )


def _titles(parts: Iterable[ReleasedPart]) -> dict[int, str]:
    """Return the titles of the productions that released money is of. One query."""
    ids = {pk for part in parts for pk in part.match.reading.summary["production_ids"]}
    return dict(Production.objects.filter(pk__in=ids).values_list("pk", "title"))


def _owed(
    entries: Sequence[JournalEntry],
    postings: Sequence[Posting],
    previous: Statement | None,
    by_law: money_in.PayBy,
) -> Iterator[money_in.Owed]:
    """Yield what became payable, with the day by which the law has it paid: what was owed first."""
    if previous and previous.closing > 0:
        yield money_in.Owed(date.min, previous.closing, previous.due_on)
    amounts = _sums(postings, [AccountKind.PAYABLE])
    for entry in entries:
        if EntryKind.PAYOUT not in _kinds_of(entry) and (amount := -amounts.get(entry.pk, ZERO)):
            received_on = entry.remittance.received_on if entry.remittance else entry.effective_on
            yield money_in.Owed(received_on, amount, by_law.day(received_on))


def _entries_of(entries: Iterable[JournalEntry], kind: EntryKind) -> set[int]:
    """Return the ids of the entries of a kind, and of those that reverse such a one."""
    return {entry.pk for entry in entries if kind in _kinds_of(entry)}


def _opening_balances(
    postings: Iterable[Posting], entries: set[int]
) -> Mapping[AccountKind, Decimal]:
    """Return what was taken over of an old system, by account; reversals are taken off.

    What the payee is owed or still has to pay back is above zero.
    """
    sums: dict[AccountKind, Decimal] = defaultdict(Decimal)
    for posting in postings:
        if posting.entry_id in entries:
            kind = AccountKind(posting.account.kind)
            amount = rounded(posting.amount, posting.currency)
            sums[kind] += amount if kind is AccountKind.ADVANCES else -amount
    return sums


def _directed(
    entries: Sequence[JournalEntry], postings: Sequence[Posting]
) -> Iterator[snapshot.Deduction]:
    """Yield what was paid to somebody else, or by somebody else's letter, letter by letter."""
    amounts = _sums(postings, [AccountKind.PAYABLE])
    by_letter: dict[str, Decimal] = defaultdict(Decimal)
    for entry in entries:
        if entry.kind == EntryKind.DIRECTION:
            by_letter[entry.description] -= amounts.get(entry.pk, ZERO)
    for told, amount in by_letter.items():
        if amount:
            yield snapshot.Deduction(kind=AccountKind.PAYABLE, amount=amount, note=told)


def _corrected_opening(
    opening: Mapping[AccountKind, Decimal],
) -> Iterator[snapshot.Deduction]:
    """Yield what was found wrong of an opening balance after a statement had begun with it."""
    if amount := opening[AccountKind.PAYABLE]:
        yield snapshot.Deduction(kind=AccountKind.OPENING, amount=amount)


def _paid_back_lines(
    entries: Sequence[JournalEntry], postings: Sequence[Posting]
) -> Iterator[snapshot.StatedLine]:
    """Yield for each agreement what its use paid back of advances, which is not received again."""
    moved = _sums(postings, [AccountKind.ACCRUED])
    by_agreement: dict[Agreement, Decimal] = {}
    ids = _entries_of(entries, EntryKind.RECOUPMENT)
    for entry in entries:
        if entry.pk in ids and entry.agreement:
            so_far = by_agreement.get(entry.agreement, ZERO)
            by_agreement[entry.agreement] = so_far - moved.get(entry.pk, ZERO)
    for agreement, amount in by_agreement.items():
        if amount:
            yield snapshot.StatedLine(
                section=Section.RECOUPMENT,
                licensee=agreement.licensee.name,
                agreement=agreement.reference,
                amount=amount,
                pricing=Pricing.FLAT,
            )


def _deductions(
    postings: Sequence[Posting],
    paid_back_by_use: set[int],
    released: Mapping[int, Sequence[ReleasedPart]],
) -> Iterator[snapshot.Deduction]:
    """Yield what was kept of money; what use pays back of advances is no money."""
    postings = [posting for posting in postings if posting.entry_id not in paid_back_by_use]
    received = sum(_sums(postings, [AccountKind.ACCRUED]).values(), ZERO)
    parts = [part for of_entry in released.values() for part in of_entry]
    for kind in DEDUCTED:
        if amount := sum(_sums(postings, [kind]).values(), ZERO):
            told = tuple(money_in.by_rate(kind, amount, parts, postings[0].currency))
            yield from told
            if told:
                continue
            percent = None if kind in ON_TOP else _percent(amount, received)
            yield snapshot.Deduction(
                kind=kind, percent=percent, base=received if percent else None, amount=amount
            )
    for kind in KEPT_BACK:
        amounts = list(_sums(postings, [kind]).values())
        for sum_ in (sum(a for a in amounts if a < 0), sum(a for a in amounts if a > 0)):
            if sum_:
                yield snapshot.Deduction(kind=kind, amount=sum_)


def _beside(
    series: Series,
    days: Days,
    previous: Statement | None,
    lines: Iterable[ResidualLine],
    postings: Sequence[Posting],
    opening: Mapping[AccountKind, Decimal],
) -> snapshot.Beside | None:
    """Return the advances to be paid back, the reserve and the contributions; None: none ever.

    Both are carried on from the previous statement by what this one states: the night that posts
    an advance may come long after its period. What was taken over of an old system, or corrected
    of that, they begin with.
    """
    before = snapshot.statement_from_json(previous.content).beside if previous else None
    contributions = tuple(_contributions(series, days))
    advanced = [line.amount for line in lines if _is_paid_back_by_use(line)]
    moved = {kind: _sums(postings, [kind]).values() for kind in KEPT_BACK}
    taken_over = {kind: opening[kind] for kind in KEPT_BACK}
    if not (advanced or any(moved.values()) or before or contributions or any(taken_over.values())):
        return None
    before = before or snapshot.Beside()
    before = replace(
        before,
        advances=before.advances + taken_over[AccountKind.ADVANCES],
        reserve=before.reserve + taken_over[AccountKind.RESERVE],
    )
    advances = sum(advanced, ZERO) + sum(moved[AccountKind.ADVANCES], ZERO)
    return snapshot.Beside(
        opening_advances=before.advances,
        advances=rounded(before.advances + advances, series.currency),
        opening_reserve=before.reserve,
        reserve=rounded(before.reserve - sum(moved[AccountKind.RESERVE], ZERO), series.currency),
        contributions=contributions,
    )


def _is_paid_back_by_use(line: ResidualLine) -> bool:
    advance = line.reading.advance
    return advance is not None and advance.paid_back_from == PaidBackFrom.GROSS


def _contributions(series: Series, days: Days) -> Iterator[snapshot.PlanContribution]:
    """Yield what plans are owed for the performer's pay of a period, by production and rule."""
    rows = Contribution.objects.filter(
        agreement__agency=series.agency,
        performer=series.beneficiary.performer_id,
        currency=series.currency,
        period_on__gte=days.starts_on,
        period_on__lt=days.ends_on,
    ).select_related("production")
    found: dict[tuple[object, ...], list[Contribution]] = {}
    for row in rows.order_by("pk"):
        key = (row.agreement_id, row.production_id, row.period_on)
        found.setdefault(key, []).append(row)
    for group in found.values():
        last = group[-1]
        yield snapshot.PlanContribution(
            plan=ContributionPlan(last.plan).label,
            clause=last.clause,
            production=last.production.title if last.production else "",
            percent=last.rate,
            base=rounded(last.base, last.currency),
            amount=rounded(sum((row.amount for row in group), ZERO), last.currency),
            paid_by_agency=last.reading_id is not None,
            confidence=Confidence(last.confidence).label if last.confidence else "",
            note=last.note,
        )


def _percent(amount: Decimal, base: Decimal) -> Decimal | None:
    """Return `amount` as a whole percentage of `base`; None if it is not one to the cent.

    `amount` is a deduction, below zero.
    """
    if not base:
        return None
    percent = (-HUNDRED * amount / base).quantize(Decimal(1))
    exact = -base * percent / HUNDRED
    return percent if abs(exact - amount) <= Decimal("0.005") else None


def _payouts(
    entries: Sequence[JournalEntry], postings: Sequence[Posting]
) -> Iterator[snapshot.Payout]:
    """Yield what was paid out, and what came back, in the order of the days."""
    paid = _sums(postings, [AccountKind.PAYABLE])
    for entry in entries:
        if EntryKind.PAYOUT in _kinds_of(entry) and (amount := paid.get(entry.pk)):
            yield snapshot.Payout(on=entry.effective_on, amount=amount)


def _kinds_of(entry: JournalEntry) -> set[str]:
    return {entry.kind, entry.reverses.kind} if entry.reverses else {entry.kind}


def _sums(postings: Iterable[Posting], kinds: Sequence[AccountKind]) -> dict[int, Decimal]:
    sums: dict[int, Decimal] = {}
    for posting in postings:
        if posting.account.kind in kinds:
            amount = rounded(posting.amount, posting.currency)
            sums[posting.entry_id] = sums.get(posting.entry_id, ZERO) + amount
    return sums
