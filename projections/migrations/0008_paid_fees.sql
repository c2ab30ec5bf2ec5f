-- Fees that were paid and wait for the invoice that gathers them (metering-pricing V12): the external id of the
-- subscription that is billed then. Null for all others, so the index holds only what waits.
alter table fees add column gathered_with text generated always as (
  case when doc->>'regroup_paid_fees' = 'invoice' and doc->>'payment_status' = 'succeeded' and doc->>'invoice_id' is null
    then doc->>'external_subscription_id' end) stored;
create index fees_gathered_with on fees (organization_id, gathered_with)
  where gathered_with is not null and deleted_at is null;
