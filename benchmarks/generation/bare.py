"""The simplest competent client: aiohttp, a number of requests in flight, tokens counted.

It keeps no text, knows nothing of retries and writes nothing down: a lower bound of what a client
can cost.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import aiohttp

from schemas.generate_settings import Sampling

from .workload import Prompt, Took, body


def bare(
    url: str, model: str, prompts: Sequence[Prompt], sampling: Sampling, in_flight: int
) -> Took:
    """Ask for all prompts, `in_flight` requests at a time."""
    begun, cpu_s = time.perf_counter(), time.process_time()
    tokens = asyncio.run(_ask(url, model, prompts, sampling, in_flight))
    return Took(tokens, time.perf_counter() - begun, time.process_time() - cpu_s)


async def _ask(
    url: str, model: str, prompts: Sequence[Prompt], sampling: Sampling, in_flight: int
) -> int:
    waiting = iter(prompts)
    tokens = 0
    timeout = aiohttp.ClientTimeout(total=None)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:

        async def work() -> None:
            nonlocal tokens
            for prompt in waiting:
                content = body(prompt, model, sampling)
                async with session.post(f"{url}/completions", json=content) as response:
                    response.raise_for_status()
                    answer = await response.json()
                tokens += answer["usage"]["completion_tokens"]

        await asyncio.gather(*(work() for _ in range(in_flight)))
    return tokens
