"""vLLM's own `LLM.generate` with all prompts at once, in a process of its own.

The process is given the arguments and the environment that our servers get, loads the model once
and then waits for work, so that its turns can alternate with the server's. While it waits it uses
no processor time.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from factory.generate.vllm_arguments import installed_vllm, server_environment, vllm_arguments
from factory.models import Model
from factory.orphans import die_with_parent
from schemas.machine import Vllm
from schemas.recipe import Sampling, VllmTeacher

from .workload import PER_PROMPT, Prompt, Took

_START_TIMEOUT_S = 900.0


class Offline:
    """An engine that answers `generate`; a context manager that returns when it is loaded."""

    def __init__(self, teacher: VllmTeacher, vllm: Vllm, model: Model, log: Path) -> None:
        cpu = installed_vllm().cpu
        self._ours, theirs = get_context("spawn").Pipe()
        self._process = get_context("spawn").Process(
            target=_serve,
            args=(
                theirs,
                vllm_arguments(teacher, vllm, model, cpu=cpu),
                server_environment(vllm, 0, cpu=cpu),
                log,
                os.getpid(),
            ),
        )

    def __enter__(self) -> Offline:
        self._process.start()
        if not self._ours.poll(_START_TIMEOUT_S):
            self._process.kill()
            raise SystemExit("vLLM did not load the model for LLM.generate in time")
        self._ours.recv()
        return self

    def __exit__(self, *exc: object) -> None:
        self._ours.close()
        self._process.join(60.0)
        if self._process.is_alive():
            self._process.kill()

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling) -> Took:
        """All completions of all prompts, none of their prefixes known before."""
        self._ours.send((list(prompts), sampling))
        return self._ours.recv()


def _serve(
    work: Connection, arguments: list[str], environment: dict[str, str], log: Path, parent: int
) -> None:
    die_with_parent(parent)
    os.environ.update(environment)
    with open(log, "wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    from vllm import LLM, SamplingParams, TokensPrompt

    llm = LLM(**_engine_arguments(arguments))
    tokenizer = llm.get_tokenizer()
    work.send("loaded")
    while True:
        try:
            prompts, sampling = work.recv()
        except EOFError:
            return
        llm.reset_prefix_cache()
        begun, cpu_s = time.perf_counter(), time.process_time()
        done = llm.generate(
            [
                TokensPrompt(
                    prompt_token_ids=tokenizer.encode(prompt.text, add_special_tokens=False)
                )
                for prompt in prompts
            ],
            [
                SamplingParams(
                    n=PER_PROMPT,
                    seed=prompt.seed,
                    temperature=sampling.temperature,
                    top_p=sampling.top_p,
                    top_k=sampling.top_k,
                    max_tokens=sampling.max_tokens,
                    skip_special_tokens=False,
                )
                for prompt in prompts
            ],
            use_tqdm=False,
        )
        tokens = sum(len(one.token_ids) for answer in done for one in answer.outputs)
        work.send(Took(tokens, time.perf_counter() - begun, time.process_time() - cpu_s))


def _engine_arguments(arguments: list[str]) -> dict[str, Any]:
    """What `LLM` takes, out of the flags that the server gets, read by vLLM's own parser."""
    from vllm.engine.arg_utils import EngineArgs
    from vllm.utils.argparse_utils import FlexibleArgumentParser

    flags = [flag for flag in arguments if flag != "--disable-uvicorn-access-log"]
    parser = EngineArgs.add_cli_args(FlexibleArgumentParser())
    given = parser.parse_args(flags)
    assert given is not None
    parsed = EngineArgs.from_cli_args(given)
    default = EngineArgs(model=parsed.model)
    return {
        name: value
        for name, value in vars(parsed).items()
        if name == "model" or value != getattr(default, name)
    }
