"""The forms of the wizard: each reads and writes the fields of its own step, and nothing else.

What nobody touched keeps what the draft has, as everywhere in the admin.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.forms.boundfield import BoundField
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from licensing.agreements.wizard import drafting, offered, priced
from licensing.agreements.wizard.drafting import PriceSought
from licensing.agreements.wizard.kinds import kind_of_deal
from licensing.models import Agreement, DealTerms
from licensing.quantities import measured
from licensing.words import Channel, DealKind, Exclusivity, Factor, Meter
from talent.admin import lists
from talent.admin.forms import sent, shown
from talent.admin.scopes import Languages, Listed, Territories
from talent.consent.matrix import CellKey
from talent.consent.scope import Scope, is_known_language, limit_in_words
from talent.models import Agency, DigitalTwin, Performer
from talent.periods import FIRST_YEAR, LAST_YEAR, NAMES, local_day, starts_at
from talent.territories import is_known_place
from talent.words import Exclusion

from .draft import Draft

DAY = timedelta(days=1)
ROWS_OF_TEXT = 3
MOST_DIGITS, MOST_PLACES = 20, 6
HUNDRED = Decimal(100)
LONGEST_KEY = 9


class DayInput(UnfoldAdminTextInputWidget):
    """A day, chosen by the browser's own calendar."""

    input_type = "date"

    def format_value(self, value: Any) -> Any:
        return value.isoformat() if isinstance(value, date) else value


class StepForm(forms.Form):
    """The fields of one step. `instance` and `own_fields` are what telling two editors apart asks.

    `fixed` says in words what is not asked here any more.
    """

    columns: ClassVar[dict[type, tuple[str, ...]]] = {}

    def __init__(self, data: Any, *, draft: Draft, admin: Any) -> None:
        self.draft, self.admin = draft, admin
        self.instance = draft.agreement
        super().__init__(data, initial=None)
        self.add_fields()

    @property
    def own_fields(self) -> list[str]:
        return list(self.fields)

    @property
    def agreement(self) -> Agreement:
        return self.draft.agreement

    def add_fields(self) -> None:
        """Add what depends on the draft."""

    def add_columns(self, row: Any, names: Iterable[str], model: type) -> None:
        """Add fields for columns of a row, as the admin's other forms have them."""
        for name in names:
            column = model._meta.get_field(name)
            field = field_of(self.admin, column, self.draft.request)
            field.initial = _value_of(row, column) if row is not None else field.initial
            self.fields[name] = field

    def is_touched(self, name: str) -> bool:
        bound = self[name]
        return not bound.field.disabled and sent(bound, self.data) != shown(bound)

    def kept(self, name: str, current: Any) -> Any:
        """Return what was sent for a field that was touched, else what there is."""
        if not self.is_touched(name):
            return current
        value = self.cleaned_data.get(name)
        return value.replace("\r\n", "\n") if isinstance(value, str) else value

    def row(self, name: str) -> BoundField:
        return self[name]

    def save(self) -> None:
        """Write what was sent. Raises Refused."""
        raise NotImplementedError


def field_of(admin: Any, column: Any, request: Any) -> forms.Field:
    """Return the field of a column as the admin has it, without links to pages in windows."""
    field: forms.Field = admin.formfield_for_dbfield(column, request)
    if isinstance(field.widget, RelatedFieldWidgetWrapper):
        field.widget = field.widget.widget
    if isinstance(field.widget, forms.Textarea):
        field.widget.attrs["rows"] = ROWS_OF_TEXT
    return field


def _value_of(row: Any, column: Any) -> Any:
    if column.many_to_many:
        return [each.pk for each in getattr(row, column.name).all()]
    return column.value_from_object(row)


# 1 Who and what


class WhoForm(StepForm):
    """Between whom, over which twin, for which productions."""

    ASKED: ClassVar = ("agency", "licensee", "twin", "productions", "reference")

    def add_fields(self) -> None:
        row = self.agreement
        self.add_columns(row, self.ASKED, Agreement)
        self.fields["agency"].disabled = True
        self.fields["productions"].required = False

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        _refuse_strangers(self, self.agreement.agency, data, self.agreement)
        return data

    def save(self) -> None:
        data, row = self.cleaned_data, self.agreement
        drafting.set_parties(
            row,
            licensee=data["licensee"],
            twin=data["twin"],
            productions=self.kept("productions", row.productions.all()),
            reference=self.kept("reference", row.reference),
        )


class NewForm(forms.Form):
    """The same, of an agreement that is not there yet."""

    def __init__(self, data: Any, *, admin: Any, request: Any) -> None:
        super().__init__(data)
        for name in WhoForm.ASKED:
            column = Agreement._meta.get_field(name)
            self.fields[name] = field_of(admin, column, request)
        proposed = admin.get_changeform_initial_data(request)
        for name in self.fields.keys() & proposed.keys():
            if is_key(str(proposed[name])):
                self.fields[name].initial = proposed[name]
        self.fields["productions"].required = False
        reference = self.fields["reference"]
        reference.required = False
        reference.help_text = _("Left empty: the agency's next number.")

    def clean(self) -> dict[str, Any]:
        """Refuse parties that have nothing to do with each other."""
        data = super().clean()
        if data.get("agency"):
            _refuse_strangers(self, data["agency"], data, None)
        return data


def is_key(text: str) -> bool:
    """Tell whether an address names a row by what could be its key."""
    return text.isascii() and text.isdecimal() and len(text) <= LONGEST_KEY


def _refuse_strangers(form: Any, agency: Any, data: dict[str, Any], row: Agreement | None) -> None:
    """Refuse who has nothing to do with the agency, and a reference that is taken."""
    licensee, twin = data.get("licensee"), data.get("twin")
    if licensee and not licensee.terms.filter(agency=agency).exists():
        text = _("%(agency)s has no terms with it yet: add its licensee terms first.")
        form.add_error("licensee", text % {"agency": agency})
    if twin and not _works_for(agency, twin):
        text = _("%(agency)s does not represent this twin: choose one of its own.")
        form.add_error("twin", text % {"agency": agency})
    others = [
        one for one in data.get("productions") or () if licensee and one.licensee_id != licensee.pk
    ]
    if others:
        text = _("Not of this licensee: %(names)s. Take them out, or choose another licensee.")
        names = ", ".join(sorted(map(str, others)))
        form.add_error("productions", text % {"names": names})
    taken = Agreement.objects.filter(agency=agency, reference=data.get("reference") or "")
    if data.get("reference") and taken.exclude(pk=row and row.pk).exists():
        form.add_error("reference", _("The agency has an agreement of this name: choose another."))


def _works_for(agency: Agency, twin: DigitalTwin) -> bool:
    """Tell whether an agency represents a twin's performer today, or owns the persona."""
    if twin.agency_id == agency.pk:
        return True
    represented = Performer.objects.represented_by(Agency.objects.filter(pk=agency.pk))
    return represented.filter(pk=twin.performer_id).exists()


# 2 Which deal


class DealForm(StepForm):
    """The kind of deal, its term, its money and its law."""

    def add_fields(self) -> None:
        row, deal = self.agreement, self.draft.deal
        self.fields["kind"] = forms.ChoiceField(
            label=_("Kind of deal"),
            choices=DealKind.choices(),
            widget=forms.RadioSelect,
            initial=deal and deal.kind,
            help_text=_("It proposes what the next steps begin with. You may change all of it."),
        )
        self.add_columns(row, ["description"], Agreement)
        self.fields["description"].required = False
        self.fields["starts_on"] = _day_field(
            _("First day"), local_day(row.starts_at, row.time_zone)
        )
        self.fields["ends_on"] = _day_field(
            _("Last day"),
            local_day(row.ends_at - DAY / 2, row.time_zone) if row.ends_at else None,
            required=False,
            help_text=_("Left empty: it goes on until somebody ends it."),
        )
        self.add_columns(row, drafting.OF_THE_AGREEMENT[1:], Agreement)
        if deal is None:
            usual = _("as the kind of deal usually has it")
            engagement = self.fields["engagement"]
            engagement.choices = [("", usual), *(one for one in engagement.choices if one[0])]
            engagement.initial, engagement.required = "", False
        self.add_columns(deal, drafting.OF_THE_DEAL[1:], DealTerms)
        law = lists.OnePlace(
            label=_("Governing law"),
            required=False,
            initial=deal.governing_law if deal else row.agency.country,
            help_text=_("A country or a part of one: California, United States."),
        )
        self.fields["governing_law"] = law

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        begins, ends = data.get("starts_on"), data.get("ends_on")
        if begins and ends and ends < begins:
            self.add_error("ends_on", _("It lies before the first day: choose that day or later."))
        category = data.get("exclusivity") == Exclusivity.CATEGORY
        if category and not data.get("exclusive_in"):
            self.add_error("exclusive_in", _("Name the categories, or choose another exclusivity."))
        return data

    def save(self) -> None:
        row, deal = self.agreement, self.draft.deal
        terms = {name: self.kept(name, getattr(row, name)) for name in drafting.OF_THE_AGREEMENT}
        if not self.cleaned_data["engagement"]:
            terms["engagement"] = kind_of_deal(self.cleaned_data["kind"]).engagement.value
        zone_moves = terms["time_zone"] != row.time_zone
        of_deal = {
            name: self.cleaned_data.get(name)
            if deal is None
            else self.kept(name, getattr(deal, name))
            for name in drafting.OF_THE_DEAL
        }
        drafting.set_deal(
            row,
            terms=terms,
            deal=of_deal,
            starts=self._starts(terms["time_zone"], anew=zone_moves),
            ends=self._ends(terms["time_zone"], anew=zone_moves),
        )

    def _starts(self, zone: str, *, anew: bool) -> datetime:
        if not anew and not self.is_touched("starts_on"):
            return self.agreement.starts_at
        return starts_at(self.cleaned_data["starts_on"], zone)

    def _ends(self, zone: str, *, anew: bool) -> datetime | None:
        if not anew and not self.is_touched("ends_on"):
            return self.agreement.ends_at
        last = self.cleaned_data["ends_on"]
        return starts_at(last + DAY, zone) if last else None


def _day_field(label: str, initial: date | None, **more: Any) -> forms.DateField:
    field = forms.DateField(label=label, initial=initial, widget=DayInput, **more)
    field.validators.append(_refuse_far_years)
    return field


def _refuse_far_years(day: date) -> None:
    if not FIRST_YEAR <= day.year < LAST_YEAR:
        text = _("This year is a slip: years go from %(first)d to %(last)d.")
        raise forms.ValidationError(text % {"first": FIRST_YEAR, "last": LAST_YEAR - 1})


# 3 What may be done


class GrantsForm(StepForm):
    """Which rights for which uses, and within what."""

    def add_fields(self) -> None:
        draft, bounds = self.draft, offered.bounds_of(self.draft.grants)
        self.granted = {
            (grant.right, grant.use): offered.scope_granted(grant) for grant in draft.grants
        }
        self.fields["cells"] = forms.MultipleChoiceField(
            label=_("What may be done"),
            choices=[(".".join(key), draft.offers[key].name) for key in offered.KEYS],
            widget=forms.CheckboxSelectMultiple,
            initial=[".".join(key) for key in self._begin_with()],
            error_messages={
                "required": _("Tick at least one: what is not ticked is not licensed.")
            },
        )
        self.fields["territories"] = Territories(
            label=_("Where"),
            required=False,
            initial=bounds.territories,
            help_text=_(
                "Countries and groups by name: France, the European Union. Left empty: wherever "
                "the consent allows."
            ),
        )
        self.fields["territories_excluded"] = Territories(
            label=_("Except in"), required=False, initial=bounds.territories_excluded
        )
        self.fields["languages"] = Languages(
            label=_("In which languages"),
            required=False,
            initial=bounds.languages,
            help_text=_("By name: English, French. Left empty: each that the consent allows."),
        )
        self.fields["real_time"] = forms.BooleanField(
            label=_("Also generated in real time"),
            required=False,
            initial=bounds.real_time if draft.grants else self._proposes_real_time(),
            disabled=not self._may_be_live(),
        )
        self.fields["channels"] = forms.MultipleChoiceField(
            label=_("On which channels"),
            choices=Channel.choices(),
            widget=forms.CheckboxSelectMultiple,
            required=False,
            initial=sorted(bounds.channels or ()),
            help_text=_("None ticked: each that the consent allows."),
        )
        self.fields["brands"] = Listed(
            label=_("For which brands"),
            required=False,
            initial=bounds.brands,
            help_text=_(
                "By their names in the desk, with commas. Left empty: any that the consent does "
                "not leave out."
            ),
        )
        self.fields["exclusions"] = forms.MultipleChoiceField(
            label=_("Content left out, beside what the consent leaves out"),
            choices=Exclusion.choices(),
            widget=forms.CheckboxSelectMultiple,
            required=False,
            initial=sorted(bounds.exclusions),
        )

    def _begin_with(self) -> list[CellKey]:
        """Return what is granted; of a draft that grants nothing yet, what its kind is about."""
        if self.granted or self.draft.kind is None:
            return list(self.granted)
        offers = self.draft.offers
        return [key for key in self.draft.kind.cells if offers[key].may_be_granted]

    def _proposes_real_time(self) -> bool:
        kind = self.draft.kind
        return bool(kind and kind.real_time) and self._may_be_live()

    def _may_be_live(self) -> bool:
        return any(
            one.may_be_granted and one.cell.scope.real_time for one in self.draft.offers.values()
        )

    def clean_territories(self) -> frozenset[str]:
        return self._places("territories")

    def clean_territories_excluded(self) -> frozenset[str]:
        return self._places("territories_excluded")

    def clean_languages(self) -> frozenset[str]:
        tags: frozenset[str] = self.cleaned_data["languages"]
        return _known(tags, is_known_language)

    def _places(self, name: str) -> frozenset[str]:
        return _known(self.cleaned_data[name], is_known_place)

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        self.scopes: dict[CellKey, Scope] = {}
        if self.errors:
            return data
        keys = [key_of(text) for text in data["cells"]]
        if self.writes_anew:
            within, refused = drafting.grants_within(
                self.agreement, self.draft.offers, keys, self.bounds()
            )
        else:
            new = [key for key in keys if key not in self.granted]
            within, refused = drafting.grants_within(
                self.agreement, self.draft.offers, new, self.bounds()
            )
            within |= {key: self.granted[key] for key in keys if key in self.granted}
        for reasons in refused.values():
            for reason in reasons:
                self.add_error("cells", reason)
        self.scopes = within
        return data

    @property
    def writes_anew(self) -> bool:
        """Whether the bounds were touched, so that they count for every grant."""
        return any(self.is_touched(name) for name in self.fields if name != "cells")

    def bounds(self) -> offered.Bounds:
        data = self.cleaned_data
        return offered.Bounds(
            territories=data["territories"] or None,
            territories_excluded=data["territories_excluded"],
            languages=data["languages"] or None,
            channels=frozenset(data["channels"]) or None,
            brands=data["brands"] or None,
            exclusions=frozenset(data["exclusions"]),
            real_time=data["real_time"],
        )

    def shown_scopes(self) -> dict[CellKey, Scope]:
        """Return the scope of each cell that is ticked on the page, as far as it can be read."""
        if self.is_bound and self.is_valid():
            return self.scopes
        if self.is_bound:
            data = getattr(self, "cleaned_data", {})
            keys = [key_of(text) for text in data.get("cells", ())]
        else:
            keys = self._begin_with()
        bounds = offered.bounds_of(self.draft.grants)
        if not self.draft.grants:
            bounds = offered.Bounds(real_time=self._proposes_real_time())
        return {
            key: self.granted.get(key) or offered.bounded(bounds, self.draft.offers[key].cell.scope)
            for key in keys
        }

    def save(self) -> None:
        drafting.set_grants(self.agreement, self.scopes, anew=self.writes_anew)


def key_of(text: str) -> CellKey:
    right, _dot, use = text.partition(".")
    return right, use


def _known(codes: frozenset[str], is_known: Any) -> frozenset[str]:
    unknown = sorted(code for code in codes if not is_known(code))
    if unknown:
        text = _("Not known here: %(names)s. Choose from the names of the desk.")
        raise forms.ValidationError(text % {"names": ", ".join(unknown)})
    return codes


# 4 What it costs


def _figure(label: Any, initial: Any = None, **more: Any) -> forms.DecimalField:
    return lists.PlainDecimal(
        label=label,
        required=False,
        initial=initial,
        min_value=0,
        max_digits=MOST_DIGITS,
        decimal_places=MOST_PLACES,
        widget=UnfoldAdminDecimalFieldWidget,
        **more,
    )


LEAST_STEPS = 2


class PricesForm(StepForm):
    """What a unit of each meter costs, and by which factors."""

    def add_fields(self) -> None:
        self.meters = [row for row in self.draft.meters if not row.elsewhere]
        self.steps: dict[str, int] = {}
        self.live_proposed = None
        if self.draft.several_cards:
            return
        for row in self.meters:
            self._add_meter(row)
        card = self.draft.card
        live = priced.factor_of(card, Factor.REAL_TIME)
        self.live_proposed = priced.real_time_factor(self.agreement, self.draft.rules)
        if self.draft.in_real_time or live is not None:
            proposed = self.live_proposed if card is None else None
            initial = live if live is not None else proposed and proposed.amount
            self.fields["real_time_factor"] = _figure(
                _("Times the price where it is generated in real time"), initial
            )
        alone = priced.factor_of(card, Factor.EXCLUSIVITY)
        deal = self.draft.deal
        if alone is not None or (deal and deal.exclusivity != Exclusivity.NONE):
            self.fields["exclusivity_factor"] = _figure(
                _("Times the price where it is exclusive"), alone
            )

    def _add_meter(self, row: priced.PricedMeter) -> None:
        code, line = row.meter.value, row.line
        unit = str(row.meter.label).lower()
        one = measured(Decimal(1), code)
        prices = _steps_of(line)
        start = prices[0][1] if prices else None
        if start is None and row.by_default and row.proposed:
            start = row.proposed.amount
        self.fields[f"price_{code}"] = _figure(_("Price of %s") % one, start)
        count = max(LEAST_STEPS, len(prices) - 1)
        self.steps[code] = count
        for place in range(1, count + 1):
            after = prices[place - 1][0] if place < len(prices) else None
            price = prices[place][1] if place < len(prices) else None
            words = {"unit": unit, "place": place}
            self.fields[f"after_{code}_{place}"] = _figure(
                _("%(unit)s: step %(place)d, above so many a period") % words, after
            )
            self.fields[f"then_{code}_{place}"] = _figure(
                _("%(unit)s: step %(place)d, price from there on") % words, price
            )
        self.fields[f"minimum_{code}"] = _figure(
            _("At least, a period"), (line.minimum or None) if line else None
        )
        floor = row.highest_floor
        scale = line.scale_portion * HUNDRED if line else None
        if scale is None and floor is not None and start == floor.amount:
            scale = HUNDRED
        self.fields[f"scale_{code}"] = _figure(
            _("Of it guild scale, in percent"),
            scale or None,
            max_value=HUNDRED,
            help_text=_("That part carries no commission."),
        )

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        self.prices = [
            price for row in self.meters if (price := self._price_of(row.meter.value)) is not None
        ]
        for name in ("real_time_factor", "exclusivity_factor"):
            if data.get(name) == 0:
                self.add_error(name, _("Say a factor above zero, or leave it empty."))
        return data

    def _price_of(self, code: str) -> PriceSought | None:
        data = self.cleaned_data
        unit, least = data.get(f"price_{code}"), data.get(f"minimum_{code}")
        steps = self._steps_sent(code)
        if unit is None:
            if steps or least:
                self.add_error(f"price_{code}", _("Say what one costs; 0 if the first are free."))
            return None
        brackets: list[tuple[Decimal | None, Decimal]] = []
        if steps:
            tops: list[Decimal | None] = [after for after, _price in steps]
            costs = [unit, *(price for _after, price in steps)]
            brackets = list(zip([*tops, None], costs, strict=True))
        scale = (data.get(f"scale_{code}") or Decimal(0)) / HUNDRED
        return PriceSought(
            code, Decimal(0) if brackets else unit, tuple(brackets), least or Decimal(0), scale
        )

    def _steps_sent(self, code: str) -> list[tuple[Decimal, Decimal]]:
        steps: list[tuple[Decimal, Decimal]] = []
        for place in range(1, self.steps[code] + 1):
            after = self.cleaned_data.get(f"after_{code}_{place}")
            then = self.cleaned_data.get(f"then_{code}_{place}")
            if after is None and then is None:
                continue
            if after is None or then is None:
                missing = f"after_{code}_{place}" if after is None else f"then_{code}_{place}"
                if missing not in self.errors:
                    self.add_error(missing, _("Say both: above how many, and the price."))
                continue
            if after == 0 or (steps and after <= steps[-1][0]):
                self.add_error(
                    f"after_{code}_{place}", _("Say more than the step before ends with.")
                )
                continue
            steps.append((after, then))
        return steps

    def rows(self) -> list[dict[str, Any]]:
        """Return the meters for the template, each with its fields."""
        return [
            {
                "meter": row,
                "price": self[f"price_{row.meter.value}"],
                "steps": [
                    (
                        self[f"after_{row.meter.value}_{place}"],
                        self[f"then_{row.meter.value}_{place}"],
                    )
                    for place in range(1, self.steps[row.meter.value] + 1)
                ],
                "minimum": self[f"minimum_{row.meter.value}"],
                "scale": self[f"scale_{row.meter.value}"],
                "open": any(
                    self[name].errors or self[name].initial is not None
                    for name in self.fields
                    if name.startswith(f"after_{row.meter.value}_")
                    or name in (f"minimum_{row.meter.value}", f"scale_{row.meter.value}")
                ),
                "usual": self._is_usual(row),
            }
            for row in self.meters
        ]

    def _is_usual(self, row: priced.PricedMeter) -> bool:
        kind = self.draft.kind
        return row.line is not None or (kind is not None and row.meter.value in kind.meters)

    def factors(self) -> list[BoundField]:
        names = ("real_time_factor", "exclusivity_factor")
        return [self[name] for name in names if name in self.fields]

    def save(self) -> None:
        if self.draft.several_cards:
            return
        drafting.set_prices(
            self.agreement,
            self.prices,
            real_time=self.cleaned_data.get("real_time_factor"),
            exclusivity=self.cleaned_data.get("exclusivity_factor"),
            source=self._source(),
        )

    def _source(self) -> str:
        """Return where the prices come from: that of a proposal which is taken as it is."""
        card = self.draft.card
        if card is not None:
            return card.source
        taken = [
            row.proposed.source
            for row in self.meters
            if row.proposed
            and self.cleaned_data.get(f"price_{row.meter.value}") == row.proposed.amount
        ]
        return "; ".join(dict.fromkeys(taken))[:300]


def _steps_of(line: Any) -> list[tuple[Decimal | None, Decimal]]:
    """Return up to where each price of a line goes; one without end for a price by unit."""
    if line is None:
        return []
    rows = sorted(line.brackets.all(), key=lambda row: (row.up_to is None, row.up_to or 0))
    return [(row.up_to, row.unit_price) for row in rows] or [(None, line.unit_price)]


# 5 Limits

REFUSE, CHARGE = "refuse", "charge"


class LimitsForm(StepForm):
    """The most of each meter in a fiscal year."""

    def add_fields(self) -> None:
        row = self.agreement
        caps = {cap.meter: cap for cap in row.caps.all() if cap.channels is None}
        self.on_channels = [cap for cap in row.caps.all() if cap.channels is not None]
        limits = offered.limits_of(
            self.draft.offers, [(grant.right, grant.use) for grant in self.draft.grants]
        )
        self.consented: dict[str, list[str]] = {}
        for name, limit in limits:
            self.consented.setdefault(limit.meter, []).append(f"{name}: {limit_in_words(limit)}")
        lines = [line.meter for card in row.rate_cards.all() for line in card.lines.all()]
        self.meters = list(dict.fromkeys([*lines, *caps, *self.consented]))
        for code in self.meters:
            cap = caps.get(code)
            label = str(Meter(code).label)
            self.fields[f"limit_{code}"] = _figure(
                _("%s, at most a year") % label, cap and cap.limit
            )
            self.fields[f"past_{code}"] = forms.ChoiceField(
                label=_("%s, past the limit") % label,
                choices=[(REFUSE, _("refused")), (CHARGE, _("counted as overage"))],
                initial=CHARGE if cap and not cap.hard else REFUSE,
                widget=UnfoldAdminSelectWidget,
            )
        self.fields["fiscal_year_start_month"] = forms.TypedChoiceField(
            label=_("The fiscal year begins in"),
            choices=[(str(place), name) for place, name in enumerate(NAMES, 1)],
            coerce=int,
            initial=str(row.fiscal_year_start_month),
            widget=UnfoldAdminSelectWidget,
        )

    def rows(self) -> list[dict[str, Any]]:
        return [
            {
                "name": Meter(code).label,
                "limit": self[f"limit_{code}"],
                "past": self[f"past_{code}"],
                "consented": self.consented.get(code, ()),
            }
            for code in self.meters
        ]

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        for code in self.meters:
            if data.get(f"limit_{code}") == 0:
                text = _("Say more than nothing, or leave it empty: what is not granted is step 3.")
                self.add_error(f"limit_{code}", text)
        return data

    def save(self) -> None:
        data = self.cleaned_data
        limits = {
            code: (data[f"limit_{code}"], data[f"past_{code}"] == REFUSE)
            for code in self.meters
            if data[f"limit_{code}"] is not None
        }
        drafting.set_limits(
            self.agreement, limits, year_start_month=data["fiscal_year_start_month"]
        )


# 6 Capture and retention

GROUPS: tuple[tuple[Any, tuple[str, ...]], ...] = (
    (
        gettext_lazy("Who spoke for the performer"),
        ("represented_by", "counsel_name", "counsel_firm", "court_approval"),
    ),
    (
        gettext_lazy("Capture"),
        ("captures", "capture_boundary", "capture_reason", "capture_notice_hours"),
    ),
    (gettext_lazy("Keeping and destroying"), ("held_by", "retention_ends", "retention_days")),
    (
        gettext_lazy("Reports and money"),
        ("usage_report_days", "statement_days", "payment_days", "late_interest_percent"),
    ),
    (
        gettext_lazy("Audit and confidentiality"),
        (
            "audit_notice_days", "audit_years_back", "audit_shortfall_percent",
            "confidential_years",
        ),
    ),
    (
        gettext_lazy("Withdrawal, end and renewal"),
        (
            "removal_right", "withdrawal_notice_days", "cure_days", "renewal_notice_days",
            "transfer_answer_days",
        ),
    ),
)  # fmt: skip


class HandlingForm(StepForm):
    """What else the text says: capture, retention, audit, reports, who spoke for the performer."""

    def add_fields(self) -> None:
        self.add_columns(self.draft.deal, drafting.asked_for_handling(), DealTerms)
        kind = self.draft.kind
        for name, source in (kind.because if kind else {}).items():
            field = self.fields.get(name)
            if field is not None and field.initial == kind.terms.get(name):
                field.help_text = f"{field.help_text} {source}.".strip()

    def groups(self) -> list[tuple[Any, list[BoundField]]]:
        grouped = {name for _title, names in GROUPS for name in names}
        rest = [name for name in self.fields if name not in grouped]
        named = [*GROUPS, (_("What the audience is told, and the rest"), tuple(rest))]
        return [
            (title, [self[name] for name in names if name in self.fields]) for title, names in named
        ]

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if data.get("represented_by") == "counsel" and not (data.get("counsel_name") or "").strip():
            self.add_error("counsel_name", _("Name the counsel who represented the performer."))
        return data

    def save(self) -> None:
        deal = self.draft.deal
        touched = {name: self.kept(name, None) for name in self.fields if self.is_touched(name)}
        if deal is not None and touched:
            drafting.set_handling(self.agreement, touched)


class ChecksForm(StepForm):
    """Asks for nothing: what is asked is checked here, drawn and sent."""

    def save(self) -> None:
        """Nothing is written here."""
