"""How quick the explorer is on many rows: its indexes, each filter and sort, search, one problem.

    python benchmarks/explore.py --samples 800000

Rows are made of pieces of real texts (`benchmarks.made_texts`: GSM8K, MATH and responses of the
shared data, lengths as reasoning traces have them) and written as a dataset's `data/*.parquet` with
`messages`. The indexes are built by processes of their own, whose peak memory is taken; requests go
through the application as the server has it, in this process, whose peak is taken too. Each request
is made once after the others were answered; the slowest of a kind is shown.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.made_texts.graded import write_graded
from factory.executor import Executor
from factory.parts import map_parts, read_manifest
from schemas.arrow import MESSAGES

_SLOWEST_S: Final = {"page": 1.0, "filter": 1.0, "sort": 1.0, "search": 3.0, "problem": 1.0}
_PEAK_BYTES: Final = 1 << 30
_LEVELS: Final = 5
_DATA: Final = pa.schema(
    [
        pa.field("uuid", pa.string()),
        pa.field("problem_id", pa.string()),
        pa.field("source", pa.string()),
        pa.field("domain", pa.string()),
        pa.field("category", pa.string()),
        pa.field("level", pa.string()),
        pa.field("problem", pa.large_string()),
        pa.field("messages", MESSAGES),
        pa.field("generation_model", pa.string()),
        pa.field("finish_reason", pa.string()),
        pa.field("num_tokens", pa.int32()),
        pa.field("pass_rate", pa.float64()),
    ]
)


def main() -> None:
    """Print the table; exit 1 where something is slower or larger than it shall be."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--samples", type=int, default=20_000)
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--folder", type=Path, help="keep the rows there; default: temporary")
    parser.add_argument("--json", type=Path, help="write the figures there too")
    arguments = parser.parse_args()
    folder = arguments.folder or Path(tempfile.mkdtemp(prefix="retort-explore-"))
    try:
        figures = measured(folder, arguments.samples, arguments.workers)
    finally:
        if arguments.folder is None:
            shutil.rmtree(folder, ignore_errors=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    sys.exit(1 if figures["beyond"] else 0)


def measured(folder: Path, samples: int, workers: int) -> dict[str, Any]:
    """Make the rows, build, ask, and print; what was measured."""
    made = write_rows(folder, samples, workers)
    figures: dict[str, Any] = {"samples": samples, **made}
    print(f"{made['rows']:,} rows, {made['text_bytes'] / 1e9:.2f} GB of text\n")
    shutil.rmtree(folder / "explore", ignore_errors=True)
    for name in ("light", "text"):
        figures[name] = _built(name, folder)
        took = figures[name]
        print(
            f"{name + ' index':<34} {took['wall_s']:>9.1f} s {took['peak_bytes'] / 1e6:>9,.0f} MB "
            f"peak {took['size_bytes'] / 1e6:>9,.0f} MB stored"
        )
    figures["asked"] = list(_asked(folder))
    for one in figures["asked"]:
        print(f"{one['what']:<34} {one['took_s']:>9.3f} s {one['total']:>12,} rows")
    figures["peak_bytes"] = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"{'memory of the server, peak':<34} {figures['peak_bytes'] / 1e6:>9,.0f} MB")
    slow = [one["what"] for one in figures["asked"] if one["took_s"] > _SLOWEST_S[one["kind"]]]
    large = [name for name in ("light", "text") if figures[name]["peak_bytes"] > _PEAK_BYTES]
    large += ["server"] if figures["peak_bytes"] > _PEAK_BYTES else []
    figures["beyond"] = slow + large
    print(f"beyond the bounds: {', '.join(slow + large) or 'nothing'}")
    return figures


# -------------------------------------------------------------------------------------------- rows


def write_rows(folder: Path, samples: int, workers: int) -> dict[str, int]:
    """`data/*.parquet` of the made candidates; those that are there are kept."""
    done = folder / "made.json"
    if not done.is_file():
        graded = write_graded(folder / "graded", samples, workers=workers)
        parts = len(read_manifest(graded.candidates).parts)
        (folder / "data").mkdir(exist_ok=True)
        for _ in map_parts(
            partial(_data_file, folder), list(range(parts)), executor=Executor(workers)
        ):
            pass
        done.write_text(json.dumps({"rows": graded.rows, "text_bytes": graded.bytes}))
        shutil.rmtree(folder / "graded")
    return json.loads(done.read_text())


def _data_file(folder: Path, number: int) -> None:
    from schemas.arrow import CANDIDATE, PROBLEM

    path = folder / "data" / f"train-{number:05d}.parquet"
    problems = _part(folder / "graded" / "collect", "problems", PROBLEM, number)
    candidates = _part(folder / "graded" / "generate", "candidates", CANDIDATE, number)
    of = {row["problem_id"]: row for row in problems.to_pylist()}
    rows = [_row(of[one["problem_id"]], one) for one in candidates.to_pylist()]
    pq.write_table(
        pa.Table.from_pylist(rows, schema=_DATA), path, compression="zstd", row_group_size=2048
    )


def _part(folder: Path, kind: str, schema: pa.Schema, number: int) -> pa.Table:
    names = [one.path for one in read_manifest(folder).parts if one.path.startswith(f"{kind}-")]
    return pq.read_table(folder / names[number]).select(schema.names)


def _row(problem: dict[str, Any], candidate: dict[str, Any]) -> dict[str, Any]:
    chance = int(candidate["candidate_id"][:8], 16)
    return {
        "uuid": candidate["candidate_id"],
        "problem_id": problem["problem_id"],
        "source": problem["source"],
        "domain": problem["domain"],
        "category": f"kind {chance % 40}",
        "level": f"Level {1 + chance % _LEVELS}",
        "problem": problem["statement"],
        "messages": [
            {"role": "user", "content": problem["statement"]},
            {"role": "assistant", "content": candidate["text"]},
        ],
        "generation_model": candidate["teacher"],
        "finish_reason": candidate["finish_reason"],
        "num_tokens": candidate["completion_tokens"] or len(candidate["text"]) // 4,
        "pass_rate": (chance % 13) / 12,
    }


# ------------------------------------------------------------------------------------------ indexes

_BUILD: Final = """
import json, resource, sys, time
from pathlib import Path
from retort.explore.dataset_source import DatasetSource
from retort.explore.index_folder import open_source
from retort.explore.search_build import build_texts
begun = time.monotonic()
folder = Path(sys.argv[2])
opened = open_source(DatasetSource(folder), folder / "explore")
if sys.argv[1] == "text":
    build_texts(opened.folder)
print(json.dumps({
    "wall_s": time.monotonic() - begun,
    "cpu_s": time.process_time(),
    "peak_bytes": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
    "size_bytes": sum(p.stat().st_size for p in opened.folder.iterdir()),
}))
"""


def _built(name: str, folder: Path) -> dict[str, float]:
    (folder / "explore").mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-c", _BUILD, name, str(folder)],
        check=True,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).resolve().parent.parent,
    )
    return json.loads(done.stdout)


# ----------------------------------------------------------------------------------------- requests


def _asked(folder: Path) -> Iterator[dict[str, Any]]:
    """Each request, how long it took, and how many rows there are."""
    from starlette.testclient import TestClient

    from retort.explore.dataset_source import DatasetSource
    from retort.explore.index_folder import open_source
    from retort.explore.marks import MarkFile
    from retort.explore.search import Search
    from retort.explore.server import app

    begun = time.perf_counter()
    opened = open_source(DatasetSource(folder), folder / "explore")
    search = Search.started(opened.folder, opened.table)
    application = app(opened, MarkFile(folder / "marks.jsonl"), search)
    client = TestClient(application, base_url="http://127.0.0.1")
    about = client.get("/api/about").json()
    opened_s = time.perf_counter() - begun
    yield {"kind": "page", "what": "open and about", "took_s": opened_s, "total": about["rows"]}

    def rows(kind: str, what: str, **parameters: Any) -> dict[str, Any]:
        begun = time.perf_counter()
        answer = client.get("/api/rows", params=parameters)
        took_s = time.perf_counter() - begun
        assert answer.status_code == 200, answer.text
        return {"kind": kind, "what": what, "took_s": took_s, "total": answer.json()["total"]}

    yield rows("page", "first page")
    yield rows("page", "page in the middle", offset=about["rows"] // 2)
    for name, values in about["facets"].items():
        yield rows("filter", f"filter {name}", **{name: values[0][0]})
    for name, (least, most) in about["ranges"].items():
        middle = (least + most) / 2
        yield rows("filter", f"filter {name}", **{f"{name}_min": least, f"{name}_max": middle})
        yield rows("sort", f"sort {name}", sort=name)
        yield rows("sort", f"sort {name}, desc", sort=name, order="desc")
    domain = about["facets"]["domain"][0][0]
    for what, query in (
        ("a rare word", "parallelogram"),
        ("a common word", "the"),
        ("two words", "number therefore"),
        ("a phrase", '"the number of"'),
        ("a common phrase", '"of the"'),
        ("a word without another", "the -number"),
        ("a beginning", "divis*"),
    ):
        yield rows("search", f"search {what}", q=query)
    yield rows(
        "search", "search a phrase, filter, sort", q='"is equal"', domain=domain, sort="chars"
    )
    listed = client.get("/api/rows", params={"sort": "chars", "order": "desc", "limit": 1}).json()
    begun = time.perf_counter()
    answer = client.get("/api/problem", params={"id": listed["rows"][0]["problem_id"]})
    took_s = time.perf_counter() - begun
    count = len(answer.json()["candidates"])
    yield {"kind": "problem", "what": "a problem", "took_s": took_s, "total": count}


if __name__ == "__main__":
    main()
