"""Interim statements: where a payee stands at the end of a day, drawn on demand and never kept.

One has no number, stands in no chain and is not stored: what it says counts as shown to nobody, so
the numbered statement says all of it again. The same day gives the same figures, until another
numbered statement is issued.
"""

from dataclasses import replace
from datetime import date, datetime, timedelta

from django.utils import translation
from django.utils.translation import gettext as _

from talent import locales
from talent.errors import Refused
from talent.periods import Days, local_day, period_containing, starts_at
from valuation.ledger.closed_periods import closed_until
from valuation.models import Statement
from valuation.statements import snapshot
from valuation.statements.draw import first_open_day_to_state
from valuation.statements.gathering import Series, gather
from valuation.statements.summary import in_words
from valuation.words import Section, StatementKind


class NoDayForAnInterim(Refused):
    """The day has not ended yet, or numbered statements show all until then."""

    code = "no_day_for_an_interim"


def interim(*, series: Series, as_of: date, now: datetime) -> snapshot.StatementSnapshot:
    """Return where a payee stands at the end of a day, as the books stood then.

    What the books got later, of whatever day, is left out; what waits for a ruling and what plans
    are owed is known of today alone. Reads only. Raises NoDayForAnInterim.
    """
    zone = series.agency.time_zone
    today = local_day(now, zone)
    if as_of > today:
        raise NoDayForAnInterim(_("This day is still to come; ask for today or an earlier day."))
    previous = _last_issued(series)
    starts_on = _starts_on(series, as_of)
    if as_of < starts_on:
        raise NoDayForAnInterim(
            _("Issued statements show all until %(day)s; ask for that day or a later one.")
            % {"day": starts_on}
        )
    days = Days(starts_on, as_of + timedelta(days=1))
    known_at = starts_at(days.ends_on, zone)
    content = gather(series, days, previous, since=None, known_at=known_at).content
    content = replace(content, interim=True, payable_on=None)
    if as_of < today:
        content = _without_what_is_known_of_today(content)
    with translation.override(locales.known(content.locale).language):
        return replace(content, in_words=in_words(content), notes=_notes(as_of, today, previous))


def _last_issued(series: Series) -> Statement | None:
    issued = Statement.objects.issued().filter(
        kind=StatementKind.BENEFICIARY.value,
        agency=series.agency,
        beneficiary=series.beneficiary,
        currency=series.currency,
    )
    return issued.order_by("-period_on").first()


def _starts_on(series: Series, as_of: date) -> date:
    """Return the first day that no issued statement shows, or else on which there is anything."""
    closed = closed_until(
        agency_id=series.agency.pk,
        currency=series.currency,
        beneficiary_ids=[series.beneficiary.pk],
    ).get(series.beneficiary.pk)
    if closed:
        return closed
    first = first_open_day_to_state(series)
    day = min(first or as_of, as_of)
    return period_containing(day, series.agency.statement_period).starts_on


def _without_what_is_known_of_today(
    content: snapshot.StatementSnapshot,
) -> snapshot.StatementSnapshot:
    lines = tuple(line for line in content.lines if line.section != Section.HELD)
    beside = content.beside and replace(content.beside, contributions=())
    return replace(content, lines=lines, beside=beside)


def _notes(as_of: date, today: date, previous: Statement | None) -> tuple[str, ...]:
    notes = [
        _(
            "This is an interim statement: where things stood in the books at the end of its last "
            "day. It has no number, and nothing is owed or paid by it. The next numbered statement "
            "says all of it again, with what came since."
        )
    ]
    if previous and previous.number:
        notes.append(_("It follows statement %s.") % previous.number)
    if as_of < today:
        notes.append(
            _("What waits for a ruling and what plans are owed are shown as of today alone.")
        )
    return tuple(notes)
