"""Ranks that find out together: what one of them found, all raise, and nobody waits for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from factory.errors import RetortError

Made = TypeVar("Made")


def agree(failure: RetortError | None) -> None:
    """Raise on every rank what the first rank with a failure found."""
    import torch.distributed

    found: list[RetortError | None] = [None] * torch.distributed.get_world_size()
    torch.distributed.all_gather_object(found, failure)
    first = next((one for one in found if one is not None), None)
    if first is not None:
        raise first


def on_first_rank(work: Callable[[], Made]) -> Made:
    """What the first rank makes, or the error made on purpose that it raises, on every rank."""
    import torch.distributed

    box: list[Any] = [None]
    failure: RetortError | None = None
    if torch.distributed.get_rank() == 0:
        try:
            box[0] = work()
        except RetortError as error:
            failure = error
    agree(failure)
    torch.distributed.broadcast_object_list(box)
    made: Made = box[0]
    return made
