"""Who may use a data folder, and who may read its keys."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from cli.embedded.folder import DataFolder, InUseError


def test_a_folder_belongs_to_one_process(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    folder.prepare()
    holder = "import sys; from pathlib import Path; from cli.embedded.folder import DataFolder\n"
    holder += f"with DataFolder(Path({str(folder.path)!r})).locked(): print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", holder], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(InUseError, match=f"in use by process {process.pid}"), folder.locked():
            pass
        process.kill()
    with folder.locked():
        pass


def test_keys_are_made_once_for_this_user_alone(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    folder.prepare()
    key = folder.key("admin")
    assert len(key) >= 32
    assert key.isalnum(), "as an argument of a command it must not look like an option"
    assert folder.key("admin") == key
    assert stat.S_IMODE(folder.key_file("admin").stat().st_mode) == 0o600


def test_the_way_to_the_engines_is_for_this_user_alone(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    folder.prepare()
    assert folder.published() == {}
    folder.publish({"DATABASE_URL": "postgresql://…"})
    assert folder.published() == {"DATABASE_URL": "postgresql://…"}
    assert stat.S_IMODE((folder.path / "environment.json").stat().st_mode) == 0o600
