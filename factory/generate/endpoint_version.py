"""What software serves an endpoint, as far as it says so: for the record of each candidate.

vLLM and SGLang answer `/version` beside `/v1`; most others do not, and are `openai`. This is asked
once, in parallel, and a server that does not answer in time costs nothing: it is not known then.
"""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any, Final

import aiohttp
from yarl import URL

from factory.generate.connection import shown
from schemas.machine import Endpoints

UNKNOWN: Final = "openai"
_TIMEOUT_S: Final = 3.0
_VERSION_CHARS: Final = 60


def engines(endpoints: Endpoints) -> dict[str, str]:
    """Address (as `connection.shown` gives it) -> `openai`, or with a version `openai 0.32.0`."""
    return asyncio.run(_all(endpoints))


async def _all(endpoints: Endpoints) -> dict[str, str]:
    key = os.environ.get(endpoints.api_key_env)
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S)
    urls = list(dict.fromkeys(endpoints.base_urls))
    async with aiohttp.ClientSession(headers=headers, timeout=timeout) as session:
        found = await asyncio.gather(*(_version(session, URL(url)) for url in urls))
    return {
        shown(url): f"{UNKNOWN} {version}" if version else UNKNOWN
        for url, version in zip(urls, found, strict=True)
    }


async def _version(session: aiohttp.ClientSession, url: URL) -> str:
    where = url.parent / "version" if url.name == "v1" else url / "version"
    try:
        async with session.get(where, allow_redirects=False) as response:
            content: Any = json.loads(await response.read()) if response.status == 200 else None
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
        return ""  # not known
    version = content.get("version") if isinstance(content, dict) else None
    return version[:_VERSION_CHARS] if isinstance(version, str) else ""
