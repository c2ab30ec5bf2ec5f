-- Usage events in ClickHouse: the lines of the ingest log (`lines.py`), with the `seq` of their row in it.
-- A retried insert is recognized by its token, per partition, for as many inserts as the window is long.
create table if not exists usage_events (
  organization_id UUID,
  external_subscription_id String,
  code LowCardinality(String),
  transaction_id String,
  event_id UUID,
  timestamp DateTime64(6, 'UTC'),
  received_at DateTime64(6, 'UTC'),
  properties String codec(ZSTD(1)),
  values Map(LowCardinality(String), String) codec(ZSTD(1)),
  precise_total_amount_cents Nullable(Decimal(40, 15)),
  seq UInt64,
  n UInt64,
  index transaction_ids transaction_id type bloom_filter(0.01) granularity 4
)
engine = MergeTree
partition by toYYYYMM(timestamp)
order by (organization_id, external_subscription_id, code, timestamp, transaction_id)
settings non_replicated_deduplication_window = 10000;

-- How far the log is in the table above, as the store itself knows it: one that was lost, or restored from a backup, says
-- less than PostgreSQL does (`loaded.py`).
create table if not exists usage_marks (position UInt64)
engine = ReplacingMergeTree(position)
order by tuple()
settings non_replicated_deduplication_window = 10000
