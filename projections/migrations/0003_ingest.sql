-- The ingest log: usage events as they were acknowledged, until (and after) they are copied to ClickHouse.

-- `body` holds one JSON object per line and event, in the layout that ClickHouse ingests. `refused` and `token` let a writer
-- whose connection broke ask again and get the same answer: see `ingest_append`.
create table ingest_log (
  seq bigint generated always as identity primary key,
  token uuid not null unique,
  received_at timestamptz not null default now(),
  events int not null,
  refused int[] not null,
  body bytea not null
) with (autovacuum_vacuum_insert_scale_factor = 0.1);
grant select on ingest_log to durabill_app;

-- Identities of all events ever acknowledged: a hash of organization, subscription and transaction id.
create table event_keys (key uuid primary key);
grant select on event_keys to durabill_app;

-- Commits the events of several requests at once, each request whole or not at all.
--
-- A request that has a key which is taken writes nothing; the others are committed. Returned are the positions (from 1)
-- of the taken keys in `keys`. One lock for all writers makes `seq` ascend in the order of commits, so who follows the log
-- misses nothing. Called again with the same token it writes nothing and returns what it returned the first time.
--   keys: of all requests, in their order, no key twice.
--   body: of all requests, in their order.
--   key_ends, body_ends, event_ends: per request how much of `keys`, of the bytes of `body` and of the events ends with it.
create function ingest_append(
  token uuid, keys uuid[], body bytea, key_ends int[], body_ends int[], event_ends int[], out refused int[]
) language plpgsql security definer set search_path = public, pg_temp as $$
declare
  refused_requests int[];
begin
  perform pg_advisory_xact_lock(4244);
  select l.refused into refused from ingest_log l where l.token = ingest_append.token;
  if found then
    return;
  end if;
  refused := '{}';
  notify ingest_log;
  begin
    insert into event_keys (key) select unnest(keys);
    insert into ingest_log (token, events, refused, body) values (token, event_ends[cardinality(event_ends)], refused, body);
    return;
  exception when unique_violation then
    null;
  end;

  -- The request of a key is the number of requests that end before it, plus one.
  select array_agg(k.position order by k.position), array_agg(distinct width_bucket(k.position - 1, key_ends) + 1)
    into refused, refused_requests
    from unnest(keys) with ordinality as k (key, position) join event_keys e using (key);
  insert into event_keys (key)
    select k.key from unnest(keys) with ordinality as k (key, position)
    where width_bucket(k.position - 1, key_ends) + 1 <> all (refused_requests);
  insert into ingest_log (token, events, refused, body)
    select token, sum(r.events), refused, string_agg(substring(body from r.start for r.length), '' order by r.request)
    from (
      select e.request, e.event_end - coalesce(lag(e.event_end) over w, 0) as events,
             coalesce(lag(e.body_end) over w, 0) + 1 as start, e.body_end - coalesce(lag(e.body_end) over w, 0) as length
      from unnest(event_ends, body_ends) with ordinality as e (event_end, body_end, request)
      window w as (order by e.request)
    ) as r
    where r.request <> all (refused_requests)
    having count(*) > 0;
end $$;
revoke all on function ingest_append from public;
grant execute on function ingest_append to durabill_app;
