"""Lengths of documents: a committed histogram of real ones, and draws from it.

Real are the lengths of `lengths.json`: 800 responses of a Qwen2.5-Math model to 100 MATH problems
(`generations/` in RETORT_DATA), tokenised with the real Qwen2.5 tokenizer, prompts in its chat
template, the end token counted; 391 tokens to a response in the mean. R1's traces are longer, and
their lengths are not public to us: `scale` multiplies the responses' real lengths, which keeps the
shape of the distribution and makes up the rest. Made anew by

    python benchmarks/training/lengths.py
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Final

import numpy as np

HISTOGRAM: Final = Path(__file__).with_name("lengths.json")
_BIN_TOKENS: Final = 10


def draw(count_tokens: int, *, scale: float, longest: int, seed: int) -> list[tuple[int, int]]:
    """(tokens of the prompt, of both) of documents that sum up to at least so many tokens.

    Longer documents than `longest` are drawn again, as a trainer drops them; uniform in a bin.
    """
    histogram = json.loads(HISTOGRAM.read_text(encoding="utf-8"))
    rng = np.random.default_rng(seed)
    found: list[tuple[int, int]] = []
    left = count_tokens
    while left > 0:
        prompt = _one(rng, histogram["prompt_tokens"])
        response = max(1, round(scale * _one(rng, histogram["response_tokens"])))
        if prompt + response <= longest:
            found.append((prompt, prompt + response))
            left -= prompt + response
    return found


def _one(rng: np.random.Generator, bins: dict[str, int]) -> int:
    starts, counts = [int(start) for start in bins], np.array(list(bins.values()))
    start = starts[int(rng.choice(len(starts), p=counts / counts.sum()))]
    return max(1, start + int(rng.integers(_BIN_TOKENS)))


def histogram_of(prompts: list[int], responses: list[int]) -> dict[str, Any]:
    """The content of `lengths.json`."""

    def bins(lengths: list[int]) -> dict[str, int]:
        starts, counts = np.unique(np.array(lengths) // _BIN_TOKENS * _BIN_TOKENS, return_counts=1)
        return {str(start): int(count) for start, count in zip(starts, counts, strict=True)}

    return {
        "what": "tokens of real prompts and responses: start of a bin -> how many",
        "of": "8 responses of a Qwen2.5-Math model to each of 100 MATH problems "
        "(QwenLM/Qwen2.5-Math), by the Qwen2.5 tokenizer, prompts in its chat template",
        "bin_tokens": _BIN_TOKENS,
        "documents": len(responses),
        "mean_prompt_tokens": round(float(np.mean(prompts)), 1),
        "mean_response_tokens": round(float(np.mean(responses)), 1),
        "prompt_tokens": bins(prompts),
        "response_tokens": bins(responses),
    }


def main() -> None:
    """Write `lengths.json` from the real generations."""
    from transformers import AutoTokenizer

    root = Path(os.environ.get("RETORT_DATA", Path(__file__).parents[3] / "shared" / "data"))
    tokenizer: Any = AutoTokenizer.from_pretrained(str(root / "tokenizers" / "qwen2.5"))
    prompts: list[int] = []
    responses: list[int] = []
    for path in sorted((root / "generations").glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            asked = [{"role": "user", "content": row["problem"]}]
            text = tokenizer.apply_chat_template(asked, add_generation_prompt=True, tokenize=False)
            for response in row["responses"]:
                prompts.append(len(tokenizer(text, add_special_tokens=False)["input_ids"]))
                ids = tokenizer(response, add_special_tokens=False)["input_ids"]
                responses.append(len(ids) + 1)
    content = json.dumps(histogram_of(prompts, responses), indent=1)
    HISTOGRAM.write_text(content + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
