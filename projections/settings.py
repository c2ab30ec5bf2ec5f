"""Every setting that a process reads from its environment; what is not here cannot be set."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Settings of all roles. Without the URL of an engine that engine is the embedded one, under `data_dir`.

    Attributes:
        database_url: `DATABASE_URL`, PostgreSQL 17 or newer (`postgresql://…`); the role in it owns the schema.
        clickhouse_url: `CLICKHOUSE_URL`, ClickHouse's HTTP interface.
        clickhouse_path: `DURABILL_CLICKHOUSE_PATH`, folder of an embedded engine that the loader serves at that URL.
        temporal_address: `TEMPORAL_ADDRESS`, `host:port` of a Temporal frontend.
        temporal_namespace: `TEMPORAL_NAMESPACE`.
        temporal_api_key: `TEMPORAL_API_KEY`, for Temporal Cloud; implies TLS.
        admin_key: `DURABILL_ADMIN_KEY`, bearer of the admin API; without one the admin API is off.
        data_dir: `DURABILL_DATA_DIR`, where the embedded engines keep their state.
        pool_size: `DURABILL_POOL_SIZE`, PostgreSQL connections of one process at most, besides its one writer.
        log_format: `DURABILL_LOG_FORMAT`, one JSON object per line or text for a terminal.
        log_level: `DURABILL_LOG_LEVEL`.
    """

    model_config = SettingsConfigDict(env_prefix="DURABILL_", populate_by_name=True, extra="ignore", frozen=True)

    database_url: SecretStr | None = Field(default=None, validation_alias="DATABASE_URL")
    clickhouse_url: SecretStr | None = Field(default=None, validation_alias="CLICKHOUSE_URL")
    clickhouse_path: Path | None = None
    temporal_address: str | None = Field(default=None, validation_alias="TEMPORAL_ADDRESS")
    temporal_namespace: str = Field(default="default", validation_alias="TEMPORAL_NAMESPACE")
    temporal_api_key: SecretStr | None = Field(default=None, validation_alias="TEMPORAL_API_KEY")
    admin_key: SecretStr | None = None
    data_dir: Path = Path(".durabill")
    pool_size: int = Field(default=10, ge=1)
    log_format: Literal["json", "console"] = "json"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
