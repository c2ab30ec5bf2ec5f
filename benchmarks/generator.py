"""The load generator: a process of its own, whose connections each have one request under way.

A few lines of protocol on uvloop cost about 15 microseconds per request, a third of what the barest server spends:
`busy` shows that it is not the limit.
"""

from __future__ import annotations

import asyncio
import secrets
import statistics
import sys
import time
from collections.abc import Callable
from typing import Final, cast

import msgspec
import uvloop

from benchmarks import bodies, stack
from benchmarks.bodies import Kind
from cli.up import HOST, Stack

MOST_BUSY: Final = 0.9
_END = b"\r\n\r\n"
_LENGTH = b"content-length: "


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """Requests of one kind, as many as `connections` get answered.

    Attributes:
        warm_up_seconds: not counted.
        pause_seconds: of each connection between an answer and its next request.
    """

    port: int
    key: str
    kind: Kind
    connections: int
    seconds: float
    warm_up_seconds: float
    pause_seconds: float = 0


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """`busy`: the share of a processor that the generator itself took."""

    per_second: float
    p50_ms: float
    p99_ms: float
    busy: float


class LoadError(Exception):
    """An answer that is none, or the generator is the limit."""


async def put(load: Load, on: Stack) -> Measured:
    """Put the load on, from a process of its own."""
    async with stack.beside(on, "benchmarks.generator", msgspec.json.encode(load).decode()) as process:
        output, _ = await process.communicate()
        if process.returncode != 0:
            raise LoadError(f"{load.kind}: {output.decode()}")
    measured = msgspec.json.decode(output, type=Measured)
    if measured.busy > MOST_BUSY:
        raise LoadError(f"{load.kind}: the generator is the limit")
    return measured


def name() -> str:
    """Of a connection, for what it sends."""
    return secrets.token_hex(6)


class _Client(asyncio.Protocol):
    def __init__(self, load: Load, latencies: list[float], failed: asyncio.Future[None]) -> None:
        self._load, self._latencies, self._failed = load, latencies, failed
        self._body: Callable[[], bytes] = bodies.maker(load.kind, name())
        length = len(self._body())
        self._head = (
            f"POST {bodies.PATHS[load.kind]} HTTP/1.1\r\nhost: {HOST}\r\nauthorization: Bearer {load.key}\r\n"
            f"content-type: application/json\r\ncontent-length: {length}\r\n\r\n"
        ).encode()
        self._answer = b""
        self._missing = 0  # bytes of the answer's body
        self._began = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance
        self._send()

    def data_received(self, data: bytes) -> None:
        if self._missing:
            self._missing -= len(data)
        else:
            self._answer += data
            head, end, body = self._answer.partition(_END)
            if not end:
                return
            if not head.startswith(b"HTTP/1.1 200"):
                self._fail(self._answer)
                return
            start = head.index(_LENGTH) + len(_LENGTH)
            self._missing = int(head[start:].partition(b"\r\n")[0]) - len(body)
            self._answer = b""
        if self._missing == 0:
            self._latencies.append(time.perf_counter() - self._began)
            if self._load.pause_seconds:
                asyncio.get_running_loop().call_later(self._load.pause_seconds, self._send)
            else:
                self._send()

    def connection_lost(self, error: Exception | None) -> None:
        self._fail(b"disconnected")

    def _send(self) -> None:
        self._began = time.perf_counter()
        self._transport.write(self._head + self._body())

    def _fail(self, why: bytes) -> None:
        if not self._failed.done():
            self._failed.set_exception(LoadError(why.decode(errors="replace")))


async def _put(load: Load) -> Measured:
    latencies: list[float] = []
    loop = asyncio.get_running_loop()
    failed: asyncio.Future[None] = loop.create_future()
    for _ in range(load.connections):
        await loop.create_connection(lambda: _Client(load, latencies, failed), HOST, load.port)
    await asyncio.wait([failed], timeout=load.warm_up_seconds)
    latencies.clear()
    began, worked = time.perf_counter(), time.process_time()
    await asyncio.wait([failed], timeout=load.seconds)
    if failed.done():
        failed.result()
    seconds, worked = time.perf_counter() - began, time.process_time() - worked
    if len(latencies) < 2:
        raise LoadError("no answers")
    centiles = statistics.quantiles(latencies, n=100, method="inclusive")
    return Measured(
        per_second=len(latencies) / seconds,
        p50_ms=centiles[49] * 1000,
        p99_ms=centiles[98] * 1000,
        busy=worked / seconds,
    )


def main() -> None:
    try:
        measured = uvloop.run(_put(msgspec.json.decode(sys.argv[1], type=Load)))
    except LoadError as error:
        print(error)
        raise SystemExit(1) from None
    print(msgspec.json.encode(measured).decode())


if __name__ == "__main__":
    main()
