"""`python -m tests.golden.write_events`: store a golden event for each topic and version that has none.

What is there is never overwritten: such events may be in somebody's ledger. A changed event class gets a new
`class_version` and an upcast instead.
"""

from __future__ import annotations

import json
import sys

from projections.ledger.mapper import LedgerMapper
from tests.golden.event_classes import FOLDER, event_classes


def main() -> None:
    mapper = LedgerMapper()
    FOLDER.mkdir(exist_ok=True)
    for known in event_classes():
        if known.path.exists():
            continue
        stored = mapper.to_stored_event(known.sample())
        golden = {"topic": stored.topic, "version": stored.originator_version, "state": json.loads(stored.state)}
        known.path.write_text(json.dumps(golden, indent=2, ensure_ascii=False) + "\n")
        sys.stdout.write(f"{known.path.name}\n")


if __name__ == "__main__":
    main()
