"""The most memory that this process has held."""

from __future__ import annotations

import re
import resource
from pathlib import Path
from typing import Any, Final

_STATUS: Final = Path("/proc/self/status")


def memory_held(device: Any) -> int:
    """Most bytes so far: allocated by torch on a GPU, resident on CPU.

    Args:
        device: A `torch.device`. What a GPU's driver and other libraries hold is not counted.
    """
    if device.type == "cuda":
        import torch

        return int(torch.cuda.max_memory_allocated(device))
    return resident_peak()


def resident_peak() -> int:
    """Most bytes of this process that were in main memory at a time.

    `getrusage` is asked only where there is no `/proc`: on Linux its figure begins with that of
    the process that started this one.
    """
    if _STATUS.is_file():
        found = re.search(r"^VmHWM:\s+(\d+) kB$", _STATUS.read_text(), re.MULTILINE)
        if found is not None:
            return int(found[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
