from .captures import CaptureSession, HeldElsewhere, HeldElsewhereStep
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
    Destruction,
    DestructionCertificate,
    DestructionStep,
    LegalHold,
)
from .factors import FactorRemoval
from .outbox import OutboxMessage
from .own_keys import ItemOfOwnKey, OwnKey, OwnKeyStep
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
from .retention import RetentionFact
from .running import HeldLock, Installation
from .shares import EarlierOwner, ShareChange, ShareChangeStep
from .tries import TryCount
from .twins import Build, CompositeSource, DigitalTwin, Provider

__all__ = [
    "Agency",
    "Beneficiary",
    "Build",
    "CaptureSession",
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
    "Destruction",
    "DestructionCertificate",
    "DestructionStep",
    "DigitalTwin",
    "EarlierOwner",
    "EstateShare",
    "FactorRemoval",
    "HeldElsewhere",
    "HeldElsewhereStep",
    "HeldLock",
    "Installation",
    "ItemOfOwnKey",
    "LegalHold",
    "Membership",
    "OutboxMessage",
    "OwnKey",
    "OwnKeyStep",
    "Performer",
    "Provider",
    "Representation",
    "RetentionFact",
    "ShareChange",
    "ShareChangeStep",
    "TaxCertificate",
    "TryCount",
    "User",
]
