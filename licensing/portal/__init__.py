"""The portal's doors of licensing: what twins were used for, and what waits for an answer."""

from . import approvals, usage

urlpatterns = [*usage.urlpatterns, *approvals.urlpatterns]
