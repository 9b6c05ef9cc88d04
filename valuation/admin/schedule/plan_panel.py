"""What stands above a plan's form, and of a solution: who plays what and why, money, days, gaps."""

from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from talent import locales
from talent.admin.as_read import locale_of_reader
from talent.errors import Refused
from valuation.models import Valuation
from valuation.schedule.plans import runs
from valuation.words import Bar, PlanCost, PlanLimit, PlanStage


def shown(plan, *, locale):
    """Return what the panel above a plan's form shows: the run, the newest solution, what moved."""
    results = list(plan.results.order_by("-pk").defer("inputs")[:2])
    newest = results[0] if results else None
    return {
        **progress(plan, locale),
        "plan": plan,
        "has_twins": plan.twins.exists(),
        **(solution_shown(newest, locale) if newest else {"told": None}),
        "is_outdated": newest is not None and _is_outdated(plan, newest),
        "moved": _moved(results, locale) if len(results) > 1 else [],
        "asked": newest.clearances.count() if newest else 0,
        "left_over": _left_over(newest, locale) if newest else [],
    }


def _left_over(newest, locale):
    """Tell of approvals that were asked for an earlier solution and still wait."""
    from valuation.schedule.plans import asking

    return [
        {
            "scene": one.asked.scene.number,
            "who": one.asked.character,
            "request": one.asked.request,
            "lapses": locales.day(one.asked.request.due_at.date(), locale),
            "is_needed": one.is_needed,
        }
        for one in asking.left_over(newest, at=timezone.now())
    ]


def _is_outdated(plan, result):
    from valuation.schedule.plans import gathering
    from valuation.schedule.solution import input_from_json

    try:
        return not gathering.is_as_solved(plan, input_from_json(_inputs(result)), at=timezone.now())
    except Refused:  # as of a script without scenes
        return True


def progress(plan, locale):
    """Return a plan's last run, and how far it is."""
    run = plan.runs.select_related("cancelled_by", "plan__screenplay").order_by("-pk").first()
    if run is None:
        return {"run": None}
    currency = run.plan.screenplay.currency
    stages = list(PlanStage)
    return {
        "run": run,
        "lost": "" if run.finished_at else runs.why_lost(run, timezone.now()),
        "stage": run.get_stage_display(),
        "percent": 100 * stages.index(PlanStage(run.stage)) // (len(stages) - 1),
        "known": None if run.cost is None else locales.money(run.cost, currency, locale),
        "bound": None if run.bound is None else locales.money(run.bound, currency, locale),
    }


def solution_shown(result, locale):
    """Return what a page shows of a solution."""
    from valuation.schedule.plans.computation import solution_of
    from valuation.schedule.solution import input_from_json

    plan = input_from_json(_inputs(result))
    return {"result": result, "told": _Told(result, plan, solution_of(result), locale).told()}


def _inputs(result):
    return type(result).objects.values_list("inputs", flat=True).get(pk=result.pk)


class _Told:
    """A solution in its reader's words."""

    def __init__(self, result, given, solution, locale):
        self.result, self.given, self.solution, self.locale = result, given, solution, locale
        breakdown = given.breakdown
        self.scenes = {one.key: one for one in breakdown.scenes}
        self.characters = {one.key: one for one in breakdown.characters}
        self.performers = {one.key: one for one in breakdown.performers}
        self.twins = {one.key: one for one in breakdown.twins}
        self.places = {one.key: one.name for one in breakdown.locations}

    def money(self, value):
        return locales.money(value, self.given.breakdown.currency, self.locale)

    def cents(self, units):
        from licensing.money import smallest_unit

        return self.money(units * smallest_unit(self.given.breakdown.currency))

    def told(self):
        # Imported here: NumPy takes longer to import than all the rest.
        from valuation.schedule.paid import paid_as_planned, paid_in_person

        if not self.solution.is_possible:
            return {
                "conflict": [self._named(one) for one in self.solution.conflict],
                "conflict_is_least": self.solution.conflict_is_least,
                "stopped": self._stopped(),
            }
        figures, before = self.solution.figures, self.solution.in_person_figures
        paid = paid_as_planned(self.given, self.solution)
        paid_before = paid_in_person(self.given, self.solution)
        return {
            "headline": self.money((paid or figures).total),
            "is_paid": paid is not None,
            **self._less(paid_before, paid),
            "over_budget": self._over_budget(paid),
            "proof": self._proof(),
            "columns": [
                (_("All in person"),
                 self._column(before, self.solution.in_person, paid_before)),
                (_("This plan"), self._column(figures, self.solution.shooting, paid)),
            ],
            "rows": list(self._rows(paid_before, paid)) if paid else [],
            "lines": [self._line(one) for one in paid.lines] if paid else [],
            "weighed": [*self._rows(before, figures), (PlanCost.RISK.label, [
                self.money(before.of(PlanCost.RISK)), self.money(figures.of(PlanCost.RISK)),
            ])],
            "saved": [
                (one.label, range_of(one, self.given.breakdown.currency, self.locale))
                for one in self.solution.saved
            ],
            "calendars": self._calendar_proof(),
            **self._scenes(),
            "prices": [self._change(one) for one in self.solution.prices],
            "helpful": [self._change(one) for one in self.solution.helpful],
            "not_tried": self.solution.not_tried,
            "stopped": self._stopped(),
            "days": self._days(),
            "order": self._order_proof(),
        }  # fmt: skip

    def _proof(self):
        if self.solution.cost == self.solution.bound:
            return _("Weighed by the minute, no choice of parts is cheaper: that is proven.")
        return _("Weighed by the minute, another choice may cost %(gap)s less at most.") % {
            "gap": self.money(self.solution.cost - self.solution.bound)
        }

    def _stopped(self):
        """Tell which stages took too long, each to be searched less or given up."""
        return "; ".join(PlanStage(stage).label for stage in self.solution.stopped)

    def _orders(self):
        return [
            (_("In person"), self.solution.in_person), (_("This plan"), self.solution.shooting),
        ]  # fmt: skip

    def _order_proof(self):
        """Tell what performers are paid by the minute, and how far that is proven."""
        return [
            (
                _("%(name)s: performers are paid %(pay)s, of it %(hold)s for waiting; no order "
                  "is cheaper.")
                if shooting.proven
                else _("%(name)s: performers are paid %(pay)s, of it %(hold)s for waiting; any "
                       "order costs %(bound)s at least.")
            )
            % {
                "name": name,
                "pay": self.money(shooting.pay),
                "hold": self.money(shooting.hold),
                "bound": self.money(shooting.bound),
            }
            for name, shooting in self._orders()
        ]  # fmt: skip

    def _calendar_proof(self):
        """Tell what whole days cost, and how far that is proven."""
        return [
            (
                _("%(name)s: days cost %(cost)s; no calendar is cheaper.")
                if shooting.days_cost == shooting.days_bound
                else _("%(name)s: days cost %(cost)s; any calendar costs %(bound)s at least.")
            )
            % {
                "name": name,
                "cost": self.money(shooting.days_cost),
                "bound": self.money(shooting.days_bound),
            }
            for name, shooting in self._orders()
            if shooting.days is not None
        ]  # fmt: skip

    def _less(self, before, paid):
        """Tell what is paid less than with everybody in person, where both have days."""
        if before is None or paid is None:
            return {"less": None, "is_less": False}
        less = before.total - paid.total
        return {"less": self.money(abs(less)), "is_less": less >= 0}

    def _over_budget(self, paid):
        budget = self.given.terms.budget
        if paid is None or budget is None or paid.total <= budget:
            return ""
        return _(
            "That is %(more)s more than the budget, which bounds what the choice weighs: minutes, "
            "without waiting and moves."
        ) % {"more": self.money(paid.total - budget)}

    def _column(self, figures, shooting, paid):
        return {"days": figures.days, "asked": figures.asked,
                "total": paid and self.money(paid.total),
                "to_performers": paid and self.money(paid.to_performers),
                "weighed": self.money(figures.total),
                "risk": locales.quantity(figures.risk, self.locale),
                "no_days": shooting.no_days}  # fmt: skip

    def _rows(self, before, now):
        """Yield costs of both, kind by kind; the price of risk apart, for no money flows."""
        for kind in PlanCost:
            sums = [one and one.of(kind) for one in (before, now)]
            if kind != PlanCost.RISK and any(sums):
                yield kind.label, ["–" if one is None else self.money(one) for one in sums]

    def _line(self, line):
        from valuation.schedule.sheets.files import in_words

        return {
            "kind": line.kind.label,
            "about": line.about,
            "counted": in_words(line, lambda value: locales.quantity(value, self.locale)),
            "price": locales.unit_price(line.price, self.given.breakdown.currency, self.locale),
            "over": line.over if line.over > 1 else "",
            "amount": self.money(line.amount),
        }

    def _scenes(self):
        """Tell who plays what; scenes in which nobody has a choice stand apart."""
        parts = {}
        for part in self.solution.parts:
            parts.setdefault(part.scene, []).append(part)
        told = {"with_choice": [], "without_choice": []}
        for scene in self.given.breakdown.scenes:
            if played := parts.get(scene.key):
                has_choice = any(part.others or part.choice or part.locked for part in played)
                told["with_choice" if has_choice else "without_choice"].append(
                    {
                        "number": scene.number,
                        "heading": scene.heading,
                        "resonance": scene.resonance,
                        "proposed": scene.proposed,
                        "parts": [self._part(part) for part in played],
                    }
                )
        return told

    def _part(self, part):
        answer = part.answer
        return {
            "key": f"{part.scene}-{part.character}",
            "who": self.characters[part.character].name,
            "choice": self.choice(part.choice),
            "is_twin": bool(part.choice),
            "cost": self.money(part.cost),
            "locked": part.locked,
            "why": _why(answer),
            "others": [self._other(*other) for other in part.others],
        }

    def choice(self, key):
        if not key:
            return _("in person")
        twin = self.twins.get(key)
        return f"{twin.name} ({twin.tier.label})" if twin else key

    def _other(self, choice, cost, bars):
        return {
            "choice": self.choice(choice),
            "cost": self.money(cost),
            "bars": [Bar(bar).label for bar in bars],
        }

    def _named(self, one):
        cost = one.cost_without
        return {"name": one.name, "without": None if cost is None else self.money(cost)}

    def _change(self, one):
        saves = self.cents(one.saves)
        if one.by is None:
            text = _("Without it: %(name)s") % {"name": _lower_first(one.name)}
        else:
            by = (
                self.money(one.by)
                if one.kind == PlanLimit.BUDGET
                else f"{locales.quantity(one.by, self.locale)} {one.unit}"
            )
            less = one.kind == PlanLimit.SHARE
            text = (_("%(by)s less of: %(name)s") if less else _("%(by)s more of: %(name)s")) % {
                "by": by, "name": _lower_first(one.name),
            }  # fmt: skip
        return {"text": text, "saves": saves, "proven": one.proven}

    def _days(self):
        shooting = self.solution.shooting
        return [
            {
                "number": number,
                "on": locales.day(day.on, self.locale),
                "place": self.places.get(day.location, ""),
                "scenes": ", ".join(self.scenes[key].number for key in day.scenes),
                "work": ", ".join(self.performers[key].name for key in day.work),
                "hold": ", ".join(self.performers[key].name for key in day.hold),
            }
            for number, day in enumerate(shooting.days or (), start=1)
        ]


def _why(answer):
    """Tell what the desk decided and why; its reason mostly begins with what it decided."""
    if answer is None:
        return ""
    outcome = answer.outcome.label
    return answer.why if answer.why.startswith(outcome) else f"{outcome}. {answer.why}"


def _lower_first(text):
    return text[:1].lower() + text[1:]


def range_of(saved, currency, locale):
    """Say what is saved: one amount where it is proven, else from least to most."""
    if saved.proven:
        return locales.money(saved.middle, currency, locale)
    return _("%(middle)s, surely between %(low)s and %(high)s") % {
        "middle": locales.money(saved.middle, currency, locale),
        "low": locales.money(saved.low, currency, locale),
        "high": locales.money(saved.high, currency, locale),
    }


def _moved(results, locale):
    """Tell which parts the newest solution plays otherwise than the one before."""
    from valuation.schedule.comparison import moved
    from valuation.schedule.plans.computation import solution_of
    from valuation.schedule.solution import input_from_json

    newest, before = results
    told = _Told(newest, input_from_json(_inputs(newest)), solution_of(newest), locale)
    rows = []
    for one in moved(solution_of(before), solution_of(newest)):
        scene, character = told.scenes.get(one.scene), told.characters.get(one.character)
        if scene is None or character is None:
            continue
        rows.append(
            {
                "scene": scene.number,
                "who": character.name,
                "before": "–" if one.before is None else told.choice(one.before),
                "now": "–" if one.now is None else told.choice(one.now),
                "locked": one.locked,
            }
        )
    return rows


def compare(model_admin, request, plan, others):
    """Show plans of a screenplay side by side: all in person, this one, and one that is chosen."""
    asked = request.GET.get("with", "")
    other = others.filter(pk=asked).first() if asked.isascii() and asked.isdecimal() else None
    locale = locale_of_reader()
    columns = [_column_of(one, locale) for one in (plan, other) if one]
    return TemplateResponse(
        request,
        "admin/compare_plans.html",
        {
            **model_admin.admin_site.each_context(request),
            "title": _("%s, side by side") % plan,
            "opts": model_admin.opts,
            "plan": plan,
            "other": other,
            "others": others[:200],
            "in_person": next((one["in_person"] for one in columns if one.get("in_person")), None),
            "columns": columns,
        },
    )


def _column_of(plan, locale):
    result = plan.results.order_by("-pk").defer("inputs").first()
    if result is None or result.cost is None:
        return {"plan": plan, "result": result}
    told = solution_shown(result, locale)["told"]
    return {
        "plan": plan,
        "result": result,
        "in_person": told["columns"][0][1],
        "figures": told["columns"][1][1],
        "proof": told["proof"],
        "worth": _worth(plan, locale),
    }


def _worth(plan, locale):
    """Return V of the plan's scenario as it was valued last; None: never, or it has none."""
    if plan.scenario_id is None:
        return None
    valuation = (
        Valuation.objects.filter(scenario=plan.scenario_id, outcome__isnull=False)
        .order_by("-pk")
        .only("total", "currency", "scenario")
        .first()
    )
    if valuation is None:
        return None
    return valuation.pk, locales.money(valuation.total, valuation.currency, locale)
