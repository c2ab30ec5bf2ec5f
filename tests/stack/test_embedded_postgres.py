"""The cluster: made once and whole, taken over from whoever died."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from cli.embedded import processes
from cli.embedded.postgres import Cluster, ClusterError
from tests.stack.up import wait_until


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    cluster = Cluster(tmp_path / "postgres", "secret", processes.free_port())
    cluster.create(os.environ)
    return cluster


@contextmanager
def running(cluster: Cluster) -> Iterator[subprocess.Popen[bytes]]:
    with (cluster.folder.parent / "log").open("ab") as log:
        server = subprocess.Popen(cluster.command(), stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    try:
        wait_until(cluster.ready, seconds=20, what="PostgreSQL is ready")
        yield server
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(timeout=20)


def test_data_survive_and_are_synced_to_disk(cluster: Cluster) -> None:
    with running(cluster), psycopg.connect(cluster.url) as connection:
        assert connection.execute("show fsync").fetchone() == ("on",)
        connection.execute("create table kept as select 1 as n")
    cluster.create(os.environ)
    with running(cluster), psycopg.connect(cluster.url) as connection:
        assert connection.execute("select n from kept").fetchone() == (1,)


def test_nobody_enters_without_the_password(cluster: Cluster) -> None:
    with running(cluster), pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(replace(cluster, password="wrong").url)


def test_a_pid_file_that_names_somebody_else_is_no_obstacle(cluster: Cluster) -> None:
    with running(cluster):
        pid_file = (cluster.folder / "postmaster.pid").read_text()
    stranger = subprocess.Popen(["sleep", "60"], user=cluster.folder.stat().st_uid)
    try:
        _, _, rest = pid_file.partition("\n")
        (cluster.folder / "postmaster.pid").write_text(f"{stranger.pid}\n{rest}")
        cluster.release()
        with running(cluster):
            assert stranger.poll() is None, "it is not ours to end"
    finally:
        stranger.kill()
        stranger.wait()


def test_a_server_that_was_left_is_ended_without_losing_what_it_committed(cluster: Cluster) -> None:
    with running(cluster) as left:
        with psycopg.connect(cluster.url) as connection:
            connection.execute("create table kept as select 1 as n")
        cluster.release()
        assert left.wait(timeout=20) == 0
    with running(replace(cluster, port=processes.free_port())) as server:
        assert server.poll() is None


def test_a_cluster_of_another_version_is_left_alone(cluster: Cluster) -> None:
    (cluster.folder / "PG_VERSION").write_text("17\n")
    with pytest.raises(ClusterError, match="made by PostgreSQL 17"):
        cluster.create(os.environ)


def test_an_interrupted_initdb_is_begun_anew(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path / "postgres", "secret", processes.free_port())
    unfinished = tmp_path / "postgres.new"
    unfinished.mkdir()
    (unfinished / "PG_VERSION").write_text("18")
    cluster.create(os.environ)
    assert (cluster.folder / "global" / "pg_control").exists()
    assert not unfinished.exists()
    assert not (tmp_path / "postgres.password").exists()
