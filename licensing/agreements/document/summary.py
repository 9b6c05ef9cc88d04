"""The summary: what an agreement means, in plain words to the performer, before anybody signs."""

from collections.abc import Iterator

from talent.words import Life

from .gathered import Gathered
from .schedules import Table
from .values import Values

Point = dict[str, str | list[str]]


def summary_of(gathered: Gathered, values: Values, schedules: list[Table]) -> list[Point]:
    """Return questions that a performer asks, each with its answer in sentences."""
    who = "The performer's" if _speaks_of_somebody_else(gathered) else "Your"
    points = [
        ("What may be done", _may(gathered, values, who)),
        ("What may not be done", _may_not(values)),
        ("Until when", _until(values)),
        ("What it pays", _pays(values, schedules)),
        ("Can it be taken back", _taken_back(values)),
        ("What happens to the recordings", _kept(values)),
        ("Who looks after it", _looked_after(gathered, values)),
    ]
    return [{"question": title, "answer": [*answer]} for title, answer in points]


def _speaks_of_somebody_else(gathered: Gathered) -> bool:
    performer = gathered.performer
    return performer is None or performer.life != Life.LIVING


def _may(gathered: Gathered, values: Values, who: str) -> Iterator[str]:
    yield f"{who} twin “{values['twin']}” may be used by {values['licensee']}: {values['grants']}."
    yield f"Where: {values['territories']}. Languages: {values['languages']}."
    if values["productions"]:
        yield f"Only for {values['productions']}."
    if values["description"]:
        yield f"For this: {values['description']}"
    if values["asks"]:
        yield (
            f"Each time somebody must say yes first: {values['asks']}. No answer within "
            f"{values['approval_hours']} is a no."
        )
    if values["caps"]:
        yield f"How much: {values['caps']}."


def _may_not(values: Values) -> Iterator[str]:
    if values["exclusions"]:
        yield f"Never with: {values['exclusions']}."
    yield "Nothing that is not described, no copy of the twin, no passing it on."


def _until(values: Values) -> Iterator[str]:
    if values["last_day"]:
        yield f"From {values['starts_on']} to {values['last_day']}. It does not renew by itself."
    else:
        yield f"From {values['starts_on']}, until somebody ends it."


def _pays(values: Values, schedules: list[Table]) -> Iterator[str]:
    rates = next(table for table in schedules if table["letter"] == "B")
    for label, price, *_more, example in rates["rows"][:4]:
        yield f"{label}: {price}. {example}"
    if len(rates["rows"]) > 4:
        yield "Schedule B has the other lines."
    if values["guarantees"]:
        yield f"At least {values['guarantees']}."
    if values["advances"]:
        yield f"Paid ahead: {values['advances']}."
    if values["payment_days"]:
        yield f"The studio pays within {values['payment_days']} of the invoice."


def _taken_back(values: Values) -> Iterator[str]:
    if values["withdrawal_notice_days"]:
        yield (
            f"Yes: consent to further uses ends {values['withdrawal_notice_days']} after it is "
            "withdrawn in writing. What was made before stays, and is paid."
        )
    else:
        yield "Not early, unless the agreement is broken or the law gives a right to."


def _kept(values: Values) -> Iterator[str]:
    if values["captures"]:
        yield f"Captured: {values['captures']}."
    yield (
        f"{values['holder']} keeps them." if values["holder"] else "Not agreed yet who keeps them."
    )
    if values["retention_days"]:
        yield (
            f"They are destroyed within {values['retention_days']} of {values['retention_ends']}, "
            "with a certificate."
        )


def _looked_after(gathered: Gathered, values: Values) -> Iterator[str]:
    if values["counsel"]:
        yield f"{values['counsel']} negotiated it as the performer's own counsel."
    elif values["guild"]:
        yield f"{values['guild']} represents the performer."
    else:
        yield "No lawyer or union negotiated it. One may be asked before signing."
    if values["guardian"]:
        yield f"{values['guardian']} signs as guardian."
    if values["estate"]:
        yield f"{values['estate']} signs for the estate."
