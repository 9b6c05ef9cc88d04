"""What a file or a form says of opening balances: each line read, whole or refused with its number.

A file is CSV in UTF-8 with the columns kind, payee, licensee, agreement, currency, amount and
until. Payees and licensees are named as the desk names them, or by their number at the desk,
agreements by reference or number.
"""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from itertools import islice
from typing import Any

from django.utils.translation import gettext as _

from licensing.models import Agreement, Licensee
from licensing.money import rounded
from talent import locales
from talent.errors import Refused
from talent.models import Agency, Beneficiary
from valuation.cash.paid_out.bank_details import payees_of
from valuation.models.opening import OF_A_PAYEE, OF_AN_AGREEMENT
from valuation.words import OpeningKind

COLUMNS = ("kind", "payee", "licensee", "agreement", "currency", "amount", "until")
MOST_LINES = 5_000
MOST_BYTES = 2_000_000
FAULTS_TOLD = 20
LARGEST = Decimal(10) ** 14


class NotReadable(Refused):
    """A file that is no CSV of opening balances; the text says which lines, and what is wrong."""

    code = "opening_not_readable"


@dataclass(frozen=True, slots=True)
class Told:
    """One balance as it was told: of whom, in which currency, how much.

    `agreement` is the one by whose terms it is received or paid back, `until` the day on which a
    reserve becomes payable; others have neither.
    """

    kind: OpeningKind
    beneficiary: Beneficiary | None
    licensee: Licensee | None
    currency: str
    amount: Decimal
    agreement: Agreement | None = None
    until: date | None = None

    @property
    def key(self) -> tuple[str, int | None, int | None, int | None, date | None, str]:
        """What stands once: kind, payee, licensee, agreement, day, currency."""
        payee = self.beneficiary.pk if self.beneficiary else None
        licensee = self.licensee.pk if self.licensee else None
        agreement = self.agreement.pk if self.agreement else None
        return self.kind.value, payee, licensee, agreement, self.until, self.currency


def read(agency: Agency, content: bytes) -> list[Told]:
    """Read a file. Four queries, however long it is. Raises NotReadable, naming each bad line."""
    return read_rows(agency, rows_of(content, COLUMNS))


def rows_of(content: bytes, columns: Sequence[str]) -> list[dict[str, str]]:
    """Return the lines of a CSV file by column. Raises NotReadable."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as failure:
        raise NotReadable(_("The file is not UTF-8. Save it as “CSV UTF-8”.")) from failure
    table = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        if missing := set(columns) - set(table.fieldnames or ()):
            names = ", ".join(sorted(missing))
            raise NotReadable(_("The file lacks the columns: %s.") % names)
        rows = list(islice(table, MOST_LINES + 1))
    except csv.Error as failure:
        raise NotReadable(_("The file is no CSV: %s.") % failure) from failure
    if not rows:
        raise NotReadable(_("There is no line in it."))
    if len(rows) > MOST_LINES:
        raise NotReadable(_("The file has more than %d lines; part it.") % MOST_LINES)
    return rows


def read_rows(agency: Agency, rows: Sequence[Mapping[str, str]]) -> list[Told]:
    """Read lines as they were typed. Raises NotReadable, naming each bad line."""
    names = _Names(agency)
    told, faults = [], []
    for number, row in enumerate(rows, start=2):
        try:
            told.append(_read_row(row, names))
        except NotReadable as fault:
            faults.append(_("Line %(number)d: %(fault)s") % {"number": number, "fault": fault})
    faults += _twice(told)
    if faults:
        more = len(faults) - FAULTS_TOLD
        rest = [_("And %d more.") % more] if more > 0 else []
        raise NotReadable(" ".join([*faults[:FAULTS_TOLD], *rest]))
    return told


class _Names:
    """Whom the agency knows, by number and by name."""

    def __init__(self, agency: Agency) -> None:
        self.payees = payees_by_name(agency)
        self.licensees = _by_name(Licensee.objects.filter(terms__agency=agency).distinct())
        signed = Agreement.objects.filter(agency=agency, signed_at__isnull=False)
        agreements = signed.select_related("agency", "licensee", "twin__performer")
        self.agreements = _by_name(agreements, "reference")


def payees_by_name(agency: Agency) -> dict[str, list[Any]]:
    """Return whom an agency may come to pay, by number and by name in small letters. One query."""
    return _by_name(payees_of(agency))


def _by_name(rows: Iterable[Any], name: str = "name") -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for row in rows:
        for key in (str(row.pk), getattr(row, name).casefold()):
            found.setdefault(key, []).append(row)
    return found


def _read_row(row: Mapping[str, str], names: _Names) -> Told:
    given = {name: (row.get(name) or "").strip() for name in COLUMNS}
    kind = given["kind"].lower()
    if kind not in OpeningKind.codes():
        kinds = ", ".join(OpeningKind.codes())
        raise NotReadable(_("“%(kind)s” is none of %(kinds)s.") % {"kind": kind, "kinds": kinds})
    needs = "payee" if kind in OF_A_PAYEE else "licensee" if kind == "receivable" else ""
    needed = {needs, "agreement" if kind in OF_AN_AGREEMENT else "", _day_of(kind)}
    for name in ("payee", "licensee", "agreement", "until"):
        if bool(given[name]) != (name in needed):
            raise NotReadable(_says_what_it_needs(name, needed=name in needed))
    currency = given["currency"].upper()
    if currency not in dict(locales.currencies("en")):
        raise NotReadable(_("“%s” is no currency.") % given["currency"])
    told = Told(
        kind=OpeningKind(kind),
        beneficiary=only_one(names.payees, given["payee"]) if needs == "payee" else None,
        licensee=only_one(names.licensees, given["licensee"]) if needs == "licensee" else None,
        currency=currency,
        amount=_amount(given["amount"], currency, OpeningKind(kind)),
        agreement=only_one(names.agreements, given["agreement"]) if given["agreement"] else None,
        until=_day(given["until"]) if given["until"] else None,
    )
    _refuse_other_terms(told)
    return told


def _day_of(kind: str) -> str:
    return "until" if kind == OpeningKind.RESERVE else ""


def _says_what_it_needs(name: str, *, needed: bool) -> str:
    if name == "agreement" and needed:
        return _(
            "It needs an agreement, by whose terms it is received and paid back. Enter an old one "
            "as signed elsewhere first."
        )
    if name == "until" and needed:
        return _("It needs the day on which the reserve becomes payable, under “until”.")
    return (_("It needs a %(name)s.") if needed else _("It has no %(name)s.")) % {"name": name}


def _refuse_other_terms(told: Told) -> None:
    """Refuse an agreement that is another licensee's, or in another currency."""
    agreement = told.agreement
    if agreement is None:
        return
    if agreement.currency != told.currency:
        raise NotReadable(
            _("%(agreement)s is in %(currency)s.")
            % {"agreement": agreement.reference, "currency": agreement.currency}
        )
    if told.licensee and told.licensee.pk != agreement.licensee_id:
        raise NotReadable(
            _("%(agreement)s is with %(licensee)s.")
            % {"agreement": agreement.reference, "licensee": agreement.licensee}
        )


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as failure:
        raise NotReadable(_("“%s” is no day; write it as 2027-01-31.") % text) from failure


def only_one(known: Mapping[str, Sequence[Any]], name: str) -> Any:
    """Return the one of a name or number. Raises NotReadable for nobody and for several."""
    found = known.get(name.casefold(), [])
    if not found:
        raise NotReadable(_("Nobody of the agency is named “%s”.") % name)
    if len(found) > 1:
        numbers = ", ".join(str(row.pk) for row in found)
        raise NotReadable(
            _("“%(name)s” are several; write one of the numbers %(numbers)s instead.")
            % {"name": name, "numbers": numbers}
        )
    return found[0]


def _amount(text: str, currency: str, kind: OpeningKind) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation as failure:
        raise NotReadable(_("“%s” is no amount; write it as 1234.56.") % text) from failure
    if not amount.is_finite() or abs(amount) >= LARGEST:
        raise NotReadable(_("“%s” is no amount; write it as 1234.56.") % text)
    if amount != rounded(amount, currency):
        raise NotReadable(_("“%s” is finer than its currency.") % text)
    if amount == 0 or (amount < 0 and kind is not OpeningKind.PAYABLE):
        raise NotReadable(_("“%s” is to be above zero.") % text)
    return amount


def _twice(told: Sequence[Told]) -> Iterator[str]:
    times = Counter(one.key for one in told)
    for one in {one.key: one for one in told}.values():
        if times[one.key] > 1:
            yield _("%(kind)s, %(party)s, %(currency)s stands there %(times)d times.") % {
                "kind": one.kind.label, "party": one.beneficiary or one.licensee or "",
                "currency": one.currency, "times": times[one.key],
            }  # fmt: skip
