"""Checks of payees: recorded, and asked for before money leaves."""

from collections.abc import Collection
from datetime import date
from itertools import takewhile

from talent import four_eyes
from talent.models import Agency
from valuation.models import PayeeCheck, PayeeCheckRule
from valuation.words import PayeeCheckOutcome, PayoutHold


def refuse_own_clearance(check: PayeeCheck) -> None:
    """Refuse that who found somebody on a list clears them, whatever was said in between.

    Raises four_eyes.FourEyes.
    """
    if check.outcome != PayeeCheckOutcome.CLEAR:
        return
    looks = PayeeCheck.objects.filter(
        agency=check.agency, beneficiary=check.beneficiary, kind=check.kind
    ).order_by("-pk")
    since = takewhile(lambda look: look.outcome != PayeeCheckOutcome.CLEAR, looks)
    finders = [look.written_by_id for look in since if look.outcome == PayeeCheckOutcome.FOUND]
    if finders:
        four_eyes.refuse_same_person(by=check.written_by, before=finders)


def holds(agency: Agency, payees: Collection[int], on: date) -> dict[int, list[PayoutHold]]:
    """Return by payee why a check keeps them from being paid on a day. Two queries.

    Who was found on a list waits whether the agency asks for that check or not.
    """
    rules = PayeeCheckRule.objects.filter(agency=agency, starts_on__lte=on)
    needed = {rule.kind: rule.is_needed for rule in rules.order_by("starts_on", "pk")}
    newest: dict[tuple[int, str], PayeeCheck] = {}
    rows = PayeeCheck.objects.filter(agency=agency, beneficiary__in=payees)
    for row in rows.order_by("pk"):
        newest[row.beneficiary_id, row.kind] = row
    found: dict[int, list[PayoutHold]] = {}
    for payee in payees:
        own = {kind: row for (of, kind), row in newest.items() if of == payee}
        if any(row.outcome != PayeeCheckOutcome.CLEAR for row in own.values()):
            found[payee] = [PayoutHold.CHECK_FAILED]
        elif any(
            is_needed and (kind not in own or not own[kind].holds_on(on))
            for kind, is_needed in needed.items()
        ):
            found[payee] = [PayoutHold.NOT_CHECKED]
    return found
