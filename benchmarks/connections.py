"""One HTTP connection to the API or to ClickHouse, without a client's own machinery."""

from __future__ import annotations

import json
from base64 import b64encode
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

from benchmarks.tenant import Tenant
from cli.up import HOST, Stack


class Api:
    def __init__(self, on: Stack, owner: Tenant) -> None:
        self._connection = HTTPConnection(HOST, on.port, timeout=30)
        self._headers = {"Authorization": f"Bearer {owner.key}", "Content-Type": "application/json"}

    def close(self) -> None:
        self._connection.close()

    def charges_usage(self, name: str) -> list[dict[str, Any]]:
        """Current usage of the customer's subscription of the same name, an object for each charge."""
        path = f"/api/v1/customers/{name}/current_usage?external_subscription_id={name}"
        charges: list[dict[str, Any]] = self.ask("GET", path)["customer_usage"]["charges_usage"]
        return charges

    def ask(self, method: str, path: str, body: object = None) -> Any:
        content = None if body is None else json.dumps(body)
        return json.loads(_answer(self._connection, method, path, content, self._headers))


class ClickHouse:
    def __init__(self, on: Stack) -> None:
        url = urlsplit(on.environment["CLICKHOUSE_URL"])
        assert url.hostname is not None
        self._connection = HTTPConnection(url.hostname, url.port, timeout=30)
        self._headers = {"Authorization": "Basic " + b64encode(f"{url.username}:{url.password}".encode()).decode()}

    def close(self) -> None:
        self._connection.close()

    def ask(self, query: str) -> list[list[Any]]:
        """The rows of a query that answers in `JSONCompactEachRow`."""
        content = _answer(self._connection, "POST", "/", query, self._headers)
        return [json.loads(line) for line in content.splitlines()]


def _answer(connection: HTTPConnection, method: str, path: str, body: str | None, headers: dict[str, str]) -> bytes:
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    content = answer.read()
    assert answer.status == 200, (method, path, content)
    return content
