"""A recipe: one TOML file that holds all that changes the data or the student.

Every table is closed (an unknown key is an error) and every field states its unit in its name or
in the line below it. What changes neither data nor student belongs to `schemas.machine`.
A path may begin with `${RETORT_DATA}`; any other path is relative to the project's root.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import Field, JsonValue, field_validator, model_validator

from schemas.data_settings import (
    Benchmark,
    Overlap,
    Positive,
    Quota,
    Select,
    Shard,
    Slug,
)
from schemas.grader_settings import (
    GradeFormat,
    GradeJudge,
    GradeLanguage,
    GradeMajority,
    GradeNumber,
    GradeProcedural,
)
from schemas.known_suites import with_known
from schemas.math_policy import MathPolicy
from schemas.problem import AnyGrader, Domain, GraderName
from schemas.row import Settings
from schemas.train_settings import Train
from schemas.validate_settings import BestOf, BudgetForcing

Dtype = Literal["auto", "float32", "bfloat16", "float16"]


# --------------------------------------------------------------------------- sources of problems


class _Source(Settings):
    name: Slug
    """Prefix of the problem ids, unique in its list."""
    limit: Positive | None = None
    """At most this many problems, the first ones in a seeded shuffle; None takes all in order."""


class Gsm8kSource(_Source):
    """GSM8K in its own JSONL form (`question`, `answer` with `####`)."""

    kind: Literal["gsm8k"]
    path: str
    license: str = "MIT"


class MathSource(_Source):
    """MATH in JSONL form (`problem`, `solution` with a last `\\boxed`, `level`, `type`)."""

    kind: Literal["math"]
    path: str
    license: str = "MIT"


class HumanEvalSource(_Source):
    """HumanEval in its own gzipped JSONL form."""

    kind: Literal["humaneval"]
    path: str
    license: str = "MIT"


class MbppSource(_Source):
    """MBPP in its own JSONL form."""

    kind: Literal["mbpp"]
    path: str
    license: str = "CC-BY-4.0"


Reasoning = bool | Literal["auto"]
"""Whether problems of a source are answered with a chain of thought: always, never, or `auto`,
as each prompt deserves (`factory.collect.deserves`)."""


class Columns(Settings):
    """Which column of a foreign file holds what; an empty name means that it has none.

    A dot goes into a nested column: `reward_model.ground_truth`. Names separated by commas are
    several columns: of `statement` joined by an empty line, of `gold` tests put together.
    """

    problem_id: str = "problem_id"
    statement: str = "problem"
    """Text, or the turns of a conversation whose last user turn is the statement."""
    gold: str = "gold"
    level: str = ""
    category: str = ""
    solution: str = ""
    tests: Literal["own", "apps", "contests", "cases"] = "own"
    """Shape of the tests that `gold` holds for the grader `code` (`factory.collect.code_tests`)."""


class _Rows(_Source):
    """A source of foreign rows, of which some may be left out."""

    license: str
    where: dict[str, list[JsonValue]] = Field(default_factory=dict)
    """Take only rows whose column has one of these values; the others are counted."""
    skip_bad: bool = False
    """Leave out and count rows that cannot be read, where the source is known to have some; else
    the first one is an error."""
    category: str = ""
    """Category of every problem, where no column says it."""


class _Problems(_Rows):
    """Rows with columns of their own, one problem each."""

    domain: Domain
    grader: AnyGrader
    reasoning: Reasoning = True
    columns: Columns = Columns()

    @model_validator(mode="after")
    def _answers_are_not_given(self) -> Self:
        if self.grader == GraderName.GIVEN:
            raise ValueError(
                "the grader `given` is for sources of kind `sft`, whose rows have answers"
            )
        return self


class GpqaSource(_Source):
    """GPQA in the columns of its own CSV files: the right answer and three wrong ones stand in
    four columns. They are put in a seeded order, and the gold is a letter."""

    kind: Literal["gpqa"]
    path: str = ""
    """A CSV, JSONL or Parquet file or a folder; or else `dataset`."""
    dataset: str = ""
    """Name on the hub (gated), or a local copy in its shape."""
    revision: str = ""
    """Full commit hash; empty only for a local copy."""
    config: str = ""
    split: str = "train"
    seed: int = 0
    """Decides the order of the answers, with the problem's id."""
    license: str = "CC-BY-4.0"

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if bool(self.path) == bool(self.dataset):
            raise ValueError("give either `path` or `dataset`")
        return self


class LiveCodeBenchSource(_Source):
    """LiveCodeBench's code generation problems in their own JSONL files (`test*.jsonl` of
    `livecodebench/code_generation_lite`), hidden tests included."""

    kind: Literal["livecodebench"]
    path: str
    since: date | None = None
    """Only problems of contests on or after this day."""
    until: date | None = None
    """Only problems of contests on or before this day."""
    license: str = "CC-BY-4.0"


class FileSource(_Problems):
    """Problems from JSONL or Parquet files, one row per problem."""

    kind: Literal["file"]
    path: str


class HubSource(_Problems):
    """Problems from a Hugging Face dataset by name and revision, or from a local copy of one."""

    kind: Literal["hub"]
    dataset: str
    revision: str
    """Full commit hash; empty only for a local folder."""
    config: str = ""
    split: str = "train"


class SftSource(_Rows):
    """Conversations that exist already and are passed through: the last assistant turn of a row
    is its one candidate, and the turns before it are its prompt. Nothing is drawn for it."""

    kind: Literal["sft"]
    path: str = ""
    """A file or folder; or else `dataset`."""
    dataset: str = ""
    """Name on the hub, or a local copy in its shape."""
    revision: str = ""
    """Full commit hash; empty only for a local copy."""
    config: str = ""
    split: str = "train"
    domain: Domain = Domain.GENERAL
    grader: Literal["given", "judge"] = "given"
    """`given` takes every answer as it stands; `judge` has a model decide which are good."""
    model: str = ""
    """Who wrote the answers, for `generation_model`; empty: the source's name."""
    messages: str = "messages"
    """Column with the turns, `role`/`content` or `from`/`value`; empty: `prompt` and `response`."""
    system: str = ""
    """Column with a system message of its own, put before the turns."""
    prompt: str = "prompt"
    """Several columns, separated by commas, are joined by an empty line."""
    response: str = "response"
    problem_id: str = ""
    category_column: str = ""

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if bool(self.path) == bool(self.dataset):
            raise ValueError("give either `path` or `dataset`")
        return self


class ProceduralSource(_Source):
    """Problems made by a seeded program (`factory.collect.procedural`)."""

    kind: Literal["procedural"]
    family: Literal["arithmetic", "python", "chat", "identity"]
    split: Literal["bootstrap", "train", "heldout"]
    """`bootstrap` taught the embedded models; the three never share a problem."""
    count: Positive
    seed: int = 0
    settings: dict[str, str] = Field(default_factory=dict)
    """Of `identity`: `name` and `maker` of the model that is asked who it is."""
    license: str = "Apache-2.0"

    @model_validator(mode="after")
    def _only_identity_has_settings(self) -> Self:
        wanted = {"name", "maker"} if self.family == "identity" else set[str]()
        if set(self.settings) != wanted or not all(one.strip() for one in self.settings.values()):
            raise ValueError(
                f"family {self.family} takes the settings {sorted(wanted)}, each with a text; "
                f"found {self.settings}"
            )
        return self


class ReasoningGymSource(_Source):
    """Problems that a dataset of reasoning-gym makes, in the sandbox, graded by its own scorer."""

    kind: Literal["reasoning_gym"]
    dataset: str
    """Its name there, e.g. `countdown`."""
    config: dict[str, JsonValue] = Field(default_factory=dict)
    """Settings of the dataset but `seed` and `size`."""
    count: Positive
    seed: int = 0
    domain: Domain = Domain.LOGIC
    license: str = "Apache-2.0"

    @field_validator("config")
    @classmethod
    def _seed_and_size_are_ours(cls, config: dict[str, JsonValue]) -> dict[str, JsonValue]:
        if {"seed", "size"} & set(config):
            raise ValueError("`seed` and `size` are the source's own `seed` and `count`")
        return config


Source = Annotated[
    Gsm8kSource
    | MathSource
    | HumanEvalSource
    | MbppSource
    | GpqaSource
    | LiveCodeBenchSource
    | FileSource
    | HubSource
    | SftSource
    | ProceduralSource
    | ReasoningGymSource,
    Field(discriminator="kind"),
]


class Collect(Settings):
    """`[collect]`: where problems come from."""

    sources: list[Source] = Field(min_length=1)
    check_gold: bool = True
    """Admit a problem only if its grader accepts its own gold answer (or reference program)."""
    decontaminate: bool = True
    """Leave out problems that overlap with one of `benchmarks` or a suite of `[validate]`."""
    benchmarks: list[Benchmark] = Field(default_factory=list[Benchmark])
    overlap: Overlap = Overlap()

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        names = [source.name for source in self.sources]
        if len(names) != len(set(names)):
            raise ValueError(f"the names of sources must differ, found {names}")
        names = [benchmark.name for benchmark in self.benchmarks]
        if len(names) != len(set(names)):
            raise ValueError(f"the names of benchmarks must differ, found {names}")
        return self


# ----------------------------------------------------------------------------------- generation


class VllmTeacher(Settings):
    """A teacher that Retort serves with vLLM."""

    engine: Literal["vllm"]
    model: str
    """`embedded:NAME`, a folder in Hugging Face layout, or a hub name."""
    revision: str = ""
    """Commit hash of a hub model; empty for folders, whose revision is their digest."""
    max_model_len: Positive
    """Context of the server in tokens, prompt and completion together."""
    dtype: Dtype = "auto"
    vllm_args: dict[str, Any] = Field(default_factory=dict)
    """Further vLLM arguments that change what is generated, by their names in vLLM's parser with
    underscores, e.g. `quantization`. What only changes speed is in the machine file."""


class OpenaiTeacher(Settings):
    """A teacher behind OpenAI-compatible endpoints; their addresses are in the machine file."""

    engine: Literal["openai"]
    model: str
    revision: str
    """The user's own word for the version that is served; it enters the identity."""
    body: dict[str, JsonValue] = Field(default_factory=dict)
    """Further fields of each request, e.g. `{ return_token_ids = true }` for token counts per
    candidate where several are asked for at once. They enter the identity."""

    @field_validator("body")
    @classmethod
    def _none_of_ours(cls, body: dict[str, JsonValue]) -> dict[str, JsonValue]:
        ours = {"model", "messages", "prompt", "n", "seed", "temperature", "top_p", "max_tokens"}
        if taken := sorted(ours & body.keys()):
            raise ValueError(f"{taken} are set by [generate]; leave them out")
        if "stream" in body:
            raise ValueError("answers are read whole; leave `stream` out")
        return body


class ImportFile(Settings):
    """Generations that exist already: one row per problem, or per response."""

    source: Slug
    """Name of the source in `[collect]` whose problems these rows answer."""
    path: str = ""
    """A file or a folder of files; or else `dataset`."""
    dataset: str = ""
    """Name on the hub, or a local copy in its shape."""
    revision: str = ""
    """Full commit hash; empty only for a local copy."""
    config: str = ""
    split: str = "train"
    problem_id: str = "problem_id"
    """Column with the problem's id; empty: the number of the row, from 0."""
    responses: str = "responses"
    """Column with a list of texts, one text, or the turns of one conversation."""
    labels: str = ""
    """Column with booleans of the same shape as `responses`; empty where there is none."""
    finish_reasons: str = ""
    """Column with finish reasons of the same shape; empty where there is none."""
    skip_bad: bool = False
    """Leave out and count rows that cannot be read, where the file is known to have some; else
    the first one is an error."""

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if bool(self.path) == bool(self.dataset):
            raise ValueError("give either `path` or `dataset`")
        return self


class ImportTeacher(Settings):
    """Generations that exist already."""

    engine: Literal["import"]
    model: str
    revision: str = ""
    files: list[ImportFile] = Field(min_length=1)


Teacher = Annotated[VllmTeacher | OpenaiTeacher | ImportTeacher, Field(discriminator="engine")]
Served = Annotated[VllmTeacher | OpenaiTeacher, Field(discriminator="engine")]
"""A model that answers when it is asked."""


class Sampling(Settings):
    """How tokens are drawn."""

    temperature: Annotated[float, Field(ge=0.0, le=2.0)] = 1.0
    top_p: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    top_k: int = -1
    """-1 switches it off."""
    max_tokens: Positive = 1024
    """Completion limit in tokens."""


class Prompt(Settings):
    """How a problem becomes messages."""

    system: str = ""
    """Empty: no system message."""
    templates: dict[Domain, str] = Field(default_factory=dict)
    """Text of the user's message per domain, with `{statement}`; default: the statement alone."""
    think_prefix: str = ""
    """Forced start of the completion for reasoning problems, e.g. `<think>\\n`; where the chat
    template already ends with it, it is not repeated."""
    plain_prefix: str = ""
    """Forced start for problems without a chain of thought, e.g. `<think>\\n\\n</think>\\n\\n`
    for a model that would think by itself."""
    template_args: dict[str, JsonValue] = Field(default_factory=dict)
    """Further arguments of the model's chat template, e.g. `{ enable_thinking = false }`."""

    @field_validator("template_args")
    @classmethod
    def _none_that_retort_sets(cls, args: dict[str, JsonValue]) -> dict[str, JsonValue]:
        ours = {"messages", "tools", "documents", "add_generation_prompt"}
        if taken := sorted(ours & args.keys()):
            raise ValueError(f"{taken} are set by Retort; leave them out")
        return args

    @model_validator(mode="after")
    def _templates_have_the_statement(self) -> Self:
        for domain, template in self.templates.items():
            if "{statement}" not in template:
                raise ValueError(f"templates.{domain} must contain {{statement}}")
        return self


class Rest(Settings):
    """`[generate.rest]`: who answers problems without a chain of thought, and how. What is left
    out is as in `[generate]`."""

    teacher: Served | None = None
    sampling: Sampling | None = None
    prompt: Prompt | None = None


class RoundRule(Settings):
    """`[generate.domains.NAME]`: round sizes and stop rules of one domain. What is left out is as
    in `[generate]`."""

    candidates: Positive | None = None
    round_sizes: list[Positive] | None = None
    accepted_wanted: Positive | None = None
    give_up_after: Positive | None = None
    budget_tokens: Positive | None = None


class Generate(Settings):
    """`[generate]`: who answers, how often and how."""

    teacher: Teacher
    sampling: Sampling = Sampling()
    prompt: Prompt = Prompt()
    rest: Rest | None = None
    candidates: Positive = 8
    """Candidates per problem in each round."""
    round_sizes: list[Positive] = Field(default_factory=list)
    """Candidates per problem in round 1, 2, …, the last number for all later ones; empty:
    `candidates` in each. In later rounds the most that a problem gets."""
    max_rounds: Annotated[int, Field(ge=1, le=20)] = 1
    accepted_wanted: Positive = 1
    """Later rounds draw only for problems with fewer correct candidates than this."""
    give_up_after: Positive = 64
    """Later rounds draw no more for a problem without a correct one in this many candidates."""
    adapt: bool = True
    """In later rounds ask for as many candidates as a problem's own pass rate makes likely to be
    needed, up to the size of the round; false: for the whole size."""
    domains: dict[Domain, RoundRule] = Field(default_factory=dict)
    quota: dict[Quota, Positive] = Field(default_factory=dict)
    """Correct candidates wanted per domain or category, each problem counted up to
    `accepted_wanted`; problems are opened round by round until they are there."""
    budget_tokens: Positive | None = None
    """Completion tokens that all rounds may take together."""
    expected_tokens: Positive | None = None
    """Tokens of a completion on average, for `retort plan` and for a budget while none is known;
    None: `max_tokens`."""

    @model_validator(mode="after")
    def _rest_is_asked(self) -> Self:
        if self.rest and isinstance(self.teacher, ImportTeacher):
            raise ValueError("generate.rest must be left out for imported generations")
        return self

    def asking(self, *, reasoning: bool) -> tuple[Teacher, Sampling, Prompt]:
        """Who answers a problem with or without a chain of thought, and how it is asked."""
        rest = Rest() if reasoning or self.rest is None else self.rest
        return (
            rest.teacher or self.teacher,
            rest.sampling or self.sampling,
            rest.prompt or self.prompt,
        )


class Rewrite(Settings):
    """`[rewrite]`: another model writes accepted traces anew in one format, as Sky-T1 did. They
    are graded again, and take the place of what they were made from."""

    teacher: Served
    sampling: Sampling = Sampling(temperature=0.0)
    system: str = ""
    template: str
    """The user's message, with `{statement}` and `{response}`."""
    per_problem: Positive = 4
    """At most so many correct candidates of a problem are rewritten, drawn by seed."""
    domains: list[Domain] = Field(default_factory=list)
    """Only problems of these; empty: of all."""

    @model_validator(mode="after")
    def _template_has_both(self) -> Self:
        for name in ("{statement}", "{response}"):
            if name not in self.template:
                raise ValueError(f"template must contain {name}")
        return self


# --------------------------------------------------------------------------------------- grading


class GradeMath(Settings):
    """`[grade.math]`: limits of one symbolic comparison, and what it takes for equal."""

    deadline_s: Annotated[float, Field(gt=0)] = 5.0
    memory_bytes: Positive = 1024 * 1024 * 1024
    policy: MathPolicy = MathPolicy()


class GradeCode(Settings):
    """`[grade.code]`: limits of one program over all its cases."""

    wall_s: Annotated[float, Field(gt=0)] = 10.0
    cpu_s: Annotated[float, Field(gt=0)] = 5.0
    memory_bytes: Positive = 256 * 1024 * 1024
    output_bytes: Positive = 1024 * 1024


class Grade(Settings):
    """`[grade]`: how verdicts are reached."""

    math: GradeMath = GradeMath()
    code: GradeCode = GradeCode()
    number: GradeNumber = GradeNumber()
    format: GradeFormat = GradeFormat()
    language: GradeLanguage = GradeLanguage()
    procedural: GradeProcedural = GradeProcedural()
    judge: GradeJudge = GradeJudge()
    majority: GradeMajority = GradeMajority()
    extra: dict[str, dict[str, JsonValue]] = Field(default_factory=dict)
    """`[grade.extra.NAME]`: settings of a grader from another package, handed to it as they are."""

    @field_validator("extra")
    @classmethod
    def _our_own_have_their_tables(
        cls, extra: dict[str, dict[str, JsonValue]]
    ) -> dict[str, dict[str, JsonValue]]:
        for name in extra:
            if name in set(GraderName):
                raise ValueError(
                    f"{name} is a grader of Retort; its settings, where it has any, are in "
                    f"[grade.{name}]"
                )
        return extra


# ------------------------------------------------------------------------ training and validation


class Suite(Settings):
    """`[[validate.suites]]`: one set of held-out problems."""

    name: Slug
    sources: list[Source] = Field(default_factory=list[Source])
    """Empty: the name is one that Retort knows (`schemas.known_suites`), with its sources."""
    path: str = ""
    """Of a suite that is known by name: another file or folder in its shape."""
    dataset: str = ""
    """Of one whose problems are on the hub: a local copy in its shape."""
    revision: str = ""
    """Full commit hash of its dataset on the hub; `retort pin` writes it."""
    template: str = ""
    """Text of the user's message, with `{statement}`; empty: as `[validate.prompt]` has it."""
    k: Positive | None = None
    """Candidates per problem; None: as many as `[validate]` says."""
    metric_k: list[Positive] = Field(default_factory=lambda: [1])
    """Report pass@k for these k; maj@k too for those above 1 where answers can be compared."""

    @model_validator(mode="before")
    @classmethod
    def _takes_what_is_known(cls, data: Any) -> Any:
        return with_known(data) if isinstance(data, dict) else data

    @model_validator(mode="after")
    def _template_has_the_statement(self) -> Self:
        if self.template and "{statement}" not in self.template:
            raise ValueError("template must contain {statement}")
        return self

    @model_validator(mode="after")
    def _name_is_free(self) -> Self:
        if self.name == "all":
            raise ValueError("`all` is the name of the overall row; choose another")
        return self

    @model_validator(mode="after")
    def _can_be_failed(self) -> Self:
        for source in self.sources:
            grader = getattr(source, "grader", "")
            if grader in (GraderName.GIVEN, GraderName.MAJORITY):
                raise ValueError(
                    f"suite {self.name}, source {source.name}: the grader `{grader}` measures "
                    f"nothing, because it has no gold; take problems with one, or the grader "
                    f"`judge`"
                )
        return self


class Validate(Settings):
    """`[validate]`: how students are measured; same graders as rejection sampling."""

    suites: list[Suite] = Field(min_length=1)
    k: Positive = 8
    """Candidates per problem."""
    sampling: Sampling = Sampling(temperature=0.6, top_p=0.95, max_tokens=32768)
    prompt: Prompt = Prompt()
    seed: int = 0
    max_model_len: Positive = 32768
    dtype: Dtype = "auto"
    """What the models compute in; `auto` takes what their weights are stored in."""
    teacher: bool = True
    """Measure the teacher too; not possible for imported generations."""
    best_of: BestOf | None = None
    """Report best@n too; None: no other model is asked."""
    budget: BudgetForcing | None = None
    """Force how long a model thinks; None: as long as it likes."""

    def k_of(self, suite: Suite) -> int:
        """Candidates per problem of a suite."""
        return suite.k or self.k

    @model_validator(mode="after")
    def _an_answer_has_room(self) -> Self:
        cap = self.budget and self.budget.max_thinking_tokens
        if cap and cap >= self.sampling.max_tokens:
            raise ValueError(
                f"budget.max_thinking_tokens must be below sampling.max_tokens, which is "
                f"{self.sampling.max_tokens}: else nothing is left for an answer"
            )
        return self

    @model_validator(mode="after")
    def _k_is_enough(self) -> Self:
        for suite in self.suites:
            most = self.k_of(suite)
            if max(suite.metric_k) > most:
                raise ValueError(f"suite {suite.name}: metric_k exceeds k = {most}")
            if self.best_of and max(self.best_of.n, default=1) > most:
                raise ValueError(f"suite {suite.name}: best_of.n exceeds k = {most}")
        names = [suite.name for suite in self.suites]
        if len(names) != len(set(names)):
            raise ValueError(f"the names of suites must differ, found {names}")
        return self


class Recipe(Settings):
    """One run. `[train]` and `[validate]` may be left out where only the dataset is wanted."""

    name: Slug
    description: str = ""
    seed: int = 0
    collect: Collect
    generate: Generate
    rewrite: Rewrite | None = None
    grade: Grade = Grade()
    select: Select = Select()
    shard: Shard
    train: Train | None = None
    validation: Validate | None = Field(default=None, alias="validate")

    @model_validator(mode="after")
    def _imports_answer_known_sources(self) -> Self:
        teacher = self.generate.teacher
        if isinstance(teacher, ImportTeacher):
            names = {source.name for source in self.collect.sources}
            for file in teacher.files:
                if file.source not in names:
                    raise ValueError(
                        f"generate.teacher.files: source {file.source!r} is none of {sorted(names)}"
                    )
            if self.generate.max_rounds != 1:
                raise ValueError("generate.max_rounds must be 1 for imported generations")
        return self

    @model_validator(mode="after")
    def _only_a_served_teacher_is_validated(self) -> Self:
        if self.validation and self.validation.teacher and self.generate.teacher.engine != "vllm":
            raise ValueError(
                "validate.teacher must be false unless generate.teacher.engine is `vllm`: Retort "
                "can measure only a teacher that it serves itself"
            )
        return self

    def __hash__(self) -> int:
        return hash(self.name)


class ValidateRecipe(Settings):
    """What `retort validate` needs of a recipe: a file with only these is enough for it."""

    name: Slug
    description: str = ""
    seed: int = 0
    grade: Grade = Grade()
    validation: Validate = Field(alias="validate")
