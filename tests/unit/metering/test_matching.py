"""metering-pricing F3 to F8."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from domain.metering.matching import ALL_FILTER_VALUES, choose_filter, expand, filter_buckets, is_in, matches
from domain.metering.ports import Bucket

ALL = (ALL_FILTER_VALUES,)


@dataclass(frozen=True)
class Declared:
    key: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Filter:
    id: UUID
    values: Mapping[str, tuple[str, ...]]
    created_at: datetime


DECLARED = (
    Declared("steps", ("25", "50", "75", "100")),
    Declared("size", ("512", "1024")),
    Declared("model", ("llama-1", "llama-2", "llama-3", "llama-4")),
)


def filters(*conditions: Mapping[str, tuple[str, ...]]) -> list[Filter]:
    """From the oldest to the newest."""
    start = datetime(2024, 1, 1, tzinfo=UTC)
    return [
        Filter(UUID(int=place), condition, start + timedelta(seconds=place))
        for place, condition in enumerate(conditions)
    ]


LADDER = filters(
    {"steps": ("25",), "size": ("512",), "model": ("llama-2",)},
    {"steps": ("25",), "size": ("512",)},
    {"steps": ALL, "size": ALL},
    {"size": ALL},
    {"size": ("512",)},
)
NESTED = filters({"size": ("512", "1024")}, {"size": ("512",)})
OVERLAPPING = filters({"size": ("512", "1024"), "steps": ("25", "50")}, {"size": ("512",), "steps": ("25", "75")})
TWICE = filters({"size": ("512",)}, {"size": ("512",)})


def counted_in(listed: list[Filter], properties: Mapping[str, object]) -> list[int | None]:
    """The places of the filters whose buckets an event counts in, None for the default one."""
    return [
        None if filter_ is None else filter_.id.int
        for filter_, bucket in filter_buckets(listed, DECLARED)
        if is_in(bucket, properties)
    ]


@pytest.mark.parametrize(
    ("listed", "properties", "places", "why"),
    [
        (LADDER, {"size": "512", "steps": "25", "model": "llama-2"}, [0], "the most specific filter"),
        (LADDER, {"size": "512", "steps": "25", "model": "llama-1"}, [1], "its model is not in the first"),
        (LADDER, {"size": "512", "steps": "25"}, [1], "without a model"),
        (LADDER, {"size": 512, "steps": 25}, [1], "numbers are compared as text"),
        (LADDER, {"size": "1024", "steps": "50"}, [2], "all values of both keys"),
        (LADDER, {"size": "1024"}, [3], "all values of one key"),
        (LADDER, {"size": "512"}, [4], "one value is narrower than all"),
        (LADDER, {"size": "2048"}, [None], "not a declared value"),
        (LADDER, {}, [None], "no property at all"),
        (NESTED, {"size": "512"}, [1], "the narrower of two takes it"),
        (NESTED, {"size": "1024"}, [0], "the wider has the rest"),
        (OVERLAPPING, {"size": "512", "steps": "25"}, [0, 1], "Q8: both count what they share"),
        (OVERLAPPING, {"size": "512", "steps": "75"}, [1], "one alone"),
        (OVERLAPPING, {"size": "1024", "steps": "50"}, [0], "the other alone"),
        (TWICE, {"size": "512"}, [0], "of equal ones the oldest"),
        (TWICE[::-1], {"size": "512"}, [0], "the oldest, wherever it is listed"),
        (
            filters({"size": ALL}, {"size": ("1024", "512")}),
            {"size": "512"},
            [0],
            "all values are equal to naming each",
        ),
        ([], {"size": "512"}, [None], "no filters"),
    ],
)
def test_buckets(listed: list[Filter], properties: Mapping[str, object], places: list[int | None], why: str) -> None:
    assert counted_in(listed, properties) == places, why


@pytest.mark.parametrize(("place", "ignored"), [(0, []), (1, [0]), (2, [0, 1]), (3, [0, 1, 2, 4]), (4, [0, 1, 2])])
def test_ladder(place: int, ignored: list[int]) -> None:
    filter_, bucket = filter_buckets(LADDER, DECLARED)[place]
    assert filter_ is LADDER[place]
    assert bucket.ignored == tuple(expand(LADDER[other].values, DECLARED) for other in ignored)


def test_the_default_bucket_comes_last_and_ignores_every_filter() -> None:
    filter_, bucket = filter_buckets(NESTED, DECLARED)[-1]
    assert filter_ is None
    assert bucket == Bucket(ignored=((("size", ("1024", "512")),), (("size", ("512",)),)))


def test_equal_filters_are_ignored_once() -> None:
    """However many there are: what a store is asked for is bounded by what differs."""
    [first, *later, default] = [bucket for _, bucket in filter_buckets([TWICE[0], *TWICE[1:] * 99], DECLARED)]
    size = (("size", ("512",)),)
    assert first == Bucket(matching=size)
    assert {*later} == {Bucket(matching=size, ignored=(size,))}
    assert default == Bucket(ignored=(size,))


def test_conditions_are_sorted_and_all_values_are_expanded() -> None:
    assert expand({"steps": ("50", "25", "50"), "size": ALL}, DECLARED) == (
        ("size", ("1024", "512")),
        ("steps", ("25", "50")),
    )
    assert not matches(expand({"gone": ALL}, DECLARED), {"gone": "x"}), "a key that is declared no more"


@pytest.mark.parametrize(
    ("listed", "properties", "place", "why"),
    [
        (LADDER, {"size": "512", "steps": "25", "model": "llama-2"}, 0, "most keys"),
        (LADDER, {"size": "512", "steps": "25"}, 1, "two keys; the first updated of two such filters"),
        (LADDER[::-1], {"size": "512", "steps": "25"}, 2, "two keys; updated in another order"),
        (LADDER, {"size": "1024"}, 3, "one key"),
        (NESTED, {"size": "512"}, 0, "Q8: in advance the order of updates decides, not the narrower one"),
        (LADDER, {"size": "2048"}, None, "no filter matches"),
        ([], {}, None, "no filters"),
    ],
)
def test_choose_filter(listed: list[Filter], properties: Mapping[str, object], place: int | None, why: str) -> None:
    chosen = choose_filter(listed, DECLARED, properties)
    assert (None if chosen is None else chosen.id.int) == place, why
