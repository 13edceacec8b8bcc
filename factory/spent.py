"""What asking models took: tokens, time of GPUs, and cost where the machine file has prices.

Covered are the GPUs of our own servers, by the hour and loading included, and tokens of endpoints,
by the million. Not covered is what has no price in the machine file: machines without a GPU, GPUs
behind somebody else's endpoint, the time between two stages.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from factory.errors import ManifestMismatch
from factory.parts import read_manifest, write_atomically
from schemas.machine import Endpoints, Vllm
from schemas.spent import Spent

_FILE: Final = "spent.json"
_HOUR_S: Final = 3600.0
_MILLION: Final = 1_000_000


@dataclass(frozen=True)
class Rates:
    """What one set of servers takes. None: not known, or not counted."""

    gpus: int | None = None
    """0 on CPU; None behind endpoints."""
    gpu_price: float | None = None
    """Of one GPU for an hour."""
    prompt_price: float | None = None
    """Of a million tokens."""
    completion_price: float | None = None


def vllm_rates(vllm: Vllm, gpu_price: float | None, *, cpu: bool) -> Rates:
    """What our own servers take."""
    return Rates(gpus=0 if cpu else gpus(vllm), gpu_price=gpu_price)


def gpus(vllm: Vllm) -> int:
    """GPUs that the servers of one model hold."""
    return (
        vllm.replicas
        * vllm.tensor_parallel_size
        * vllm.pipeline_parallel_size
        * vllm.data_parallel_size
    )


def endpoint_rates(endpoints: Endpoints) -> Rates:
    """What servers of others take."""
    return Rates(prompt_price=endpoints.prompt_price, completion_price=endpoints.completion_price)


def spend(
    rates: Rates, *, candidates: int, tokens: int, prompt_tokens: int, wall_s: float
) -> Spent:
    """What a piece of work took at these rates."""
    gpu_s = wall_s * rates.gpus if rates.gpus else None
    costs = [
        price * amount
        for price, amount in (
            (rates.gpu_price, None if gpu_s is None else gpu_s / _HOUR_S),
            (rates.prompt_price, prompt_tokens / _MILLION),
            (rates.completion_price, tokens / _MILLION),
        )
        if price is not None and amount is not None
    ]
    return Spent(
        candidates=candidates,
        tokens=tokens,
        prompt_tokens=prompt_tokens,
        wall_s=wall_s,
        gpu_s=gpu_s,
        cost=sum(costs) if costs else None,
    )


def total(several: Iterable[Spent]) -> Spent:
    """The sum; what is not known of one does not make the others unknown."""
    all_of_them = list(several)
    gpu_s = [one.gpu_s for one in all_of_them if one.gpu_s is not None]
    costs = [one.cost for one in all_of_them if one.cost is not None]
    return Spent(
        candidates=sum(one.candidates for one in all_of_them),
        tokens=sum(one.tokens for one in all_of_them),
        prompt_tokens=sum(one.prompt_tokens for one in all_of_them),
        wall_s=sum(one.wall_s for one in all_of_them),
        gpu_s=sum(gpu_s) if gpu_s else None,
        cost=sum(costs) if costs else None,
    )


def spent_in(figures: Iterable[Mapping[str, Any]]) -> Spent | None:
    """The sum over the figures of several manifests; None where none says what it took."""
    found = [Spent.model_validate(one["spent"]) for one in figures if "spent" in one]
    return total(found) if found else None


def spent_before(earlier: Iterable[tuple[Path, Path]]) -> Spent:
    """What the rounds before took.

    Args:
        earlier: (generate folder, grade folder) of each, finished.
    """
    folders = [folder for pair in earlier for folder in pair]
    return spent_in(read_manifest(folder).figures for folder in folders) or Spent()


# ------------------------------------------------------- across a kill of the stage that is at work


def keep_spent(folder: Path, spent: Spent) -> None:
    """Write beside the parts what a stage has taken so far."""
    write_atomically(folder / _FILE, (spent.model_dump_json() + "\n").encode())


def kept_spent(folder: Path) -> Spent:
    """What a stage that was killed in this folder had taken; nothing where none was.

    Raises:
        ManifestMismatch: The file is not one of ours.
    """
    path = folder / _FILE
    try:
        return Spent.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return Spent()
    except ValueError as error:
        raise ManifestMismatch(
            f"{path}: expected what an earlier attempt took, found {error}; delete the file and "
            f"run again, its figures are lost and nothing else"
        ) from error
