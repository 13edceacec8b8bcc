"""A sample: an accepted row, as the student sees it and as a dataset publishes it."""

from __future__ import annotations

from enum import StrEnum

from schemas.row import Row


class Drop(StrEnum):
    """Every reason for which a row leaves the path. One list for all stages, so that a ledger
    can be read without the code; `tests/contract` proves that each is counted somewhere."""

    # collect
    GOLD_REJECTED = "gold_rejected"
    """The grader does not accept the source's own gold answer or reference program."""
    DUPLICATE_PROBLEM = "duplicate_problem"
    CONTAMINATED_PROBLEM = "contaminated_problem"
    OTHER_KIND = "other_kind"
    """The source's `where` does not take rows of this kind."""
    BAD_ROW = "bad_row"
    """A row that cannot be read, of a source with `skip_bad`."""
    BEYOND_LIMIT = "beyond_limit"
    """The recipe asked for fewer rows of this source."""
    # generate
    FAILED = "failed"
    """The teacher answered this request with an error that repeating did not mend."""
    OVERLONG_PROMPT = "overlong_prompt"
    # select
    EXCLUDED = "excluded"
    """A person marked it to be left out (`[select] exclude`)."""
    INCORRECT = "incorrect"
    UNPARSABLE = "unparsable"
    TRUNCATED = "truncated"
    ERROR = "error"
    SYNTAX = "syntax"
    TIMEOUT = "timeout"
    MEMORY = "memory"
    OUTPUT_LIMIT = "output_limit"
    NO_MAJORITY = "no_majority"
    REWRITTEN = "rewritten"
    """A correct candidate of a recipe with `[rewrite]`: what was made of it stands in its place."""
    BAD_FORMAT = "bad_format"
    MIXED_LANGUAGE = "mixed_language"
    LONG_PARAGRAPH = "long_paragraph"
    CODE_BLOCK = "code_block"
    REPETITION = "repetition"
    WITHOUT_WORK = "without_work"
    """The answer to a reasoning problem is only said, without a step that leads to it."""
    TOO_LONG = "too_long"
    TOO_SHORT = "too_short"
    PASS_RATE = "pass_rate"
    SURPLUS = "surplus"
    """Beyond the samples wanted per problem, or the quota of a domain or category."""
    MERGED = "merged"
    """A wrong candidate that became the first part of a journey, which is a row in its place."""
    # shard
    CONTAMINATED_SAMPLE = "contaminated_sample"
    EXACT_DUPLICATE = "exact_duplicate"
    NEAR_DUPLICATE = "near_duplicate"
    # train
    OVER_LENGTH = "over_length"
    """More tokens than a sequence of the student; never cut in silence."""
    HELD_OUT = "held_out"
    """Of a problem that is kept for the evaluation loss; short enough, but not learned."""


class Form(StrEnum):
    """What the assistant's turn of a sample is."""

    COMPLETION = "completion"
    """As the teacher wrote it."""
    REWRITTEN = "rewritten"
    """As another model wrote it anew (`[rewrite]`)."""
    JOURNEY = "journey"
    """A wrong attempt, the moment it is noticed, and a right one (`[select.journeys]`)."""


class Message(Row):
    """One turn of a conversation."""

    role: str
    content: str


class Sample(Row):
    """One accepted row. Column names are those of the ecosystem (open-r1, OpenThoughts, …)."""

    uuid: str
    """The candidate's id, 32 hexadecimal digits; of a journey the digest of those it is made of."""
    problem_id: str
    source: str
    domain: str
    category: str
    problem: str
    """The statement."""
    answer: str
    """The gold answer; for code the JSON of the tests."""
    messages: list[Message]
    """As the teacher saw the prompt, then one assistant turn with inline `<think>`."""
    generation_model: str
    finish_reason: str
    num_tokens: int | None
    """Tokens of the completion in the teacher's count; of a journey the sum of its parts."""
    pass_rate: float
    """correct / graded over all candidates of the problem, in [0, 1]."""
    num_generations: int
    """How many candidates of the problem were graded."""
    verification_info: str
    """JSON: grader, method, extracted answer."""
    form: Form
    made_of: list[str]
    """Ids of the candidates in it, in the order in which they stand: one, of a journey two."""
    dedup_cluster_id: str | None
    contamination: str | None
    """JSON: benchmark, item, rule and span, of rows that overlap where the recipe marks them."""
    license: str
