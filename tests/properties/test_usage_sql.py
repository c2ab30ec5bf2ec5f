"""What ClickHouse computes equals the plain functions of `domain/metering`, whatever properties events have."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.ingest.numbers import Number
from api.ingest.properties import lines as stored
from domain.kernel import ids
from domain.metering.aggregations import count
from domain.metering.aggregations import sum as sum_of
from domain.metering.matching import is_in
from domain.metering.ports import AggregationType, Bucket, Metric, Usage, UsageQuery
from domain.metering.usage_event import UsageEvent, text
from projections.postgres import Database
from projections.usage.reader import ClickHouseUsageReader
from projections.usage.store import UsageStore
from tests.usage import body, line

START = datetime(2024, 3, 1, tzinfo=UTC)
END = datetime(2024, 4, 1, tzinfo=UTC) - timedelta(microseconds=1)

DIGITS = st.integers(0, 10**24).map(str)
DECIMALS = st.builds("{}.{}".format, DIGITS, st.text("0123456789", min_size=1, max_size=24))
NUMBERS = st.builds("{}{}".format, st.sampled_from(("", "-")), DIGITS.filter(lambda d: d != "0") | DECIMALS).filter(
    lambda number: Decimal(number) != 0  # a zero with a sign
)
EXPONENTS = st.builds("{}e{}".format, st.sampled_from(("1", "1.50", "-7", "123.4")), st.integers(-25, 25))
NOT_NUMBERS = st.sampled_from(
    ("", " 5", "5 ", "5\n", "+5", ".5", "5.", "1e5", "٣", "NaN", "0x1", "--1", "1.2.3", "1_0")
)
TEXTS = st.sampled_from(("a", "b", "it's", 'q"\\', "é😀", "\u2028", "1", "1.0")) | st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5
)
VALUES = (
    (NUMBERS | EXPONENTS)  # as JSON numbers
    | (NUMBERS | NOT_NUMBERS | TEXTS | EXPONENTS).map(json.dumps)
    | st.sampled_from(("null", "true", "false"))
)
PROPERTIES = st.dictionaries(st.sampled_from(("bytes", "tier", "zone")), VALUES).map(
    lambda values: "{" + ", ".join(f"{json.dumps(name)}: {value}" for name, value in values.items()) + "}"
)
TIMES = st.integers(-3 * 24 * 3600 * 10**6, 34 * 24 * 3600 * 10**6).map(lambda us: START + timedelta(microseconds=us))
EDGES = st.sampled_from((START, END, START - timedelta(microseconds=1), END + timedelta(microseconds=1)))
EVENTS = st.lists(st.tuples(PROPERTIES, TIMES | EDGES), max_size=25)

WANTED = st.lists(TEXTS.filter(bool), max_size=3).map(tuple)
CONDITIONS = st.dictionaries(st.sampled_from(("tier", "zone", "it's")), WANTED, max_size=2).map(
    lambda wanted: tuple(sorted(wanted.items()))
)
BUCKETS = st.builds(lambda m, i: Bucket(matching=m, ignored=tuple(i)), CONDITIONS, st.lists(CONDITIONS, max_size=2))
GROUPS = st.sampled_from(((), ("zone",), ("zone", "tier"), ("it's",)))
QUESTIONS = st.lists(st.tuples(BUCKETS, GROUPS, st.booleans()), min_size=1, max_size=4)


decode = msgspec.json.Decoder(dict[str, Any], float_hook=Number).decode


def expected(query: UsageQuery, events: list[UsageEvent]) -> dict[tuple[str | None, ...], Usage]:
    """By the plain functions."""
    of_sum = query.metric.aggregation_type == "sum_agg"
    groups: dict[tuple[str | None, ...], list[UsageEvent]] = {} if query.group_by else {(): []}
    for event in events:
        early = event.timestamp < query.from_at and not (of_sum and query.metric.recurring)
        if early or event.timestamp > query.to_at or not is_in(query.bucket, event.properties):
            continue
        group = tuple(text(event.properties.get(name)) or None for name in query.group_by)
        groups.setdefault(group, []).append(event)
    usages = {
        group: sum_of.aggregate(counted, "bytes") if of_sum else count.aggregate(counted)
        for group, counted in groups.items()
    }
    return {group: usage for group, usage in usages.items() if usage.events_count or not query.group_by}


def parsed(properties: str) -> Any:
    return json.loads(properties, parse_float=Decimal)


@pytest.mark.parametrize("kind", ["count_agg", "sum_agg"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sent=EVENTS, asked=QUESTIONS)
async def test_sql_equals_the_plain_functions(
    usage_store: UsageStore,
    database: Database,
    kind: AggregationType,
    sent: list[tuple[str, datetime]],
    asked: list[tuple[Bucket, tuple[str, ...], bool]],
) -> None:
    organization = ids.new()
    if sent:
        lines = [line(organization, at=at, properties=properties) for properties, at in sent]
        for one, (properties, _) in zip(lines, sent, strict=True):
            one.properties, one.values = stored(decode(properties))
        await usage_store.insert(body(lines, seq=0), str(organization))
    events = [
        UsageEvent(
            transaction_id="t",
            code="calls",
            external_subscription_id="s1",
            timestamp=at,
            properties=parsed(properties),
        )
        for properties, at in sent
    ]
    queries = [
        UsageQuery(
            organization_id=organization,
            external_subscription_id="s1",
            metric=Metric(
                code="calls",
                aggregation_type=kind,
                field_name="bytes" if kind == "sum_agg" else None,
                recurring=kind == "sum_agg" and recurring,
            ),
            from_at=START,
            to_at=END,
            bucket=bucket,
            group_by=group_by,
        )
        for bucket, group_by, recurring in asked
    ]
    reader = ClickHouseUsageReader(database, usage_store)
    for query, answer in zip(queries, await reader.aggregate(queries, 0), strict=True):
        wanted = expected(query, events)
        assert {usage.group: (usage.units, usage.events_count) for usage in answer} == {
            group: (usage.units, usage.events_count) for group, usage in wanted.items()
        }, query
