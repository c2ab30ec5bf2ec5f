"""Current usage of one subscription among many events: beside a bare query, and how soon it shows a new event."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Sequence
from contextlib import aclosing
from typing import Any
from urllib.parse import urlsplit

import httpx
