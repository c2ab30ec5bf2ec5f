"""What a body may say of a customer, and which customers a list may be asked for.

Source: api-surface "Customers", 3.5, 3.10, 3.11; invoicing-money 16.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields as dataclass_fields
from dataclasses import replace
from datetime import datetime
from typing import get_args
from uuid import UUID

from api import formats
from api.call import Call
from api.fields import Fields
from api.resources.organizations.entities import check_entities
from api.resources.organizations.schema import MOST_DAYS
from api.resources.taxes.named import read_tax_ids
from domain.customers.customer import (
    Address,
    BillingConfiguration,
    CustomerDetails,
    FinalizeZeroAmountInvoice,
    Metadata,
)
from domain.kernel import ids
from domain.kernel.currency import EXPONENTS
from domain.kernel.errors import ForbiddenError, InvalidInputError, NotFoundError
from domain.organizations.organization import IssuingDateAdjustment, IssuingDateAnchor
from projections.presenters.organizations import BILLING_ENTITY_CODE
from projections.views.customers import CustomerFilter

TYPES = ("company", "individual")
ACCOUNT_TYPES = ("customer", "partner")
PAYMENT_PROVIDERS = ("stripe", "gocardless", "cashfree", "adyen", "moneyhash", "flutterwave")
METADATA_ENTRIES, METADATA_KEY, METADATA_VALUE = 5, 20, 100


def read_details(
    fields: Fields, taxes: Mapping[str, UUID], *, at: datetime
) -> Callable[[CustomerDetails], CustomerDetails]:
    """A function from the details of before to those with what the body changes, which raises InvalidInputError.

    Args:
        taxes: that the body names, by code.

    Raises:
        NotFoundError: a billing entity that does not exist.
        ForbiddenError: a partner's account.
    """
    if fields.text("billing_entity_code", BILLING_ENTITY_CODE) not in (BILLING_ENTITY_CODE, None):
        raise NotFoundError("billing_entity")
    if fields.choice("account_type", ACCOUNT_TYPES) == "partner":
        raise ForbiddenError("feature_unavailable")
    for name in ("integration_customers", "invoice_custom_section_codes"):
        if fields.values.get(name):
            fields.refuse(name, "feature_unavailable")
    return lambda before: _read(Fields(fields.values, dict(fields.errors)), before, taxes, at)


def _read(fields: Fields, before: CustomerDetails, taxes: Mapping[str, UUID], at: datetime) -> CustomerDetails:
    after = replace(
        before,
        name=fields.text("name", before.name),
        firstname=fields.text("firstname", before.firstname),
        lastname=fields.text("lastname", before.lastname),
        customer_type=fields.choice("customer_type", TYPES, before.customer_type),
        email=formats.email(fields, "email", before.email),
        phone=fields.text("phone", before.phone),
        url=formats.url(fields, "url", before.url),
        logo_url=formats.url(fields, "logo_url", before.logo_url),
        legal_name=fields.text("legal_name", before.legal_name),
        legal_number=fields.text("legal_number", before.legal_number),
        tax_identification_number=fields.text("tax_identification_number", before.tax_identification_number),
        external_salesforce_id=fields.text("external_salesforce_id", before.external_salesforce_id),
        address=_read_address(fields, before.address),
        currency=formats.currency(fields, "currency", before.currency),
        timezone=formats.timezone(fields, "timezone", before.timezone),
        net_payment_term=fields.integer("net_payment_term", before.net_payment_term, least=0, most=MOST_DAYS),
        finalize_zero_amount_invoice=fields.choice(
            "finalize_zero_amount_invoice",
            get_args(FinalizeZeroAmountInvoice),
            before.finalize_zero_amount_invoice,
            code="invalid_value",
        )
        or "inherit",
        skip_invoice_custom_sections=bool(
            fields.boolean("skip_invoice_custom_sections", before.skip_invoice_custom_sections)
        ),
        metadata=_read_metadata(fields, before.metadata, at),
        tax_ids=read_tax_ids(fields, taxes, before.tax_ids),
    )
    if (shipping := fields.object("shipping_address")) is not None:
        after = replace(after, shipping_address=_read_address(shipping, before.shipping_address))
    if (configuration := fields.object("billing_configuration")) is not None:
        after = replace(after, billing_configuration=_read_configuration(configuration, before.billing_configuration))
    fields.check()
    return after


def _read_address(fields: Fields, before: Address) -> Address:
    texts = {
        field.name: fields.text(field.name, getattr(before, field.name))
        for field in dataclass_fields(Address)
        if field.name != "country"
    }
    return Address(**texts, country=formats.country(fields, "country", before.country))


def _read_configuration(fields: Fields, before: BillingConfiguration) -> BillingConfiguration:
    methods = before.provider_payment_methods
    if "provider_payment_methods" in fields:
        methods = fields.texts("provider_payment_methods", methods or ())
    return BillingConfiguration(
        invoice_grace_period=fields.integer(
            "invoice_grace_period", before.invoice_grace_period, least=0, most=MOST_DAYS
        ),
        document_locale=formats.language(fields, "document_locale", before.document_locale),
        payment_provider=fields.choice("payment_provider", PAYMENT_PROVIDERS, before.payment_provider),
        payment_provider_code=fields.text("payment_provider_code", before.payment_provider_code),
        provider_customer_id=fields.text("provider_customer_id", before.provider_customer_id),
        sync=fields.boolean("sync", before.sync),
        sync_with_provider=fields.boolean("sync_with_provider", before.sync_with_provider),
        provider_payment_methods=methods,
        subscription_invoice_issuing_date_anchor=fields.choice(
            "subscription_invoice_issuing_date_anchor",
            get_args(IssuingDateAnchor),
            before.subscription_invoice_issuing_date_anchor,
        ),
        subscription_invoice_issuing_date_adjustment=fields.choice(
            "subscription_invoice_issuing_date_adjustment",
            get_args(IssuingDateAdjustment),
            before.subscription_invoice_issuing_date_adjustment,
        ),
    )


def _read_metadata(fields: Fields, before: tuple[Metadata, ...], at: datetime) -> tuple[Metadata, ...]:
    """The list in the body, whole: what it does not name is gone. Entries are known by id, else by key."""
    entries = fields.objects("metadata")
    if entries is None:
        return before
    if len(entries) > METADATA_ENTRIES:
        fields.refuse("metadata", "invalid_count")
        return before
    by_id = {entry.id: entry for entry in before}
    by_key = {entry.key: entry for entry in before}
    after: list[Metadata] = []
    for values in entries:
        entry = Fields(values.values)
        given: UUID | None = entry.uuid("id")
        known = by_id.get(given) if given else by_key.get(str(values.values.get("key")))
        key = entry.mandatory_text("key", known.key if known else None, longest=METADATA_KEY)
        value = entry.mandatory_text("value", known.value if known else None, longest=METADATA_VALUE)
        shown = entry.boolean("display_in_invoice", known.display_in_invoice if known else False)
        if any(key == other.key for other in after):
            entry.refuse("key", "value_already_exist")
        for code in (code for codes in entry.errors.values() for code in codes):
            fields.refuse("metadata", code)
        after.append(
            Metadata(
                id=known.id if known else ids.new(),
                key=key,
                value=value,
                display_in_invoice=bool(shown),
                created_at=known.created_at if known else at,
            )
        )
    return tuple(after)


def read_filter(call: Call) -> CustomerFilter:
    """The filters of a list.

    Raises:
        InvalidInputError: a value that no customer can have (this list refuses what others ignore).
        NotFoundError: `billing_entity_not_found`.
    """
    check_entities(call)
    refused = {
        name: ["value_is_invalid"]
        for name, options in (
            ("account_type", ACCOUNT_TYPES),
            ("currencies", EXPONENTS),
            ("countries", formats.COUNTRIES),
        )
        if not set(call.texts(name)) <= set(options)
    }
    customer_type = call.text("customer_type")
    if customer_type is not None and customer_type not in TYPES:
        refused["customer_type"] = ["value_is_invalid"]
    if refused:
        raise InvalidInputError(refused)
    metadata = call.parameters.get("metadata")
    return CustomerFilter(
        search_term=call.text("search_term"),
        external_id=call.text("external_id"),
        account_types=call.texts("account_type"),
        customer_type=customer_type,
        has_customer_type=call.boolean("has_customer_type"),
        has_tax_identification_number=call.boolean("has_tax_identification_number"),
        countries=call.texts("countries"),
        states=call.texts("states"),
        zipcodes=call.texts("zipcodes"),
        currencies=call.texts("currencies"),
        metadata={k: v for k, v in metadata.items() if isinstance(v, str)} if isinstance(metadata, dict) else {},
    )
