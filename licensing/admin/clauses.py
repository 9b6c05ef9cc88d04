"""Clauses: the desk's library to read, and an agency's own, published version by version."""

from django import forms
from django.contrib import admin
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from licensing.agreements.clauses import clause_library
from licensing.agreements.clauses.placeholders import PLACEHOLDERS
from licensing.agreements.document import clause_versions
from licensing.models import Clause, RuleSet
from licensing.models.documents import OWN
from licensing.words import DealKind
from talent.admin.base import FactAdmin
from talent.admin.forms import DeskForm
from talent.errors import Refused
from talent.territories import place_name
from talent.words import Guild, Life, Tier

PARTS = {"kinds": DealKind, "tiers": Tier, "guilds": Guild, "lives": Life}


def _any_of(label, words):
    return forms.MultipleChoiceField(
        label=label, choices=words.choices(), required=False,
        widget=forms.CheckboxSelectMultiple, help_text=_("None chosen: to any."),
    )  # fmt: skip


def _named(words, code):
    return place_name(code) if words is None else words(code).label


class ClauseForm(DeskForm):
    """A clause of an agency's own, or the next version of one by the same code."""

    code = forms.SlugField(
        label=_("Code"), max_length=60, widget=UnfoldAdminTextInputWidget,
        help_text=_("A short name that stays. That of a clause makes its next version."),
    )  # fmt: skip
    section = forms.ChoiceField(label=_("Stands under"), widget=UnfoldAdminSelectWidget)
    kinds = _any_of(_("Kinds of deal"), DealKind)
    tiers = _any_of(_("Tiers"), Tier)
    guilds = _any_of(_("Guilds"), Guild)
    lives = _any_of(_("Performers"), Life)

    class Meta:
        model = Clause
        fields = ["agency", "code", "section", "title", "body", "gloss", "required", "in_use"]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if "agency" in self.fields:
            self.fields["agency"].required = True
            self.fields["agency"].help_text = _("Whose own clause it is.")
        if "section" in self.fields:
            sections = dict.fromkeys(one.section for one in clause_library.read_library())
            self.fields["section"].choices = [(name, name) for name in sections]

    def clean_body(self):
        body = self.cleaned_data["body"]
        try:
            clause_library.check(body, where=str(_("The clause")))
        except Refused as refusal:
            raise forms.ValidationError(str(refusal)) from refusal
        return body

    def _post_clean(self):
        """Leave what the model asks for to publishing, which gives code and version."""

    def applies(self):
        """Return to which deals it applies, as it is stored."""
        return {name: self.cleaned_data[name] for name in PARTS if self.cleaned_data.get(name)}


@admin.register(Clause)
class ClauseAdmin(FactAdmin):
    """Words of a version never change: whoever wants others publishes the next version."""

    agency_path = "agency"
    form = ClauseForm
    for_programs = ("code",)
    list_display = ["title", "section", "version", "whose", "required", "in_use", "published_at"]
    list_filter = ["section", "required", "in_use"]
    list_select_related = ["agency"]
    search_fields = ["code", "title", "body"]
    ordering = ["section", "code", "-version"]
    when_empty = _("The library is loaded with the first document that is drawn.")

    def has_add_permission(self, request):
        return request.user.is_superuser or request.user.has_perm("licensing.add_clause")

    def get_fieldsets(self, request, obj=None):
        if obj is None:
            return [
                (None, {"fields": ["agency", "code", "section", "title"]}),
                (_("Words"), {"fields": ["body", "terms", "gloss"]}),
                (_("Applies to"), {"fields": [*PARTS, "required", "in_use"]}),
            ]
        return [
            (None, {"fields": ["title", "section", "version", "whose", "body", "gloss"]}),
            (_("Applies to"), {"fields": ["deals", "required", "in_use", "mirrored", "source"]}),
            (_("Published"), {"fields": ["published_at", "published_by", "code"]}),
        ]

    def get_readonly_fields(self, request, obj=None):
        return ["terms", "whose", "deals", "mirrored"]

    @admin.display(description=_("whose"))
    def whose(self, clause):
        return clause.agency or _("the desk's library")

    @admin.display(description=_("deals"))
    def deals(self, clause):
        """Say to which deals it applies, part by part."""
        said = [
            ", ".join(_named(clause_library.APPLIES_TO[part], code) for code in codes)
            for part, codes in clause.applies.items()
        ]
        return "; ".join(said) or _("every deal")

    @admin.display(description=_("rules that it mirrors"))
    def mirrored(self, clause):
        rules = RuleSet.objects.filter(code__in=clause.mirrors).order_by("code")
        titles = rules.distinct("code").values_list("title", flat=True)
        return ", ".join(titles) or _("none")

    @admin.display(description=_("terms it may name"))
    def terms(self, clause):
        names = ((f"{{{{ {one.name} }}}}", one.label) for one in PLACEHOLDERS.values())
        return format_html_join("", "<div><code>{}</code> {}</div>", names)

    def save_model(self, request, obj, form, change):
        """Publish it as the next version of its code."""
        values = form.cleaned_data
        names = ("agency", "section", "title", "body", "gloss", "required", "in_use")
        made = clause_versions.publish(
            **{name: values[name] for name in names},
            code=OWN + values["code"],
            applies=form.applies(),
            at=timezone.now(),
            by=request.user,
        )
        obj.pk, obj._state.adding, obj.version = made.pk, False, made.version
