"""datatrove's MinHash deduplication in its own environment: its four steps on local files."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.dedup import MinhashDedupSignature
from datatrove.pipeline.dedup.minhash import (
    MinhashConfig,
    MinhashDedupBuckets,
    MinhashDedupCluster,
    MinhashDedupFilter,
)
from datatrove.pipeline.readers import ParquetReader
from datatrove.pipeline.writers import ParquetWriter
from work import answer


def dedupe(work: dict[str, Any], documents: str, out: Path) -> dict[str, Any]:
    """Labels of clusters; the kept documents are in `out/kept`."""
    config = MinhashConfig(
        n_grams=work["words"], num_buckets=work["bands"], hashes_per_bucket=work["rows"]
    )
    file = Path(documents)

    def reader() -> ParquetReader:
        return ParquetReader(str(file.parent), glob_pattern=file.name, doc_progress=False)

    steps: list[tuple[list[Any], int]] = [
        ([reader(), MinhashDedupSignature(str(out / "signatures"), config=config)], 1),
        (
            [
                MinhashDedupBuckets(
                    str(out / "signatures"), str(out / "buckets"), config=config, lines_to_buffer=-1
                )
            ],
            config.num_buckets,
        ),
        (
            [
                MinhashDedupCluster(
                    str(out / "buckets"), str(out / "clusters"), config=config, save_cluster_id=True
                )
            ],
            1,
        ),
        (
            [
                reader(),
                MinhashDedupFilter(str(out / "clusters")),
                ParquetWriter(str(out / "kept"), compression="zstd"),
            ],
            1,
        ),
    ]
    for number, (pipeline, tasks) in enumerate(steps):
        LocalPipelineExecutor(
            pipeline=pipeline, tasks=tasks, workers=1, logging_dir=str(out / f"logs-{number}")
        ).run()
    return {"label": _labels(out / "clusters" / "000000.clusters", work["count"])}


def _labels(file: Path, rows: int) -> list[int]:
    labels = [-1] * rows
    if file.exists():
        for row, cluster in struct.iter_unpack("<II", file.read_bytes()):
            labels[row] = cluster
    return labels


if __name__ == "__main__":
    answer(dedupe)
