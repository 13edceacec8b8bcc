"""The figures of a rehearsal as tables, as the documents have them."""

from __future__ import annotations

from typing import Any

from .figures import MOST_DISK, MOST_ORCHESTRATION, Figures

_MIB = 2**20
_GB = 1e9


def show(figures: Figures) -> None:
    """What each stage took, then the whole."""
    print(
        "\n| stage | rows in | rows out | wall s | CPU s | teacher CPU s | sandboxes CPU s "
        "| Docker CPU s | peak MiB | anonymous | RSS | sandboxes MiB | disk GB "
        "| CPU h per million | s per million |"
    )
    print("|---" * 15 + "|")
    for name, one in figures["stages"].items():
        print(
            f"| {name} | {_count(one, 'rows_in')} | {_count(one, 'rows_out')} "
            f"| {one['wall_s']:,.1f} | {one['cpu_s']:,.1f} | {one['teacher_cpu_s']:,.1f} "
            f"| {one['sandbox_cpu_s']:,.1f} | {one['engine_cpu_s']:,.1f} "
            f"| {_mib(one, 'peak_pss')} | {_mib(one, 'peak_anonymous')} | {_mib(one, 'peak_rss')} "
            f"| {_mib(one, 'peak_sandbox')} | {_disk(one)} "
            f"| {one['cpu_hours_per_million']:.2f} | {one['wall_s_per_million']:,.0f} |"
        )
    priced = [one["price_per_million"] for one in figures["stages"].values() if _has_price(one)]
    if priced:
        print(f"price of a million candidates: {sum(priced):.2f}")
    disk = figures["disk"]
    print(
        f"\n{figures['candidates']:,} candidates, {figures['us_per_candidate']:,.0f} µs each; "
        f"{figures['tries']} tries; peak {figures['peak_pss_bytes'] / _MIB:,.0f} MiB "
        f"({figures['peak_anonymous_bytes'] / _MIB:,.0f} MiB anonymous)"
    )
    print(
        f"disk: {disk['written_bytes'] / _GB:.2f} GB, at most {disk['peak_bytes'] / _GB:.2f} GB "
        f"while it ran; store {disk['store_bytes'] / _GB:.2f} GB; all texts at zstd-3 "
        f"{disk['text_bytes_at_zstd_3'] / _GB:.2f} GB: {disk['times_the_text']:.2f} times as much "
        f"is written (goal: at most {MOST_DISK:.0f})"
    )
    whole = figures["orchestration"]
    if whole is None:
        print("orchestration: not known of a rehearsal in several tries")
    else:
        print(
            f"orchestration: {whole['wall_s']:.1f} s of {whole['command_wall_s']:.1f} s, "
            f"{whole['share']:.1%} (goal: at most {MOST_ORCHESTRATION:.0%}); "
            f"the report: {whole['report_wall_s']:.1f} s"
        )


def show_slopes(slopes: dict[str, Any]) -> None:
    """How the largest size stands to the smallest."""
    print(f"{slopes['candidates']:.1f} times the candidates:")
    print(
        "| stage | peak memory, times | MiB per 100,000 samples | wall per candidate, times | CPU |"
    )
    print("|---|---|---|---|---|")
    for name, one in slopes.items():
        if name != "candidates":
            print(
                f"| {name} | {one['peak_pss']:.2f} | {one['peak_pss_mib_per_100k_samples']:,.1f} "
                f"| {one['wall_per_candidate']:.2f} | {one['cpu_per_candidate']:.2f} |"
            )


def _count(one: Figures, name: str) -> str:
    return f"{one[name]:,}" if name in one else "–"


def _mib(one: Figures, name: str) -> str:
    return f"{one[f'{name}_bytes'] / _MIB:,.0f}"


def _disk(one: Figures) -> str:
    return f"{one['disk_bytes'] / _GB:.2f}" if "disk_bytes" in one else "–"


def _has_price(one: Figures) -> bool:
    return "price_per_million" in one
