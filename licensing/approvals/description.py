"""Descriptions: whether a request for approval says specifically what a performer shall approve.

Consent to a replica's use needs a "reasonably specific description" of it (SAG-AFTRA TV/Theatrical
2023 and 2026 §39.B; Cal. Labor Code §927). What describes every use describes none.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from licensing.decision.approval_check import digest_of_description
from licensing.decision.request import Request
from licensing.money import UnknownCurrency, rounded
from licensing.wire.faults import Fault
from licensing.wire.names import Prefix, number_in
from talent.consent.scope import covers, is_known_language
from talent.territories import is_known_territory

from .specificity import has_substance, open_ended_phrase


@dataclass(frozen=True, slots=True)
class Description:
    """What a studio says about the use it asks for, beside the request itself.

    `territories` and `languages` may be more than the request's own; the use begins at
    `starts_at` and is over at `ends_at`. `answer_by` is the deadline the studio proposes.
    """

    lines: str
    starts_at: datetime
    ends_at: datetime
    amount: Decimal
    currency: str
    basis: str
    scene: str = ""
    campaign: str = ""
    territories: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    answer_by: datetime | None = None

    @property
    def digest(self) -> str:
        """By which a clearance and an approval are known to speak of the same."""
        return digest_of_description(scene=self.scene, campaign=self.campaign, lines=self.lines)


def faults_of(description: Description, request: Request, *, at: datetime) -> tuple[Fault, ...]:
    """Return all that is missing, generic or contradictory in a description; empty if it is fine.

    `request` is what the studio asks to do, with the desk's own names; `at` is now.
    """
    return (
        *_text_faults(description),
        *_place_faults(description, request),
        *_time_faults(description, request, at),
        *_request_faults(request),
    )


def _text_faults(description: Description) -> Iterator[Fault]:
    if not description.scene.strip() and not description.campaign.strip():
        detail = "Name the scene, or the campaign if it is none."
        yield Fault("/description/scene", detail, "missing")
    for name in ("scene", "campaign"):
        if text := getattr(description, name):
            yield from _faults_of_text(name, text, sentence=False)
    yield from _faults_of_text("lines", description.lines, sentence=True)
    yield from _faults_of_text("compensation/basis", description.basis, sentence=False)
    yield from _compensation_faults(description)


def _compensation_faults(description: Description) -> Iterator[Fault]:
    amount, currency = description.amount, description.currency
    try:
        payable = amount.is_finite() and amount == rounded(amount, currency)
    except UnknownCurrency as unknown:
        yield Fault("/description/compensation/currency", str(unknown), unknown.code)
        return
    if not payable or amount < 0:
        detail = "State an amount that can be paid, zero or more."
        yield Fault("/description/compensation/amount", detail, "not_payable")


def _faults_of_text(name: str, text: str, *, sentence: bool) -> Iterator[Fault]:
    pointer = f"/description/{name}"
    if not text.strip():
        yield Fault(pointer, "Say it; a blank describes nothing.", "missing")
        return
    if phrase_and_advice := open_ended_phrase(text):
        phrase, instead = phrase_and_advice
        detail = f"“{phrase}” leaves open what is meant: {instead}."
        yield Fault(pointer, detail, "generic")
    elif not has_substance(text, sentence=sentence):
        detail = (
            "Say what is said, done or shown, in a sentence of your own."
            if sentence
            else "Say which one: a number or a name."
        )
        yield Fault(pointer, detail, "too_little")


def _place_faults(description: Description, request: Request) -> Iterator[Fault]:
    for name, codes, known in (
        ("territories", description.territories, is_known_territory),
        ("languages", description.languages, is_known_language),
    ):
        if not all(map(known, codes)):
            detail = f"Not all of these {name} are codes that exist."
            yield Fault(f"/description/{name}", detail, "unknown_code")
    for name, codes, code in (
        ("territories", description.territories, request.territory),
        ("languages", description.languages, request.language),
    ):
        if codes and not covers(frozenset(codes), code):
            detail = f"The question itself lies outside these {name}."
            yield Fault(f"/description/{name}", detail, "outside")


def _time_faults(description: Description, request: Request, at: datetime) -> Iterator[Fault]:
    starts, ends = description.starts_at, description.ends_at
    if ends <= starts:
        yield Fault("/description/ends_at", "The use must end after it starts.", "ends_first")
    elif request.at is None or not starts <= request.at < ends:
        detail = "The question's own time lies outside this term."
        yield Fault("/description/starts_at", detail, "outside")
    elif ends <= at:
        detail = "This term is over. A use is approved before it happens."
        yield Fault("/description/ends_at", detail, "past")
    if description.answer_by is not None and description.answer_by <= at:
        detail = "This deadline is past: nobody could answer by then."
        yield Fault("/description/answer_by", detail, "past")


def _request_faults(request: Request) -> Iterator[Fault]:
    """Yield what the request itself must name: the production, and how much of it."""
    if request.production is None:
        detail = "Name the production; an approval is for one."
        yield Fault("/production", detail, "missing")
    elif number_in(request.production, Prefix.PRODUCTION) is None:
        detail = "The desk does not know this production. The agency can enter it."
        yield Fault("/production", detail, "unknown_production")
    if not any(quantity > 0 for _, quantity in request.units):
        yield Fault("/quantities", "State how much; an approval is for so much.", "missing")
