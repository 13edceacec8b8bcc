"""While candidates are drawn, the collector rests; afterwards all is as it was."""

from __future__ import annotations

import gc

import pytest

from factory.generate.rare_collections import rare_collections


def test_collections_are_rare_inside_and_as_before_outside_also_after_an_error() -> None:
    before = gc.get_threshold()
    with pytest.raises(KeyError), rare_collections():
        assert gc.get_threshold()[0] > 10 * before[0]
        assert gc.get_freeze_count() > 0
        raise KeyError
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0


def test_a_cycle_made_inside_is_still_collected() -> None:
    class Node:
        alive = 0

        def __init__(self) -> None:
            Node.alive += 1
            self.me = self

        def __del__(self) -> None:
            Node.alive -= 1

    with rare_collections():
        for _ in range(50_000):
            Node()
        assert Node.alive < 25_000
