"""Deductions: the rates that count for a receipt of a day, and what each rests on."""

from datetime import date
from decimal import Decimal as D

import pgtrigger
import pytest

from licensing.agreements.rules.rulesets import load_rules
from licensing.models import Agreement, RuleSet, SignedCommission
from talent.models import Agency, Performer, Representation, TaxCertificate
from tests.valuation.world import give_certificate
from valuation.cash.released.deductions import rates_on

DAY = date(2026, 9, 15)


@pytest.fixture
def rates(world):
    """The rates of a receipt, as the world stands when it is asked."""
    load_rules()

    def on(day=DAY, scale_portion="0"):
        agreement = Agreement.objects.select_related("agency").get(pk=world.agreement.pk)
        return rates_on(
            day,
            agreement=agreement,
            beneficiary=world.beneficiary,
            performer=Performer.objects.get(pk=world.performer.pk),
            scale_portion=D(scale_portion),
        )

    return on


# Commission


def agreed(percent, guild="sag_aftra"):
    Agreement.objects.update(guild=guild)
    with pgtrigger.ignore("licensing.SignedCommission:append_only"):
        SignedCommission.objects.update(percent=D(percent))


@pytest.mark.parametrize(
    ("guild", "percent", "scale", "commission"),
    [
        ("none", "15", "0", "15"),
        ("sag_aftra", "15", "0", "10"),
        ("sag_aftra", "8", "0", "8"),
        # Scale plus ten: 1 / 1.1 of the pay is scale, and the ten of it is the rest.
        ("sag_aftra", "10", "0.909091", "0"),
        ("sag_aftra", "10", "0.909090", "9.0909"),
        ("sag_aftra", "10", "0.2", "8"),
        # 7.777 % of 0.678908 above scale: 5.279867516, and never more than that.
        ("sag_aftra", "7.777", "0.321092", "5.279867"),
    ],
)
def test_commission_is_capped_and_spares_scale_where_the_guild_says_so(
    rates, guild, percent, scale, commission
):
    agreed(percent, guild)

    assert rates(scale_portion=scale).commission == D(commission)


def test_without_the_guilds_rule_scale_is_whole_all_the_same(rates):
    agreed("15")
    RuleSet.objects.filter(code="agents.commission_cap").delete()

    assert rates(scale_portion="0.95").commission == D(5)
    assert rates(scale_portion="0").commission == D(15)


def test_the_commission_of_the_signing_counts_whatever_was_agreed_since(rates, world):
    Representation.objects.update(commission_percent=D(7))
    assert rates().commission == D(10)

    # Signed before the desk fixed commissions: that of the term on the day of signing.
    with pgtrigger.ignore("licensing.SignedCommission:append_only"):
        SignedCommission.objects.all().delete()
    Representation.objects.update(ends_on=date(2026, 6, 15))
    Representation.objects.create(
        agency=world.agency,
        performer=world.performer,
        commission_percent=D(9),
        starts_on=date(2026, 6, 15),
    )
    assert rates().commission == D(7)


# A minor's trust


def born(on, domicile="US-CA", **fields):
    Performer.objects.update(**{"life": "minor", "born_on": on, "domicile": domicile, **fields})


def test_a_minors_trust_is_kept_until_they_are_of_age(rates):
    born(date(2008, 9, 15))

    assert rates(date(2026, 9, 14)).minor_trust == D(15)
    assert rates(date(2026, 9, 15)).minor_trust == D(0)


def test_a_minors_trust_is_that_of_their_home_and_of_the_living(rates):
    born(date(2012, 9, 15), domicile="DE")
    assert rates().minor_trust == D(0)

    born(date(2012, 9, 15), life="deceased", died_on=date(2026, 8, 1))
    assert rates().minor_trust == D(0)


def test_a_minors_trust_rests_on_a_rule_that_may_be_relied_on(rates):
    born(date(2012, 9, 15))
    RuleSet.objects.filter(code="minors.trust_share").update(confidence="unverified")

    assert rates().minor_trust == D(0)


# Withholding


def certificates(world, *filed):
    TaxCertificate.objects.all().delete()
    for percent, signed_on, fields in filed:
        give_certificate(world.beneficiary, percent, signed_on=signed_on, **fields)


ABROAD = {"form": "w8ben", "residence": "DE"}


@pytest.mark.parametrize(
    ("filed", "withheld"),
    [
        ([], "24"),
        ([("0", date(2026, 1, 1), {})], "0"),
        ([("15", date(2026, 1, 1), ABROAD)], "15"),
        # The newest that was signed by then.
        ([("5", date(2025, 1, 1), {}), ("7", date(2026, 9, 15), {})], "7"),
        ([("7", date(2026, 9, 15), {}), ("5", date(2025, 1, 1), {})], "7"),
        ([("5", date(2025, 1, 1), {}), ("7", date(2026, 9, 16), {})], "5"),
        # Its last day counts; on the next nothing is in force.
        ([("5", date(2025, 1, 1), {"expires_on": date(2026, 9, 15)})], "5"),
        ([("5", date(2025, 1, 1), {"expires_on": date(2026, 9, 14)})], "24"),
        ([("5", date(2025, 1, 1), {"expires_on": date(2026, 9, 14)} | ABROAD)], "30"),
    ],
)
def test_what_is_withheld_is_what_the_newest_certificate_says_or_the_default(
    rates, world, filed, withheld
):
    certificates(world, *filed)

    assert rates().withholding == D(withheld)


def test_an_agency_elsewhere_withholds_by_certificates_alone(rates, world):
    certificates(world)
    Agency.objects.update(country="GB")
    assert rates().withholding == D(0)

    certificates(world, ("20", date(2025, 1, 1), ABROAD))
    assert rates().withholding == D(20)


def test_each_rate_says_where_it_comes_from(rates, world):
    certificates(world)
    agreed("15")

    told = dict(rates().sources)

    assert "Commission cap" in told["commission"]
    assert told["withholding"].startswith("no certificate: Backup withholding")
    assert "not verified" in told["withholding"]
