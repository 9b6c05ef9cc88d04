"""The placeholders that clauses may use: what each stands for, and where its term is entered."""

from dataclasses import dataclass

from licensing.words import DealStep
from talent.words import Word


class Kind(Word):
    """What a placeholder is filled with, which decides how it is written."""

    TEXT = "text", "Text"
    PARTY = "party", "Party"
    LIST = "list", "List"
    TERRITORIES = "territories", "Territories"
    DAY = "day", "Day"
    HOURS = "hours", "Hours"
    DAYS = "days", "Days"
    MONTHS = "months", "Months"
    YEARS = "years", "Years"
    PERCENT = "percent", "Percent"
    MONEY = "money", "Money"
    QUANTITY = "quantity", "Quantity"


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A term by the name that clauses use."""

    name: str
    kind: Kind
    label: str
    step: DealStep


def _of(step: DealStep, **named: tuple[Kind, str]) -> list[Placeholder]:
    return [Placeholder(name, kind, label, step) for name, (kind, label) in named.items()]


PLACEHOLDERS: dict[str, Placeholder] = {
    one.name: one
    for one in [
        *_of(
            DealStep.PARTIES,
            reference=(Kind.TEXT, "the agreement's reference"),
            agency=(Kind.PARTY, "the agency"),
            agency_address=(Kind.TEXT, "the agency's address"),
            licensee=(Kind.PARTY, "the licensee"),
            licensee_notices=(Kind.TEXT, "where notices to the licensee go"),
            counsel=(Kind.PARTY, "the counsel who represented the performer"),
            guardian=(Kind.PARTY, "the minor's guardian"),
            estate=(Kind.PARTY, "who speaks for the estate, and by which document"),
            court_approval=(Kind.TEXT, "the court's approval"),
        ),
        *_of(
            DealStep.TWIN,
            performer=(Kind.PARTY, "the performer"),
            twin=(Kind.TEXT, "the digital twin"),
            tier=(Kind.TEXT, "the twin's tier"),
            legal_class=(Kind.TEXT, "the twin's legal class"),
            captured_on=(Kind.DAY, "when the twin was captured"),
            died_on=(Kind.DAY, "the day of the performer's death"),
            of_age_on=(Kind.DAY, "the day on which the minor comes of age"),
            domicile=(Kind.TERRITORIES, "where the performer lives or lived"),
            sources=(Kind.LIST, "the performers whom the persona draws on"),
            union_notice_on=(Kind.DAY, "the day on which the union was told"),
            union_notice_reference=(Kind.TEXT, "the reference of the union's notice"),
            guild=(Kind.TEXT, "the performer's guild"),
        ),
        *_of(
            DealStep.KIND,
            kind=(Kind.TEXT, "the kind of deal"),
            governing_law=(Kind.TERRITORIES, "the governing law"),
            starts_on=(Kind.DAY, "the first day"),
            last_day=(Kind.DAY, "the last day"),
            productions=(Kind.LIST, "the productions"),
            exclusive_in=(Kind.LIST, "the categories that are exclusive"),
            credit=(Kind.TEXT, "the credit"),
        ),
        *_of(
            DealStep.GRANTS,
            grants=(Kind.LIST, "what is granted"),
            description=(Kind.TEXT, "the description of the intended uses"),
            territories=(Kind.TERRITORIES, "the territories"),
            languages=(Kind.LIST, "the languages"),
            asks=(Kind.LIST, "the uses that need approval"),
            exclusions=(Kind.LIST, "the content that is excluded"),
            approval_hours=(Kind.HOURS, "the time to answer a request for approval"),
        ),
        *_of(
            DealStep.PRICE,
            currency=(Kind.TEXT, "the currency"),
            rating_period=(Kind.TEXT, "the period for which use is rated"),
            guarantees=(Kind.LIST, "the guarantee"),
            advances=(Kind.LIST, "the advances"),
            contribution_plan=(Kind.TEXT, "the plan that is owed contributions"),
            real_time_factor=(Kind.QUANTITY, "what multiplies the price of real-time generation"),
            statement_days=(Kind.DAYS, "the days until a statement"),
            usage_report_days=(Kind.DAYS, "the days until use is reported"),
            payment_days=(Kind.DAYS, "the days until payment"),
            late_interest_percent=(Kind.PERCENT, "the interest on late payment"),
            minor_trust_percent=(Kind.PERCENT, "the part set aside for the minor"),
            audit_notice_days=(Kind.DAYS, "the notice of an audit"),
            audit_years_back=(Kind.YEARS, "how far back an audit reaches"),
            audit_shortfall_percent=(Kind.PERCENT, "the shortfall that makes the licensee pay"),
        ),
        *_of(
            DealStep.LIMITS,
            caps=(Kind.LIST, "the limits"),
            withdrawal_notice_days=(Kind.DAYS, "the notice of a withdrawal"),
            transfer_answer_days=(Kind.DAYS, "the days to answer a transfer"),
            renewal_notice_days=(Kind.DAYS, "the notice before renewal"),
            cure_days=(Kind.DAYS, "the days to put a breach right"),
            confidential_years=(Kind.YEARS, "how long it stays confidential"),
        ),
        *_of(
            DealStep.CAPTURE,
            captures=(Kind.LIST, "what is captured"),
            capture_boundary=(Kind.TEXT, "the boundary of the capture"),
            capture_reason=(Kind.TEXT, "the reason for the capture"),
            capture_notice_hours=(Kind.HOURS, "the notice before a capture"),
            holder=(Kind.PARTY, "who keeps the biometric data"),
            retention_ends=(Kind.TEXT, "from when the data is destroyed"),
            retention_days=(Kind.DAYS, "the days until the data is destroyed"),
        ),
    ]
}
