"""Usage events: the log that acknowledges them, its copy in ClickHouse, and how both are read."""
