"""The sidebar: groups of lists and pages, of which each sees what they may open."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.urls import get_script_prefix, reverse
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class MenuPage:
    """A page of the admin that is not a list of rows, and the permission it needs."""

    label: Any
    name: str
    icon: str
    permission: str


# The sidebar: groups of (model, icon), and of pages that are not lists.
NAVIGATION = [
    (
        _("Talent"),
        [
            ("talent.performer", "person"),
            ("talent.digitaltwin", "face_retouching_natural"),
            ("talent.consentmatrix", "grid_on"),
            ("talent.consentversion", "history_edu"),
            MenuPage(
                _("Withdraw a consent"),
                "withdraw_consent",
                "undo",
                "talent.add_consentversion",
            ),
            ("talent.representation", "badge"),
            ("talent.delegation", "supervisor_account"),
            ("talent.build", "deployed_code"),
            ("talent.lineagenode", "account_tree"),
            ("talent.dataset", "dataset"),
            ("talent.datasetversion", "inventory"),
            ("talent.capture", "theater_comedy"),
            ("talent.trainingrun", "model_training"),
            ("talent.trainerkey", "vpn_key"),
            ("talent.contamination", "report"),
            ("talent.contaminationclearing", "cleaning_services"),
            ("talent.cleananswer", "fact_check"),
            ("talent.custodyitem", "encrypted"),
            ("talent.custodygrant", "key"),
            ("talent.destruction", "delete_forever"),
            ("talent.capturesession", "videocam"),
            ("talent.heldelsewhere", "share_location"),
        ],
    ),
    (
        _("Licensing"),
        [
            ("licensing.agreement", "handshake"),
            ("licensing.agreementdocument", "description"),
            ("licensing.signinground", "draw"),
            ("licensing.signedscan", "document_scanner"),
            MenuPage(
                _("Ends and renewals"),
                "renewals",
                "autorenew",
                "licensing.view_agreement",
            ),
            MenuPage(
                _("Obligations"),
                "obligations",
                "assignment_late",
                "licensing.view_agreement",
            ),
            ("licensing.ratecard", "sell"),
            ("licensing.standingoffer", "storefront"),
            ("licensing.transfer", "move_up"),
            ("licensing.audit", "fact_check"),
            ("licensing.cap", "speed"),
            ("licensing.hold", "front_hand"),
            ("licensing.clearancedecision", "gavel"),
            ("licensing.approvalrequest", "how_to_vote"),
            MenuPage(
                _("Availability"),
                "availability",
                "event_available",
                "licensing.view_clearancedecision",
            ),
            ("licensing.permit", "verified"),
            ("licensing.licensee", "apartment"),
            ("licensing.licenseeterms", "contract"),
            ("licensing.production", "movie"),
            ("licensing.brand", "loyalty"),
            ("licensing.proposal", "add_business"),
            ("licensing.priceindex", "trending_up"),
            ("licensing.clause", "article"),
            ("licensing.ruleset", "balance"),
            ("licensing.webhookendpoint", "webhook"),
            ("licensing.webhookdelivery", "outgoing_mail"),
        ],
    ),
    (
        _("Usage"),
        [
            ("licensing.usageevent", "graphic_eq"),
            ("valuation.usagetotal", "bar_chart"),
            ("licensing.usageimport", "upload_file"),
            ("licensing.sheetmapping", "view_column"),
            ("licensing.deadletter", "mark_email_unread"),
            ("licensing.usagebatch", "inventory_2"),
            ("licensing.eventarchive", "archive"),
            ("licensing.sandboxevent", "science"),
            ("licensing.promptreveal", "visibility"),
            ("licensing.prompterasure", "ink_eraser"),
        ],
    ),
    (
        _("Money"),
        [
            MenuPage(_("Overview"), "money", "savings", "valuation.view_statement"),
            MenuPage(_("Needs a decision"), "queue", "inbox", "valuation.view_reading"),
            ("valuation.statement", "description"),
            ("valuation.dispute", "report"),
            ("valuation.objectionterms", "event_busy"),
            ("valuation.issuerun", "send"),
            ("valuation.invoice", "request_quote"),
            MenuPage(_("Ageing"), "ageing", "hourglass_bottom", "valuation.view_invoice"),
            ("valuation.lateinterest", "percent"),
            ("valuation.interestterms", "savings"),
            ("valuation.dunningletter", "edit_note"),
            ("valuation.paperlink", "link"),
            ("valuation.paymentterms", "event_upcoming"),
            ("valuation.billingdetails", "contact_mail"),
            ("valuation.selfbillingagreement", "handshake"),
            ("valuation.remittance", "payments"),
            ("valuation.cashallocation", "alt_route"),
            ("valuation.cashrequest", "currency_exchange"),
            ("valuation.bankline", "account_balance"),
            ("valuation.bankfile", "upload_file"),
            ("valuation.bankcsvmapping", "view_column"),
            ("valuation.payoutrun", "playlist_add_check"),
            ("valuation.payoutpayment", "price_check"),
            ("valuation.planpayee", "health_and_safety"),
            ("valuation.agencychange", "move_up"),
            ("valuation.handover", "folder_zip"),
            ("valuation.bankdetails", "account_balance_wallet"),
            ("valuation.paymentdirection", "call_split"),
            ("valuation.payeecheck", "badge"),
            ("valuation.payeecheckrule", "rule"),
            ("valuation.periodclose", "lock"),
            ("valuation.deliverylink", "link"),
            ("valuation.scheduledreport", "schedule_send"),
            MenuPage(_("Client account"), "reconciliation", "balance", "valuation.view_account"),
            MenuPage(_("Tax year"), "tax_year", "request_quote", "valuation.download_statement"),
            MenuPage(
                _("Unclaimed money"), "unclaimed", "hourglass_empty", "valuation.view_account"
            ),
            ("valuation.searchnote", "contact_mail"),
            ("valuation.residualline", "receipt_long"),
            ("valuation.reading", "query_stats"),
            ("valuation.recoupment", "undo"),
            ("valuation.contribution", "volunteer_activism"),
            ("valuation.account", "account_balance"),
            ("valuation.journalentry", "menu_book"),
            ("valuation.reversalrequest", "undo"),
            ("valuation.opening", "door_open"),
            ("valuation.exchangerate", "currency_exchange"),
            ("talent.beneficiary", "volunteer_activism"),
            ("talent.sharechange", "rule_settings"),
        ],
    ),
    (
        _("Worth"),
        [
            ("valuation.twinvaluation", "diamond"),
            ("valuation.scenario", "lightbulb"),
            ("valuation.valuation", "trending_up"),
            ("valuation.legalassessment", "gavel"),
            ("valuation.congruence", "join_inner"),
            ("valuation.worthparameter", "tune"),
        ],
    ),
    (
        _("Schedule"),
        [
            ("valuation.screenplay", "movie_edit"),
            ("valuation.scheduleplan", "calendar_month"),
            ("valuation.scene", "view_agenda"),
            ("valuation.character", "theater_comedy"),
            ("valuation.castmember", "groups"),
        ],
    ),
    (
        _("House"),
        [
            ("talent.agency", "store"),
            ("talent.membership", "group"),
            ("talent.user", "manage_accounts"),
            ("valuation.nightrun", "bedtime"),
            ("valuation.nightfailure", "bedtime_off"),
            ("licensing.signingkey", "key"),
            ("talent.provider", "dns"),
            ("talent.outboxmessage", "outbox"),
            ("talent.heldlock", "lock_clock"),
            ("talent.installation", "storage"),
        ],
    ),
]


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the sidebar's groups, with what the user may see."""
    desk = _shown(_("Desk"), "space_dashboard", address_of("admin:index"))
    groups = [{"title": "", "items": [desk]}]
    for title, entries in NAVIGATION:
        items = [item for entry in entries if (item := _item(request, entry))]
        if items:
            groups.append({"title": title, "separator": True, "items": items})
    _mark_active(request.path, [item for group in groups for item in group["items"]])
    return groups


def _mark_active(path: str, items: list[dict[str, Any]]) -> None:
    """Mark the item with the longest address that `path` starts with as active.

    The first item is the index, whose address every path starts with.
    """
    above = [item["link"] for item in items[1:] if path.startswith(item["link"])]
    here = max(above, key=len, default=path)
    for item in items:
        item["active"] = item["link"] == here


def _item(request: HttpRequest, entry: MenuPage | tuple[str, str]) -> dict[str, Any] | None:
    """Return an item of the sidebar; None if the user may not see its page."""
    if isinstance(entry, MenuPage):
        item = _shown(entry.label, entry.icon, address_of(f"admin:{entry.name}"))
        return item if request.user.has_perm(entry.permission) else None
    label, icon = entry
    model = apps.get_model(label)
    if not may_view(request, model):
        return None
    return _shown(str(model._meta.verbose_name_plural).capitalize(), icon, list_of(model))


def _shown(title: Any, icon: str, link: str) -> dict[str, Any]:
    return {"title": title, "icon": icon, "link": link, "has_permission": True}


def may_view(request: HttpRequest, model: type[Model]) -> bool:
    registered = admin.site.is_registered(model)
    return registered and admin.site.get_model_admin(model).has_view_permission(request)


def list_of(model: type[Model]) -> str:
    return address_of(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def address_of(name: str) -> str:
    return _address(name, get_script_prefix())


@cache
def _address(name: str, prefix: str) -> str:
    """Remember what the router says: each page of the admin leads to a hundred lists."""
    return reverse(name)
