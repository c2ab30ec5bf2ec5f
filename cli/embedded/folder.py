"""The data folder of an embedded stack: its lock, its keys, and how commands reach the engines while it runs."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


class InUseError(Exception):
    """Another supervisor runs on this folder; the message names its process id."""


@dataclass(frozen=True, slots=True)
class DataFolder:
    """Layout: `postgres/`, `clickhouse/`, `temporal.db`, `logs/`, `keys/` (0600 each), `lock`, `environment.json`."""

    path: Path

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    def prepare(self) -> None:
        self.path.mkdir(parents=True, exist_ok=True)
        for name in ("logs", "keys", "clickhouse"):
            (self.path / name).mkdir(mode=0o700, exist_ok=True)
        ignored = self.path / ".gitignore"
        if not ignored.exists():
            ignored.write_text("*\n")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder for this process; the kernel lets go of it however the process ends.

        Raises:
            InUseError
        """
        with (self.path / "lock").open("a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                lock.seek(0)
                raise InUseError(f"{self.path} is in use by process {lock.read().strip() or '?'}") from None
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            yield

    def key(self, name: str) -> str:
        """A secret that is made once and kept, readable by this user alone."""
        file = self.key_file(name)
        if not file.exists():
            unfinished = file.with_suffix(".new")
            unfinished.unlink(missing_ok=True)
            with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as output:
                output.write(
                    secrets.token_hex(32) + "\n"
                )  # as an argument of a command, it must not look like an option
                output.flush()
                os.fsync(output.fileno())
            unfinished.replace(file)
        return file.read_text().strip()

    def key_file(self, name: str) -> Path:
        return self.path / "keys" / name

    def publish(self, environment: Mapping[str, str]) -> None:
        """Let other commands of this user reach the engines that run now."""
        file = self.path / "environment.json"
        unfinished = file.with_suffix(".new")
        unfinished.unlink(missing_ok=True)
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as output:
            json.dump(dict(environment), output, indent=1)
        unfinished.replace(file)

    def published(self) -> dict[str, str]:
        """What `publish` was given; empty where no stack was ever started here."""
        file = self.path / "environment.json"
        return dict(json.loads(file.read_text())) if file.exists() else {}
