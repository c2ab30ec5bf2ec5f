"""Settled money: whole minor units of one currency."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from domain.kernel.currency import EXPONENTS
from domain.kernel.errors import AmountOutOfRangeError

MOST_MINOR_UNITS = 2**63 - 1
"""What the clients and the databases of Lago hold (bigint). Source: metering-pricing N1, invoicing-money 0.1."""


@dataclass(frozen=True, slots=True, order=False)
class Money:
    minor_units: int
    currency: str

    @classmethod
    def settle(cls, amount: Decimal, currency: str) -> Money:
        """Round an exact amount in major units, half away from zero, to the currency's exponent.

        Raises:
            AmountOutOfRangeError: it is more than `MOST_MINOR_UNITS`, of either sign.

        Source: metering-pricing N2, N3.
        """
        settled = minor_units(amount, currency).to_integral_value(ROUND_HALF_UP)
        if abs(settled) > MOST_MINOR_UNITS:
            raise AmountOutOfRangeError
        return cls(int(settled), currency)

    def __add__(self, other: Money) -> Money:
        assert self.currency == other.currency, (self.currency, other.currency)
        return Money(self.minor_units + other.minor_units, self.currency)

    def __sub__(self, other: Money) -> Money:
        assert self.currency == other.currency, (self.currency, other.currency)
        return Money(self.minor_units - other.minor_units, self.currency)

    def allocate(self, weights: Sequence[Decimal]) -> tuple[Money, ...]:
        """Split by weight (each >= 0, one at least > 0) with the largest remainders first, so that no unit is lost."""
        total = sum(weights)
        assert total > 0, weights
        assert all(weight >= 0 for weight in weights), weights
        exact = [self.minor_units * weight / total for weight in weights]
        shares = [int(share.to_integral_value("ROUND_FLOOR")) for share in exact]
        by_remainder = sorted(range(len(weights)), key=lambda i: (shares[i] - exact[i], i))
        for i in by_remainder[: self.minor_units - sum(shares)]:
            shares[i] += 1
        return tuple(Money(share, self.currency) for share in shares)


def minor_units(amount: Decimal, currency: str) -> Decimal:
    """An exact amount in major units, in minor ones and not rounded (`precise_amount_cents`)."""
    return amount.scaleb(EXPONENTS[currency])


def major_units(amount_cents: Decimal | int, currency: str) -> Decimal:
    """Minor units in major ones, exact."""
    return Decimal(amount_cents).scaleb(-EXPONENTS[currency])
