"""Whole stories over HTTP: a file of YAML documents, each told in a sandbox of its own.

A document has a `scenario`, an optional `organization`, and `steps`. A step moves the clock (`clock`), sends usage
(`events`: one or a list, each with an optional `count`), or makes a `call` with an optional `body`, the `status` it
must have (any 2xx where absent), what must hold of the answer (`expect`: JMESPath -> value) and what to keep of it for
`${name}` in later steps (`save`). Reads are repeated for a while, since workflows work in the background.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import httpx
import jmespath
import yaml

from domain.kernel import ids

PATIENCE_SECONDS = 15
_VARIABLE = re.compile(r"\$\{(\w+)\}")


class _Loader(yaml.SafeLoader):
    """Leaves dates and times the texts that they are in JSON."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def load(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """(name, document) of all scenarios in the files below a folder."""
    for file in sorted(folder.rglob("*.yaml")):
        for document in yaml.load_all(file.read_text(), _Loader):
            if document:
                yield f"{file.stem}: {document['scenario']}", document


def tell(document: dict[str, Any], url: str, admin_key: str) -> None:
    """Run all steps; raises AssertionError that names the step that went wrong."""
    with httpx.Client(base_url=url, timeout=60, trust_env=False) as http:
        answer = http.post(
            "/admin/organizations",
            json={"organization": {"name": "Scenario", "sandbox": True, **document.get("organization", {})}},
            headers={"Authorization": f"Bearer {admin_key}"},
        )
        assert answer.status_code == 201, answer.text
        http.headers["Authorization"] = f"Bearer {answer.json()['organization']['api_key']}"
        kept: dict[str, Any] = {"run": ids.new().hex[-8:]}
        for number, step in enumerate(document["steps"], 1):
            problem = _take(step, http, kept)
            assert not problem, f"step {number} ({step.get('note') or step.get('call') or 'clock, events'}): {problem}"


def _take(step: dict[str, Any], http: httpx.Client, kept: dict[str, Any]) -> str:
    if "clock" in step and (problem := _advance(http, _fill(step["clock"], kept))):
        return problem
    if "events" in step:
        events = _fill(step["events"], kept)
        for event in events if isinstance(events, list) else [events]:
            if problem := _use(http, event):
                return problem
    return _call(step, http, kept) if "call" in step else ""


def _advance(http: httpx.Client, now: str) -> str:
    answer = http.put("/api/v1/test_clock", json={"test_clock": {"now": now}})
    deadline = time.monotonic() + PATIENCE_SECONDS * 8
    while answer.is_success and answer.json()["test_clock"]["status"] != "ready":
        if time.monotonic() > deadline:
            return f"the clock does not get there: {answer.text}"
        time.sleep(0.05)
        answer = http.get("/api/v1/test_clock")
    return "" if answer.is_success else answer.text


def _use(http: httpx.Client, event: dict[str, Any]) -> str:
    fields = {key: value for key, value in event.items() if key != "count"}
    batch = [{"transaction_id": ids.new().hex, **fields} for _ in range(event.get("count", 1))]
    for start in range(0, len(batch), 100):
        answer = http.post("/api/v1/events/batch", json={"events": batch[start : start + 100]})
        if answer.status_code != 200:
            return answer.text
    return ""


def _call(step: dict[str, Any], http: httpx.Client, kept: dict[str, Any]) -> str:
    method, path = _fill(step["call"], kept).split(" ", 1)
    body = _fill(step["body"], kept) if "body" in step else None
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        answer = http.request(method, f"/api/v1{path}", json=body)
        problem = _judge(step, answer, kept)
        if not problem or method != "GET" or time.monotonic() > deadline:
            return problem
        time.sleep(0.05)


def _judge(step: dict[str, Any], answer: httpx.Response, kept: dict[str, Any]) -> str:
    wanted = step.get("status")
    if not (answer.status_code == wanted if wanted else answer.is_success):
        return f"status {answer.status_code}: {answer.text[:400]}"
    content = answer.json() if answer.content else None
    for query, expected in _fill(step.get("expect", {}), kept).items():
        try:
            found = jmespath.search(query, content)
        except jmespath.exceptions.JMESPathError as error:
            return f"{query}: {error}"
        if not _same(expected, found):
            return f"{query} is {found!r}, expected {expected!r}"
    for name, query in step.get("save", {}).items():
        kept[name] = jmespath.search(_fill(query, kept), content)
        if kept[name] is None:
            return f"nothing at {query} to keep as {name}"
    return ""


def _fill(value: Any, kept: dict[str, Any]) -> Any:
    match value:
        case dict():
            return {_fill(key, kept): _fill(inner, kept) for key, inner in value.items()}
        case list():
            return [_fill(inner, kept) for inner in value]
        case str() if whole := _VARIABLE.fullmatch(value):
            return kept[whole[1]]
        case str():
            return _VARIABLE.sub(lambda match: str(kept[match[1]]), value)
        case _:
            return value


def _same(expected: Any, found: Any) -> bool:
    """Equal, where numbers may also stand in texts, and a mapping may name only some keys."""
    if isinstance(expected, dict):
        return isinstance(found, dict) and all(_same(value, found.get(key)) for key, value in expected.items())
    if isinstance(expected, list):
        return isinstance(found, list) and len(expected) == len(found) and all(map(_same, expected, found))
    if expected is None or found is None or isinstance(expected, bool) or isinstance(found, bool):
        return expected is found
    try:
        return Decimal(str(expected)) == Decimal(str(found))
    except InvalidOperation:
        return str(expected) == str(found)
