"""Figures of interleaved repeats, and how they are shown: medians, with the least and the most."""

from __future__ import annotations

import os
import platform
import statistics
from pathlib import Path

import psutil

from factory.artifact import installed_versions

from .workload import Took


class Repeats:
    """What each way took, one entry per repeat."""

    def __init__(self, candidates: int) -> None:
        self._candidates = candidates
        self.took: dict[str, list[Took]] = {}

    def add(self, way: str, took: Took) -> None:
        self.took.setdefault(way, []).append(took)

    def speed(self, way: str) -> float:
        """Median of tokens per second."""
        return statistics.median(one.tokens_per_s for one in self.took[way])

    def ratio(self, way: str, other: str) -> float:
        return self.speed(way) / self.speed(other)

    def cpu_s(self, way: str) -> float | None:
        """Median processor time of the client for 1,000 candidates; None where it is not apart."""
        known = [one.cpu_s for one in self.took[way] if one.cpu_s is not None]
        return statistics.median(known) * 1000 / self._candidates if known else None

    def figures(self) -> dict[str, dict[str, object]]:
        """Everything that was measured, by way."""
        return {
            way: {
                "tokens_per_s": self.speed(way),
                "tokens_per_s_of_each_repeat": [round(one.tokens_per_s, 1) for one in each],
                "tokens": [one.tokens for one in each],
                "client_cpu_s_per_1000_candidates": self.cpu_s(way),
            }
            for way, each in self.took.items()
        }

    def show(self) -> None:
        """A table for the documents."""
        print("| way | tokens/s, median | least to most | client's CPU s per 1,000 candidates |")
        print("|---|---|---|---|")
        for way, each in self.took.items():
            speeds = [one.tokens_per_s for one in each]
            cpu_s = self.cpu_s(way)
            print(
                f"| {way} | {self.speed(way):,.0f} | {min(speeds):,.0f} to {max(speeds):,.0f} "
                f"| {'–' if cpu_s is None else f'{cpu_s:.2f}'} |"
            )


def show_ratios(ratios: dict[str, float]) -> None:
    """A line each."""
    for name, value in ratios.items():
        print(f"{name:28}{value:8.3f}")


def machine_line() -> str:
    """Processor, cores, memory and load of the machine, and the versions that matter."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        cpu = names[0].partition(":")[2].strip() if names else cpu
    cores = len(os.sched_getaffinity(0))
    memory = psutil.virtual_memory().total / 2**30
    versions = {"python": platform.python_version(), **installed_versions()}
    shown = ", ".join(f"{name} {version}" for name, version in versions.items())
    return f"{cpu}, {cores} cores, {memory:.0f} GiB, load {os.getloadavg()[0]:.2f}; {shown}"
