"""Every event that was ever stored is read for ever. `python -m tests.golden.write_events` adds the missing ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from eventsourcing.domain import AggregateCreated
from eventsourcing.persistence import StoredEvent

from projections import views
from projections.ledger.ledger import replay
from projections.ledger.mapper import LedgerMapper
from tests.golden.event_classes import FOLDER, ORIGINATOR_ID, event_classes

MAPPER = LedgerMapper()
GOLDEN = sorted(FOLDER.glob("*.json"))
KNOWN = list(event_classes())


def load(path: Path) -> StoredEvent:
    golden = json.loads(path.read_text())
    return StoredEvent(ORIGINATOR_ID, golden["version"], golden["topic"], json.dumps(golden["state"]).encode())


def test_every_event_of_the_code_has_a_golden_one() -> None:
    missing = [known.path.name for known in KNOWN if not known.path.exists()]
    assert not missing, "python -m tests.golden.write_events"


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_a_golden_event_is_read(path: Path) -> None:
    event: Any = MAPPER.to_domain_event(load(path))
    if isinstance(event, AggregateCreated):
        assert views.rows(replay(MAPPER, [load(path)]))


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: known.path.stem)
def test_the_golden_event_of_the_present_version_is_what_would_be_stored(known: Any) -> None:
    stored = load(known.path)
    again = MAPPER.to_stored_event(MAPPER.to_domain_event(stored))
    assert json.loads(again.state) == json.loads(stored.state)
