"""A machine file: what changes neither the data nor the student, so that it enters no key.

Given with `--machine FILE`; each field has a default that suits one machine with two cores.
Secrets are not here: a field names the environment variable that holds one.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from schemas.row import Settings

Positive = Annotated[int, Field(ge=1)]


class Paths(Settings):
    """Where things are written; relative paths start at the project's root."""

    artifacts: str = "artifacts"
    runs: str = "runs"
    datasets: str = "datasets"


class Endpoints(Settings):
    """`[teacher]`: OpenAI-compatible servers for `engine = "openai"`; how hard they are asked."""

    base_urls: list[str] = Field(default_factory=list)
    """Each ends before `/chat/completions`, e.g. `http://127.0.0.1:8000/v1`."""

    @field_validator("base_urls")
    @classmethod
    def _are_addresses(cls, urls: list[str]) -> list[str]:
        for number, url in enumerate(urls):
            parts = urlsplit(url)
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise ValueError(
                    f"address {number + 1} must begin with http:// or https:// and name a host"
                )
            _ = parts.port  # a port that is no number is a ValueError
        return [url.rstrip("/") for url in urls]

    api_key_env: str = "OPENAI_API_KEY"
    requests_in_flight: Positive | None = None
    """Per server. None: as many as hold twice the sequences that a vLLM server of Retort's own
    computes at a time (of the candidates of one request the short ones wait for the longest), and
    20 of endpoints."""
    candidates_per_request: Positive | None = None
    """Completions that one request asks for (`n`). None: 8 of Retort's own vLLM servers, 1 of
    endpoints, because not every server knows `n`."""
    request_timeout_s: Annotated[float, Field(gt=0)] | None = None
    """None: five minutes and half a second for each token that may be written; long answers of a
    busy server take their time."""
    retries: Annotated[int, Field(ge=0)] = 5
    prompt_price: Annotated[float, Field(ge=0)] | None = None
    """Price of a million prompt tokens, in any currency; None: not counted."""
    completion_price: Annotated[float, Field(ge=0)] | None = None
    """Price of a million completion tokens."""

    @property
    def in_flight(self) -> int:
        """Requests in flight per endpoint."""
        return self.requests_in_flight or 20


class Vllm(Settings):
    """`[vllm]`: how local vLLM servers run."""

    replicas: Positive = 1
    tensor_parallel_size: Positive = 1
    pipeline_parallel_size: Positive = 1
    data_parallel_size: Positive = 1
    max_num_seqs: Positive = 128
    enforce_eager: bool | None = None
    """None: true on CPU, false on a GPU."""
    gpu_memory_utilization: Annotated[float, Field(gt=0, le=1)] = 0.9
    cpu_kvcache_gib: Positive = 1
    cpu_threads: Positive | None = None
    """Threads of a server on CPU; None shares the cores among the servers."""
    startup_timeout_s: Annotated[float, Field(gt=0)] = 600.0
    models_at_once: Annotated[int, Field(ge=1, le=2)] | None = None
    """Models that validation serves side by side; None: two on CPU, one on a GPU."""
    args: dict[str, Any] = Field(default_factory=dict)
    """Further vLLM arguments, by their names in vLLM's parser with underscores."""


class Serving(Settings):
    """How one model is reached: `[NAME.teacher]` and `[NAME.vllm]`, as the tables of that name."""

    teacher: Endpoints = Endpoints()
    vllm: Vllm = Vllm()


class Sandbox(Settings):
    """`[sandbox]`: Docker."""

    image: str = "retort-sandbox-python:latest"
    scorers_image: str = "retort-sandbox-scorers:latest"
    """With reasoning-gym, for `procedural`; `python -m sandboxes.image build scorers` makes it."""
    slots: Positive | None = None
    """Containers; None: one per core."""
    runtime: Literal["runc", "runsc"] = "runc"


class Ray(Settings):
    """`[ray]`: the cluster of `executor = "ray"`. All nodes have this Retort installed and the
    project's folders at the same paths, on a file system that they share."""

    address: str = ""
    """`HOST:PORT` of its head, or `auto` on one of its nodes. Empty: Ray is started on this machine
    for the run and ended with it."""
    place_vllm: bool = False
    """Whether Ray places the replicas of `[vllm]` on nodes with room for them; else they run on
    this machine."""
    node_wait_s: Annotated[float, Field(gt=0)] = 300.0
    """How long to wait for a node when none is left to do the work."""


class Training(Settings):
    """`[training]`: how DeepSpeed runs."""

    ranks: Positive | None = None
    """On one machine. None: one per GPU, or two on CPU."""
    hostfile: str = ""
    """Path of a DeepSpeed hostfile (`HOST slots=RANKS` per line): ranks on several machines, which
    reach each other by ssh and share the folder of the artifacts. `ranks` is then left out."""
    micro_batch_tokens: Positive = 4096
    """Padded tokens of one forward pass per rank."""
    offload: Literal["none", "optimizer", "all"] = "none"
    """What lies in the CPU's memory instead of the GPU's: AdamW's state and the float32 weights
    (ZeRO 1 and above), or the parameters too (ZeRO 3)."""
    checkpoint_every_s: Annotated[float, Field(gt=0)] = 1800.0
    """A checkpoint at the latest after so long, beside those by steps of the recipe."""
    checkpoints_kept: Positive = 2
    """The oldest beyond these are removed."""
    stall_timeout_s: Annotated[float, Field(gt=0)] = 600.0
    """Without any progress for so long, the ranks are ended."""
    peak_tflops: Annotated[float, Field(gt=0)] | None = None
    """Dense peak of one rank in the training's precision, in 10^12 operations per second, which
    MFU is a share of. None: by the GPU's name; on CPU there is then no MFU."""

    @model_validator(mode="after")
    def _one_place_says_the_ranks(self) -> Self:
        if self.hostfile and self.ranks is not None:
            raise ValueError("ranks: the hostfile says how many each host has; leave `ranks` out")
        return self


class Machine(Settings):
    """One machine, or one way to use it."""

    paths: Paths = Paths()
    workers: Positive | None = None
    """Processes of `map_parts` and of symbolic grading; None: one per core, of the whole cluster
    where the executor is `ray`."""
    executor: Literal["processes", "ray"] = "processes"
    """Where `map_parts` has its work done: here, or on the Ray cluster of `[ray]`."""
    ray: Ray = Ray()
    rows_per_part: Positive = 4096
    teacher: Endpoints = Endpoints()
    vllm: Vllm = Vllm()
    rest: Serving | None = None
    """The teacher of `[generate.rest]`; None: as `[teacher]` and `[vllm]`."""
    rewrite: Serving | None = None
    """The model of `[rewrite]`; None: as `[teacher]` and `[vllm]`."""
    judge: Endpoints = Endpoints()
    """The model of `[grade.judge]`, and of `[validate.best_of]` by a judge."""
    reward: Endpoints = Endpoints()
    """The model of `[validate.best_of]` by a reward model."""
    gpu_price: Annotated[float, Field(ge=0)] | None = None
    """Price of one GPU for an hour, in any currency; None: no cost is shown."""
    sandbox: Sandbox = Sandbox()
    training: Training = Training()

    def serving(self, role: str) -> Serving:
        """How the model of a role is reached: `teacher`, `rest` or `rewrite`."""
        own = {"rest": self.rest, "rewrite": self.rewrite}.get(role)
        return own or Serving(teacher=self.teacher, vllm=self.vllm)

    def __hash__(self) -> int:
        return hash(self.paths.artifacts)
