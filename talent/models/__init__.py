from .captures import CaptureSession, HeldElsewhere, HeldElsewhereStep
from .consent import ConsentCell, ConsentMatrix, ConsentVersion
from .contamination import (
    CleanAnswer,
    Contamination,
    ContaminationClearing,
    ContaminationClearingStep,
    ContaminationMark,
)
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
from .lineage import Capture, Dataset, DatasetFile, DatasetVersion, LineageEdge, LineageNode
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
from .training import TrainerKey, TrainingManifest, TrainingResult, TrainingRun
from .tries import TryCount
from .twins import Build, CompositeSource, DigitalTwin, Provider

__all__ = [
    "Agency",
    "Beneficiary",
    "Build",
    "Capture",
    "CaptureSession",
    "CleanAnswer",
    "CompositeSource",
    "ConsentCell",
    "ConsentMatrix",
    "ConsentVersion",
    "Contamination",
    "ContaminationClearing",
    "ContaminationClearingStep",
    "ContaminationMark",
    "CustodyGrant",
    "CustodyGrantStep",
    "CustodyItem",
    "CustodyKey",
    "CustodyRead",
    "CustodyReadEnd",
    "CustodyStep",
    "CustodyUpload",
    "Dataset",
    "DatasetFile",
    "DatasetVersion",
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
    "LineageEdge",
    "LineageNode",
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
    "TrainerKey",
    "TrainingManifest",
    "TrainingResult",
    "TrainingRun",
    "TryCount",
    "User",
]
