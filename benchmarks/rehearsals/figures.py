"""What each stage took, and what that is for a million candidates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from factory.parts import iter_columns

from .place import AFTER, STAGES, STORE, Place
from .plan import Plan
from .run import Walls, walls_of
from .watch import Took, added_up, disk_bytes

Figures = dict[str, Any]

MOST_ORCHESTRATION: Final = 0.02
MOST_DISK: Final = 3.0
"""Times the text of all candidates at zstd-3."""
_MILLION: Final = 1e6
_HOUR_S: Final = 3600


def figures_of(place: Place, plan: Plan, core_hour_price: float | None) -> Figures:
    """All that was measured of a finished rehearsal.

    A stage that was finished in one try has the wall time of its manifest, and the processor time
    that it counted itself; of one that took several tries both are what was watched.
    """
    manifests = place.manifests()
    took = added_up(place.watched())
    one_try = place.tries() == 1
    text_bytes = packed_text_bytes(place)
    stages: Figures = {}
    for name in (*STAGES, *AFTER):
        figures = asdict(took.get(name, Took()))
        manifest = manifests.get(name)
        if manifest is not None:
            folder = place.stage(name)
            assert folder is not None
            figures["disk_bytes"] = disk_bytes(folder)
            figures["rows_in"] = manifest.ledger.rows_in
            figures["rows_out"] = manifest.ledger.rows_out
            if one_try:
                figures["wall_s"] = manifest.wall_s
                figures["cpu_s"] = manifest.figures["usage"]["cpu_s"]
        stages[name] = figures | _per_million(figures, plan.candidates, core_hour_price)
    wall_s = sum(one["wall_s"] for one in stages.values())
    return {
        "samples": plan.samples,
        "candidates": plan.candidates,
        "tries": place.tries(),
        "stages": stages,
        "wall_s": wall_s,
        "us_per_candidate": 1e6 * wall_s / plan.candidates,
        "peak_pss_bytes": max(one["peak_pss_bytes"] for one in stages.values()),
        "peak_anonymous_bytes": max(one["peak_anonymous_bytes"] for one in stages.values()),
        "orchestration": _orchestration(walls_of(place)),
        "disk": {
            "text_bytes_at_zstd_3": text_bytes,
            "store_bytes": _store_bytes(place),
            "dataset_bytes": disk_bytes(place.dataset),
            "written_bytes": place.written_bytes(),
            "times_the_text": place.written_bytes() / text_bytes,
            "peak_bytes": max(one["peak_disk_bytes"] for one in stages.values()),
        },
    }


def packed_text_bytes(place: Place) -> int:
    """Bytes of the texts of all candidates as one column of a Parquet file, at zstd-3."""
    folder = place.stage("generate")
    assert folder is not None
    file = place.folder / "texts.parquet"
    schema = pa.schema([pa.field("text", pa.large_string())])
    options: dict[str, Any] = {"compression": "zstd", "compression_level": 3}
    with pq.ParquetWriter(file, schema, use_dictionary=False, **options) as writer:
        for table in iter_columns(folder, "candidates", ["text"]):
            writer.write_table(table.cast(schema))
    footer = pq.read_metadata(file)
    groups = range(footer.num_row_groups)
    size = sum(footer.row_group(group).column(0).total_compressed_size for group in groups)
    file.unlink()
    return size


def slopes(runs: Sequence[Figures]) -> Figures:
    """Stage -> how memory and time of the last size stand to those of the first; none of one."""
    if len(runs) < 2:
        return {}
    first, last = runs[0], runs[-1]
    grown = last["candidates"] / first["candidates"]
    found: Figures = {"candidates": grown}
    for name in (*STAGES, *AFTER):
        one, other = first["stages"][name], last["stages"][name]
        found[name] = {
            "peak_pss": other["peak_pss_bytes"] / max(1, one["peak_pss_bytes"]),
            "peak_pss_mib_per_100k_samples": _slope(runs, name) / 2**20,
            "wall_per_candidate": other["wall_s"] / max(1e-9, one["wall_s"]) / grown,
            "cpu_per_candidate": other["cpu_s"] / max(1e-9, one["cpu_s"]) / grown,
        }
    return found


def _slope(runs: Sequence[Figures], name: str) -> float:
    """Peak bytes for 100,000 samples more, by least squares."""
    sizes = [run["samples"] / 100_000 for run in runs]
    peaks = [run["stages"][name]["peak_pss_bytes"] for run in runs]
    mean, middle = sum(sizes) / len(sizes), sum(peaks) / len(peaks)
    spread = sum((size - mean) ** 2 for size in sizes)
    pairs = zip(sizes, peaks, strict=True)
    return sum((size - mean) * (peak - middle) for size, peak in pairs) / spread if spread else 0.0


def _per_million(figures: Figures, candidates: int, core_hour_price: float | None) -> Figures:
    cores_s = figures["cpu_s"] + figures["sandbox_cpu_s"]
    hours = cores_s / _HOUR_S * _MILLION / candidates
    price = {} if core_hour_price is None else {"price_per_million": hours * core_hour_price}
    return {
        "cpu_hours_per_million": hours,
        "wall_s_per_million": figures["wall_s"] * _MILLION / candidates,
        **price,
    }


def _orchestration(walls: Walls | None) -> Figures | None:
    if walls is None:
        return None
    return {
        "command_wall_s": walls.command,
        "stages_wall_s": walls.stages,
        "report_wall_s": walls.report,
        "wall_s": walls.orchestration,
        "share": walls.orchestration / walls.command,
    }


def _store_bytes(place: Place) -> int:
    return sum(file.stat().st_size for file in place.artifacts.glob(f"{STORE}*"))
