"""Terms in words: what a cap, grant or rate card says, from the JSON that an amendment keeps."""

from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from licensing.models import DealTerms, Multiplier
from licensing.words import (
    Channel,
    ContributionPlan,
    ContributionsPaidBy,
    CutPeriod,
    Escalates,
    Exclusivity,
    GuaranteePeriod,
    Meter,
    PaidBackFrom,
    PayClass,
    Pricing,
    PromptClass,
    RetentionEnds,
    RoundQuantity,
)
from talent.admin.as_read import figure, said
from talent.territories import place_name
from talent.words import RepresentedBy, Right, Use

LABELS = {
    "meter": _("Meter"), "limit": _("Limit"), "channels": _("Channels"),
    "hard": _("Refuse past the limit"), "starts_on": _("Counts since"), "ends_on": _("Ends"),
    "right": _("Right"), "use": _("Use"), "territories": _("Territories"),
    "languages": _("Languages"), "real_time": _("Real time"),
    "rights": _("Rights"), "uses": _("Uses"), "prompt_classes": _("Prompt classes"),
    "effective_from": _("From"), "source": _("Source"), "multipliers": _("Multipliers"),
    "amount": _("Amount"), "period": _("Counts for"), "cut_period": _("In a cut period"),
    "label": _("What it is for"), "due_on": _("Due on"), "paid_back_from": _("Paid back"),
    "reserve_percent": _("Reserve, in percent"), "reserve_periods": _("Held for periods"),
    "reserve_cap": _("The most that is held"), "contribution_plan": _("Contribution plan"),
    "contribution_class": _("Its rate for"),
    "contributions_paid_by": _("Contributions are paid by"),
}  # fmt: skip
WORDS = {
    "meter": Meter,
    "right": Right,
    "use": Use,
    "period": GuaranteePeriod,
    "cut_period": CutPeriod,
    "paid_back_from": PaidBackFrom,
    "contribution_plan": ContributionPlan,
    "contribution_class": PayClass,
    "contributions_paid_by": ContributionsPaidBy,
    "exclusivity": Exclusivity,
    "represented_by": RepresentedBy,
    "retention_ends": RetentionEnds,
}
# What a term that is left empty means, where it is not "any".
EMPTY = {
    "ends_on": _("none"),
    "source": _("none"),
    "starts_on": _("from the start"),
    "reserve_cap": _("no limit"),
}
# Of deal terms, what is left empty was not agreed.
OF_THE_DEAL = {
    field.attname: field.verbose_name.capitalize()
    for field in DealTerms._meta.concrete_fields
    if field.name not in {"id", "agreement", "kind"}
}
LABELS |= {name: label for name, label in OF_THE_DEAL.items() if name not in LABELS}
LABELS["held_by"] = LABELS["held_by_id"]
EMPTY |= dict.fromkeys(OF_THE_DEAL, _("not agreed")) | {"held_by": _("the agency")}
AMOUNTS = {
    "free_quantity": _("%s of a period free"),
    "discount_percent": _("%s %% off"),
    "minimum": _("at least %s a period"),
    "maximum": _("at most %s a period"),
    "scale_portion": _("scale portion %s"),
}
CONDITIONS = {
    "rights": Right, "uses": Use, "territories": None, "languages": None, "channels": Channel,
    "prompt_classes": PromptClass,
}  # fmt: skip


def told(terms):
    """Yield the terms of a cap, a grant or a rate card in words."""
    for name, value in (terms or {}).items():
        if name == "held_by_id":
            continue  # Told by name.
        if name == "lines":
            for line in value:
                yield line["label"], _line_in_words(line)
        elif name == "multipliers":
            rows = (Multiplier(**row | {"factor": Decimal(row["factor"])}) for row in value)
            yield LABELS[name], ", ".join(map(str, rows)) or _("none")
        elif name == "escalators":
            for row in value:
                raised = ", ".join(str(Escalates(code).label).lower() for code in row["raises"])
                yield _("Escalator"), f"{row['named']}: {raised}"
        else:
            yield LABELS.get(name, name), worded(name, value)


def _line_in_words(line):
    """Say all that a rate line says; what has no effect is left out."""
    said = [*_prices(line), *_amounts(line), *_how_counted(line), *_only_where(line)]
    return "; ".join(map(str, said))


def _prices(line):
    meter, pricing = Meter(line["meter"]).label.lower(), Pricing(line["pricing"])
    if not line["brackets"]:
        yield f"{line['unit_price']} / {meter} ({pricing.label.lower()})"
    for row in line["brackets"]:
        fee = f" + {row['flat']}" if Decimal(row["flat"]) else ""
        yield f"≤ {row['up_to'] or '∞'} {meter}: {row['unit_price']}{fee}"
    if pricing == Pricing.PACKAGE:
        yield _("packages of %s") % line["package_size"]


def _amounts(line):
    for name, text in AMOUNTS.items():
        if Decimal(line.get(name) or 0):
            yield text % line[name]


def _how_counted(line):
    bounded = Decimal(line["minimum"]) or line.get("maximum") is not None
    if bounded or line["pricing"] == Pricing.FLAT:
        yield _("cut periods: %s") % CutPeriod(line["cut_period"]).label.lower()
    if line["round_quantity"] != RoundQuantity.NEVER:
        rounds = RoundQuantity(line["round_quantity"]).label.lower()
        yield _("%(rounds)s, in steps of %(step)s") % {"rounds": rounds, "step": line["round_to"]}


def _only_where(line):
    if line["charge_group"]:
        yield _("alternative in “%s”") % line["charge_group"]
    if line["unlicensed"]:
        yield _("for use outside the consent")
    for name, words in CONDITIONS.items():
        if line[name] is not None:
            codes = [words(code).label if words else said(name, code) for code in line[name]]
            yield f"{LABELS[name].lower()}: {', '.join(codes) or _('none')}"
    if line["production_id"]:
        yield _("for one production")


def worded(name, value):
    if value is None or value == "":
        return EMPTY.get(name, _("any"))
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if name in WORDS:
        return WORDS[name](value).label
    if name == "governing_law":
        return place_name(value)
    if name == "channels":
        return ", ".join(str(Channel(code).label) for code in value)
    if name == "limit":
        return figure(Decimal(value))
    return said(name, value)
