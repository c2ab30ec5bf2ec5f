-- Events whose charges in advance could not be priced: looked at by a person, and tried again until they are.
create table unpriced_events (
  event_id uuid primary key,
  organization_id uuid not null,
  seq bigint not null,
  error text not null,
  failed_at timestamptz not null default now()
);
call isolate_tenants('unpriced_events');
grant select, insert, update, delete on unpriced_events to durabill_app;
