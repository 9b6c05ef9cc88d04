"""Second factors that were taken away."""

import pgtrigger
from django.db import models

from .consent import APPEND_ONLY
from .names import minute
from .people import User


class FactorRemoval(models.Model):
    """What the operator took away of somebody who had lost their second factors, and why."""

    user = models.ForeignKey(User, models.PROTECT, related_name="factor_removals")
    names = models.TextField("taken away")
    reason = models.CharField(max_length=300)
    by = models.ForeignKey(User, models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"{self.user}, {minute(self.at)}"
