"""What servers say when they do not answer, in their own words."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from factory.generate.refusals import Kind, read_error

OVERLONG = {
    "vLLM 0.32": (
        400,
        "This model's maximum context length is 512 tokens. However, your prompt contains at least "
        "513 input tokens, which exceeds this limit even without any output tokens. Please reduce "
        "the length of the input prompt.",
    ),
    "vLLM 0.32, by its characters": (
        400,
        "This model's maximum context length is 512 tokens. However, your prompt contains 90000 "
        "characters (more than 8192 characters, which is the upper bound for 512 input tokens). "
        "Please reduce the length of the input prompt.",
    ),
    "vLLM 0.32, no token left": (
        400,
        "The decoder prompt (length 512) plus the number of requested output tokens (at least 1) "
        "is longer than the maximum model length of 512.",
    ),
    "vLLM 0.32, none left for sampling": (400, "max_tokens must be at least 1, got 0."),
    "vLLM 0.6": (
        400,
        "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens "
        "(4500 in the messages, 500 in the completion). Please reduce the length of the messages "
        "or completion.",
    ),
    "OpenAI": (
        400,
        "This model's maximum context length is 128000 tokens. However, your messages resulted in "
        "204308 tokens. Please reduce the length of the messages.",
    ),
    "SGLang": (
        400,
        "The input (61709 tokens) is longer than the model's context length (40960 tokens).",
    ),
    "SGLang, small cache": (
        400,
        "Input length (160062 tokens) exceeds the maximum allowed length (59862 tokens).",
    ),
    "llama.cpp": (
        400,
        "request (9412 tokens) exceeds the available context size (8192 tokens), try increasing it",
    ),
    "llama.cpp, older": (500, "context shift is off, exceed_context_size_error"),
    "TGI": (
        422,
        "Input validation error: `inputs` must have less than 1024 tokens. Given: 1168",
    ),
    "TGI, both": (
        422,
        "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 2048. Given: 3000 "
        "`inputs` tokens and 100 `max_new_tokens`",
    ),
    "a proxy": (413, "Request Entity Too Large"),
}
CROWDED = {
    "vLLM 0.10": (
        "'max_tokens' or 'max_completion_tokens' is too large: 32000. This model's maximum context "
        "length is 65536 tokens and your request has 34006 input tokens (32000 > 65536 - 34006).",
        65536,
        34006,
    ),
    "vLLM 0.6": (
        "This model's maximum context length is 16384 tokens. However, you requested 19591 tokens "
        "(9591 in the messages, 10000 in the completion). Please reduce the length of the messages "
        "or completion.",
        16384,
        9591,
    ),
    "vLLM, at least": (
        "This model's maximum context length is 32768 tokens. However, you requested 32000 output "
        "tokens and your prompt contains at least 769 input tokens, for a total of at least 32769 "
        "tokens. Please reduce the length of the input prompt or the number of requested output "
        "tokens.",
        32768,
        None,
    ),
    "OpenAI, completions": (
        "This model's maximum context length is 4097 tokens, however you requested 4231 tokens "
        "(3975 in your prompt; 256 for the completion). Please reduce your prompt; or completion "
        "length.",
        4097,
        3975,
    ),
    "OpenRouter": (
        "This endpoint's maximum context length is 32768 tokens. However, you requested about "
        "50000 tokens (17232 of text input, 32768 in the output).",
        32768,
        17232,
    ),
    "SGLang": (
        "Requested token count exceeds the model's maximum context length of 64000 tokens. You "
        "requested a total of 71897 tokens: 7897 tokens from the input messages and 64000 tokens "
        "for the completion.",
        64000,
        7897,
    ),
    "TGI": (
        "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 2048. Given: 1244 "
        "`inputs` tokens and 1000 `max_new_tokens`",
        2048,
        1244,
    ),
}
SETTINGS = [
    "max_tokens=40000 cannot be greater than max_model_len=32768. Please request fewer output "
    "tokens.",
    "max_tokens is too large: 30000. This model supports at most 16384 completion tokens, whereas "
    "you provided 30000.",
    "Invalid max_tokens value, the valid range of max_tokens is [1, 8192]",
    "`max_new_tokens` must be <= 512. Given: 1000",
]


def body(message: str) -> bytes:
    return json.dumps({"error": {"message": message, "type": "BadRequestError"}}).encode()


@pytest.mark.parametrize(("status", "words"), OVERLONG.values(), ids=OVERLONG)
def test_a_prompt_longer_than_the_context_is_told(status: int, words: str) -> None:
    assert read_error(status, body(words)).kind is Kind.OVERLONG


@pytest.mark.parametrize(("words", "context", "prompt"), CROWDED.values(), ids=CROWDED)
def test_a_prompt_that_fits_is_not_called_overlong(
    words: str, context: int, prompt: int | None
) -> None:
    said = read_error(400, body(words))
    assert (said.kind, said.context, said.prompt_tokens) == (Kind.CROWDED, context, prompt)


@pytest.mark.parametrize("words", SETTINGS)
def test_a_limit_of_the_model_is_a_setting_and_no_fault_of_the_prompt(words: str) -> None:
    said = read_error(400, body(words))
    assert said.kind is Kind.REFUSED
    assert "lower max_tokens" in said.remedy


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "no"),
        (402, "Insufficient Balance"),
        (403, "no"),
        (404, "The model `x` does not exist."),
        (400, "API key not valid. Please pass a valid API key."),
        (400, "Invalid model name passed in model=x"),
        (429, "You exceeded your current quota (insufficient_quota)"),
        (301, ""),
    ],
)
def test_what_no_repeating_mends_is_refused(status: int, words: str) -> None:
    assert read_error(status, body(words)).kind is Kind.REFUSED


def test_a_filter_declines_one_prompt() -> None:
    words = "The response was filtered due to Azure OpenAI's content management policy."
    assert read_error(400, body(words)).kind is Kind.DECLINED


def test_an_engine_that_died_is_no_ordinary_error() -> None:
    words = "EngineCore encountered an issue. See stack trace (above) for the root cause."
    assert read_error(500, body(words)).kind is Kind.DYING
    assert read_error(500, body("boom")).kind is Kind.BAD


def test_words_that_a_server_quotes_from_the_prompt_are_not_its_own() -> None:
    quoted = "field required" + " " * 10 + "x" * 2000 + " the prompt is too long"
    assert read_error(422, body(quoted)).kind is Kind.BAD


def test_the_pause_is_read_from_a_number_and_from_a_date() -> None:
    assert read_error(429, b"", "2.5").wait_s == 2.5
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    wait_s = read_error(503, b"", soon).wait_s
    assert wait_s is not None
    assert 55 < wait_s <= 60
    assert read_error(429, b"", "soon").wait_s is None
    assert read_error(429, b"").wait_s is None
