-- What counts towards a commitment: a subscription's fees by the time that they are for (projections/views/fees.py).
drop index fees_subscription;
create index fees_subscription on fees (organization_id, external_subscription_id, instant(doc->>'to_at'));

-- Whom a change of a plan's fixed charges concerns (workflows/subjects.py), of whatever organization.
drop index subscriptions_plan;
create index subscriptions_plan on subscriptions (plan_id);
