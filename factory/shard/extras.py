"""What stands beside the card: Croissant metadata, pictures, settings for trainers."""

from __future__ import annotations

from factory.shard.card_facts import Facts
from factory.shard.croissant import croissant_json
from factory.shard.pictures import pictures
from factory.shard.trainers import trainers


def extra_files(facts: Facts) -> dict[str, bytes]:
    """Path in the dataset's folder -> content, sorted by path; equal facts give equal bytes."""
    files = {"croissant.json": croissant_json(facts), **pictures(facts.rows), **trainers(facts)}
    return dict(sorted(files.items()))
