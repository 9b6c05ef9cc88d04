"""The words of talent: stored codes with their labels. Imports no framework."""

from enum import StrEnum


class Word(StrEnum):
    """A stored code with the label people read."""

    label: str

    def __new__(cls, code: str, label: str = "") -> "Word":
        word = str.__new__(cls, code)
        word._value_ = code
        word.label = label
        return word

    @classmethod
    def choices(cls) -> list[tuple[str, str]]:
        return [(word.value, word.label) for word in cls]

    @classmethod
    def codes(cls) -> list[str]:
        return [word.value for word in cls]


class Role(Word):
    """What a member of an agency's staff may do."""

    AGENT = "agent", "Agent"
    BUSINESS_AFFAIRS = "business_affairs", "Business affairs"
    ACCOUNTING = "accounting", "Accounting"
    AUDITOR = "auditor", "Auditor (read only)"


class Life(Word):
    """Whether a performer is living, has died, or is a minor."""

    LIVING = "living", "Living"
    DECEASED = "deceased", "Deceased"
    MINOR = "minor", "Minor"


class Guild(Word):
    """The union whose rules are a performer's floor."""

    SAG_AFTRA = "sag_aftra", "SAG-AFTRA"
    EQUITY_UK = "equity_uk", "Equity UK"
    NONE = "none", "No guild"


class Scheme(Word):
    """Who else gives performers identifiers: what has no column of its own."""

    IPN = "ipn", "IPN (performers' rights organisations)"
    IPI = "ipi", "IPI (authors' and composers' societies)"
    IMDB = "imdb", "IMDb"


class DelegateKind(Word):
    """In what capacity somebody acts for a performer."""

    ESTATE = "estate", "Estate"
    GUARDIAN = "guardian", "Guardian"
    COUNSEL = "counsel", "Counsel"


class Power(Word):
    """What a delegation lets its holder see or do."""

    SEE_TWINS = "see_twins", "See twins and consent"
    SEE_USAGE = "see_usage", "See usage"
    SEE_MONEY = "see_money", "See earnings and statements"
    DECIDE = "decide", "Approve, veto and change consent"


class Tier(Word):
    """The technical tier of a digital twin; it decides which uses and costs apply."""

    STATIC = "passive_static_replica", "Passive static replica"
    EMULATOR = "dynamic_behavioral_emulator", "Dynamic behavioral emulator"
    PERSONA = "autonomous_generative_persona", "Autonomous generative persona"


class LegalClass(Word):
    """How the law and the guilds class a replica, beside its technical tier."""

    EMPLOYMENT_BASED = "employment_based", "Employment-based replica"
    INDEPENDENT = "independently_created", "Independently created replica"
    BACKGROUND = "background", "Background actor replica"
    SYNTHETIC = "synthetic", "Synthetic performer"


class CaptureMethod(Word):
    """Where a twin's likeness was taken from. It never decides the legal class by itself."""

    SCAN = "scan", "Scan"
    PHOTOGRAPHY = "photography", "On-set photography"
    ARCHIVE = "archive", "Archive material"


class TwinStatus(Word):
    """Whether a twin may work at all."""

    ACTIVE = "active", "Active"
    SUSPENDED = "suspended", "Suspended"
    RETIRED = "retired", "Retired"


class Right(Word):
    """A separable part of a performer's likeness."""

    FACE = "face", "Face"
    BODY = "body", "Body"
    VOICE = "voice", "Voice"
    MOTION = "motion", "Motion"
    STYLE = "performance_style", "Performance style"
    TRAINING_DATA = "training_data", "Training data"
    COMPOSITE = "composite", "Composite"


class Use(Word):
    """What a twin may be used for."""

    FEATURE = "feature", "Feature"
    SERIES = "series", "Series"
    ANIMATION = "animation", "Animation"
    DUBBING = "dubbing", "Dubbing"
    ADR = "adr", "ADR"
    STUNT = "stunt", "Stunt"
    BACKGROUND = "background", "Background"
    GAME = "game", "Game"
    PROMO = "interactive_promo", "Interactive promo"
    ADVERTISING = "advertising", "Advertising"
    IMMERSIVE = "immersive", "Immersive"
    SOCIAL = "social", "Social"
    LIVE = "live", "Live"
    AGE_CHANGE = "age_change", "Age regression or progression"
    REALITY = "reality", "Reality"
    POSTHUMOUS = "posthumous_completion", "Posthumous completion"
    TRAINING = "training", "Training"


class Stance(Word):
    """What a consent cell says. Unset inherits; unset everywhere denies."""

    ALLOW = "allow", "Allow"
    ASK = "ask", "Ask"
    DENY = "deny", "Deny"


class Exclusion(Word):
    """Content that a request states, and that a consent cell keeps a twin away from."""

    NUDITY = "nudity", "Nudity"
    SEXUAL = "sexual", "Sexual content"
    POLITICAL = "political", "Political content"
    TOBACCO = "tobacco", "Tobacco"
    ALCOHOL = "alcohol", "Alcohol"
    DRUGS = "drugs", "Drugs"
    WEAPONS = "weapons", "Weapons"
    GAMBLING = "gambling", "Gambling"
    MEDICAL = "medical_claims", "Medical claims"
    VIOLENCE = "violence", "Violence"
    HATE = "hate", "Hate"
    RELIGION = "religion", "Religion"


class BrandCategory(Word):
    """What a brand sells. The operator says so, never the studio that names the brand."""

    ALCOHOL = "alcohol", "Alcohol"
    TOBACCO = "tobacco", "Tobacco and vapes"
    GAMBLING = "gambling", "Gambling"
    MEDICINE = "medicine", "Medicines and health"
    BEAUTY = "beauty", "Beauty and care"
    FASHION = "fashion", "Fashion and jewellery"
    SPORT = "sport", "Sport and fitness"
    FOOD = "food", "Food"
    SOFT_DRINKS = "soft_drinks", "Soft drinks"
    CARS = "cars", "Cars"
    TRAVEL = "travel", "Travel and airlines"
    MONEY = "money", "Banks, insurance, payments"
    TELECOM = "telecom", "Telecoms and devices"
    SOFTWARE = "software", "Software and AI"
    GAMES = "games", "Games and toys"
    MEDIA = "media", "Film, television, music"
    RETAIL = "retail", "Retail and household"
    ENERGY = "energy", "Energy"
    WEAPONS = "weapons", "Weapons and defence"
    POLITICS = "politics", "Parties and campaigns"
    RELIGION = "religion", "Religious bodies"
    CHARITY = "charity", "Charities"
    OTHER = "other", "Other"


class Meter(Word):
    """What is counted. Each code is also a column of the usage event."""

    LINES = "lines", "Lines"
    WORDS = "words", "Words"
    CHARACTERS = "characters", "Characters"
    SECONDS = "seconds", "Seconds"
    FRAMES = "frames", "Frames"
    SHOTS = "shots", "Shots"
    TOKENS = "tokens", "Tokens"
    PROMPTS = "prompts", "Prompts"
    SESSIONS = "sessions", "Sessions"
    GPU_SECONDS = "gpu_seconds", "GPU seconds"
    EQUIVALENT_DAYS = "equivalent_days", "Equivalent days"
    RUNS = "runs", "Runs"
    COPIES = "copies", "Copies"
    REVENUE = "revenue", "Revenue"


class Channel(Word):
    """Where an audience meets a use."""

    CINEMA = "cinema", "Cinema"
    STREAMING = "streaming", "Streaming"
    BROADCAST = "broadcast", "Broadcast"
    GAME = "game", "Game"
    ONLINE = "online", "Online"
    SOCIAL = "social", "Social"
    IMMERSIVE = "immersive", "Immersive"
    LIVE = "live", "Live"
    OTHER = "other", "Other"


class ConsentMethod(Word):
    """How a consent was given."""

    WRITTEN = "written", "Signed on paper"
    ELECTRONIC = "electronic", "Signed electronically"
    RULE = "rule", "Set by a rule"


class RepresentedBy(Word):
    """Who represented the performer when consent was given (CA Lab. C. §927, NY GOL §5-302)."""

    COUNSEL = "counsel", "Legal counsel"
    UNION = "union", "Union agreement"
    NONE = "none", "Nobody"


class TaxForm(Word):
    """The form on which a beneficiary certified tax status."""

    W9 = "w9", "W-9"
    W8BEN = "w8ben", "W-8BEN"
    W8BEN_E = "w8ben_e", "W-8BEN-E"
    NONE = "none", "None on file"


class Paper(Word):
    """The format of an agency's documents."""

    BY_COUNTRY = "by_country", "As usual in its country"
    A4 = "A4", "A4"
    LETTER = "Letter", "US Letter"


class Period(Word):
    """How long a rating or statement period lasts."""

    MONTH = "month", "Month"
    QUARTER = "quarter", "Quarter"
    YEAR = "year", "Year"


class InstallationReason(Word):
    """Why it was noted where the desk's database lives and which key seals its secrets."""

    FIRST_START = "first_start", "First start"
    RESTORED = "restored", "Restored from a backup"
    KEY_LOST = "key_lost", "A key was lost"


class Delivery(Word):
    """What became of a message in the outbox."""

    WAITING = "waiting", "Waiting"
    SENT = "sent", "Sent"
    FAILED = "failed", "Failed"


class Owner(Word):
    """Whose matrix a consent is. The order is that of inheritance."""

    GUILD = "guild", "Guild"
    AGENCY = "agency", "Agency"
    PERFORMER = "performer", "Performer"
    TWIN = "twin", "Twin"


class ShareSubject(Word):
    """Whose shares in earnings a correction changes."""

    SOURCES = "sources", "Sources of a composite"
    ESTATE = "estate", "Heirs of an estate"
    OWNERS = "owners", "Earlier owners of a persona"


class ShareChangeStepKind(Word):
    """What was done about a change of shares for days that have passed."""

    ASKED = "asked", "Asked for"
    APPROVED = "approved", "Approved"
    REJECTED = "rejected", "Rejected"


class ShareChangeState(Word):
    """What has become of a change of shares for days that have passed."""

    WRITTEN = "written", "Written, not asked for"
    WAITING = "waiting", "Waits for approval"
    APPLIED = "applied", "In force"
    REJECTED = "rejected", "Rejected"


class SealLevel(Word):
    """How a document is signed: what of PAdES (ETSI EN 319 142-1) its signature keeps."""

    NONE = "none", "Not signed"
    B_B = "b_b", "Signed (B-B)"
    B_T = "b_t", "Signed, with the time of a server (B-T)"
    B_LTA = "b_lta", "Signed, with proof for the long term (B-LTA)"


class Confidence(Word):
    """How sure the desk is of a rule or figure."""

    PRIMARY = "primary", "Read in the primary text"
    SECONDARY = "secondary", "Read in a secondary source"
    DERIVED = "derived", "Derived from found figures"
    UNVERIFIED = "unverified", "Not verified"
    CONFLICTING = "conflicting", "Not found or sources conflict"


class CustodyKind(Word):
    """What an item of the vault holds of a performer."""

    SCAN = "scan", "Scan of face or body"
    RECORDING = "recording", "Voice recording"
    MOTION = "motion", "Motion capture"
    REFERENCE = "reference", "Reference pictures"
    WEIGHTS = "weights", "Trained weights"
    EXHAUST = "exhaust", "What a performance left (takes, facial solves)"


class CustodyPurpose(Word):
    """For what an item of the vault may be read."""

    BUILD = "build", "To build or repair the twin"
    TRAIN = "train", "To train a model"
    DELIVER = "deliver", "To deliver it under an agreement"
    COMPARE = "compare", "To compare it with a use in question"
    LEGAL = "legal", "For a claim, a court or an authority"
    CARE = "care", "To keep it safe: move, copy, check"


class OwnKeyStepKind(Word):
    """What became of a key that a performer named as theirs."""

    PROVEN = "proven", "Proven: they opened something with it"
    ENDED = "ended", "Ended"


class CustodyStepKind(Word):
    """What became of an item of the vault. Only a proven one can be read."""

    BEGUN = "begun", "Upload began"
    STORED = "stored", "Stored, not yet read back"
    PROVEN = "proven", "Held: read back and whole"
    BROKEN = "broken", "Broken: what was read back is not what was told"
    QUARANTINED = "quarantined", "Quarantined: more than was agreed to be captured"
    RELEASE_ASKED = "release_asked", "Quarantined; somebody asks for its release"
    ABANDONED = "abandoned", "Upload abandoned"
    DESTROYED = "destroyed", "Destroyed"


class GrantStepKind(Word):
    """What was done about somebody's wish to read an item."""

    APPROVED = "approved", "Approved"
    REJECTED = "rejected", "Rejected"
    TAKEN_BACK = "taken_back", "Taken back"


class GrantState(Word):
    """What has become of somebody's wish to read an item."""

    WAITING = "waiting", "Waits for two approvals"
    AHEAD = "ahead", "Approved, its window has not begun"
    OPEN = "open", "Open: may be used once"
    USED = "used", "Used"
    OVER = "over", "Its window is over"
    REJECTED = "rejected", "Rejected"
    TAKEN_BACK = "taken_back", "Taken back"


class ReadCause(Word):
    """By what right an item was read."""

    GRANT = "grant", "By a grant"
    BREAK_GLASS = "break_glass", "Without one: the glass was broken"
    OWNER = "owner", "By its performer"


class ReadEnding(Word):
    """How the reading of an item ended."""

    WHOLE = "whole", "All of it was sent"
    LEFT = "left", "The reader left before its end"
    OVER = "over", "Stopped: the window was over"
    BROKEN = "broken", "Stopped: the file is not what was stored"
    AWAY = "away", "Stopped: the storage could not be reached"


class DestructionCause(Word):
    """Why an item of the vault is to be destroyed."""

    ASKED = "asked", "The performer asked for it"
    WITHDRAWN = "withdrawn", "The consent was withdrawn"
    SATISFIED = "satisfied", "Its purpose is satisfied"
    RETENTION = "retention", "The time that it may be kept is over"
    ENDED = "ended", "The agreement that it was for has ended"
    BROKEN = "broken", "It is broken, or should not be here"


class ElsewhereStepKind(Word):
    """What somebody who holds an item elsewhere attested or answered, or was told."""

    ATTESTED = "attested", "Attested: it is there, and safe"
    ASKED = "asked", "Somebody asks to have it destroyed"
    TOLD = "told", "Told to destroy it by that day"
    DESTROYED = "destroyed", "Answered: destroyed"
    KEPT = "kept", "Answered: kept"


class ClockStart(Word):
    """From what a clock runs that says how long an item of the vault may be kept."""

    SATISFIED = "satisfied", "Its purpose is satisfied"
    INTERACTION = "interaction", "Last interaction with the performer"
    PURPOSE_ENDS = "purpose_ends", "Its purpose expires"
    WITHDRAWN = "withdrawn", "Every consent was withdrawn"
    LICENCE_ENDS = "licence_ends", "The licence that it is kept for ends"
    CONTRACT = "contract", "A contract names the day"


class DestructionStepKind(Word):
    """How far the destruction of an item is."""

    CONFIRMED = "confirmed", "Confirmed"
    APPROVED = "approved", "Approved"
    REJECTED = "rejected", "Rejected"
    TAKEN_BACK = "taken_back", "Taken back"
    KEY_GONE = "key_gone", "Its key is destroyed"
    FILE_GONE = "file_gone", "Its file is deleted"
    CERTIFIED = "certified", "Certificate issued"


class DestructionState(Word):
    """What has become of the wish to destroy an item."""

    PROPOSED = "proposed", "Proposed by the desk: two people decide"
    WAITING = "waiting", "Waits for approval"
    CLOSED = "closed", "Not destroyed"
    UNDER_WAY = "under_way", "Under way"
    DONE = "done", "Destroyed, with a certificate"


class LegalHoldKind(Word):
    """That an item may not be destroyed, since a court or an authority says so, or that it may."""

    PLACED = "placed", "Held"
    LIFTED = "lifted", "Lifted"


class LineageKind(Word):
    """What a node of the lineage is: what was captured, put together, trained or made."""

    CAPTURE = "capture", "Capture"
    DATASET = "dataset", "Dataset"
    BUILD = "build", "Build"
    OUTPUT = "output", "Output"


class CaptureKind(Word):
    """What a performance leaves behind."""

    SCAN = "scan", "Scan of face or body"
    RECORDING = "recording", "Voice recording"
    MOTION = "motion", "Motion capture"
    REFERENCE = "reference", "Reference pictures"
    TAKES = "takes", "Takes that were not used"
    SOLVES = "solves", "Facial solves"
    RETARGETING = "retargeting", "Retargeting data"
    OTHER = "other", "Something else"


class LicenceBasis(Word):
    """By what right data may be used at all."""

    CONSENT = "consent", "Consent of whose likeness it is"
    AGREEMENT = "agreement", "A licence agreement"
    OWNED = "owned", "The owner's own work"
    OPEN = "open", "An open licence"
    PUBLIC = "public", "Public domain"
    UNKNOWN = "unknown", "Not known"


class DataPurpose(Word):
    """For what data may be used."""

    TRAIN = "train", "To train a model"
    EVALUATE = "evaluate", "To test a model"
    RETARGET = "retarget", "To move a performance to another face or body"
    EDIT = "edit", "To edit the production that it comes from"


class Remuneration(Word):
    """How whose data it is is paid for its use."""

    RATE_LINE = "rate_line", "By the rate line for training"
    ONCE = "once", "Paid once"
    NONE = "none", "Not paid, as agreed"
    UNKNOWN = "unknown", "Not known"


class DataSplit(Word):
    """Which part a file of a dataset plays."""

    TRAIN = "train", "Training"
    VALIDATION = "validation", "Validation"
    TEST = "test", "Test"


class ContaminationCause(Word):
    """Why data may not be built upon."""

    CLAIM = "claim", "Somebody claims it as theirs"
    COURT = "court", "A court or an authority forbids it"
    WITHDRAWN = "withdrawn", "Consent to training was withdrawn"
    NO_BASIS = "no_basis", "It has no licence basis"
    OTHER_FILE = "other_file", "A file is not what its hash says"
    MANIFEST = "manifest", "The trainer read something else than was registered"
    OTHER = "other", "Another reason"


class ClearingStepKind(Word):
    """What was done about the wish to clear a contamination."""

    APPROVED = "approved", "Approved"
    REJECTED = "rejected", "Rejected"
    TAKEN_BACK = "taken_back", "Taken back"


class ClearingState(Word):
    """What has become of the wish to clear a contamination."""

    WAITING = "waiting", "Waits for approval"
    CLEARED = "cleared", "Cleared"
    CLOSED = "closed", "Not cleared"


class Answer(Word):
    """Whether a build is provably clean. What is not known is not clean."""

    YES = "yes", "Yes"
    NO = "no", "No"
    UNKNOWN = "unknown", "Not known"


class ManifestFinding(Word):
    """How what a trainer says was read compares with what was registered."""

    SAME = "same", "Read what was registered"
    DIFFERS = "differs", "Read something else"
    NOT_SIGNED = "not_signed", "Not signed by a key that is known"
