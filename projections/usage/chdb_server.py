"""chDB served over ClickHouse's HTTP interface, on loopback: a folder belongs to one process, its readers are many.

What `clickhouse-connect` needs of that interface: statements and data of inserts in the body, a statement in `query`,
parameters (`param_x`) and settings in the query string, any output format. Not: sessions, compression, forms.
Source: engine 2.1 (one process per folder; a client of the embedded engine is serialised).
"""

from __future__ import annotations

import hmac
import json
import queue
import re
import threading
from base64 import b64decode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

import chdb

HANDLES: Final = 8
"""Statements that run at one time; others wait."""

_OF_HTTP: Final = frozenset(
    {
        *("query", "database", "default_format", "user", "password", "query_id", "quota_key", "role", "compress"),
        *("decompress", "wait_end_of_query", "buffer_size", "session_id", "session_timeout", "session_check"),
        *("client_protocol_version", "enable_http_compression", "send_progress_in_http_headers"),
        *("http_headers_progress_interval_ms", "cancel_http_readonly_queries_on_client_close"),
    }
)
"""Parameters that are no settings of the engine."""

_SETTING = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_INSERT = re.compile(rb"\s*(insert\s+into\s.+?)\s+format\s+(\w+)\s+", re.IGNORECASE | re.DOTALL)
_CODE = re.compile(r"Code: (\d+)")
_INSERT_HEAD_BYTES: Final = 1 << 16


class _StatementError(Exception):
    """The engine refused; the message is its own."""


@dataclass(slots=True)
class _Handle:
    """A connection to the engine, and the settings that are on it."""

    path: str
    database: str = "default"
    settings: dict[str, str] = field(default_factory=dict)
    connection: Any = field(init=False)

    def __post_init__(self) -> None:
        self.connection = chdb.connect(self.path)

    def apply(self, settings: Mapping[str, str]) -> None:
        """Have these settings and no others."""
        changed = [f"{name} = {_quoted(value)}" for name, value in settings.items() if self.settings.get(name) != value]
        changed += [f"{name} = default" for name in self.settings if name not in settings]
        if not changed:
            return
        try:
            self.connection.query(f"set {', '.join(changed)}")
            self.settings = dict(settings)
        except chdb.ChdbError:  # which of them are on it now is not known
            self.connection.close()
            self.database, self.settings = "default", {}
            self.connection = chdb.connect(self.path)
            raise

    def use(self, database: str) -> None:
        if self.database != database:
            self.connection.query(f"use `{database.replace('`', '``')}`")
            self.database = database


class _Engine:
    """The engine's folder, opened by this process."""

    def __init__(self, folder: Path) -> None:
        path = str(folder.resolve())
        self._handles: queue.LifoQueue[_Handle] = queue.LifoQueue()
        for _ in range(HANDLES):
            self._handles.put(_Handle(path))

    def run(self, statement: bytes, parameters: Mapping[str, str], default_format: str) -> tuple[bytes, dict[str, str]]:
        """Result and summary. Raises `_StatementError`."""
        settings = {
            name: value
            for name, value in parameters.items()
            if name not in _OF_HTTP and not name.startswith("param_") and _SETTING.fullmatch(name)
        }
        handle = self._handles.get()
        try:
            handle.apply(settings)
            handle.use(parameters.get("database") or "default")
            insert = _INSERT.match(statement, 0, _INSERT_HEAD_BYTES)
            if insert is not None:
                head, format_name = insert[1].decode(), insert[2].decode()
                with handle.connection.send_insert(head, format_name) as inserter:
                    inserter.append(statement[insert.end() :])
                    written = inserter.finish().rows_written
                return b"", {"read_rows": str(written), "written_rows": str(written)}
            bound = {name.removeprefix("param_"): v for name, v in parameters.items() if name.startswith("param_")}
            result = handle.connection.query(statement.decode(), default_format, params=bound)
            return result.bytes() or b"", {"read_rows": str(result.rows_read()), "written_rows": "0"}
        except Exception as error:  # of several kinds, all of them the engine's
            raise _StatementError(str(error)) from error
        finally:
            self._handles.put(handle)

    def close(self) -> None:
        """Wait for what runs, then close the folder."""
        for _ in range(HANDLES):
            self._handles.get().connection.close()


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    timeout = 600

    def do_GET(self) -> None:
        if self.path == "/ping":
            self._send(HTTPStatus.OK, b"Ok.\n", {})
        else:
            self._statement()

    def do_POST(self) -> None:
        self._statement()

    def log_message(self, *_: object) -> None:
        """Nothing: statements hold customers' data."""

    def _statement(self) -> None:
        body = self._body()
        url = urlsplit(self.path)
        parameters = dict(parse_qsl(url.query, keep_blank_values=True))
        if not self._authorized():
            self._refuse(HTTPStatus.UNAUTHORIZED, "Code: 516. DB::Exception: Authentication failed")
            return
        if self.headers.get("Content-Encoding", "identity") != "identity":
            self._refuse(HTTPStatus.BAD_REQUEST, "Code: 48. DB::Exception: Compression is not supported")
            return
        statement = parameters.get("query", "").encode()
        if body:
            statement = statement + b"\n" + body if statement else body
        default_format = parameters.get("default_format") or self.headers.get("X-ClickHouse-Format") or "TabSeparated"
        try:
            result, summary = self.server.engine.run(statement, parameters, default_format)
        except _StatementError as error:
            self._refuse(HTTPStatus.INTERNAL_SERVER_ERROR, str(error))
            return
        self._send(HTTPStatus.OK, result, {"X-ClickHouse-Summary": json.dumps(summary), "X-ClickHouse-Timezone": "UTC"})

    def _authorized(self) -> bool:
        scheme, _, given = (self.headers.get("Authorization") or "").partition(" ")
        try:
            credentials = b64decode(given) if scheme.lower() == "basic" else b""
        except ValueError:
            return False
        return hmac.compare_digest(credentials, self.server.credentials)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        chunks = []
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():  # trailers
            pass
        return b"".join(chunks)

    def _refuse(self, status: HTTPStatus, message: str) -> None:
        code = _CODE.search(message)
        self._send(status, message.encode(), {"X-ClickHouse-Exception-Code": code[1] if code else "0"})

    def _send(self, status: HTTPStatus, content: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], engine: _Engine, credentials: bytes) -> None:
        super().__init__(address, _Handler)
        self.engine, self.credentials = engine, credentials


@contextmanager
def serving(folder: Path, url: str) -> Iterator[None]:
    """Serve the engine of `folder` at `http://user:password@127.0.0.1:port`, from threads of this process.

    Raises:
        OSError: the port is taken.
        RuntimeError: another process has the folder.
    """
    parts = urlsplit(url)
    assert parts.hostname in ("127.0.0.1", "::1", "localhost"), "chDB is served on loopback alone"
    assert parts.username, "who knows the port must know the password too"
    assert parts.password, "who knows the port must know the password too"
    assert parts.port is not None, url
    credentials = f"{unquote(parts.username)}:{unquote(parts.password)}".encode()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    engine = _Engine(folder)
    try:
        with _Server((parts.hostname, parts.port), engine, credentials) as server:
            thread = threading.Thread(target=server.serve_forever, name="chdb server", kwargs={"poll_interval": 0.1})
            thread.start()
            try:
                yield
            finally:
                server.shutdown()
                thread.join()
    finally:
        engine.close()
