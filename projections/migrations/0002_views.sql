-- Read models: one table per kind, all of one form (docs/architecture.md). `doc` is the state of the aggregate, the
-- other columns are generated from it: what is filtered, sorted or unique.

-- Texts in `doc` always carry their offset, so these do not depend on a setting, whatever the built-in casts fear.
create function instant(value text) returns timestamptz language sql immutable strict parallel safe
  as $$ select value::timestamptz $$;
create function day(value text) returns date language sql immutable strict parallel safe
  as $$ select to_date(value, 'YYYY-MM-DD') $$;

-- As `InvoiceNumbering.number` of domain/invoicing/invoice.py writes it.
create function padded(number text) returns text language sql immutable strict parallel safe
  as $$ select lpad(number, greatest(3, length(number)), '0') $$;
create function invoice_number(numbering jsonb) returns text language sql immutable strict parallel safe as $$
  select (numbering->>'prefix') || '-' || case when numbering->>'scheme' = 'per_customer'
    then padded(numbering->>'customer_sequential_id') || '-' || padded(numbering->>'sequential_id')
    else (numbering->>'month') || '-' || padded(numbering->>'organization_sequential_id') end
$$;

create procedure create_read_model(name text) language plpgsql as $$
begin
  execute format('create table %I (id uuid primary key, organization_id uuid not null, doc jsonb not null,
    created_at timestamptz generated always as (instant(doc->>''created_at'')) stored,
    deleted_at timestamptz generated always as (instant(doc->>''deleted_at'')) stored)
    with (fillfactor = 80)', name);  -- room on the page for the next version of a row
  call isolate_tenants(name);
  execute format('grant select on %I to durabill_app', name);
  execute format('create index on %I (organization_id, created_at desc, id)', name);
  insert into read_models (name) values (name);
end $$;

do $$
declare name text;
begin
  foreach name in array array['organizations', 'api_keys', 'test_clocks', 'billable_metrics', 'pricing_units', 'plans',
                              'customers', 'subscriptions', 'invoices', 'fees'] loop
    call create_read_model(name);
  end loop;
end $$;

alter table api_keys add column sha256 text generated always as (doc->>'sha256') stored;
create unique index api_keys_sha256 on api_keys (sha256) where deleted_at is null;

alter table organizations add column sandbox boolean generated always as ((doc->>'sandbox')::boolean) stored;

alter table billable_metrics add column code text generated always as (doc->'details'->>'code') stored;
create unique index billable_metrics_code on billable_metrics (organization_id, code) where deleted_at is null;

alter table pricing_units add column code text generated always as (doc->'details'->>'code') stored;
create unique index pricing_units_code on pricing_units (organization_id, code) where deleted_at is null;

-- A copy that was made for one subscription (`parent_id`) is not found by its code.
alter table plans
  add column code text generated always as (case when doc->>'parent_id' is null then doc->'details'->>'code' end) stored,
  add column parent_id uuid generated always as ((doc->>'parent_id')::uuid) stored;
create unique index plans_code on plans (organization_id, code) where deleted_at is null;
create index plans_parent on plans (parent_id) where parent_id is not null;
create index plans_billable_metrics on plans using gin ((doc->'details'->'charges') jsonb_path_ops);

alter table customers
  add column external_id text generated always as (doc->'details'->>'external_id') stored,
  add column sequential_id bigint generated always as ((doc->>'sequential_id')::bigint) stored;
create unique index customers_external_id on customers (organization_id, external_id) where deleted_at is null;

alter table subscriptions
  add column external_id text generated always as (doc->>'external_id') stored,
  add column customer_id uuid generated always as ((doc->>'customer_id')::uuid) stored,
  add column external_customer_id text generated always as (doc->>'external_customer_id') stored,
  add column plan_id uuid generated always as ((doc->>'plan_id')::uuid) stored,
  add column plan_code text generated always as (doc->>'plan_code') stored,
  add column status text generated always as (doc->>'status') stored,
  add column subscription_at timestamptz generated always as (instant(doc->'details'->>'subscription_at')) stored,
  add column started_at timestamptz generated always as (instant(doc->>'started_at')) stored,
  add column next_due_at timestamptz generated always as (instant(doc->>'next_due_at')) stored;
create unique index subscriptions_active_external_id on subscriptions (organization_id, external_id) where status = 'active';
create index subscriptions_external_id on subscriptions (organization_id, external_id);
create index subscriptions_customer on subscriptions (organization_id, customer_id, status);
create index subscriptions_plan on subscriptions (organization_id, plan_id);

alter table invoices
  add column number text generated always as (invoice_number(nullif(doc->'numbering', 'null'))) stored,
  add column customer_id uuid generated always as ((doc->>'customer_id')::uuid) stored,
  add column external_customer_id text generated always as (doc->>'external_customer_id') stored,
  add column status text generated always as (doc->>'status') stored,
  add column payment_status text generated always as (doc->>'payment_status') stored,
  add column invoice_type text generated always as (doc->'content'->>'invoice_type') stored,
  add column currency text generated always as (doc->'content'->>'currency') stored,
  add column issuing_date date generated always as (day(doc->'content'->>'issuing_date')) stored,
  add column total_amount_cents bigint generated always as ((doc->'content'->'totals'->>'total_amount_cents')::bigint) stored;
create index invoices_listed on invoices (organization_id, issuing_date desc, created_at desc, id);
create index invoices_customer on invoices (organization_id, customer_id, issuing_date desc);

alter table fees
  add column invoice_id uuid generated always as ((doc->>'invoice_id')::uuid) stored,
  add column subscription_id uuid generated always as ((doc->>'subscription_id')::uuid) stored,
  add column external_subscription_id text generated always as (doc->>'external_subscription_id') stored,
  add column external_customer_id text generated always as (doc->>'external_customer_id') stored,
  add column fee_type text generated always as (doc->>'fee_type') stored,
  add column payment_status text generated always as (doc->>'payment_status') stored,
  add column billable_metric_code text generated always as (doc->>'billable_metric_code') stored,
  add column currency text generated always as (doc->>'currency') stored;
create index fees_invoice on fees (organization_id, invoice_id);
create index fees_subscription on fees (organization_id, external_subscription_id);
