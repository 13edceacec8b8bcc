"""An image with more packages: built with pip, and used for a scorer that evaluates text."""

from __future__ import annotations

import pytest

from sandboxes import Limits, SandboxPool, Verdict
from sandboxes.image import PACKAGED, build_packages_image
from sandboxes.languages import PYTHON_IMAGE

IMAGE = "retort-sandbox-scorers:latest"

SCORER = """
import reasoning_gym

def score(name, answer):
    data = reasoning_gym.create_dataset(name, size=1, seed=3)
    entry = data[0]
    return data.score_answer(entry["answer"] if answer is None else answer, entry)
"""


@pytest.mark.soak
def test_the_scorers_of_reasoning_gym_run_inside() -> None:
    build_packages_image(PACKAGED["scorers"], IMAGE, base=PYTHON_IMAGE, say=print)
    limits = Limits(wall_s=60, cpu_s=30, memory_bytes=768 << 20)
    with SandboxPool(slots=1, image=IMAGE, warm=["reasoning_gym"]) as pool:
        for name in ("countdown", "decimal_arithmetic", "boxnet", "rearc", "cryptarithm"):
            right = pool.evaluate(SCORER, "score", [name, None], limits)
            assert right.verdict is Verdict.CORRECT, right
            wrong = pool.evaluate(
                SCORER, "score", [name, "__import__('os').remove('/etc/hosts')"], limits
            )
            assert wrong.verdict in (Verdict.CORRECT, Verdict.ERROR), wrong
            assert wrong.value is None or wrong.value < 1, wrong
        assert pool.evaluate(SCORER, "score", ["countdown", None], limits).value == 1
