"""Our validation beside known harnesses, on the same stored responses; each difference explained.

    python benchmarks/harness_parity.py --peer-venv DIR [--only SET …] [--json F] [--fixture F]

DIR is made with the harnesses where it is not there. Nobody generates anything: responses are
stored, known to be right or wrong, and every scorer gets the same.

    gsm8k       5,276 responses to GSM8K's 1,319 test problems, made from its worked solutions in
                33 forms of answer, 54% right; and 1,319 of each of three forms, which are those of
                the harness' examples, 60% right
    math        800 responses of a Qwen2.5-Math model to 100 MATH problems, with its labels
    humaneval   4 programs for each of HumanEval's 164 problems, some 55% right; the harness runs in
                a sandbox container
    mbpp        a program for each of MBPP's 974 problems, executed with the assertions behind it

lm-evaluation-harness scores by its own tasks, HumanEval by its own package. `ours is true` is the
share of responses on which our verdict is what is known of them.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any, Final

from harness import gsm8k, humaneval, mbpp, peers, real_math
from harness.compared import HEAD, Compared, line

from schemas.machine import Machine

SETS: Final = ("gsm8k", "math", "humaneval", "mbpp")


def main() -> None:
    """Score and report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peer-venv", type=Path, required=True, help="has, or gets, the harnesses")
    parser.add_argument("--only", nargs="+", choices=SETS, default=SETS, help="only these sets")
    parser.add_argument("--json", type=Path, help="write figures and examples here")
    parser.add_argument("--fixture", type=Path, help="write the verdicts that a test is held to")
    given = parser.parse_args()
    venv, machine = peers.environment(given.peer_venv), Machine()
    found: dict[str, Compared] = {}
    fixture: dict[str, Any] = {}
    ks: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory(prefix="parity-") as name:
        folder = Path(name)
        if "gsm8k" in given.only:
            compared, fixture["gsm8k"] = gsm8k.scored(venv, folder / "gsm8k", machine)
            found |= compared
        if "math" in given.only:
            found |= real_math.scored(venv, folder / "math")
        if "humaneval" in given.only:
            compared, ks, fixture["humaneval"] = humaneval.scored(venv, machine)
            found |= compared
        if "mbpp" in given.only:
            found |= mbpp.scored(venv, machine)
    if given.json:
        figures: dict[str, Any] = {name: one.as_json() for name, one in found.items()}
        figures |= {"pass@k": ks} if ks else {}
        given.json.write_text(json.dumps(figures, indent=2, ensure_ascii=False) + "\n", "utf-8")
    if given.fixture:
        given.fixture.write_text(json.dumps(fixture, indent=1) + "\n", "utf-8")
    show(found)
    for name, values in ks.items():
        print(f"{name}: " + ", ".join(f"{who} {value:.12f}" for who, value in values.items()))


def show(found: dict[str, Compared]) -> None:
    """Tables for a document."""
    print(HEAD)
    for name, one in found.items():
        print(line(name, one))
    for name, one in found.items():
        if one.differences:
            print(f"\n{name}: {sum(each.count for each in one.differences):,} differences")
        for each in one.differences:
            print(f"  {each.count:6,} {each.why}, we are right in {each.we_are_right:,}")
            for key, value in each.example.items():
                print(f"           {key}: {value!r}")


if __name__ == "__main__":
    main()
