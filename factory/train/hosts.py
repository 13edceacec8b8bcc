"""Ranks on the hosts of a hostfile: the command line and environment of DeepSpeed's own runner.

The runner reaches several hosts with pdsh over ssh, and starts the ranks itself where the only
host is this one. The folder of the training and the environment of Python are at the same place
on every host. `MASTER_ADDR` and `MASTER_PORT` of the environment are passed on; without them
DeepSpeed asks the first host for its address and takes port 29500.
"""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from factory.errors import MissingDependency
from factory.parts import write_atomically
from factory.recipe_file import ROOT, resolve_plain
from factory.train.hostfile import read_hostfile
from factory.train.job import TrainingJob
from factory.train.pulse import LEASE

_PASSED_PREFIXES: Final = ("NCCL_", "GLOO_", "TORCH_NCCL_", "FI_", "UCX_")
_PASSED: Final = (
    *("DS_ACCELERATOR", "OMP_NUM_THREADS", "TOKENIZERS_PARALLELISM"),
    *("PYTHONUNBUFFERED", "PYTHONFAULTHANDLER"),
    *("CUDA_HOME", "LD_LIBRARY_PATH", "TORCH_EXTENSIONS_DIR", "TRITON_CACHE_DIR"),
    *("HF_HOME", "HF_HUB_CACHE", "HF_HUB_OFFLINE", "RETORT_DATA", LEASE),
)
_OWN_FILE: Final = ".deepspeed_env"
_THIS_HOST: Final = "127.0.0.1"


def runner_command(job: TrainingJob) -> list[str]:
    """The arguments of `python -m deepspeed.launcher.runner` before the module that it starts.

    Raises:
        RecipeError: The hostfile is not one.
        MissingDependency: There are several hosts, or another one, and pdsh is not installed.
    """
    hosts = read_hostfile(job.hostfile)
    here = [is_this_host(host) for host in hosts]
    alone = here == [True]
    if not alone and shutil.which("pdsh") is None:
        raise MissingDependency(
            "training.hostfile: expected the program pdsh, with which DeepSpeed reaches the hosts "
            "by ssh, found none; install it, or start `torchrun … -m retort.command train` on "
            "each host (docs/training.md)"
        )
    command = ["--hostfile", str(resolve_plain(job.hostfile)), "--no_local_rank", "--module"]
    if len(hosts) == 1 and not alone:
        command.append("--force_multi")  # else DeepSpeed would start the ranks here
    if here[0]:
        command.append("--no_ssh_check")
    address = os.environ.get("MASTER_ADDR") or (_THIS_HOST if all(here) else None)
    if address is not None:
        command += ["--master_addr", address]
    port = os.environ.get("MASTER_PORT") or (_free_port() if all(here) else None)
    if port is not None:
        command += ["--master_port", str(port)]
    return command


def hosts_environment(job: TrainingJob, environment: Mapping[str, str], run: str) -> dict[str, str]:
    """The runner's environment, and a file of it that DeepSpeed sets on every host.

    The variables of the user's own `.deepspeed_env` are in the file too. No token or key is, as
    they would show in lists of processes.
    """
    passed = {**environment, LEASE: run}
    lines = [
        f"{name}={value}"
        for name, value in sorted(passed.items())
        if value and (name in _PASSED or name.startswith(_PASSED_PREFIXES))
    ]
    own = environment.get("DS_ENV_FILE", _OWN_FILE)
    for folder in (Path.home(), ROOT):
        file = folder / own
        if file.is_file():
            lines += [line for line in file.read_text(encoding="utf-8").splitlines() if "=" in line]
    path = job.work / "deepspeed.env"
    write_atomically(path, "".join(f"{line}\n" for line in lines).encode())
    return {**passed, "DS_ENV_FILE": str(path.resolve())}


def is_this_host(name: str) -> bool:
    """Whether the name means the machine that this process runs on."""
    own = {"localhost", _THIS_HOST, "::1", socket.gethostname(), socket.getfqdn()}
    return name in own


def _free_port() -> int:
    with socket.socket() as free:
        free.bind((_THIS_HOST, 0))
        return int(free.getsockname()[1])
