"""The chain that leads to a Temporal binary, with scripts in the place of what is on the machine."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.embedded import temporal_binary
from cli.embedded.temporal_binary import TemporalNotFoundError

Script = Callable[[str, str], Path]
RUNS = 'echo "temporal version 1"'


@pytest.fixture(autouse=True)
def empty_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a variable, nor a binary on the path, nor a cache."""
    monkeypatch.delenv("TEMPORAL_CLI_PATH", raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}/usr/bin{os.pathsep}/bin")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "cache" / "durabill").mkdir(parents=True)


def test_the_named_one_comes_first(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    script("temporal", RUNS)
    named = script("other", RUNS)
    monkeypatch.setenv("TEMPORAL_CLI_PATH", str(named))
    assert temporal_binary.find() == named


def test_a_named_one_that_does_not_run_is_not_replaced_silently(
    script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    script("temporal", RUNS)
    monkeypatch.setenv("TEMPORAL_CLI_PATH", "/nowhere/temporal")
    with pytest.raises(TemporalNotFoundError, match="/nowhere/temporal, which does not run"):
        temporal_binary.find()


def test_the_path_comes_before_the_cache(script: Script) -> None:
    cached = temporal_binary.cached_binary()
    script("temporal", RUNS).rename(cached)
    assert temporal_binary.find() == cached
    on_path = script("temporal", RUNS)
    assert temporal_binary.find() == on_path


def test_a_broken_one_is_passed_over(script: Script) -> None:
    script("temporal", "exit 1")
    assert temporal_binary.find() is None


def test_a_build_stays_in_the_cache_and_leaves_the_binary_alone(script: Script, tmp_path: Path) -> None:
    script(
        "go",
        f"""
        if [ "$1" = env ]; then echo go1.26.1; exit; fi
        env > {tmp_path}/seen
        mkdir -p "$GOPATH" "$GOBIN" && printf '#!/bin/sh\\n{RUNS}\\n' > "$GOBIN/temporal" && chmod +x "$GOBIN/temporal"
        """,
    )
    said: list[str] = []
    temporal_binary.build(said.append)
    assert temporal_binary.find() == temporal_binary.cached_binary()
    assert [file.name for file in temporal_binary.cache_folder().iterdir()] == [temporal_binary.cached_binary().name]
    seen = dict(line.split("=", 1) for line in (tmp_path / "seen").read_text().splitlines() if "=" in line)
    for name in ("GOPATH", "GOMODCACHE", "GOCACHE", "GOBIN", "GOTMPDIR", "XDG_CONFIG_HOME"):
        assert seen[name].startswith(str(temporal_binary.cache_folder())), name
    assert said


def test_an_old_go_is_not_used_and_what_to_do_is_said(script: Script) -> None:
    script("go", "echo go1.19.8")
    script("uv", "echo no network >&2; exit 1")
    with pytest.raises(TemporalNotFoundError, match="no network"):
        temporal_binary.build(lambda _: None)
    assert not (temporal_binary.cache_folder() / "build").exists()


def test_a_failed_build_shows_why(script: Script) -> None:
    script("go", 'if [ "$1" = env ]; then echo go1.26.1; else echo proxy unreachable >&2; exit 1; fi')
    with pytest.raises(TemporalNotFoundError, match="proxy unreachable"):
        temporal_binary.build(lambda _: None)
