"""What a consent comes to for others: CAWG training entries, and a receipt for the performer."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from talent.consent.diff import LABELS
from talent.consent.exports import (
    CONTEXT,
    NOT_STATED,
    ConsentingParty,
    Party,
    RecordedConsent,
    policy,
    receipt,
    training_mining,
)
from talent.consent.matrix import Cell, Version, combined_cell
from talent.consent.scope import Scope
from talent.words import Right, Use
from tests.scopes import EACH_FIELD

MARCH = datetime(2026, 3, 1, tzinfo=UTC)
JUNE = datetime(2026, 6, 1, tzinfo=UTC)


def person(*cells, number=1):
    version = Version("1", 1, "performer", "Ada", MARCH, MARCH, cells)
    return ConsentingParty(
        f"urn:likenessdesk:performer:{number}",
        {(r, u): combined_cell([version], r, u) for r in Right.codes() for u in Use.codes()},
    )


def training(stance, right="training_data", **scope):
    return Cell(right, "training", stance, Scope(**scope))


def entries(*people):
    return training_mining(people)["data"]["entries"]


class TestTraining:
    @pytest.mark.parametrize(
        ("cells", "use"),
        [
            ([training("allow")], "allowed"),
            ([training("ask")], "constrained"),
            ([training("allow", territories=frozenset({"FR"}))], "constrained"),
            ([training("allow", territories=frozenset())], "notAllowed"),
            ([training("deny")], "notAllowed"),
            ([], "notAllowed"),
            ([training("allow", right="voice")], "notAllowed"),
            ([training("allow"), training("deny", right="voice")], "notAllowed"),
        ],
    )
    def test_it_follows_the_strictest_that_is_said_of_training(self, cells, use):
        found = entries(person(*cells))

        for entry in ("cawg.ai_training", "cawg.ai_generative_training", "cawg.data_mining"):
            assert found[entry]["use"] == use

    def test_a_constrained_use_always_says_how(self):
        """Constrained without information is not allowed, as CAWG reads it."""
        cells = [
            training("ask"),
            Cell("training_data", "dubbing", "allow", Scope(languages=frozenset({"fr"}))),
        ]
        found = entries(person(*cells))

        assert {entry["use"] for entry in found.values()} == {"constrained"}
        assert all(entry["constraint_info"] for entry in found.values())
        assert "languages: French" in found["cawg.ai_inference"]["constraint_info"]

    def test_running_a_twin_says_nothing_about_the_asset_as_what_a_model_is_given(self):
        running = [Cell(right, "dubbing", "allow") for right in ("voice", "face", "composite")]

        assert entries(person(training("allow"), *running))["cawg.ai_inference"] == {
            "use": "notAllowed"
        }

    def test_the_asset_may_be_given_to_a_model_for_the_uses_of_its_material(self):
        dubbing = Cell("training_data", "dubbing", "allow")
        barred = Cell("training_data", "advertising", "deny")
        asked = Cell("training_data", "adr", "ask")

        entry = entries(person(dubbing, barred, asked))["cawg.ai_inference"]

        assert entry["use"] == "constrained"
        assert "Training data in Dubbing" in entry["constraint_info"]
        assert "Training data in ADR (only after an approval" in entry["constraint_info"]
        assert "Advertising" not in entry["constraint_info"]

    def test_it_is_allowed_as_input_only_where_every_use_of_its_material_is(self):
        uses = [use for use in Use.codes() if use != "training"]
        every = [Cell("training_data", use, "allow") for use in uses]

        assert entries(person(*every))["cawg.ai_inference"] == {"use": "allowed"}
        assert entries(person(*every[1:]))["cawg.ai_inference"]["use"] == "constrained"

    def test_everybody_in_a_composite_counts(self):
        found = entries(person(training("allow")), person(training("deny"), number=2))

        assert found["cawg.ai_training"] == {"use": "notAllowed"}

    def test_nobody_allows_nothing(self):
        assert {entry["use"] for entry in entries().values()} == {"notAllowed"}


class TestPolicy:
    def test_nothing_has_to_be_fetched_to_read_it(self):
        document = policy(twin="urn:likenessdesk:twin:7", title="T", people=[person()], at=MARCH)

        assert document["@context"] == CONTEXT
        assert not any(
            isinstance(part, str) and part.endswith(".jsonld") for part in CONTEXT.values()
        )

    def test_without_consent_every_right_and_use_is_prohibited(self):
        document = policy(twin="urn:likenessdesk:twin:7", title="T", people=[], at=MARCH)

        assert document["permission"] == []
        assert len(document["prohibition"]) == len(Right) * len(Use)

    def test_the_same_consent_gives_the_same_bytes(self):
        made = [
            policy(
                twin="urn:likenessdesk:twin:7",
                title="T",
                people=[person(training("ask", territories=frozenset({"FR", "DE", "US"})))],
                at=MARCH,
            )
            for _ in range(2)
        ]

        assert json.dumps(made[0]) == json.dumps(made[1])


def operands(rules):
    """What the rules about the voice in dubbing look at, beside what they are for."""
    found = []
    waiting = [
        part
        for rule in rules
        if rule["target"].endswith(":voice")
        for part in [*rule["constraint"], *rule.get("duty", [])]
    ]
    while waiting:
        part = waiting.pop()
        waiting += part.get("or", []) + part.get("constraint", [])
        found += [part["leftOperand"]] if "leftOperand" in part else []
    return sorted(operand for operand in found if operand != "purpose")


class TestEachFieldOfAScope:
    def exported(self, **scope):
        cell = Cell("voice", "dubbing", "allow", Scope(**scope))
        made = policy(twin="urn:likenessdesk:twin:7", title="T", people=[person(cell)], at=MARCH)
        uses = "urn:likenessdesk:consent:use:dubbing"
        left_out = [
            rule
            for rule in made["prohibition"]
            if rule["constraint"][0]["rightOperand"] == {"uid": uses}
        ]
        return operands([*made["permission"], *left_out])

    @pytest.mark.parametrize("name", EACH_FIELD)
    def test_the_policy_says_what_narrows_a_use(self, name):
        one, plain = EACH_FIELD[name], self.exported()

        said = self.exported(**{name: one.says})

        if name == "real_time":
            assert (plain, said) == (["desk:realTime"], [])
        elif one.odrl:
            assert one.odrl in said
            assert one.odrl not in plain
        else:
            assert said == plain  # How it is taken back is no bound of a use.

    @pytest.mark.parametrize("name", EACH_FIELD)
    def test_the_receipt_says_what_narrows_a_use(self, name):
        cell = Cell("voice", "dubbing", "ask", Scope(**{name: EACH_FIELD[name].says}))

        (purpose,) = receipt(replace(RECORDED, cells=(cell,)))["pii_processing"]["purposes"]

        assert purpose["conditions"] == {LABELS[name]: EACH_FIELD[name].words}

    @pytest.mark.parametrize("name", EACH_FIELD)
    def test_the_training_entries_say_what_narrows_a_use(self, name):
        said = {name: EACH_FIELD[name].says}
        entry = entries(person(training("ask", **said)))["cawg.ai_training"]

        assert f"{LABELS[name]}: {EACH_FIELD[name].words}" in entry["constraint_info"]


RECORDED = RecordedConsent(
    id="12",
    principal=Party(
        "urn:likenessdesk:performer:1", "Ada Sample", country="FR", url="https://desk.example/me/"
    ),
    controller=Party(
        "urn:likenessdesk:agency:1", "Northlight Example", address="1 Pier Road", country="GB"
    ),
    cells=(
        Cell("voice", "dubbing", "ask", Scope(languages=frozenset({"fr"}))),
        Cell("voice", "advertising", "deny"),
    ),
    in_force_from=MARCH,
    recorded_at=datetime(2026, 4, 1, tzinfo=UTC),
    text_shown="Dub my voice.",
    text_sha256="ab" * 32,
    method="written",
    represented_by="counsel",
    representative="Ruth Recital",
    signed_on=date(2026, 2, 27),
    guild="equity_uk",
)


class TestReceipt:
    def test_it_has_the_fields_of_a_consent_record(self):
        made = receipt(RECORDED)

        assert made["schema_version"] == "ISO/IEC TS 27560:2023"
        assert made["pii_principal_id"] == "urn:likenessdesk:performer:1"
        notice = made["pii_processing"]["privacy_notice"]
        assert (notice["text"], notice["sha256"]) == ("Dub my voice.", "ab" * 32)
        (purpose,) = made["pii_processing"]["purposes"]
        assert purpose["purpose"] == "Voice in Dubbing"
        assert purpose["consent_per_use"] is True
        assert purpose["conditions"] == {"languages": "French"}

    def test_it_has_what_27560_asks_of_every_receipt(self):
        made = receipt(
            replace(
                RECORDED,
                text_language="fr",
                storage=("IE",),
                ended_at=datetime(2027, 1, 1, tzinfo=UTC),
            )
        )

        (purpose,) = made["pii_processing"]["purposes"]
        assert made["receipt_id"].startswith("urn:likenessdesk:consent-receipt:12:")
        assert made["pii_processing"]["privacy_notice"]["language"] == "fr"
        assert purpose["jurisdiction"] == ["GB", "FR"]
        assert purpose["storage_locations"] == ["IE"]
        assert "never deleted" in purpose["storage_duration"]
        assert purpose["validity"] == "2026-03-01T00:00:00Z/2027-01-01T00:00:00Z"
        assert {event["validity_duration"] for event in made["event"]} == {purpose["validity"]}
        assert "https://desk.example/me/" in purpose["withdrawal_method"]
        controller = made["party_identification"][1]
        assert controller["party_name"] == "Northlight Example"
        assert (controller["party_address"], controller["party_country"]) == ("1 Pier Road", "GB")

    def test_every_party_and_event_has_what_27560_asks_of_one(self):
        """As DPV's guide to it lists what is mandatory, w3id.org/dpv/guides/consent-27560."""
        made = receipt(replace(RECORDED, represented_by="agent", guild="sag_aftra"))

        party = {"party_id", "party_address", "party_name", "party_contact", "party_type"}
        assert len(made["party_identification"]) == 4
        for one in made["party_identification"]:
            assert party <= {name for name, value in one.items() if value}
        event = {"event_time", "validity_duration", "entity_id", "event_type", "event_state"}
        assert all(event == set(one) for one in made["event"])
        (purpose,) = made["pii_processing"]["purposes"]
        assert {
            "purpose", "pii_information", "pii_controllers", "storage_locations",
            "retention_period", "jurisdiction", "recipient_third_parties", "withdrawal_method",
        } <= set(purpose)  # fmt: skip

    def test_what_nobody_stated_is_said_to_be_not_stated(self):
        nobody = Party("urn:likenessdesk:desk", "Likeness Desk")
        made = receipt(replace(RECORDED, controller=nobody, principal=nobody))

        (purpose,) = made["pii_processing"]["purposes"]
        assert made["pii_processing"]["privacy_notice"]["language"] == "und"
        assert purpose["jurisdiction"] == purpose["storage_locations"] == [NOT_STATED]

    def test_how_long_data_are_kept_is_no_matter_of_the_consents_end(self):
        until = Scope(valid_to=datetime(2026, 9, 1, tzinfo=UTC), withdrawal_notice_hours=72)
        made = receipt(replace(RECORDED, cells=(Cell("voice", "dubbing", "ask", until),)))

        (purpose,) = made["pii_processing"]["purposes"]
        assert purpose["validity"] == "2026-03-01T00:00:00Z/2026-09-01T00:00:00Z"
        assert "2026" not in purpose["retention_period"]
        assert "72 hours after it is recorded" in purpose["withdrawal_method"]

    def test_a_receipt_has_another_id_only_when_it_says_something_else(self):
        again, replaced = receipt(RECORDED), receipt(replace(RECORDED, ended_at=JUNE))

        assert receipt(RECORDED)["receipt_id"] == again["receipt_id"] != replaced["receipt_id"]
        assert replaced["record_id"] == again["record_id"]
        assert again["event"][0]["validity_duration"] == "2026-03-01T00:00:00Z/.."

    def test_it_says_also_what_was_withheld(self):
        withheld = receipt(RECORDED)["pii_processing"]["withheld"]
        states = {one["purpose"]: one["state"] for one in withheld}

        assert states["Voice in Advertising"] == "refused"
        assert states["Face in Feature"] == "not given"
        assert "Voice in Dubbing" not in states
        assert len(withheld) == len(Right) * len(Use) - 1

    def test_it_tells_when_it_was_signed_given_and_recorded_and_who_stood_by(self):
        made = receipt(RECORDED)

        assert [(e["event_state"], e["event_time"]) for e in made["event"]] == [
            ("signed", "2026-02-27"),
            ("given", "2026-03-01T00:00:00Z"),
            ("recorded", "2026-04-01T00:00:00Z"),
        ]
        assert {party["party_role"] for party in made["party_identification"]} == {
            "PII principal",
            "PII controller",
            "Legal counsel",
            "Guild whose floor also counts",
        }
