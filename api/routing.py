"""Which operation a request means: by its verb and its path as it was sent.

FastAPI's routers hold the operations and describe them in `/openapi.json`; requests are dispatched here. So an
encoded slash stays inside its identifier, unknown verbs are 404, nothing is redirected, and a lookup costs one
dictionary and a few patterns instead of all of them (measured in spec/engine.md 3).

Source: api-surface 3.2, 3.4, 9.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Protocol
from urllib.parse import unquote

from fastapi import APIRouter
from fastapi.routing import APIRoute

from api.envelope import Json, Reply
from api.parameters import clean


class Handler(Protocol):
    """One operation: takes an `api.call.Call`."""

    __name__: str

    def __call__(self, call: Any, /) -> Awaitable[Json | Reply]: ...


_PARAMETER = re.compile(r"\{(\w+)(:path)?\}")


class Resource(APIRouter):
    """Operations of one resource. A `{name:path}` may hold slashes, a `{name}` only encoded ones."""

    def __init__(self, tag: str, prefix: str = "/api/v1") -> None:
        super().__init__(prefix=prefix, tags=[tag])

    def add_api_route(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        parameters = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name, _ in _PARAMETER.findall(path)
        ]
        options["response_model"] = None
        options["openapi_extra"] = {"parameters": parameters} if parameters else None
        super().add_api_route(path, endpoint, **options)


class Operations:
    """All operations, found by verb and raw path."""

    def __init__(self, resources: Iterable[APIRouter]) -> None:
        templates: dict[str, dict[str, Handler]] = {}
        for resource in resources:
            for route in resource.routes:
                assert isinstance(route, APIRoute)
                for method in route.methods or ():
                    assert method not in templates.setdefault(route.path, {}), (method, route.path)
                    templates[route.path][method] = route.endpoint
        self._exact = {path: verbs for path, verbs in templates.items() if "{" not in path}
        self._patterns: dict[str, list[tuple[re.Pattern[str], dict[str, Handler]]]] = {}
        for path in sorted((path for path in templates if "{" in path), key=_specificity):
            self._patterns.setdefault(_family(path), []).append((_pattern(path), templates[path]))

    def find(self, method: str, raw_path: str) -> tuple[Handler, dict[str, str]] | None:
        """The handler and the identifiers in the path, decoded; None if no operation has this path and verb."""
        path = raw_path.rstrip("/")
        if (verbs := self._exact.get(path)) is not None:
            handler = _handler(verbs, method)
            return None if handler is None else (handler, {})
        for pattern, verbs in self._patterns.get(_family(path), ()):
            if match := pattern.fullmatch(path):
                if (handler := _handler(verbs, method)) is None:
                    return None
                return handler, {name: clean(unquote(value)) for name, value in match.groupdict().items()}
        return None


def _handler(verbs: Mapping[str, Handler], method: str) -> Handler | None:
    """A `PATCH` that is not routed by itself is a `PUT` (api-surface 1), a `HEAD` a `GET`."""
    return verbs.get(method) or verbs.get({"PATCH": "PUT", "HEAD": "GET"}.get(method, ""))


def _family(path: str) -> str:
    """The first parts of a path up to the resource's name: `/api/v1/plans`, `/documents`."""
    return "/".join(path.split("/", 4)[: 4 if path.startswith("/api/") else 2])


def _pattern(path: str) -> re.Pattern[str]:
    parts, at = [], 0
    for match in _PARAMETER.finditer(path):
        parts += [re.escape(path[at : match.start()]), f"(?P<{match[1]}>{'.+' if match[2] else '[^/]+'})"]
        at = match.end()
    return re.compile("".join([*parts, re.escape(path[at:])]), re.DOTALL)


def _specificity(path: str) -> tuple[int, str]:
    """Patterns with more fixed parts are tried first: `/plans/{code}/charges` before `/plans/{code}`."""
    return -sum("{" not in part for part in path.split("/")), path
