"""Usage events in ClickHouse, through `clickhouse-connect`: a server, or chDB served as one (`chdb_server.py`)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from importlib import resources
from io import IOBase
from typing import Final, TypeVar

import clickhouse_connect
import msgspec
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, DatabaseError, OperationalError

from domain.kernel import ids
from domain.kernel.errors import RefusedError, UnavailableError

T = TypeVar("T")
R = TypeVar("R")

TABLE: Final = "usage_events"
MARKS: Final = "usage_marks"

_QUERY_SECONDS: Final = 30
"""How long the store works on a query. What takes longer is refused, so that its questions are asked in parts, and is
not left running behind the next try."""
_ANSWER_SECONDS: Final = 45

_INSERT_SETTINGS: Final = {
    "async_insert": 0,  # the default waits for others, up to 200 ms (engine 2.1)
    "input_format_parallel_parsing": 0,  # one block, so that a token stands for the whole insert
    "max_insert_block_size": 1 << 24,
    "min_insert_block_size_bytes": 1 << 30,
    "max_partitions_per_insert_block": 0,  # late events may be of any month
    "input_format_skip_unknown_fields": 1,  # an older loader meets the lines of a newer writer
}
_QUERY_SETTINGS: Final = {
    "max_execution_time": _QUERY_SECONDS,
    "max_query_size": 32 << 20,  # a group of 5 MB in a body, every character escaped, in two questions of one event
    "max_ast_elements": 16 << 20,  # the default bucket of a charge ignores every filter that it has
    "max_expanded_ast_elements": 16 << 20,
}
_STREAM_SETTINGS: Final = {**_QUERY_SETTINGS, "wait_end_of_query": 1}  # else an error could come after some rows
_CHUNK_BYTES: Final = 1 << 20


class _Position(msgspec.Struct, array_like=True):
    position: int


def connector(url: str) -> Callable[[], Client]:
    """What makes clients of the server at `http(s)://user:password@host:port/database`."""

    def connect() -> Client:
        return clickhouse_connect.get_client(
            dsn=url,
            compress=False,
            autogenerate_session_id=False,
            connect_timeout=5,
            send_receive_timeout=_ANSWER_SECONDS,
        )

    return connect


class UsageStore:
    """The table of usage events. Connects when it is first used, and after an error anew.

    Args:
        connect: makes the client, whose calls block and run in threads, several at a time.
    """

    def __init__(self, connect: Callable[[], Client]) -> None:
        self._connect = connect
        self._client: Client | None = None
        self._connecting = asyncio.Lock()

    async def create(self) -> None:
        """Make the tables where there are none. Raises `UnavailableError`."""
        schema = resources.files(__package__).joinpath("schema.sql").read_text()
        for statement in schema.split(";\n"):
            await self._call(partial(_command, statement))

    async def insert(self, lines: bytes, token: str) -> None:
        """Add the lines; again with the same token and the same lines, nothing that is there already.

        Raises:
            UnavailableError: nothing is known of whether they were added.
        """
        settings = {**_INSERT_SETTINGS, "insert_deduplication_token": token}
        await self._call(
            lambda client: client.raw_insert(TABLE, insert_block=lines, fmt="JSONEachRow", settings=settings)
        )

    async def mark(self, position: int) -> None:
        """Note that the log is in the table up to `position`. Raises `UnavailableError`."""
        row = b'{"position":%d}' % position
        # A mark that was lost is remembered all the same, and without a token of its own would not be written again.
        settings = {"async_insert": 0, "insert_deduplication_token": str(ids.new())}
        await self._call(
            lambda client: client.raw_insert(MARKS, insert_block=row, fmt="JSONEachRow", settings=settings)
        )

    async def marked(self) -> int:
        """How far the log is in the table, 0 where nothing was ever noted. Raises `UnavailableError`."""
        [found] = await self.rows(f"select max(position) from {MARKS}", _Position)  # noqa: S608 - a constant
        return found.position

    async def forget_after(self, position: int) -> None:
        """Delete what is of the log after `position`. Raises `UnavailableError`."""
        sql = f"alter table {TABLE} delete where seq > {position} settings mutations_sync = 1"
        await self._call(lambda client: client.command(sql))

    async def rows(self, sql: str, row: type[T]) -> list[T]:
        """What a select gives, each row converted to `row` (array-like). Raises `UnavailableError`."""
        body = await self._call(
            lambda client: client.raw_query(sql, settings=_QUERY_SETTINGS, fmt="JSONCompactEachRow")
        )
        return msgspec.json.Decoder(row, strict=False).decode_lines(body)

    async def consume(self, sql: str, row: type[T], use: Callable[[Iterator[T]], R]) -> R:
        """What `use` makes of the rows, which come bit by bit. It runs in a thread. Raises `UnavailableError`."""
        return await self._call(lambda client: use(_stream(client, sql, row)))

    async def close(self) -> None:
        async with self._connecting:
            if self._client is not None:
                await asyncio.to_thread(self._client.close)
                self._client = None

    async def _call(self, call: Callable[[Client], T]) -> T:
        try:
            client = self._client or await self._connected()
            return await asyncio.to_thread(call, client)
        except DatabaseError as error:
            if isinstance(error, OperationalError):
                raise UnavailableError("clickhouse") from error
            raise RefusedError("clickhouse") from error
        except (ClickHouseError, OSError) as error:
            raise UnavailableError("clickhouse") from error

    async def _connected(self) -> Client:
        async with self._connecting:
            if self._client is None:
                self._client = await asyncio.to_thread(self._connect)
            return self._client


def _stream(client: Client, sql: str, row: type[T]) -> Iterator[T]:
    decode = msgspec.json.Decoder(row, strict=False).decode_lines
    answer = client.raw_stream(sql, settings=_STREAM_SETTINGS, fmt="JSONCompactEachRow")
    assert isinstance(answer, IOBase)
    with closing(answer) as stream:
        rest = b""
        while chunk := _read(stream):
            lines, newline, rest = (rest + chunk).rpartition(b"\n")
            yield from decode(lines + newline)
    if rest:
        raise OperationalError("the answer ends within a row")


def _read(stream: IOBase) -> bytes:
    try:
        chunk: bytes = stream.read(_CHUNK_BYTES)
    except Exception as error:  # of urllib3, for what goes wrong after the head of an answer
        raise OperationalError(str(error)) from error
    return chunk


def _command(sql: str, client: Client) -> None:
    client.command(sql)
