"""Webhooks in the admin: endpoints, what was sent to them, and what came back."""

import json

from django import forms
from django.contrib import admin, messages
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from licensing.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint
from licensing.webhooks import deliveries, endpoints
from licensing.words import Announcement
from talent.admin.base import DeskAdmin, FactAdmin, FactInline
from talent.errors import Refused

STAFF = "Switched off by staff."


class EndpointForm(forms.ModelForm):
    kinds = forms.TypedMultipleChoiceField(
        label=_("Is told of"),
        coerce=Announcement,
        choices=[(kind.value, kind.label) for kind in Announcement if kind.is_chosen],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=_("A licensee hears only what concerns its own use, never of statements."),
    )

    class Meta:
        model = WebhookEndpoint
        fields = ["agency", "terms", "url", "kinds"]

    def clean(self):
        values = super().clean()
        agency = values.get("agency") or getattr(self.instance, "agency", None)
        terms = values.get("terms")
        if terms and agency and terms.agency_id != agency.pk:
            self.add_error("terms", _("These terms are with another agency."))
        try:
            if "url" in values:
                values["url"] = endpoints.allowed_url(values["url"])
            endpoints.allowed_kinds(values.get("kinds") or [], terms or self.instance.terms)
        except Refused as refusal:
            wrong = "kinds" if isinstance(refusal, endpoints.NoKindChosen) else "url"
            if wrong not in self.errors:
                self.add_error(wrong, str(refusal))
        return values


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(DeskAdmin):
    agency_path = "agency"
    form = EndpointForm
    list_display = ["url", "whose", "agency", "standing", "last_delivered_at"]
    list_filter = ["agency"]
    list_select_related = ["agency", "terms__licensee"]
    search_fields = ["url", "terms__licensee__name"]
    ordering = ["url", "pk"]
    when_empty = _("Nobody is told anything yet. Add an address, and what it should hear of.")
    autocomplete_fields = ["agency", "terms"]
    fields = ["agency", "terms", "url", "kinds"]
    # The fields that an endpoint's page only shows.
    about = ("standing", "off_because", "last_delivered_at", "created_at", "created_by")
    actions = ["send_test", "renew_secret", "switch_off", "switch_on"]

    @admin.display(description=_("receiver"), ordering="terms__licensee__name")
    def whose(self, endpoint):
        return endpoint.terms.licensee if endpoint.terms else _("the agency itself")

    @display(description=_("standing"), label={"on": "success", "off": "danger"})
    def standing(self, endpoint):
        return "off" if endpoint.disabled_at else "on"

    @admin.display(description=_("switched off because"))
    def off_because(self, endpoint):
        return endpoint.disabled_because or "–"

    def get_fields(self, request, obj=None):
        if obj is None:
            return self.fields
        return ["agency", "whose", "url", "kinds", *self.about]

    def get_readonly_fields(self, request, obj=None):
        return ("agency", "whose", *self.about) if obj else ()

    def save_model(self, request, obj, form, change):
        chosen = form.cleaned_data
        if change:
            endpoints.change(endpoint_id=obj.pk, url=chosen["url"], kinds=chosen["kinds"])
            return
        added = endpoints.add(
            agency_id=obj.agency_id,
            terms=obj.terms,
            url=chosen["url"],
            kinds=chosen["kinds"],
            at=timezone.now(),
            by=request.user,
        )
        obj.pk = added.endpoint.pk
        self._show(request, added)

    def _show(self, request, added):
        text = _("The secret of %(url)s, shown this once: %(secret)s")
        values = {"url": added.endpoint.url, "secret": added.secret}
        self.message_user(request, text % values, messages.WARNING)

    @admin.action(description=_("Send a test"), permissions=["change"])
    def send_test(self, request, queryset):
        now = timezone.now()
        self.apply_to_each(
            request,
            self._changeable(request, queryset),
            lambda row: endpoints.send_test(endpoint_id=row.pk, at=now),
            _("A test to %(row)s leaves within half a minute; see the deliveries."),
        )

    @admin.action(
        description=_("New secret: the old one signs a day longer"), permissions=["change"]
    )
    def renew_secret(self, request, queryset):
        for endpoint in self._changeable(request, queryset):
            self._show(request, endpoints.rotate(endpoint_id=endpoint.pk, at=timezone.now()))

    @admin.action(description=_("Switch off"), permissions=["change"])
    def switch_off(self, request, queryset):
        now = timezone.now()
        self.apply_to_each(
            request,
            self._changeable(request, queryset),
            lambda row: endpoints.disable(endpoint_id=row.pk, because=STAFF, at=now),
            _("%(row)s is switched off."),
        )

    @admin.action(description=_("Switch on"), permissions=["change"])
    def switch_on(self, request, queryset):
        self.apply_to_each(
            request,
            self._changeable(request, queryset),
            lambda row: endpoints.enable(endpoint_id=row.pk),
            _("%(row)s is switched on; what waits leaves within half a minute."),
        )

    def _changeable(self, request, queryset):
        return self.rows_allowed(request, queryset, "licensing.change_webhookendpoint")

    def has_delete_permission(self, request, obj=None):
        return False


class AttemptInline(FactInline):
    model = WebhookAttempt
    fields = ["attempted_at", "status", "milliseconds", "answer", "error"]
    readonly_fields = fields
    ordering = ["-pk"]


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(FactAdmin):
    agency_path = "endpoint__agency"
    list_display = ["number", "kind", "url", "standing", "attempts", "created_at",
                    "next_attempt_at"]  # fmt: skip
    list_filter = ["status", "message__kind", "endpoint"]
    list_select_related = ["endpoint", "message"]
    search_fields = ["message__code", "endpoint__url"]
    ordering = ["-pk"]
    when_empty = _(
        "Nothing was sent yet. What an address is told of stands here, with every attempt."
    )
    fields = ["number", "kind", "url", "standing", "attempts", "created_at", "next_attempt_at",
              "payload"]  # fmt: skip
    readonly_fields = fields
    inlines = [AttemptInline]
    actions = ["send_again"]

    @admin.display(description=_("message"), ordering="message__code")
    def number(self, delivery):
        return delivery.message.code

    @admin.display(description=_("news"), ordering="message__kind")
    def kind(self, delivery):
        return delivery.message.get_kind_display()

    @admin.display(description=_("address"), ordering="endpoint__url")
    def url(self, delivery):
        return delivery.endpoint.url

    @display(
        description=_("standing"),
        ordering="status",
        label={"Sent": "success", "Waiting": "warning", "Failed": "danger"},
    )
    def standing(self, delivery):
        return delivery.get_status_display()

    @admin.display(description=_("as sent"))
    def payload(self, delivery):
        return format_html("<pre>{}</pre>", json.dumps(delivery.message.data, indent=2))

    @admin.action(description=_("Send again"), permissions=["send_again"])
    def send_again(self, request, queryset):
        now = timezone.now()
        self.apply_to_each(
            request,
            self.rows_allowed(request, queryset, "licensing.change_webhookendpoint"),
            lambda row: deliveries.send_again(delivery_id=row.pk, at=now),
            _("%(row)s leaves again within half a minute."),
        )

    def has_send_again_permission(self, request):
        return request.user.has_perm("licensing.change_webhookendpoint")
