"""Who: users, agencies and their staff, performers, those who act for them, those who are paid."""

from datetime import UTC, date
from typing import Any, ClassVar, Self

import pghistory
from django.conf import settings
from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now, TruncDate

from talent.periods import LAST_YEAR, of_age
from talent.words import DelegateKind, Guild, Life, Paper, Period, Power, Role, TaxForm

from .columns import (
    LocaleField,
    coded,
    codes,
    country,
    days,
    has_known_code,
    is_one_line,
    printed_line,
    printed_text,
    time_zone,
)
from .names import day

# Where paper is cut to US Letter.
LETTER = frozenset(["US", "CA", "MX", "PH", "CL", "CO", "VE"])
# Somebody who died before it leaves no rights that a desk deals in.
FIRST_YEAR_OF_A_LIFE = 1800
DAYS_OF_A_LIFE = (date(FIRST_YEAR_OF_A_LIFE, 1, 1), date(LAST_YEAR, 12, 31))


def current(prefix: str = "") -> Q:
    """Return the filter for rows whose days include today (UTC, by the database's clock)."""
    today = TruncDate(Now(), tzinfo=UTC)
    return Q(**{f"{prefix}starts_on__lte": today}) & (
        Q(**{f"{prefix}ends_on": None}) | Q(**{f"{prefix}ends_on__gt": today})
    )


class UserManager(BaseUserManager["User"]):
    """Makes users, who sign in with their mail address."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str) -> "User":
        return self.get(email__iexact=username)


class User(AbstractUser):
    """Somebody who signs in: staff, a performer, a delegate or the operator (superuser)."""

    username = None
    email = models.EmailField("email address", unique=True)
    locale = LocaleField(max_length=16, blank=True, help_text="Empty: the browser's.")
    time_zone = time_zone()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects = UserManager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="user_email_is_lower_case",
                condition=Q(email=models.functions.Lower("email")),
                violation_error_message="Write the mail address in lower case.",
            ),
            is_one_line("user_first_name_is_a_line", "first_name"),
            is_one_line("user_last_name_is_a_line", "last_name"),
        ]

    def __str__(self) -> str:
        return self.get_full_name() or self.email


class AgencyQuerySet(models.QuerySet["Agency"]):
    def visible_to(self, user: "User") -> Self:
        """Agencies on whose staff the user is; every agency for the operator."""
        if user.is_superuser and user.is_active:
            return self
        return self.with_member(user)

    def with_member(self, user: "User", *roles: Role) -> Self:
        """Agencies where the user has a seat now, in one of the roles if any are named."""
        if not (user.is_authenticated and user.is_active):
            return self.none()
        seats = Membership.objects.current().filter(user=user)
        if roles:
            seats = seats.filter(role__in=[role.value for role in roles])
        return self.filter(pk__in=seats.values("agency"))


@pghistory.track()
class Agency(models.Model):
    """A talent agency: the tenant to whom agreements, usage, statements and money belong."""

    name = printed_line(unique=True)
    slug = models.SlugField(unique=True)
    isni = models.CharField("ISNI", max_length=16, blank=True)
    address = printed_text(blank=True)
    country = country()
    time_zone = time_zone()
    statement_period = coded(Period, default=Period.QUARTER.value)
    payment_days = models.PositiveSmallIntegerField(
        default=60, help_text="Days after a period's end by which its statement is payable."
    )
    paper = coded(
        Paper,
        default=Paper.BY_COUNTRY.value,
        db_default=Paper.BY_COUNTRY.value,
        help_text="On which its statements and agreements are set.",
    )
    second_factor_roles = codes(
        Role,
        null=True,
        blank=True,
        verbose_name="second factor also for",
        help_text="Business affairs and accounting prove themselves twice in any case.",
    )

    objects = AgencyQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "agencies"
        constraints = [
            has_known_code("agency_statement_period_is_known", "statement_period", Period),
            has_known_code("agency_paper_is_known", "paper", Paper),
            is_one_line("agency_name_is_a_line", "name"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def paper_format(self) -> str:
        """The format of its documents by the name that style sheets have: A4 or Letter."""
        if self.paper != Paper.BY_COUNTRY:
            return str(self.paper)
        return Paper.LETTER.value if self.country in LETTER else Paper.A4.value


class MembershipQuerySet(models.QuerySet["Membership"]):
    def current(self) -> Self:
        return self.filter(current())

    def visible_to(self, user: "User") -> Self:
        return self.filter(agency__in=Agency.objects.visible_to(user))


@pghistory.track()
class Membership(models.Model):
    """A seat on an agency's staff, with one role."""

    agency = models.ForeignKey(Agency, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="memberships")
    role = coded(Role)
    starts_on = models.DateField()
    ends_on = models.DateField(null=True, blank=True)

    named_by: ClassVar[tuple[str, ...]] = ("user",)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        constraints = [
            has_known_code("membership_role_is_known", "role", Role),
            ExclusionConstraint(
                name="membership_one_role_at_a_time",
                expressions=[
                    ("agency", RangeOperators.EQUAL),
                    ("user", RangeOperators.EQUAL),
                    (days("starts_on", "ends_on"), RangeOperators.OVERLAPS),
                ],
                violation_error_message="This person already has a seat in that time.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user}, {self.get_role_display()}"


class PerformerQuerySet(models.QuerySet["Performer"]):
    def represented_by(self, agencies: "AgencyQuerySet") -> Self:
        """Performers whom one of the agencies represents today."""
        terms = Representation.objects.filter(current(), agency__in=agencies)
        return self.filter(pk__in=terms.values("performer"))

    def spoken_for_by(self, user: "User", power: Power) -> Self:
        """Return the user's own performer, and those whose delegation gives the power today."""
        if not (user.is_authenticated and user.is_active):
            return self.none()
        delegations = Delegation.objects.filter(
            current(), user=user, powers__contains=[power.value]
        )
        return self.filter(Q(user=user) | Q(pk__in=delegations.values("performer")))

    def visible_to(self, user: "User") -> Self:
        """Return performers that the user's agency represents today, or whom they may speak for."""
        if user.is_superuser and user.is_active:
            return self
        return self.filter(
            Q(pk__in=Performer.objects.represented_by(Agency.objects.visible_to(user)).values("pk"))
            | Q(pk__in=Performer.objects.spoken_for_by(user, Power.SEE_TWINS).values("pk"))
        )


@pghistory.track()
class Performer(models.Model):
    """A person whose likeness is licensed: living, deceased or a minor."""

    name = printed_line(
        "professional name",
    )
    legal_name = printed_line(blank=True)
    life = coded(Life, default=Life.LIVING.value)
    guild = coded(Guild, default=Guild.NONE.value)
    guild_number = models.CharField(max_length=32, blank=True)
    born_on = models.DateField(null=True, blank=True)
    died_on = models.DateField(null=True, blank=True)
    domicile = models.CharField(
        max_length=6, blank=True, help_text="ISO 3166 country or subdivision; at death if deceased."
    )
    isni = models.CharField("ISNI", max_length=16, blank=True)
    hand_id = models.CharField("HAND ID", max_length=40, blank=True)
    external_ids = models.JSONField(default=dict, blank=True)
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="performer"
    )

    objects = PerformerQuerySet.as_manager()

    class Meta:
        constraints = [
            has_known_code("performer_life_is_known", "life", Life),
            has_known_code("performer_guild_is_known", "guild", Guild),
            models.CheckConstraint(
                name="performer_died_if_deceased",
                condition=Q(life=Life.DECEASED.value, died_on__isnull=False)
                | (~Q(life=Life.DECEASED.value) & Q(died_on=None)),
                violation_error_message="A deceased performer has a date of death, others none.",
            ),
            models.CheckConstraint(
                name="performer_minor_has_birthday",
                condition=~Q(life=Life.MINOR.value) | Q(born_on__isnull=False),
                violation_error_message="A minor needs a date of birth.",
            ),
            models.CheckConstraint(
                name="performer_days_are_of_a_life",
                condition=(Q(born_on=None) | Q(born_on__range=DAYS_OF_A_LIFE))
                & (Q(died_on=None) | Q(died_on__range=DAYS_OF_A_LIFE))
                & (Q(born_on=None) | Q(died_on=None) | Q(died_on__gte=F("born_on"))),
                violation_error_message="Nobody dies before they are born, nor in such a year.",
            ),
            is_one_line("performer_name_is_a_line", "name"),
            is_one_line("performer_legal_name_is_a_line", "legal_name"),
            models.UniqueConstraint(
                name="performer_isni_unique", fields=["isni"], condition=~Q(isni="")
            ),
            models.UniqueConstraint(
                name="performer_hand_id_unique", fields=["hand_id"], condition=~Q(hand_id="")
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def decides_alone(self, on: date) -> bool:
        """Tell whether the performer is a living adult on a day, who decides for themselves."""
        return self.life == Life.LIVING and (self.born_on is None or of_age(self.born_on, on))


class DelegationQuerySet(models.QuerySet["Delegation"]):
    def current(self) -> Self:
        return self.filter(current())

    def visible_to(self, user: "User") -> Self:
        if user.is_superuser and user.is_active:
            return self
        performers = Performer.objects.represented_by(Agency.objects.visible_to(user))
        return self.filter(
            Q(user_id=user.pk) | Q(performer__user_id=user.pk) | Q(performer__in=performers)
        )


@pghistory.track()
class Delegation(models.Model):
    """What an estate, guardian or counsel may see and do for a performer, and until when."""

    performer = models.ForeignKey(Performer, models.PROTECT, related_name="delegations")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="delegations")
    kind = coded(DelegateKind)
    powers = codes(Power)
    authority = models.CharField(
        max_length=200, blank=True, help_text="The document the authority rests on."
    )
    starts_on = models.DateField()
    ends_on = models.DateField(null=True, blank=True)

    named_by: ClassVar[tuple[str, ...]] = ("user", "performer")

    objects = DelegationQuerySet.as_manager()

    class Meta:
        constraints = [
            has_known_code("delegation_kind_is_known", "kind", DelegateKind),
            ExclusionConstraint(
                name="delegation_one_at_a_time",
                expressions=[
                    ("performer", RangeOperators.EQUAL),
                    ("user", RangeOperators.EQUAL),
                    (days("starts_on", "ends_on"), RangeOperators.OVERLAPS),
                ],
                violation_error_message="This person is already the performer's delegate then.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user}, {self.get_kind_display()} of {self.performer}"


class RepresentationQuerySet(models.QuerySet["Representation"]):
    def on(self, day: date) -> Self:
        """Return the terms in force on a day: start included, end not."""
        return self.filter(Q(ends_on=None) | Q(ends_on__gt=day), starts_on__lte=day)

    def visible_to(self, user: "User") -> Self:
        if user.is_superuser and user.is_active:
            return self
        return self.filter(
            Q(agency__in=Agency.objects.visible_to(user)) | Q(performer__user_id=user.pk)
        )


@pghistory.track()
class Representation(models.Model):
    """A term during which an agency represents a performer, and its commission."""

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="representations")
    performer = models.ForeignKey(Performer, models.PROTECT, related_name="representations")
    commission_percent = models.DecimalField(max_digits=6, decimal_places=3)
    starts_on = models.DateField()
    ends_on = models.DateField(null=True, blank=True)

    named_by: ClassVar[tuple[str, ...]] = ("performer", "agency")

    objects = RepresentationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="representation_ends_after_it_starts",
                condition=Q(ends_on=None) | Q(ends_on__gt=F("starts_on")),
                violation_error_message="A representation must end after it starts.",
            ),
            models.CheckConstraint(
                name="representation_commission_is_a_percentage",
                condition=Q(commission_percent__gte=0, commission_percent__lte=100),
                violation_error_message="Commission is between 0 and 100 %%.",
            ),
            ExclusionConstraint(
                name="representation_one_at_a_time",
                expressions=[
                    ("agency", RangeOperators.EQUAL),
                    ("performer", RangeOperators.EQUAL),
                    (days("starts_on", "ends_on"), RangeOperators.OVERLAPS),
                ],
                violation_error_message="This agency already represents the performer then.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.performer} at {self.agency} from {day(self.starts_on)}"


class BeneficiaryQuerySet(models.QuerySet["Beneficiary"]):
    def spoken_for_by(self, user: "User") -> Self:
        """Return beneficiaries whose money the user may see: their own, or as a delegate."""
        if not (user.is_authenticated and user.is_active):
            return self.none()
        performers = Performer.objects.spoken_for_by(user, Power.SEE_MONEY)
        return self.filter(Q(user=user) | Q(performer__in=performers))

    def visible_to(self, user: "User") -> Self:
        if user.is_superuser and user.is_active:
            return self
        agencies = Agency.objects.visible_to(user)
        represented = Performer.objects.represented_by(agencies)
        return self.filter(
            Q(pk__in=Beneficiary.objects.spoken_for_by(user).values("pk"))
            | Q(performer__in=represented)
            | Q(agency__in=agencies)
            | Q(payee_of__in=agencies)
            | Q(estates__performer__in=represented)
        ).distinct()


@pghistory.track()
class Beneficiary(models.Model):
    """The one to whom money is owed: a performer, an agency that owns a persona, or an heir.

    Or whom an agency pays somebody else's money: a manager, a lawyer, an office, a plan.
    """

    name = printed_line()
    performer = models.OneToOneField(
        Performer, models.PROTECT, null=True, blank=True, related_name="beneficiary"
    )
    agency = models.ForeignKey(
        Agency, models.PROTECT, null=True, blank=True, related_name="beneficiaries"
    )
    payee_of = models.ForeignKey(
        Agency,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="payee of",
        help_text="The agency that pays them money of others, as a manager, a lawyer or an office.",
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="beneficiaries",
    )
    address = printed_text(blank=True)

    objects = BeneficiaryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "beneficiaries"
        constraints = [
            is_one_line("beneficiary_name_is_a_line", "name"),
            models.CheckConstraint(
                name="beneficiary_performer_or_agency",
                condition=Q(performer=None) | Q(agency=None),
                violation_error_message="A beneficiary is a performer or an agency, not both.",
            ),
            models.CheckConstraint(
                name="beneficiary_payee_of_others",
                condition=Q(payee_of=None) | Q(performer=None, agency=None),
                violation_error_message="Who is paid money of others is no performer or agency.",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class EstateShareQuerySet(models.QuerySet["EstateShare"]):
    def visible_to(self, user: "User") -> Self:
        return self.filter(performer__in=Performer.objects.visible_to(user))


@pghistory.track()
class EstateShare(models.Model):
    """An heir's part of what a deceased performer's twins earn. Parts count by weight.

    It counts for use on the days from `starts_on`, or the day of death, to before `ends_on`.
    Another weight from a day on is another row.
    """

    performer = models.ForeignKey(Performer, models.PROTECT, related_name="estate_shares")
    beneficiary = models.ForeignKey(Beneficiary, models.PROTECT, related_name="estates")
    weight = models.DecimalField(max_digits=12, decimal_places=6)
    starts_on = models.DateField(
        null=True, blank=True, help_text="The first day of use; empty: the day of death."
    )
    ends_on = models.DateField(
        null=True, blank=True, help_text="The first day that no longer counts."
    )

    named_by: ClassVar[tuple[str, ...]] = ("beneficiary", "performer")

    objects = EstateShareQuerySet.as_manager()

    class Meta:
        constraints = [
            ExclusionConstraint(
                name="estate_share_one_at_a_time",
                expressions=[
                    ("performer", RangeOperators.EQUAL),
                    ("beneficiary", RangeOperators.EQUAL),
                    (days("starts_on", "ends_on"), RangeOperators.OVERLAPS),
                ],
                violation_error_message="There is a share for some of these days already.",
            ),
            models.CheckConstraint(
                name="estate_share_is_positive",
                condition=Q(weight__gt=0),
                violation_error_message="An heir's weight must be above zero.",
            ),
            models.CheckConstraint(
                name="estate_share_ends_after_it_starts",
                condition=Q(starts_on=None) | Q(ends_on=None) | Q(ends_on__gt=F("starts_on")),
                violation_error_message="A share must end after it starts.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.beneficiary} in the estate of {self.performer}"


class TaxCertificateQuerySet(models.QuerySet["TaxCertificate"]):
    def visible_to(self, user: "User") -> Self:
        return self.filter(beneficiary__in=Beneficiary.objects.visible_to(user))


@pghistory.track()
class TaxCertificate(models.Model):
    """The tax form a beneficiary gave, and the withholding that follows from it."""

    beneficiary = models.ForeignKey(Beneficiary, models.PROTECT, related_name="tax_certificates")
    form = coded(TaxForm)
    residence = country()
    withholding_percent = models.DecimalField(max_digits=6, decimal_places=3, default=0)
    rate_source = models.CharField(
        max_length=200, help_text="Where the rate comes from: form, statute or treaty article."
    )
    signed_on = models.DateField()
    expires_on = models.DateField(null=True, blank=True)

    named_by: ClassVar[tuple[str, ...]] = ("beneficiary",)

    objects = TaxCertificateQuerySet.as_manager()

    class Meta:
        constraints = [
            has_known_code("tax_certificate_form_is_known", "form", TaxForm),
            models.CheckConstraint(
                name="tax_certificate_rate_is_a_percentage",
                condition=Q(withholding_percent__gte=0, withholding_percent__lte=100),
                violation_error_message="Withholding is between 0 and 100 %%.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.beneficiary}: {self.get_form_display()} of {day(self.signed_on)}"
