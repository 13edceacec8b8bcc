"""vLLM's own `LLM.generate` with all prompts at once, in a process of its own.

The process is given the arguments and the environment that our servers get, loads the model once
and then waits for work, so that its turns can alternate with the server's. While it waits it uses
no processor time. On CPU an engine of one thread can compute in that process, or in one of its own
beside it, so that texts are put together while it computes; which is faster is tried first. Like a
server it lives under `keeper.py`, so that nothing of it outlives this run.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Client
from pathlib import Path
from typing import Final

from factory.generate import keeper
from factory.generate.vllm_arguments import installed_vllm, vllm_arguments
from factory.generate.vllm_environment import server_environment
from factory.models import Model
from schemas.generate_settings import Sampling
from schemas.machine import Vllm
from schemas.teacher_settings import VllmTeacher

from .workload import PER_PROMPT, Prompt, Took

_ENGINE: Final = Path(__file__).with_name("offline_engine.py")
_POLL_S: Final = 0.25
_BACKEND: Final = "--distributed-executor-backend"


class Offline:
    """An engine that answers `generate`; a context manager that returns when it is loaded.

    Args:
        apart: Let an engine that would compute in this process have one of its own.
    """

    def __init__(
        self, teacher: VllmTeacher, vllm: Vllm, model: Model, log: Path, *, apart: bool = False
    ) -> None:
        cpu = installed_vllm().cpu
        self._arguments = vllm_arguments(teacher, vllm, model, cpu=cpu)
        self._environment = server_environment(vllm, 0, cpu=cpu)
        if apart:
            self._arguments, self._environment = _apart(self._arguments, self._environment)
        self._log = log

    def __enter__(self) -> Offline:
        key = os.urandom(16)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            address: tuple[str, int] = probe.getsockname()
        with open(self._log, "wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-I", keeper.__file__, sys.executable, _ENGINE, *self._arguments],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=self._environment | {"OFFLINE_PORT": str(address[1]), "OFFLINE_KEY": key.hex()},
            )
        while True:
            try:
                self._work = Client(address, authkey=key)
                return self
            except ConnectionRefusedError:
                if self._process.poll() is not None:
                    said = self._log.read_text("utf-8", "replace").splitlines()[-20:]
                    raise SystemExit("\n".join(["LLM.generate did not load:", *said])) from None
                time.sleep(_POLL_S)

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process and free its memory; a second time is nothing."""
        self._work.close()
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling) -> Took:
        """All completions of all prompts, none of their prefixes known before."""
        settings = sampling.model_dump() | {"n": PER_PROMPT, "skip_special_tokens": False}
        self._work.send([(prompt.text, settings | {"seed": prompt.seed}) for prompt in prompts])
        return Took(*self._work.recv(), cpu_s=None)


@contextmanager
def best_offline(
    teacher: VllmTeacher, vllm: Vllm, model: Model, folder: Path
) -> Generator[Callable[[Sequence[Prompt], Sampling], Offline]]:
    """Engines to choose from; what is given returns the faster one and ends the other."""
    here = _BACKEND in vllm_arguments(teacher, vllm, model, cpu=installed_vllm().cpu)
    choices = (False, True) if here else (False,)
    with ExitStack() as stack:
        engines = [
            stack.enter_context(
                Offline(teacher, vllm, model, folder / f"offline-{number}.log", apart=apart)
            )
            for number, apart in enumerate(choices)
        ]

        def choose(prompts: Sequence[Prompt], sampling: Sampling) -> Offline:
            for engine in engines:
                engine.generate(prompts[: len(prompts) // 4], sampling)
            speeds = [engine.generate(prompts, sampling).tokens_per_s for engine in engines]
            best = engines[speeds.index(max(speeds))]
            for engine in engines:
                if engine is not best:
                    engine.close()
            return best

        yield choose


def _apart(arguments: list[str], environment: dict[str, str]) -> tuple[list[str], dict[str, str]]:
    place = arguments.index(_BACKEND)
    changed = {"VLLM_ENABLE_V1_MULTIPROCESSING": "1", "VLLM_CPU_OMP_THREADS_BIND": "nobind"}
    return [*arguments[:place], *arguments[place + 2 :]], environment | changed
