"""metering-pricing M2, M3, M6, 12.1 to 12.8 (codes), 22."""

from typing import Any

import pytest

from domain.pricing.registry import CHARGE_MODELS, ChargeModel, validate, with_defaults

RANGE = {"from_value": 0, "to_value": None, "per_unit_amount": "1", "flat_amount": "0"}
SHARE = {"from_value": 0, "to_value": None, "rate": "1", "flat_amount": "0"}
PACKAGE = {"amount": "1", "package_size": 10, "free_units": 0}


def tiers(name: str, *bounds: tuple[object, object]) -> dict[str, Any]:
    base = SHARE if "percentage" in name else RANGE
    return {name: [base | {"from_value": lower, "to_value": upper} for lower, upper in bounds]}


@pytest.mark.parametrize("charge_model", sorted(CHARGE_MODELS))
def test_defaults_are_valid(charge_model: ChargeModel) -> None:
    assert validate(charge_model, with_defaults(charge_model, None)) == []
    assert with_defaults(charge_model, {}) == with_defaults(charge_model, None)


def test_defaults() -> None:
    zero = {"from_value": 0, "to_value": None, "per_unit_amount": "0", "flat_amount": "0"}
    assert with_defaults("standard", {}) == {"amount": "0"}
    assert with_defaults("graduated", {}) == {"graduated_ranges": [zero]}
    assert with_defaults("volume", {}) == {"volume_ranges": [zero]}
    assert with_defaults("package", {}) == {"package_size": 1, "amount": "0", "free_units": 0}
    assert with_defaults("percentage", {}) == {"rate": "0"}
    assert with_defaults("dynamic", {}) == {}


def test_unknown_keys_are_dropped_and_known_ones_not_completed() -> None:
    assert with_defaults("standard", {"amount": "1", "rate": "2"}) == {"amount": "1"}
    assert with_defaults("percentage", {"rate": "1", "fixed_amount": None}) == {"rate": "1", "fixed_amount": None}
    assert with_defaults("standard", {"amuont": "1"}) == {}
    assert with_defaults("dynamic", {"amount": "1", "pricing_group_keys": ["a"]}) == {"pricing_group_keys": ["a"]}
    assert with_defaults("standard", {"amount": "1", "grouped_by": ["a"]}) == {
        "amount": "1",
        "pricing_group_keys": ["a"],
    }


def test_defaults_are_not_shared() -> None:
    with_defaults("graduated", {})["graduated_ranges"][0]["flat_amount"] = "9"
    assert with_defaults("graduated", {})["graduated_ranges"][0]["flat_amount"] == "0"


@pytest.mark.parametrize(
    ("amount", "valid", "why"),
    [
        ("10", True, "a whole number"),
        ("0.000000000000001", True, "fifteen decimals"),
        ("1e-7", True, "an exponent"),
        ("0", True, "nothing"),
        (10, False, "a JSON number"),
        (1.5, False, "a JSON number"),
        (True, False, "a boolean"),
        ("-1", False, "negative"),
        ("", False, "empty"),
        ("abc", False, "no number"),
        ("1,5", False, "no decimal point"),
        (" 5", False, "a blank"),
        ("1_000", False, "Python's own notation"),
        ("٣", False, "digits of another script"),
        ("NaN", False, "not a number"),
        ("Infinity", False, "not finite"),
        ("1e30", False, "larger than can be priced exactly"),
        ("1e999", False, "much larger"),
        ("1e-30", False, "finer than can be priced exactly"),
        (None, False, "null"),
        (["1"], False, "a list"),
    ],
)
def test_decimals(amount: object, valid: bool, why: str) -> None:
    assert validate("standard", {"amount": amount}) == ([] if valid else ["invalid_amount"]), why


@pytest.mark.parametrize(
    ("bounds", "graduated", "volume", "why"),
    [
        ([(0, None)], True, True, "one open range"),
        ([(1, None)], True, True, "from one"),
        ([(0, 10), (11, 20), (21, None)], True, True, "ranges that follow one another"),
        ([(0, 10), (10, 20), (20, None)], True, False, "ranges that touch"),
        ([(0, 0.1), (0.1, 1), (1, None)], True, False, "with decimals"),
        ([(0, 10), (12, 20), (21, None)], False, True, "a hole of one unit"),
        ([(0, 10), (13, None)], False, False, "a hole of two"),
        ([(0, 10), (11.5, None)], False, False, "no step of Lago's"),
        ([(0, 10), (5, None)], False, False, "an overlap"),
        ([(2, None)], False, False, "beginning above one"),
        ([(-1, None)], False, False, "beginning below zero"),
        ([(0, 10)], False, False, "not open at the end"),
        ([(0, None), (11, None)], False, False, "open in the middle"),
        ([(0, 0), (1, None)], False, False, "an empty range"),
        ([(None, 10), (11, None)], False, False, "no lower bound"),
        ([("x", 10), (11, None)], False, False, "a bound that is no number"),
        ([(True, None)], False, False, "a boolean"),
        ([(0, "x")], False, False, "an upper bound that is no number"),
    ],
)
def test_bounds(bounds: list[tuple[object, object]], graduated: bool, volume: bool, why: str) -> None:
    cases: tuple[tuple[ChargeModel, str, bool], ...] = (
        ("graduated", "graduated_ranges", graduated),
        ("graduated_percentage", "graduated_percentage_ranges", graduated),
        ("volume", "volume_ranges", volume),
    )
    for model, name, valid in cases:
        assert validate(model, tiers(name, *bounds)) == ([] if valid else [f"invalid_{name}"]), (model, why)


@pytest.mark.parametrize(
    ("charge_model", "properties", "codes", "why"),
    [
        ("graduated", {}, ["missing_graduated_ranges"], "no ranges"),
        ("graduated", {"graduated_ranges": []}, ["missing_graduated_ranges"], "an empty list"),
        ("graduated", {"graduated_ranges": [1]}, ["invalid_graduated_ranges"], "no objects"),
        ("volume", {"volume_ranges": None}, ["missing_volume_ranges"], "null"),
        ("graduated", {"graduated_ranges": [RANGE | {"flat_amount": 1}]}, ["invalid_amount"], "a JSON number"),
        ("volume", {"volume_ranges": [RANGE | {"per_unit_amount": None}]}, ["invalid_amount"], "null"),
        (
            "graduated",
            {"graduated_ranges": [RANGE | {"flat_amount": "x", "to_value": 3}]},
            ["invalid_amount", "invalid_graduated_ranges"],
            "both",
        ),
        ("graduated_percentage", {}, ["missing_graduated_percentage_ranges"], "no ranges"),
        ("graduated_percentage", {"graduated_percentage_ranges": [SHARE | {"rate": "x"}]}, ["invalid_rate"], "rate"),
        (
            "graduated_percentage",
            {"graduated_percentage_ranges": [SHARE | {"flat_amount": "x"}]},
            ["invalid_amount"],
            "flat",
        ),
        ("package", PACKAGE | {"amount": 1}, ["invalid_amount"], "a JSON number"),
        ("package", PACKAGE | {"package_size": 0}, ["invalid_package_size"], "no size"),
        ("package", PACKAGE | {"package_size": "10"}, ["invalid_package_size"], "a string"),
        ("package", PACKAGE | {"package_size": 1.5}, ["invalid_package_size"], "not whole"),
        ("package", PACKAGE | {"free_units": -1}, ["invalid_free_units"], "negative"),
        ("package", PACKAGE | {"free_units": None}, ["invalid_free_units"], "must be there"),
        ("percentage", {"rate": "1"}, [], "a rate is enough"),
        ("percentage", {}, ["invalid_rate"], "no rate"),
        ("percentage", {"rate": 1}, ["invalid_rate"], "a JSON number"),
        ("percentage", {"rate": "1", "fixed_amount": "x"}, ["invalid_fixed_amount"], "no number"),
        ("percentage", {"rate": "1", "free_units_per_events": 0}, ["invalid_free_units_per_events"], "not positive"),
        ("percentage", {"rate": "1", "free_units_per_events": "3"}, ["invalid_free_units_per_events"], "a string"),
        (
            "percentage",
            {"rate": "1", "free_units_per_total_aggregation": 3},
            ["invalid_free_units_per_total_aggregation"],
            "a JSON number",
        ),
        ("percentage", {"rate": "1", "per_transaction_min_amount": "x"}, ["invalid_amount"], "no number"),
        (
            "percentage",
            {"rate": "1", "per_transaction_min_amount": "2", "per_transaction_max_amount": "1"},
            ["per_transaction_max_lower_than_per_transaction_min"],
            "the wrong way round",
        ),
        (
            "percentage",
            {"rate": "1", "per_transaction_min_amount": "2", "per_transaction_max_amount": "2"},
            [],
            "equal",
        ),
        (
            "percentage",
            {
                "rate": 1,
                "per_transaction_min_amount": 1,
                "free_units_per_total_aggregation": 1,
                "free_units_per_events": "1",
                "fixed_amount": 1,
            },
            [
                "invalid_rate",
                "invalid_fixed_amount",
                "invalid_free_units_per_events",
                "invalid_free_units_per_total_aggregation",
                "invalid_amount",
            ],
            "all of it, in the order of 12.6",
        ),
        (
            "package",
            {"amount": 1},
            ["invalid_amount", "invalid_package_size", "invalid_free_units"],
            "all of it, in the order of 12.5",
        ),
        ("standard", {"amount": "1", "pricing_group_keys": ["region"]}, [], "grouping keys"),
        ("standard", {"amount": "1", "pricing_group_keys": "region"}, ["invalid_type"], "no list"),
        ("standard", {"amount": "1", "pricing_group_keys": [""]}, ["invalid_type"], "an empty name"),
        ("standard", {"amount": "1", "pricing_group_keys": [1]}, ["invalid_type"], "no name"),
        ("dynamic", {"presentation_group_keys": [{"value": "a"}, {"value": "b"}]}, [], "two keys"),
        (
            "dynamic",
            {"presentation_group_keys": [{"value": "a", "options": {"display_in_invoice": True}}]},
            [],
            "options",
        ),
        (
            "dynamic",
            {"presentation_group_keys": [{"value": "a", "options": {"display_in_invoice": "true"}}]},
            ["invalid_type"],
            "a text would not show the key",
        ),
        ("dynamic", {"presentation_group_keys": ["a"]}, ["invalid_type"], "no object"),
        ("dynamic", {"presentation_group_keys": [{"value": "a", "options": 1}]}, ["invalid_type"], "no options"),
        ("dynamic", {"presentation_group_keys": [{"value": c} for c in "abc"]}, ["too_many_keys"], "three keys"),
        ("dynamic", {"presentation_group_keys": [{"value": "a"}] * 2}, ["value_is_duplicated"], "one twice"),
    ],
)
def test_codes(charge_model: ChargeModel, properties: dict[str, Any], codes: list[str], why: str) -> None:
    assert validate(charge_model, properties) == codes, why
