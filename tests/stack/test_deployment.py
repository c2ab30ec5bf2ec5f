"""The images' recipes say what the command line, the settings and the set-up say."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import typer.main
import yaml
from typer.core import TyperGroup
from typer.testing import CliRunner

import bootstrap
from cli.main import STOP_SECONDS, app
from cli.up import QUEUES
from projections.settings import Settings
from workflows.worker import GRACE

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
DOCKERFILE = (ROOT / "Dockerfile").read_text()
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"] == "durabill"}
ROLES = {"api": "serve", "worker": "worker", "dispatcher": "dispatcher", "loader": "loader", "migrate": "migrate"}
PROVIDED = {"postgres": "DATABASE_URL", "clickhouse": "CLICKHOUSE_URL", "temporal": "TEMPORAL_ADDRESS"}


def test_every_role_runs_as_the_command_line_knows_it() -> None:
    assert {name: service["command"][0] for name, service in OURS.items()} == ROLES
    commands = typer.main.get_command(app)
    for name, service in OURS.items():
        command, *arguments = service["command"]
        context = commands.make_context("durabill", [command, *arguments], resilient_parsing=False)
        group = context.command
        assert isinstance(group, TyperGroup)
        assert command in group.commands, name
        group.commands[command].make_context(command, list(arguments))
    assert OURS["worker"]["command"][1:] == ["--queues", ",".join(QUEUES)]


def test_the_image_runs_the_command_line() -> None:
    assert 'ENTRYPOINT ["durabill"]' in DOCKERFILE
    assert CliRunner().invoke(app, ["--help"]).exit_code == 0


def test_no_secret_has_a_default() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    for line in text.splitlines():
        if re.search(r"PASSWORD|PWD|_KEY|_URL", line) and not line.lstrip().startswith("#"):
            values = re.findall(r"\$\{[^}]*\}", line)
            assert values, line
            assert all(value.endswith(":?must be set}") for value in values), line


def test_every_variable_is_a_setting() -> None:
    known = {"DURABILL_" + name.upper() for name in Settings.model_fields}
    known |= {str(field.validation_alias) for field in Settings.model_fields.values() if field.validation_alias}
    for name, service in OURS.items():
        assert set(service["environment"]) <= known, name
        assert set(PROVIDED.values()) <= set(service["environment"]), name


def test_a_role_waits_for_the_schema_and_the_engines() -> None:
    for name, service in OURS.items():
        if name != "migrate":
            assert "migrate" in service["depends_on"], name
    for engine in PROVIDED:
        assert "healthcheck" in SERVICES[engine], engine


def test_a_role_may_finish_what_is_under_way() -> None:
    """Docker's ten seconds are fewer than those that the roles take."""
    for name, service in OURS.items():
        assert service["stop_grace_period"] == "1m", name
    assert max(GRACE.total_seconds(), STOP_SECONDS) < 60


def test_only_loopback_is_published() -> None:
    for name, service in SERVICES.items():
        for port in service.get("ports", ()):
            assert port.startswith("127.0.0.1:"), name


def test_the_image_has_what_the_set_up_installs() -> None:
    for package in (*bootstrap.LIBRARIES.values(), bootstrap.FONTS_PACKAGE):
        assert package in DOCKERFILE, package
    assert f"uv=={bootstrap.UV_VERSION}" in DOCKERFILE
    assert "USER durabill" in DOCKERFILE


def test_every_setting_is_documented() -> None:
    operations = (ROOT / "docs" / "operations.md").read_text()
    for name, field in Settings.model_fields.items():
        variable = str(field.validation_alias or "DURABILL_" + name.upper())
        assert f"`{variable}`" in operations, variable
