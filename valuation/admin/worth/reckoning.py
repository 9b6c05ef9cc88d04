"""Pages on which one moves figures and sees what follows. They are read; no row changes."""

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import msgspec
from django import forms
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminDecimalFieldWidget, UnfoldAdminSelectWidget

from licensing.agreements.rules.rulebook import Rule
from licensing.models import Agreement
from licensing.words import AgreementStatus, Channel, Meter
from talent import locales
from talent.admin.as_read import locale_of_reader
from talent.errors import Refused
from talent.periods import local_day
from valuation.models import TwinValuation
from valuation.reports.twin_worth import TwinWorth
from valuation.worth.advice import break_even, cap_advice
from valuation.worth.pictures import Axis, Picture, curves
from valuation.worth.twin.figures import Case, rules_on
from valuation.worth.twin.royalty_relief import TwinInputs

if TYPE_CHECKING:
    from valuation.worth.advice.quality import ArtifactClass

SEES = "valuation.view_twinvaluation"
SECONDS_AN_HOUR = 3600
HUNDRED = Decimal(100)
CENT, TENTH = Decimal("0.01"), Decimal("0.1")
# Below so many hours in a year, what an hour of them earned says little of the next.
ENOUGH_HOURS = Decimal(10)
BUDGETS = 24
# Of the dated figures that the pages of break-even and quality begin with.
CURRENCY = "USD"
MOST_TITLES = 60


def figure(label, *, low="0", high="1000000000000", **more) -> forms.DecimalField:
    """Return a field for a figure within bounds."""
    return forms.DecimalField(
        label=label,
        min_value=Decimal(low),
        max_value=Decimal(high),
        max_digits=20,
        decimal_places=6,
        widget=UnfoldAdminDecimalFieldWidget,
        **more,
    )


def _asked(form: type[forms.Form], request: HttpRequest, usual: Mapping[str, Any]) -> forms.Form:
    """Return a form of what the address asks for; what it does not name is as usual."""
    given = {name: request.GET[name] for name in form.base_fields if name in request.GET}
    return form({**usual, **given})


def _by_field(form: type[forms.Form], rules: Mapping[str, Rule]) -> dict[str, Rule]:
    """Return the rules of figures by the field that begins with each."""
    by_name = {code.rpartition(".")[2]: rule for code, rule in rules.items()}
    return {name: by_name[name] for name in form.base_fields if name in by_name}


def _usual(rules: Mapping[str, Rule]) -> dict[str, Any]:
    return {name: rule.values["value"] for name, rule in rules.items()}


def _firsts(form: forms.Form, rules: Mapping[str, Rule]) -> list[dict[str, Any]]:
    """Tell what a page's fields begin with, and where each figure comes from."""
    return [
        {
            "name": form.fields[name].label,
            "value": locales.quantity(Decimal(str(rule.values["value"])), locale_of_reader()),
            "summary": rule.summary,
            "source": _source(rule),
            "is_assumption": not rule.may_be_relied_on,
        }
        for name, rule in rules.items()
    ]


def _source(rule: Rule) -> str:
    return f"{rule.source.name} ({rule.confidence.label})"


def _page(site, request: HttpRequest, template: str, title: str, **told: Any) -> HttpResponse:
    context = {**site.each_context(request), "title": title, "opts": TwinValuation._meta, **told}
    return TemplateResponse(request, template, context)


def _whole(amount: Decimal, currency: str) -> str:
    return locales.money(amount.quantize(CENT), currency, locale_of_reader())


def _hours(hours: Decimal) -> str:
    return locales.quantity(hours.quantize(TENTH), locale_of_reader())


# A cap


class CapForm(forms.Form):
    """What an hour pays, where, and how much anybody would use."""

    channel = forms.ChoiceField(label=gettext_lazy("Channel"), choices=Channel.choices(),
                                widget=UnfoldAdminSelectWidget)  # fmt: skip
    fee = figure(gettext_lazy("Fee an hour, net of commission"), low="0.01")
    most_hours = figure(gettext_lazy("Most hours a year that would be used"), low="0.1",
                        high="1000000")  # fmt: skip
    share_worn = figure(
        gettext_lazy("Part of the fee that wears"), high="1",
        help_text=gettext_lazy(
            "0: the rate card holds whatever happens; 1: each year is agreed anew, at the price "
            "that is left."
        ),
    )  # fmt: skip
    congruence = figure(gettext_lazy("How well these uses fit, from −1 to 1"), low="-1", high="1")


def cap_page(site, request: HttpRequest, valuation_id: int) -> HttpResponse:
    """Advise how many hours a year pay a twin most, and lead to where that is agreed."""
    rows = TwinValuation.objects.visible_to(request.user).select_related("twin", "agency")
    valuation = rows.filter(pk=valuation_id).first()
    if valuation is None:
        raise Http404
    told = TwinWorth(valuation, locale_of_reader())
    form = _asked(CapForm, request, _usual_cap(told))
    form.fields["fee"].help_text = _of_the_fee(told)
    found = None
    if form.is_valid():
        try:
            found = _advised(valuation, cap_advice.CapPlan(**form.cleaned_data))
        except Refused as refusal:
            form.add_error(None, str(refusal))
    title = _("How many hours a year pay %s most") % valuation.twin
    return _page(site, request, "admin/cap_advice.html", title, form=form, found=found,
                 valuation=valuation)  # fmt: skip


def _of_the_fee(told: TwinWorth) -> str:
    """Say in what currency the fee is, and where what the field begins with comes from."""
    if told.hours_in_all >= ENOUGH_HOURS:
        text = _("In %s. It begins with what an hour earned in the last year.")
    else:
        text = _(
            "In %s. It begins with 100, an assumption: too few hours were seen to say what one "
            "earned."
        )
    return text % locales.currency_name(told.valuation.currency, told.locale)


def _usual_cap(told: TwinWorth) -> dict[str, Any]:
    """Ask of the channel that most was seen on, at what an hour earned in the last year."""
    hours = told.inputs.get("told", {}).get("hours_last_year", {})
    channel = max(hours, key=lambda name: Decimal(hours[name]), default=Channel.STREAMING.value)
    seen = told.hours_in_all
    enough = seen >= ENOUGH_HOURS
    fee = (told.earned_last_year / seen).quantize(CENT) if enough else Decimal(100)
    most = max(Decimal(100), (seen * 4).quantize(Decimal(1)))
    return {"channel": channel, "fee": max(fee, CENT), "most_hours": most, "share_worn": 1,
            "congruence": 0}  # fmt: skip


def _advised(valuation: TwinValuation, plan: cap_advice.CapPlan) -> dict[str, Any]:
    case = valuation.inputs.get("cases", {}).get(Case.BASE.value)
    if case is None:
        raise cap_advice.NoAdvice(_("This valuation keeps no inputs to advise from."))
    inputs = msgspec.convert(case, TwinInputs)
    advice, currency = cap_advice.advise(inputs, plan), valuation.currency
    best = advice.best
    return {
        "has_limit": advice.has_limit,
        "hours": _hours(best.hours),
        "gain": _whole(best.gain, currency),
        "fees": _whole(best.fees, currency),
        "lost": _whole(best.lost, currency),
        "picture": _cap_picture(advice, currency),
        "sensitivity": [
            {
                "half_life": _times(one.half_life),
                "half_at": _times(one.half_at),
                "hours": _hours(one.advice.best.hours) if one.advice.has_limit else _("no cap"),
                "gain": _whole(one.advice.best.gain, currency),
            }
            for one in cap_advice.sensitivity(inputs, plan)
        ],
        "agreements": _agreements(valuation, plan.channel, best.hours)
        if advice.has_limit and best.hours
        else [],
    }


def _times(factor: Decimal) -> str:
    return f"× {locales.quantity(factor, locale_of_reader())}"


def _cap_picture(advice: cap_advice.Advice, currency: str) -> Picture:
    names = {"gain": _("Fees less value lost"), "fees": _("Fees"), "lost": _("Value lost")}
    points = [
        (name, float(point.hours), float(getattr(point, which)))
        for which, name in names.items()
        for point in advice.curve
    ]
    best = advice.best
    marks = [(_("best"), float(best.hours), float(best.gain))] if advice.has_limit else []
    return Picture(
        "cap",
        _("Present value by hours a year"),
        curves(points, Axis(_("hours a year")), Axis(currency), locale_of_reader(), marks=marks),
        [_("Hours a year"), *names.values()],
        [
            [_hours(point.hours), *(_whole(getattr(point, which), currency) for which in names)]
            for point in advice.curve[::4]
        ],
    )


def _agreements(valuation: TwinValuation, channel: str, hours: Decimal) -> list[dict[str, Any]]:
    """Return where the cap can be written: into drafts, or as an amendment of what is signed."""
    limit = (hours * SECONDS_AN_HOUR).quantize(Decimal(1))
    today = timezone.localdate().isoformat()
    terms = {"meter": Meter.SECONDS.value, "limit": limit, "channels": channel}
    agreements = Agreement.objects.filter(agency=valuation.agency_id, twin=valuation.twin_id)
    found = []
    for agreement in agreements.order_by("-pk"):
        starts_on = local_day(agreement.starts_at, agreement.time_zone).isoformat()
        if agreement.status == AgreementStatus.DRAFT:
            page = reverse("admin:licensing_cap_add")
            asked = {**terms, "agreement": agreement.pk, "starts_on": starts_on}
            label = _("Put it into draft %s")
        elif agreement.status == AgreementStatus.SIGNED:
            page = reverse("admin:licensing_agreement_ask_for_cap", args=[agreement.pk])
            asked = {**terms, "starts_on": starts_on, "counts_from": today}
            label = _("Ask for it as an amendment of %s")
        else:
            continue
        found.append({"url": f"{page}?{urlencode(asked)}", "label": label % agreement.reference})
    return found


# Break-even


class CapitalForm(forms.Form):
    """What a twin costs once and in use, and two buyers' budgets."""

    once = figure(gettext_lazy("What the twin costs once"))
    a_title = figure(gettext_lazy("Licence and quality a title"))
    an_hour = figure(gettext_lazy("Compute an hour of it"))
    saved = figure(gettext_lazy("Part of a title’s budget that it saves, in percent"), high="100")
    hours_a_title = figure(gettext_lazy("Hours of it a title"), high="100000")
    studio = figure(gettext_lazy("A studio’s budget a title"), low="1")
    independent = figure(gettext_lazy("An independent’s budget a title"), low="1")


def _capital_rules() -> dict[str, Rule]:
    return rules_on(timezone.localdate(), file="break_even.toml", codes="break_even.")


def break_even_page(site, request: HttpRequest) -> HttpResponse:
    """Show after how many titles a twin has paid for itself, by the budget of a title."""
    if not request.user.has_perm(SEES):
        raise PermissionDenied
    rules = _by_field(CapitalForm, _capital_rules())
    form = _asked(CapitalForm, request, _usual(rules))
    found = None
    if form.is_valid():
        found = _broken_even(form.cleaned_data)
    return _page(site, request, "admin/break_even.html", _("Break-even of a twin"), form=form,
                 found=found, firsts=_firsts(form, rules))  # fmt: skip


def _broken_even(asked: Mapping[str, Decimal]) -> dict[str, Any]:
    capital = break_even.Capital(
        once=asked["once"], a_title=asked["a_title"], an_hour=asked["an_hour"],
        saved_share=asked["saved"] / HUNDRED,
    )  # fmt: skip
    hours = asked["hours_a_title"]
    buyers = [
        break_even.Buyer(_("Studio"), asked["studio"], hours),
        break_even.Buyer(_("Independent"), asked["independent"], hours),
    ]
    least = break_even.smallest_budget(capital, hours, 1)
    ever = break_even.smallest_budget(capital, hours, MOST_TITLES)
    return {
        "buyers": [_told_buyer(break_even.break_even(capital, one), capital) for one in buyers],
        "at_once": least and _dollars(least),
        "ever": ever and _dollars(ever),
        "most_titles": MOST_TITLES,
        "picture": _bifurcation(capital, hours, buyers),
    }


def _dollars(amount: Decimal) -> str:
    return locales.whole_money(amount, CURRENCY, locale_of_reader())


def _told_buyer(found: break_even.BreakEven, capital: break_even.Capital) -> dict[str, Any]:
    return {
        "name": found.buyer.name,
        "budget": _dollars(found.buyer.budget),
        "gain": _dollars(found.gain_a_title),
        "titles": found.titles,
        "bears": found.titles and _dollars(break_even.amortised(capital, found.titles)),
        "hours": None if found.hours is None else _hours(found.hours),
    }


def _mark(capital, buyer, highest: float) -> tuple[str, float, float]:
    """Return where a buyer's dot stands; who never breaks even stands on top, and is told so."""
    titles = break_even.break_even(capital, buyer).titles
    if titles and titles <= MOST_TITLES:
        return buyer.name, float(buyer.budget), float(titles)
    return _("%s: never") % buyer.name, float(buyer.budget), highest


def _bifurcation(capital, hours, buyers) -> Picture:
    """Draw titles to break even against the budget of a title, from small to large."""
    budgets = [buyer.budget for buyer in buyers]
    low, high = min(budgets) / 2, max(budgets) * 2
    growth = (high / low) ** (1 / Decimal(BUDGETS))
    steps = [low * growth**step for step in range(BUDGETS + 1)]
    told = break_even.bifurcation(capital, hours, steps)
    line = [
        (_("titles"), float(one.buyer.budget), float(one.titles))
        for one in told
        if one.titles is not None and one.titles <= MOST_TITLES
    ]
    highest = max((titles for _name, _budget, titles in line), default=1.0)
    marks = [_mark(capital, buyer, highest) for buyer in buyers]
    budget = Axis(_("budget of a title, %s") % CURRENCY, is_log=True)
    titles = Axis(_("titles"), format="d")
    spec = curves(line, budget, titles, locale_of_reader(), marks=marks)
    rows = [
        [_dollars(one.buyer.budget), str(one.titles) if one.titles is not None else _("never")]
        for one in told[::2]
    ]
    return Picture("bifurcation", _("Titles until a twin has paid for itself"), spec,
                   [_("Budget of a title"), _("Titles")], rows)  # fmt: skip


# Quality


class ShootForm(forms.Form):
    """What there is to mend, and what shooting it again would cost."""

    minutes = figure(gettext_lazy("Finished minutes with the twin"), low="0.1", high="100000")
    days = figure(gettext_lazy("Days of a pickup shoot"), high="10000")
    a_day = figure(gettext_lazy("What a day of it costs"))
    besides = figure(gettext_lazy("Travel, sets and the like"))
    rate_factor = figure(gettext_lazy("Artifacts a minute, times"), high="1000",
                         help_text=gettext_lazy("2: twice as many as told below."))  # fmt: skip


def _quality_rules(codes: str) -> dict[str, Rule]:
    return rules_on(timezone.localdate(), file="quality.toml", codes=codes)


def quality_page(site, request: HttpRequest) -> HttpResponse:
    """Compare mending what a twin gets wrong with shooting it again."""
    if not request.user.has_perm(SEES):
        raise PermissionDenied
    rules = _by_field(ShootForm, _quality_rules("shoot."))
    form = _asked(ShootForm, request, {**_usual(rules), "rate_factor": 1})
    found = None
    if form.is_valid():
        found = _compared(**form.cleaned_data)
    return _page(site, request, "admin/quality.html", _("Mend it, or shoot it again"), form=form,
                 found=found, firsts=_firsts(form, rules))  # fmt: skip


def _compared(*, minutes, days, a_day, besides, rate_factor) -> dict[str, Any]:
    from valuation.worth.advice.quality import Shoot, against

    classes = [_artifact(rule, rate_factor) for rule in _quality_rules("quality.").values()]
    found = against(classes, minutes, Shoot(days, a_day, besides))
    return {
        "mends": found.mends,
        "mending": _dollars(found.mending),
        "shooting": _dollars(found.shooting),
        "rate": locales.quantity(found.rate, locale_of_reader()),
        "crossover": found.crossover and _hours(found.crossover),
        "chance": locales.percent(Decimal(str(round(found.chance * 100, 1))), locale_of_reader()),
        "classes": [
            {
                "name": one.artifact.name,
                "rate": locales.quantity(one.artifact.rate, locale_of_reader()),
                "range": " – ".join(
                    locales.quantity(end, locale_of_reader())
                    for end in (one.artifact.low, one.artifact.high)
                ),
                "minutes": locales.quantity(one.artifact.minutes, locale_of_reader()),
                "an_hour": _dollars(one.artifact.an_hour),
                "count": _hours(one.count),
                "cost": _dollars(one.cost),
                "source": one.artifact.source,
                "is_assumption": one.artifact.is_assumption,
            }
            for one in found.classes
        ],
    }


def _artifact(rule: Rule, factor: Decimal) -> "ArtifactClass":
    from valuation.worth.advice.quality import ArtifactClass

    told = {name: Decimal(rule.values[name]) for name in ("low", "rate", "high")}
    return ArtifactClass(
        name=rule.title,
        **{name: value * factor for name, value in told.items()},
        minutes=Decimal(rule.values["minutes"]),
        an_hour=Decimal(rule.values["an_hour"]),
        source=_source(rule),
        is_assumption=not rule.may_be_relied_on,
    )
