"""datatrove's n-gram decontamination in its own environment.

Its step that builds the index wants lighteval; the index is built here by the step's own rules
(tokens of the simplified text, hashes of their runs) and read by its filter.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.decont.n_grams import NGramsDecontConfig, NGramsDecontFilter
from datatrove.pipeline.readers import ParquetReader
from datatrove.pipeline.writers import ParquetWriter
from datatrove.utils.text import ngrams, simplify_text
from work import answer


def overlaps(work: dict[str, Any], documents: str, out: Path) -> dict[str, Any]:
    """Rows that overlap with an item."""
    config = NGramsDecontConfig(n_grams=work["span_words"])
    index = out / "index"
    index.mkdir(parents=True)
    file = Path(documents)
    removed = ParquetWriter(str(out / "removed"), compression="zstd")
    found = NGramsDecontFilter(str(index), config=config, exclusion_writer=removed)
    hashes = {
        found.hash_func(" ".join(run))
        for _, _, text in work["items"]
        for run in ngrams(
            found.tokenizer.word_tokenize(simplify_text(text, config.norm_config)), config.n_grams
        )
    }
    dtype = np.dtype(config.hash_config.np_descr)
    np.array(sorted(hashes), dtype=dtype).tofile(index / "items.index.hashes")
    reader = ParquetReader(
        str(file.parent), glob_pattern=file.name, id_key="id", doc_progress=False
    )
    LocalPipelineExecutor(
        pipeline=[reader, found, ParquetWriter(str(out / "kept"), compression="zstd")],
        tasks=1,
        workers=1,
        logging_dir=str(out / "logs"),
    ).run()
    return {"rows": _rows(out / "removed")}


def _rows(folder: Path) -> list[int]:
    import pyarrow.parquet as pq

    files = sorted(folder.rglob("*.parquet"))
    return [
        int(one.removeprefix("document-"))
        for file in files
        for one in pq.read_table(file, columns=["id"])["id"].to_pylist()
    ]


if __name__ == "__main__":
    answer(overlaps)
