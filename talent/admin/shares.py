"""Shares where they are edited: from today on at once, for days before by two people."""

from django.contrib import messages
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from talent import shares
from talent.models import CompositeSource, EarlierOwner, EstateShare
from talent.shares import Subject

from .parts import PartsInline

SHARES = (CompositeSource, EstateShare, EarlierOwner)


class _WouldPayAnew(Exception):
    """Stops the save of shares that would change who is paid for days that have passed."""


class DatedShares:
    """An admin on whose page shares are edited."""

    def save_formset(self, request, form, formset, change):
        if formset.model not in SHARES:
            super().save_formset(request, form, formset, change)
            return
        subjects = _subjects(formset)
        shares.lock(subjects)
        before = {subject: shares.rows_of(subject) for subject in subjects}
        after = {}
        try:
            with transaction.atomic():
                super().save_formset(request, form, formset, change)
                after = {subject: shares.rows_of(subject) for subject in subjects}
                if any(_pays_anew(one, before[one], after[one]) for one in subjects):
                    raise _WouldPayAnew
        except _WouldPayAnew:
            for subject in subjects:
                if before[subject] != after[subject]:
                    self._write(request, subject, before[subject], after[subject])

    def _write(self, request, subject, before, after):
        change = shares.write(subject, before, after, by=request.user, at=timezone.now())
        url = reverse("admin:talent_sharechange_change", args=[change.pk])
        text = _(
            "These shares would divide anew what was earned on days that have passed, so they were "
            'not changed. <a class="desk-link" href="{}">See what it would claw back, and ask for '
            "it</a>; somebody else approves."
        )
        self.message_user(request, format_html(str(text), url), messages.WARNING)


def _subjects(formset):
    """Return whose shares the rows of a formset are, before and after what was typed."""
    rows = []
    for form in formset.forms:
        if form.instance.pk is not None or form.has_changed():
            rows.append(form.instance)
            if form.instance.pk is not None:
                rows.append(formset.model._base_manager.get(pk=form.instance.pk))
    return {shares.subject_of(row) for row in rows if _is_of_somebody(row)}


def _is_of_somebody(row):
    return getattr(row, "performer_id" if isinstance(row, EstateShare) else "twin_id") is not None


def _pays_anew(subject: Subject, before, after):
    """Tell whether shares change who was paid for days before today."""
    if not before and shares.nobody_was_paid_before(subject):
        return False
    day = shares.first_day_changed(subject.about, before, after)
    return day is not None and day < timezone.localdate()


class EarlierOwnerInline(PartsInline):
    model = EarlierOwner
    autocomplete_fields = ["beneficiary"]
    ordering = ["ends_on"]
    verbose_name_plural = _("earlier owners")
