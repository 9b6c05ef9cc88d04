"""Webhooks in the admin: endpoints, what was sent to them, and what came back."""

from django import forms
from django.contrib import admin
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from licensing.admin import as_sent
from licensing.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint
from licensing.models.webhooks import STAFF, WebhookDeliveryQuerySet, WebhookEndpointQuerySet
from licensing.webhooks import deliveries, endpoints
from licensing.words import Announcement
from talent.admin.base import DeskAdmin, FactAdmin
from talent.admin.columns import moment
from talent.admin.forms import DeskForm
from talent.admin.parts import FactInline
from talent.admin.steps import ShownOnce, step
from talent.admin.waiting import Waiting
from talent.errors import Refused
from talent.words import Delivery


class EndpointForm(DeskForm):
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
            if "url" in values and "url" in self.changed_data:
                values["url"] = endpoints.allowed_url(values["url"])
            endpoints.allowed_kinds(values.get("kinds") or [], terms or self.instance.terms)
        except Refused as refusal:
            wrong = "kinds" if isinstance(refusal, endpoints.NoKindChosen) else "url"
            if wrong not in self.errors:
                self.add_error(wrong, str(refusal))
        return values


class GivenUp(Waiting):
    label = _("Switched off by the desk")
    narrow = WebhookEndpointQuerySet.given_up


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(DeskAdmin):
    agency_path = "agency"
    form = EndpointForm
    list_display = ["url", "whose", "agency", "standing", "last_delivered_at"]
    list_filter = [GivenUp, "agency"]
    list_select_related = ["agency", "terms__licensee"]
    search_fields = ["url", "terms__licensee__name"]
    ordering = ["url", "pk"]
    when_empty = _("Nobody is told anything yet. Add an address, and what it should hear of.")
    autocomplete_fields = ["agency", "terms"]
    fields = ["agency", "terms", "url", "kinds"]
    # The fields that an endpoint's page only shows.
    about = ("standing", "off_because", "last_delivered_at", "created_at", "created_by")
    actions = actions_detail = [
        "send_test", "renew_secret", "switch_off", "switch_on", "leave_off",
    ]  # fmt: skip

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
        if change and form.changed_data:
            endpoints.change(endpoint_id=obj.pk, url=chosen["url"], kinds=chosen["kinds"])
        if change:
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
        request.made = _secret(added)

    def response_add(self, request, obj, post_url_continue=None):
        """Show the secret that adding made, instead of going on."""
        back = reverse("admin:licensing_webhookendpoint_change", args=[obj.pk])
        return self.show_once(request, [request.made], back=back)

    @step(
        label=_("Send a test"),
        icon="send",
        permission="licensing.change_webhookendpoint",
        says=_("A message goes there that says only that it is a test."),
        done=_("A test to %(row)s leaves within half a minute; see the deliveries."),
        offered=lambda endpoint: endpoint.disabled_at is None,
        facts=lambda endpoint: _about(endpoint),
    )
    def send_test(self, endpoint, given):
        endpoints.send_test(endpoint_id=endpoint.pk, at=given.at)

    @step(
        label=_("New secret"),
        icon="key",
        permission="licensing.change_webhookendpoint",
        step_up=True,
        says=_(
            "A new secret is made and shown once, on the next page. For a day messages carry the "
            "signatures of both, so that the receiver can change over; then the old one ends."
        ),
        done=_("%(row)s has a new secret."),
        facts=lambda endpoint: _about(endpoint),
    )
    def renew_secret(self, endpoint, given):
        return _secret(endpoints.rotate(endpoint_id=endpoint.pk, at=given.at))

    @step(
        label=_("Switch off"),
        icon="toggle_off",
        permission="licensing.change_webhookendpoint",
        says=_("Nothing is sent there until it is switched on again. News wait meanwhile."),
        done=_("%(row)s is switched off. Its messages wait."),
        offered=lambda endpoint: endpoint.disabled_at is None,
        facts=lambda endpoint: _about(endpoint),
    )
    def switch_off(self, endpoint, given):
        endpoints.disable(endpoint_id=endpoint.pk, because=STAFF, at=given.at)

    @step(
        label=_("Switch on"),
        icon="toggle_on",
        permission="licensing.change_webhookendpoint",
        says=_("What waits is sent there within half a minute, the oldest first."),
        done=_("%(row)s is switched on; what waits leaves within half a minute."),
        offered=lambda endpoint: endpoint.disabled_at is not None,
        facts=lambda endpoint: _about(endpoint),
    )
    def switch_on(self, endpoint, given):
        endpoints.enable(endpoint_id=endpoint.pk)

    @step(
        label=_("Leave it off"),
        icon="do_not_disturb_on",
        permission="licensing.change_webhookendpoint",
        says=_(
            "The desk switched it off, since nothing could be delivered there. It stays off, and "
            "no longer stands among what needs a decision."
        ),
        done=_("%(row)s stays off. Its messages wait."),
        offered=lambda endpoint: endpoint.disabled_at and endpoint.disabled_because != STAFF,
        facts=lambda endpoint: _about(endpoint),
    )
    def leave_off(self, endpoint, _given):
        endpoints.leave_off(endpoint_id=endpoint.pk)

    def has_delete_permission(self, request, obj=None):
        return False


def _about(endpoint):
    yield _("Address"), endpoint.url
    if endpoint.disabled_at:
        yield _("Switched off because"), endpoint.disabled_because
    yield _("Receiver"), endpoint.terms.licensee if endpoint.terms else _("the agency itself")
    yield _("Standing"), _("off") if endpoint.disabled_at else _("on")
    # It changes with each new secret, so that a page sent twice makes one.
    until = endpoint.previous_until
    yield _("An earlier secret signs until"), moment(until) if until else "–"


def _secret(added):
    return ShownOnce(
        _("Secret of %s") % added.endpoint.url,
        added.secret,
        _("The receiver checks each message's signature with it."),
    )


class AttemptInline(FactInline):
    model = WebhookAttempt
    fields = ["attempted_at", "status", "milliseconds", "answer", "error"]
    readonly_fields = fields
    ordering = ["-pk"]


class FailedDeliveries(Waiting):
    label = _("Failed, and nobody has let it be")
    narrow = WebhookDeliveryQuerySet.failed


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(FactAdmin):
    for_programs = ("number",)
    agency_path = "endpoint__agency"
    list_display = ["__str__", "kind", "url", "standing", "attempts", "created_at",
                    "next_attempt_at"]  # fmt: skip
    list_filter = [FailedDeliveries, "status", "message__kind", "endpoint"]
    list_select_related = ["endpoint", "message"]
    search_fields = ["message__code", "endpoint__url"]
    ordering = ["-pk"]
    when_empty = _(
        "Nothing was sent yet. What an address is told of stands here, with every attempt."
    )
    fields = ["number", "kind", "url", "standing", "attempts", "created_at", "next_attempt_at",
              "said", "payload_json"]  # fmt: skip
    readonly_fields = fields
    inlines = [AttemptInline]
    actions = actions_detail = ["send_again", "let_be"]

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

    @admin.display(description=_("what it says"))
    def said(self, delivery):
        return as_sent.in_words(delivery.message.data)

    @admin.display(description=_("as sent"))
    def payload_json(self, delivery):
        return as_sent.as_json(delivery.message.data)

    @step(
        label=_("Send again"),
        icon="replay",
        permission="licensing.change_webhookendpoint",
        says=_("The same message, under the same number, goes to its address once more."),
        done=_("%(row)s leaves again within half a minute."),
        facts=lambda delivery: _sent(delivery),
    )
    def send_again(self, delivery, given):
        deliveries.send_again(delivery_id=delivery.pk, at=given.at)

    @step(
        label=_("Let it be"),
        icon="do_not_disturb_on",
        permission="licensing.change_webhookendpoint",
        says=_("Its receiver is not told, and it no longer stands among what failed."),
        done=_("%(row)s stays as it is."),
        offered=lambda delivery: (
            delivery.status == Delivery.FAILED.value and not delivery.let_be_at
        ),
        facts=lambda delivery: _sent(delivery),
    )
    def let_be(self, delivery, given):
        deliveries.let_be(delivery_id=delivery.pk, at=given.at)


def _sent(delivery):
    yield _("News"), delivery.message.get_kind_display()
    yield _("Address"), delivery.endpoint.url
    yield _("Standing"), delivery.get_status_display()
