"""Calls that are under way at one time share one query: while one runs, the next gathers."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from domain.kernel.errors import RefusedError, UnavailableError

Q = TypeVar("Q")
R = TypeVar("R")


class Coalescer(Generic[Q, R]):
    """Gathers what callers ask for.

    Args:
        run: answers many questions by one query, in their order.
        most: questions of one query, though a caller's are never split.
        apart_seconds: from the begin of a query to that of the next, at least, while the next gathers more. Who asks
            alone, time after time, does not wait for others.
    """

    def __init__(
        self,
        run: Callable[[Sequence[Q]], Awaitable[Sequence[R]]],
        *,
        most: int = 1_000,
        apart_seconds: float = 0.0,
    ) -> None:
        self._run = run
        self._most = most
        self._apart_seconds = apart_seconds
        self._next_at, self._was_shared = 0.0, False
        self._waiting: deque[tuple[Sequence[Q], asyncio.Future[Sequence[R]]]] = deque()
        self._task: asyncio.Task[None] | None = None

    async def load(self, questions: Sequence[Q]) -> Sequence[R]:
        """Their answers, in their order. Raises what `run` raises."""
        answer: asyncio.Future[Sequence[R]] = asyncio.get_running_loop().create_future()
        self._waiting.append((questions, answer))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work())
        return await answer

    async def _work(self) -> None:
        clock = asyncio.get_running_loop().time
        while self._waiting:
            if self._was_shared or len(self._waiting) > 1:
                await asyncio.sleep(max(self._next_at - clock(), 0.0))
            self._next_at = clock() + self._apart_seconds
            batch = [self._waiting.popleft()]
            size = len(batch[0][0])
            while self._waiting and (size := size + len(self._waiting[0][0])) <= self._most:
                batch.append(self._waiting.popleft())
            self._was_shared = len(batch) > 1
            await self._answer(batch)

    async def _answer(self, batch: Sequence[tuple[Sequence[Q], asyncio.Future[Sequence[R]]]]) -> None:
        try:
            answers = await self._run([question for questions, _ in batch for question in questions])
        except Exception as error:  # whatever it is, somebody waits for an answer
            if len(batch) > 1 and not _is_away(error):  # one of the callers may be to blame: that one alone fails
                await self._answer(batch[: len(batch) // 2])
                await self._answer(batch[len(batch) // 2 :])
                return
            for _, answer in batch:
                if not answer.done():
                    answer.set_exception(error)
        else:
            start = 0
            for questions, answer in batch:
                if not answer.done():
                    answer.set_result(answers[start : start + len(questions)])
                start += len(questions)


def _is_away(error: Exception) -> bool:
    """Whether it is the store that does not answer, whoever asks."""
    return isinstance(error, UnavailableError) and not isinstance(error, RefusedError)
