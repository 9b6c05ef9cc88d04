"""Access: what each role of an agency's staff may do. The operator (superuser) may do all."""

from functools import cache

from django.apps import apps
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db.models import Model

from talent.models import Membership, User
from talent.words import Role

AnyUser = AbstractBaseUser | AnonymousUser
APPS = ("talent", "licensing", "valuation")

# Models that only the operator sees: identities and rules that all agencies share, and machinery.
OPERATORS = {
    "talent.user",
    "talent.factorremoval",
    "talent.outboxmessage",
    "talent.trycount",
    "licensing.archiveblock",
    "licensing.archivedseconds",
    "licensing.eventarchive",
    "licensing.loghead",
    "licensing.signingkey",
    "valuation.exposurerun",
    "valuation.nightrun",
    "valuation.nightshard",
}

PEOPLE = [
    "performer", "representation", "delegation", "digitaltwin", "compositesource", "earlierowner",
    "build", "custodyitem", "capturesession", "heldelsewhere", "dataset",
]  # fmt: skip
TERMS = [
    "agreement", "grant", "guarantee", "advance", "ratecard", "rateline", "bracket", "multiplier",
    "escalator", "cap", "agreementfact", "standingoffer", "offergrant",
]  # fmt: skip
PLANS = [
    "scenario", "scenarioitem", "scenarioinput", "inputcorrelation", "plannedexposure",
    "screenplay", "scene", "shootinglocation", "character", "castmember", "absence",
    "partscore",
    "scheduleplan", "plantwin",
]  # fmt: skip
FIGURES = ["worthparameter", "congruence"]
BILLING = [
    "agencychange",
    "billingdetails",
    "interestterms",
    "objectionterms",
    "payeecheck",
    "payeecheckrule",
    "paymentdirection",
    "paymentterms",
    "planpayee",
    "selfbillingagreement",
]
PAYEES = ["beneficiary", "estateshare", "taxcertificate"]

# What a role may add and change beside reading everything of its agency.
WRITES: dict[str, dict[str, list[str]]] = {
    Role.AGENT: {
        "talent": [*PEOPLE, "consentmatrix", "consentversion", "consentcell"],
        "licensing": [*TERMS, "hold", "obligationtick"],
        "valuation": PLANS,
    },
    Role.BUSINESS_AFFAIRS: {
        "talent": [
            *PEOPLE, *PAYEES, "consentmatrix", "consentversion", "consentcell", "membership",
        ],
        "licensing": [
            *TERMS, "clause", "hold", "licenseeterms", "apikey", "obligationtick", "usageimport",
            "webhookendpoint",
        ],
        "valuation": [*PLANS, *FIGURES, *BILLING, "bankdetails", "scheduledreport"],
    },
    Role.ACCOUNTING: {
        "talent": PAYEES,
        "licensing": ["obligationtick", "usageimport"],
        "valuation": [*PLANS, *BILLING, "bankdetails", "remittance", "scheduledreport"],
    },
    Role.AUDITOR: {},
}  # fmt: skip

# Permissions for steps that are not edits, such as issuing; the steps of the admin name
# them (talent/admin/steps.py).
STEPS: dict[str, set[str]] = {
    Role.AGENT: {
        "licensing.ask_amendment",
        "licensing.ask_ruleoverride",
        "licensing.revoke_permit",
        "licensing.send_agreement",
        "talent.approve_custodygrant",
        "talent.ask_clearing",
        "talent.ask_custodygrant",
        "talent.ask_destruction",
        "talent.ask_sharechange",
        "talent.mark_contamination",
        "talent.record_lineage",
        "valuation.ask_scheduleplan",
        "valuation.solve_scheduleplan",
        "valuation.value_scenario",
    },
    Role.BUSINESS_AFFAIRS: {
        "licensing.approve_amendment",
        "licensing.approve_ruleoverride",
        "licensing.ask_amendment",
        "licensing.ask_ruleoverride",
        "licensing.erase_prompt",
        "licensing.reveal_prompt",
        "licensing.revoke_permit",
        "licensing.rule_usage",
        "licensing.send_agreement",
        "licensing.sign_agreement",
        "talent.approve_clearing",
        "talent.approve_custodygrant",
        "talent.approve_destruction",
        "talent.approve_sharechange",
        "talent.ask_clearing",
        "talent.ask_custodygrant",
        "talent.ask_destruction",
        "talent.ask_sharechange",
        "talent.break_custodyglass",
        "talent.hold_custodyitem",
        "talent.mark_contamination",
        "talent.record_lineage",
        "valuation.approve_agencychange",
        "valuation.approve_bankdetails",
        "valuation.approve_cashrequest",
        "valuation.approve_dispute",
        "valuation.approve_handover",
        "valuation.approve_interestterms",
        "valuation.approve_invoice",
        "valuation.approve_objectionterms",
        "valuation.approve_paymentdirection",
        "valuation.approve_opening",
        "valuation.approve_payoutrun",
        "valuation.approve_periodclose",
        "valuation.approve_planpayee",
        "valuation.approve_reversal",
        "valuation.approve_selfbillingagreement",
        "valuation.approve_statement",
        "valuation.decide_dispute",
        "valuation.make_handover",
        "valuation.raise_dispute",
        "valuation.rerate_residualline",
        "valuation.review_statement",
        "valuation.ask_scheduleplan",
        "valuation.solve_scheduleplan",
        "valuation.value_scenario",
    },
    Role.ACCOUNTING: {
        "talent.approve_clearing",
        "talent.approve_custodygrant",
        "talent.approve_destruction",
        "talent.approve_sharechange",
        "talent.ask_sharechange",
        "valuation.approve_agencychange",
        "valuation.approve_bankdetails",
        "valuation.approve_cashrequest",
        "valuation.approve_dispute",
        "valuation.approve_handover",
        "valuation.approve_interestterms",
        "valuation.approve_invoice",
        "valuation.approve_objectionterms",
        "valuation.approve_paymentdirection",
        "valuation.approve_opening",
        "valuation.approve_payoutrun",
        "valuation.approve_periodclose",
        "valuation.approve_planpayee",
        "valuation.approve_reversal",
        "valuation.approve_selfbillingagreement",
        "valuation.approve_statement",
        "valuation.ask_cashrequest",
        "valuation.ask_periodclose",
        "valuation.ask_reversal",
        "valuation.claim_lateinterest",
        "valuation.confirm_payoutrun",
        "valuation.decide_dispute",
        "valuation.make_handover",
        "valuation.download_statement",
        "valuation.draw_commission",
        "valuation.draw_invoice",
        "valuation.draw_payoutrun",
        "valuation.enter_opening",
        "valuation.export_journalentry",
        "valuation.issue_invoice",
        "valuation.issue_statement",
        "valuation.raise_dispute",
        "valuation.rerate_residualline",
        "valuation.revalue_account",
        "valuation.review_statement",
        "valuation.value_scenario",
        "valuation.write_dunningletter",
    },
    Role.AUDITOR: set(),
}

# What a role may also delete: drafts and their parts. Nothing else is ever deleted.
REMOVABLE = {
    "talent.compositesource",
    "talent.estateshare",
    "talent.earlierowner",
    "licensing.advance",
    "licensing.agreementfact",
    "licensing.grant",
    "licensing.guarantee",
    "licensing.ratecard",
    "licensing.rateline",
    "licensing.bracket",
    "licensing.multiplier",
    "licensing.escalator",
    "licensing.offergrant",
    "valuation.absence",
    "valuation.castmember",
    "valuation.inputcorrelation",
    "valuation.plannedexposure",
    "valuation.partscore",
    "valuation.plantwin",
    "valuation.scenarioinput",
    "valuation.scenarioitem",
    "valuation.shootinglocation",
}


class RoleBackend(ModelBackend):
    """Grants what any of a user's current seats allows, and ignores `obj`.

    Whether that seat is at the agency of a row is checked by `DeskAdmin.may`.
    """

    def has_perm(self, user: AnyUser, perm: str, obj: Model | None = None) -> bool:
        return bool(user.is_active) and any(perm in permissions_of(role) for role in roles_of(user))

    def has_module_perms(self, user: AnyUser, app_label: str) -> bool:
        return bool(user.is_active) and app_label in APPS and bool(roles_of(user))

    def get_all_permissions(self, user: AnyUser, obj: Model | None = None) -> set[str]:
        return set[str]().union(*(permissions_of(role) for role in roles_of(user)))


def roles_of(user: AnyUser) -> frozenset[str]:
    """Return the roles of a user's current seats, read once per request."""
    if not isinstance(user, User):
        return frozenset()
    known = vars(user)
    if "_roles" not in known:
        seats = Membership.objects.current().filter(user=user)
        known["_roles"] = frozenset(seats.values_list("role", flat=True))
    roles: frozenset[str] = known["_roles"]
    return roles


@cache
def permissions_of(role: str) -> frozenset[str]:
    """Return every permission of a role, as `app.action_model`."""
    read = {
        f"{model._meta.app_label}.view_{model._meta.model_name}"
        for app in APPS
        for model in apps.get_app_config(app).get_models()
        if model._meta.label_lower not in OPERATORS
    }
    write = set()
    for app, models in WRITES[role].items():
        for model in models:
            write |= {f"{app}.add_{model}", f"{app}.change_{model}"}
            if f"{app}.{model}" in REMOVABLE:
                write.add(f"{app}.delete_{model}")
    return frozenset(read | write | STEPS[role])


def roles_with(permission: str) -> list[str]:
    """Return the roles that have a permission."""
    return [role for role in Role.codes() if permission in permissions_of(role)]
