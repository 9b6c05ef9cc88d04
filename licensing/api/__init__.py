"""The studios' API of licensing: clearances asked, usage events in, schemas and twins out."""

from django.urls import path

from .agreements import AgreementDocumentView, AgreementsView, AgreementView, TwinsView
from .approvals import ApprovalView
from .availability import AvailsView
from .clearance import ClearanceBatchView, ClearancesView, ClearanceView, ConfirmView, ReleaseView
from .obligations import ObligationsCalendarView, ObligationsView
from .offers import OffersView, TakeOfferView, TryOfferView
from .permits import PermitView, RevokedPermitsView
from .provenance import BuildProvenanceView
from .schemas import SchemasView, SchemaView
from .transfers import AssumptionView, TransfersView
from .usage import UsageEventsView, UsageEventView

urlpatterns = [
    path("avails", AvailsView.as_view(), name="avails"),
    path("clearances", ClearancesView.as_view(), name="clearances"),
    path("clearances/batch", ClearanceBatchView.as_view(), name="clearance-batch"),
    path("clearances/C<int:pk>", ClearanceView.as_view(), name="clearance"),
    path("clearances/C<int:pk>/confirm", ConfirmView.as_view(), name="clearance-confirm"),
    path("clearances/C<int:pk>/release", ReleaseView.as_view(), name="clearance-release"),
    path("builds/B<int:pk>/provenance", BuildProvenanceView.as_view(), name="build-provenance"),
    path("permits/revoked", RevokedPermitsView.as_view(), name="permits-revoked"),
    path("permits/C<int:pk>", PermitView.as_view(), name="permit"),
    path("clearances/C<int:clearance>/approval", ApprovalView.as_view(), name="approval"),
    path("usage/events", UsageEventsView.as_view(), name="usage-events"),
    path("usage/events/<int:pk>", UsageEventView.as_view(), name="usage-event"),
    path("schemas/", SchemasView.as_view(), name="schemas"),
    path("schemas/<str:name>", SchemaView.as_view(), name="schema"),
    path("agreements", AgreementsView.as_view(), name="agreements"),
    path("offers", OffersView.as_view(), name="offers"),
    path("offers/O<int:pk>/take", TakeOfferView.as_view(), name="offer-take"),
    path("offers/O<int:pk>/try", TryOfferView.as_view(), name="offer-try"),
    path("transfers", TransfersView.as_view(), name="transfers"),
    path("transfers/X<int:pk>/assume", AssumptionView.as_view(), name="transfer-assume"),
    path("obligations", ObligationsView.as_view(), name="obligations"),
    path("obligations/calendar", ObligationsCalendarView.as_view(), name="obligations-calendar"),
    path("agreements/A<int:pk>", AgreementView.as_view(), name="agreement"),
    path(
        "agreements/A<int:pk>/document",
        AgreementDocumentView.as_view(),
        name="agreement-document",
    ),
    path("twins", TwinsView.as_view(), name="twins"),
]
