"""What a vLLM server finds on its machine: environment, threads and GPUs of its own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from factory.errors import RecipeError
from schemas.machine import Vllm

_NVIDIA: Final = Path("/proc/driver/nvidia/gpus")


def server_environment(vllm: Vllm, replica: int | None, *, cpu: bool) -> dict[str, str]:
    """Environment of one server: this process's own without keys, and what vLLM reads from it.

    Args:
        replica: Which of the servers on this machine it is. None: Ray has placed it, which gave it
            GPUs of its own and knows nothing of cores.

    On CPU a server of one thread computes in its engine's process, which saves a third of the
    time that it takes to start; vLLM allows that only with its variable for multiprocessing off.
    A server of several threads is bound to cores of its own as far as there are enough, unless
    another stage's server runs beside it, of whose cores this one knows nothing. On GPUs
    each of several replicas sees its own, in the order of CUDA_VISIBLE_DEVICES.

    Raises:
        RecipeError: CUDA_VISIBLE_DEVICES names too few GPUs for this replica.
    """
    own = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}
    environment = {**own, "VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1"}
    if replica is None:
        environment = {name: value for name, value in environment.items() if not _of_ray(name)}
    if cpu:
        threads = _cpu_threads(vllm)
        environment |= {
            "VLLM_CPU_KVCACHE_SPACE": str(vllm.cpu_kvcache_gib),
            "OMP_NUM_THREADS": str(threads),
        }
        if in_one_process(vllm):
            environment["VLLM_ENABLE_V1_MULTIPROCESSING"] = "0"
        elif replica is None or vllm.models_at_once == 2:
            environment["VLLM_CPU_OMP_THREADS_BIND"] = "nobind"
        else:
            cores = sorted(os.sched_getaffinity(0))
            first = replica * threads
            bound = sorted(cores[(first + offset) % len(cores)] for offset in range(threads))
            environment["VLLM_CPU_OMP_THREADS_BIND"] = ",".join(map(str, bound))
    elif replica is not None and vllm.replicas > 1:
        environment["CUDA_VISIBLE_DEVICES"] = _own_gpus(vllm, replica)
    return environment


def _of_ray(name: str) -> bool:
    """Whether Ray's worker has this variable for itself; vLLM would act on some of them."""
    return name.startswith("RAY_") or name == "OMP_NUM_THREADS"


def check_gpus(vllm: Vllm) -> None:
    """Return if there are GPUs for all replicas; where the driver does not list them (no NVIDIA
    driver, a container without it), vLLM itself will tell.

    Raises:
        RecipeError: There are fewer.
    """
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    if not visible and not _NVIDIA.is_dir():
        return
    there = len(visible.split(",")) if visible else len(list(_NVIDIA.iterdir()))
    where = f"CUDA_VISIBLE_DEVICES names {there} ({visible})" if visible else f"there are {there}"
    _must_suffice(vllm, there, where)


def _must_suffice(vllm: Vllm, there: int, where: str) -> None:
    if there < vllm.replicas * gpus_each(vllm):
        raise RecipeError(
            f"vllm.replicas: expected {vllm.replicas * gpus_each(vllm)} GPUs for {vllm.replicas} "
            f"replicas of {gpus_each(vllm)} (tensor x pipeline x data parallel size), {where}; "
            f"lower it or the sizes"
        )


def gpus_each(vllm: Vllm) -> int:
    """GPUs of one replica."""
    return vllm.tensor_parallel_size * vllm.pipeline_parallel_size * vllm.data_parallel_size


def _own_gpus(vllm: Vllm, replica: int) -> str:
    """The GPUs of one replica, as CUDA_VISIBLE_DEVICES lists them."""
    each = gpus_each(vllm)
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    wanted = range(replica * each, (replica + 1) * each)
    if not visible:
        return ",".join(map(str, wanted))
    gpus = visible.split(",")
    if len(gpus) < wanted.stop:
        _must_suffice(vllm, len(gpus), f"CUDA_VISIBLE_DEVICES names {len(gpus)} ({visible})")
    return ",".join(gpus[wanted.start : wanted.stop])


def _cpu_threads(vllm: Vllm) -> int:
    """Threads of a server: as the machine file says, else its share of all cores but one, which
    is left for tokenizing and for us."""
    cores = len(os.sched_getaffinity(0))
    return min(vllm.cpu_threads or max(1, (cores - 1) // vllm.replicas), cores)


def in_one_process(vllm: Vllm) -> bool:
    """Whether a server on CPU computes in the process that answers."""
    return gpus_each(vllm) == 1 and _cpu_threads(vllm) == 1
