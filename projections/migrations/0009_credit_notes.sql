-- Credit notes.
call create_read_model('credit_notes');

alter table credit_notes
  add column number text generated always as (doc->>'number') stored,
  add column invoice_id uuid generated always as ((doc->>'invoice_id')::uuid) stored,
  add column invoice_number text generated always as (doc->>'invoice_number') stored,
  add column customer_id uuid generated always as ((doc->>'customer_id')::uuid) stored,
  add column external_customer_id text generated always as (doc->>'external_customer_id') stored,
  add column currency text generated always as (doc->'content'->>'currency') stored,
  add column reason text generated always as (doc->'content'->>'reason') stored,
  add column credit_status text generated always as (doc->>'credit_status') stored,
  add column refund_status text generated always as (doc->>'refund_status') stored,
  add column issuing_date date generated always as (day(doc->'content'->>'issuing_date')) stored,
  add column total_amount_cents bigint generated always as ((doc->>'total_amount_cents')::bigint) stored;
-- Every invoice that is issued looks for credit here.
create index credit_notes_customer on credit_notes (organization_id, customer_id, credit_status);
