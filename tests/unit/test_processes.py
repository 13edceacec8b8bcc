"""factory.processes: work that is opened and closed, and items for sandboxes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from factory.errors import SandboxUnavailable
from factory.executor import Executor
from factory.parts import map_parts
from tests.unit.cluster.cluster_work import Counting, even


class Unavailable(Counting):
    """Cannot be opened."""

    def __enter__(self) -> Counting:
        raise SandboxUnavailable("no engine")


@pytest.mark.parametrize("workers", [1, 2])
def test_each_worker_opens_work_once_and_closes_it(tmp_path: Path, workers: int) -> None:
    found = dict(map_parts(Counting(tmp_path), range(40), executor=Executor(workers)))
    assert [found[number][0] for number in range(40)] == list(range(40))
    opened = sorted(path.name[7:] for path in tmp_path.glob("opened-*"))
    assert opened == sorted(path.name[7:] for path in tmp_path.glob("closed-*"))
    assert len({process for _, process in found.values()}) == len(opened) <= workers


def test_items_for_sandboxes_are_done_by_this_process(tmp_path: Path) -> None:
    work, executor = Counting(tmp_path), Executor(2)
    found = dict(map_parts(work, range(20), executor=executor, in_sandbox=even))
    assert {process for item, process in found.values() if even(item)} == {os.getpid()}
    assert os.getpid() not in {process for item, process in found.values() if not even(item)}
    assert len(list(tmp_path.glob("opened-*"))) == len(list(tmp_path.glob("closed-*"))) <= 3


@pytest.mark.parametrize("in_sandbox", [None, even])
def test_work_that_cannot_be_opened_says_why(tmp_path: Path, in_sandbox: None) -> None:
    with pytest.raises(SandboxUnavailable, match="no engine"):
        list(
            map_parts(Unavailable(tmp_path), range(9), executor=Executor(2), in_sandbox=in_sandbox)
        )


def test_items_are_taken_only_as_there_is_room(tmp_path: Path) -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for number in range(500):
            taken.append(number)
            yield number

    results = map_parts(Counting(tmp_path), items(), executor=Executor(2), in_sandbox=even)
    next(results)
    assert len(taken) < 100
    assert len(list(results)) == 499
