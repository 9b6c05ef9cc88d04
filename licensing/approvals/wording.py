"""Wording: a request for approval in sentences for whoever reads it."""

from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext as _

from licensing.models import ApprovalPart, ApprovalRequest
from licensing.quantities import measured
from licensing.words import Channel
from talent import locales
from talent.models import User
from talent.words import Exclusion, Right, Use

from .specificity import is_readable


@dataclass(frozen=True, slots=True)
class Wording:
    """What a request says, in pieces of text that fit into a sentence or a list."""

    licensee: str
    whose: str
    right: str
    use: str
    production: str
    place: str
    lines: str
    how_much: str
    where: str
    when: str
    offered: str
    due: str
    share: str
    notes: tuple[str, ...]

    @property
    def short(self) -> str:
        """The request in one line, for the subject of a mail."""
        return _("%(licensee)s asks for %(whose)s %(right)s: %(use)s, %(production)s") % {
            "licensee": self.licensee,
            "whose": self.whose,
            "right": self.right,
            "use": self.use,
            "production": self.production,
        }


def wording_of(part: ApprovalPart, *, locale: str, time_zone: str, whose: str = "") -> Wording:
    """Return a part of a request in words; `whose` names the performer if others decide."""
    request = part.request
    return Wording(
        licensee=request.terms.licensee.name,
        whose=_("%(name)s’s") % {"name": whose} if whose else _("your"),
        right=Right(request.right).label.lower(),
        use=Use(request.use).label,
        production=request.production.title,
        place=request.scene or request.campaign,
        lines=request.lines,
        how_much=quantities(request.units, locale),
        where=_where(request, locale),
        when=_when(request, locale),
        offered=f"{locales.money(request.amount, request.currency, locale)}, {request.basis}",
        due=locales.minute(request.due_at, time_zone, locale),
        share=locales.percent(part.share_percent, locale) if part.share_percent < 100 else "",
        notes=_notes(request),
    )


def wording_for(part: ApprovalPart, user: User) -> Wording:
    """Return a part of a request in words for somebody who may decide it."""
    performer = part.performer
    whose = "" if performer.user_id == user.pk else performer.name
    locale = user.locale or "en-GB"
    return wording_of(part, locale=locale, time_zone=user.time_zone, whose=whose)


def quantities(units: dict[str, str], locale: str) -> str:
    """Write quantities by meter as a list: "6 lines and 38 seconds"."""
    return locales.listed(
        [
            measured(Decimal(quantity), meter, locale)
            for meter, quantity in sorted(units.items())
            if Decimal(quantity)
        ],
        locale,
    )


def places(codes: list[str], locale: str) -> str:
    """Write territories as a list of names."""
    return locales.listed(sorted(locales.territory(code, locale) for code in codes), locale)


def languages(tags: list[str], locale: str) -> str:
    """Write languages as a list of names."""
    return locales.listed(sorted(locales.language(tag, locale) for tag in tags), locale)


def _where(request: ApprovalRequest, locale: str) -> str:
    parts = [Channel(request.channel).label, places(request.territories, locale)]
    if request.languages:
        parts.append(languages(request.languages, locale))
    return ", ".join(parts)


def _when(request: ApprovalRequest, locale: str) -> str:
    first, last = request.starts_at.date(), request.ends_at.date()
    return locales.period(first, last, locale) if last > first else locales.short_day(first, locale)


def _notes(request: ApprovalRequest) -> tuple[str, ...]:
    """Say what an approver would not expect."""
    labels = dict(Exclusion.choices())
    contents = [labels[code].lower() for code in request.content]
    notes = [_("It is generated in real time.")] if request.real_time else []
    if contents:
        notes.append(_("It contains: %(contents)s.") % {"contents": ", ".join(contents)})
    if not is_readable(request.lines):
        notes.append(
            _(
                "The desk does not read the language of this description. It checked its length "
                "alone: whether it says specifically enough what you approve is for you to judge."
            )
        )
    return tuple(notes)
