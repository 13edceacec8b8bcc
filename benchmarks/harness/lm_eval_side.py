"""Stored responses scored by lm-evaluation-harness; run by the Python of the peers' environment.

Its own `simple_evaluate` runs its own tasks (filters, metric and stop words from their YAML). What
is ours is the model, which answers with what is stored, cut at the task's stop words by the
harness' own function, and where the documents are read from. Examples in the prompt are left out:
no answer depends on them.

    python lm_eval_side.py WORK.json    # {"documents", "tasks", "metrics", "out"}
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import lm_eval
from lm_eval.api.model import LM
from lm_eval.models.utils import postprocess_generated_text


class Stored(LM):
    """A model that has answered already: `response` of the document it is asked about."""

    def generate_until(self, requests: list[Any], disable_tqdm: bool = False) -> list[str]:
        """The stored responses, each cut as the harness cuts what is generated."""
        return [
            postprocess_generated_text(self.known[one.doc_id], one.args[1].get("until"), None)
            for one in requests
        ]

    def loglikelihood(self, requests: list[Any]) -> list[tuple[float, bool]]:
        """No task here asks for it."""
        raise NotImplementedError

    def loglikelihood_rolling(self, requests: list[Any]) -> list[float]:
        """No task here asks for it."""
        raise NotImplementedError

    def __init__(self, known: list[str]) -> None:
        super().__init__()
        self.known = known


def main() -> None:
    """Score and write: per task its metrics, and per filter what was extracted and each score."""
    work = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    documents = Path(work["documents"])
    lines = documents.read_text(encoding="utf-8").splitlines()
    known = [json.loads(line)["response"] for line in lines]
    found: dict[str, Any] = {}
    for path in work["tasks"]:
        name = Path(path).stem
        config = yaml_of(path, documents, Path(work["out"]).parent)
        run = lm_eval.simple_evaluate(
            model=Stored(known), tasks=[str(config)], log_samples=True, bootstrap_iters=0
        )
        assert run is not None
        found[name] = {"version": run["versions"].get(name), "metrics": run["results"][name]}
        found[name]["samples"] = by_filter(run["samples"][name], work["metrics"])
    found["harness"] = lm_eval.__version__
    Path(work["out"]).write_text(json.dumps(found, default=str), encoding="utf-8")


def yaml_of(path: str, documents: Path, folder: Path) -> Path:
    """A task that includes the harness' own by its path and reads these documents."""
    included = Path(f"{lm_eval.__file__}").parent / "tasks" / path
    name = included.stem
    files = {"train": str(documents), "test": str(documents)}
    config = {
        "include": str(included),
        "task": name,
        "dataset_path": "json",
        "dataset_name": None,
        "dataset_kwargs": {"data_files": files},
        "num_fewshot": 0,
    }
    file = folder / f"{name}.yaml"
    file.write_text(json.dumps(config), encoding="utf-8")  # JSON is YAML
    return file


def by_filter(samples: list[dict[str, Any]], metrics: list[str]) -> dict[str, Any]:
    """Filter -> what it extracted and each metric's scores, in the documents' order."""
    found: dict[str, Any] = {}
    for one in sorted(samples, key=lambda sample: sample["doc_id"]):
        column = found.setdefault(one["filter"], {"extracted": [], **{m: [] for m in metrics}})
        column["extracted"].append(f"{one['filtered_resps'][0]}"[-200:])
        for metric in metrics:
            if metric in one:
                column[metric].append(float(one[metric]))
    return found


if __name__ == "__main__":
    main()
