"""Invoices as PDF, by WeasyPrint. The same document gives the same bytes, on every machine with the same libraries.

Rendering takes 50 ms to seconds of a core, so it happens in processes of its own: `PdfPool`.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import threading
import warnings
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from activities.gateways.wording import Wording
from domain.invoicing.document import InvoiceDocument
from domain.kernel import decimals
from domain.kernel.errors import UnavailableError

TEMPLATE_VERSION = "1"
"""Stored beside each document. A change of `templates/`, `wording.py` or WeasyPrint is a new version."""

FONT = "DejaVu Sans"
INSTALL = "install what rendering needs: apt-get install " + " ".join(
    ("libpango-1.0-0", "libpangoft2-1.0-0", "libharfbuzz-subset0", "fonts-dejavu-core")
)
RENDERS_PER_WORKER = 500
"""Then a worker is replaced: its memory has grown, to 150 MB after long documents."""

LONGEST_TEXT = 1000
"""Characters. The time to break a word into lines grows with its length squared: 16,000 letters take 16 s."""


def _cut(value: object) -> object:
    """What is printed of a value: a text beyond `LONGEST_TEXT` ends in an ellipsis. `Markup` is the template's own."""
    if isinstance(value, str) and not isinstance(value, Markup) and len(value) > LONGEST_TEXT:
        return f"{value[:LONGEST_TEXT]}…"
    return value


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        finalize=_cut,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _weasyprint() -> Any:
    """The library, which loads Pango when it is imported.

    Raises:
        UnavailableError: without Pango; without HarfBuzz's subsetter too, as fonts then carry the time of rendering.
    """
    try:
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
            import weasyprint
            from weasyprint.text import ffi
    except OSError as error:
        raise UnavailableError(INSTALL) from error
    if ffi.harfbuzz_subset is None:
        raise UnavailableError(INSTALL)
    return weasyprint


def html(document: InvoiceDocument) -> str:
    """The page before layout. All text of users is escaped."""
    with decimals.exact():
        say = Wording(document.locale, document.currency)
        return _environment().get_template("invoice.html.jinja").render(document=document, say=say)


def fetcher() -> Any:
    """What WeasyPrint fetches with: `data:` alone (else ValueError), as a document holds all that it shows."""
    return _weasyprint().URLFetcher(allowed_protocols=["data"], allow_redirects=False)


def render(document: InvoiceDocument) -> bytes:
    """The PDF.

    Raises:
        UnavailableError: libraries or the font are missing; `what` says what to install.
    """
    laid_out = _weasyprint().HTML(string=html(document), url_fetcher=fetcher()).render()
    content: bytes = laid_out.write_pdf()
    if FONT not in {font.family for font in laid_out.fonts.values()}:
        raise UnavailableError(INSTALL)
    return content


def _start_worker() -> None:
    """Ctrl-C is the parent's to handle, and a parent that was killed leaves no worker behind."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_exit_with_parent, daemon=True).start()


def _exit_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


class PdfPool:
    """Renders in `workers` processes, which start with the first document. An asynchronous context manager.

    Workers are replaced all at once and by hand: with `max_tasks_per_child`, the standard library's pool of
    Python 3.11 stops for ever when a worker retires while documents wait (python/cpython#115634).
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._pool = self._start()

    def _start(self) -> ProcessPoolExecutor:
        self._renders_left = self._workers * RENDERS_PER_WORKER
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(self._workers, mp_context=context, initializer=_start_worker)

    async def render(self, document: InvoiceDocument) -> bytes:
        """The PDF, as `render` makes it.

        Raises:
            UnavailableError: as `render`; or a worker died (which fails all that were waiting): try again.
        """
        if not self._renders_left:
            self._pool.shutdown(wait=False)  # what it has accepted it still renders
            self._pool = self._start()
        self._renders_left -= 1
        pool = self._pool
        try:
            return await asyncio.get_running_loop().run_in_executor(pool, render, document)
        except BrokenProcessPool as error:
            if self._pool is pool:
                self._pool = self._start()
            raise UnavailableError("a worker that renders documents died") from error

    async def close(self) -> None:
        """Wait for what is being rendered, drop what waits, end the workers."""
        await asyncio.to_thread(self._pool.shutdown, cancel_futures=True)

    async def __aenter__(self) -> PdfPool:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()
