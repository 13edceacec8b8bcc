"""Whether OpenAI-compatible endpoints can be asked for a model: seconds, before any work starts."""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any, Final, cast

import aiohttp

from factory.errors import TeacherError
from factory.generate.connection import shown, target
from schemas.machine import Endpoints

_TIMEOUT_S: Final = 10.0


def check_endpoints(model: str, endpoints: Endpoints, *, addresses: str, name: str) -> None:
    """Return if each endpoint answers, accepts the key and serves the model. One that has no list
    of models, or does not give it, is believed: its first requests will tell.

    Args:
        addresses: Where they are given, e.g. `rest.teacher.base_urls` of the machine file.
        name: Where the recipe names the model, e.g. `generate.rest.teacher.model`.

    Raises:
        TeacherError: There are none, or one cannot be reached, refuses the key, points elsewhere,
            or serves other models.
    """
    if not endpoints.base_urls:
        raise TeacherError(
            f"engine `openai`: expected addresses in {addresses} of the machine file, found none; "
            'add e.g. base_urls = ["http://127.0.0.1:8000/v1"]'
        )
    asyncio.run(_check_all(model, endpoints, addresses, name))


async def _check_all(model: str, endpoints: Endpoints, addresses: str, name: str) -> None:
    key = os.environ.get(endpoints.api_key_env)
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S)
    async with aiohttp.ClientSession(headers=headers, timeout=timeout) as session:

        async def check(url: str) -> None:
            status, body = await _models(session, url, addresses, has_key=bool(key))
            _judge(shown(url), status, body, model, name, endpoints.api_key_env, has_key=bool(key))

        await asyncio.gather(*(check(url) for url in dict.fromkeys(endpoints.base_urls)))


async def _models(
    session: aiohttp.ClientSession, url: str, addresses: str, *, has_key: bool
) -> tuple[int, bytes]:
    try:
        where = target(url, "/models", has_key=has_key)
        async with session.get(where, allow_redirects=False) as response:
            return response.status, await response.read()
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise TeacherError(
            f"model server {shown(url)}: cannot be reached within {_TIMEOUT_S:.0f} s "
            f"({type(error).__name__}); start it or correct {addresses}"
        ) from error


def _judge(
    url: str, status: int, body: bytes, model: str, name: str, key_env: str, *, has_key: bool
) -> None:
    if status in (401, 403):
        state = "was refused" if has_key else "is not set"
        raise TeacherError(
            f"model server {url}: HTTP {status}; the key in the environment variable {key_env} "
            f"{state}"
        )
    if 300 <= status < 400:
        raise TeacherError(
            f"model server {url}: HTTP {status}, it points elsewhere; give the address where it "
            f"points to"
        )
    served = _served(body) if status == 200 else None
    if served is not None and model not in served:
        raise TeacherError(
            f"model server {url}: expected it to serve {model}, it serves {served[:20]}; correct "
            f"{name}"
        )


def _served(body: bytes) -> list[str] | None:
    """Names of the models in the answer of `/models`; None where it is no such list."""
    try:
        content: Any = json.loads(body)
    except ValueError:
        return None
    models: Any = content.get("data") if isinstance(content, dict) else None
    if not isinstance(models, list):
        return None
    found = (one for one in cast("list[Any]", models) if isinstance(one, dict) and "id" in one)
    return [str(one["id"]) for one in found]
