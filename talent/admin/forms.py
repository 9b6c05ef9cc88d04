"""The form behind every page of the admin: it changes what somebody touched, and nothing else.

A page shows less than a row keeps: a time without its microseconds, a text with the browser's line
ends, a link to a row that the reader may not see. So a field is compared with what a browser sends
back of it untouched, and an untouched one keeps what the row has.
"""

from collections.abc import Iterator
from functools import cached_property
from typing import Any, ClassVar

from django import forms
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.forms.boundfield import BoundField
from django.forms.models import InlineForeignKeyField, ModelMultipleChoiceField
from django.http import QueryDict
from unfold.forms import PaginationInlineFormSet

ON = "on"


class DeskForm(forms.ModelForm):
    """A form of one row. What nobody touched is neither checked nor written.

    `meanwhile` is what others changed since the page was read; nothing is saved then.
    """

    meanwhile: ClassVar[list[str]] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            if not self.instance._state.adding:
                _offer_what_is_set(field, self.initial.get(name))

    @cached_property
    def own_fields(self) -> list[str]:
        """The fields for columns of a row that exists, without its keys."""
        if self.instance._state.adding:
            return []
        meta = self._meta.model._meta
        columns = {field.name for field in [*meta.concrete_fields, *meta.many_to_many]}
        columns -= {meta.pk.name}
        return [
            name
            for name, field in self.fields.items()
            if name in columns and not isinstance(field, InlineForeignKeyField)
        ]

    @cached_property
    def changed_data(self) -> list[str]:
        own = set(self.own_fields)
        return [
            name
            for name, bound in self._bound_items()
            if (self.is_touched(bound) if name in own else bound._has_changed())
        ]

    def is_touched(self, bound: BoundField) -> bool:
        return not bound.field.disabled and sent(bound, self.data) != shown(bound)

    def _clean_fields(self) -> None:
        touched, every = set(self.changed_data), self.fields
        untouched = [name for name in self.own_fields if name not in touched]
        self.cleaned_data |= {name: _kept(self.instance, name) for name in untouched}
        self.fields = {name: field for name, field in every.items() if name not in untouched}
        try:
            super()._clean_fields()
        finally:
            self.fields = every

    def _clean_form(self) -> None:
        super()._clean_form()
        for text in self.meanwhile:
            self.add_error(None, text)


class DeskFormSet(PaginationInlineFormSet):
    """Rows on their parent's page. Rows in `locked` are shown, and stay as they are."""

    locked: ClassVar[frozenset[Any]] = frozenset()

    def get_page_num(self) -> int:
        """Return which page of rows is asked for; the first for what is no number, such as “²”."""
        try:
            return int(super().get_page_num())
        except ValueError:
            return 1

    def add_fields(self, form: forms.ModelForm, index: int | None) -> None:
        """Take only keys of rows that the page shows: Django takes any key, and ignores it."""
        super().add_fields(form, index)
        name = self.model._meta.pk.name
        if isinstance(form.fields.get(name), forms.ModelChoiceField):
            form.fields[name] = RowOfThisPage(self, initial=form.fields[name].initial)

    def _construct_form(self, i: int, **kwargs: Any) -> forms.ModelForm:
        form = super()._construct_form(i, **kwargs)
        if form.instance.pk in self.locked:
            for name in form.own_fields:
                form.fields[name].disabled = True
        return form

    def clean(self) -> None:
        """Say on each row what is wrong with the parts that hang off it: pages list those."""
        super().clean()
        for form in self.forms:
            if self._should_delete_form(form):
                continue
            for part in getattr(form, "nested_formsets", []):
                for text in _errors_of(part.formset):
                    form.add_error(None, text)

    def _should_delete_form(self, form: forms.ModelForm) -> bool:
        return form.instance.pk not in self.locked and super()._should_delete_form(form)


def _errors_of(formset: DeskFormSet) -> list[str]:
    return [] if formset.is_valid() else [*formset.non_form_errors(), *_errors_of_rows(formset)]


def _errors_of_rows(formset: DeskFormSet) -> Iterator[str]:
    for form in formset.forms:
        for name, texts in form.errors.items():
            label = form.fields[name].label if name in form.fields else ""
            yield from (f"{label}: {text}" if label else text for text in texts)


class RowOfThisPage(forms.ModelChoiceField):
    """The key of a row in a formset, which has read its rows already."""

    widget = forms.HiddenInput

    def __init__(self, formset: DeskFormSet, **options: Any) -> None:
        self.formset = formset
        super().__init__(formset.model._base_manager.none(), required=False, **options)

    def to_python(self, value: Any) -> models.Model | None:
        if value in self.empty_values:
            return None
        try:
            row = self.formset._existing_object(self.formset.model._meta.pk.to_python(value))
        except ValidationError:
            row = None
        if row is None:
            message, values = self.error_messages["invalid_choice"], {"value": value}
            raise ValidationError(message, code="invalid_choice", params=values)
        return row


# What a browser sends


def shown(bound: BoundField) -> list[str]:
    """Return what a browser sends back for a field that nobody touched."""
    return _as_sent(bound.field.widget, bound.field.prepare_value(bound.initial))


def sent(bound: BoundField, data: QueryDict) -> list[str]:
    """Return what a browser sent for a field, in the same form."""
    widget = _plain(bound.field.widget)
    if isinstance(widget, forms.MultiWidget):
        return [_text(data.get(name, "")) for name in names_of(bound)]
    values = data.getlist(bound.html_name)
    if isinstance(widget, forms.CheckboxInput):
        return [ON] if widget.value_from_datadict(data, {}, bound.html_name) else []
    return _in_order(values)


def names_of(bound: BoundField) -> list[str]:
    """Return the names under which a browser sends a field."""
    widget = _plain(bound.field.widget)
    if isinstance(widget, forms.MultiWidget):
        return [bound.html_name + suffix for suffix in widget.widgets_names]
    return [bound.html_name]


def send(bound: BoundField, values: list[str], data: QueryDict) -> None:
    """Write into a form's data what a browser would send for such a field."""
    names = names_of(bound)
    if len(names) == 1:
        data.setlist(names[0], values)
        return
    for name, value in zip(names, values, strict=True):
        data[name] = value


def worded(bound: BoundField, values: list[str]) -> str:
    """Say in words what a field shows or was sent."""
    field = bound.field
    if isinstance(_plain(field.widget), forms.CheckboxInput):
        return "yes" if values else "no"
    if isinstance(field, forms.ModelChoiceField):
        rows = field.queryset.model._base_manager.in_bulk([key for key in values if key])
        values = [str(rows.get(field.queryset.model._meta.pk.to_python(key), "")) for key in values]
    elif isinstance(field, forms.ChoiceField):
        labels = {str(value): str(label) for value, label in _flat(field.choices)}
        values = [labels.get(value, value) for value in values]
    return ", ".join(value for value in values if value) or "–"


def _flat(choices: Any) -> Iterator[tuple[Any, Any]]:
    for value, label in choices:
        if isinstance(label, list | tuple):
            yield from label
        else:
            yield value, label


def _as_sent(widget: forms.Widget, value: Any) -> list[str]:
    widget = _plain(widget)
    if isinstance(widget, forms.MultiWidget):
        parts = value if isinstance(value, list | tuple) else widget.decompress(value)
        pairs = zip(widget.widgets, parts, strict=True)
        return ["".join(_as_sent(part, given)) for part, given in pairs]
    if isinstance(widget, forms.CheckboxInput):
        return [ON] if widget.check_test(value) else []
    written = widget.format_value(value)
    return _in_order(written if isinstance(written, list | tuple) else [written])


def _in_order(values: Any) -> list[str]:
    """Leave out what is empty: a browser sends an empty field as empty text or not at all."""
    return sorted(text for value in values if value is not None and (text := _text(value)))


def _text(value: Any) -> str:
    """Write line ends one way: a browser sends its own."""
    return str(value).replace("\r\n", "\n")


def _plain(widget: forms.Widget) -> forms.Widget:
    return widget.widget if isinstance(widget, RelatedFieldWidgetWrapper) else widget


def _offer_what_is_set(field: forms.Field, current: Any) -> None:
    """Offer beside what the reader may choose what the row names already."""
    if not isinstance(field, forms.ModelChoiceField) or not current:
        return
    keys = [getattr(row, "pk", row) for row in current] if _is_multiple(field) else [current]
    rows = field.queryset
    field.queryset = rows.model._base_manager.filter(
        Q(pk__in=rows.order_by().values("pk")) | Q(pk__in=keys)
    ).order_by(*rows.query.order_by)


def _is_multiple(field: forms.Field) -> bool:
    return isinstance(field, ModelMultipleChoiceField)


def _kept(row: models.Model, name: str) -> Any:
    value = getattr(row, name)
    return value.all() if isinstance(row._meta.get_field(name), models.ManyToManyField) else value
