"""How many replicas the nodes of a cluster hold, and what is said where they are too few."""

from __future__ import annotations

import pytest

from factory.cluster.nodes import Node, shown
from factory.generate.placed_room import (
    fitting,
    placement,
    room_wanted,
    taken_by_each,
    threads_each,
)
from schemas.machine import Machine, Ray, Vllm

GPU_NODE = Node("1", "10.0.0.1 (a)", cores=64, gpus=8)
HEAD = Node("2", "10.0.0.9 (head)", cores=0)


def test_a_replica_takes_the_product_of_its_parallel_sizes_and_lies_on_one_node() -> None:
    vllm = Vllm(tensor_parallel_size=2, pipeline_parallel_size=2, data_parallel_size=1)
    each = taken_by_each(vllm, 1, cpu=False)
    assert each == {"CPU": 1, "GPU": 4}
    assert fitting(each, [GPU_NODE, GPU_NODE, HEAD]) == 4
    assert fitting(each, [Node("3", "small", cores=8, gpus=3)] * 5) == 0
    assert fitting(each, []) == 0


def test_a_node_without_free_cores_takes_none_of_them() -> None:
    assert fitting({"CPU": 1, "GPU": 1}, [Node("4", "few cores", cores=2, gpus=8)]) == 2


@pytest.mark.parametrize(
    ("replicas", "cores", "threads"),
    [(1, [2], 1), (2, [2], 1), (2, [16], 7), (2, [16, 16], 15), (3, [16, 8, 0], 3), (4, [], 1)],
)
def test_cores_are_shared_by_the_replicas_of_a_node_but_for_one(
    replicas: int, cores: list[int], threads: int
) -> None:
    nodes = [Node(f"{number}", "n", count) for number, count in enumerate(cores)]
    assert threads_each(Vllm(replicas=replicas), nodes) == threads
    assert taken_by_each(Vllm(replicas=replicas), threads, cpu=True) == {"CPU": threads}


def test_threads_of_the_machine_file_win() -> None:
    assert threads_each(Vllm(cpu_threads=5), [Node("5", "n", 64)]) == 5


def test_what_is_wanted_and_what_is_there_is_said_in_words() -> None:
    assert room_wanted(2, {"CPU": 1, "GPU": 8}) == "room for 2 replicas of 1 core and 8 GPUs each"
    assert room_wanted(1, {"CPU": 4}) == "room for 1 replica of 4 cores each"
    assert shown([GPU_NODE, HEAD]) == (
        "10.0.0.1 (a) with 64 cores and 8 GPUs; 10.0.0.9 (head) with 0 cores"
    )


def test_servers_are_placed_only_where_the_machine_file_says_so_twice() -> None:
    assert placement(Machine()) is None
    assert placement(Machine(ray=Ray(place_vllm=True))) is None
    assert placement(Machine(executor="ray")) is None
    both = Machine(executor="ray", ray=Ray(address="h:1", place_vllm=True))
    found = placement(both)
    assert found is not None
    assert found.settings == both.ray
