"""The forms of the wizard, a module for each step."""

from .base import StepForm
from .deal import DealForm
from .grants import GrantsForm
from .handling import ChecksForm, HandlingForm
from .limits import LimitsForm
from .prices import PricesForm
from .who import NewForm, WhoForm

__all__ = [
    "ChecksForm",
    "DealForm",
    "GrantsForm",
    "HandlingForm",
    "LimitsForm",
    "NewForm",
    "PricesForm",
    "StepForm",
    "WhoForm",
]
