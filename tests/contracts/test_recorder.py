"""The library's own contract of a recorder, and its subscriptions and applications, on the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from queue import Queue
from threading import Event, Thread
from typing import Any
from uuid import UUID

import pytest
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate
from eventsourcing.persistence import ApplicationRecorder, IntegrityError, StoredEvent
from eventsourcing.tests import persistence
from psycopg.conninfo import conninfo_to_dict

from domain.kernel import ids
from projections.ledger.recorder import LedgerFactory, LedgerRecorder, LedgerSubscription


@pytest.fixture
def environment(database_url: str) -> dict[str, str]:
    parts = conninfo_to_dict(database_url)
    names = {"dbname": "DBNAME", "host": "HOST", "port": "PORT", "user": "USER", "password": "PASSWORD"}
    settings = {f"POSTGRES_{name}": str(parts[part]) for part, name in names.items()}
    return {**settings, "PERSISTENCE_MODULE": "projections.ledger.recorder:LedgerFactory", "CREATE_TABLE": "n"}


@pytest.fixture
def recorder(environment: dict[str, str]) -> Iterator[ApplicationRecorder]:
    factory = LedgerFactory(environment)
    yield factory.application_recorder()
    factory.close()


class _OnTheLedger:
    recorder: ApplicationRecorder

    @pytest.fixture(autouse=True)
    def _set_recorder(self, recorder: ApplicationRecorder) -> None:
        self.recorder = recorder

    def create_recorder(self) -> Any:
        return self.recorder


class TestContract(_OnTheLedger, persistence.ApplicationRecorderTestCase[LedgerRecorder]):
    def test_insert_subscribe(self) -> None:
        self.optional_test_insert_subscribe()


class TestNotInterleaved(_OnTheLedger, persistence.NonInterleavingNotificationIDsBaseCase):
    pass


def test_a_failed_insert_stores_nothing(recorder: ApplicationRecorder) -> None:
    def event(version: int) -> StoredEvent:
        return StoredEvent(UUID(int=1), version, "topic", b"\x00 not JSON \xff")

    assert recorder.insert_events([event(1)]) == [1]
    for refused in ([event(2), event(1)], [event(2), event(2)]):
        with pytest.raises(IntegrityError):
            recorder.insert_events(refused)
    assert recorder.select_events(UUID(int=1)) == [event(1)]
    assert recorder.insert_events([]) == []


def test_a_subscription_that_listens_late_misses_nothing(recorder: LedgerRecorder) -> None:
    """An event that comes after its first read and before it listens: nobody tells it."""
    listening, received = Event(), Queue[str]()

    class Late(LedgerSubscription):
        def _listen(self) -> None:
            listening.wait()
            super()._listen()

    def event(version: int) -> StoredEvent:
        return StoredEvent(UUID(int=1), version, f"topic{version}", b"")

    def read(subscription: LedgerSubscription) -> None:
        for notification in subscription:
            received.put(notification.topic)

    recorder.insert_events([event(1)])
    with Late(recorder=recorder, gt=None) as subscription:
        reader = Thread(target=read, args=(subscription,))
        reader.start()
        assert received.get(timeout=10) == "topic1"
        recorder.insert_events([event(2)])
        listening.set()
        try:
            assert received.get(timeout=10) == "topic2"
        finally:
            subscription.stop()
            reader.join()


class Counter(Aggregate):
    class Counted(Aggregate.Event):
        def apply(self, aggregate: Counter) -> None:
            aggregate.count += 1

    def __init__(self) -> None:
        self.count = 0

    @staticmethod
    def create_id(*_: Any, **__: Any) -> UUID:
        return ids.new()


def test_an_application_of_the_library(environment: dict[str, str]) -> None:
    application = Application[UUID](environment)
    counter = Counter()
    counter.trigger_event(Counter.Counted)
    application.save(counter)
    loaded: Counter = application.repository.get(counter.id)
    assert loaded.count == 1
    assert [notification.id for notification in application.recorder.select_notifications(1, 10)] == [1, 2]
    application.close()
