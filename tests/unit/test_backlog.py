"""factory.backlog: items are taken as there is room, and come back in their order."""

from __future__ import annotations

from collections.abc import Iterator

from factory.backlog import Backlog, Kind
from tests.unit.cluster.cluster_work import even


def numbers(taken: list[int], count: int = 1000) -> Iterator[int]:
    for number in range(count):
        taken.append(number)
        yield number


def test_no_more_items_are_taken_than_there_is_room_for() -> None:
    taken: list[int] = []
    backlog = Backlog(numbers(taken), None)
    backlog.fill({Kind.ANYWHERE: 5})
    assert taken == [0, 1, 2, 3, 4]
    backlog.fill({Kind.ANYWHERE: 5})
    assert len(taken) == 5
    backlog.fill({})
    assert len(taken) == 5


def test_items_of_the_other_kind_are_gone_past_but_not_without_bound() -> None:
    taken: list[int] = []
    backlog = Backlog(numbers(taken), even)
    backlog.fill({Kind.ANYWHERE: 3})
    assert taken == list(range(6))
    assert backlog.count(Kind.SANDBOX) == 3
    backlog.fill({Kind.ANYWHERE: 500})
    assert len(taken) < 100
    assert backlog.count(Kind.SANDBOX) == 32


def test_tasks_that_come_back_are_next_and_in_their_order() -> None:
    backlog = Backlog(iter(range(6)), None)
    backlog.fill({Kind.ANYWHERE: 6})
    given = [backlog.take(Kind.ANYWHERE) for _ in range(3)]
    backlog.put_back(given[1:])
    rest = [backlog.take(Kind.ANYWHERE).item for _ in range(5)]
    assert rest == [1, 2, 3, 4, 5]


def test_it_is_finished_when_all_items_have_been_given_out() -> None:
    backlog = Backlog([7], None)
    assert not backlog.finished
    backlog.fill({Kind.ANYWHERE: 2})
    assert not backlog.finished
    task = backlog.take(Kind.ANYWHERE)
    assert backlog.finished
    backlog.put_back([task])
    assert not backlog.finished
