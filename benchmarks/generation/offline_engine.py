"""Run by `offline.py` in a process of its own: loads an engine and answers `LLM.generate`."""

from __future__ import annotations

import os
import sys
import time
from multiprocessing.connection import Listener
from typing import Any

from vllm import LLM, SamplingParams, TokensPrompt
from vllm.engine.arg_utils import EngineArgs
from vllm.utils.argparse_utils import FlexibleArgumentParser


def main() -> None:
    """Load what the flags name, then listen, and work until the other side goes away."""
    port, key = int(os.environ["OFFLINE_PORT"]), bytes.fromhex(os.environ["OFFLINE_KEY"])
    llm = LLM(**engine_arguments(sys.argv[1:]))
    tokenizer: Any = llm.get_tokenizer()
    with Listener(("127.0.0.1", port), authkey=key) as listener, listener.accept() as work:
        while True:
            try:
                asked: list[tuple[str, dict[str, Any]]] = work.recv()
            except EOFError:
                return
            llm.reset_prefix_cache()
            begun = time.perf_counter()
            done = llm.generate(
                [
                    TokensPrompt(prompt_token_ids=tokenizer.encode(text, add_special_tokens=False))
                    for text, _ in asked
                ],
                [SamplingParams(**sampling) for _, sampling in asked],
                use_tqdm=False,
            )
            tokens = sum(len(one.token_ids) for answer in done for one in answer.outputs)
            work.send((tokens, time.perf_counter() - begun))


def engine_arguments(flags: list[str]) -> dict[str, Any]:
    """What `LLM` takes, out of a server's flags, read by vLLM's own parser."""
    parser = EngineArgs.add_cli_args(FlexibleArgumentParser())
    given = parser.parse_args([flag for flag in flags if flag != "--disable-uvicorn-access-log"])
    assert given is not None
    parsed = EngineArgs.from_cli_args(given)
    default = EngineArgs(model=parsed.model)
    return {
        name: value
        for name, value in vars(parsed).items()
        if name == "model" or value != getattr(default, name)
    }


if __name__ == "__main__":
    main()
