"""Run by `peer.py` with the Python that has datatrove: `work.json` in, `took.json` out."""
# pyright: reportMissingImports=false

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from datatrove.data import Document
from datatrove.pipeline.inference.run_inference import InferenceConfig, InferenceRunner
from datatrove.pipeline.writers import JsonlWriter


def main() -> None:
    """Generate what the work file asks for, and say what it took."""
    folder = Path(sys.argv[1])
    work: dict[str, Any] = json.loads((folder / "work.json").read_text(encoding="utf-8"))
    tokens = 0

    async def rollout(document: Document, generate: Any) -> Any:
        nonlocal tokens
        asked = document.metadata["asked"]
        number = document.metadata["begun"]
        document.metadata["begun"] += 1
        answer = await generate({**asked, "n": 1, "seed": asked["seed"] + number})
        tokens += answer.usage["completion_tokens"]
        return answer

    rollouts = work["requests"][0]["n"]
    runner = InferenceRunner(
        rollout_fn=rollout,
        config=InferenceConfig(
            server_type="endpoint",
            endpoint_url=work["url"],
            model_name_or_path=work["model"],
            use_chat=False,
            rollouts_per_document=rollouts,
            max_concurrent_generations=work["in_flight"],
        ),
        output_writer=JsonlWriter(
            str(folder / "out"), output_filename="${rank}_chunk_${chunk_index}.jsonl"
        ),
        checkpoints_local_dir=str(folder / "checkpoints"),
        records_per_chunk=1000,
    )
    documents = [
        Document(text=asked["prompt"], id=str(number), metadata={"asked": asked, "begun": 0})
        for number, asked in enumerate(work["requests"])
    ]
    begun, cpu_s = time.perf_counter(), time.process_time()
    runner.run(documents)
    took = {
        "tokens": tokens,
        "seconds": time.perf_counter() - begun,
        "cpu_s": time.process_time() - cpu_s,
    }
    (folder / "took.json").write_text(json.dumps(took), encoding="utf-8")


if __name__ == "__main__":
    main()
