"""People: staff and their seats, performers, delegates, those who are paid."""

from datetime import UTC

from django import forms
from django.contrib import admin
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminEmailInputWidget

from talent import identifiers, outbox, shares
from talent.accounts import invitations
from talent.errors import Refused
from talent.models import (
    Agency,
    Beneficiary,
    Delegation,
    EstateShare,
    FactorRemoval,
    Membership,
    OutboxMessage,
    Performer,
    Representation,
    TaxCertificate,
    User,
)
from talent.models.outbox import OutboxMessageQuerySet
from talent.sign_in import factors
from talent.words import Delivery, Role

from .base import DeskAdmin, FactAdmin
from .columns import COUNTRY, percent
from .forms import DeskForm, DeskFormSet
from .lists import ExternalIdentifiers, OnePlace
from .parts import FactInline, PartsInline
from .shares import DatedShares
from .steps import ReasonForm, step
from .tenancy import seats_with
from .waiting import Waiting

admin.site.unregister(Group)


def normal_form(check, text):
    """Return `check(text)`, an identifier's normal form; empty for none. Raises ValidationError."""
    try:
        return check(text) if text else ""
    except Refused as refusal:
        raise ValidationError(str(refusal)) from refusal


class InvitationForm(forms.ModelForm):
    """Adds a user by inviting them by mail; they choose their own password."""

    class Meta:
        model = User
        fields = ["email", "first_name", "last_name", "locale", "time_zone", "is_staff"]


class FactorRemovalInline(FactInline):
    model = FactorRemoval
    fk_name = "user"
    fields = ["at", "names", "reason", "by"]
    readonly_fields = fields
    ordering = ["-pk"]
    verbose_name = _("removal of second factors")
    verbose_name_plural = _("second factors taken away")


@admin.register(User)
class UserAdmin(DeskAdmin):
    list_display = ["email", "full_name", "is_staff", "is_active", "last_login"]
    list_filter = ["is_staff", "is_active"]
    search_fields = ["email", "first_name", "last_name"]
    ordering = ["email"]
    fields = [
        "email", "first_name", "last_name", "locale", "time_zone", "is_staff", "is_active",
        "last_login", "date_joined",
    ]  # fmt: skip
    readonly_fields = ["last_login", "date_joined"]
    asks_again = True
    inlines = [FactorRemovalInline]
    actions = ["invite_again"]
    actions_detail = ["invite_again", "take_second_factor"]

    @admin.display(description=_("name"))
    def full_name(self, user):
        return user.get_full_name()

    def get_fields(self, request, obj=None):
        return self.fields if obj else InvitationForm.Meta.fields

    def save_model(self, request, obj, form, change):
        if change:
            super().save_model(request, obj, form, change)
            return
        obj.set_unusable_password()
        super().save_model(request, obj, form, change)
        self._invite(request, obj)

    @step(
        label=_("Take away the second factor"),
        icon="lock_reset",
        permission="talent.change_user",
        step_up=True,
        says=_(
            "For somebody who has lost phone, key and codes, once you are sure that it is they who "
            "ask. Passkeys, app, codes and links to an organisation end, and so do all their "
            "sessions. They get a mail, and set up a new one where one is needed."
        ),
        done=_("%(row)s signs in with the password alone until a new second factor is set up."),
        form=ReasonForm,
        facts=lambda user: [(_("Second factors"), ", ".join(factors.names_of(user)) or _("none"))],
        offered=lambda user: bool(factors.names_of(user)),
    )
    def take_second_factor(self, user, given):
        factors.take_away(user, at=given.at, by=given.by, reason=given.values["reason"])

    @step(
        label=_("Invite again by mail"),
        icon="mail",
        permission="talent.change_user",
        says=_("They get another mail with a link to choose a password. An earlier link ends."),
        done=_("%(row)s is invited. The link in the mail works for three days."),
        offered=lambda user: not user.has_usable_password(),
    )
    def invite_again(self, user, given):
        self._invite(given.request, user)

    def _invite(self, request, user):
        invitations.invite(
            email=user.email,
            by=request.user,
            at=timezone.now(),
            link=invitation_link(request),
            first_name=user.first_name,
            locale=user.locale,
            time_zone=user.time_zone,
        )


def invitation_link(request):
    """Return a function (code, token) that gives the absolute URL of the activation page."""

    def link(code, token):
        return request.build_absolute_uri(reverse("activate", args=[code, token]))

    return link


class PortalInvitationForm(forms.Form):
    email = forms.EmailField(label=_("Mail address"), widget=UnfoldAdminEmailInputWidget)


class ByMailForm(DeskForm):
    """Names a person by mail address, whether they have an account yet or not."""

    email = forms.EmailField(
        label=_("Mail address"),
        widget=UnfoldAdminEmailInputWidget,
        help_text=_("Whoever has no account yet is invited by mail."),
    )

    def clean(self):
        cleaned = super().clean()
        email = (cleaned.get("email") or "").strip().lower()
        if email:
            self.instance.user = User.objects.filter(email=email).first()
        return cleaned

    def _get_validation_exclusions(self):
        """Validate constraints on the user too, once the mail address has an account."""
        excluded = super()._get_validation_exclusions()
        return excluded - {"user"} if self.instance.user_id else excluded


class ByMailAdmin(DeskAdmin):
    """Rows about a person, who is named by mail address when the row is added."""

    opens_the_admin = False

    def get_form(self, request, obj=None, **kwargs):
        return super().get_form(request, obj, **({} if obj else {"form": ByMailForm}), **kwargs)

    def get_fields(self, request, obj=None):
        """Ask for a mail address when a row is added; show the user on a row that exists."""
        return [
            "email" if name == "user" and obj is None else name
            for name in super().get_fields(request, obj)
        ]

    def get_readonly_fields(self, request, obj=None):
        return [*super().get_readonly_fields(request, obj), *(["user"] if obj else [])]

    def save_model(self, request, obj, form, change):
        if not change:
            obj.user = invitations.let_in(
                email=form.cleaned_data["email"],
                by=request.user,
                at=timezone.now(),
                link=invitation_link(request),
                agency=self.agency_of(obj),
                staff=self.opens_the_admin,
            )
        super().save_model(request, obj, form, change)

    def agency_of(self, obj):
        """Return the name of the agency that the invitation mentions; empty: none."""
        return ""


class SecondFactorForm(forms.Form):
    roles = forms.MultipleChoiceField(
        label=_("Roles"),
        required=False,
        choices=[(role.value, role.label) for role in (Role.AGENT, Role.AUDITOR)],
        widget=forms.CheckboxSelectMultiple,
    )


def _roles(codes):
    return ", ".join(Role(code).label for code in codes or ()) or _("nobody else")


class MembershipInline(PartsInline):
    model = Membership
    autocomplete_fields = ["user"]


@admin.register(Agency)
class AgencyAdmin(DeskAdmin):
    agency_path = "pk"
    list_display = ["name", COUNTRY, "statement_period", "payment_days", "time_zone"]
    search_fields = ["name", "slug"]
    ordering = ["name"]
    prepopulated_fields = {"slug": ["name"]}
    inlines = [MembershipInline]
    actions_detail = ["ask_for_second_factor"]

    @step(
        label=_("Second factor for seats"),
        icon="verified_user",
        permission="talent.change_membership",
        step_up=True,
        says=_(
            "Seats of the roles you choose prove themselves twice, as business affairs and "
            "accounting do in any case. Whoever has set up none is led to it at the next page."
        ),
        done=_("%(row)s has changed who needs a second factor."),
        form=SecondFactorForm,
        facts=lambda agency: [(_("Needed today, too, by"), _roles(agency.second_factor_roles))],
    )
    def ask_for_second_factor(self, agency, given):
        agency.second_factor_roles = given.values["roles"] or None
        agency.save(update_fields=["second_factor_roles"])

    def get_prepopulated_fields(self, request, obj=None):
        return {} if obj else self.prepopulated_fields


@admin.register(Membership)
class MembershipAdmin(ByMailAdmin):
    asks_again = True
    agency_path = "agency"
    opens_the_admin = True
    fields = ["user", "agency", "role", "starts_on", "ends_on"]
    list_display = ["user", "agency", "role", "starts_on", "ends_on"]
    list_filter = ["role", "agency"]
    list_select_related = ["user", "agency"]
    search_fields = ["user__email", "agency__name"]
    ordering = ["agency__name", "user__email"]
    autocomplete_fields = ["agency"]

    def agency_of(self, membership):
        return membership.agency.name


class RepresentationFormSet(DeskFormSet):
    """Terms with agencies. `must_begin`: one of them is in force today."""

    must_begin = False

    def clean(self):
        super().clean()
        today = timezone.localdate(timezone=UTC)
        terms = [form.cleaned_data for form in self.forms if not self._should_delete_form(form)]
        if self.must_begin and not any(_is_in_force(term, today) for term in terms):
            text = _("An agency sees a performer while it represents them: enter your agency’s "
                     "representation, from today or earlier.")  # fmt: skip
            raise ValidationError(text)


def _is_in_force(term, today):
    starts_on, ends_on = term.get("starts_on"), term.get("ends_on")
    return starts_on is not None and starts_on <= today and (ends_on is None or ends_on > today)


class RepresentationInline(PartsInline):
    """Terms with agencies; who adds a performer for an agency enters its own with them."""

    model = Representation
    formset = RepresentationFormSet
    agency_path = "agency"
    autocomplete_fields = ["agency"]

    def get_min_num(self, request, obj=None, **kwargs):
        return 1 if self._is_first_term(request, obj) else None

    def get_formset(self, request, obj=None, **kwargs):
        formset = super().get_formset(request, obj, **kwargs)
        formset.must_begin = self._is_first_term(request, obj)
        return formset

    def _is_first_term(self, request, performer):
        is_new = performer is None or performer.pk is None
        return is_new and not request.user.is_superuser

    def first_term(self, request):
        """Return what a new performer's first term begins with."""
        agencies = list(seats_with(request.user, self._permission("add"))[:2])
        agency = {"agency": agencies[0].pk} if len(agencies) == 1 else {}
        return {**agency, "starts_on": timezone.localdate(timezone=UTC)}


class DelegationInline(PartsInline):
    model = Delegation
    fields = ["user", "kind", "powers", "authority", "starts_on", "ends_on"]
    readonly_fields = ["user"]
    show_change_link = True

    def has_add_permission(self, request, obj=None):
        """Refuse adding inline: a delegate is added by mail address, on a page of their own."""
        return False


class EstateShareInline(PartsInline):
    model = EstateShare
    autocomplete_fields = ["beneficiary"]


class PerformerForm(DeskForm):
    external_ids = ExternalIdentifiers(required=False, label=_("Other identifiers"))
    domicile = OnePlace(
        required=False,
        help_text=_("A country, or a part as “California, United States”; at death if deceased."),
    )

    class Meta:
        model = Performer
        fields = "__all__"

    def clean(self):
        cleaned = super().clean()
        if self.instance.pk and {"life", "died_on"} & set(self.changed_data) and not self.errors:
            self._refuse_to_pay_anew(cleaned["life"], cleaned["died_on"])
        return cleaned

    def _refuse_to_pay_anew(self, life, died_on):
        """Leave to the heirs' shares what would divide anew what was earned on past days."""
        day = shares.first_day_inherited_otherwise(self.instance, life=life, died_on=died_on)
        if day is not None and day < timezone.localdate():
            self.add_error(
                "died_on",
                _(
                    "This would divide anew what was earned from %(day)s on. Date the heirs’ "
                    "shares first: what reaches back is approved by somebody else. Then save this."
                )
                % {"day": formats.date_format(day)},
            )

    def clean_isni(self):
        return normal_form(identifiers.isni, self.cleaned_data["isni"])

    def clean_hand_id(self):
        return normal_form(identifiers.hand_id, self.cleaned_data["hand_id"])


@admin.register(Performer)
class PerformerAdmin(DatedShares, DeskAdmin):
    agency_path = "representations__agency"
    form = PerformerForm
    list_display = ["name", "life_label", "guild", "domicile", "user"]
    list_filter = ["life", "guild"]
    list_select_related = ["user"]
    search_fields = ["name", "legal_name", "isni", "hand_id"]
    ordering = ["name", "pk"]
    autocomplete_fields = ["user"]
    inlines = [RepresentationInline, DelegationInline, EstateShareInline]
    fieldsets = [
        (None, {"fields": ["name", "legal_name", "life", "born_on", "died_on", "domicile"]}),
        (_("Guild"), {"fields": ["guild", "guild_number"]}),
        (_("Identifiers"), {"fields": ["isni", "hand_id", "external_ids"]}),
        (_("Portal"), {"fields": ["user"]}),
    ]

    actions_detail = ["invite", "add_delegate"]

    def get_readonly_fields(self, request, obj=None):
        """Show who uses the portal: staff let somebody in by mail, and never choose them."""
        return [] if request.user.is_superuser else ["user"]

    def get_formset_kwargs(self, request, obj, inline, prefix):
        options = super().get_formset_kwargs(request, obj, inline, prefix)
        is_new = obj is None or obj.pk is None
        if isinstance(inline, RepresentationInline) and is_new and request.method == "GET":
            options["initial"] = [inline.first_term(request)]
        return options

    @step(
        label=_("Invite to the portal"),
        icon="mail",
        permission="talent.change_performer",
        says=_(
            "They get a mail with a link, choose a password, and find their twins, uses and "
            "statements in the portal."
        ),
        done=_("%(row)s is invited by mail. The link in it works for three days."),
        form=PortalInvitationForm,
        facts=lambda performer: [(_("Portal account now"), performer.user or _("none"))],
    )
    def invite(self, performer, given):
        invitations.invite(
            email=given.values["email"],
            by=given.by,
            at=given.at,
            link=invitation_link(given.request),
            performer=performer,
        )

    @action(description=_("Add a delegate"), permissions=["invite"], icon="supervisor_account")
    def add_delegate(self, request, object_id):
        """Redirect to the page that adds a delegate of this performer."""
        return redirect(f"{reverse('admin:talent_delegation_add')}?performer={int(object_id)}")

    def has_invite_permission(self, request, object_id=None):
        performer = object_id and self.get_object(request, object_id)
        return self.has_change_permission(request, performer or None)

    @display(
        description=_("life"),
        ordering="life",
        label={"Living": "success", "Deceased": "info", "Minor": "warning"},
    )
    def life_label(self, performer):
        return performer.get_life_display()

    def save_related(self, request, form, formsets, change):
        """Give a new performer the beneficiary through whom it is paid."""
        with transaction.atomic():
            super().save_related(request, form, formsets, change)
            performer = form.instance
            if not change:
                Beneficiary.objects.get_or_create(
                    performer=performer, defaults={"name": performer.legal_name or performer.name}
                )


@admin.register(Representation)
class RepresentationAdmin(DeskAdmin):
    agency_path = "agency"
    list_display = ["performer", "agency", percent("commission_percent"), "starts_on", "ends_on"]
    list_filter = ["agency"]
    list_select_related = ["performer", "agency"]
    search_fields = ["performer__name", "agency__name"]
    ordering = ["performer__name", "-starts_on"]
    autocomplete_fields = ["performer", "agency"]


@admin.register(Delegation)
class DelegationAdmin(ByMailAdmin):
    agency_path = "performer__representations__agency"
    fields = ["user", "performer", "kind", "powers", "authority", "starts_on", "ends_on"]
    list_display = ["user", "performer", "kind", "powers", "starts_on", "ends_on"]
    list_filter = ["kind"]
    list_select_related = ["user", "performer"]
    search_fields = ["user__email", "performer__name"]
    ordering = ["performer__name", "pk"]
    autocomplete_fields = ["performer"]


class HeirFormSet(DeskFormSet):
    """Of whom somebody is the heir. `must_be_known`: else nobody at an agency sees them."""

    must_be_known = False

    def clean(self):
        super().clean()
        payee = self.instance
        shares = [form for form in self.forms if form.has_changed()]
        if self.must_be_known and not (payee.performer_id or payee.agency_id or shares):
            raise ValidationError(_("Say whose money this is: a performer’s, your agency’s, or an "
                                    "heir’s, and whose heir they are."))  # fmt: skip


class HeirOfInline(PartsInline):
    model = EstateShare
    formset = HeirFormSet
    agency_path = "performer__representations__agency"
    verbose_name = _("share in an estate")
    verbose_name_plural = _("heir of")
    autocomplete_fields = ["performer"]

    def get_extra(self, request, obj=None, **kwargs):
        return 0 if obj else 1

    def get_formset(self, request, obj=None, **kwargs):
        formset = super().get_formset(request, obj, **kwargs)
        formset.must_be_known = not (request.user.is_superuser or (obj and obj.pk))
        return formset


class TaxCertificateInline(PartsInline):
    model = TaxCertificate


@admin.register(Beneficiary)
class BeneficiaryAdmin(DatedShares, DeskAdmin):
    asks_again = True
    agency_path = "performer__representations__agency"
    list_display = ["name", "performer", "agency", "payee_of", "user"]
    list_select_related = ["performer", "agency", "payee_of", "user"]
    search_fields = ["name", "performer__name"]
    ordering = ["name", "pk"]
    autocomplete_fields = ["performer", "agency", "payee_of", "user"]
    inlines = [HeirOfInline, TaxCertificateInline]

    def at_agencies(self, agencies):
        return (
            Q(agency__in=agencies)
            | Q(payee_of__in=agencies)
            | Q(performer__representations__agency__in=agencies)
            | Q(estates__performer__representations__agency__in=agencies)
        )

    def get_readonly_fields(self, request, obj=None):
        return [] if request.user.is_superuser else ["user"]


@admin.register(EstateShare)
class EstateShareAdmin(DeskAdmin):
    asks_again = True
    agency_path = "performer__representations__agency"
    list_display = ["performer", "beneficiary", "weight"]
    list_select_related = ["performer", "beneficiary"]
    search_fields = ["performer__name", "beneficiary__name"]
    ordering = ["performer__name", "pk"]
    autocomplete_fields = ["performer", "beneficiary"]


@admin.register(TaxCertificate)
class TaxCertificateAdmin(DeskAdmin):
    asks_again = True
    agency_path = "beneficiary__performer__representations__agency"
    list_display = ["beneficiary", "form", "residence", percent("withholding_percent"), "signed_on"]
    list_filter = ["form"]
    list_select_related = ["beneficiary"]
    search_fields = ["beneficiary__name"]
    ordering = ["beneficiary__name", "-signed_on"]
    autocomplete_fields = ["beneficiary"]


class FailedMails(Waiting):
    label = _("Failed, and nobody has let it be")
    narrow = OutboxMessageQuerySet.failed


@admin.register(OutboxMessage)
class OutboxMessageAdmin(FactAdmin):
    list_display = ["recipient", "subject", "status", "attempts", "created_at", "sent_at"]
    list_filter = [FailedMails, "status"]
    search_fields = ["recipient", "subject"]
    ordering = ["-pk"]
    when_empty = _("No mail was written yet.")
    # The body of an invitation contains the link that activates the account.
    exclude = ["body"]
    actions = actions_detail = ["send_again", "let_be"]

    @step(
        label=_("Send again"),
        icon="replay",
        permission="talent.change_outboxmessage",
        says=_("The mail is sent once more as it was written, and tried as long as a new one."),
        done=_("%(row)s leaves again within half a minute."),
        offered=lambda message: message.status == Delivery.FAILED.value,
        facts=lambda message: [
            (_("To"), message.recipient),
            (_("Subject"), message.subject),
            (_("What went wrong"), message.last_error),
        ],
    )
    def send_again(self, message, given):
        outbox.send_again(message_id=message.pk, at=given.at)

    @step(
        label=_("Let it be"),
        icon="do_not_disturb_on",
        permission="talent.change_outboxmessage",
        says=_("Nobody is told by it any more, and it no longer stands among what failed."),
        done=_("%(row)s stays as it is."),
        offered=lambda message: message.status == Delivery.FAILED.value and not message.let_be_at,
        facts=lambda message: [
            (_("To"), message.recipient),
            (_("Subject"), message.subject),
            (_("What went wrong"), message.last_error),
        ],
    )
    def let_be(self, message, given):
        outbox.let_be(message_id=message.pk, at=given.at)
