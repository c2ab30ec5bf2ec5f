-- Taxes. Which of them are an organization's default stands in `organizations` (its `tax_ids`).
call create_read_model('taxes');

alter table taxes add column code text generated always as (doc->'details'->>'code') stored;
create unique index taxes_code on taxes (organization_id, code) where deleted_at is null;
