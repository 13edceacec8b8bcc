"""The teacher of a rehearsal: `python server.py FOLDER` answers what the plan says.

It prints its port and serves on 127.0.0.1 until its input ends. An answer follows from the prompt
and the seed alone: order, repetition and a new start change nothing. The k-th of n completions has
the seed of the request plus k, as with vLLM. Raw asyncio, one process.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from generation.kept_alive import HEAD_END, KeptAlive

from rehearsals.answers import completion
from rehearsals.asked import TAILS, Asked
from rehearsals.catalogue import read_catalogue
from rehearsals.roles import CANDIDATES, Fate

_USAGE_PROMPT_TOKENS: Final = 100
_CHARS_PER_TOKEN: Final = 4
_OVERLONG: Final = {
    "object": "error",
    "message": "This model's maximum context length is 4096 tokens. However, you requested 5000 "
    "tokens in the messages. Please reduce the length of the messages.",
    "type": "BadRequestError",
    "code": 400,
}


class Teacher:
    """Every problem by its prompt.

    Args:
        spoilt: So many problems have one right answer fewer than planned; for tests of the checks.
    """

    def __init__(self, folder: Path, spoilt: int = 0) -> None:
        self._known: dict[bytes, Asked] = {}
        self._spoilt: set[bytes] = set()
        for asked in read_catalogue(folder):
            key = _key(f"{asked.statement}{TAILS[asked.domain]}")
            self._known[key] = asked
            if asked.fate is Fate.ORDINARY and len(self._spoilt) < spoilt:
                self._spoilt.add(key)

    def answer(self, body: bytes) -> bytes:
        """The whole HTTP answer to a request."""
        request: dict[str, Any] = json.loads(body)
        prompt = request["messages"][-1]["content"]
        key = _key(prompt)
        asked = self._known.get(key)
        if asked is None:
            return _http(404, json.dumps({"message": f"no such problem: {prompt[:80]}"}).encode())
        if asked.fate is Fate.OVERLONG:
            return _http(400, json.dumps(_OVERLONG).encode())
        seed, count = int(request["seed"]), int(request.get("n", 1))
        if asked.fate is Fate.DECLINED:
            choices = [(b"", b"content_filter")] * count
        else:
            places = [(seed + more) % CANDIDATES for more in range(count)]
            if key in self._spoilt:
                places = [CANDIDATES - 1 if place == 0 else place for place in places]
            made = [completion(asked, place) for place in places]
            choices = [(one.text, one.finish_reason) for one in made]
        return _http(200, _completions(choices))


def _completions(choices: list[tuple[bytes, bytes]]) -> bytes:
    tokens = sum(len(text) for text, _ in choices) // _CHARS_PER_TOKEN
    inner = b",".join(
        b'{"index":%d,"message":{"role":"assistant","content":"%b"},"logprobs":null,'
        b'"finish_reason":"%b"}' % (index, text, reason)
        for index, (text, reason) in enumerate(choices)
    )
    return (
        b'{"id":"chatcmpl-1","object":"chat.completion","created":1700000000,"model":"rehearsal",'
        b'"choices":[%b],"usage":{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d}}'
        % (inner, _USAGE_PROMPT_TOKENS, tokens, _USAGE_PROMPT_TOKENS + tokens)
    )


def _http(status: int, body: bytes) -> bytes:
    head = f"HTTP/1.1 {status} -\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return head.encode() + HEAD_END + body


def _key(prompt: str) -> bytes:
    return blake2b(prompt.encode(), digest_size=16).digest()


async def _serve(teacher: Teacher) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: KeptAlive(teacher.answer), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    threading.Thread(target=_end_with_input, daemon=True).start()
    await server.serve_forever()


def _end_with_input() -> None:
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    asyncio.run(_serve(Teacher(Path(sys.argv[1]), int(sys.argv[2]))))
