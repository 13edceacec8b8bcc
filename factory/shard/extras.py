"""What stands beside the card: Croissant metadata, pictures, settings for trainers."""

from __future__ import annotations

from factory.shard.card_facts import Facts


def extra_files(facts: Facts) -> dict[str, bytes]:
    """Path in the dataset's folder -> content, sorted by path; equal facts give equal bytes."""
    del facts
    return {}
