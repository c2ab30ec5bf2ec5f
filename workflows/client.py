"""The connection to Temporal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from temporalio.client import Client
from temporalio.service import RPCError

from domain.kernel.errors import UnavailableError
from projections.settings import Settings


async def connect(settings: Settings, *, lazy: bool = False) -> Client:
    """A client; a lazy one connects when it is first used, and after a failure tries again at the next use.

    Raises:
        UnavailableError: no address is set; or Temporal does not answer there (not if lazy).
    """
    if settings.temporal_address is None:
        raise UnavailableError("temporal: TEMPORAL_ADDRESS is not set")
    key = settings.temporal_api_key.get_secret_value() if settings.temporal_api_key else None
    with unavailable():
        return await Client.connect(
            settings.temporal_address,
            namespace=settings.temporal_namespace,
            api_key=key or None,
            tls=bool(key),
            lazy=lazy,
        )


@contextmanager
def unavailable() -> Iterator[None]:
    """What the client raises when Temporal cannot be reached, or refuses, in our words."""
    try:
        yield
    except RPCError as error:
        raise UnavailableError(f"temporal: {error.status.name}") from error
    except RuntimeError as error:  # the client's, when it cannot connect
        raise UnavailableError("temporal: no connection") from error
