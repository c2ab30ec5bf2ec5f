"""The renderer of documents on the real WeasyPrint: what a customer gets, and what a hostile text cannot do.

`python tests/contracts/test_pdf.py` writes the golden pages anew: then `TEMPLATE_VERSION` is a new one too.
"""

from __future__ import annotations

import asyncio
import os
import re
import string
import subprocess
import sys
import tomllib
import zlib
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal as D
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import weasyprint
from weasyprint.formatting_structure.boxes import TextBox

from activities.gateways import pdf
from activities.gateways.wording import LABELS, Wording
from domain.customers.customer import Address
from domain.invoicing.document import (
    DocumentCredit,
    DocumentLine,
    DocumentPeriod,
    DocumentSection,
    DocumentTax,
    InvoiceDocument,
)
from domain.invoicing.invoice import Party, Totals
from domain.invoicing.price_steps import price_steps
from domain.kernel import decimals
from domain.kernel.errors import UnavailableError

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden" / "documents"
JANUARY = DocumentPeriod(from_date=date(2026, 1, 1), to_date=date(2026, 1, 31))
FEBRUARY = DocumentPeriod(from_date=date(2026, 2, 1), to_date=date(2026, 2, 28))
GRADUATED = {
    "graduated_ranges": [
        {
            "from_value": 0,
            "to_value": 10,
            "flat_unit_amount": "2",
            "per_unit_amount": "10",
            "units": "10",
            "per_unit_total_amount": "100",
        },
        {
            "from_value": 11,
            "to_value": None,
            "flat_unit_amount": "3",
            "per_unit_amount": "5.125",
            "units": "2",
            "per_unit_total_amount": "10.25",
        },
    ]
}


def line(name: str, amount_cents: int, **more: Any) -> DocumentLine:
    values: dict[str, Any] = {"units": D(1), "unit_amount": D(amount_cents) / 100, "taxes_rate": D(20)}
    return DocumentLine(name=name, amount_cents=amount_cents, **(values | more))


def document(**more: Any) -> InvoiceDocument:
    """60000 of fees; 5000 and 1000 off before taxes, 2500 and 10000 after."""
    values: dict[str, Any] = {
        "id": UUID(int=1),
        "number": "ACM-1A2B-001-042",
        "finalized_at": datetime(2026, 2, 1, 8, tzinfo=UTC),
        "issuing_date": date(2026, 2, 1),
        "payment_due_date": date(2026, 3, 3),
        "currency": "EUR",
        "locale": "en",
        "seller": Party(
            name="Acme Cloud SAS",
            legal_number="RCS Paris 812 345 678",
            tax_identification_number="FR12812345678",
            email="billing@acme.example",
            address=Address(address_line1="12 rue de la Paix", city="Paris", zipcode="75002", country="FR"),
        ),
        "buyer": Party(
            name="Globex Corporation",
            legal_number=None,
            tax_identification_number=None,
            email=None,
            address=Address(address_line1="500 Congress Ave", city="Austin", zipcode="78701", state="TX", country="US"),
        ),
        "sections": (
            DocumentSection(
                name="Scale",
                period=JANUARY,
                lines=(
                    line("Scale plan", 45142, period=FEBRUARY),
                    line("API calls", 11525, units=D(12), steps=price_steps(GRADUATED, D(12)), notes=("eu-west",)),
                ),
            ),
            DocumentSection(name=None, lines=(line("Support", 3333, unit_amount=D("33.333333333333333")),)),
        ),
        "credits": (
            DocumentCredit(kind="progressive_billing", name="ACM-1A2B-001-041", amount_cents=1000),
            DocumentCredit(kind="coupon", name="Welcome", amount_cents=5000),
            DocumentCredit(kind="credit_note", name="ACM-1A2B-001-040-CN001", amount_cents=2500),
            DocumentCredit(kind="prepaid", name="Main wallet", amount_cents=10000),
        ),
        "taxes": (
            DocumentTax(name="VAT", rate=D(20), base_amount_cents=50000, amount_cents=10000),
            DocumentTax(name="City tax", rate=D("5.5"), base_amount_cents=4000, amount_cents=220),
        ),
        "totals": Totals(
            fees_amount_cents=60000,
            progressive_billing_credit_amount_cents=1000,
            coupons_amount_cents=5000,
            sub_total_excluding_taxes_amount_cents=54000,
            taxes_amount_cents=10220,
            sub_total_including_taxes_amount_cents=64220,
            credit_notes_amount_cents=2500,
            prepaid_credit_amount_cents=10000,
            total_amount_cents=51720,
        ),
        "footer": "Late payments bear interest.\nThank you.",
    }
    return InvoiceDocument(**(values | more))


def named(text: str) -> InvoiceDocument:
    """A document in which all that users write is `text`."""
    plain = document()
    party = replace(
        plain.seller,
        name=text,
        legal_number=text,
        tax_identification_number=text,
        email=text,
        address=Address(
            **dict.fromkeys(("address_line1", "address_line2", "city", "zipcode", "state", "country"), text)
        ),
    )
    return replace(
        plain,
        number=text,
        seller=party,
        buyer=party,
        sections=(replace(plain.sections[0], name=text, lines=(line(text, 60000, notes=(text,)),)),),
        credits=tuple(replace(credit, name=text) for credit in plain.credits),
        taxes=tuple(replace(tax, name=text) for tax in plain.taxes),
        footer=text,
    )


def pages(shown: InvoiceDocument) -> list[str]:
    """The text of each page as it is laid out."""
    laid_out = weasyprint.HTML(string=pdf.html(shown), url_fetcher=pdf.fetcher()).render()
    return [
        "\n".join(box.text for box in page._page_box.descendants() if isinstance(box, TextBox))
        for page in laid_out.pages
    ]


PAGES = {
    "en_eur": document(),
    "fr_kwd": document(locale="fr", currency="KWD"),
    "de_jpy": document(locale="de-AT", currency="JPY"),
    "es_usd": document(locale="es", currency="USD"),
}


@pytest.mark.parametrize("name", PAGES)
def test_golden(name: str) -> None:
    written = (GOLDEN / pdf.TEMPLATE_VERSION / f"{name}.html").read_text(encoding="utf-8")
    assert pdf.html(PAGES[name]) == written, "a changed page is a new TEMPLATE_VERSION"


def test_one_page_shows_all() -> None:
    (page,) = pages(document())
    for text in ("€517.20 due Mar 3, 2026", "Tier 0 to 10", "€5.125", "€33.333333", "VAT (20% of €500.00)", "-€10.00"):
        assert text in page, text


def test_endless_text_is_cut() -> None:
    page = pdf.html(named("W" * 100_000))
    assert "W" * pdf.LONGEST_TEXT + "…" in page
    assert "W" * (pdf.LONGEST_TEXT + 1) not in page


async def test_same_bytes_in_every_process() -> None:
    here = pdf.render(document())
    async with pdf.PdfPool(1) as pool:
        there = await pool.render(document())
    assert here == there == pdf.render(document())
    assert here.startswith(b"%PDF-")
    streams = re.findall(rb"stream\n(.*?)\nendstream", here, re.DOTALL)
    assert any(b"(D:20260201080000" in zlib.decompress(stream) for stream in streams), "dated by the invoice"


def test_long_invoice() -> None:
    lines = tuple(line(f"Item {number}", 200) for number in range(300))
    long = pages(document(sections=(DocumentSection(name="Scale", period=JANUARY, lines=lines),)))
    assert len(long) > 5
    for number, page in enumerate(long, start=1):
        assert f"{number} / {len(long)}" in page
        assert ("Unit price" in page) == ("Item " in page), "each page with lines has the header of the table"
    assert all(f"Item {number}\n" in "".join(long) for number in range(300))


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        '<img src="file:///etc/passwd">',
        "\"'><link rel=attachment href=http://127.0.0.1:9/>",
        "</style></td></table><h1>",
        "{{ 7 * 7 }}{% raw %}{name}",
        "&lt;b&gt;",
    ],
)
def test_text_stays_text(text: str) -> None:
    assert pages(named(text))[0].count(text.split()[0]) >= 3, "shown as it was written"
    assert "<" not in text or text not in pdf.html(named(text))


@pytest.mark.parametrize("url", ["file:///etc/passwd", "http://127.0.0.1:9/", "ftp://127.0.0.1/", "gopher:x"])
def test_nothing_is_fetched(url: str) -> None:
    with pytest.raises(ValueError, match="disallowed protocol"):
        pdf.fetcher().fetch(url)
    assert pdf.fetcher().fetch("data:,inline").read() == b"inline"


@pytest.mark.parametrize(
    "text",
    [
        "株式会社テスト",
        "שלום עולם",
        "شركة مرحبا",
        "Ελλάς Ω",
        "👩‍👩‍👧 😀",
        "\u202ereversed",
        "a\x01\x0b\ufffe",
        "W" * 400,
        "",
    ],
)
def test_any_script_renders(text: str) -> None:
    assert pdf.render(named(text)).startswith(b"%PDF-")


@pytest.mark.parametrize(
    ("locale", "currency", "amount_cents", "written"),
    [
        ("en", "EUR", 123456789, "€1,234,567.89"),
        ("en", "JPY", 1234, "¥1,234"),
        ("en", "KWD", 1234567, "KWD\u00a01,234.567"),
        ("en", "HUF", -1234, "-HUF\u00a01,234"),
        ("en", "CLF", 5, "CLF\u00a00.0005"),
        ("fr", "EUR", 123456, "1\u202f234,56\u00a0€"),
        ("de", "EUR", 123456, "1.234,56\u00a0€"),
        ("de-CH", "CHF", 123456, "CHF\u00a01’234.56"),
        ("es", "USD", 123456789, "1.234.567,89\u00a0US$"),
        ("en-GB", "GBP", 0, "£0.00"),
        ("zh-TW", "EUR", 100, "€1.00"),
        ("../../en", "EUR", 100, "€1.00"),
        ("", "EUR", 100, "€1.00"),
    ],
)
def test_money(locale: str, currency: str, amount_cents: int, written: str) -> None:
    with decimals.exact():
        assert Wording(locale, currency).money(amount_cents) == written


@pytest.mark.parametrize(
    ("amount", "written", "why"),
    [
        ("10", "€10.00", "at least the decimals of the currency"),
        ("0.0000125", "€0.0000125", "a price is exact"),
        ("0.000000000001", "€0.000000000001", "to 12 decimals"),
        ("9.583333333333333", "€9.583333", "a quotient is not"),
        ("0.000001666666666666667", "€0.00000166667", "but keeps 6 digits"),
        ("1234567.000000000000000", "€1,234,567.00", "zeros are no digits"),
    ],
)
def test_price(amount: str, written: str, why: str) -> None:
    with decimals.exact():
        assert Wording("en", "EUR").price(D(amount)) == written, why


def test_catalogues_say_the_same() -> None:
    def placeholders(text: str) -> set[str | None]:
        return {field for _, field, _, _ in string.Formatter().parse(text)} - {None}

    catalogues = {path.stem: tomllib.loads(path.read_text(encoding="utf-8")) for path in LABELS.glob("*.toml")}
    assert {"en", "fr", "de", "es"} <= catalogues.keys()
    for language, labels in catalogues.items():
        assert labels.keys() == catalogues["en"].keys(), language
        for key, text in labels.items():
            assert placeholders(text) == placeholders(catalogues["en"][key]), (language, key)


class Crash:
    """Ends the process that it is sent to."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os._exit, (1,)


async def test_pool_survives_a_crash() -> None:
    crash: Any = Crash()
    async with pdf.PdfPool(1) as pool:
        with pytest.raises(UnavailableError):
            await pool.render(crash)
        assert (await pool.render(document())).startswith(b"%PDF-")


async def test_pool_replaces_its_workers_under_load(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "RENDERS_PER_WORKER", 3)
    async with pdf.PdfPool(1) as pool:
        async with asyncio.timeout(60):
            rendered = await asyncio.gather(*(pool.render(document()) for _ in range(7)))
    assert len(set(rendered)) == 1


RENDER_AND_SLEEP = """
import asyncio
from activities.gateways.pdf import PdfPool
from tests.contracts.test_pdf import document

async def main():
    pool = PdfPool(2)
    await pool.render(document())
    print("rendered", flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


def test_a_killed_parent_leaves_no_workers() -> None:
    with subprocess.Popen([sys.executable, "-c", RENDER_AND_SLEEP], stdout=subprocess.PIPE, cwd=ROOT) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"rendered\n"
        parent.kill()
        assert parent.communicate(timeout=20)[0] == b"", "the pipe closes when the last worker has ended"


WITHOUT_PANGO = """
import cffi

def dlopen(*_):
    raise OSError("cannot load library")

cffi.FFI.dlopen = dlopen
from activities.gateways import pdf
from domain.kernel.errors import UnavailableError

for _ in range(2):
    try:
        pdf.render(None)
    except UnavailableError as error:
        print(error.what)
"""


def test_without_pango_it_says_what_to_install() -> None:
    child = subprocess.run([sys.executable, "-c", WITHOUT_PANGO], capture_output=True, text=True, check=True)
    assert child.stdout.count("apt-get install libpango-1.0-0") == 2, child.stderr


if __name__ == "__main__":
    folder = GOLDEN / pdf.TEMPLATE_VERSION
    folder.mkdir(exist_ok=True, parents=True)
    for name, shown in PAGES.items():
        (folder / f"{name}.html").write_text(pdf.html(shown), encoding="utf-8")
