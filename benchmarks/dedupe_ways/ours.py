"""`factory.files.dedupe`, as `retort dedupe` calls it, with one worker."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from work import answer

from factory.files.dedupe import dedupe as dedupe_files
from schemas.shard_settings import NearDuplicates


def dedupe(work: dict[str, Any], documents: str, out: Path) -> dict[str, Any]:
    """Labels of clusters; the kept documents are in `out/kept.parquet`."""
    near = NearDuplicates(threshold=work["threshold"], words=work["words"])
    dedupe_files([Path(documents)], out, text_column="text", near=near)
    clusters = pq.read_table(out / "clusters.parquet", columns=["cluster_id"])["cluster_id"]
    return {"label": clusters.combine_chunks().dictionary_encode().indices.fill_null(-1).tolist()}


if __name__ == "__main__":
    answer(dedupe)
