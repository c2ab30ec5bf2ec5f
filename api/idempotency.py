"""Doing a command once: tried again where others got in its way, and answered again where its key was used before.

The append that a command ends in stores its `Idempotency-Key` (`projections/ledger`), so key and effect commit as one.
A second request with the key is answered from the current state of what the first one made.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from typing import TypeVar
from uuid import UUID

from api.call import Call
from api.envelope import Json, Reply
from api.routing import Handler
from api.tenant import Tenant
from domain.kernel import ids
from domain.kernel.errors import BillingError, ConflictError, DuplicateError, InvalidInputError
from projections.ledger.ledger import COMMAND_CONSTRAINT, CommandKey, current_command

Answer = Callable[[Tenant, UUID], Awaitable[Json | Reply]]
CallAnswer = Callable[[Call, UUID], Awaitable[Json | Reply]]
A = TypeVar("A", bound=Answer)
B = TypeVar("B", bound=CallAnswer)

_ATTEMPTS = 3
_LONGEST_KEY = 255
_answers: dict[str, Answer] = {}
_answers_of: dict[Handler, CallAnswer] = {}


def answers(topic: str) -> Callable[[A], A]:
    """Mark how a command is answered again whose append named an aggregate of this topic first."""

    def register(answer: A) -> A:
        assert topic not in _answers, topic
        _answers[topic] = answer
        return answer

    return register


def answers_of(*handlers: Handler) -> Callable[[B], B]:
    """Mark how the commands of these operations are answered again: they are about a part of their aggregate."""

    def register(answer: B) -> B:
        for handler in handlers:
            assert handler not in _answers_of, handler
            _answers_of[handler] = answer
        return answer

    return register


def new_id(kind: str) -> UUID:
    """An id for what a command makes; with a key the one that follows from it, so that its answer finds it again."""
    command = current_command.get()
    return ids.new() if command is None else ids.of(kind, command.organization_id, command.key)


def command_id(call: Call, kind: str) -> UUID:
    """What `new_id` gave to the first command with this key."""
    return ids.of(kind, call.tenant.organization_id, call.header(b"idempotency-key"))


async def perform(handler: Handler, call: Call) -> Json | Reply:
    """What `handler` answers. It may run several times, and ends in one append at most.

    Raises:
        ConflictError, DuplicateError: others got in its way every time.
        InvalidInputError: the key was used for another request.
    """
    command = _command(call)
    if command is None:
        return await _attempt(handler, call)
    if (answer := await _answered(handler, call, command)) is not None:
        return answer
    token = current_command.set(command)
    try:
        return await _attempt(handler, call)
    except BillingError:
        # Perhaps it is the same command, sent at the same moment, that stood in the way.
        if (answer := await _answered(handler, call, command)) is not None:
            return answer
        raise
    finally:
        current_command.reset(token)


async def _attempt(handler: Handler, call: Call) -> Json | Reply:
    for _ in range(_ATTEMPTS - 1):
        try:
            return await handler(call)
        except (ConflictError, DuplicateError) as error:
            if isinstance(error, DuplicateError) and error.constraint == COMMAND_CONSTRAINT:
                raise  # it is done, and would only be refused again
    return await handler(call)


def _command(call: Call) -> CommandKey | None:
    key = call.header(b"idempotency-key")
    if not key or call.method in ("GET", "HEAD"):
        return None
    if len(key) > _LONGEST_KEY:
        raise InvalidInputError({"idempotency_key": ["value_is_too_long"]})
    target = f"{call.method} {call.scope['path']}?".encode() + call.scope["query_string"] + b"\n"
    return CommandKey(call.tenant.organization_id, key, hashlib.sha256(target + call.content).hexdigest())


async def _answered(handler: Handler, call: Call, command: CommandKey) -> Json | Reply | None:
    found = await call.tenant.ledger.find_command(command.organization_id, command.key)
    if found is None:
        return None
    if found.key.fingerprint != command.fingerprint:
        raise InvalidInputError({"idempotency_key": ["value_already_exist"]})
    if (answer := _answers_of.get(handler)) is not None:
        return await answer(call, found.aggregate_id)
    return await _answers[found.topic](call.tenant, found.aggregate_id)
