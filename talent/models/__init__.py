from .consent import ConsentCell, ConsentMatrix, ConsentVersion
from .custody import (
    CustodyGrant,
    CustodyGrantStep,
    CustodyItem,
    CustodyKey,
    CustodyRead,
    CustodyReadEnd,
    CustodyStep,
    CustodyUpload,
)
from .factors import FactorRemoval
from .outbox import OutboxMessage
from .people import (
    Agency,
    Beneficiary,
    Delegation,
    EstateShare,
    Membership,
    Performer,
    Representation,
    TaxCertificate,
    User,
)
from .running import HeldLock, Installation
from .shares import EarlierOwner, ShareChange, ShareChangeStep
from .tries import TryCount
from .twins import Build, CompositeSource, DigitalTwin, Provider

__all__ = [
    "Agency",
    "Beneficiary",
    "Build",
    "CompositeSource",
    "ConsentCell",
    "ConsentMatrix",
    "ConsentVersion",
    "CustodyGrant",
    "CustodyGrantStep",
    "CustodyItem",
    "CustodyKey",
    "CustodyRead",
    "CustodyReadEnd",
    "CustodyStep",
    "CustodyUpload",
    "Delegation",
    "DigitalTwin",
    "EarlierOwner",
    "EstateShare",
    "FactorRemoval",
    "HeldLock",
    "Installation",
    "Membership",
    "OutboxMessage",
    "Performer",
    "Provider",
    "Representation",
    "ShareChange",
    "ShareChangeStep",
    "TaxCertificate",
    "TryCount",
    "User",
]
