"""Near-dedupe and decontamination beside peers, on the same documents, in one run.

    python benchmarks/dedupe.py --peer-venv DIR [--quick] [--documents N] [--repeats R] [--json F]

50,000 documents of 2 KB (97 MB), put together from pieces of MATH and GSM8K solutions, responses of
a model, and programs, with near and exact duplicates and spans of benchmarks planted among them.
Every way reads the same Parquet file in a process of its own with one thread, warms up on a few
documents, and is timed from there: processor time of the process and its children, reading and
writing included, imports and compilation not. Ways take turns; ratios are of medians over repeats.

    near-dedupe        runs of 5 words, similarity 0.8, 32 bands of 8 permutations on all sides
      ours             what `retort dedupe` does: kept rows and clusters are written
      datatrove        its MinHash pipeline: signatures, buckets, clusters, filter
      datasketch       MinHash and MinHashLSH as its guide has them, kept rows written
      datasketch, exact   the same, and each pair compared exactly, as ours are
    decontamination    runs of 13 words of GSM8K test, MATH, HumanEval and MBPP
      ours             `factory.overlap.benchmark_index`
      Python           a set of n-grams
      datatrove        its n-gram filter

    vs_datatrove, vs_datasketch, decontaminate_vs_python
                       documents per CPU-second of ours over theirs; of datasketch, the faster way
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq
from dedupe_ways.apart import INSTALL, peers_are_there, run_way
from dedupe_ways.score import DEFINITIONS, SURE, Truth
from generation.table import machine_line
from made_texts.documents import SPAN_WORDS, Documents, write_documents
from made_texts.pieces import pieces
from made_texts.spans import Change

WORDS: Final = 5
THRESHOLD: Final = 0.8
BANDS, ROWS = 32, 8
SMALL: Final = 500
"""Documents that a way warms up on."""

Figures = dict[str, Any]


@dataclass(frozen=True)
class Way:
    """A script, the environment that runs it, and what it is called."""

    name: str
    script: str
    peer: bool = False
    exact: bool = False


NEAR: Final = (
    Way("ours", "ours"),
    Way("datatrove", "peer_datatrove", peer=True),
    Way("datasketch", "peer_datasketch", peer=True),
    Way("datasketch, exact", "peer_datasketch", peer=True, exact=True),
)
OVERLAPS: Final = (
    Way("ours", "ours_overlaps"),
    Way("Python", "python_overlaps"),
    Way("datatrove", "peer_overlaps", peer=True),
)


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="few documents and once, to try it")
    parser.add_argument("--documents", type=int)
    parser.add_argument("--repeats", type=int)
    parser.add_argument("--peer-venv", type=Path, help="environment that has the peers")
    parser.add_argument("--folder", type=Path, help="where the documents are written; else anew")
    parser.add_argument("--json", type=Path, help="write ratios and figures here too")
    given = parser.parse_args()
    if given.peer_venv is not None and not peers_are_there(given.peer_venv):
        raise SystemExit(f"no peers in {given.peer_venv}: {INSTALL.format(venv=given.peer_venv)}")
    print(machine_line(), flush=True)
    count = given.documents or (2_000 if given.quick else 50_000)
    repeats = given.repeats or (1 if given.quick else 3)
    with tempfile.TemporaryDirectory(prefix="benchmark-", dir=given.folder) as folder:
        result = measured(Path(folder), count, repeats, given.peer_venv)
    result["machine"] = machine_line()
    text = json.dumps(result, indent=2)
    if given.json:
        given.json.write_text(text + "\n", encoding="utf-8")
    print(text)


def measured(folder: Path, count: int, repeats: int, peer_venv: Path | None) -> Figures:
    """Both comparisons; shows them as they come."""
    documents = write_documents(folder / "documents", count)
    small = folder / "small" / documents.parquet.name
    small.parent.mkdir()
    pq.write_table(pq.read_table(documents.parquet).slice(0, SMALL), small)
    work = {"documents": str(documents.parquet), "small": str(small), "count": count}
    work |= {"words": WORDS, "threshold": THRESHOLD, "bands": BANDS, "rows": ROWS}
    work["span_words"] = SPAN_WORDS
    print(f"{count:,} documents, {documents.bytes / 1e6:.1f} MB", flush=True)
    near = in_turns(NEAR, folder / "near", work, repeats, peer_venv)
    items = [[one.benchmark, one.item, one.text] for one in pieces().items]
    overlaps = in_turns(OVERLAPS, folder / "overlaps", work | {"items": items}, repeats, peer_venv)
    figures = {
        "near": near_figures(near, documents, count),
        "overlaps": overlap_figures(overlaps, documents, count),
    }
    show(figures)
    return {**ratios(near, overlaps), "figures": figures}


def in_turns(
    ways: Sequence[Way], folder: Path, work: Figures, repeats: int, peer_venv: Path | None
) -> dict[str, list[Figures]]:
    """What each way found and took, once per repeat; peers where there is an environment."""
    found: dict[str, list[Figures]] = {}
    for repeat in range(repeats):
        for way in ways:
            if way.peer and peer_venv is None:
                continue
            python = peer_venv / "bin" / "python" if way.peer and peer_venv else sys.executable
            place = folder / f"{way.name}-{repeat}"
            one = run_way(python, way.script, place, work | {"exact": way.exact})
            found.setdefault(way.name, []).append(one)
            print(f"  {way.name}: {one['cpu_s']:.2f} CPU s", flush=True)
    return found


def median_s(runs: Sequence[Figures]) -> float:
    """Of processor time."""
    return statistics.median(one["cpu_s"] for one in runs)


def ratios(near: dict[str, list[Figures]], overlaps: dict[str, list[Figures]]) -> Figures:
    """Speed of ours over that of each peer, where it was measured."""
    ours = median_s(near["ours"])
    sketches = [median_s(runs) for name, runs in near.items() if name.startswith("datasketch")]
    found = {"vs_datatrove": median_s(near["datatrove"]) / ours} if "datatrove" in near else {}
    if sketches:
        found["vs_datasketch"] = min(sketches) / ours
    python = median_s(overlaps["Python"]) / median_s(overlaps["ours"])
    return {**found, "decontaminate_vs_python": python}


def near_figures(
    found: dict[str, list[Figures]], documents: Documents, count: int
) -> dict[str, Figures]:
    """Speed, recall and precision of each way."""
    texts = pq.read_table(documents.parquet)["text"].to_pylist()
    figures = {name: speed(runs, documents, count) for name, runs in found.items()}
    for definition, words in DEFINITIONS.items():
        truth = Truth(texts, documents.pairs, words=words, length=WORDS, threshold=THRESHOLD)
        known = truth.known([runs[0]["label"] for runs in found.values()])
        for name, runs in found.items():
            figures[name][definition] = asdict(truth.score(runs[0]["label"], known))
    return figures


def overlap_figures(
    found: dict[str, list[Figures]], documents: Documents, count: int
) -> dict[str, Figures]:
    """Speed, recall on the planted spans by how they were changed, and rows found beside them."""
    figures: dict[str, Figures] = {}
    for name, runs in found.items():
        rows = set(runs[0]["rows"])
        figures[name] = speed(runs, documents, count)
        for change in Change:
            planted = {row for row, one in documents.overlaps.items() if one.change is change}
            figures[name][change.value] = len(rows & planted) / max(1, len(planted))
        figures[name]["others"] = len(rows - documents.overlaps.keys())
    return figures


def speed(runs: Sequence[Figures], documents: Documents, count: int) -> Figures:
    """Medians, and every repeat."""
    cpu_s = median_s(runs)
    return {
        "cpu_s": cpu_s,
        "cpu_s_of_each_repeat": [round(one["cpu_s"], 3) for one in runs],
        "documents_per_cpu_s": count / cpu_s,
        "mb_per_cpu_s": documents.bytes / 1e6 / cpu_s,
    }


def show(figures: dict[str, dict[str, Figures]]) -> None:
    """Tables for the documents."""
    print(
        f"\n| near-dedupe | documents/CPU s | MB/CPU s | recall at {SURE} | at {THRESHOLD} |",
        end="",
    )
    print(f" precision | recall at {SURE}, no signs | precision, no signs |")
    print("|---|---|---|---|---|---|---|---|")
    for name, one in figures["near"].items():
        space, bare = one["white space"], one["no signs"]
        print(
            f"| {name} | {one['documents_per_cpu_s']:,.0f} | {one['mb_per_cpu_s']:,.1f} "
            f"| {space['recall']:.4f} | {space['recall_at_threshold']:.4f} "
            f"| {space['precision']:.4f} | {bare['recall']:.4f} | {bare['precision']:.4f} |"
        )
    changes = " | ".join(f"recall, {change}" for change in Change)
    print(f"\n| decontamination | documents/CPU s | MB/CPU s | {changes} | found beside |")
    print("|---|---|---|---|---|---|---|")
    for name, one in figures["overlaps"].items():
        print(
            f"| {name} | {one['documents_per_cpu_s']:,.0f} | {one['mb_per_cpu_s']:,.1f} "
            f"| {' | '.join(f'{one[change.value]:.4f}' for change in Change)} | {one['others']:,} |"
        )
    print()


if __name__ == "__main__":
    main()
