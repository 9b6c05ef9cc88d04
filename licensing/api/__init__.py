"""The studios' API of licensing: clearances asked, usage events in, agreements and twins out."""

from django.urls import path

from .agreements import AgreementsView, TwinsView
from .clearances import ClearancesView
from .usage import UsageEventsView, UsageEventView

urlpatterns = [
    path("clearances", ClearancesView.as_view(), name="clearances"),
    path("usage/events", UsageEventsView.as_view(), name="usage-events"),
    path("usage/events/<int:pk>", UsageEventView.as_view(), name="usage-event"),
    path("agreements", AgreementsView.as_view(), name="agreements"),
    path("twins", TwinsView.as_view(), name="twins"),
]
