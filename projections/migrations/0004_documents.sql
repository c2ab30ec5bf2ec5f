-- Rendered documents, under the id of what they show (an invoice). Written once: there is no grant to change one.
create table documents (
  id uuid primary key,
  organization_id uuid not null,
  template_version text not null,
  content bytea not null,
  sha256 text not null generated always as (encode(sha256(content), 'hex')) stored,
  created_at timestamptz not null
);
alter table documents alter column content set storage external;   -- a PDF is compressed already

call isolate_tenants('documents');
grant select, insert (id, organization_id, template_version, content, created_at) on documents to durabill_app;
