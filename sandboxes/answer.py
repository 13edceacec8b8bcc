"""The runner's answer: what each step of a run wrote, and how it ended."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, field
from typing import Any

_FRAME = struct.Struct(">cI")


@dataclass
class StepOutput:
    """What the processes of one step sent. What comes from a program's container, `reports` too,
    is data that proves nothing."""

    stdout: bytearray = field(default_factory=bytearray)
    stderr: bytearray = field(default_factory=bytearray)
    reports: bytearray = field(default_factory=bytearray)


@dataclass
class Answer:
    """One whole answer."""

    steps: list[StepOutput]
    summary: dict[str, Any]


class AnswerReader:
    """Collects the frames of one answer as the bytes come."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._steps: list[StepOutput] = []
        self._step = StepOutput()

    def feed(self, data: bytes) -> Answer | None:
        """The answer once its last frame is there, else None."""
        self._data += data
        start = 0
        while len(self._data) - start >= _FRAME.size:
            channel, size = _FRAME.unpack_from(self._data, start)
            end = start + _FRAME.size + size
            if len(self._data) < end:
                break
            payload = bytes(memoryview(self._data)[start + _FRAME.size : end])
            start = end
            if channel == b"Z":
                return Answer(self._steps, json.loads(payload))
            self._take(channel, payload)
        del self._data[:start]
        return None

    def _take(self, channel: bytes, payload: bytes) -> None:
        step = self._step
        if channel == b"G":
            self._steps.append(step)
            self._step = StepOutput()
        elif channel == b"O":
            step.stdout += payload
        elif channel == b"E":
            step.stderr += payload
        elif channel == b"R":
            step.reports += payload


def messages(data: bytes | bytearray) -> list[dict[str, Any]]:
    """The whole messages at the start of what a process reported; what is no message ends them."""
    found: list[dict[str, Any]] = []
    start = 0
    while len(data) - start >= 4:
        (size,) = struct.unpack_from(">I", data, start)
        start += 4
        if len(data) - start < size:
            break
        try:
            message = json.loads(bytes(data[start : start + size]))
        except (ValueError, RecursionError):
            break
        if not isinstance(message, dict):
            break
        found.append(message)
        start += size
    return found
