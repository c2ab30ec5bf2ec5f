"""Callers that ask at one time share a query, and nobody gets what another asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from projections.usage.coalesce import Coalescer


class Asked:
    """Answers each question with its square, and keeps what every query held."""

    def __init__(self) -> None:
        self.queries: list[list[int]] = []
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def run(self, questions: Sequence[int]) -> list[int]:
        self.queries.append(list(questions))
        await self.may_answer.wait()
        if 13 in questions:
            raise ValueError(questions)
        return [question * question for question in questions]


async def a_while() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_what_is_asked_while_a_query_runs_is_the_next_one() -> None:
    asked = Asked()
    coalescer = Coalescer(asked.run)
    asked.may_answer.clear()
    first = asyncio.create_task(coalescer.load([1]))
    await a_while()
    others = [asyncio.create_task(coalescer.load(questions)) for questions in ([2, 3], [4])]
    await a_while()
    asked.may_answer.set()
    assert [await one for one in (first, *others)] == [[1], [4, 9], [16]]
    assert asked.queries == [[1], [2, 3, 4]]


async def test_no_more_than_so_many_share_one() -> None:
    asked = Asked()
    coalescer = Coalescer(asked.run, most=3)
    answers = await asyncio.gather(*(coalescer.load(questions) for questions in ([1, 2], [3, 4], [5, 6, 7, 8])))
    assert answers == [[1, 4], [9, 16], [25, 36, 49, 64]]
    assert asked.queries == [[1, 2], [3, 4], [5, 6, 7, 8]], "a caller's are not split"


async def test_who_asks_for_what_cannot_be_answered_fails_alone() -> None:
    asked = Asked()
    coalescer = Coalescer(asked.run)
    wise, unwise, other = await asyncio.gather(
        *(coalescer.load([question]) for question in (1, 13, 2)), return_exceptions=True
    )
    assert isinstance(unwise, ValueError)
    assert (wise, other) == ([1], [4])


@pytest.mark.parametrize(
    ("apart_seconds", "queries"),
    [(0.0, [[1, 2], [3], [4]]), (2.0, [[1, 2], [3, 4]])],
    ids=["at once", "apart"],
)
async def test_how_far_apart_queries_begin(apart_seconds: float, queries: list[list[int]]) -> None:
    asked = Asked()
    coalescer = Coalescer(asked.run, apart_seconds=apart_seconds)
    assert list(await asyncio.gather(coalescer.load([1]), coalescer.load([2]))) == [[1], [4]]
    third = asyncio.create_task(coalescer.load([3]))
    await a_while()
    assert await coalescer.load([4]) == [16]
    assert await third == [9]
    assert asked.queries == queries


async def test_who_asks_alone_waits_for_nobody() -> None:
    asked = Asked()
    coalescer = Coalescer(asked.run, apart_seconds=3600)
    for question in (1, 2, 3):
        assert await coalescer.load([question]) == [question * question]
    assert asked.queries == [[1], [2], [3]]
