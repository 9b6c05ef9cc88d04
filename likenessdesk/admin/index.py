"""The admin's index: tiles of what needs a decision, or the most used lists."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import Any
from urllib.parse import urlencode

from celery import states
from django.db.models import Count, Model, Q, Sum, Value
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_celery_results.models import TaskResult

from licensing.admin import obligations
from licensing.models import (
    Agreement,
    Amendment,
    ApprovalRequest,
    Audit,
    CapYear,
    ClearanceDecision,
    DeadLetter,
    FindingSet,
    Proposal,
    RuleOverride,
    SignedScan,
    SigningRound,
    Transfer,
    UsageEvent,
    WebhookDelivery,
    WebhookEndpoint,
)
from licensing.words import CheckResult, LeafKind, ObligationState, Outcome
from talent.admin.tenancy import visible_rows
from talent.models import (
    Destruction,
    DigitalTwin,
    HeldElsewhere,
    OutboxMessage,
    Performer,
    ShareChange,
)
from valuation.admin.residuals.queue import PERMISSION
from valuation.models import (
    AgencyChange,
    BankDetails,
    BankLine,
    CashRequest,
    Dispute,
    HandOver,
    InterestTerms,
    Invoice,
    NightFailure,
    NightShard,
    Opening,
    PayoutRun,
    PeriodClose,
    PlanPayee,
    Remittance,
    ReversalRequest,
    Scenario,
    SelfBillingAgreement,
    Statement,
    TwinValuation,
    UsageTotal,
)
from valuation.reports import undecided
from valuation.words import StatementStepKind, Trouble, Undecided

from .navigation import list_of, may_view

EXPIRES_WITHIN = (30, 60, 90)
RECENT = timedelta(days=7)
# A tile that could count millions says “more than” this.
MANY = 1_000
# Rulings are left out: a ruling is a leaf with the standing of the use it is about, but not a use.
USES = [kind.value for kind in LeafKind if kind is not LeafKind.RULING]

STEPS_TO_TAKE = {
    StatementStepKind.DRAFT: _("Statements to review"),
    StatementStepKind.REVIEWED: _("Statements to approve"),
    StatementStepKind.APPROVED: _("Statements to issue"),
}

TROUBLES = {
    Trouble.FAILED: _("Nights that failed"),
    Trouble.INCOMPLETE: _("Nights that are incomplete"),
    Trouble.CANCELLED: _("Nights that were cancelled"),
    Trouble.NOT_DRAWN: _("Statements that were not drawn"),
}

OBLIGATIONS = {
    ObligationState.LATE: _("Obligations that are late"),
    ObligationState.DUE: _("Obligations due within 14 days"),
}

QUEUES = (
    (
        _("Uses outside the consent to rule on"),
        "front_hand",
        (Undecided.OUTSIDE, Undecided.OVER_CAP, Undecided.DISPUTED, Undecided.NO_AGREEMENT),
    ),
    (
        _("Agreements with uses without a price"),
        "money_off",
        (Undecided.NO_RATE, Undecided.NO_CARD),
    ),
    (
        _("Agreements the night could not rate"),
        "error",
        (Undecided.SET_ASIDE, Undecided.FAILED),
    ),
)


@dataclass(frozen=True)
class Tile:
    """Rows that wait for a decision: their number, and the filtered list that shows them.

    `page` is the page that shows them instead of a list of the model, `permission` what opens it.
    """

    label: Any
    count: int
    model: type[Model]
    filters: Mapping[str, str | list[str]]
    icon: str
    urgent: bool = False
    page: str = ""
    permission: str = PERMISSION

    @property
    def shown(self) -> str:
        """The number, or that there are more than anybody counts."""
        return f"{MANY:,}+" if self.count > MANY else f"{self.count:,}"

    @property
    def url(self) -> str:
        place = reverse(f"admin:{self.page}") if self.page else list_of(self.model)
        return f"{place}?{urlencode(self.filters, doseq=True)}"


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add to the index's context the tiles that the user may see and that are not zero."""
    tiles = [tile for tile in _tiles(request.user) if tile.count and _may_open(request, tile)]
    return {**context, "title": _("Desk"), "tiles": tiles, "places": _most_used_lists(request)}


def _may_open(request: HttpRequest, tile: Tile) -> bool:
    return request.user.has_perm(tile.permission) if tile.page else may_view(request, tile.model)


def _tiles(user) -> Iterator[Tile]:
    yield Tile(
        _("Approvals waiting"),
        visible_rows(ApprovalRequest.objects.waiting(timezone.now()), user).count(),
        ApprovalRequest,
        {"state": "waiting"},
        "how_to_vote",
    )
    yield Tile(
        _("Amendments to approve"),
        visible_rows(Amendment.objects.waiting(), user).count(),
        Amendment,
        {"state": "waiting"},
        "edit_document",
    )
    yield Tile(
        _("Documents to sign for the agency"),
        visible_rows(SigningRound.objects.for_the_agency(), user).count(),
        SigningRound,
        {"turn": "agency"},
        "draw",
    )
    yield Tile(
        _("Scans of signatures to approve"),
        visible_rows(SignedScan.objects.waiting(), user).count(),
        SignedScan,
        {"state": "waiting"},
        "document_scanner",
    )
    yield Tile(
        _("Rules to let pass"),
        visible_rows(RuleOverride.objects.waiting(), user).count(),
        RuleOverride,
        {"state": "waiting"},
        "gavel",
    )
    yield Tile(
        _("Agreements at risk by a rule"),
        visible_rows(
            FindingSet.objects.newest(CheckResult.AT_RISK, CheckResult.FAIL), user
        ).count(),
        Agreement,
        {"rules": "risk"},
        "balance",
    )
    yield Tile(
        _("Changes of shares to decide"),
        visible_rows(ShareChange.objects.open(), user).count(),
        ShareChange,
        {"state": "yes"},
        "rule_settings",
    )
    yield Tile(
        _("Licensees and productions proposed"),
        visible_rows(Proposal.objects.waiting(), user).count(),
        Proposal,
        {"left": "yes"},
        "add_business",
    )
    yield Tile(
        _("Reversals to approve"),
        visible_rows(ReversalRequest.objects.waiting(), user).count(),
        ReversalRequest,
        {"waiting": "yes"},
        "undo",
    )
    yield Tile(
        _("Disputes of a line"),
        visible_rows(Dispute.objects.holding(), user).count(),
        Dispute,
        {"left": "yes"},
        "report",
    )
    yield Tile(
        _("Invoices to approve"),
        visible_rows(Invoice.objects.waiting(), user).count(),
        Invoice,
        {"left": "yes"},
        "request_quote",
    )
    yield from _self_billing_tiles(user)
    yield from _named_by_two_tiles(user)
    yield Tile(
        _("Refunds and write-offs to approve"),
        visible_rows(CashRequest.objects.waiting(), user).count(),
        CashRequest,
        {"left": "yes"},
        "currency_exchange",
    )
    yield Tile(
        _("Payout runs to approve"),
        visible_rows(PayoutRun.objects.waiting(), user).count(),
        PayoutRun,
        {"left": "yes"},
        "playlist_add_check",
    )
    yield Tile(
        _("Closes of periods to decide"),
        visible_rows(PeriodClose.objects.waiting(), user).count(),
        PeriodClose,
        {"left": "yes"},
        "lock",
    )
    yield Tile(
        _("Bank details to approve"),
        visible_rows(BankDetails.objects.waiting(), user).count(),
        BankDetails,
        {"left": "yes"},
        "account_balance_wallet",
    )
    yield Tile(
        _("Opening balances to approve"),
        visible_rows(Opening.objects.waiting(), user).count(),
        Opening,
        {"left": "yes"},
        "door_open",
    )
    yield Tile(
        _("Open audits"),
        visible_rows(Audit.objects.open(), user).count(),
        Audit,
        {"state": "open"},
        "fact_check",
    )
    yield Tile(
        _("Transfers that wait"),
        visible_rows(Transfer.objects.waiting(), user).count(),
        Transfer,
        {"state": "waiting"},
        "move_up",
    )
    yield Tile(
        _("Destructions to decide"),
        visible_rows(Destruction.objects.undecided(), user).count(),
        Destruction,
        {"decided": "no"},
        "delete_forever",
    )
    yield Tile(
        _("Holders who owe a word"),
        visible_rows(HeldElsewhere.objects.owing(timezone.localdate()), user).count(),
        HeldElsewhere,
        {"owes": "yes"},
        "share_location",
    )
    yield from _statement_tiles(user)
    yield from _undecided_tiles(user)
    yield Tile(
        _("Uses of the future"),
        visible_rows(
            UsageTotal.objects.filter(counts_from__gt=timezone.localdate(timezone=UTC)), user
        ).aggregate(sum=Sum("events", default=0))["sum"],
        UsageEvent,
        {"ahead": "yes", "kind__in": ",".join(USES)},
        "update",
    )
    yield Tile(
        _("Messages not understood"),
        visible_rows(DeadLetter.objects.open(), user).count(),
        DeadLetter,
        {"waiting": "yes"},
        "mark_email_unread",
        urgent=True,
    )
    yield Tile(
        _("Caps near their end"),
        visible_rows(CapYear.objects.near_its_end(timezone.now()), user).count(),
        CapYear,
        {"near": "80"},
        "speed",
    )
    yield from _expiry_tiles(user)
    yield from _obligation_tiles(user)
    yield Tile(
        _("Cash without a match"),
        visible_rows(Remittance.objects.with_unmatched(), user).count(),
        Remittance,
        {"cash": "unmatched"},
        "payments",
    )
    yield Tile(
        _("Receipts at the bank to record"),
        visible_rows(BankLine.objects.received().with_state().filter(is_open=True), user).count(),
        BankLine,
        {"left": "open", "direction": "in"},
        "account_balance",
    )
    yield Tile(
        _("Payments at the bank to explain"),
        visible_rows(BankLine.objects.paid().with_state().filter(is_open=True), user).count(),
        BankLine,
        {"left": "open", "direction": "out"},
        "account_balance",
    )
    since = timezone.now() - RECENT
    refused = ClearanceDecision.objects.filter(outcome=Outcome.REFUSED.value, known_at__gte=since)
    yield Tile(
        _("Requests refused this week"),
        visible_rows(refused, user).count(),
        ClearanceDecision,
        {"outcome__exact": Outcome.REFUSED.value, "known_at__gte": since.isoformat()},
        "block",
    )
    yield from _night_tiles(user)
    yield from _failure_tiles(user)


def _obligation_tiles(user) -> Iterator[Tile]:
    """Yield what agreements have somebody do: what is late, and what is due within 14 days."""
    counts = obligations.count_waiting(user)
    for state, label in OBLIGATIONS.items():
        late = state is ObligationState.LATE
        yield Tile(
            label, counts[state.value], Agreement, {"state": state.value}, "assignment_late",
            urgent=late, page="obligations", permission=obligations.SEES,
        )  # fmt: skip


def _undecided_tiles(user) -> Iterator[Tile]:
    """Yield what the queue holds, by what is decided about it: uses, rates, or terms."""
    counts = undecided.counts_of(user, MANY + 1)
    for label, icon, kinds in QUEUES:
        yield Tile(
            label,
            sum(counts[kind] for kind in kinds),
            NightShard,
            {"kind": [kind.value for kind in kinds]},
            icon,
            urgent=True,
            page="queue",
        )


def _night_tiles(user) -> Iterator[Tile]:
    """Yield nights that did not end well, told apart by how."""
    codes = visible_rows(NightFailure.objects.open(), user).values_list("code", flat=True)
    counts = Counter(map(Trouble.of, codes))
    for trouble, label in TROUBLES.items():
        filters = {"open": "yes", "trouble": trouble.value}
        count = counts[trouble]
        urgent = trouble is not Trouble.CANCELLED
        yield Tile(label, count, NightFailure, filters, "bedtime_off", urgent=urgent)


def _failure_tiles(user) -> Iterator[Tile]:
    """Yield what could not be done, until it is done or somebody lets it be."""
    failed = {
        _("Mails that could not be sent"): (OutboxMessage.objects.failed(), "outbox"),
        _("Messages to addresses that failed"): (WebhookDelivery.objects.failed(), "outgoing_mail"),
        _("Addresses that were switched off"): (WebhookEndpoint.objects.given_up(), "webhook"),
    }
    for label, (rows, icon) in failed.items():
        count = visible_rows(rows, user).count()
        yield Tile(label, count, rows.model, {"left": "yes"}, icon, urgent=True)
    jobs = TaskResult.objects.filter(status=states.FAILURE)
    yield Tile(
        _("Background jobs that failed"),
        visible_rows(jobs, user).count(),
        TaskResult,
        {"status__exact": states.FAILURE},
        "sync_problem",
        urgent=True,
    )


def _named_by_two_tiles(user) -> Iterator[Tile]:
    """Yield what somebody entered about whose money goes where, for a second person to approve.

    One query for all.
    """
    told = {
        PlanPayee: (_("Payees of plans to approve"), "health_and_safety"),
        InterestTerms: (_("Interest terms to approve"), "savings"),
        AgencyChange: (_("Changes of agency to approve"), "move_up"),
        HandOver: (_("Hand-over files to approve"), "folder_zip"),
    }
    first, *others = (
        visible_rows(model.objects.waiting(), user)
        .order_by()
        .annotate(of=Value(model.__name__))
        .values_list("of", flat=True)
        for model in told
    )
    counts = Counter(first.union(*others, all=True))
    for model, (label, icon) in told.items():
        yield Tile(label, counts[model.__name__], model, {"left": "yes"}, icon)


def _self_billing_tiles(user) -> Iterator[Tile]:
    """Yield agreements to approve, and those that end with none to follow: then VAT stops."""
    rows = visible_rows(SelfBillingAgreement.objects.all(), user)
    yield Tile(
        _("Self-billing agreements to approve"),
        rows.waiting().count(),
        SelfBillingAgreement,
        {"left": "yes"},
        "handshake",
    )
    yield Tile(
        _("Self-billing agreements to have signed anew"),
        rows.running_out(timezone.localdate()).count(),
        SelfBillingAgreement,
        {"ends": "soon"},
        "event_busy",
    )


def _statement_tiles(user) -> Iterator[Tile]:
    waiting = visible_rows(Statement.objects.with_status().filter(number=None), user)
    counts = dict(waiting.values_list("status").annotate(Count("pk")).order_by())
    for step, label in STEPS_TO_TAKE.items():
        yield Tile(label, counts.get(step.value, 0), Statement, {"step": step.value}, "description")


def _expiry_tiles(user) -> Iterator[Tile]:
    """Yield a tile for each span of days; one that adds nothing to the shorter span is left out."""
    running = visible_rows(Agreement.objects.all(), user)
    spans = {
        f"within_{days}": Count(
            "pk", filter=Q(pk__in=Agreement.objects.expiring_within(timedelta(days=days)))
        )
        for days in EXPIRES_WITHIN
    }
    counts = running.aggregate(**spans)
    before = 0
    for days in EXPIRES_WITHIN:
        count = counts[f"within_{days}"]
        if count > before:
            label = _("Agreements that end within %(days)d days") % {"days": days}
            yield Tile(label, count, Agreement, {"ends_within": str(days)}, "event_busy")
        before = count


def _most_used_lists(request: HttpRequest) -> list[dict[str, Any]]:
    """Return links to the most used lists, for an index on which nothing waits."""
    places = [
        (_("Performers"), Performer, "person"),
        (_("Digital twins"), DigitalTwin, "face_retouching_natural"),
        (_("Agreements"), Agreement, "handshake"),
        (_("Usage"), UsageEvent, "graphic_eq"),
        (_("Statements"), Statement, "description"),
        (_("Remittances"), Remittance, "payments"),
        (_("Twin valuations"), TwinValuation, "diamond"),
        (_("Scenarios"), Scenario, "lightbulb"),
    ]
    return [
        {"label": label, "url": list_of(model), "icon": icon}
        for label, model, icon in places
        if may_view(request, model)
    ]
