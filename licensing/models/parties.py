"""Parties: licensees and their productions, terms with agencies, API keys."""

import secrets
from collections.abc import Collection
from datetime import date, datetime
from typing import ClassVar, Self

import pghistory
from django.conf import settings
from django.db import models
from django.db.models import Exists, Q

from licensing.wire.names import Prefix, name_of, number_in
from licensing.words import NO_BRAND_STATED, LicenseeKind, ProductionKind
from talent.models import Agency, User
from talent.models.columns import (
    coded,
    codes,
    country,
    has_known_code,
    is_one_line,
    printed_line,
)
from talent.words import BrandCategory


class LicenseeQuerySet(models.QuerySet["Licensee"]):
    def visible_to(self, user: User) -> Self:
        """Licensees with terms at one of the user's agencies."""
        if user.is_superuser and user.is_active:
            return self
        agencies = Agency.objects.visible_to(user)
        terms = LicenseeTerms.objects.filter(agency__in=agencies)
        return self.filter(pk__in=terms.values("licensee"))


@pghistory.track()
class Licensee(models.Model):
    """A studio or other party that licenses twins. An identity kept by the operator."""

    name = printed_line(unique=True)
    slug = models.SlugField(unique=True, help_text="The name used in consent scopes.")
    kind = coded(LicenseeKind)
    isni = models.CharField("ISNI", max_length=16, blank=True)
    country = country()
    billing_email = models.EmailField(blank=True)

    objects = LicenseeQuerySet.as_manager()

    class Meta:
        constraints = [
            has_known_code("licensee_kind_is_known", "kind", LicenseeKind),
            is_one_line("licensee_name_is_a_line", "name"),
        ]

    def __str__(self) -> str:
        return self.name


class BrandQuerySet(models.QuerySet["Brand"]):
    def visible_to(self, user: User) -> Self:
        """Return the brands to who has a seat at some agency: consents name them."""
        if user.is_superuser and user.is_active:
            return self
        return self.filter(Exists(Agency.objects.visible_to(user)))


@pghistory.track()
class Brand(models.Model):
    """What a use advertises or shows: an identity kept by the operator, who says what it sells."""

    name = printed_line(unique=True)
    slug = models.SlugField(
        unique=True, help_text="The name used in consent scopes and by studios' programs."
    )
    categories = codes(BrandCategory, help_text="What it sells: consents may leave these out.")

    objects = BrandQuerySet.as_manager()

    class Meta:
        constraints = [
            is_one_line("brand_name_is_a_line", "name"),
            models.CheckConstraint(
                name="brand_is_not_none",
                condition=~Q(slug=NO_BRAND_STATED) & ~Q(name__iexact=NO_BRAND_STATED),
                violation_error_message="“none” is what a use says that is for no brand.",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class LicenseeTermsQuerySet(models.QuerySet["LicenseeTerms"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(agency__in=Agency.objects.visible_to(user))


class LicenseeTerms(models.Model):
    """What stands between one agency and one licensee: contact, time to answer and keys."""

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    licensee = models.ForeignKey(Licensee, models.PROTECT, related_name="terms")
    contact = models.CharField(max_length=200, blank=True)
    approval_hours = models.PositiveSmallIntegerField(
        default=72,
        help_text="How long performers have to answer a request; silence is a veto.",
    )
    tag_key = models.BinaryField(max_length=32, default=secrets.token_bytes, editable=False)
    # Separate from the tags' key, which the parties may be given: whoever holds this could test
    # guesses at a prompt's words.
    prompt_key = models.BinaryField(max_length=32, default=secrets.token_bytes, editable=False)

    named_by: ClassVar[tuple[str, ...]] = ("agency", "licensee")

    objects = LicenseeTermsQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "licensee terms"
        constraints = [
            models.UniqueConstraint(name="licensee_terms_once", fields=["agency", "licensee"]),
            models.CheckConstraint(
                name="licensee_terms_leave_time_to_answer",
                condition=Q(approval_hours__gte=4, approval_hours__lte=720),
                violation_error_message="Leave performers between 4 hours and 30 days to answer.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.agency} – {self.licensee}"


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def usable(self, at: datetime) -> Self:
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=at), revoked_at=None)

    def visible_to(self, user: User) -> Self:
        return self.filter(terms__in=LicenseeTerms.objects.visible_to(user))


class ApiKey(models.Model):
    """A licensee's key to the API. Only its SHA-256 is kept; the prefix tells it apart."""

    terms = models.ForeignKey(LicenseeTerms, models.PROTECT, related_name="keys")
    label = models.CharField(max_length=100)
    prefix = models.CharField(max_length=16, unique=True)
    digest = models.BinaryField(max_length=32, editable=False)
    sandbox = models.BooleanField(
        default=False, help_text="What is sent with it is answered, and counts nowhere."
    )
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    replaced_by = models.OneToOneField("self", models.PROTECT, null=True, related_name="replaces")

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        verbose_name = "API key"

    def __str__(self) -> str:
        return f"{self.label} ({self.prefix}…)"


class ProductionQuerySet(models.QuerySet["Production"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(licensee__in=Licensee.objects.visible_to(user))


@pghistory.track()
class Production(models.Model):
    """A title that a twin performs in. An identity kept by the operator."""

    licensee = models.ForeignKey(Licensee, models.PROTECT, related_name="productions")
    title = printed_line()
    kind = coded(ProductionKind)
    eidr = models.CharField("EIDR", max_length=34, blank=True)
    isan = models.CharField("ISAN", max_length=40, blank=True)
    photography_starts_on = models.DateField(
        null=True, blank=True, help_text="Start of principal photography; selects guild rules."
    )
    released_on = models.DateField(null=True, blank=True)

    objects = ProductionQuerySet.as_manager()

    class Meta:
        constraints = [
            has_known_code("production_kind_is_known", "kind", ProductionKind),
            is_one_line("production_title_is_a_line", "title"),
            models.UniqueConstraint(
                name="production_eidr_unique", fields=["eidr"], condition=~Q(eidr="")
            ),
            models.UniqueConstraint(name="production_title_once", fields=["licensee", "title"]),
        ]

    def __str__(self) -> str:
        return self.title

    def had_begun_before(self, day: date | None) -> bool:
        """Tell whether its photography is known to have begun before a day."""
        began_on = self.photography_starts_on
        return day is not None and began_on is not None and began_on < day


def names_in_scopes(wanted: Collection[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Return what consents' scopes name by code: licensees, brands, and productions as P5."""
    by_noun: dict[str, set[str]] = {"licensee": set(), "brand": set(), "production": set()}
    for noun, code in wanted:
        by_noun[noun].add(code)
    licensees = Licensee.objects.filter(slug__in=by_noun["licensee"])
    brands = Brand.objects.filter(slug__in=by_noun["brand"])
    numbers = [number_in(code, Prefix.PRODUCTION) for code in by_noun["production"]]
    productions = Production.objects.filter(pk__in=[n for n in numbers if n is not None])
    names = {("licensee", slug): name for slug, name in licensees.values_list("slug", "name")}
    names |= {("brand", slug): name for slug, name in brands.values_list("slug", "name")}
    for pk, title in productions.values_list("pk", "title"):
        names["production", name_of(Prefix.PRODUCTION, pk)] = title
    return names
