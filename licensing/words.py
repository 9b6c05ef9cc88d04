"""The words of licensing: meters, prices, standings, outcomes.

A flat list of small enums, none of which knows another, in one file however long: most of them are
shared by rooms that otherwise do not meet, and whoever looks for a word looks in one place.
"""

# Consents bound meters and channels too, and retention clocks have a confidence: talent's words.
from talent.words import Channel as Channel
from talent.words import Confidence as Confidence
from talent.words import Meter as Meter
from talent.words import Word

# What a use says that is for no brand, and one that shows no content that anybody excludes: a
# statement, which silence is not.
NO_BRAND_STATED = NO_CONTENT_STATED = "none"


class LicenseeKind(Word):
    STUDIO = "studio", "Studio"
    INDEPENDENT = "independent", "Independent"
    GAMES = "games", "Games publisher"
    ADVERTISER = "advertiser", "Advertiser"
    POST = "post", "Post house"


class ProductionKind(Word):
    FEATURE = "feature", "Feature"
    SERIES = "series", "Series"
    GAME = "game", "Game"
    COMMERCIAL = "commercial", "Commercial"
    OTHER = "other", "Other"


class Engagement(Word):
    """The engagement class that guild rules ask for."""

    PRINCIPAL = "principal", "Principal"
    BACKGROUND = "background", "Background"
    VOICE = "voice", "Voice"
    NOT_COVERED = "not_covered", "Not covered by a guild"


class AgreementStatus(Word):
    DRAFT = "draft", "Draft"
    SIGNED = "signed", "Signed"
    ENDED = "ended", "Ended"


class AgreementStepKind(Word):
    DRAFTED = "drafted", "Drafted"
    SIGNED = "signed", "Signed"
    AMENDED = "amended", "Amended"
    ENDED = "ended", "Ended"


class DealKind(Word):
    """The kind of deal: which template an agreement begins with, and which rules look at it."""

    DUBBING = "dubbing_adr", "Dubbing and ADR"
    GAME = "game_real_time", "Game with real-time generation"
    COMMERCIAL = "commercial", "Commercial"
    BACKGROUND = "background", "Background"
    STUNT = "stunt_age", "Stunt and age progression"
    POSTHUMOUS = "posthumous_completion", "Posthumous completion"
    PERSONA = "composite_persona", "Composite persona"
    TRAINING = "training_licence", "Training licence"


class Exclusivity(Word):
    """What the licensee alone may do with the twin while the agreement lasts."""

    NONE = "none", "Not exclusive"
    CATEGORY = "category", "Exclusive in its categories"
    FULL = "full", "Exclusive"


class CapturedKind(Word):
    """What a capture session takes of a performer."""

    FACE_SCAN = "face_scan", "Face scan"
    BODY_SCAN = "body_scan", "Body scan"
    VOICE = "voice_recording", "Voice recording"
    MOTION = "motion_capture", "Motion capture"
    PHOTOGRAPHY = "photography", "On-set photography"
    ARCHIVE = "archive", "Archive material"


class RetentionEnds(Word):
    """The event after which biometric data must go."""

    WITH_THE_AGREEMENT = "with_the_agreement", "When the agreement ends"
    PURPOSE_MET = "purpose_met", "When its purpose is met"
    LAST_INTERACTION = "last_interaction", "After the last interaction"


class ObligationKind(Word):
    """What an agreement obliges somebody to do by a day, or lets them do until one."""

    USAGE_REPORT = "usage_report", "Report use"
    CAPTURE_NOTICE = "capture_notice", "Give notice before the capture"
    DISCLOSURE = "disclosure", "Label it as synthetic"
    STATEMENT = "statement", "Issue the statement"
    PAYMENT = "payment", "Pay what was used"
    ADVANCE = "advance", "Pay the advance"
    AUDIT_WINDOW = "audit_window", "Ask for an audit"
    RENEWAL_NOTICE = "renewal_notice", "Say whether it is renewed"
    DESTRUCTION = "destruction", "Destroy the biometric data"


class ObligationParty(Word):
    """Whose an obligation is."""

    LICENSEE = "licensee", "Licensee"
    AGENCY = "agency", "Agency"
    EITHER = "either", "Agency and licensee"


class ObligationState(Word):
    """How an obligation stands on a day."""

    LATE = "late", "Late"
    DUE = "due", "Due soon"
    AHEAD = "ahead", "Ahead"
    UNDATED = "undated", "Without a day"
    DONE = "done", "Done"
    LAPSED = "lapsed", "No longer possible"


class TickKind(Word):
    """What somebody said of an obligation."""

    DONE = "done", "Done"
    NOT_DONE = "not_done", "Not done after all"


class Situation(Word):
    """What of an agreement's terms makes a clause apply."""

    REAL_TIME = "real_time", "Real-time generation is granted"
    NOT_REAL_TIME = "not_real_time", "No real-time generation is granted"
    ASKS = "asks", "Some uses need approval"
    EXCLUDES = "excludes", "Content is excluded"
    TRAINS = "trains", "Training is granted"
    NEVER_TRAINS = "never_trains", "No training is granted"
    CAPTURES = "captures", "A capture is agreed"
    CAPPED = "capped", "There is a cap"
    UNCAPPED = "uncapped", "There is no cap"
    ADVANCES = "advances", "There are advances"
    GUARANTEES = "guarantees", "There is a guarantee"
    RESERVE = "reserve", "A reserve is held"
    ESCALATES = "escalates", "Rates rise by themselves"
    CONTRIBUTIONS = "contributions", "A plan is owed contributions"
    RECOUPS_TOGETHER = "recoups_together", "It recoups together with others"
    COMMISSION = "commission", "The agency takes a commission"
    NOT_EXCLUSIVE = "not_exclusive", "Not exclusive"
    EXCLUSIVE_CATEGORY = "exclusive_category", "Exclusive in categories"
    EXCLUSIVE = "exclusive", "Exclusive"
    LABELLED = "labelled", "The audience is told"
    CREDITED = "credited", "The performer is credited"
    REMOVAL = "removal", "There is a right to removal"
    NO_REMOVAL = "no_removal", "There is no right to removal"
    AUDIT = "audit", "There is a right to audit"
    SHORTFALL = "shortfall", "A shortfall makes the licensee bear an audit's cost"
    CONFIDENTIAL = "confidential", "Confidentiality is agreed"
    LATE_INTEREST = "late_interest", "Interest on late payment is agreed"
    COUNSEL = "counsel", "Counsel represented the performer"
    UNION = "union", "A union agreement covers the performer"
    NOBODY = "nobody", "Nobody represented the performer"
    COURT = "court", "A court approved"
    TRUST = "trust", "A part is set aside for a minor"
    ENDS = "ends", "The term ends"
    OPEN_ENDED = "open_ended", "The term is open"
    RENEWAL = "renewal", "Notice is given before renewal"
    TRANSFER = "transfer", "A transfer is answered in a set time"
    SOURCES = "sources", "The persona draws on performers"
    UNION_TOLD = "union_told", "The union was told of a synthetic performer"
    SOME_PRODUCTIONS = "some_productions", "Only for named productions"
    ANY_PRODUCTION = "any_production", "For any production of the licensee"


class DocumentKind(Word):
    """What a drawn document of an agreement is for."""

    DRAFT = "draft", "Draft"
    TO_SIGN = "to_sign", "To be signed"
    IMPORTED = "imported", "Signed elsewhere"
    AMENDED = "amended", "As amended"
    TAKEN = "taken", "Taken from an offer"


class SignatoryRole(Word):
    """In what capacity somebody signs a document; in this order they do."""

    PERFORMER = "performer", "Performer"
    GUARDIAN = "guardian", "Guardian of the performer"
    ESTATE = "estate", "For the estate of the performer"
    COUNSEL = "counsel", "Counsel of the performer"
    AGENCY = "agency", "Agency"
    LICENSEE = "licensee", "Licensee"


class RoundState(Word):
    """Where a signing round stands."""

    OPEN = "open", "Out for signature"
    SIGNED = "signed", "Signed by all"
    DECLINED = "declined", "Declined"
    EXPIRED = "expired", "Expired"
    CANCELLED = "cancelled", "Cancelled"


class SigningEventKind(Word):
    """What happened in a signing round."""

    SENT = "sent", "Sent"
    READ = "read", "Opened and read"
    AGREED = "agreed", "Agreed to sign electronically"
    INITIALLED = "initialled", "Initialled the replica clause"
    SIGNED = "signed", "Signed"
    DECLINED = "declined", "Declined"
    REMINDED = "reminded", "Reminded"
    EXPIRED = "expired", "Expired"
    CANCELLED = "cancelled", "Cancelled"


class Identified(Word):
    """How the desk knew who somebody was who did something in a signing round."""

    SECOND_FACTOR = "second_factor", "Signed in with a second factor or a passkey"
    PASSWORD = "password", "Signed in with a password"
    MAILED_CODE = "mailed_code", "By a link and a code, both sent to their mail address"


class ScanKind(Word):
    """What a signed PDF from outside is."""

    PRINTED = "printed", "Signed on paper"
    ELSEWHERE = "elsewhere", "Signed elsewhere"


class ScanState(Word):
    """Where a scan of a signature on paper stands."""

    WAITING = "waiting", "Waits for approval"
    APPROVED = "approved", "Approved"
    REJECTED = "rejected", "Rejected"


class AuditSide(Word):
    """Who audits: the performer, what was used and paid; the studio, what it was charged for."""

    TALENT = "talent", "The performer"
    LICENSEE = "licensee", "The studio"


class AuditStepKind(Word):
    """What happens in an audit."""

    FOUND = "found", "Found"
    REPLIED = "replied", "Replied"
    PROPOSED = "proposed", "Settlement proposed"
    CLOSED = "closed", "Closed"
    DROPPED = "dropped", "Dropped"


class AuditState(Word):
    """How far an audit has come."""

    NOTICE = "notice", "Notice runs"
    UNDER_WAY = "under_way", "Under way"
    PROPOSED = "proposed", "Waits for a second person"
    CLOSED = "closed", "Closed"
    DROPPED = "dropped", "Dropped"


class OfferStepKind(Word):
    """What happens to a standing offer."""

    PROPOSED = "proposed", "Shown to the performer"
    APPROVED = "approved", "Approved by a performer"
    OPENED = "opened", "Open to studios"
    DECLINED = "declined", "Declined by a performer"
    WITHDRAWN = "withdrawn", "Withdrawn"


class OfferState(Word):
    """What has become of a standing offer."""

    DRAFT = "draft", "Draft"
    PROPOSED = "proposed", "Waits for the performer"
    OPEN = "open", "Open"
    DECLINED = "declined", "Declined"
    WITHDRAWN = "withdrawn", "Withdrawn"


class TransferStepKind(Word):
    """What happens to a transfer of a licence to another studio."""

    ASSUMED = "assumed", "Assumed in writing"
    UNION_APPROVED = "union_approved", "Approved by the union"
    UNION_REFUSED = "union_refused", "Not approved by the union"
    TRANSFERRED = "transferred", "Transferred"
    SETTLED = "settled", "Caps divided"
    REJECTED = "rejected", "Rejected"
    TAKEN_BACK = "taken_back", "Taken back"


class TransferState(Word):
    """What has become of a transfer."""

    ASKED = "asked", "Waits for the new studio"
    ASSUMED = "assumed", "Waits for approval"
    TRANSFERRED = "transferred", "Transferred"
    REJECTED = "rejected", "Rejected"
    TAKEN_BACK = "taken_back", "Taken back"


class AmendmentSubject(Word):
    """What an amendment adds, changes or ends."""

    CAP = "cap", "Cap"
    GRANT = "grant", "Grant"
    RATE_CARD = "rate_card", "Rate card"
    GUARANTEE = "guarantee", "Guarantee"
    ADVANCE = "advance", "Advance"
    MONEY = "money", "Reserve and contributions"
    DEAL = "deal_terms", "Deal terms"


class AmendmentStepKind(Word):
    APPROVED = "approved", "Approved"
    REJECTED = "rejected", "Rejected"
    TAKEN_BACK = "taken_back", "Taken back"
    APPLIED = "applied", "In force"
    FAILED = "failed", "Not applied"


class AmendmentState(Word):
    """What has become of an amendment."""

    WAITING = "waiting", "Waits for approval"
    APPROVED = "approved", "Approved, counts later"
    APPLIED = "applied", "In force"
    REJECTED = "rejected", "Rejected"
    TAKEN_BACK = "taken_back", "Taken back"
    FAILED = "failed", "Not applied"


class Pricing(Word):
    """How a rate line turns a quantity into a price."""

    PER_UNIT = "per_unit", "Per unit"
    GRADUATED = "graduated", "Graduated"
    VOLUME = "volume", "Volume"
    PACKAGE = "package", "Package"
    FLAT = "flat", "Flat per period"
    PERCENTAGE = "percentage", "Percentage of revenue"


class PricePart(Word):
    """What one line of a price charges for."""

    UNITS = "units", "Units"
    PACKAGES = "packages", "Packages"
    REVENUE = "revenue", "Share of revenue"
    FLAT = "flat", "Flat fee"
    DISCOUNT = "discount", "Discount"
    MINIMUM = "minimum", "Top-up to the minimum"
    MAXIMUM = "maximum", "Cut to the maximum"
    ROUNDING = "rounding", "Rounding"
    GUARANTEE = "guarantee", "Guaranteed"
    EARNED = "earned", "Less what was earned"
    ADVANCE = "advance", "Advance"
    CONTRIBUTION = "contribution", "Contribution, in percent of pay"


class CutPeriod(Word):
    """How a fee or a minimum counts in a period that a term or a new rate card cuts."""

    WHOLE = "whole", "Whole, once for the period"
    BY_DAYS = "by_days", "By days"


class Escalates(Word):
    """What an escalator of a rate card raises."""

    PRICES = "prices", "Prices per unit and package"
    FEES = "fees", "Flat fees"
    BOUNDS = "bounds", "Minimums and maximums"


class GuaranteePeriod(Word):
    """For how long a guarantee promises its amount; a year begins with the fiscal year."""

    MONTH = "month", "Each month"
    QUARTER = "quarter", "Each quarter"
    YEAR = "year", "Each fiscal year"
    TERM = "term", "The whole term"


class PaidBackFrom(Word):
    """Who advances money, and what pays it back."""

    GROSS = "gross", "The licensee advances it; use pays it back before more is owed"
    NET = "net", "The agency advances it; it is kept from what would be payable"
    NOTHING = "nothing", "The licensee pays it beside the use; nothing pays it back"


class ContributionPlan(Word):
    """The plan whose dated rates and ceiling count for what an agreement pays."""

    NONE = "none", "None"
    THEATRICAL = "theatrical", "SAG-AFTRA, theatrical"
    TELEVISION_HALF_HOUR = "television_half_hour", "SAG-AFTRA, television, half an hour"
    TELEVISION_HOUR = "television_hour", "SAG-AFTRA, television, an hour"
    INTERACTIVE = "interactive", "SAG-AFTRA, interactive"
    COMMERCIALS = "commercials", "SAG-AFTRA, commercials"


class PayClass(Word):
    """Which of a plan's rates counts."""

    PRINCIPAL = "principal", "Principal pay"
    BACKGROUND = "background", "Background pay"
    RESIDUALS = "residuals", "Residuals"
    HOME_VIDEO = "home_video_residuals", "Residuals, home video"
    AUTHORISERS = "authorisers", "Pay by an authoriser of the joint policy committee"


class ContributionsPaidBy(Word):
    LICENSEE = "licensee", "The licensee, to the plan itself"
    DESK = "desk", "The agency, which charges the licensee for it"


class RoundQuantity(Word):
    """When a quantity is rounded before it is priced."""

    NEVER = "never", "As measured"
    PER_EVENT_UP = "per_event_up", "Each event up"
    PER_EVENT_NEAREST = "per_event_nearest", "Each event to the nearest"
    PER_PERIOD_UP = "per_period_up", "The period's sum up"
    PER_PERIOD_NEAREST = "per_period_nearest", "The period's sum to the nearest"


EACH_EVENT = frozenset({RoundQuantity.PER_EVENT_UP, RoundQuantity.PER_EVENT_NEAREST})


class Factor(Word):
    """What a multiplier looks at."""

    TERRITORY = "territory", "Territory"
    LANGUAGE = "language", "Language"
    REAL_TIME = "real_time", "Real-time generation"
    EXCLUSIVITY = "exclusivity", "Exclusivity"


class PromptClass(Word):
    """The kind of instruction a generation followed."""

    SCRIPTED = "scripted", "Scripted line"
    REVISION = "revision", "Revision"
    FREE = "free", "Free prompt"
    CONVERSATION = "conversation", "Conversation"
    NONE = "none", "No prompt"


class RevealPurpose(Word):
    """What a prompt's text is read for."""

    DISPUTE = "dispute", "A dispute about a use"
    RULING = "ruling", "A ruling on a use outside the consent"
    AUDIT = "audit", "An audit under the agreement"
    LEGAL = "legal", "A legal claim or an authority's order"
    SUBJECT = "subject_request", "The performer's own request"


class Outcome(Word):
    """What a clearance decision says."""

    CLEARED = "cleared", "Cleared"
    NEEDS_APPROVAL = "needs_approval", "Needs approval"
    REFUSED = "refused", "Refused"


class Availability(Word):
    """Whether a twin is free for a use on a whole range; the worst stands last."""

    AVAILABLE = "available", "Available"
    NEEDS_APPROVAL = "needs_approval", "Needs approval"
    BLOCKED = "blocked", "Blocked"


class Dimension(Word):
    """What a decision looks at, in this order."""

    TWIN = "twin", "Twin status"
    MATRIX = "matrix", "Consent"
    SCOPE = "scope", "Scope of the consent"
    AGREEMENT = "agreement", "Agreement"
    APPROVAL = "approval", "Approval"
    CAP = "cap", "Cap"
    PROVENANCE = "provenance", "Build provenance and retention"
    HOLD = "hold", "Holds"
    ABSOLUTE = "absolute", "Absolute rules"


class Finding(Word):
    """What one dimension of a decision found."""

    PASS = "pass", "Pass"
    FAIL = "fail", "Fail"
    NOT_KNOWN = "not_known", "Not known here"
    NOT_REACHED = "not_reached", "Not reached"


class ReservationState(Word):
    """What became of the units that a cleared request held."""

    OPEN = "open", "Open"
    CONFIRMED = "confirmed", "Confirmed"
    RELEASED = "released", "Released"
    EXPIRED = "expired", "Expired"


class PermitStatus(Word):
    """What the desk says of a permit today."""

    VALID = "valid", "Valid"
    WITHDRAWN = "withdrawn", "Withdrawn"
    EXPIRED = "expired", "Expired"


class ApprovalAnswerKind(Word):
    """What an approver said to one request; a request nobody answered lapses."""

    APPROVE = "approve", "Approved"
    ONCE = "approve_once", "Approved once"
    NARROW = "narrow", "Approved, narrower"
    VETO = "veto", "Vetoed"
    LAPSED = "lapsed", "Lapsed: silence is a veto"


class ApprovalNoticeKind(Word):
    """A mail that an approver gets once for each request."""

    OPENED = "opened", "New request"
    HALF_TIME = "half_time", "Half of the time is over"
    LAST_DAY = "last_day", "24 hours are left"
    LAST_HOURS = "last_hours", "4 hours are left"
    LAPSED = "lapsed", "Lapsed"


class ApprovalState(Word):
    """Where a request for approval stands, all its approvers together."""

    WAITING = "waiting", "Waiting"
    APPROVED = "approved", "Approved"
    VETOED = "vetoed", "Vetoed"
    LAPSED = "lapsed", "Lapsed"


class HoldKind(Word):
    STRIKE = "strike", "Strike"
    DISPUTE = "dispute", "Dispute"
    LEGAL = "legal", "Legal"


class HoldStepKind(Word):
    PLACED = "placed", "Placed"
    LIFTED = "lifted", "Lifted"


class Standing(Word):
    """How a use compares with what was agreed. Recorded once, never changed."""

    CLEARED = "cleared", "Cleared"
    UNCLEARED = "uncleared", "Uncleared"
    OUT_OF_SCOPE = "out_of_scope", "Out of scope"
    OVER_CAP = "over_cap", "Over cap"
    ON_HOLD = "on_hold", "On hold"


class Treatment(Word):
    """How a ruling has a use outside the consent treated."""

    LICENSED = "licensed", "As licensed use"
    UNLICENSED = "unlicensed", "At the rate for unlicensed use"
    HELD = "held", "Held"
    ZERO = "zero", "Nothing is owed"


class LeafKind(Word):
    """What a sealed record tells."""

    USE = "use", "Use"
    AMENDMENT = "amendment", "Amendment"
    RULING = "ruling", "Ruling"
    REVENUE_REPORT = "revenue_report", "Revenue report"
    DAY_REPORT = "day_report", "Day report"


class Door(Word):
    """Through which door a batch of usage came in."""

    API = "api", "API"
    IMPORT = "import", "Import"
    DESK = "desk", "The desk's staff"


class ImportMode(Word):
    """What a sheet's wrong rows do to its good ones."""

    ALL_OR_NONE = "all_or_none", "All rows or none"
    ROW_BY_ROW = "row_by_row", "Row by row"


class DecimalSign(Word):
    """How a sheet writes numbers."""

    POINT = ".", "1,250.5 – a point before the fraction"
    COMMA = ",", "1.250,5 – a comma before the fraction"


class DateOrder(Word):
    """How a sheet writes dates that do not begin with the year."""

    DAY = "day", "14/07/2026 – the day first"
    MONTH = "month", "07/14/2026 – the month first"


class SheetStatus(Word):
    """How far the import of a sheet has come."""

    WAITING = "waiting", "Waiting for its mapping"
    QUEUED = "queued", "Queued"
    RUNNING = "running", "Being imported"
    DONE = "done", "Imported"
    CANCELLED = "cancelled", "Cancelled"
    FAILED = "failed", "Failed"


class LetterStepKind(Word):
    """What somebody did about a dead letter."""

    CORRECTED = "corrected", "Corrected"
    NOT_A_USE = "not_a_use", "Closed: not a use"


class Announcement(Word):
    """News that a webhook tells, by the name it has in the message."""

    OUTSIDE_CONSENT = "usage.outside_consent", "Use outside the consent"
    RULING = "usage.ruling", "Ruling on a use"
    CAP_ALERT = "cap.alert", "Cap near its end"
    APPROVAL_DECIDED = "approval.decided", "Approval decided"
    STATEMENT_ISSUED = "statement.issued", "Statement issued"
    TEST = "test", "Test"

    @property
    def is_chosen(self) -> bool:
        """Whether an endpoint chooses to hear it; a test is sent when somebody asks for it."""
        return self is not Announcement.TEST

    @property
    def is_for_licensees(self) -> bool:
        """Whether it may concern a licensee; statements are the agency's own business."""
        return self not in (Announcement.TEST, Announcement.STATEMENT_ISSUED)


class RuleStatus(Word):
    IN_FORCE = "in_force", "In force"
    PROPOSED = "proposed", "Proposed"
    EXPIRED = "expired", "Expired"


class Trigger(Word):
    """The fact whose date selects a rule."""

    AGREEMENT = "agreement_date", "Date of the agreement"
    PHOTOGRAPHY = "photography_start", "Start of principal photography"
    FIXATION = "fixation", "Fixation of the performance"
    PAYMENT = "payment", "Date of payment"
    DISTRIBUTION = "distribution", "Date of distribution"
    CAPTURE = "capture", "Date of capture"
    DEATH = "death", "Date of death"
    VALUATION = "valuation", "Date of a valuation"


class Proposed(Word):
    """What an agency may ask the operator to add."""

    LICENSEE = "licensee", "Licensee"
    PRODUCTION = "production", "Production"


class ProposalState(Word):
    """What became of a proposal."""

    WAITING = "waiting", "Waits"
    ADDED = "added", "Added"
    DECLINED = "declined", "Declined"


class CheckResult(Word):
    """What a rule says of an agreement; the worst stands last."""

    NOT_APPLICABLE = "not_applicable", "Not applicable"
    PASS = "pass", "Pass"
    UNKNOWN = "unknown", "Unknown"
    AT_RISK = "at_risk", "At risk"
    FAIL = "fail", "Fail"


class DealStep(Word):
    """Where in the making of an agreement something is entered, in this order."""

    PARTIES = "parties", "Who"
    WHO = "who", "Who"
    MONEY = "money", "What it costs"
    TWIN = "twin", "Which twin"
    KIND = "kind", "Which kind of deal"
    GRANTS = "grants", "What may be done"
    PRICE = "price", "What it costs"
    LIMITS = "limits", "Limits and days"
    CAPTURE = "capture", "Capture and retention"
    CHECKS = "checks", "Checks"
    DOCUMENT = "document", "Document"


class StatedFact(Word):
    """What rules ask for and no other row of the desk says; staff state it, with its evidence."""

    IN_PERSON = "in_person_work", "Replaces work that the performer would have done in person"
    INITIALLED = "replica_initialled", "Replica clause signed or initialled separately"
    SENSITIVE = "sensitive_content", "Says whether sensitive content is included"
    SAME_PRODUCT = "same_product", "Future commercials: same advertiser and product line"
    EXPRESSIVE = "expressive_work", "Promotes an expressive work, in keeping with it"
    SAYS_MACHINE = "says_machine", "Tells people that they talk to a machine"
    MARKED = "machine_readable_mark", "Outputs carry a machine-readable mark"
    ON_MARKET = "on_market_before", "The generating system was on the market before the duty began"
    UNION_TOLD = "union_told", "The union was told in writing"
    BIOMETRIC_NOTICE = "biometric_notice", "Written notice of collection, purpose and length"
    BIOMETRIC_RELEASE = "biometric_release", "Written release of biometric data"
    RETENTION_POLICY = "retention_policy", "Public written retention policy"
    INCIDENT_PROTOCOL = "incident_protocol", "Public protocol for security incidents"
    EXPLICIT_CONSENT = "explicit_consent", "Explicit consent to the use of biometric data"
    TRUST_ACCOUNT = "trust_account", "A minor's blocked trust account is open"
    REGISTERED = "successors_registered", "Successors are registered"
    NO_VALUE = "no_commercial_value", "The identity has no commercial value"
    FASHION_MODEL = "fashion_model", "The performer works as a fashion model"
    POWER_OF_ATTORNEY = "power_of_attorney", "The agency holds a power of attorney over replicas"


class CheckOccasion(Word):
    """When the findings of an agreement were written down."""

    SIGNING = "signing", "Frozen for signing"
    IMPORT = "import", "Frozen when it was taken in"
    NIGHT = "night", "Found by night"


class OverrideStepKind(Word):
    APPROVED = "approved", "Approved"
    REJECTED = "rejected", "Rejected"
    TAKEN_BACK = "taken_back", "Taken back"


class OverrideState(Word):
    """What has become of a wish to sign in spite of a finding."""

    WAITING = "waiting", "Waits for approval"
    APPROVED = "approved", "Stands"
    REJECTED = "rejected", "Rejected"
    TAKEN_BACK = "taken_back", "Taken back"
