"""A server that answers every request at once from memory, eight completions at a time.

The answers are made from a seed before the first request and do not depend on the prompt: texts of
1 to 8 KB (median 2) of made-up words and numbers that zstd packs 2.3 times as short one by one; a
Qwen2.5-Math model's traces of 1.4 KB it packs 2.4 times. Token ids are few, so that the text is
most of what is read. Raw asyncio, one process.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import threading
import time
from itertools import accumulate
from multiprocessing.connection import Connection
from typing import Final

from factory.orphans import die_with_parent

from .kept_alive import HEAD_END, KeptAlive

PER_REQUEST: Final = 8
_ANSWERS: Final = 2048
_WORDS: Final = 1500
_STEEPNESS: Final = 1.5
"""How much more often the frequent words come; it decides how well the texts pack."""
_MEDIAN_BYTES: Final = 2048
_LEAST_BYTES: Final = 1024
_MOST_BYTES: Final = 8192
_TOKEN_IDS: Final = 16
_LETTERS: Final = "etaoinshrdlucmfwypvbgkjqxz"
"""The frequent ones first."""


def serve(told: Connection, seed: int, parent: int) -> None:
    """Serve on a free port of 127.0.0.1 until the other end of `told` is closed.

    Sends the port; afterwards answers any message with the `time.monotonic()` of the first request
    since the message before (None where there was none) and the number of requests since then.
    """
    die_with_parent(parent)
    asyncio.run(_serve(told, _Replay(answers(seed))))


async def _serve(told: Connection, replay: _Replay) -> None:
    server = await asyncio.get_running_loop().create_server(
        lambda: KeptAlive(replay.next), "127.0.0.1", 0
    )
    told.send(server.sockets[0].getsockname()[1])
    threading.Thread(target=replay.report, args=(told,), daemon=True).start()
    await server.serve_forever()


class _Replay:
    """The answers in turn, and how often they were asked for."""

    def __init__(self, bodies: list[bytes]) -> None:
        self._bodies = bodies
        self._served = 0
        self._first_s: float | None = None
        self._counted = 0

    def next(self, _: bytes) -> bytes:
        if self._first_s is None:
            self._first_s = time.monotonic()
        body = self._bodies[self._served % len(self._bodies)]
        self._served += 1
        return body

    def report(self, told: Connection) -> None:
        while True:
            try:
                told.recv()
            except EOFError:
                os._exit(0)
            served, first_s = self._served, self._first_s
            self._first_s = None
            told.send((first_s, served - self._counted))
            self._counted = served


def answers(seed: int) -> list[bytes]:
    """Whole HTTP answers with eight completions each, in the shape of vLLM's chat endpoint."""
    draw = random.Random(seed)
    words = _words(draw)
    weights = list(accumulate((rank + 3) ** -_STEEPNESS for rank in range(len(words))))
    made: list[bytes] = []
    for number in range(_ANSWERS):
        choices = [
            {
                "index": index,
                "message": {"role": "assistant", "content": _text(draw, words, weights)},
                "logprobs": None,
                "finish_reason": "stop",
                "token_ids": draw.choices(range(150_000), k=_TOKEN_IDS),
            }
            for index in range(PER_REQUEST)
        ]
        content = {
            "id": f"chatcmpl-{number}",
            "object": "chat.completion",
            "created": 1_700_000_000,
            "model": "replay",
            "choices": choices,
            "usage": {
                "prompt_tokens": 60,
                "completion_tokens": PER_REQUEST * _TOKEN_IDS,
                "total_tokens": 60 + PER_REQUEST * _TOKEN_IDS,
            },
        }
        body = json.dumps(content, ensure_ascii=False).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
        made.append(head.encode() + HEAD_END + body)
    return made


def _words(draw: random.Random) -> list[str]:
    """Made-up words, the short ones more often, and numbers among them."""
    words: list[str] = []
    for rank in range(_WORDS):
        if rank % 9 == 8:
            words.append(str(draw.randrange(10 ** draw.randint(1, 4))))
            continue
        length = min(12, 2 + rank.bit_length() // 2 + draw.randint(0, 3))
        words.append(
            "".join(draw.choices("etaoinshrdlucmfwypvbgkjqxz", range(26, 0, -1), k=length))
        )
    return words


def _text(draw: random.Random, words: list[str], weights: list[float]) -> str:
    size = min(_MOST_BYTES, max(_LEAST_BYTES, draw.lognormvariate(0, 0.5) * _MEDIAN_BYTES))
    chosen = draw.choices(words, cum_weights=weights, k=round(size / 5))
    lines = [" ".join(chosen[start : start + 14]) for start in range(0, len(chosen), 14)]
    return "<think>\n" + ".\n".join(lines)[: round(size)] + "\n</think>\n\n" + chosen[-1]
