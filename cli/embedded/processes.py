"""Processes of the embedded stack: they die with the supervisor, and can be told from all others."""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

MARK = "DURABILL_STACK"
"""Variable in the environment of all our processes: the data folder that they belong to."""

PORTS = range(20_000, 32_000)
"""Below Linux's range of ephemeral ports, so that no outgoing connection takes one that an engine will need again."""


def free_port() -> int:
    while True:
        port = random.choice(PORTS)  # noqa: S311 - a port is no secret
        if port_is_free("127.0.0.1", port):
            return port


def port_is_free(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def dying_with_parent(command: Iterable[str], stop_signal: signal.Signals) -> list[str]:
    """The command, signalled when its parent ends. Every Debian has `setpriv`; elsewhere the mark must do."""
    if shutil.which("setpriv") is None:
        return list(command)
    return ["setpriv", "--pdeathsig", stop_signal.name.removeprefix("SIG"), *command]


def marked(environment: Mapping[str, str], data: Path) -> dict[str, str]:
    return {**environment, MARK: str(data.resolve())}


def ours(data: Path) -> list[int]:
    """Process ids that carry the mark of this data folder, but for the caller and its ancestors."""
    mark = f"{MARK}={data.resolve()}".encode()
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
        except OSError:  # gone meanwhile, or another user's
            continue
    return [pid for pid in set(found) - lineage() if alive(pid)]


def lineage() -> set[int]:
    """The caller's process id and those of its ancestors."""
    pids, pid = set[int](), os.getpid()
    while pid > 1:
        pids.add(pid)
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return pids


def end(pids: Iterable[int], *, stop_signal: signal.Signals, patience_seconds: float) -> None:
    """Ask processes to stop, then kill those that have not."""
    remaining = set(pids)
    for sent in (stop_signal, signal.SIGKILL):
        for pid in remaining:
            send(pid, sent)
            send(pid, signal.SIGCONT)  # one that is stopped acts on nothing else but SIGKILL
        deadline = time.monotonic() + patience_seconds
        while remaining and time.monotonic() < deadline:
            remaining = {pid for pid in remaining if alive(pid)}
            time.sleep(0.05)


def send(pid: int, sent: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, sent)


def alive(pid: int) -> bool:
    """Whether the process runs; one that has ended and waits for its parent to look does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
