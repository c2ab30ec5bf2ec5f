"""How a document says things: labels in its language, numbers, dates and money as its locale writes them."""

from __future__ import annotations

import re
import tomllib
from copy import copy
from datetime import date
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.numbers import NumberPattern

from domain.customers.customer import Address
from domain.invoicing.document import DocumentPeriod, DocumentTax
from domain.invoicing.price_steps import PriceStep
from domain.kernel.currency import EXPONENTS
from domain.kernel.money import major_units

LABELS = Path(__file__).parent / "templates" / "labels"
EXACT_DECIMALS = 12
SHORT_DIGITS = 6
LETTER_BEFORE_DIGIT = re.compile(r"(?<=[^\W\d_])(?=\d)")
"""Where CLDR puts a space between a currency and its amount ("KWD 1.000"), which Babel does not."""


@lru_cache
def _labels(language: str) -> dict[str, str]:
    return tomllib.loads((LABELS / f"{language}.toml").read_text(encoding="utf-8"))


@lru_cache
def _locale(tag: str) -> Locale:
    """English where a tag is unknown or its language has no labels: a page half translated is read by nobody."""
    try:
        locale = Locale.parse(tag.replace("-", "_"))
    except (ValueError, UnknownLocaleError):
        return Locale("en")
    return locale if (LABELS / f"{locale.language}.toml").exists() else Locale("en")


def shorten(value: Decimal) -> Decimal:
    """A price is shown exactly, an endless quotient to 6 decimals and at least 6 significant digits."""
    value = value.normalize()
    decimals = -int(value.as_tuple().exponent)
    if decimals <= EXACT_DECIMALS:
        return value
    keep = max(SHORT_DIGITS, SHORT_DIGITS - 1 - value.adjusted())
    return value.quantize(Decimal(1).scaleb(-keep)) if keep < decimals else value


class Wording:
    """Of one document. Calls happen under `decimals.exact`, which rounds half away from zero."""

    def __init__(self, locale: str, currency: str) -> None:
        self._locale, self._currency = _locale(locale), currency
        self.language: str = self._locale.language

    def text(self, key: str, **values: str) -> str:
        return _labels(self.language)[key].format(**values)

    def money(self, amount_cents: int) -> str:
        """Minor units, with all decimals of the currency."""
        return self.price(major_units(amount_cents, self._currency))

    def price(self, amount: Decimal) -> str:
        """Major units that need not be settled: at least the decimals of the currency."""
        pattern = self._locale.currency_formats["standard"]
        return self._format(pattern, amount, EXPONENTS[self._currency], currency=self._currency)

    def number(self, value: Decimal) -> str:
        return self._format(self._locale.decimal_formats[None], value, 0)

    def percent(self, rate: Decimal) -> str:
        return self._format(self._locale.percent_formats[None], rate.scaleb(-2), 0, scale=2)

    def date(self, day: date) -> str:
        return format_date(day, "medium", self._locale)

    def period(self, period: DocumentPeriod) -> str:
        return self.text("period", from_date=self.date(period.from_date), to_date=self.date(period.to_date))

    def step(self, step: PriceStep) -> str:
        if step.kind == "range":
            assert step.from_value is not None
            first = self.number(step.from_value)
            if step.to_value is None:
                return self.text("step_range_open", from_value=first)
            return self.text("step_range", from_value=first, to_value=self.number(step.to_value))
        size = "" if step.package_size is None else self.number(step.package_size)
        return self.text(f"step_{step.kind}", size=size)

    def tax(self, tax: DocumentTax) -> str:
        return self.text("tax_on", name=tax.name, rate=self.percent(tax.rate), base=self.money(tax.base_amount_cents))

    def address(self, address: Address) -> list[str]:
        """Its lines. With a state the town comes first ("Austin TX 78701"), else the code ("75001 Paris")."""
        town = (address.city, address.state, address.zipcode) if address.state else (address.zipcode, address.city)
        country = address.country and self._locale.territories.get(address.country, address.country)
        lines = (address.address_line1, address.address_line2, " ".join(filter(None, town)), country)
        return [line for line in lines if line]

    def _format(
        self, pattern: NumberPattern, value: Decimal, min_decimals: int, *, currency: str | None = None, scale: int = 0
    ) -> str:
        """By the locale's pattern, but with the decimals that the value has and no rounding beyond `shorten`."""
        value = shorten(value)
        decimals = max(min_decimals, -int(value.as_tuple().exponent) - scale)
        pattern = copy(pattern)
        pattern.frac_prec = (min_decimals, decimals)
        text = pattern.apply(value, self._locale, currency=currency, currency_digits=False)
        return LETTER_BEFORE_DIGIT.sub("\u00a0", text)
