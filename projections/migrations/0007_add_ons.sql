-- Add-ons.
call create_read_model('add_ons');

alter table add_ons add column code text generated always as (doc->'details'->>'code') stored;
create unique index add_ons_code on add_ons (organization_id, code) where deleted_at is null;
