"""Tests as a request to the runner: which processes start, and what each of them reads.

Expected values are in none of it, except the test code of `asserts`, which goes to the process of
the tests alone.
"""

from __future__ import annotations

import json
import struct
from typing import Any

from sandboxes.contract import Asserts, Call, Limits, Tests


def request_bytes(program: str, tests: Tests, limits: Limits) -> bytes:
    """Header and payloads of one run, as `sandboxes.inside.runner` reads them."""
    payloads = [[(role, _json(payload)) for role, payload in g] for g in _groups(program, tests)]
    header = _json(
        {
            "limits": {
                "wall_s": limits.wall_s,
                "cpu_s": limits.cpu_s,
                "memory_bytes": limits.memory_bytes,
                "output_bytes": limits.output_bytes,
            },
            "groups": [[{"role": r, "bytes": len(data)} for r, data in g] for g in payloads],
        }
    )
    return frame(header) + b"".join(data for group in payloads for _, data in group)


def frame(data: bytes) -> bytes:
    """The bytes after their length."""
    return struct.pack(">I", len(data)) + data


def _groups(program: str, tests: Tests) -> list[list[tuple[str, dict[str, Any]]]]:
    if isinstance(tests, Asserts):
        code = {"code": tests.code, "entry_point": tests.entry_point}
        return [[("served", {"program": program}), ("tests", code)]]
    if isinstance(tests, Call):
        cases = [{"args": case.args, "kwargs": dict(case.kwargs)} for case in tests.cases]
        payload = {"program": program, "entry_point": tests.entry_point, "cases": cases}
        return [[("calls", payload)]]
    return [[("script", {"program": program, "stdin": case.stdin})] for case in tests.cases]


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
