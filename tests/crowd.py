"""Rows of what the demo's summer left out, so that walks meet every model and every owner."""

from datetime import timedelta
from decimal import Decimal

from django.utils import timezone

from licensing.agreements import renewals
from licensing.models import (
    Advance,
    Agreement,
    AgreementClause,
    AgreementDocument,
    AgreementFact,
    ApiKey,
    ApprovalAnswer,
    ApprovalPart,
    ApprovalSpending,
    Audit,
    AuditStep,
    CalendarAddress,
    Cap,
    Clause,
    ClearanceBatch,
    ClearanceDecision,
    DeadLetter,
    DealTerms,
    Escalator,
    FindingSet,
    Guarantee,
    Hold,
    HoldStep,
    IndexFigure,
    LetterStep,
    Licensee,
    LicenseeTerms,
    ObligationTick,
    OfferGrant,
    OfferStep,
    OfferTaking,
    Permit,
    PermitRevocation,
    PriceIndex,
    Production,
    RateCard,
    RuleFinding,
    RuleOverride,
    RuleOverrideStep,
    SheetMapping,
    Signatory,
    SignedScan,
    SignedScanStep,
    SigningEvent,
    SigningLink,
    SigningRound,
    StandingOffer,
    Transfer,
    TransferStep,
    UsageSheet,
    WebhookAttempt,
    WebhookDelivery,
)
from talent.lineage import contamination, graph
from talent.models import (
    Agency,
    Beneficiary,
    Build,
    Capture,
    CaptureSession,
    CleanAnswer,
    ContaminationClearing,
    ContaminationClearingStep,
    CustodyGrant,
    CustodyItem,
    CustodyStep,
    CustodyUpload,
    Dataset,
    DatasetFile,
    DatasetVersion,
    Destruction,
    DestructionCertificate,
    DestructionStep,
    DigitalTwin,
    EarlierOwner,
    HeldElsewhere,
    HeldElsewhereStep,
    ItemOfOwnKey,
    LegalHold,
    OwnKey,
    OwnKeyStep,
    Performer,
    Provider,
    RetentionFact,
    ShareChange,
    ShareChangeStep,
    TrainerKey,
    TrainingManifest,
)
from talent.provenance import training
from talent.words import ContaminationCause, DataPurpose, LineageKind
from valuation.bank_files.payments import Address, BankAccount
from valuation.cash.paid_out import bank_details
from valuation.ledger import journal
from valuation.ledger.journal import Side
from valuation.models import (
    AgencyChange,
    BankBalance,
    BankCsvMapping,
    BankDetails,
    BankDetailsDecision,
    BankFile,
    BankLine,
    BankLineStep,
    BillingDetails,
    CashAllocation,
    CashAllocationItem,
    CashDecision,
    CashRequest,
    Congruence,
    Contribution,
    DeliveryLink,
    DigestOptOut,
    Dispute,
    DisputeCorrection,
    DisputeMessage,
    DisputeMove,
    DisputeStep,
    DunningLetter,
    ExposureRun,
    HandOver,
    HandOverStep,
    InterestTerms,
    Invoice,
    InvoiceLine,
    InvoiceStep,
    IssueItem,
    IssueRun,
    JournalEntry,
    LastingCopy,
    LateInterest,
    LegalAssessment,
    MonthlyDigest,
    NightRun,
    ObjectionTerms,
    Opening,
    OpeningBalance,
    OpeningDecision,
    PaperLink,
    PayeeCheck,
    PayeeCheckRule,
    PaymentDirection,
    PaymentDirectionMove,
    PaymentDirectionStep,
    PaymentTerms,
    PayoutPayment,
    PayoutRun,
    PayoutStep,
    PeriodClose,
    PeriodCloseStep,
    PlanPayee,
    Reading,
    Recoupment,
    Remittance,
    RemittedContribution,
    ReversalDecision,
    ReversalRequest,
    Scenario,
    ScheduledReport,
    SearchNote,
    SeenTime,
    SelfBillingAgreement,
    SelfBillingStep,
    Statement,
    TwinValuation,
    Valuation,
    ValuationRun,
    ValuationTerm,
    WorthParameter,
)
from valuation.schedule.plans import gathering
from valuation.schedule.scripts import taking_in
from valuation.schedule.solution import digest_of, solve_plan, to_json
from valuation.words import AccountKind, EntryKind


def add_what_is_missing():
    at = timezone.now()
    for agency in Agency.objects.all():
        _add_holds_and_caps(agency, at)
        owner = Beneficiary.objects.create(agency=agency, name=f"{agency} as owner")
        _add_changed_shares(agency, owner, at)
        _add_rising_prices(agency, at)
        _add_transfers(agency, at)
        _add_offers(agency, at)
        _add_audits(agency, at)
        _add_reversals(agency, at)
        _add_money_terms(agency, at)
        _add_disputes(agency, at)
        _add_exposure(agency, at)
        _add_bank_details(agency, owner, at)
        _add_invoices(agency, owner, at)
        _add_self_billing(agency, owner, at)
        _add_what_is_late(agency, at)
        _add_opening_balances(agency, owner, at)
        _add_bank_lines(agency, at)
        _add_closes(agency, at)
        _add_deliveries(agency, at)
        _add_issue_run(agency, at)
        _add_receipts(agency, at)
        _add_signing(agency, at)
        _add_vault(agency, at)
        _add_screenplay(agency, at)
        _add_lineage(agency, at)
    for terms in LicenseeTerms.objects.select_related("agency"):
        _add_what_a_studio_left(terms, at)
    for scenario in Scenario.objects.all():
        worth = Valuation.objects.create(
            scenario=scenario, as_of=at.date(), computed_at=at, code_version="1", inputs={},
            total=0, currency="USD",
        )  # fmt: skip
        ValuationTerm.objects.create(valuation=worth, term="c_savings", label="Days", amount=1)
        ValuationRun.objects.create(scenario=scenario, as_of=at.date(), asked_at=at)
    _add_answers(at)
    for permit in Permit.objects.all()[:1]:
        PermitRevocation.objects.create(permit=permit, revoked_at=at, reason="A mistake")
    for delivery in WebhookDelivery.objects.all()[:1]:
        WebhookAttempt.objects.create(
            delivery=delivery, attempted_at=at, status=200, milliseconds=5
        )
    _add_a_studio_without_terms()


def _add_screenplay(agency, at):
    """A script of two scenes, cast, and scored by somebody."""
    production = Production.objects.filter(licensee__terms__agency=agency).first()
    script = b"INT. ROOM - DAY\n\nBEN\nYes.\n\nEXT. QUAY - NIGHT\n\nBen runs.\n"
    by = agency.memberships.first().user
    screenplay = taking_in.begin(
        agency_id=agency.pk, production_id=production.pk, title=f"A script of {agency}",
        currency="USD", content=script, file_name="script.fountain", by=by, at=at,
    )  # fmt: skip
    member = screenplay.cast.create(name="Ben's player", day_rate=900)
    member.absences.create(from_on=at.date(), last_on=at.date())
    screenplay.characters.update(player=member)
    screenplay.scenes.filter(number="1").update(resonance=7, scored_by=by, scored_at=at)
    screenplay.scenes.get(number="1").part_scores.create(
        character=screenplay.characters.get(), scripted=False
    )
    _add_plan(screenplay, by, at)


def _add_plan(screenplay, by, at):
    """A plan with a twin, a lock and an unlocked scene, solved by somebody, who asked for it."""
    plan = screenplay.plans.create(name="A plan", starts_on=at.date())
    agreement = Agreement.objects.filter(agency=screenplay.agency).order_by("pk").first()
    plan.twins.create(twin=agreement.twin, agreement=agreement, rights=["voice"])
    scene = screenplay.scenes.get(number="1")
    character = screenplay.characters.get()
    plan.unlocks.create(scene=scene, reason="Seen from behind.", unlocked_at=at, unlocked_by=by)
    given = gathering.gather(plan, at=at)
    found, content = solve_plan(given), to_json(given)
    result = plan.results.create(
        solved_at=at, solved_by=by, code_version="1", versions_json={}, inputs=content,
        inputs_sha256=digest_of(content), solution=to_json(found), currency="USD",
        cost=found.figures.total, days=found.figures.days, gap_percent=0,
    )  # fmt: skip
    plan.runs.create(asked_at=at, asked_by=by)
    plan.locks.create(
        scene=scene, character=character, twin=agreement.twin, reason="He wants to.", locked_at=at,
        locked_by=by,
    )  # fmt: skip
    decision = ClearanceDecision.objects.filter(terms__agency=screenplay.agency).first()
    if decision is not None:
        result.clearances.create(
            scene=scene, character=character, right="voice", decision=decision, asked_at=at,
            asked_by=by,
        )  # fmt: skip


def _add_holds_and_caps(agency, at):
    agreement = Agreement.objects.filter(agency=agency).first()
    twin = DigitalTwin.objects.filter(performer__representations__agency=agency).first()
    for scope in ({"agreement": agreement}, {"twin": twin}, {"performer": twin.performer}):
        hold = Hold.objects.create(kind="dispute", starts_at=at, reason="Dispute", **scope)
        HoldStep.objects.create(hold=hold, kind="placed", at=at, reason="Dispute")
    for scope in ({"twin": twin}, {"performer": twin.performer}):
        Cap.objects.create(meter="prompts", limit=1_000_000, starts_on=at.date(), **scope)


def _add_changed_shares(agency, owner, at):
    twin = DigitalTwin.objects.filter(performer__representations__agency=agency).first()
    EarlierOwner.objects.create(twin=twin, beneficiary=owner, ends_on=at.date())
    member = agency.memberships.first().user
    for scope in (
        {"about": "owners", "twin": twin},
        {"about": "estate", "performer": twin.performer},
    ):
        change = ShareChange.objects.create(
            before=[], after=[], written_at=at, written_by=member, **scope
        )
        ShareChangeStep.objects.create(change=change, kind="asked", at=at, by=member)


def _add_signing(agency, at):
    """A document out for signature, and another that was signed on paper."""
    agreement = Agreement.objects.filter(agency=agency).first()
    member = agency.memberships.first().user
    document = AgreementDocument.objects.create(
        agreement=agreement, number=99, kind="to_sign", drawn_at=at, pdf=b"%PDF", digest="0" * 64
    )
    findings = FindingSet.objects.create(
        agreement=agreement, occasion="signing", at=at, digest="0" * 64, worst="pass"
    )
    sent = SigningRound.objects.create(
        agreement=agreement, document=document, findings=findings, sent_at=at, sent_by=member,
        expires_at=at + timedelta(days=30), pdf=b"%PDF", digest="0" * 64,
    )  # fmt: skip
    performer = agreement.twin.performer
    user = performer.user if performer else None
    signatory = Signatory.objects.create(
        round=sent, position=1, role="performer", name="Ada", email="a@b.example", user=user,
        performer=performer, initials=True,
    )  # fmt: skip
    SigningLink.objects.create(signatory=signatory, secret_sha256=f"{sent.pk:064}", sent_at=at)
    SigningEvent.objects.create(round=sent, signatory=signatory, kind="read", at=at, by=user)
    scan = SignedScan.objects.create(
        agreement=agreement, document=document, pdf=b"%PDF", digest="0" * 64, signed_on=at.date(),
        vouched="Signed before me", handed_in_at=at, handed_in_by=member,
    )  # fmt: skip
    SignedScan.objects.create(
        agreement=agreement, kind="elsewhere", pdf=b"%PDF", digest="1" * 64, signed_on=at.date(),
        vouched="In our safe", handed_in_at=at, handed_in_by=member, terms_sha256="2" * 64,
        signers=[{"name": "Ada", "role": "performer", "on": at.date().isoformat()}],
    )  # fmt: skip
    SignedScanStep.objects.create(scan=scan, kind="rejected", at=at, by=member, reason="Unsigned")


def _add_vault(agency, at):
    """An upload that is under way, and a grant that waits; the demo has an item that was read."""
    member = agency.memberships.first().user
    performer = Performer.objects.filter(representations__agency=agency).first()
    item = CustodyItem.objects.create(
        agency=agency, performer=performer, kind="scan", name=f"Scan at {agency}",
        purposes=["build"], size=10, place=f"{agency.pk:048}", nonce=bytes(16), begun_at=at,
        begun_by=member,
    )  # fmt: skip
    CustodyStep.objects.create(item=item, kind="begun", at=at, by=member)
    CustodyUpload.objects.create(item=item, expires_at=at + timedelta(days=1))
    asked = Destruction.objects.create(
        item=item, cause="asked", reason="She asked", asked_at=at, asked_by=member
    )
    DestructionStep.objects.create(destruction=asked, kind="approved", at=at, by=member)
    DestructionCertificate.objects.create(
        destruction=asked, issued_at=at, content={}, pdf=b"%PDF", sha256="0" * 64, level="none"
    )
    RetentionFact.objects.create(
        item=item, starts="satisfied", on=at.date(), why="The film is out", at=at, by=member
    )
    key = OwnKey.objects.create(
        performer=performer, recipient=f"age1{agency.pk}", answer_sha256="0" * 64,
        challenge=b"age", at=at, by=member,
    )  # fmt: skip
    OwnKeyStep.objects.create(key=key, kind="proven", at=at, by=member)
    ItemOfOwnKey.objects.create(item=item, key=key, at=at, by=member)
    CaptureSession.objects.create(
        agency=agency, performer=performer, name="Studio A", kinds=["scan"], purposes=["build"],
        business_reason="The double of act two", reason_given_at=at, asked_at=at,
        starts_on=at.date(), ends_on=at.date(), at=at, by=member,
    )  # fmt: skip
    held = HeldElsewhere.objects.create(
        agency=agency, performer=performer, kind="scan", name="Scan", holder="Vendor",
        place="Their safe", contact="safe@vendor.example", sha256="0" * 64, at=at, by=member,
    )  # fmt: skip
    HeldElsewhereStep.objects.create(held=held, kind="attested", on=at.date(), at=at, by=member)
    LegalHold.objects.create(item=item, kind="placed", reason="A claim", at=at, by=member)
    CustodyGrant.objects.create(
        item=item, purpose="build", reason="A rebuild", starts_at=at,
        ends_at=at + timedelta(days=1), asked_at=at, asked_by=member,
    )  # fmt: skip


def _add_lineage(agency, at):
    """A dataset and the build of a registered training, marked, and a wish to clear that."""
    member = agency.memberships.first().user
    performer = Performer.objects.filter(representations__agency=agency).first()
    twin = performer.twins.order_by("pk").first() or agency.personas.first()
    data, left = (
        graph.add_node(agency=agency, kind=kind, name=f"{kind.label} at {agency}", at=at, by=member)
        for kind in (LineageKind.DATASET, LineageKind.CAPTURE)
    )
    Capture.objects.create(
        node=left, performer=performer, kind="takes", owner="Studio", purposes=["train"],
        remuneration="rate_line",
    )  # fmt: skip
    version = DatasetVersion.objects.create(
        dataset=Dataset.objects.create(agency=agency, name=f"Takes at {agency}"), number=1,
        node=data, manifest_sha256="0" * 64,
    )  # fmt: skip
    DatasetFile.objects.create(
        version=version, path="a.wav", sha256="a" * 64, size=1, performer=performer
    )
    provider = Provider.objects.get_or_create(name="Crowd's barn")[0]
    build = Build.objects.create(
        twin=twin, provider=provider, version=f"crowd-{agency.slug}", built_on=at.date()
    )
    graph.connect(source=left, target=data, at=at, by=member)
    run = training.register(
        agency=agency, twin=twin, provider=provider, name=f"Run at {agency}", environment="Barn",
        purpose=DataPurpose.TRAIN, versions=[version], begins_at=at, at=at, by=member,
    )  # fmt: skip
    result = training.record_result(run_id=run.pk, build=build, at=at, by=member)
    key = TrainerKey.objects.get_or_create(
        public_key="A" * 43, defaults={"provider": provider, "starts_on": at.date()}
    )[0]
    TrainingManifest.objects.create(
        result=result, signed="e30.e30.", key=key, finding="same", at=at, by=member
    )
    fact = contamination.mark(
        node=data, cause=ContaminationCause.CLAIM, reason="A letter", from_at=at, at=at, by=member
    )
    for reason in ("It is settled", "Asked again"):
        clearing = ContaminationClearing.objects.create(
            contamination=fact, reason=reason, asked_at=at, asked_by=member
        )
    ContaminationClearingStep.objects.create(clearing=clearing, kind="rejected", at=at, by=member)
    CleanAnswer.objects.create(
        build=build, agency=agency, answer="no", at=at, content={"findings": []}, pdf=b"%PDF",
        sha256="0" * 64,
    )  # fmt: skip


def _add_closes(agency, at):
    """A period that somebody asked to close, and somebody else did not."""
    by = agency.memberships.order_by("pk").first().user
    period_on = at.date().replace(year=2020, month=1, day=1)
    close = PeriodClose.objects.create(
        agency=agency,
        currency="USD",
        period_on=period_on,
        period_ends_on=period_on.replace(month=4),
    )
    PeriodCloseStep.objects.create(close=close, kind="asked", at=at, by=by)
    PeriodCloseStep.objects.create(close=close, kind="not_closed", at=at, by=by, reason="Too early")


def _add_deliveries(agency, at):
    by = agency.memberships.order_by("pk").first().user
    report = ScheduledReport.objects.create(
        agency=agency, owner=by, report="receipts", next_on=at.date(), made_at=at
    )
    DeliveryLink.objects.create(
        agency=agency, user=by, report=report, secret_sha256=f"{agency.pk:064}", sent_at=at,
        expires_at=at + timedelta(days=14),
    )  # fmt: skip
    person = Performer.objects.filter(representations__agency=agency).order_by("pk").first()
    month_on = at.date().replace(year=2020, day=1)
    MonthlyDigest.objects.create(performer=person, month_on=month_on, at=at)
    DigestOptOut.objects.create(performer=person, at=at)


def _add_audits(agency, at):
    agreement = Agreement.objects.filter(agency=agency).first()
    today = at.date()
    audit = Audit.objects.create(
        agreement=agreement, side="talent", period_from=today - timedelta(days=90),
        period_to=today, reason="More was heard than was reported", asked_at=at, opens_on=today,
    )  # fmt: skip
    AuditStep.objects.create(audit=audit, kind="found", at=at, text="Forty lines are missing")


def _add_offers(agency, at):
    agreement = Agreement.objects.filter(agency=agency).first()
    terms = LicenseeTerms.objects.filter(agency=agency).first()
    key = ApiKey.objects.create(
        terms=terms, label="Offers", prefix=f"desk_of_{agency.pk}", digest=bytes(32), created_at=at
    )
    offer = StandingOffer.objects.create(
        agency=agency, twin=agreement.twin, name="Ten lines", description="Ten lines of radio",
        kind="commercial", meter="lines", units=10, price=100, currency="USD", offered_from=at,
    )  # fmt: skip
    OfferGrant.objects.create(offer=offer, right="voice", use="advertising")
    OfferStep.objects.create(
        offer=offer, kind="proposed", at=at, by=agency.memberships.first().user
    )
    person = Performer.objects.filter(representations__agency=agency).first()
    OfferStep.objects.create(
        offer=offer, kind="approved", at=at, performer=person, digest="0" * 64, text="Ten lines"
    )
    OfferTaking.objects.create(
        offer=offer, terms=terms, agreement=agreement, taken_at=at, api_key=key,
        signatory="Dana Example", digest="0" * 64, text="Ten lines", idempotency_key="take-1",
        request_digest=bytes(32),
    )  # fmt: skip


def _add_transfers(agency, at):
    agreement = Agreement.objects.filter(agency=agency).first()
    transfer = Transfer.objects.create(
        agreement=agreement, licensee=agreement.licensee, takes_effect_on=at.date(),
        reason="The series was sold", asked_at=at, asked_by=agency.memberships.first().user,
    )  # fmt: skip
    TransferStep.objects.create(
        transfer=transfer, kind="assumed", at=at, signatory="Dana Example", text="We assume it."
    )
    TransferStep.objects.create(
        transfer=transfer, kind="transferred", at=at, assigned=agreement,
        by=agency.memberships.first().user,
    )  # fmt: skip


def _add_rising_prices(agency, at):
    index, _ = PriceIndex.objects.get_or_create(name="Consumer prices", source="A statistician")
    month_on = at.date().replace(day=1)
    IndexFigure.objects.get_or_create(index=index, month_on=month_on, figure=100)
    card = RateCard.objects.filter(agreement__agency=agency).first()
    Escalator.objects.create(
        card=card, raises=["prices"], first_on=month_on, every="year", percent=2
    )


def _add_reversals(agency, at):
    by = agency.memberships.order_by("pk").first().user
    for amount in (1, 2):
        entry = journal.post(
            agency_id=agency.pk, kind=EntryKind.RECEIPT, currency="USD",
            sides=[
                Side(AccountKind.TRUST_CASH, Decimal(amount)),
                Side(AccountKind.UNMATCHED, -Decimal(amount)),
            ],
            effective_on=at.date(), recorded_at=at, description="By mistake",
        )  # fmt: skip
        request = ReversalRequest.objects.create(
            entry=entry, reason="Not ours", asked_at=at, asked_by=by
        )
    ReversalDecision.objects.create(request=request, outcome="rejected", at=at, by=by)


def _add_disputes(agency, at):
    """A payee's of a statement as a whole, and a licensee's of what it owes, which holds money."""
    by = agency.memberships.order_by("pk").first().user
    reading = Reading.objects.filter(agreement__agency=agency).first()
    statement = Statement.objects.filter(agency=agency, beneficiary__isnull=False).first()
    told = {"agency": agency, "label": "A line", "currency": reading.currency, "reason": "amount",
            "text": "Less", "raised_at": at, "raised_by": by}  # fmt: skip
    if statement:
        Dispute.objects.create(
            side="payee", statement=statement, beneficiary=statement.beneficiary, amount=0, **told
        )
    dispute = Dispute.objects.create(
        side="licensee", reading=reading, licensee=reading.agreement.licensee, amount=1, **told
    )
    DisputeMessage.objects.create(
        dispute=dispute,
        by=by,
        at=at,
        is_from_agency=True,
        is_internal=True,
        text="May be right",
    )
    step = DisputeStep.objects.create(
        dispute=dispute, kind="proposed", outcome="rejected", at=at, by=by
    )
    DisputeCorrection.objects.create(step=step, run=NightRun.objects.latest("pk"), seen="0" * 64)
    payee = reading.lines.first().beneficiary
    entry = journal.post(
        agency_id=agency.pk, kind=EntryKind.DISPUTE, currency=reading.currency,
        sides=[
            Side(AccountKind.ACCRUED, Decimal(1), beneficiary_id=payee.pk),
            Side(AccountKind.DISPUTED, -Decimal(1), beneficiary_id=payee.pk),
        ],
        effective_on=at.date(), recorded_at=at, description="In dispute",
    )  # fmt: skip
    DisputeMove.objects.create(
        dispute=dispute, entry=entry, beneficiary=payee, amount=1, currency=reading.currency
    )


def _add_money_terms(agency, at):
    reading = Reading.objects.filter(agreement__agency=agency).first()
    agreement, today = reading.agreement, at.date()
    Guarantee.objects.create(agreement=agreement, amount=100, starts_on=today, ends_on=today)
    Advance.objects.create(
        agreement=agreement, label="On signing", amount=100, due_on=today + timedelta(days=3_650)
    )
    Recoupment.objects.create(
        reading=reading, agreement=agreement, amount=1, currency=reading.currency, recouped_at=at
    )
    Contribution.objects.create(
        run=NightRun.objects.latest("pk"), agreement=agreement, period_on=reading.period_on,
        performer=agreement.twin.performer, production=Production.objects.first(),
        plan="theatrical", pay_class="principal", paid_by="licensee", base=0, amount=0,
        currency=reading.currency, note="A memo",
    )  # fmt: skip
    DealTerms.objects.get_or_create(agreement=agreement, defaults={"kind": "dubbing_adr"})
    _add_obligations(agreement, at)
    _add_findings(agreement, at)
    _add_document(agreement, at)


def _with_an_end(agreement):
    """Return a signed agreement of the same agency that ends."""
    return (
        Agreement.objects.filter(
            agency=agreement.agency, ends_at__isnull=False, signed_at__isnull=False
        )
        .order_by("pk")
        .first()
    )


def _add_obligations(agreement, at):
    member = agreement.agency.memberships.order_by("pk").first().user
    renewals.renew(agreement=_with_an_end(agreement), at=at, by=member)
    ObligationTick.objects.create(
        agreement=agreement, key="renewal_notice:", kind="done", due_on=at.date(), note="A letter.",
        at=at, by=member,
    )  # fmt: skip
    for owner in (
        {
            "terms": LicenseeTerms.objects.filter(
                agency=agreement.agency, licensee=agreement.licensee
            ).first()
        },
        {"user": member, "agency": agreement.agency},
        {"user": member, "performer": agreement.twin.performer},
    ):
        digest = f"{agreement.agency_id} {sorted(owner)}".encode().ljust(32)
        CalendarAddress.objects.create(**owner, digest=digest, created_at=at)


def _add_findings(agreement, at):
    staff = agreement.agency.memberships.order_by("pk").first().user
    AgreementFact.objects.create(agreement=agreement, fact="retention_policy")
    override = RuleOverride.objects.create(
        agreement=agreement, code="a.rule", title="A rule", digest="0" * 64, sentence="It fails.",
        reason="Counsel advises so", asked_at=at, asked_by=staff,
    )  # fmt: skip
    RuleOverrideStep.objects.create(override=override, kind="rejected", at=at, by=staff)
    found = FindingSet.objects.create(
        agreement=agreement, occasion="night", at=at, digest="0" * 64, worst="fail"
    )
    RuleFinding.objects.create(
        found_in=found, code="a.rule", effective_from=at.date(), title="A rule", result="fail",
        blocks=False, instrument="A law", source="A digest", confidence="secondary",
        trigger="agreement_date", day=at.date(), assumed=False, sentence="It fails.",
        override=override,
    )  # fmt: skip


def _add_issue_run(agency, at):
    by = agency.memberships.order_by("pk").first().user
    statement = Statement.objects.filter(agency=agency).order_by("pk").first()
    run = IssueRun.objects.create(agency=agency, asked_at=at, asked_by=by)
    IssueItem.objects.create(run=run, statement=statement, state="failed", detail="A full disk")
    LastingCopy.objects.create(
        statement=statement, pdf="statements/2026/none.pdf", sha256="0" * 64, made_at=at, ends_at=at
    )


def _add_bank_lines(agency, at):
    by = agency.memberships.order_by("pk").first().user
    file = BankFile.objects.create(
        agency=agency, name="september.xml", sha256="0" * 64, uploaded_at=at, uploaded_by=by
    )
    BankCsvMapping.objects.create(
        agency=agency, account="DE1", currency="USD", saved_at=at, saved_by=by,
        mapping={"account": "DE1", "currency": "USD"},
    )  # fmt: skip
    BankBalance.objects.create(
        agency=agency, file=file, account="DE1", currency="USD", opening=0, closed_on=at.date(),
        closing=5,
    )  # fmt: skip
    line = BankLine.objects.create(
        agency=agency, file=file, account="DE1", booked_on=at.date(), amount=5, currency="USD",
        counterparty="City Bank", fingerprint=b"0",
    )  # fmt: skip
    BankLineStep.objects.create(line=line, kind="set_aside", at=at, by=by, reason="Interest")


def _add_receipts(agency, at):
    by = agency.memberships.order_by("pk").first().user
    remittance = Remittance.objects.filter(agency=agency).first()
    agreement = Agreement.objects.filter(agency=agency).exclude(signed_at=None).first()
    if remittance is None:
        remittance = Remittance.objects.create(
            agency=agency, licensee=agreement.licensee, amount=5, currency="USD",
            received_on=at.date(), reference="WIRE", recorded_at=at,
        )  # fmt: skip
    allocation = CashAllocation.objects.create(remittance=remittance, held=5, at=at, by=by)
    CashAllocationItem.objects.create(allocation=allocation, target="on_account", amount=5)
    CashAllocationItem.objects.create(
        allocation=allocation, target="agreement", agreement=agreement, amount=0
    )
    request = CashRequest.objects.create(
        kind="refund", agency=agency, licensee=remittance.licensee, remittance=remittance,
        amount=1, currency="USD", reason="Paid twice.", asked_at=at, asked_by=by,
    )  # fmt: skip
    CashDecision.objects.create(request=request, outcome="rejected", at=at, by=by, note="No.")
    CashRequest.objects.create(
        kind="write_off", agency=agency, licensee=agreement.licensee, agreement=agreement,
        amount=1, currency="USD", bearer="agency", reason="Insolvent.", asked_at=at, asked_by=by,
    )  # fmt: skip
    SearchNote.objects.create(
        agency=agency, licensee=agreement.licensee, done_on=at.date(), note="A letter", at=at, by=by
    )


def _add_bank_details(agency, owner, at):
    """The agency's own account, approved, and a payee's, which waits."""
    by = agency.memberships.order_by("pk").first().user
    account = BankAccount(
        "Example", Address("Los Angeles", "US"), routing_number="021000021", number="123456789"
    )
    for beneficiary in (None, owner):
        whose = {"agency": agency, "beneficiary": beneficiary, "currency": "USD"}
        details = BankDetails.objects.create(
            **whose, holder="Example", masked=bank_details.masked(account),
            sealed=bank_details.sealed(account, "", **whose), written_at=at, written_by=by,
        )  # fmt: skip
        if beneficiary is None:
            BankDetailsDecision.objects.create(details=details, outcome="approved", at=at, by=by)
            run = PayoutRun.objects.create(
                agency=agency, currency="USD", pay_on=at.date(), scheme="iso20022",
                account=details, reference=f"PAY{agency.pk}", drawn_up_at=at, drawn_up_by=by,
            )  # fmt: skip
    payment = PayoutPayment.objects.create(
        run=run, beneficiary=owner, currency="USD", payable=1, amount=1, holds=["by_hand"],
        end_to_end=f"P{agency.pk}",
    )  # fmt: skip
    PayoutStep.objects.create(run=run, payment=payment, kind="changed", at=at, by=by, note="Held")
    plan = Beneficiary.objects.create(name="A plan", payee_of=agency)
    PlanPayee.objects.create(
        agency=agency, plan="theatrical", payee=plan, starts_on=at.date(), source="Manual",
        written_on=at.date(), written_at=at, written_by=by,
    )  # fmt: skip
    RemittedContribution.objects.create(
        payment=payment, contribution=Contribution.objects.filter(agreement__agency=agency).first(),
        amount=1, currency="USD",
    )  # fmt: skip


def _add_opening_balances(agency, owner, at):
    """What an old system said: one balance that is posted, decided by a second person."""
    by = agency.memberships.order_by("pk").first().user
    opening = Opening.objects.create(
        agency=agency, on=at.date(), source="Example", written_at=at, written_by=by
    )
    OpeningBalance.objects.create(
        opening=opening, kind="payable", beneficiary=owner, amount=1, currency="USD"
    )
    OpeningBalance.objects.create(
        opening=opening, kind="advances", beneficiary=owner, amount=1, currency="USD",
        agreement=Agreement.objects.filter(agency=agency).first(),
    )  # fmt: skip
    OpeningDecision.objects.create(opening=opening, outcome="rejected", at=at, by=by, note="No")


def _add_invoices(agency, owner, at):
    """Terms and details of a licensee and the agency, an invoice and a commission invoice."""
    by, today = agency.memberships.order_by("pk").first().user, at.date()
    agreement = Agreement.objects.filter(agency=agency).first()
    told = {"agency": agency, "starts_on": today, "source": "Example", "written_at": at,
            "written_by": by}  # fmt: skip
    ObjectionTerms.objects.create(
        agreement=agreement, months=6, **{k: v for k, v in told.items() if k != "agency"}
    )
    InterestTerms.objects.create(owner="agency", agreement=agreement, **told)
    change = AgencyChange.objects.create(
        performer=agreement.twin.performer or Performer.objects.first(), new_agency="Elsewhere",
        collector="old", **told,
    )  # fmt: skip
    file = HandOver.objects.create(
        change=change, sha256="0" * 64, content=b"x", made_at=at, made_by=by
    )
    HandOverStep.objects.create(hand_over=file, kind="fetched", at=at, by=by)
    of_payees = {name: told[name] for name in ("agency", "written_at", "written_by")}
    PayeeCheckRule.objects.create(kind="identity", starts_on=today, source="Policy", **of_payees)
    PayeeCheck.objects.create(
        beneficiary=owner, kind="identity", outcome="clear", looked_at="A passport, …12",
        checked_on=today, expires_on=today, **of_payees,
    )  # fmt: skip
    manager = Beneficiary.objects.create(name="A manager", payee_of=agency)
    direction = PaymentDirection.objects.create(
        agency=agency, beneficiary=owner, payee=manager, agreement=agreement, kind="letter",
        currency="USD", base="received", percent=10, starts_on=today, written_on=today,
        is_revocable=True, source="Letter", written_at=at, written_by=by,
    )  # fmt: skip
    PaymentDirectionStep.objects.create(direction=direction, kind="rejected", at=at, by=by)
    PaymentDirectionMove.objects.create(
        direction=direction, entry=JournalEntry.objects.filter(agency=agency).first(), amount=1,
        agreement=agreement, received_on=today, currency="USD",
    )  # fmt: skip
    PaymentTerms.objects.create(licensee=agreement.licensee, agreement=agreement, days=30, **told)
    BillingDetails.objects.create(
        name="Example", country="US", tax_reason="Not subject to tax", **told
    )
    parties = {
        "commission": {"beneficiary": owner},
        "invoice": {"licensee": agreement.licensee, "agreement": agreement},
    }
    for kind, whom in parties.items():
        invoice = Invoice.objects.create(
            kind=kind, agency=agency, currency="USD", through=today, net=1, tax=0, total=1,
            drawn_up_at=at, drawn_up_by=by, content={}, **whom,
        )  # fmt: skip
    InvoiceLine.objects.create(
        invoice=invoice, position=1, kind="use", agreement=agreement, label="Dubbing",
        period_on=today, period_ends_on=today, quantity=1, amount=1, currency="USD",
        tax_category="O",
    )  # fmt: skip
    InvoiceStep.objects.create(invoice=invoice, kind="approved", at=at, by=by, digest="0" * 64)


def _add_self_billing(agency, owner, at):
    """A buyer's invoices, agreed with a payee and approved by a second person."""
    by, today = agency.memberships.order_by("pk").first().user, at.date()
    agreement = SelfBillingAgreement.objects.create(
        agency=agency, beneficiary=owner, starts_on=today, ends_on=today + timedelta(days=30),
        tax_category="O", tax_reason="Example", source="Example", written_at=at, written_by=by,
    )  # fmt: skip
    SelfBillingStep.objects.create(agreement=agreement, kind="approved", at=at, by=by)


def _add_what_is_late(agency, at):
    """Interest on an invoice, a letter about it, and the link that was mailed."""
    by, today = agency.memberships.order_by("pk").first().user, at.date()
    invoice = Invoice.objects.get(agency=agency, licensee__isnull=False)
    licensee = invoice.licensee
    entry = JournalEntry.objects.filter(agency=agency).first()
    LateInterest.objects.create(
        invoice=invoice, until=today, amount=1, currency="USD", content=[], entry=entry, at=at,
        by=by,
    )  # fmt: skip
    letter = DunningLetter.objects.create(
        agency=agency, licensee=licensee, currency="USD", level=1, on=today, total=1,
        content={"rows": []}, at=at, by=by,
    )  # fmt: skip
    letter.invoices.add(invoice)
    PaperLink.objects.create(
        agency=agency, invoice=invoice, sent_to="bills@paper.example", sent_at=at, sent_by=by,
        secret_sha256=f"{agency.pk:064}", expires_at=at,
    )  # fmt: skip


def _add_document(agreement, at):
    clause = Clause.objects.create(
        agency=agreement.agency, code="own.travel", version=1, section="Money", title="Travel",
        body="The Licensee pays for travel.", published_at=at,
    )  # fmt: skip
    AgreementClause.objects.create(agreement=agreement, code=clause.code, clause=clause)
    AgreementDocument.objects.create(
        agreement=agreement, number=98, kind="imported", drawn_at=at, pdf=b"%PDF-", digest="0" * 64
    )


def _add_exposure(agency, at):
    agreement, today = Agreement.objects.filter(agency=agency).first(), at.date()
    starts = ExposureRun.objects.count() * 10
    run = ExposureRun.objects.create(
        from_index=starts, to_index=starts + 10, leaves=10, added_at=at
    )
    SeenTime.objects.create(
        run=run, agency=agency, twin=agreement.twin, licensee=agreement.licensee, use="dubbing",
        channel="cinema", on=today, seconds=3600, unmeasured=0,
    )  # fmt: skip
    TwinValuation.objects.create(
        agency=agency, twin=agreement.twin, as_of=today, currency="USD", low=1, base=2, high=3,
        tax_benefit=0, exposure=1, price_left=1, inputs={}, digest=bytes(32), code_version="1",
        computed_at=at,
    )  # fmt: skip
    told = {
        "agency": agency, "counts_from": today, "source": "The agent", "confidence": "unverified",
        "recorded_at": at, "recorded_by": agency.memberships.order_by("pk").first().user,
    }  # fmt: skip
    WorthParameter.objects.create(parameter="floor", value=1, worst=1, best=1, **told)
    LegalAssessment.objects.create(
        agency=agency, path="licence 1", name=f"Licence of {agency}", probability_percent=5,
        at_risk=1000, currency="USD", source="Counsel", counts_from=today, recorded_at=at,
        recorded_by=told["recorded_by"],
    )  # fmt: skip
    Congruence.objects.create(
        twin=agreement.twin, production=Production.objects.first(), fit=1, **told
    )


def _add_what_a_studio_left(terms, at):
    SheetMapping.objects.create(
        terms=terms, fingerprint=terms.agency.slug, headers=[], mapping={}, learnt_at=at
    )
    letter = DeadLetter.objects.create(
        terms=terms, received_at=at, door="api", source="//studio", key="take-1", digest=b"0",
        envelope={}, code="unknown_twin", detail="Unknown twin",
    )  # fmt: skip
    LetterStep.objects.create(letter=letter, kind="not_a_use", reason="A trial", at=at)
    ClearanceBatch.objects.create(
        terms=terms, asked_at=at, idempotency_key="batch-1", request_digest=b"0"
    )
    UsageSheet.objects.create(
        terms=terms, uploaded_by=terms.agency.memberships.first().user, uploaded_at=at,
        file_name="sheet.csv", file_sha256="0" * 64,
    )  # fmt: skip


def _add_answers(at):
    decision = ClearanceDecision.objects.order_by("pk").first()
    for part in ApprovalPart.objects.filter(request__terms=decision.terms_id, answers=None)[:1]:
        answer = ApprovalAnswer.objects.create(part=part, kind="lapsed", answered_at=at)
        ApprovalSpending.objects.create(answer=answer, decision=decision, once=True, spent_at=at)


def _add_a_studio_without_terms():
    """A licensee with whom no agency has terms, and its production."""
    far = Licensee.objects.create(name="Far Away", slug="far-away", kind="studio", country="US")
    Production.objects.create(licensee=far, title="Far Away", kind="game")
